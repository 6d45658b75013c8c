//! Pull requests.

use serde_json::{Value, json};

use super::{Ask, Object, Selected, Told, connection, object, rollup};
use crate::github::deeds::At;
use crate::github::git::MergeMethod;
use crate::github::pulls::{Decision, Mergeable, Pull, Review, ReviewState, Thread, ThreadComment, closing_references};
use crate::github::users::Permission;
use crate::github::wire::{self, View, node};

/// A field of a pull request that issues do not have.
pub(super) fn field(ask: &mut Ask<'_>, at: At, field: &Selected) -> Told {
    match field.name.as_str() {
        "mergeable" | "mergeStateStatus" => return mergeability(ask, at, field),
        "statusCheckRollup" => return Told::maybe(rollup::of_pull(ask, at)),
        "reviews"
        | "latestReviews"
        | "latestOpinionatedReviews"
        | "reviewThreads"
        | "reviewDecision"
        | "reviewRequests" => return reviews(ask, at, field),
        "additions" | "deletions" | "changedFiles" | "commits" | "files" => return changes(ask, at, field),
        "mergeQueueEntry" | "isInMergeQueue" | "isMergeQueueEnabled" | "autoMergeRequest" => {
            return waiting(ask, at, field);
        }
        _ => {}
    }
    let (Some(repo), Some(pull)) = (ask.state.repos.get(&at.repo), ask.state.pull(at)) else { return Told::Unknown };
    let merge = pull.merged.as_ref();
    match field.name.as_str() {
        "isDraft" => Told::value(pull.draft),
        "merged" => Told::value(merge.is_some()),
        "mergedAt" => Told::value(merge.map(|merge| merge.at.to_string())),
        "mergedBy" => Told::maybe(object::actor(ask, merge.map(|merge| merge.by))),
        "mergeCommit" => Told::maybe(merge.map(|merge| commit(&merge.commit))),
        "headRefName" => Told::value(pull.head.as_str()),
        "headRefOid" => Told::value(pull.head_sha.as_str()),
        "baseRefName" => Told::value(pull.base.as_str()),
        "baseRefOid" => Told::value(pull.base_sha.as_str()),
        "headRef" => Told::maybe(repo.pulls.refs.get(&pull.head).map(|sha| reference(&pull.head, sha))),
        "baseRef" => Told::maybe(repo.pulls.refs.get(&pull.base).map(|sha| reference(&pull.base, sha))),
        "headRepository" | "baseRepository" => Told::Object(Object::Repository(at.repo)),
        "headRepositoryOwner" => Told::maybe(object::actor(ask, Some(repo.owner))),
        "isCrossRepository" | "maintainerCanModify" => Told::value(false),
        "closingIssuesReferences" => {
            let said = repo.issues.get(&at.number).and_then(|issue| issue.body.clone()).unwrap_or_default();
            let closed = closing_references(&said, &ask.state.full_name(repo)).into_iter();
            let known = closed.filter(|number| repo.issues.get(number).is_some_and(|issue| issue.pull.is_none()));
            let all = known.map(|number| Object::Issue(At { repo: at.repo, number })).collect();
            connection("IssueConnection", all, field)
        }
        _ => Told::Unknown,
    }
}

/// Whether it merges. Asking is what makes GitHub find out.
fn mergeability(ask: &mut Ask<'_>, at: At, field: &Selected) -> Told {
    ask.state.look_at_requests(at);
    if field.name == "mergeable" {
        return Told::value(match ask.state.look_at_mergeability(at) {
            Mergeable::Unknown => "UNKNOWN",
            Mergeable::Clean => "MERGEABLE",
            Mergeable::Conflict => "CONFLICTING",
        });
    }
    let known = ask.state.told_mergeability(at);
    Told::value(ask.state.merge_state(at, known).to_uppercase())
}

fn waiting(ask: &Ask<'_>, at: At, field: &Selected) -> Told {
    let (Some(repo), Some(pull)) = (ask.state.repos.get(&at.repo), ask.state.pull(at)) else { return Told::Unknown };
    let entry = ask.state.queue_entry(at);
    match field.name.as_str() {
        "isInMergeQueue" => Told::value(entry.is_some()),
        "isMergeQueueEnabled" => Told::value(ask.state.rules_of(repo, &pull.base).merge_queue),
        "mergeQueueEntry" => Told::maybe(queue_entry(ask, at)),
        _ => Told::maybe(pull.auto_merge.as_ref().map(|auto| {
            let told = json!({
                "enabledAt": auto.at.to_string(),
                "enabledBy": person(ask.view(), Some(auto.by.user)),
                "mergeMethod": auto.wish.method.unwrap_or(MergeMethod::Merge).name().to_uppercase(),
                "commitHeadline": auto.wish.title,
                "commitBody": auto.wish.message,
                "authorEmail": null,
            });
            Object::Plain("AutoMergeRequest", told)
        })),
    }
}

