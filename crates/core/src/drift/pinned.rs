//! Prompts and skills that are not what was accepted.

use super::{DriftKind, Evidence, Found, GatePolicy, commits, gates};

pub(super) fn look(found: &mut Found<'_>) {
    prompts(found);
    files(found);
}

/// The prompts of stages, as the configuration has them.
fn prompts(found: &mut Found<'_>) {
    let input = found.input;
    let (before, now) = (&input.record.baseline.policy, GatePolicy::of(input.portfolio, input.project));
    let keeper = found.keeper();
    for (stage, digest) in &before.prompts {
        if now.prompts.get(stage).is_some_and(|now| now != digest) {
            let what = format!("the prompt of stage `{stage}` is not the one that was accepted");
            found.add(DriftKind::Pinned, what, &keeper, Vec::new());
        }
    }
}

/// The pinned paths, as the base branch has them.
fn files(found: &mut Found<'_>) {
    let input = found.input;
    let Ok(seen) = &input.branch else { return };
    let baseline = &input.record.baseline;
    let accepted = baseline.policy.guards.get("the pinned paths");
    let keeper = found.keeper();
    let is_new = |pattern: &&String| !accepted.is_some_and(|accepted| accepted.contains(*pattern));
    for pattern in input.portfolio.drift.pinned.iter().filter(is_new) {
        let what = format!("what `{pattern}` pins was never accepted");
        found.add(DriftKind::Pinned, what, &keeper, Vec::new());
    }
    let old: Vec<String> = input.portfolio.drift.pinned.iter().filter(|pattern| !is_new(pattern)).cloned().collect();
    let pins = gates::globs(&old);
    let paths = baseline.pinned.keys().chain(seen.pinned.keys().filter(|path| !baseline.pinned.contains_key(*path)));
    for path in paths.filter(|path| pins.is_match(path.as_str())) {
        let what = match (baseline.pinned.get(path), seen.pinned.get(path)) {
            (Some(before), Some(now)) if before == now => continue,
            (_, None) => format!("{path} is pinned and gone"),
            (None, Some(now)) => format!("{path} is pinned and new, as {}", cut(now)),
            (Some(_), Some(now)) => format!("{path} is pinned and was changed, to {}", cut(now)),
        };
        let by = seen.commits.iter().find(|commit| commit.paths.contains(path));
        let who = by.map_or_else(|| keeper.clone(), |commit| found.looker(&commit.author));
        let evidence = by.map(|commit| Evidence { path: Some(path.clone()), ..commits::shown(commit) });
        found.add(DriftKind::Pinned, what, &who, evidence.into_iter().collect());
    }
}

/// As much of a content's name as tells it from others.
fn cut(name: &str) -> &str {
    name.get(..10).unwrap_or(name)
}
