//! What the engine does next: pure functions over a model, without I/O, clock or randomness.

mod capacity;
mod order;
mod orders;
mod people;
pub(super) mod services;

use dayfly_core::{
    AttemptId, Class, Condition, Effect, EffectEntry, EffectKind, End, Event, IssueRef, Phase, Plan, Ready, Service,
    Stop, TrackerState, Wait, plan, refusal_effects,
};
use jiff::{SignedDuration, Timestamp};

pub(super) use orders::order;
use services::Heard;

use super::model::{Command, Ended, Frozen, Held, Input, Model, ROOM, Report, Tried, Until};

/// How long it is until what is past is looked at once more.
const SOON: SignedDuration = SignedDuration::from_secs(1);

/// The issue that an input is about.
pub(super) fn concerns(model: &Model, input: &Input) -> Option<IssueRef> {
    match input {
        Input::Frozen(ready, _) => Some(ready.issue.clone()),
        Input::Spawned(attempt, _) | Input::Ended(attempt, _) => {
            model.state.live.get(attempt).map(|live| live.issue.clone())
        }
        Input::Applied(entry, ..) => Some(entry.issue.clone()),
        Input::Synced(..) | Input::Woke | Input::Cleaned(..) | Input::Stop(_) => None,
        Input::Answers(attempt) | Input::Refuses(attempt, _) => {
            model.state.live.get(attempt).map(|live| live.issue.clone())
        }
        Input::Probed(..) => None,
    }
}

/// Whether an input is to be judged by what an event tells.
pub(super) fn is_apart(input: &Input, event: &Event) -> bool {
    match event {
        Event::ServiceDown { .. } | Event::ServiceBack { .. } => {
            matches!(input, Input::Applied(..) | Input::Synced(..))
        }
        _ => heeds(input) && teaches(event),
    }
}

/// Whether an input is judged by what is known of vendors.
fn heeds(input: &Input) -> bool {
    matches!(input, Input::Frozen(..) | Input::Ended(..) | Input::Answers(..) | Input::Refuses(..) | Input::Probed(..))
}

/// Whether an event adds to what is known of vendors.
fn teaches(event: &Event) -> bool {
    match event {
        Event::AttemptEnded { outcome, .. } => !matches!(outcome.end.class(), Class::Good | Class::Charged),
        Event::CapacityLimited { .. } | Event::CapacityOpened { .. } | Event::CapacityProbed { .. } => true,
        _ => false,
    }
}

/// Takes what happened. The commands are to be carried out in order; an append first.
pub(super) fn take(model: &mut Model, input: Input, now: Timestamp) -> Vec<Command> {
    match input {
        Input::Synced(project, view) => {
            model.syncing.remove(&project);
            model.look.everywhere = true;
            model.look.order = true;
            model.read_at.insert(project.clone(), now);
            let heard = services::of_view(&view);
            model.views.insert(project.clone(), view);
            let service = Service::of_issues(&project, &model.portfolio);
            let event = services::heard(model, &service, heard, now);
            event.map(|event| Command::Append(vec![event], Vec::new())).into_iter().collect()
        }
        Input::Frozen(ready, result) => frozen(model, ready, result, now),
        // One that was taken up has told it before.
        Input::Spawned(attempt, process)
            if model.state.live.get(&attempt).is_some_and(|live| live.process.as_ref() != Some(&process)) =>
        {
            vec![Command::Append(vec![Event::AttemptSpawned { attempt, process }], Vec::new())]
        }
        Input::Spawned(..) => Vec::new(),
        Input::Ended(attempt, ended) => ended_attempt(model, attempt, *ended, now),
        Input::Cleaned(attempt, cleaned) => {
            model.cleaning.remove(&attempt);
            cleaned.err().map(|why| Command::Report(Report::NotCleaned(attempt, why))).into_iter().collect()
        }
        Input::Applied(entry, tried, heard) => applied(model, entry, (tried, heard), now),
        Input::Answers(attempt) => capacity::answers(model, &attempt),
        Input::Refuses(attempt, notice) => capacity::refuses(model, &attempt, &notice, now),
        Input::Probed(awaited, outcome) => capacity::probed(model, awaited, outcome.map(|o| *o), now),
        Input::Woke => {
            model.wake = None;
            let again = model.overdue(is_quiet(model), now);
            model.stale.extend(again);
            Vec::new()
        }
        Input::Stop(how) => {
            (model.admitting, model.draining) = (false, false);
            model.killing |= how == Stop::Kill;
            vec![Command::StopAll(how)]
        }
    }
}

