//! What happened to an issue.

use serde_json::{Value, json};

use super::{View, app, comment, node, repository, user};
use crate::github::state::{Happened, Issue, IssueEvent, Repo};

/// An event, as the timeline tells it.
pub(crate) fn timeline(view: View<'_>, repo: &Repo, event: &IssueEvent) -> Value {
    let Happened::Commented(id) = &event.what else { return told(view, repo, event) };
    let Some(known) = repo.comments.get(id) else { return Value::Null };
    let mut told = comment::comment(view, repo, known);
    told["event"] = "commented".into();
    told["actor"] = told["user"].clone();
    told
}

/// An event, as the lists of events tell it; they hold no comments.
pub(crate) fn listed(view: View<'_>, repo: &Repo, event: &IssueEvent) -> Option<Value> {
    (!matches!(event.what, Happened::Commented(_))).then(|| told(view, repo, event))
}

fn told(view: View<'_>, repo: &Repo, event: &IssueEvent) -> Value {
    let mut told = json!({
        "id": event.id,
        "node_id": node("EV", event.id),
        "url": format!("{}/issues/events/{}", view.repo_url(repo), event.id),
        "actor": user::simple(view, event.actor),
        "event": word(&event.what),
        "commit_id": null,
        "commit_url": null,
        "created_at": event.at.to_string(),
        "performed_via_github_app": app::app(view, event.app),
    });
    match &event.what {
        Happened::Labeled { name, color } | Happened::Unlabeled { name, color } => {
            told["label"] = json!({ "name": name, "color": color });
        }
        Happened::Milestoned(title) | Happened::Demilestoned(title) => told["milestone"] = json!({ "title": title }),
        Happened::Assigned(id) | Happened::Unassigned(id) => {
            told["assignee"] = user::simple(view, Some(*id));
            told["assigner"] = user::simple(view, event.actor);
        }
        Happened::Renamed { from, to } => told["rename"] = json!({ "from": from, "to": to }),
        Happened::Closed(reason) => told["state_reason"] = json!(reason),
        Happened::Merged(commit) => {
            told["commit_id"] = json!(commit);
            told["commit_url"] = json!(format!("{}/commits/{commit}", view.repo_url(repo)));
        }
        Happened::Locked => told["lock_reason"] = Value::Null,
        Happened::Related(word, other) => {
            let key = word.trim_end_matches("_added").trim_end_matches("_removed");
            told[key] = view.state.issue(*other).map_or(Value::Null, |(repo, other)| reference(view, repo, other));
        }
        Happened::Reopened | Happened::Commented(_) | Happened::Other(_) => {}
    }
    told
}

fn reference(view: View<'_>, repo: &Repo, other: &Issue) -> Value {
    json!({
        "number": other.number,
        "title": other.title,
        "state": if other.open { "open" } else { "closed" },
        "state_reason": other.state_reason,
        "repository": repository::simple(view, repo),
        "issue_type": null,
    })
}

fn word(what: &Happened) -> &'static str {
    match what {
        Happened::Labeled { .. } => "labeled",
        Happened::Unlabeled { .. } => "unlabeled",
        Happened::Milestoned(_) => "milestoned",
        Happened::Demilestoned(_) => "demilestoned",
        Happened::Assigned(_) => "assigned",
        Happened::Unassigned(_) => "unassigned",
        Happened::Renamed { .. } => "renamed",
        Happened::Closed(_) => "closed",
        Happened::Reopened => "reopened",
        Happened::Locked => "locked",
        Happened::Commented(_) => "commented",
        Happened::Merged(_) => "merged",
        Happened::Related(word, _) | Happened::Other(word) => word,
    }
}
