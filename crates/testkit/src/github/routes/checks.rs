//! Checks, statuses and runs of Actions.

use serde_json::{Value, json};

use crate::github::call::Call;
use crate::github::pulls::{Annotation, CheckRun, CheckState, Status, StatusState, rollup};
use crate::github::reply::{Answer, Body, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "checks");
const WRITE: Needs = Needs::Repo(Permission::Write, "checks");
const READ_STATUS: Needs = Needs::Repo(Permission::Read, "statuses");
const WRITE_STATUS: Needs = Needs::Repo(Permission::Write, "statuses");
const READ_ACTIONS: Needs = Needs::Repo(Permission::Read, "actions");
const WRITE_ACTIONS: Needs = Needs::Repo(Permission::Write, "actions");

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST", "/repos/{owner}/{repo}/check-runs", WRITE, create),
    Route::new("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", WRITE, update),
    Route::new("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", READ, of_commit),
    Route::new("GET", "/repos/{owner}/{repo}/commits/{ref}/check-suites", READ, suites),
    Route::new("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", READ, annotations),
    Route::new("POST", "/repos/{owner}/{repo}/check-runs/{check_run_id}/rerequest", WRITE, rerequest),
    Route::new("GET", "/repos/{owner}/{repo}/commits/{ref}/status", READ_STATUS, combined),
    Route::new("POST", "/repos/{owner}/{repo}/statuses/{sha}", WRITE_STATUS, add_status),
    Route::new("GET", "/repos/{owner}/{repo}/actions/runs", READ_ACTIONS, runs),
    Route::new("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs", WRITE_ACTIONS, rerun),
    Route::new("GET", "/repos/{owner}/{repo}/actions/jobs/{job_id}/logs", READ_ACTIONS, logs),
];

/// The commit that a branch, a tag or a commit's id names.
pub(super) fn commit(state: &State, call: &Call, name: &str) -> Result<String, Reply> {
    let git = state.git(call.repo());
    let found = git.head(name).or_else(|| git.resolve(name));
    found.ok_or_else(|| Reply::unprocessable(&format!("No commit found for SHA: {name}")))
}

fn create(state: &mut State, call: &Call) -> Answer {
    if call.viewer.app.is_none() {
        return Err(Reply::refusal(403, "You must authenticate via a GitHub App."));
    }
    let sha = commit(state, call, call.text("head_sha").unwrap_or_default())?;
    let name = call.text("name").unwrap_or_default();
    let id = state.add_check(call.repo(), &sha, name, call.viewer.app);
    change(state, call, id);
    Ok(Reply::created(told(state, call, id)?))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let id = call.number("check_run_id");
    if run(state, call, id)?.app != call.viewer.app || call.viewer.app.is_none() {
        return Err(Reply::refusal(
            403,
            "Invalid app_id `0` - check run can only be modified by the app that made it.",
        ));
    }
    change(state, call, id);
    Ok(Reply::ok(told(state, call, id)?))
}

/// Takes what a request says of a check run.
fn change(state: &mut State, call: &Call, id: u64) {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let said = (call.text("status"), call.text("conclusion"));
    let known = run(state, call, id).map_or(CheckState::Queued, |run| run.state);
    let next = if said == (None, None) { known } else { CheckState::of(said.0, said.1) };
    let output = call.body["output"].clone();
    let (details_url, external_id, name) = (text("details_url"), text("external_id"), text("name"));
    state.set_check(call.repo(), id, next, |run| {
        run.details_url = details_url.or(run.details_url.take());
        run.external_id = external_id.or(run.external_id.take());
        run.name = name.unwrap_or(std::mem::take(&mut run.name));
        let text = |name: &str| output[name].as_str().map(str::to_owned);
        run.title = text("title").or(run.title.take());
        run.summary = text("summary").or(run.summary.take());
        run.text = text("text").or(run.text.take());
        run.annotations.extend(output["annotations"].as_array().into_iter().flatten().map(said_of_a_line));
    });
}

fn said_of_a_line(sent: &Value) -> Annotation {
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    Annotation {
        path: text("path"),
        line: sent["start_line"].as_u64().unwrap_or(1),
        level: text("annotation_level"),
        message: text("message"),
    }
}

fn run<'a>(state: &'a State, call: &Call, id: u64) -> Result<&'a CheckRun, Reply> {
    state.repos[&call.repo()].pulls.checks.get(&id).ok_or_else(Reply::not_found)
}

fn told(state: &State, call: &Call, id: u64) -> Result<Value, Reply> {
    Ok(wire::check::run(call.view(state), &state.repos[&call.repo()], run(state, call, id)?))
}

