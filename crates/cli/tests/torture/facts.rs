//! What a person would look at in the end, and what must be true of it whatever died on the way.

use std::collections::BTreeMap;

use camino::Utf8Path;
use dayfly_core::{End, Event, Phase, Record, State};
use dayfly_runner::{SqliteStore, read_all};

use crate::people::Forge;
use crate::portfolio::{FILES, git, issue_files};
use crate::processes;

pub(crate) fn ledger(dir: &Utf8Path) -> Result<Vec<Record>, String> {
    let path = dir.join(".dayfly/ledger.sqlite");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = async { read_all(&SqliteStore::open_read_only(&path)?).await };
    match runtime.block_on(read) {
        // Its engine was killed as it made the file.
        Err(err) if err.to_string().contains("holds no ledger yet") => Ok(Vec::new()),
        read => read.map_err(|err| format!("the ledger cannot be read: {err}")),
    }
}

/// The state of the world, and all that must hold of its ledger alone: the chain is whole, nothing is left over.
pub(crate) fn settled(dir: &Utf8Path, records: &[Record]) -> Result<State, String> {
    let state = State::fold(records).map_err(|err| format!("the ledger does not fold: {err}"))?;
    if !state.live.is_empty() || !state.outbox.is_empty() {
        return Err(format!("left over: {:?} {:?}", state.live.keys(), state.outbox));
    }
    for (issue, known) in &state.issues {
        let allowed = if known.title.starts_with("Nothing") { 3 } else { 1 };
        if known.visit_attempts > allowed {
            return Err(format!("{issue}: what was lost was charged: {known:?}"));
        }
    }
    let orphans = processes::orphans(dir);
    if orphans.is_empty() { Ok(state) } else { Err(orphans.join("\n")) }
}

/// How the attempts of the ledger compare with the book in which each of their lives was put down.
pub(crate) fn booked(dir: &Utf8Path, records: &[Record], keepers_lived: bool) -> Result<u64, String> {
    let mut ends = BTreeMap::new();
    for record in records {
        if let Ok(Event::AttemptEnded { attempt, outcome, .. }) = record.event()
            && ends.insert(attempt.to_string(), outcome.end == End::Lost).is_some()
        {
            return Err(format!("{attempt} ended twice"));
        }
    }
    let mut lost = 0;
    for entry in std::fs::read_dir(dir.join("book")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let lines = std::fs::read_to_string(entry.path()).unwrap();
        let lives = lines.lines().filter(|line| *line == "begun").count();
        if lives > 1 {
            return Err(format!("{name} was started {lives} times"));
        }
        let Some(lost_it) = ends.get(&name) else {
            return Err(format!("{name} was started, and no record says how it ended"));
        };
        if !*lost_it {
            continue;
        }
        lost += 1;
        if keepers_lived && lines.contains("done") {
            return Err(format!("{name} was done under a keeper that lived, and its outcome was lost"));
        }
    }
    Ok(lost)
}

/// What a person would look at, without what differs from run to run.
pub(crate) fn facts(dir: &Utf8Path, state: &State, records: &[Record], forge: Option<&Forge>) -> Vec<String> {
    let mut facts = Vec::new();
    for (issue, known) in &state.issues {
        let word = match &known.phase {
            Phase::Blocked { .. } => "blocked",
            phase => phase.word(),
        };
        // A split's children are made in either order.
        facts.push(format!("{} {} {word}", issue.project, known.title));
    }
    facts.sort();
    let landings = records.iter().filter(|r| matches!(r.event(), Ok(Event::EffectDone { landed: Some(_), .. })));
    facts.push(format!("{} landings", landings.count()));
    for (project, _) in FILES {
        let repository = dir.join("repos").join(project);
        let mut subjects: Vec<String> = git(&repository, &["log", "--format=%s"]).lines().map(str::to_owned).collect();
        subjects.sort();
        facts.push(format!("{project}: {}", subjects.join(" | ")));
        facts.push(format!("{project}: changed in the checkout: {:?}", git(&repository, &["status", "--short"])));
        facts.push(format!("{project}: {} worktrees", git(&repository, &["worktree", "list"]).lines().count()));
        let mut issues: Vec<String> = Vec::new();
        for (_, text) in issue_files(dir, project) {
            let of = |word: &str| text.lines().find(|l| l.starts_with(word)).unwrap_or_default().to_owned();
            let comments = text.lines().filter(|l| l.starts_with("## Comment by")).count();
            issues.push(format!("{} {} {} {comments} comments", of("title"), of("state"), of("labels")));
        }
        issues.sort();
        facts.extend(issues.into_iter().map(|i| format!("{project}: {i}")));
    }
    if let Some(forge) = forge {
        facts.extend(forge_facts(forge));
    }
    facts
}

fn forge_facts(forge: &Forge) -> Vec<String> {
    let mut facts = Vec::new();
    let pulls = forge.repo.pulls();
    let numbers: Vec<u64> = pulls.iter().map(|pull| pull.number).collect();
    for (number, issue) in forge.repo.issues() {
        let kind = if numbers.contains(&number) { "pull" } else { "issue" };
        let mut labels = issue.labels.clone();
        labels.sort();
        facts.push(format!(
            "web: {kind} {:?} open {} {labels:?} {} comments {} parts",
            issue.title,
            issue.open,
            issue.comments.len(),
            issue.sub_issues.len()
        ));
    }
    facts.sort();
    let merged = pulls.iter().filter(|pull| pull.merged.is_some()).count();
    facts.push(format!("web: {} pull requests, {merged} merged", pulls.len()));
    facts
}

/// How two lists differ.
pub(crate) fn difference(wanted: &[String], found: &[String]) -> String {
    let missing = wanted.iter().filter(|line| !found.contains(line)).map(|line| format!("  expected {line}"));
    let added = found.iter().filter(|line| !wanted.contains(line)).map(|line| format!("  found    {line}"));
    missing.chain(added).collect::<Vec<_>>().join("\n")
}
