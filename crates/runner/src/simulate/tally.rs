//! What is counted while a simulation goes on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dayfly_core::{
    Digest, Event, Fate, Filter, IssueRef, Plan, PlanInput, ProjectName, ProjectView, Seq, State, Wait, plan,
};

use crate::engine::Notice;

use super::store::SimStore;
use super::world::World;

/// Every so many records the state of the engine is kept, to be held against the fold.
const SAMPLED: u64 = 97;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    inner: Mutex<Inner>,
}

/// The counts themselves.
#[derive(Debug, Default)]
pub(super) struct Inner {
    /// How often an engine was started.
    pub(super) starts: u64,
    /// How often an engine held on because the store did not serve.
    pub(super) holds: u64,
    /// What waited, by its reason, for so long in all.
    pub(super) waits: BTreeMap<String, Duration>,
    /// The state as an engine knew it, by its place in the ledger.
    pub(super) states: BTreeMap<Seq, Digest>,
    /// Attempts that an engine took up from one before it, and those that it settled as lost.
    pub(super) taken_up: u64,
    pub(super) recovered: u64,
    /// The ledger so far, folded to see what waits.
    folded: State,
}

impl Tally {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn started(&self) {
        self.lock().starts += 1;
    }

    /// Takes what an engine tells, and checks what must hold at every step.
    pub(super) fn notice(&self, world: &World, notice: &Notice<'_>) {
        match notice {
            Notice::Event(state, event) => {
                if matches!(event, Event::AttemptStarted { .. }) {
                    check_caps(world, state);
                }
                if state.head.0.is_multiple_of(SAMPLED) {
                    self.lock().states.insert(state.head, digest(state));
                }
            }
            Notice::Recovered(found) => {
                let count = |fates: &[Fate]| found.iter().filter(|found| fates.contains(&found.fate)).count() as u64;
                let mut inner = self.lock();
                inner.taken_up += count(&[Fate::TakenUp]);
                inner.recovered += count(&[Fate::Settled, Fate::Parked]);
            }
            Notice::Unavailable(_) => self.lock().holds += 1,
            _ => {}
        }
    }

    /// Looks what waits, and why.
    pub(super) async fn sample(&self, world: &World, store: &SimStore, long: Duration) {
        let mut state = std::mem::take(&mut self.lock().folded);
        let records = store.records(state.head).await;
        // What cannot be folded is told at the end.
        let folds = records.iter().all(|record| state.apply(record).is_ok());
        let (views, now, filter) = (views(world), world.time.true_now(), Filter::default());
        let input = PlanInput {
            portfolio: &world.portfolio,
            state: &state,
            views: &views,
            now,
            zone: &world.zone,
            filter: &filter,
        };
        let plan = if folds { plan(&input) } else { Plan::default() };
        let mut inner = self.lock();
        for waiting in plan.waiting.iter().filter(|waiting| waiting.issue.is_some()) {
            *inner.waits.entry(word(&waiting.why)).or_default() += long;
        }
        inner.folded = state;
    }

    /// Whether nothing is left to be written, and nothing is live.
    pub(super) async fn is_written(&self, store: &SimStore) -> bool {
        State::fold(&store.records(Seq(0)).await).is_ok_and(|state| state.live.is_empty() && state.outbox.is_empty())
    }
}

/// A state, in short.
pub(super) fn digest(state: &State) -> Digest {
    // An engine sets aside what it has no use for; that is no difference.
    let mut state = state.clone();
    let issues: Vec<IssueRef> = state.issues.keys().cloned().collect();
    for issue in issues {
        state.set_aside(&issue);
    }
    Digest::of(format!("{state:?}").as_bytes())
}

/// No more runs than may.
fn check_caps(world: &World, state: &State) {
    let host = world.portfolio.concurrency as usize;
    if state.live.len() > host {
        world.violated(format!("{} attempts run, and {host} may", state.live.len()));
    }
    let mut by_project: BTreeMap<&ProjectName, usize> = BTreeMap::new();
    let mut by_issue: BTreeMap<&IssueRef, usize> = BTreeMap::new();
    for live in state.live.values() {
        *by_project.entry(&live.issue.project).or_default() += 1;
        *by_issue.entry(&live.issue).or_default() += 1;
    }
    for (name, count) in by_project {
        let most = world.portfolio.projects.get(name).map_or(usize::MAX, |project| project.concurrency as usize);
        if count > most {
            world.violated(format!("{count} attempts run in {name}, and {most} may"));
        }
    }
    if let Some((issue, count)) = by_issue.into_iter().find(|(_, count)| *count > 1) {
        world.violated(format!("{count} attempts run at {issue}"));
    }
}

/// What the trackers show, as a report would see it.
fn views(world: &World) -> BTreeMap<ProjectName, ProjectView> {
    let inner = world.look();
    let views = inner.places.iter().map(|(name, place)| {
        let milestones = place.milestones.values().cloned().collect();
        (name.clone(), ProjectView { issues: place.listed(), milestones, ..ProjectView::default() })
    });
    views.collect()
}

/// The word for why something waits.
fn word(wait: &Wait) -> String {
    let word = match wait {
        Wait::Budget { of } => return bound(of),
        Wait::Slot { .. } => "a slot",
        Wait::Running { .. } => "its attempt",
        Wait::Effects { .. } => "its writes",
        Wait::Backoff => "the next try",
        Wait::Capacity { .. } => "capacity",
        Wait::Account { .. } => "an account",
        Wait::Answer { .. } => "an answer",
        Wait::Children { .. } => "its children",
        Wait::Merge { .. } | Wait::Pull { .. } => "its merge",
        Wait::Landing => "its landing",
        Wait::Person { .. } => "a person",
        Wait::Lifetime { .. } => "its bounds",
        Wait::Author { .. } => "its author",
        Wait::Blocked { .. } => "other issues",
        Wait::Label { .. } => "a label",
        Wait::Tracker { .. } => "its tracker",
        _ => "something else",
    };
    word.to_owned()
}

/// A budget by its key and whose it is, so that whoever reads it can raise it. How much of it is used is left out: it
/// is another number each time.
fn bound(of: &str) -> String {
    let named = || {
        let (what, span) = of.rsplit_once(" this ")?;
        let (what, who) = what.split_once(" for ")?;
        let (_, most) = what.split_once(" of ")?;
        let (most, unit) = most.split_once(' ')?;
        let (key, most) = match unit {
            "US dollars" => ("usd", most.strip_suffix(".00").unwrap_or(most).to_owned()),
            "minutes of agent time" => ("time", format!("\"{most}m\"")),
            unit => (unit, most.to_owned()),
        };
        Some(format!("a budget, {span}-{key} = {most} of {who}"))
    };
    named().unwrap_or_else(|| format!("a budget, {of}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_named_by_its_key_whatever_is_used_of_it() {
        let named = |of: &str| bound(of);
        assert_eq!(
            named("100.37 of 100.00 US dollars for all projects this day"),
            "a budget, day-usd = 100 of all projects"
        );
        assert_eq!(named("7 of 5 tokens for project for this month"), "a budget, month-tokens = 5 of project for");
        assert_eq!(
            named("61 of 60 minutes of agent time for project web this day"),
            "a budget, day-time = \"60m\" of project web"
        );
        assert_eq!(named("9 of 9 attempts for all projects this day"), "a budget, day-attempts = 9 of all projects");
        let running = "the attempts that are left for all projects run";
        assert_eq!(named(running), format!("a budget, {running}"));
    }
}
