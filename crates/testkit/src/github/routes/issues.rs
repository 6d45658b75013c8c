//! Issues.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::github::call::Call;
use crate::github::deeds::{At, BODY_CHARACTERS, NewIssue};
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Issue, Repo, State};
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "issues");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/issues", READ, list),
    Route::new("POST", "/repos/{owner}/{repo}/issues", READ, create),
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}", READ, get),
    Route::new("PATCH", "/repos/{owner}/{repo}/issues/{issue_number}", READ, update),
    Route::new(
        "PUT",
        "/repos/{owner}/{repo}/issues/{issue_number}/lock",
        Needs::Repo(Permission::Write, "issues"),
        lock,
    ),
    Route::new("POST", "/repos/{owner}/{repo}/issues/{issue_number}/assignees", READ, assign),
    Route::new("GET", "/repos/{owner}/{repo}/assignees/{assignee}", READ, assignable),
];

fn list(state: &mut State, call: &Call) -> Answer {
    let view = call.view(state);
    let repo = &state.repos[&call.repo()];
    let since = since(call)?;
    let wanted = |issue: &&Issue| since.is_none_or(|since| issue.updated_at >= since) && fits(state, repo, call, issue);
    let mut found: Vec<&Issue> = repo.issues.values().filter(wanted).collect();
    match call.query("sort") {
        Some("updated") => found.sort_by_key(|issue| (issue.updated_at, issue.number)),
        Some("comments") => found.sort_by_key(|issue| (count(repo, issue), issue.number)),
        _ => found.sort_by_key(|issue| (issue.created_at, issue.number)),
    }
    if call.query("direction") != Some("asc") {
        found.reverse();
    }
    Ok(Reply::page_of(call, &found, |issue| wire::issue::issue(view, repo, issue)))
}

/// The moment from which on something must have changed.
pub(super) fn since(call: &Call) -> Result<Option<Timestamp>, Reply> {
    let parse = |text: &str| text.parse().map_err(|_| Reply::invalid("Issue", "since", "invalid"));
    call.query("since").map(parse).transpose()
}

fn count(repo: &Repo, issue: &Issue) -> usize {
    repo.comments.values().filter(|comment| comment.issue == issue.number).count()
}

fn fits(state: &State, repo: &Repo, call: &Call, issue: &Issue) -> bool {
    let login = |id: &u64, login: &str| state.users[id].login.eq_ignore_ascii_case(login);
    let open = match call.query("state") {
        Some("all") => true,
        Some("closed") => !issue.open,
        _ => issue.open,
    };
    let labelled = call.query("labels").is_none_or(|names| {
        let has = |name: &str| repo.label_named(name).is_some_and(|label| issue.labels.contains(&label.id));
        names.split(',').filter(|name| !name.is_empty()).all(has)
    });
    let milestone = call.query("milestone").is_none_or(|wanted| match wanted {
        "*" => issue.milestone.is_some(),
        "none" => issue.milestone.is_none(),
        number => issue.milestone.is_some_and(|known| known.to_string() == number),
    });
    let assignee = call.query("assignee").is_none_or(|wanted| match wanted {
        "*" => !issue.assignees.is_empty(),
        "none" => issue.assignees.is_empty(),
        wanted => issue.assignees.iter().any(|id| login(id, wanted)),
    });
    let creator = call.query("creator").is_none_or(|wanted| issue.author.user.is_some_and(|id| login(&id, wanted)));
    open && labelled && milestone && assignee && creator
}

fn create(state: &mut State, call: &Call) -> Answer {
    let title = title(&call.body["title"]);
    let title = title.filter(|title| !title.trim().is_empty());
    let title = title.ok_or_else(|| Reply::invalid("Issue", "title", "missing_field"))?;
    let body = body(&call.body["body"])?;
    let milestone = number(&call.body["milestone"])?;
    if !state.repos[&call.repo()].has_issues {
        return Err(Reply::gone("Issues has been disabled in this repository."));
    }
    let known = |number: u64| state.repos[&call.repo()].milestones.contains_key(&number);
    let may = state.viewer_permission(&call.viewer, &state.repos[&call.repo()], "issues") >= Permission::Triage;
    if may && milestone.is_some_and(|number| !known(number)) {
        return Err(Reply::invalid("Issue", "milestone", "invalid"));
    }
    let at = state.open_issue(call.repo(), call.by(), NewIssue { title, body });
    state.announce_issue("opened", at, call.by(), json!({}));
    // GitHub says nothing when it leaves these out for somebody who may not set them.
    if may {
        for name in names(&call.body["labels"], "name") {
            state.label(at, call.by(), &name)?;
        }
        state.set_milestone(at, call.by(), milestone)?;
        for login in names(&call.body["assignees"], "login") {
            state.assign(at, call.by(), &login)?;
        }
    }
    told(state, call, at, 201)
}

