//! Repositories and milestones.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{Ask, Object, Selected, Told, Trouble, branches, connection, object, root};
use crate::github::deeds::At;
use crate::github::state::{Issue, Repo};
use crate::github::wire::node;

pub(super) fn field(ask: &mut Ask<'_>, id: u64, field: &Selected) -> Result<Told, Trouble> {
    let repo = &ask.state.repos[&id];
    let number = || field.argument("number").as_u64().unwrap_or(0);
    Ok(match field.name.as_str() {
        "id" => Told::value(node("R", id)),
        "databaseId" => Told::value(id),
        "name" => Told::value(repo.name.as_str()),
        "nameWithOwner" => Told::value(ask.state.full_name(repo)),
        "url" => Told::value(ask.view().page_url(repo)),
        "isPrivate" => Told::value(repo.private),
        "isArchived" => Told::value(repo.archived),
        "hasIssuesEnabled" => Told::value(repo.has_issues),
        "createdAt" => Told::value(repo.created_at.to_string()),
        "updatedAt" => Told::value(repo.updated_at.to_string()),
        "pushedAt" => Told::value(repo.pushed_at.to_string()),
        "owner" => Told::maybe(object::actor(ask, Some(repo.owner))),
        "viewerPermission" => {
            let level = ask.state.viewer_permission(&ask.viewer, repo, "contents");
            Told::value(level.role().to_uppercase())
        }
        "issues" => connection("IssueConnection", issues(repo, field, false), field),
        "pullRequests" => connection("PullRequestConnection", issues(repo, field, true), field),
        "issue" | "pullRequest" | "issueOrPullRequest" => {
            let number = number();
            let is_pull = repo.issues.get(&number).map(|issue| issue.pull.is_some());
            let fits = match field.name.as_str() {
                "issue" => is_pull == Some(false),
                "pullRequest" => is_pull == Some(true),
                _ => is_pull.is_some(),
            };
            if fits {
                Told::Object(root::place(At { repo: id, number }, is_pull == Some(true)))
            } else {
                ask.not_found(field, format!("Could not resolve to an Issue with the number of {number}."))
            }
        }
        "milestones" => connection("MilestoneConnection", milestones(repo, field), field),
        "milestone" => {
            let known = repo.milestones.contains_key(&number());
            Told::maybe(known.then(|| Object::Milestone(id, number())))
        }
        "labels" => connection("LabelConnection", labels(repo, repo.labels.keys()), field),
        _ => branches::field(ask, id, field),
    })
}

/// Labels as plain values.
pub(super) fn labels<'a>(repo: &Repo, ids: impl Iterator<Item = &'a u64>) -> Vec<Object> {
    let told = ids.filter_map(|id| repo.labels.get(id)).map(|label| {
        let fields = json!({
            "id": node("LA", label.id), "name": label.name, "color": label.color, "description": label.description,
        });
        Object::Plain("Label", fields)
    });
    told.collect()
}

/// Whether a list of words holds one, or there is no list.
fn among(list: &Value, word: &str) -> bool {
    match list {
        Value::Null => true,
        Value::Array(words) => words.iter().any(|known| known == word),
        one => one == word,
    }
}

/// The word for where an issue or a pull request stands.
pub(super) fn state_word(issue: &Issue) -> &'static str {
    match (&issue.pull, issue.open) {
        (_, true) => "OPEN",
        (Some(pull), false) if pull.is_merged() => "MERGED",
        (_, false) => "CLOSED",
    }
}