fn of_commit(state: &mut State, call: &Call) -> Answer {
    let sha = commit(state, call, call.param("ref"))?;
    let (view, repo) = (call.view(state), &state.repos[&call.repo()]);
    let latest = rollup(repo, &sha).checks;
    let all: Vec<&CheckRun> = repo.pulls.checks.values().filter(|run| run.sha == sha).collect();
    let mut found = if call.query("filter") == Some("all") { all } else { latest };
    found.retain(|run| call.query("check_name").is_none_or(|name| run.name == name));
    found.retain(|run| call.query("status").is_none_or(|status| run.state.words().0 == status));
    found.sort_by_key(|run| std::cmp::Reverse(run.id));
    let reply = Reply::page_of(call, &found, |run| wire::check::run(view, repo, run));
    Ok(reply.within("check_runs", found.len()))
}

fn suites(state: &mut State, call: &Call) -> Answer {
    let sha = commit(state, call, call.param("ref"))?;
    let (view, repo) = (call.view(state), &state.repos[&call.repo()]);
    let found: Vec<u64> = repo.pulls.suites.get(&sha).map(|ids| ids.0).into_iter().collect();
    let reply = Reply::page_of(call, &found, |id| wire::check::suite(view, repo, &sha, *id));
    Ok(reply.within("check_suites", found.len()))
}

fn annotations(state: &mut State, call: &Call) -> Answer {
    let run = run(state, call, call.number("check_run_id"))?;
    let (view, repo) = (call.view(state), &state.repos[&call.repo()]);
    Ok(Reply::page_of(call, &run.annotations, |said| wire::check::annotation(view, repo, &run.sha, said)))
}

fn rerequest(state: &mut State, call: &Call) -> Answer {
    let known = run(state, call, call.number("check_run_id"))?;
    let (sha, name, app) = (known.sha.clone(), known.name.clone(), known.app);
    state.add_check(call.repo(), &sha, &name, app);
    Ok(Reply::created(json!({})))
}

fn combined(state: &mut State, call: &Call) -> Answer {
    let sha = commit(state, call, call.param("ref")).map_err(|_| Reply::not_found())?;
    let (view, repo) = (call.view(state), &state.repos[&call.repo()]);
    let known = rollup(repo, &sha);
    let mut reply = Reply::page_of(call, &known.statuses, |status| wire::check::brief(view, repo, status));
    if let Body::Json(Value::Array(page)) = reply.body {
        reply.body = Body::Json(wire::check::combined(view, repo, &sha, page));
    }
    Ok(reply)
}

fn add_status(state: &mut State, call: &Call) -> Answer {
    let sha = commit(state, call, call.param("sha"))?;
    let word = call.text("state").and_then(StatusState::named);
    let text = |name: &str| call.text(name).map(str::to_owned);
    let status = Status {
        id: state.next_id(),
        sha,
        context: text("context").unwrap_or_else(|| "default".to_owned()),
        state: word.ok_or_else(|| Reply::invalid("Status", "state", "invalid"))?,
        description: text("description"),
        target_url: text("target_url"),
        creator: Some(call.viewer.user),
        at: state.now(),
    };
    let told = wire::check::status(call.view(state), &state.repos[&call.repo()], &status);
    state.add_status(call.repo(), status);
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}

fn runs(state: &mut State, call: &Call) -> Answer {
    let (view, repo) = (call.view(state), &state.repos[&call.repo()]);
    let wanted = |sha: &String| {
        let branch = call.query("branch").is_none_or(|branch| repo.pulls.refs.get(branch) == Some(sha));
        branch && call.query("head_sha").is_none_or(|wanted| wanted == sha)
    };
    let mut found: Vec<_> = repo.pulls.suites.iter().filter(|(sha, _)| wanted(sha)).collect();
    found.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.1));
    let reply = Reply::page_of(call, &found, |(sha, ids)| wire::check::workflow_run(view, repo, sha, **ids));
    Ok(reply.within("workflow_runs", found.len()))
}

fn rerun(state: &mut State, call: &Call) -> Answer {
    let found = state.rerun_failed(call.repo(), call.number("run_id"));
    if found { Ok(Reply::created(json!({}))) } else { Err(Reply::not_found()) }
}

/// Logs lie with another host, under an address that needs no token and must get none.
fn logs(state: &mut State, call: &Call) -> Answer {
    let run = run(state, call, call.number("job_id"))?;
    if run.log.is_none() {
        return Err(Reply::not_found());
    }
    let port = call.api.trim_end_matches("/api/v3").rsplit_once(':').map_or("80", |(_, port)| port);
    let to = format!("http://localhost:{port}/job-logs/{}/{}?sig=of-the-fake", call.repo(), run.id);
    Ok(Reply { status: 302, headers: vec![("location", to)], body: Body::None })
}