/// Where it is in its queue.
pub(super) fn queue_entry(ask: &Ask<'_>, at: At) -> Option<Object> {
    let (place, entry) = ask.state.queue_entry(at)?;
    let told = json!({
        "id": node("MQE", entry.id),
        "position": place,
        "state": "AWAITING_CHECKS",
        "enqueuedAt": entry.at.to_string(),
        "enqueuer": person(ask.view(), Some(entry.by.user)),
        "headCommit": { "oid": entry.group },
        "baseCommit": { "oid": entry.onto },
        "estimatedTimeToMerge": null,
        "jump": false,
        "solo": false,
    });
    Some(Object::Plain("MergeQueueEntry", told))
}

fn changes(ask: &Ask<'_>, at: At, field: &Selected) -> Told {
    let Some(pull) = ask.state.pull(at) else { return Told::Unknown };
    let git = ask.state.git(at.repo);
    if field.name == "commits" {
        let found = git.commits_between(&pull.base_sha, &pull.head_sha).unwrap_or_default();
        let all = found.into_iter().map(|facts| {
            let commit = json!({ "oid": facts.sha, "message": facts.message,
                "messageHeadline": facts.message.lines().next().unwrap_or_default(),
                "committedDate": facts.committer.at.to_string(), "authoredDate": facts.author.at.to_string() });
            Object::Plain("PullRequestCommit", json!({ "id": format!("PURC_{}", facts.sha), "commit": commit }))
        });
        return connection("PullRequestCommitConnection", all.collect(), field);
    }
    let found = git.changes(&pull.base_sha, &pull.head_sha).unwrap_or_default();
    match field.name.as_str() {
        "additions" => Told::value(found.iter().map(|change| change.additions).sum::<u64>()),
        "deletions" => Told::value(found.iter().map(|change| change.deletions).sum::<u64>()),
        "changedFiles" => Told::value(found.len()),
        _ => {
            let all = found.into_iter().map(|change| {
                let kind = if change.status == "removed" { "DELETED".to_owned() } else { change.status.to_uppercase() };
                let told = json!({ "path": change.path, "additions": change.additions, "deletions": change.deletions,
                    "changeType": kind });
                Object::Plain("PullRequestChangedFile", told)
            });
            connection("PullRequestChangedFileConnection", all.collect(), field)
        }
    }
}

fn reviews(ask: &Ask<'_>, at: At, field: &Selected) -> Told {
    let (Some(repo), Some(pull)) = (ask.state.repos.get(&at.repo), ask.state.pull(at)) else { return Told::Unknown };
    let Some(issue) = repo.issues.get(&at.number) else { return Told::Unknown };
    let tell = |review: &Review| Object::Plain("PullRequestReview", told_review(ask.view(), at, pull, review));
    let connected =
        |all: Vec<&Review>| connection("PullRequestReviewConnection", all.into_iter().map(tell).collect(), field);
    match field.name.as_str() {
        "reviewDecision" => Told::value(ask.state.decision(repo, issue, pull).map(|decision| match decision {
            Decision::Approved => "APPROVED",
            Decision::ChangesRequested => "CHANGES_REQUESTED",
            Decision::ReviewRequired => "REVIEW_REQUIRED",
        })),
        "reviews" => {
            let states = field.argument("states").clone();
            let wanted = |state: ReviewState| {
                states.is_null() || states.as_array().is_some_and(|all| all.contains(&json!(state.word())))
            };
            connected(pull.reviews.iter().filter(|review| wanted(review.state)).collect())
        }
        "latestOpinionatedReviews" => {
            let writers = field.argument("writersOnly") == &Value::Bool(true);
            let mut latest = ask.state.latest_opinions(pull);
            latest.retain(|review| !writers || ask.state.permission(review.user, repo) >= Permission::Write);
            connected(latest)
        }
        "latestReviews" => {
            let later =
                |review: &Review| pull.reviews.iter().any(|other| other.user == review.user && other.id > review.id);
            connected(pull.reviews.iter().filter(|review| !later(review)).collect())
        }
        "reviewRequests" => {
            let all = pull.reviewers.iter().map(|user| {
                let told = json!({ "id": node("RR", *user), "asCodeOwner": false,
                    "requestedReviewer": person(ask.view(), Some(*user)) });
                Object::Plain("ReviewRequest", told)
            });
            connection("ReviewRequestConnection", all.collect(), field)
        }
        _ => {
            let all =
                pull.threads.iter().map(|one| Object::Plain("PullRequestReviewThread", thread(ask.view(), at, one)));
            connection("PullRequestReviewThreadConnection", all.collect(), field)
        }
    }
}

