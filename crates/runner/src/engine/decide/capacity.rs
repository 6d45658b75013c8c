//! What the engine does about the capacity of vendors.

use dayfly_core::{
    AttemptId, Awaited, End, Event, IssueRef, Learned, Limit, LimitNotice, LimitWhy, Limited, OpenedBy, Outcome, Plan,
    Ready, Standing, Strength, Using, Wait, capacity_after, capacity_noticed, next_probe,
};
use jiff::{SignedDuration, Timestamp};

use crate::engine::model::{Command, Model, Until};

/// How much later than known a stated time must be to be worth a record.
const SAME: SignedDuration = SignedDuration::from_secs(2);

/// How long after the time that was told a guessed one must lie to be told too.
const TOLD: SignedDuration = SignedDuration::from_mins(15);

impl Model {
    fn learned<'a>(&'a self, using: &'a Using, outcome: &'a Outcome, now: Timestamp) -> Learned<'a> {
        Learned {
            capacity: &self.state.capacity,
            policy: &self.portfolio.capacity,
            using,
            attempt: None,
            issue: None,
            outcome,
            now,
            zone: &self.zone,
        }
    }

    /// That something which began then was answered, if that ends any limit.
    fn opened(&self, using: &Using, by: OpenedBy, began: Timestamp, works: bool) -> Option<Event> {
        let over = |limit: &Limit| limit.key.covers(using) && limit.is_answered(&by, Some(began), works);
        let ends = self.state.capacity.limits.iter().any(over);
        ends.then(|| Event::CapacityOpened { key: using.key(), by: by.clone(), began: Some(began), works })
    }
}

/// Whether what a job would use takes no work.
pub(super) fn is_closed(model: &Model, ready: &Ready, now: Timestamp) -> bool {
    let agent = ready.agent.as_ref().and_then(|name| Some((name, model.portfolio.agents.get(name)?)));
    let using = agent.map(|(name, agent)| Using::new(agent.vendor(name), ready.account.clone(), ready.model.clone()));
    using.is_some_and(|using| matches!(model.state.capacity.standing(&using, now), Standing::Closed(_)))
}

/// What the end of an attempt shows of its vendor, to be recorded together with it.
pub(super) fn after(model: &Model, attempt: &AttemptId, outcome: &Outcome, now: Timestamp) -> Vec<Event> {
    let Some(live) = model.state.live.get(attempt) else { return Vec::new() };
    let Some(using) = &live.using else { return Vec::new() };
    let issue: &IssueRef = &live.issue;
    let learned = Learned { attempt: Some(attempt), issue: Some(issue), ..model.learned(using, outcome, now) };
    let mut events = Vec::new();
    let works =
        matches!(outcome.end, End::Succeeded | End::TaskFailed { .. } | End::GateFailed(_) | End::NeedsHuman { .. });
    if works || matches!(outcome.end, End::NoOp { .. }) {
        events.extend(model.opened(using, OpenedBy::Attempt(attempt.clone()), live.since, works));
    }
    events.extend(capacity_after(&learned).into_iter().map(|limit| Event::CapacityLimited { limit }));
    events
}

/// An attempt's vendor answers it.
pub(super) fn answers(model: &Model, attempt: &AttemptId) -> Vec<Command> {
    let Some(live) = model.state.live.get(attempt) else { return Vec::new() };
    let Some(using) = &live.using else { return Vec::new() };
    let event = model.opened(using, OpenedBy::Attempt(attempt.clone()), live.since, false);
    event.map(|event| Command::Append(vec![event], Vec::new())).into_iter().collect()
}

/// An attempt's vendor refuses it: what would use the same waits from now on.
pub(super) fn refuses(model: &Model, attempt: &AttemptId, notice: &LimitNotice, now: Timestamp) -> Vec<Command> {
    let Some(using) = model.state.live.get(attempt).and_then(|live| live.using.as_ref()) else { return Vec::new() };
    let outcome = Outcome::new(End::Quota { resets_at: None });
    let learned = Learned { attempt: Some(attempt), ..model.learned(using, &outcome, now) };
    let limit = capacity_noticed(&learned, notice).filter(|limit| is_news(model, limit));
    limit.map(|limit| Command::Append(vec![Event::CapacityLimited { limit }], Vec::new())).into_iter().collect()
}

/// Whether a limit says more than is known.
fn is_news(model: &Model, limit: &Limited) -> bool {
    let known = |l: &&Limit| l.key == limit.key && l.why == limit.why && l.window == limit.window;
    let Some(known) = model.state.capacity.limits.iter().find(known) else { return true };
    let moved = match (known.until, limit.until) {
        (Some(old), Some(new)) => new.duration_since(old).abs() > SAME,
        (old, new) => old != new,
    };
    limit.strength > known.strength || limit.strength == known.strength && moved && limit.strength != Strength::Guessed
}

