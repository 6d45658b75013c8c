//! What follows from an answer, and from none in time.

use jiff::Timestamp;

use crate::job::key_effects;
use crate::{
    Ask, Card, CardId, CardKind, Effect, EffectEntry, Event, Issue, IssueRef, IssueState, Labels, Order, Phase,
    PlanInput, State, TrackerState, TrackerWrite, harmless,
};

use super::choices::{CardOption, Choices, Chosen, quoted, span};
use super::{due, is_left_alone};

/// The order that answers a card with a text: a question with an option or with words of one's own, what is blocked by letting
/// it go on. The writes that follow are part of the order, so that it can be taken in where no tracker is known.
pub fn reply(labels: &Labels, order: &Order, card: &Card, said: &str, because: Option<&str>) -> Ask {
    let issue = &card.issue.issue;
    let because = because.map(|because| format!("\n\nBecause: {}", harmless(because))).unwrap_or_default();
    let body = match card.kind {
        CardKind::Question => Some(format!("{} answered: {}{because}", harmless(&order.by), harmless(said))),
        _ if because.is_empty() => None,
        _ => Some(format!("{} lets it go on.{because}", harmless(&order.by))),
    };
    let mut writes: Vec<TrackerWrite> = Vec::new();
    writes.extend(body.map(|body| TrackerWrite::Comment { issue: issue.clone(), body }));
    writes.push(goes_on(labels, &card.issue));
    let scope = format!("{}.reply.{}", card.issue, order.id);
    Ask::Answer {
        card: card.id.clone(),
        issue: card.issue.clone(),
        said: said.to_owned(),
        effects: keyed(&scope, &card.issue, writes),
    }
}

/// Takes the labels away with which the issue waits, also the one that only a person takes away: a person did.
fn goes_on(labels: &Labels, issue: &IssueRef) -> TrackerWrite {
    let remove = labels.exclusive().into_iter().filter(|label| *label != labels.in_progress);
    TrackerWrite::Labels {
        issue: issue.issue.clone(),
        add: vec![labels.in_progress.clone()],
        remove: remove.map(str::to_owned).collect(),
    }
}

/// What is recorded of an answer; nothing if the card is not open any more.
pub(crate) fn event_of(
    state: &State,
    order: &Order,
    (card, issue): (&CardId, &IssueRef),
    said: &str,
    effects: &[EffectEntry],
) -> Option<Event> {
    let known = state.issues.get(issue)?;
    if CardId::of(state, issue, known)? != *card {
        return None;
    }
    let (issue, effects, by) = (issue.clone(), effects.to_vec(), order.by.clone());
    match &known.phase {
        Phase::Asked { question, choices, .. } => {
            let chosen = chosen(question, choices, said);
            Some(Event::Answered { issue, by, effects, chosen, order: Some(order.clone()) })
        }
        Phase::Blocked { .. } => Some(Event::Unblocked { issue, effects, order: Some(order.clone()) }),
        _ => None,
    }
}

/// The option that a text names, to be recorded.
pub(crate) fn chosen(question: &str, choices: &Choices, said: &str) -> Option<Chosen> {
    let option = choices.pick(said)?.word.clone();
    Some(Chosen { option, question: first_line(question), expired: None })
}

fn first_line(question: &str) -> String {
    question.trim().lines().next().unwrap_or_default().chars().take(200).collect()
}

/// The questions whose default is due, and since when, whatever has been seen of their issues since.
pub fn due_defaults(input: &PlanInput<'_>) -> Vec<(IssueRef, Timestamp)> {
    let configured = input.portfolio.cards.expires;
    if configured.is_none() || input.state.control.halt.is_some() {
        return Vec::new();
    }
    let all = input.state.issues.iter();
    let due = all.filter_map(|(issue, known)| Some((issue, due(configured, known)?)));
    due.filter(|(issue, at)| *at <= input.now && may_be_decided(input, issue))
        .map(|(issue, at)| (issue.clone(), at))
        .collect()
}

/// Nothing is decided of what people hold.
fn may_be_decided(input: &PlanInput<'_>, issue: &IssueRef) -> bool {
    let project = input.portfolio.projects.get(&issue.project);
    project.is_some_and(|project| !project.paused)
        && input.state.control.holds(issue).is_none()
        && !is_left_alone(input.state, issue)
        && !input.state.has_pending(issue)
}

/// That nobody answered the question of an issue in time, and its default is taken. Its issue must have been read since it
/// was due: nothing is recorded that somebody has decided otherwise.
pub fn take_default(input: &PlanInput<'_>, issue: &IssueRef) -> Option<Event> {
    let known = input.state.issues.get(issue)?;
    let view = input.views.get(&issue.project).filter(|view| view.fault.is_none())?;
    let seen = view.issues.iter().find(|seen| seen.id == issue.issue)?;
    let quiet = input.observations_of(&[issue.clone()].into()).is_empty();
    let settled = !input.filter.unsettled.contains(&issue.project);
    (quiet && settled && seen.state == TrackerState::Open).then(|| default_event(input, issue, known, seen)).flatten()
}

fn default_event(input: &PlanInput<'_>, issue: &IssueRef, known: &IssueState, seen: &Issue) -> Option<Event> {
    let Phase::Asked { question, choices, .. } = &known.phase else { return None };
    let at = due(input.portfolio.cards.expires, known).filter(|at| *at <= input.now)?;
    let option = choices.default_option()?;
    let labels = &input.portfolio.labels;
    let body = default_taken(option, choices);
    let writes = vec![
        TrackerWrite::Comment { issue: seen.id.clone(), body },
        crate::job::move_label(labels, &seen.id, Some(&labels.in_progress)),
    ];
    let scope = format!("{issue}.default.{}{}", known.attempts, input.state.mark);
    let chosen = Chosen { option: option.word.clone(), question: first_line(question), expired: Some(at) };
    Some(Event::Answered {
        issue: issue.clone(),
        by: NOBODY.to_owned(),
        effects: keyed(&scope, issue, writes),
        chosen: Some(chosen),
        order: None,
    })
}

/// Who is said to have answered where the default was taken.
const NOBODY: &str = "nobody";

fn default_taken(option: &CardOption, choices: &Choices) -> String {
    let within = choices.expires.map(|expires| format!(" within {}", span(expires))).unwrap_or_default();
    let word = harmless(&option.word).replace('\n', " ");
    let follows = match option.follows.as_str() {
        "" => String::new(),
        follows => format!(": {}", harmless(follows).replace('\n', " ")),
    };
    format!("Nobody answered{within}. The default is taken, {}{follows}", quoted(word.trim()))
}

fn keyed(scope: &str, issue: &IssueRef, writes: Vec<TrackerWrite>) -> Vec<EffectEntry> {
    let project = issue.project.clone();
    let effects = writes.into_iter().map(|write| Effect::Tracker { project: project.clone(), write });
    key_effects(scope, issue, effects.collect())
}
