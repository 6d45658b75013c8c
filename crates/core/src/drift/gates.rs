//! Gates that were changed, weakened or passed by.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::Commit;

use super::{DriftKind, Evidence, Found, GatePolicy, SeenCommit, commits};

pub(super) fn look(found: &mut Found<'_>) {
    changed(found);
    weakened(found);
    passed_by(found);
}

/// Whether paths are among those that globs name, whatever their case.
pub(super) fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    // One that is not understood was refused with the configuration.
    let good = patterns.iter().filter_map(|pattern| GlobBuilder::new(pattern).case_insensitive(true).build().ok());
    for glob in good {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

/// The gates file and protected paths, on the base branch.
fn changed(found: &mut Found<'_>) {
    let input = found.input;
    let Ok(seen) = &input.branch else { return };
    let protected = globs(&input.project.protected);
    let own = input.account.covers(&seen.commits);
    for commit in &seen.commits {
        let hit: Vec<&String> = commit.paths.iter().filter(|path| protected.is_match(path.as_str())).collect();
        let Some(first) = hit.first() else { continue };
        let more = if hit.len() > 1 { format!(" and {} more", hit.len() - 1) } else { String::new() };
        let by = match input.account.ending_at(&commit.commit) {
            Some(reach) => format!("the job for {}", reach.issue),
            None if own.contains(&commit.commit) => "a job".to_owned(),
            None => commit.author.clone(),
        };
        let what = format!("{} changed {first}{more}, which guards `{}`, by {by}", short(commit), input.project.base);
        let evidence = hit.into_iter().map(|path| Evidence { path: Some(path.clone()), ..commits::shown(commit) });
        let (evidence, who) = (evidence.collect(), found.looker(&commit.author));
        found.add(DriftKind::Gates, what, &who, evidence);
    }
}

fn short(commit: &SeenCommit) -> &str {
    Commit::short(&commit.commit)
}

/// What the configuration no longer asks for. What it asks for besides is no drift.
fn weakened(found: &mut Found<'_>) {
    let input = found.input;
    let (before, now) = (&input.record.baseline.policy, GatePolicy::of(input.portfolio, input.project));
    let keeper = found.keeper();
    for (place, names) in &before.guards {
        let left = now.guards.get(place);
        for name in names.iter().filter(|name| !left.is_some_and(|left| left.contains(*name))) {
            found.add(DriftKind::Gates, format!("the configuration took `{name}` out of {place}"), &keeper, Vec::new());
        }
    }
    for (name, bound) in &before.bounds {
        match now.bounds.get(name) {
            Some(larger) if larger > bound => {
                let what = format!("the configuration raised `{name}` from {bound} to {larger}");
                found.add(DriftKind::Gates, what, &keeper, Vec::new());
            }
            _ => {}
        }
    }
}

/// Changes that were let through although a gate of theirs did not pass. The engine does not do that.
fn passed_by(found: &mut Found<'_>) {
    let input = found.input;
    let keeper = found.keeper();
    let own = input.account.bypasses.iter().filter(|bypass| bypass.issue.project == input.project.name);
    for bypass in own.filter(|bypass| bypass.at >= input.record.baseline.at) {
        let gates = bypass.gates.join("`, `");
        let what = format!("{} was let through and `{gates}` had not passed", bypass.commit.short());
        let says = format!("{} of {}", bypass.attempt, bypass.issue);
        let evidence = Evidence { commit: Some(bypass.commit.clone()), says, ..Evidence::default() };
        found.add(DriftKind::Gates, what, &keeper, vec![evidence]);
    }
}
