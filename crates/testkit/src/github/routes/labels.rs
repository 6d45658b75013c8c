//! Labels of repositories and of issues.

use serde_json::Value;

use super::issues::names;
use crate::github::call::Call;
use crate::github::deeds::{NewLabel, check_label};
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Issue, Label, Repo, State};
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "issues");
const TRIAGE: Needs = Needs::Repo(Permission::Triage, "issues");
const WRITE: Needs = Needs::Repo(Permission::Write, "issues");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/labels", READ, list),
    Route::new("POST", "/repos/{owner}/{repo}/labels", WRITE, create),
    Route::new("GET", "/repos/{owner}/{repo}/labels/{name}", READ, get),
    Route::new("PATCH", "/repos/{owner}/{repo}/labels/{name}", WRITE, update),
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/labels", READ, of_issue),
    Route::new("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels", TRIAGE, add),
    Route::new("PUT", "/repos/{owner}/{repo}/issues/{issue_number}/labels", TRIAGE, set),
    Route::new("DELETE", "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}", TRIAGE, remove),
    Route::new("GET", "/repos/{owner}/{repo}/milestones/{milestone_number}/labels", READ, of_milestone),
];

fn list(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let mut labels: Vec<&Label> = repo.labels.values().collect();
    labels.sort_by_key(|label| label.name.to_lowercase());
    Ok(Reply::page_of(call, &labels, |label| wire::label::label(call.view(state), repo, label)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let name = text("name").unwrap_or_default();
    let new = NewLabel { name, color: text("color"), description: text("description") };
    let id = state.make_label(call.repo(), new)?;
    let repo = &state.repos[&call.repo()];
    let told = wire::label::label(call.view(state), repo, &repo.labels[&id]);
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}

fn named(state: &State, call: &Call) -> Result<Label, Reply> {
    state.repos[&call.repo()].label_named(call.param("name")).cloned().ok_or_else(Reply::not_found)
}

fn get(state: &mut State, call: &Call) -> Answer {
    let label = named(state, call)?;
    Ok(Reply::ok(wire::label::label(call.view(state), &state.repos[&call.repo()], &label)))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut label = named(state, call)?;
    if let Some(name) = call.text("new_name") {
        let other = state.repos[&call.repo()].label_named(name);
        if other.is_some_and(|other| other.id != label.id) {
            return Err(Reply::invalid("Label", "name", "already_exists"));
        }
        name.clone_into(&mut label.name);
    }
    if let Some(color) = call.text("color") {
        color.clone_into(&mut label.color);
    }
    if let Some(description) = call.text("description") {
        label.description = Some(description.to_owned());
    }
    check_label(&label.name, Some(&label.color))?;
    if let Some(repo) = state.repos.get_mut(&call.repo()) {
        repo.labels.insert(label.id, label.clone());
    }
    Ok(Reply::ok(wire::label::label(call.view(state), &state.repos[&call.repo()], &label)))
}

fn told(state: &State, call: &Call, repo: &Repo, issue: &Issue) -> Vec<Value> {
    let labels = issue.labels.iter().filter_map(|id| repo.labels.get(id));
    labels.map(|label| wire::label::label(call.view(state), repo, label)).collect()
}

fn of_issue(state: &mut State, call: &Call) -> Answer {
    let issue = state.at(call.at())?;
    Ok(Reply::page(call, told(state, call, &state.repos[&call.repo()], issue)))
}

/// All labels of the issue, after it was changed.
fn all(state: &State, call: &Call) -> Answer {
    let issue = state.at(call.at())?;
    Ok(Reply::ok(Value::Array(told(state, call, &state.repos[&call.repo()], issue))))
}

fn add(state: &mut State, call: &Call) -> Answer {
    for name in names(&call.body["labels"], "name") {
        state.label(call.at(), call.by(), &name)?;
    }
    all(state, call)
}

fn set(state: &mut State, call: &Call) -> Answer {
    state.set_labels(call.at(), call.by(), &names(&call.body["labels"], "name"))?;
    all(state, call)
}

fn remove(state: &mut State, call: &Call) -> Answer {
    state.unlabel(call.at(), call.by(), call.param("name"))?;
    all(state, call)
}

fn of_milestone(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let number = call.number("milestone_number");
    repo.milestones.get(&number).ok_or_else(Reply::not_found)?;
    let issues = repo.issues.values().filter(|issue| issue.milestone == Some(number));
    let mut ids: Vec<u64> = issues.flat_map(|issue| issue.labels.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let labels: Vec<&Label> = ids.iter().filter_map(|id| repo.labels.get(id)).collect();
    Ok(Reply::page_of(call, &labels, |label| wire::label::label(call.view(state), repo, label)))
}
