//! What checks and statuses of a commit come to.

use serde_json::{Value, json};

use super::{Ask, Object, Selected, Told, connection};
use crate::github::deeds::At;
use crate::github::pulls::{Annotation, BranchRules, CheckRun, Rollup, Status, Verdict, rollup};
use crate::github::state::Repo;
use crate::github::wire::{self, View, node};

/// The rollup of a pull request's head; nothing if nothing is known of it.
pub(super) fn of_pull(ask: &Ask<'_>, at: At) -> Option<Object> {
    let repo = ask.state.repos.get(&at.repo)?;
    let head = &ask.state.pull(at)?.head_sha;
    (!rollup(repo, head).is_empty()).then_some(Object::Rollup(at))
}

/// A field of the rollup.
pub(super) fn field(ask: &Ask<'_>, at: At, field: &Selected) -> Told {
    let (Some(repo), Some(pull)) = (ask.state.repos.get(&at.repo), ask.state.pull(at)) else { return Told::Unknown };
    let known = rollup(repo, &pull.head_sha);
    let rules = ask.state.rules_of(repo, &pull.base);
    match field.name.as_str() {
        "id" => Told::value(format!("SCR_{}", pull.head_sha)),
        "state" => Told::value(state(&known)),
        "contexts" => {
            let checks = known.checks.iter().map(|run| Object::Plain("CheckRun", check(ask.view(), repo, &rules, run)));
            let statuses = known.statuses.iter().map(|one| Object::Plain("StatusContext", status(&rules, one)));
            connection("StatusCheckRollupContextConnection", checks.chain(statuses).collect(), field)
        }
        _ => Told::Unknown,
    }
}

fn state(known: &Rollup<'_>) -> &'static str {
    match known.verdict() {
        Some(Verdict::Good) => "SUCCESS",
        Some(Verdict::Bad) => "FAILURE",
        Some(Verdict::Pending) | None => "PENDING",
    }
}

fn check(view: View<'_>, repo: &Repo, rules: &BranchRules, run: &CheckRun) -> Value {
    let told = wire::check::run(view, repo, run);
    let (status, conclusion) = run.state.words();
    let annotations: Vec<Value> = run.annotations.iter().map(annotation).collect();
    json!({
        "__typename": "CheckRun",
        "id": told["node_id"],
        "databaseId": run.id,
        "name": run.name,
        "status": status.to_uppercase(),
        "conclusion": conclusion.map(str::to_uppercase),
        "title": run.title,
        "summary": run.summary,
        "text": run.text,
        "externalId": run.external_id,
        "detailsUrl": told["details_url"],
        "url": told["html_url"],
        "permalink": told["html_url"],
        "startedAt": told["started_at"],
        "completedAt": told["completed_at"],
        "isRequired": rules.checks.contains(&run.name),
        "annotations": { "totalCount": annotations.len(), "nodes": annotations },
        "checkSuite": { "id": node("CS", told["check_suite"]["id"].as_u64().unwrap_or(0)), "app": null, "workflowRun": null },
    })
}

fn annotation(said: &Annotation) -> Value {
    let position = json!({ "line": said.line, "column": null });
    json!({
        "path": said.path,
        "message": said.message,
        "title": null,
        "rawDetails": null,
        "annotationLevel": said.level.to_uppercase(),
        "location": { "start": position, "end": position },
    })
}

fn status(rules: &BranchRules, one: &Status) -> Value {
    json!({
        "__typename": "StatusContext",
        "id": node("SC", one.id),
        "context": one.context,
        "state": one.state.word().to_uppercase(),
        "description": one.description,
        "targetUrl": one.target_url,
        "createdAt": one.at.to_string(),
        "isRequired": rules.checks.contains(&one.context),
    })
}
