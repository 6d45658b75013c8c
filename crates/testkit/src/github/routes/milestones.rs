//! Milestones.

use serde_json::Value;

use crate::github::call::Call;
use crate::github::deeds::MilestoneChange;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Milestone, State};
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "issues");
const WRITE: Needs = Needs::Repo(Permission::Write, "issues");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/milestones", READ, list),
    Route::new("POST", "/repos/{owner}/{repo}/milestones", WRITE, create),
    Route::new("GET", "/repos/{owner}/{repo}/milestones/{milestone_number}", READ, get),
    Route::new("PATCH", "/repos/{owner}/{repo}/milestones/{milestone_number}", WRITE, update),
    Route::new("DELETE", "/repos/{owner}/{repo}/milestones/{milestone_number}", WRITE, delete),
];

fn list(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let wanted = |milestone: &&Milestone| match call.query("state") {
        Some("all") => true,
        Some("closed") => !milestone.open,
        _ => milestone.open,
    };
    let mut found: Vec<&Milestone> = repo.milestones.values().filter(wanted).collect();
    if call.query("sort") != Some("completeness") {
        // Those that are never due come last.
        found.sort_by_key(|milestone| (milestone.due_on.is_none(), milestone.due_on, milestone.number));
    }
    if call.query("direction") == Some("desc") {
        found.reverse();
    }
    Ok(Reply::page_of(call, &found, |known| wire::milestone::milestone(call.view(state), repo, known)))
}

fn change(call: &Call) -> Result<MilestoneChange, Reply> {
    let text = |name: &str| call.body.get(name).map(|sent| sent.as_str().map(str::to_owned));
    let due_on = match text("due_on") {
        Some(Some(due)) => Some(Some(due.parse().map_err(|_| Reply::invalid("Milestone", "due_on", "invalid"))?)),
        Some(None) => Some(None),
        None => None,
    };
    Ok(MilestoneChange {
        title: call.text("title").map(str::to_owned),
        description: text("description"),
        open: call.text("state").map(|word| word == "open"),
        due_on,
    })
}

fn told(state: &State, call: &Call, number: u64) -> Result<Value, Reply> {
    let repo = &state.repos[&call.repo()];
    let milestone = repo.milestones.get(&number).ok_or_else(Reply::not_found)?;
    Ok(wire::milestone::milestone(call.view(state), repo, milestone))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let number = state.make_milestone(call.repo(), call.by(), change(call)?)?;
    let told = told(state, call, number)?;
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}

fn get(state: &mut State, call: &Call) -> Answer {
    told(state, call, call.number("milestone_number")).map(Reply::ok)
}

fn update(state: &mut State, call: &Call) -> Answer {
    let number = call.number("milestone_number");
    state.change_milestone(call.repo(), number, call.by(), change(call)?)?;
    told(state, call, number).map(Reply::ok)
}

fn delete(state: &mut State, call: &Call) -> Answer {
    state.delete_milestone(call.repo(), call.number("milestone_number"), call.by())?;
    Ok(Reply::no_content())
}
