//! What changes pull requests.

use serde_json::Value;

use super::{Ask, Object, Selected, Told, pull};
use crate::github::deeds::{At, By};
use crate::github::git::MergeMethod;
use crate::github::pulls::MergeWish;
use crate::github::reply::{Body, Reply};
use crate::github::users::Permission;
use crate::github::wire;

/// A mutation of pull requests.
pub(super) fn field(ask: &mut Ask<'_>, field: &Selected) -> Told {
    let input = field.argument("input").clone();
    let subject = match field.name.as_str() {
        "dequeuePullRequest" => "id",
        "resolveReviewThread" | "unresolveReviewThread" => "threadId",
        "markPullRequestReadyForReview"
        | "convertPullRequestToDraft"
        | "enablePullRequestAutoMerge"
        | "disablePullRequestAutoMerge"
        | "enqueuePullRequest"
        | "mergePullRequest"
        | "closePullRequest"
        | "reopenPullRequest"
        | "updatePullRequestBranch" => "pullRequestId",
        _ => return Told::Unknown,
    };
    let id = input[subject].as_str().unwrap_or_default().to_owned();
    let named = wire::named(&id);
    let at = match named {
        Some(("PR", id)) => ask.state.issue(id).map(|(repo, issue)| At { repo: repo.id, number: issue.number }),
        Some(("PRRT", id)) => ask.state.thread_at(id),
        _ => None,
    };
    let Some(at) = at else {
        return ask.not_found(field, format!("Could not resolve to a node with the global id of '{id}'"));
    };
    let repo = &ask.state.repos[&at.repo];
    let kind = if field.name == "mergePullRequest" { "contents" } else { "pull_requests" };
    if ask.state.viewer_permission(&ask.viewer, repo, kind) < Permission::Write {
        let message = format!("{} does not have the correct permissions to execute `{}`", login(ask), field.name);
        return ask.error(field, "FORBIDDEN", message);
    }
    let by = By { user: ask.viewer.user, app: ask.viewer.app };
    let thread = named.map_or(0, |(_, id)| id);
    match change(ask, (at, thread), by, field, &input) {
        Ok(()) => payload(ask, at, thread, field, &input),
        Err(message) => ask.error(field, "UNPROCESSABLE", message),
    }
}

fn login(ask: &Ask<'_>) -> String {
    ask.state.users.get(&ask.viewer.user).map_or_else(String::new, |user| user.login.clone())
}

fn change(ask: &mut Ask<'_>, (at, thread): (At, u64), by: By, field: &Selected, input: &Value) -> Result<(), String> {
    let state = &mut *ask.state;
    match field.name.as_str() {
        "markPullRequestReadyForReview" => state.set_draft(at, by, false),
        "convertPullRequestToDraft" => state.set_draft(at, by, true),
        "enablePullRequestAutoMerge" => state.enable_auto_merge(at, by, wish(input))?,
        "disablePullRequestAutoMerge" => state.disable_auto_merge(at, by)?,
        "enqueuePullRequest" => state.enqueue(at, by, &wish(input)).map_err(|refused| refused.message())?,
        "dequeuePullRequest" if state.leave_queue(at, by) => {}
        "dequeuePullRequest" => return Err("Pull request is not in the merge queue".to_owned()),
        "mergePullRequest" => {
            state.merge_pull(at, by, &wish(input)).map_err(|refused| refused.message())?;
        }
        "closePullRequest" => state.close_pull(at, by).map_err(|refusal| words(&refusal))?,
        "reopenPullRequest" => state.reopen_pull(at, by).map_err(|refusal| words(&refusal))?,
        "updatePullRequestBranch" => {
            let expected = input["expectedHeadOid"].as_str();
            state.update_branch(at, by, expected).map_err(|refused| refused.message())?;
        }
        word => {
            state.set_resolved(thread, by, word == "resolveReviewThread");
        }
    }
    Ok(())
}

fn wish(input: &Value) -> MergeWish {
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    MergeWish {
        sha: text("expectedHeadOid"),
        method: input["mergeMethod"].as_str().and_then(MergeMethod::named),
        title: text("commitHeadline"),
        message: text("commitBody"),
    }
}

fn words(refusal: &Reply) -> String {
    match &refusal.body {
        Body::Json(body) => body["message"].as_str().unwrap_or_default().to_owned(),
        _ => refusal.status.to_string(),
    }
}

fn payload(ask: &Ask<'_>, at: At, thread: u64, field: &Selected, input: &Value) -> Told {
    let mut objects = vec![("pullRequest", Some(Object::PullRequest(at)))];
    if matches!(field.name.as_str(), "enqueuePullRequest" | "dequeuePullRequest") {
        objects = vec![("mergeQueueEntry", pull::queue_entry(ask, at))];
    }
    if field.name.ends_with("ReviewThread") {
        let known = ask.state.pull(at).and_then(|pull| pull.threads.iter().find(|known| known.id == thread));
        let told = known.map(|known| Object::Plain("PullRequestReviewThread", pull::thread(ask.view(), at, known)));
        objects = vec![("thread", told)];
    }
    let type_name = PAYLOADS.into_iter().find(|(name, _)| *name == field.name).map_or("", |(_, payload)| payload);
    Told::Object(Object::Payload(type_name, input["clientMutationId"].clone(), objects))
}

const PAYLOADS: [(&str, &str); 12] = [
    ("markPullRequestReadyForReview", "MarkPullRequestReadyForReviewPayload"),
    ("convertPullRequestToDraft", "ConvertPullRequestToDraftPayload"),
    ("enablePullRequestAutoMerge", "EnablePullRequestAutoMergePayload"),
    ("disablePullRequestAutoMerge", "DisablePullRequestAutoMergePayload"),
    ("enqueuePullRequest", "EnqueuePullRequestPayload"),
    ("dequeuePullRequest", "DequeuePullRequestPayload"),
    ("mergePullRequest", "MergePullRequestPayload"),
    ("closePullRequest", "ClosePullRequestPayload"),
    ("reopenPullRequest", "ReopenPullRequestPayload"),
    ("updatePullRequestBranch", "UpdatePullRequestBranchPayload"),
    ("resolveReviewThread", "ResolveReviewThreadPayload"),
    ("unresolveReviewThread", "UnresolveReviewThreadPayload"),
];