fn ended_attempt(model: &mut Model, attempt: AttemptId, ended: Ended, now: Timestamp) -> Vec<Command> {
    model.working.remove(&attempt);
    if ended.outcome.end.class() != Class::Transient {
        model.progress = Some(now);
    }
    model.spread();
    let Some(live) = model.state.live.get(&attempt) else { return Vec::new() };
    model.look.issues.insert(live.issue.clone());
    if ended.outcome.end == End::Cancelled {
        // A person may have stopped it, who has been seen by the attempt and not yet by the loop.
        model.stale.insert(live.issue.project.clone());
    }
    if model.until == Until::OneCycle {
        model.filter.had_turn.insert(live.issue.clone());
    }
    let project = live.issue.project.clone();
    let (token, condition) = (live.token, Condition::Holder(attempt.clone(), live.token));
    let Ended { mut outcome, next, effects } = ended;
    let learned = capacity::after(model, &attempt, &outcome, now);
    outcome.resolve_times(now, &model.zone);
    let mut events =
        vec![Event::AttemptEnded { attempt: attempt.clone(), token, outcome: Box::new(outcome), next, effects }];
    events.extend(learned);
    model.cleaning.insert(attempt.clone());
    vec![Command::Append(events, vec![condition]), Command::Clean(attempt, project)]
}

/// Whether an issue may still be started: while its job was frozen a person may have closed or paused it, or a rule of
/// triage have asked for a write.
fn still_ready(model: &Model, issue: &IssueRef) -> bool {
    let shown = model.views.get(&issue.project).and_then(|view| view.issues.iter().find(|i| i.id == issue.issue));
    let open = shown.is_some_and(|i| i.state == TrackerState::Open);
    let known = model.state.issues.get(issue);
    let quiet = !model.state.has_pending(issue);
    let held = model.state.control.holds(issue).is_some();
    open && quiet && !held && known.is_none_or(|known| matches!(known.phase, Phase::Queued { .. }))
}

fn frozen(model: &mut Model, ready: Ready, result: Result<Box<Frozen>, Held>, now: Timestamp) -> Vec<Command> {
    model.filter.starting.retain(|r| r.issue != ready.issue);
    // What it would use may have been met as limited meanwhile, and the plan may know another way.
    if !still_ready(model, &ready.issue) || capacity::is_closed(model, &ready, now) {
        return Vec::new();
    }
    match result {
        Ok(frozen) if model.admitting && !model.tight => {
            let number = model.state.attempts_at(&ready.issue) + 1;
            let attempt = AttemptId::new(&ready.issue, &ready.stage, number);
            let event = Event::AttemptStarted {
                attempt: attempt.clone(),
                job: Box::new(frozen.job.clone()),
                substitution: ready.substitution,
                tracker: model.portfolio.projects.get(&ready.issue.project).map(|p| p.tracker).unwrap_or_default(),
            };
            model.working.insert(attempt.clone());
            // What held it back before has passed.
            model.filter.held.remove(&ready.issue);
            let project = model.portfolio.projects.get(&ready.issue.project);
            let free = project.map(|p| Condition::Free { project: p.name.clone(), most: p.concurrency });
            let conditions = free.into_iter().chain([Condition::Idle(ready.issue)]).collect();
            vec![Command::Append(vec![event], conditions), Command::Launch(attempt, frozen)]
        }
        Ok(_) => Vec::new(),
        Err(held) => {
            model.filter.held.insert(ready.issue.clone(), (held.reason.clone(), held.until));
            vec![Command::Report(Report::Held(ready, held.reason))]
        }
    }
}