fn get(state: &mut State, call: &Call) -> Answer {
    told(state, call, call.at(), 200)
}

/// An issue, as the answer.
pub(super) fn told(state: &State, call: &Call, at: At, status: u16) -> Answer {
    let issue = state.at(at)?;
    let told = wire::issue::issue(call.view(state), &state.repos[&at.repo], issue);
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    let reply = Reply::json(status, told);
    Ok(if status == 201 { reply.with("location", url) } else { reply })
}

fn update(state: &mut State, call: &Call) -> Answer {
    let (at, by, sent) = (call.at(), call.by(), &call.body);
    let level = state.viewer_permission(&call.viewer, &state.repos[&at.repo], "issues");
    let own = state.at(at)?.author.user == Some(by.user);
    if level < Permission::Triage && !own {
        return Err(Reply::refusal(403, "Must have admin rights to Repository."));
    }
    let title = title(&sent["title"]);
    if title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(Reply::invalid("Issue", "title", "missing_field"));
    }
    let body = sent.get("body").map(body).transpose()?;
    let milestone = sent.get("milestone").map(number).transpose()?;
    if level >= Permission::Triage {
        if let Some(milestone) = milestone {
            state.set_milestone(at, by, milestone)?;
        }
        if sent["labels"].is_array() {
            state.set_labels(at, by, &names(&sent["labels"], "name"))?;
        }
        if sent["assignees"].is_array() {
            set_assignees(state, call, at)?;
        }
    }
    state.edit_issue(at, by, title, body)?;
    if let Some(word) = sent["state"].as_str() {
        let reason = sent["state_reason"].as_str().filter(|reason| (*reason == "reopened") == (word == "open"));
        state.set_open(at, by, word == "open", reason)?;
    }
    told(state, call, at, 200)
}

fn set_assignees(state: &mut State, call: &Call, at: At) -> Result<(), Reply> {
    let wanted = names(&call.body["assignees"], "login");
    let is_wanted =
        |state: &State, id: &u64| wanted.iter().any(|login| state.users[id].login.eq_ignore_ascii_case(login));
    let surplus: Vec<u64> = state.at(at)?.assignees.iter().copied().filter(|id| !is_wanted(state, id)).collect();
    for user in surplus {
        state.unassign(at, call.by(), user)?;
    }
    wanted.iter().try_for_each(|login| state.assign(at, call.by(), login))
}

fn lock(state: &mut State, call: &Call) -> Answer {
    state.at_mut(call.at())?.locked = true;
    state.happened(call.at(), call.by(), crate::github::state::Happened::Locked);
    Ok(Reply::no_content())
}

fn assign(state: &mut State, call: &Call) -> Answer {
    state.at(call.at())?;
    let level = state.viewer_permission(&call.viewer, &state.repos[&call.repo()], "issues");
    if level >= Permission::Triage {
        for login in names(&call.body["assignees"], "login") {
            state.assign(call.at(), call.by(), &login)?;
        }
    }
    told(state, call, call.at(), 201).map(|mut reply| {
        reply.headers.clear();
        reply
    })
}

fn assignable(state: &mut State, call: &Call) -> Answer {
    let user = state.user_named(call.param("assignee")).map(|user| user.id);
    let may = user.is_some_and(|user| state.assignable(call.repo(), user));
    if may { Ok(Reply::no_content()) } else { Err(Reply::not_found()) }
}

/// A title, which GitHub also takes as a number.
fn title(sent: &Value) -> Option<String> {
    sent.as_str().map(str::to_owned).or_else(|| sent.as_i64().map(|number| number.to_string()))
}

/// A body that is not too long.
pub(super) fn body(sent: &Value) -> Result<Option<String>, Reply> {
    let text = sent.as_str();
    if text.is_some_and(|text| text.chars().count() > BODY_CHARACTERS) {
        return Err(Reply::custom("Issue", "body", "body is too long (maximum is 65536 characters)"));
    }
    Ok(text.map(str::to_owned))
}

/// The number of a milestone, which GitHub also takes as a text.
fn number(sent: &Value) -> Result<Option<u64>, Reply> {
    match sent {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| Reply::invalid("Issue", "milestone", "invalid")),
        other => other.as_u64().map(Some).ok_or_else(|| Reply::invalid("Issue", "milestone", "invalid")),
    }
}

/// Names in a list, each as a text or as an object.
pub(super) fn names(sent: &Value, key: &str) -> Vec<String> {
    let name = |item: &Value| item.as_str().or_else(|| item[key].as_str()).map(str::to_owned);
    json!(sent).as_array().map(|items| items.iter().filter_map(name).collect()).unwrap_or_default()
}