/// What a probe found.
pub(super) fn probed(model: &mut Model, awaited: Awaited, outcome: Option<Outcome>, now: Timestamp) -> Vec<Command> {
    let Awaited { using, .. } = awaited;
    let began = model.probing.remove(&using).unwrap_or(now);
    if outcome.is_none() && !model.admitting {
        // It was stopped.
        return Vec::new();
    }
    // One that could not be started is tried again like one that was refused, and says nothing.
    let mut outcome = outcome.unwrap_or_else(|| Outcome::new(End::Cancelled));
    let open = outcome.end == End::Succeeded;
    let limits = if open { Vec::new() } else { capacity_after(&model.learned(&using, &outcome, now)) };
    let every = model.portfolio.capacity.probe.and_then(|every| SignedDuration::try_from(every).ok());
    // What ended in any other way has not shown that it is closed: an attempt is to try in its time.
    let refused = matches!(outcome.end, End::Quota { .. } | End::ProviderDown { .. } | End::Auth { .. });
    // The next probe is to have ended by then, though it takes as long as this one.
    let took = now.duration_since(began).max(SignedDuration::ZERO);
    let until = every.and_then(|every| now.checked_add(every.saturating_mul(2).saturating_add(took)).ok());
    let until = until.filter(|_| refused);
    outcome.resolve_times(now, &model.zone);
    let receipt = &outcome.receipt;
    let mut events = vec![Event::CapacityProbed {
        using: using.clone(),
        end: outcome.end.clone(),
        usage: receipt.usage,
        billing: receipt.billing,
        until,
    }];
    if open {
        events.extend(model.opened(&using, OpenedBy::Probe, began, false));
    }
    let news = limits.into_iter().filter(|limit| is_news(model, limit));
    events.extend(news.map(|limit| Event::CapacityLimited { limit }));
    vec![Command::Append(events, Vec::new())]
}

/// What is awaited and can be tried, with the time at which it is to be.
fn tries(model: &Model, plan: &Plan, now: Timestamp) -> Vec<(Awaited, Timestamp)> {
    let policy = &model.portfolio.capacity;
    let mut tries: Vec<(Awaited, Timestamp)> = Vec::new();
    let mut limits: Vec<&Limit> = Vec::new();
    for awaited in plan.awaited.iter().filter(|a| model.can_probe.contains(&a.agent)) {
        let Standing::Closed(limit) = model.state.capacity.standing(&awaited.using, now) else { continue };
        // Whoever starts a run has most likely logged in again.
        let before = |at: Timestamp| model.began.is_some_and(|began| at < began);
        // What an attempt of an earlier engine's heard was heard before, whenever it came into the ledger.
        let earlier = before(limit.heard) || limit.by.as_ref().is_some_and(|by| model.inherited.contains(by));
        let anew = limit.why == LimitWhy::Auth && earlier && limit.probed.is_none_or(before);
        let at = if anew && policy.probe.is_some() { Some(now) } else { next_probe(limit, policy, now) };
        // A single cycle waits for nothing, and asks this once.
        let at = at.filter(|_| anew || model.until != Until::OneCycle);
        let Some(at) = at.filter(|_| !limits.contains(&limit)) else { continue };
        // One try tells for all that wait for the same.
        limits.push(limit);
        tries.push((awaited.clone(), at));
    }
    tries
}

/// Tries what it is time to try.
pub(super) fn probes(model: &mut Model, plan: &Plan, now: Timestamp) -> Vec<Command> {
    let due = tries(model, plan, now)
        .into_iter()
        .filter(|(awaited, at)| *at <= now && !model.probing.contains_key(&awaited.using));
    let due: Vec<Awaited> = due.map(|(awaited, _)| awaited).collect();
    model.probing.extend(due.iter().map(|awaited| (awaited.using.clone(), now)));
    due.into_iter().map(Command::Probe).collect()
}

/// When something is to be tried next.
pub(super) fn next_try(model: &Model, plan: &Plan, now: Timestamp) -> Option<Timestamp> {
    let idle = tries(model, plan, now).into_iter().filter(|(awaited, _)| !model.probing.contains_key(&awaited.using));
    idle.map(|(_, at)| at.max(now)).min()
}

/// Whether that is a guess which each probe moves on a little, and the operator has been told of one of late.
pub(super) fn is_told(model: &Model, at: Timestamp) -> bool {
    let guess = |limit: &Limit| limit.strength == Strength::Guessed && limit.until == Some(at);
    let of_late = model.told.is_some_and(|told| at.duration_since(told).abs() < TOLD);
    of_late && model.state.capacity.limits.iter().any(guess)
}

/// When capacity that is waited for is said to be back, or is tried, while a run has the patience for it.
pub(super) fn next_capacity(model: &Model, plan: &Plan, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let waits = plan.waiting.iter().filter(|w| matches!(w.why, Wait::Capacity { .. }));
    let back = waits.filter_map(|w| w.until).min()?;
    // A run that waits for nothing does not wait for this either; any other one has the night.
    let Until::Idle { patience } = model.until else { return None };
    let most = if patience.is_zero() { patience } else { patience.max(model.portfolio.capacity.wait) };
    let most = SignedDuration::try_from(most).unwrap_or_default();
    let wake = next_try(model, plan, now).map_or(back, |at| at.min(back));
    // Where nothing is tried before it, there is no use in waiting for a time that is too far away.
    let waited = wake.duration_since(model.progress.unwrap_or(now));
    (waited <= most).then_some((wake, back))
}
