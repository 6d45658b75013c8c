//! Checks, statuses and runs of Actions.

use serde_json::{Value, json};

use super::{View, app, commit, node, pull, repository, user};
use crate::github::pulls::{Annotation, CheckRun, Rollup, Status, Verdict, rollup};
use crate::github::state::Repo;

/// A check run.
pub(crate) fn run(view: View<'_>, repo: &Repo, run: &CheckRun) -> Value {
    let url = format!("{}/check-runs/{}", view.repo_url(repo), run.id);
    let page = job_page(view, repo, run);
    let (status, conclusion) = run.state.words();
    let (suite, _) = repo.pulls.suites.get(&run.sha).copied().unwrap_or_default();
    json!({
        "id": run.id,
        "head_sha": run.sha,
        "node_id": node("CR", run.id),
        "external_id": run.external_id.clone().unwrap_or_default(),
        "url": url,
        "html_url": page,
        "details_url": run.details_url.as_ref().unwrap_or(&page),
        "status": status,
        "conclusion": conclusion,
        "started_at": run.started_at.to_string(),
        "completed_at": run.completed_at.map(|at| at.to_string()),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": run.annotations.len(),
            "annotations_url": format!("{url}/annotations"),
        },
        "name": run.name,
        "check_suite": { "id": suite },
        "app": app::app(view, run.app),
        "pull_requests": pulls(view, repo, &run.sha),
    })
}

/// The page of a check's job.
pub(crate) fn job_page(view: View<'_>, repo: &Repo, run: &CheckRun) -> String {
    let (_, of) = repo.pulls.suites.get(&run.sha).copied().unwrap_or_default();
    format!("{}/actions/runs/{of}/job/{}", view.page_url(repo), run.id)
}

/// What a check says of a line.
pub(crate) fn annotation(view: View<'_>, repo: &Repo, sha: &str, said: &Annotation) -> Value {
    json!({
        "path": said.path,
        "start_line": said.line,
        "end_line": said.line,
        "start_column": null,
        "end_column": null,
        "annotation_level": said.level,
        "title": null,
        "message": said.message,
        "raw_details": null,
        "blob_href": format!("{}/blob/{sha}/{}", view.page_url(repo), said.path),
    })
}

/// The suite of a commit.
pub(crate) fn suite(view: View<'_>, repo: &Repo, sha: &str, id: u64) -> Value {
    let known = rollup(repo, sha);
    let (status, conclusion) = words(checks_alone(&known));
    let base = view.repo_url(repo);
    json!({
        "id": id,
        "node_id": node("CS", id),
        "head_branch": branch(repo, sha),
        "head_sha": sha,
        "status": status,
        "conclusion": conclusion,
        "url": format!("{base}/check-suites/{id}"),
        "before": null,
        "after": sha,
        "pull_requests": pulls(view, repo, sha),
        "app": null,
        "repository": repository::simple(view, repo),
        "created_at": null,
        "updated_at": null,
        "head_commit": commit::head(&view.state.git(repo.id), sha),
        "latest_check_runs_count": known.checks.len(),
        "check_runs_url": format!("{base}/check-suites/{id}/check-runs"),
    })
}

/// The run of Actions of a commit.
pub(crate) fn workflow_run(view: View<'_>, repo: &Repo, sha: &str, (suite, id): (u64, u64)) -> Value {
    let known = rollup(repo, sha);
    let (status, conclusion) = words(checks_alone(&known));
    let url = format!("{}/actions/runs/{id}", view.repo_url(repo));
    let began = known.checks.iter().map(|run| run.started_at).min().unwrap_or(repo.created_at).to_string();
    let home = repository::simple(view, repo);
    json!({
        "id": id,
        "name": "CI",
        "node_id": node("WFR", id),
        "head_branch": branch(repo, sha),
        "head_sha": sha,
        "path": ".github/workflows/ci.yml",
        "run_number": 1,
        "run_attempt": 1,
        "event": "push",
        "display_title": view.state.git(repo.id).log(sha).first(),
        "status": status,
        "conclusion": conclusion,
        "workflow_id": 1,
        "check_suite_id": suite,
        "url": url,
        "html_url": format!("{}/actions/runs/{id}", view.page_url(repo)),
        "pull_requests": pulls(view, repo, sha),
        "created_at": began,
        "updated_at": began,
        "jobs_url": format!("{url}/jobs"),
        "logs_url": format!("{url}/logs"),
        "check_suite_url": format!("{}/check-suites/{suite}", view.repo_url(repo)),
        "artifacts_url": format!("{url}/artifacts"),
        "cancel_url": format!("{url}/cancel"),
        "rerun_url": format!("{url}/rerun"),
        "workflow_url": format!("{}/actions/workflows/1", view.repo_url(repo)),
        "head_commit": commit::head(&view.state.git(repo.id), sha),
        "repository": home,
        "head_repository": home,
    })
}

/// A status, as its making is answered.
pub(crate) fn status(view: View<'_>, repo: &Repo, status: &Status) -> Value {
    let mut told = brief(view, repo, status);
    told["creator"] = user::simple(view, status.creator);
    told
}

/// All statuses of a commit, and what they come to: nothing known is told as pending.
pub(crate) fn combined(view: View<'_>, repo: &Repo, sha: &str, page: Vec<Value>) -> Value {
    let known = rollup(repo, sha);
    let verdict = statuses_alone(&known);
    let url = format!("{}/commits/{sha}", view.repo_url(repo));
    json!({
        "state": match verdict {
            Some(Verdict::Good) => "success",
            Some(Verdict::Bad) => "failure",
            Some(Verdict::Pending) | None => "pending",
        },
        "statuses": page,
        "sha": sha,
        "total_count": known.statuses.len(),
        "repository": repository::simple(view, repo),
        "commit_url": url,
        "url": format!("{url}/status"),
    })
}

/// A status in the list of its commit.
pub(crate) fn brief(view: View<'_>, repo: &Repo, status: &Status) -> Value {
    json!({
        "url": format!("{}/statuses/{}", view.repo_url(repo), status.sha),
        "avatar_url": null,
        "id": status.id,
        "node_id": node("SC", status.id),
        "state": status.state.word(),
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": status.at.to_string(),
        "updated_at": status.at.to_string(),
    })
}

fn checks_alone(known: &Rollup<'_>) -> Option<Verdict> {
    known.checks.iter().map(|run| run.state.verdict()).max()
}

fn statuses_alone(known: &Rollup<'_>) -> Option<Verdict> {
    known.statuses.iter().map(|status| status.state.verdict()).max()
}

fn words(verdict: Option<Verdict>) -> (&'static str, Option<&'static str>) {
    match verdict {
        None => ("queued", None),
        Some(Verdict::Pending) => ("in_progress", None),
        Some(Verdict::Good) => ("completed", Some("success")),
        Some(Verdict::Bad) => ("completed", Some("failure")),
    }
}

fn branch(repo: &Repo, sha: &str) -> Option<String> {
    repo.pulls.refs.iter().find(|(_, tip)| *tip == sha).map(|(branch, _)| branch.clone())
}

fn pulls(view: View<'_>, repo: &Repo, sha: &str) -> Vec<Value> {
    let of = repo.issues.values().filter_map(|issue| Some((issue, issue.open_pull()?)));
    let of = of.filter(|(_, known)| known.head_sha == sha);
    of.map(|(issue, known)| pull::minimal(view, repo, issue, known)).collect()
}