fn told_review(view: View<'_>, at: At, pull: &Pull, review: &Review) -> Value {
    let Some(repo) = view.state.repos.get(&at.repo) else { return Value::Null };
    let told = wire::review::review(view, repo, at.number, review);
    let mine = pull.threads.iter().flat_map(|thread| thread.comments.iter().map(move |said| (thread, said)));
    let mine: Vec<Value> =
        mine.filter(|(_, said)| said.review == Some(review.id)).map(|both| comment(view, at, both)).collect();
    json!({
        "id": told["node_id"],
        "databaseId": review.id,
        "author": person(view, Some(review.user)),
        "authorAssociation": told["author_association"],
        "authorCanPushToRepository": view.state.permission(review.user, repo) >= Permission::Write,
        "state": review.state.word(),
        "body": review.body,
        "submittedAt": review.at.to_string(),
        "createdAt": review.at.to_string(),
        "updatedAt": review.at.to_string(),
        "url": told["html_url"],
        "commit": { "oid": review.commit },
        "comments": { "totalCount": mine.len(), "nodes": mine },
    })
}

/// A thread, with all that is said in it.
pub(super) fn thread(view: View<'_>, at: At, one: &Thread) -> Value {
    let said: Vec<Value> = one.comments.iter().map(|said| comment(view, at, (one, said))).collect();
    json!({
        "id": node("PRRT", one.id),
        "isResolved": one.resolved_by.is_some(),
        "isOutdated": one.outdated,
        "isCollapsed": one.resolved_by.is_some(),
        "path": one.path,
        "line": one.line.filter(|_| !one.outdated),
        "originalLine": one.line,
        "subjectType": if one.line.is_some() { "LINE" } else { "FILE" },
        "diffSide": "RIGHT",
        "resolvedBy": person(view, one.resolved_by),
        "comments": { "totalCount": said.len(), "nodes": said },
    })
}

fn comment(view: View<'_>, at: At, (thread, said): (&Thread, &ThreadComment)) -> Value {
    let Some(repo) = view.state.repos.get(&at.repo) else { return Value::Null };
    let told = wire::review::comment(view, repo, at.number, (thread, said));
    json!({
        "id": told["node_id"],
        "databaseId": said.id,
        "author": person(view, Some(said.user)),
        "authorAssociation": told["author_association"],
        "body": said.body,
        "path": thread.path,
        "line": thread.line.filter(|_| !thread.outdated),
        "outdated": thread.outdated,
        "createdAt": said.at.to_string(),
        "updatedAt": said.at.to_string(),
        "lastEditedAt": null,
        "isMinimized": false,
        "url": told["html_url"],
    })
}

/// An account as plain values; null if it is gone.
fn person(view: View<'_>, user: Option<u64>) -> Value {
    let Some(user) = user.and_then(|id| view.state.users.get(&id)) else { return Value::Null };
    json!({
        "__typename": user.kind.word(),
        "id": node("U", user.id),
        "databaseId": user.id,
        "login": user.login.trim_end_matches("[bot]"),
        "url": format!("{}/{}", view.origin(), user.login),
    })
}

fn commit(sha: &str) -> Object {
    Object::Plain("Commit", json!({ "oid": sha, "id": format!("C_{sha}") }))
}

/// A branch.
pub(super) fn reference(name: &str, sha: &str) -> Object {
    let target = json!({ "__typename": "Commit", "oid": sha, "id": format!("C_{sha}") });
    Object::Plain(
        "Ref",
        json!({ "id": format!("REF_{name}"), "name": name, "prefix": "refs/heads/", "target": target }),
    )
}