fn applied(model: &mut Model, entry: EffectEntry, (tried, heard): (Tried, Heard), now: Timestamp) -> Vec<Command> {
    model.applying.remove(&entry.id);
    match &tried {
        Tried::Withheld => return Vec::new(),
        Tried::Delayed { .. } => {
            model.put_off.insert(entry.id.clone());
            model.anew.remove(&entry.id);
        }
        Tried::Done { landed: Some(_), .. } => model.progress = Some(now),
        _ => {}
    }
    model.spread();
    if shown(model, &entry, &tried) {
        let split = model.state.issues.iter().filter(|(_, known)| matches!(known.phase, Phase::Split { .. }));
        let parents = split.map(|(issue, _)| issue).filter(|issue| issue.project == entry.issue.project);
        model.look.issues.extend(parents.chain([&entry.issue]).cloned());
    } else {
        model.stale.insert(entry.issue.project.clone());
    }
    let tell = |reason: &str| refusal_effects(&model.portfolio.labels, &entry, reason);
    let told = match &tried {
        // A landing that lost a race is done again by itself.
        Tried::Refused { again: true, .. } if entry.effect.kind() == EffectKind::Land => Vec::new(),
        Tried::Refused { reason, .. } => tell(reason),
        _ => Vec::new(),
    };
    let service = Service::of(&entry.effect, &model.portfolio);
    let heard = services::heard(model, &service, heard, now);
    let EffectEntry { id: effect, issue, .. } = entry;
    let event = match tried {
        Tried::Done { adopted, created, landed } => Event::EffectDone { effect, issue, adopted, created, landed },
        Tried::Refused { reason, again } => Event::EffectRefused { effect, issue, reason, again, effects: told },
        Tried::Delayed { reason, until } => {
            let again = now.checked_add(model.again()).unwrap_or(now);
            let until = until.map_or(again, |until| until.max(now));
            Event::EffectDelayed { effect, issue, reason, until }
        }
        Tried::Withheld => return Vec::new(),
    };
    vec![Command::Append([event].into_iter().chain(heard).collect(), Vec::new())]
}

/// Shows a write to a tracker that was done in the project's view.
fn shown(model: &mut Model, entry: &EffectEntry, tried: &Tried) -> bool {
    let (Effect::Tracker { project, write }, Tried::Done { .. }) = (&entry.effect, tried) else { return false };
    model.views.get_mut(project).is_some_and(|view| view.show(&entry.id.0, write))
}

/// Says what to do now that nothing more has happened. Called again after every append.
pub(super) fn turn(model: &mut Model, now: Timestamp) -> Vec<Command> {
    model.progress.get_or_insert(now);
    model.began.get_or_insert(now);
    if model.tight {
        return tight(model, now);
    }
    let ahead = services::ahead(model, now);
    if !ahead.is_empty() {
        return vec![Command::Append(ahead, Vec::new())];
    }
    if model.admitting {
        model.stale.extend(people::to_read(model, now));
    }
    let mut commands = services::syncs(model, now);
    commands.extend(services::effects(model, now));
    model.filter.unsettled = model.stale.union(&model.syncing).cloned().collect();
    if model.admitting {
        let events = people::observations(model, now);
        if !events.is_empty() {
            commands.insert(0, Command::Append(events, Vec::new()));
            return commands;
        }
        if model.until == Until::Triage {
            // What is put off is done by the next run.
            if is_quiet(model) && commands.is_empty() {
                commands.push(Command::Finish);
            }
            return commands;
        }
        // Without a slot nothing could be started; but an engine in which nothing runs must come to its end.
        if !model.has_slot() && !is_quiet(model) {
            model.wake = soonest(model, None, now);
            return commands;
        }
        let plan = plan(&model.plan_input(now));
        commands.extend(admit(model, &plan, now));
        commands.extend(capacity::probes(model, &plan, now));
        if !is_quiet(model) {
            let next_try = capacity::next_try(model, &plan, now).filter(|_| model.until != Until::OneCycle);
            model.wake = soonest(model, [plan.next_look(), next_try].into_iter().flatten().min(), now);
        } else if commands.is_empty() {
            commands.extend(idle(model, &plan, now));
        }
    } else if has_stopped(model, now) {
        commands.push(Command::Finish);
    }
    commands
}

/// While there is no room for more than how things end: nothing is begun, and what the operator stopped comes to its end.
fn tight(model: &mut Model, now: Timestamp) -> Vec<Command> {
    let over = model.working.is_empty() && model.cleaning.is_empty() && model.probing.is_empty();
    if !model.admitting && over && model.applying.is_empty() {
        return vec![Command::Finish];
    }
    model.wake = now.checked_add(ROOM).ok();
    Vec::new()
}

