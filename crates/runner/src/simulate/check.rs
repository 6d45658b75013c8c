//! What must hold when a simulation is over.

use std::collections::BTreeMap;

use dayfly_core::{Commit, Effect, Event, ProjectName, PullWrite, Record, State, TrackerWrite};

use super::tally::{Tally, digest};
use super::world::World;

/// Checks all of it, and gives the state that the ledger folds to.
pub(super) fn check(world: &World, tally: &Tally, records: &[Record]) -> State {
    let state = fold(world, tally, records);
    for (id, live) in &state.live {
        world.violated(format!("{id} was started with token {} and never settled", live.token.0));
    }
    for pending in &state.outbox {
        world.violated(format!("the write {} was never done", pending.entry.id));
    }
    let left: Vec<String> = {
        let inner = world.look();
        let left = inner.runs.iter().filter(|(_, run)| run.counts && !run.over);
        left.map(|(id, _)| format!("{id} still runs, and nobody knows of it")).collect()
    };
    left.into_iter().for_each(|what| world.violated(what));
    let doubled: Vec<String> = {
        let inner = world.look();
        let places = inner.places.iter().map(|(name, place)| (name, place.repo.doubled()));
        places.filter(|(_, times)| *times > 0).map(|(name, n)| format!("{n} changes landed twice in {name}")).collect()
    };
    doubled.into_iter().for_each(|what| world.violated(what));
    state
}

fn fold(world: &World, tally: &Tally, records: &[Record]) -> State {
    let known = std::mem::take(&mut tally.lock().states);
    let done = world.look().done.clone();
    let mut state = State::default();
    for record in records {
        if let Ok(Event::EffectDone { effect, landed, .. }) = record.event() {
            let pending = state.outbox.iter().find(|pending| pending.entry.id == effect);
            let made = pending.is_none_or(|pending| match &pending.entry.effect {
                counted if is_counted(counted) => done.contains_key(&effect.0) || is_taken(world, &effect.0),
                other => is_made(world, &effect.0, other, landed.as_ref()),
            });
            if !made {
                world.violated(format!("the ledger holds that the write {effect} was done, and it was not"));
            }
        }
        if let Err(err) = state.apply(record) {
            world.violated(format!("the ledger cannot be folded: {}", crate::engine::chain(&err)));
            return state;
        }
        if let Some(known) = known.get(&state.head)
            && *known != digest(&state)
        {
            world.violated(format!("the engine's state at record {} is not the fold of the ledger", state.head.0));
        }
    }
    state
}

/// Whether the world counts how often that is done.
fn is_counted(effect: &Effect) -> bool {
    match effect {
        Effect::Tracker { write, .. } => {
            matches!(write, TrackerWrite::Comment { .. } | TrackerWrite::Create(_) | TrackerWrite::Duplicate { .. })
        }
        Effect::Pull { write: PullWrite::Open(_), .. } => true,
        _ => false,
    }
}

/// Whether what is not counted was done, or was there when it was looked for.
fn is_made(world: &World, key: &str, effect: &Effect, landed: Option<&Commit>) -> bool {
    let inner = world.look();
    let repo = |project: &ProjectName| inner.places.get(project).map(|place| &place.repo);
    match effect {
        Effect::Land { project, branch, to, .. } => repo(project).is_some_and(|repo| {
            let base = repo.branches.get(branch);
            landed == Some(to) && base.is_some_and(|base| repo.is_ancestor(to, base))
        }),
        Effect::Push { project, branch, commit } | Effect::Branch { project, branch, commit } => {
            repo(project).is_some_and(|repo| repo.has_stood(branch, commit))
        }
        _ => inner.seen.contains(key),
    }
}

/// Whether a write found what another had made: a child that was there, a pull request that was open.
fn is_taken(world: &World, key: &str) -> bool {
    let inner = world.look();
    let found: BTreeMap<_, _> = inner.places.iter().filter(|(_, place)| place.holds(key)).collect();
    !found.is_empty()
}