fn issues(repo: &Repo, field: &Selected, pulls: bool) -> Vec<Object> {
    let filter = field.argument("filterBy");
    let since = filter["since"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let has = |issue: &Issue, names: &Value| match names.as_array() {
        None => true,
        Some(names) => names
            .iter()
            .filter_map(Value::as_str)
            .any(|name| repo.label_named(name).is_some_and(|label| issue.labels.contains(&label.id))),
    };
    let wanted = |issue: &&Issue| {
        issue.pull.is_some() == pulls
            && among(field.argument("states"), state_word(issue))
            && among(&filter["states"], state_word(issue))
            && has(issue, field.argument("labels"))
            && has(issue, &filter["labels"])
            && since.is_none_or(|since| issue.updated_at >= since)
            && issue.pull.as_ref().is_none_or(|pull| pull.fits(field))
    };
    let mut found: Vec<&Issue> = repo.issues.values().filter(wanted).collect();
    let order = field.argument("orderBy");
    if order["field"] == "UPDATED_AT" {
        found.sort_by_key(|issue| (issue.updated_at, issue.number));
    }
    if order["direction"] == "DESC" {
        found.reverse();
    }
    found.into_iter().map(|issue| root::place(At { repo: repo.id, number: issue.number }, pulls)).collect()
}

fn milestones(repo: &Repo, field: &Selected) -> Vec<Object> {
    let word = |open: bool| if open { "OPEN" } else { "CLOSED" };
    let wanted = repo.milestones.values().filter(|known| among(field.argument("states"), word(known.open)));
    let mut found: Vec<_> = wanted.collect();
    let order = field.argument("orderBy");
    match order["field"].as_str() {
        Some("DUE_DATE") => found.sort_by_key(|known| (known.due_on.is_none(), known.due_on)),
        Some("UPDATED_AT") => found.sort_by_key(|known| known.updated_at),
        _ => found.sort_by_key(|known| known.number),
    }
    if order["direction"] == "DESC" {
        found.reverse();
    }
    found.into_iter().map(|known| Object::Milestone(repo.id, known.number)).collect()
}

pub(super) fn milestone(ask: &mut Ask<'_>, repo: u64, number: u64, field: &Selected) -> Result<Told, Trouble> {
    let home = &ask.state.repos[&repo];
    let Some(known) = home.milestones.get(&number) else { return Ok(Told::Value(Value::Null)) };
    let mine = |pulls: bool| {
        let mut found: Vec<&Issue> = home.issues.values().filter(|issue| issue.milestone == Some(number)).collect();
        found.retain(|issue| issue.pull.is_some() == pulls && among(field.argument("states"), state_word(issue)));
        if field.argument("orderBy")["direction"] == "DESC" {
            found.sort_by_key(|issue| Reverse(issue.updated_at));
        }
        let objects = found.into_iter().map(|issue| root::place(At { repo, number: issue.number }, pulls));
        objects.collect::<Vec<_>>()
    };
    Ok(match field.name.as_str() {
        "id" => Told::value(node("MI", known.id)),
        "number" => Told::value(number),
        "title" => Told::value(known.title.as_str()),
        "description" => Told::value(known.description.clone()),
        "state" => Told::value(if known.open { "OPEN" } else { "CLOSED" }),
        "closed" => Told::value(!known.open),
        "dueOn" => Told::value(known.due_on.map(|due| due.to_string())),
        "closedAt" => Told::value(known.closed_at.map(|at| at.to_string())),
        "createdAt" => Told::value(known.created_at.to_string()),
        "updatedAt" => Told::value(known.updated_at.to_string()),
        "url" => Told::value(format!("{}/milestone/{number}", ask.view().page_url(home))),
        "progressPercentage" => {
            let all: Vec<_> = home.issues.values().filter(|issue| issue.milestone == Some(number)).collect();
            let closed = all.iter().filter(|issue| !issue.open).count();
            #[expect(clippy::cast_precision_loss, reason = "there are not that many issues")]
            Told::value(if all.is_empty() { 0.0 } else { closed as f64 * 100.0 / all.len() as f64 })
        }
        "issues" => connection("IssueConnection", mine(false), field),
        "pullRequests" => connection("PullRequestConnection", mine(true), field),
        _ => Told::Unknown,
    })
}