/// The next time at which something may be due by itself, while other things run.
fn soonest(model: &Model, planned: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let reading = model.next_reading(now).map(|at| if at > now { at } else { soon(now) });
    let times = [planned, model.next_effect(now), reading, model.next_look(now)];
    times.into_iter().flatten().filter(|at| *at > now).min()
}

/// Where what is past is looked at once more.
fn soon(now: Timestamp) -> Timestamp {
    now.checked_add(SOON).unwrap_or(now)
}

/// Starts what is ready; but where the view is old, it is read anew first: a person may have closed the issue or
/// changed its text since.
fn admit(model: &mut Model, plan: &Plan, now: Timestamp) -> Vec<Command> {
    let mut commands = Vec::new();
    for ready in &plan.ready {
        if model.is_aged(&ready.issue.project, now) {
            model.stale.insert(ready.issue.project.clone());
        } else {
            model.filter.starting.push(ready.clone());
            commands.push(Command::Freeze(ready.clone()));
        }
    }
    commands.extend(services::syncs(model, now));
    commands
}

/// Whether what the operator stopped has ended: attempts are waited for always, writes unless all is to be killed.
/// What is not written now is written by the next run.
fn has_stopped(model: &Model, now: Timestamp) -> bool {
    let written = model.applying.is_empty() && model.due_effects(now).is_empty();
    model.working.is_empty() && model.cleaning.is_empty() && model.probing.is_empty() && (written || model.killing)
}

fn is_quiet(model: &Model) -> bool {
    model.syncing.is_empty()
        && model.stale.is_empty()
        && model.applying.is_empty()
        && model.working.is_empty()
        && model.cleaning.is_empty()
        && model.filter.starting.is_empty()
        && model.probing.is_empty()
}

/// Nothing is ready and nothing runs: look once more, wait for a spaced try, or end.
fn idle(model: &mut Model, plan: &Plan, now: Timestamp) -> Vec<Command> {
    if model.until == Until::OneCycle {
        return vec![Command::Finish];
    }
    if !model.fresh {
        // People may have written meanwhile.
        model.fresh = true;
        model.stale.extend(model.views.keys().cloned());
        return services::syncs(model, now);
    }
    // What waits for capacity is waited for longer than the rest: that is what a night is for.
    let waits = plan.waiting.iter().filter(|w| !matches!(w.why, Wait::Capacity { .. } | Wait::Pull { .. }));
    let look = waits.filter_map(|w| w.until).min();
    let next = [look, model.next_effect(now), model.next_reading(now)].into_iter().flatten().min();
    // The clock may have been set, or the machine have slept, past what was waited for.
    let next = next.filter(|at| model.is_patient((*at).max(now))).map(|at| (at, at));
    let next = [next, capacity::next_capacity(model, plan, now)].into_iter().flatten().min();
    let pull = next_pull(model, plan, now);
    model.glance = pull.is_some_and(|(wake, _)| next.is_none_or(|(other, _)| wake < other));
    let next = [next, pull].into_iter().flatten().min();
    match next {
        Some((wake, at)) => {
            // What is past is looked at once more, and not without a pause.
            model.wake = Some(if wake > now { wake } else { soon(now) });
            let news = model.told != Some(at) && !capacity::is_told(model, at);
            if news {
                model.told = Some(at);
            }
            if news { vec![Command::Report(Report::Waiting(at))] } else { Vec::new() }
        }
        None => vec![Command::Finish],
    }
}

/// When a pull request whose checks or merge are waited for is looked at again, if it is waited for: the wake, and the time
/// until which it is, which is told once.
fn next_pull(model: &Model, plan: &Plan, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let pulls = plan.waiting.iter().filter(|w| matches!(w.why, Wait::Pull { .. }));
    let look = pulls.filter_map(|w| w.until).min()?;
    let Until::Idle { patience } = model.until else { return None };
    let most = if patience.is_zero() { patience } else { patience.max(model.portfolio.github.wait) };
    let since = model.progress.unwrap_or(now);
    let last = since.checked_add(SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX)).unwrap_or(look);
    (look <= last).then_some((look, last))
}

#[cfg(test)]
mod tests;
