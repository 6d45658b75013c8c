//! Pull requests.

use serde_json::{Value, json};

use crate::github::call::Call;
use crate::github::deeds::At;
use crate::github::git::CommitFacts;
use crate::github::pulls::{NewPull, Pull, PullChange};
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Issue, State};
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "pull_requests");
const WRITE: Needs = Needs::Repo(Permission::Write, "pull_requests");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/pulls", READ, list),
    Route::new("POST", "/repos/{owner}/{repo}/pulls", WRITE, create),
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", READ, get),
    Route::new("PATCH", "/repos/{owner}/{repo}/pulls/{pull_number}", READ, update),
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", READ, files),
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits", READ, commits),
    Route::new("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", WRITE, request_reviewers),
];

/// The pull request that a call is about.
pub(super) fn at(state: &State, call: &Call) -> Result<At, Reply> {
    let at = At { repo: call.repo(), number: call.number("pull_number") };
    state.pull(at).map(|_| at).ok_or_else(Reply::not_found)
}

fn list(state: &mut State, call: &Call) -> Answer {
    let view = call.view(state);
    let repo = &state.repos[&call.repo()];
    let owner = &state.users[&repo.owner].login;
    let head_fits = |pull: &Pull| match call.query("head") {
        // What has no owner before a colon is no filter: GitHub then lists all.
        Some(head) => head.split_once(':').is_none_or(|(of, head)| of.eq_ignore_ascii_case(owner) && head == pull.head),
        None => true,
    };
    let wanted = |issue: &&Issue| {
        let Some(pull) = &issue.pull else { return false };
        let open = match call.query("state") {
            Some("all") => true,
            Some("closed") => !issue.open,
            _ => issue.open,
        };
        open && head_fits(pull) && call.query("base").is_none_or(|base| base == pull.base)
    };
    let mut found: Vec<&Issue> = repo.issues.values().filter(wanted).collect();
    if call.query("sort") == Some("updated") {
        found.sort_by_key(|issue| (issue.updated_at, issue.number));
    }
    let ascending = call.query("direction").unwrap_or(if call.query("sort").is_some() { "asc" } else { "desc" });
    if ascending != "asc" {
        found.reverse();
    }
    Ok(Reply::page_of(call, &found, |issue| wire::pull::simple(view, repo, issue)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let text = |name: &str| call.text(name).filter(|text| !text.trim().is_empty());
    let missing = |field: &str| Reply::invalid("PullRequest", field, "missing_field");
    let new = NewPull {
        title: text("title").ok_or_else(|| missing("title"))?.to_owned(),
        body: super::issues::body(&call.body["body"])?,
        head: text("head").ok_or_else(|| missing("head"))?.to_owned(),
        base: text("base").ok_or_else(|| missing("base"))?.to_owned(),
        draft: call.body["draft"].as_bool().unwrap_or(false),
    };
    let at = state.open_pull(call.repo(), call.by(), new)?;
    let told = told(state, call, at);
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    Ok(Reply::ok(told(state, call, at)))
}

/// A pull request, as whoever asks for it alone sees it. Asking is what makes GitHub find out whether it merges.
pub(super) fn told(state: &mut State, call: &Call, at: At) -> Value {
    state.look_at_requests(at);
    let mergeable = state.look_at_mergeability(at);
    wire::pull::full(call.view(state), at, mergeable)
}

fn update(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let level = state.viewer_permission(&call.viewer, &state.repos[&at.repo], "pull_requests");
    if level < Permission::Triage && state.at(at)?.author.user != Some(call.viewer.user) {
        return Err(Reply::refusal(403, "Must have admin rights to Repository."));
    }
    let change = PullChange {
        title: call.text("title").map(str::to_owned),
        body: call.body.get("body").map(super::issues::body).transpose()?,
        open: call.text("state").map(|word| word == "open"),
        base: call.text("base").map(str::to_owned),
    };
    if change.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(Reply::invalid("PullRequest", "title", "missing_field"));
    }
    state.change_pull(at, call.by(), change)?;
    Ok(Reply::ok(told(state, call, at)))
}

fn files(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    let (repo, git) = (&state.repos[&at.repo], state.git(at.repo));
    let changes = git.changes(&pull.base_sha, &pull.head_sha).map_err(|failure| broken(&failure))?;
    let view = call.view(state);
    let ends = (pull.base_sha.as_str(), pull.head_sha.as_str());
    Ok(Reply::page_of(call, &changes, |change| wire::commit::file(view, repo, ends, change)))
}

fn commits(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    let (repo, git) = (&state.repos[&at.repo], state.git(at.repo));
    let found = git.commits_between(&pull.base_sha, &pull.head_sha).map_err(|failure| broken(&failure))?;
    let view = call.view(state);
    Ok(Reply::page_of(call, &found, |facts: &CommitFacts| wire::commit::commit(view, repo, facts)))
}

fn request_reviewers(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let author = state.at(at)?.author.user;
    for login in super::issues::names(&call.body["reviewers"], "login") {
        let repo = &state.repos[&at.repo];
        let user = state.user_named(&login).map(|user| user.id);
        let user = user.filter(|user| state.permission(*user, repo) > Permission::None);
        let Some(user) = user.filter(|user| Some(*user) != author) else {
            let message = "Reviews may only be requested from collaborators. One or more of the users or teams you \
                           specified is not a collaborator of the repository.";
            return Err(Reply::unprocessable(message));
        };
        if let Some(pull) = state.pull_mut(at).filter(|pull| !pull.reviewers.contains(&user)) {
            pull.reviewers.push(user);
        }
    }
    let issue = state.at(at)?;
    let told = wire::pull::simple(call.view(state), &state.repos[&at.repo], issue);
    Ok(Reply::created(told))
}

/// git failed, which nobody here has asked for.
pub(super) fn broken(failure: &dyn std::fmt::Display) -> Reply {
    Reply::json(500, json!({ "message": failure.to_string() }))
}
