//! References, files, comparisons and the rules of branches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::checks::commit;
use super::pulls::broken;
use crate::github::call::Call;
use crate::github::pulls::{BranchRules, sync};
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Repo, State};
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "contents");
const WRITE: Needs = Needs::Repo(Permission::Write, "contents");
const METADATA: Needs = Needs::Repo(Permission::Read, "metadata");
const ADMINISTER: Needs = Needs::Repo(Permission::Admin, "administration");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/git/ref/{ref}", READ, get),
    Route::new("POST", "/repos/{owner}/{repo}/git/refs", WRITE, create),
    Route::new("DELETE", "/repos/{owner}/{repo}/git/refs/{ref}", WRITE, delete),
    Route::new("GET", "/repos/{owner}/{repo}/contents/{path}", READ, contents),
    Route::new("GET", "/repos/{owner}/{repo}/compare/{basehead}", READ, compare),
    Route::new("GET", "/repos/{owner}/{repo}/rules/branches/{branch}", METADATA, rules),
    Route::new("GET", "/repos/{owner}/{repo}/branches/{branch}/protection", ADMINISTER, protection),
];

fn get(state: &mut State, call: &Call) -> Answer {
    let name = format!("refs/{}", call.param("ref"));
    let sha = state.git(call.repo()).resolve(&name).ok_or_else(Reply::not_found)?;
    Ok(Reply::ok(wire::commit::reference(call.view(state), &state.repos[&call.repo()], &name, &sha)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let (name, sha) = (call.text("ref").unwrap_or_default(), call.text("sha").unwrap_or_default());
    let git = state.git(call.repo());
    if !name.starts_with("refs/") || name.matches('/').count() < 2 {
        return Err(Reply::unprocessable("Reference name must start with 'refs/' and contain at least two slashes."));
    }
    if git.resolve(name).is_some() {
        return Err(Reply::unprocessable("Reference already exists"));
    }
    if git.resolve(sha).is_none() {
        return Err(Reply::unprocessable("Object does not exist"));
    }
    git.set_ref(name, sha).map_err(|failure| broken(&failure))?;
    sync(state, call.repo(), Some(call.viewer.user));
    let told = wire::commit::reference(call.view(state), &state.repos[&call.repo()], name, sha);
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let name = format!("refs/{}", call.param("ref"));
    let default = format!("refs/heads/{}", state.repos[&call.repo()].default_branch);
    if name == default || !state.git(call.repo()).delete_ref(&name) {
        return Err(Reply::unprocessable("Reference does not exist"));
    }
    sync(state, call.repo(), Some(call.viewer.user));
    Ok(Reply::no_content())
}

fn contents(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let (rev, path) = (call.query("ref").unwrap_or(&repo.default_branch), call.param("path"));
    let sha = commit(state, call, rev).map_err(|_| Reply::not_found())?;
    let git = state.git(repo.id);
    let view = call.view(state);
    if let Some((blob, bytes)) = git.blob(&sha, path) {
        return Ok(Reply::ok(file(&place(view, repo, rev, path), path, &blob, &bytes)));
    }
    let entries = git.entries(&sha, path);
    if entries.is_empty() {
        return Err(Reply::not_found());
    }
    let told = entries.iter().map(|(kind, id, name)| {
        let below = format!("{path}/{name}");
        let mut told = place(view, repo, rev, &below);
        told["type"] = json!(kind);
        told["sha"] = json!(id);
        told["size"] = json!(0);
        told["name"] = json!(name);
        told["path"] = json!(below.trim_start_matches('/'));
        told
    });
    Ok(Reply::ok(told.collect()))
}

fn place(view: wire::View<'_>, repo: &Repo, rev: &str, path: &str) -> Value {
    let url = format!("{}/contents/{path}?ref={rev}", view.repo_url(repo));
    let html = format!("{}/blob/{rev}/{path}", view.page_url(repo));
    json!({
        "url": url,
        "git_url": null,
        "html_url": html,
        "download_url": null,
        "_links": { "self": url, "git": null, "html": html },
    })
}

fn file(place: &Value, path: &str, blob: &str, bytes: &[u8]) -> Value {
    let mut told = place.clone();
    told["type"] = json!("file");
    told["encoding"] = json!("base64");
    told["size"] = json!(bytes.len());
    told["name"] = json!(path.rsplit('/').next());
    told["path"] = json!(path);
    told["content"] = json!(STANDARD.encode(bytes));
    told["sha"] = json!(blob);
    told
}

fn compare(state: &mut State, call: &Call) -> Answer {
    let (base, head) = call.param("basehead").split_once("...").ok_or_else(Reply::not_found)?;
    let tip = |name: &str| commit(state, call, name).map_err(|_| Reply::not_found());
    let (base, head) = (tip(base)?, tip(head)?);
    let (repo, git, view) = (&state.repos[&call.repo()], state.git(call.repo()), call.view(state));
    let parted = git.merge_base(&base, &head).ok_or_else(Reply::not_found)?;
    let told = || {
        let (ahead, behind) = git.ahead_behind(&base, &head)?;
        let commits = git.commits_between(&base, &head)?;
        let changes = git.changes(&base, &head)?;
        let url = format!("{}/compare/{base}...{head}", view.repo_url(repo));
        let page = format!("{}/compare/{base}...{head}", view.page_url(repo));
        let ends = (base.as_str(), head.as_str());
        Ok(json!({
            "url": url,
            "html_url": page,
            "permalink_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "base_commit": wire::commit::commit(view, repo, &git.facts(&base)?),
            "merge_base_commit": wire::commit::commit(view, repo, &git.facts(&parted)?),
            "status": match (ahead, behind) {
                (0, 0) => "identical",
                (_, 0) => "ahead",
                (0, _) => "behind",
                _ => "diverged",
            },
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": commits.len(),
            "commits": commits.iter().map(|facts| wire::commit::commit(view, repo, facts)).collect::<Vec<_>>(),
            "files": changes.iter().map(|change| wire::commit::file(view, repo, ends, change)).collect::<Vec<_>>(),
        }))
    };
    let told: Result<Value, crate::github::git::GitFailure> = told();
    told.map(Reply::ok).map_err(|failure| broken(&failure))
}

fn rules(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let rules = state.rules_of(repo, call.param("branch"));
    let source = state.full_name(repo);
    let told = told_rules(&rules).into_iter().map(|mut rule| {
        rule["ruleset_source_type"] = json!("Repository");
        rule["ruleset_source"] = json!(source);
        rule["ruleset_id"] = json!(repo.id + 1);
        rule
    });
    Ok(Reply::page(call, told.collect()))
}

fn told_rules(rules: &BranchRules) -> Vec<Value> {
    let mut told = Vec::new();
    if rules.pull_request || rules.approvals > 0 || rules.threads_resolved {
        told.push(json!({ "type": "pull_request", "parameters": {
            "dismiss_stale_reviews_on_push": rules.dismiss_stale,
            "require_code_owner_review": false,
            "require_last_push_approval": false,
            "required_approving_review_count": rules.approvals,
            "required_review_thread_resolution": rules.threads_resolved,
        }}));
    }
    if !rules.checks.is_empty() {
        let checks: Vec<Value> = rules.checks.iter().map(|name| json!({ "context": name })).collect();
        told.push(json!({ "type": "required_status_checks", "parameters": {
            "required_status_checks": checks,
            "strict_required_status_checks_policy": rules.up_to_date,
        }}));
    }
    if rules.merge_queue {
        told.push(json!({ "type": "merge_queue", "parameters": {
            "check_response_timeout_minutes": 60,
            "grouping_strategy": "ALLGREEN",
            "max_entries_to_build": 5,
            "max_entries_to_merge": 5,
            "merge_method": "MERGE",
            "min_entries_to_merge": 1,
            "min_entries_to_merge_wait_minutes": 5,
        }}));
    }
    told
}

/// The older form of rules, which nothing here is kept in.
fn protection(state: &mut State, call: &Call) -> Answer {
    commit(state, call, call.param("branch")).map_err(|_| Reply::refusal(404, "Branch not found"))?;
    Err(Reply::refusal(404, "Branch not protected"))
}
