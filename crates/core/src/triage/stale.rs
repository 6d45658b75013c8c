//! An issue that waits for people, and that no person has touched for long, is stale.

use jiff::{SignedDuration, Timestamp};

use super::{Finding, TriageInput, say, says, sticky, take_label};
use crate::{Comment, Issue, Phase, TrackerWrite, Trust};

const NAME: &str = "stale";
/// What the comment is about that says since when.
const TOPIC: &str = "stale";
const AGAIN: &str = "Somebody is at it again.";

pub(super) fn rule(input: &TriageInput<'_>) -> Vec<Finding> {
    let Some(after) = input.portfolio.triage.stale_after else { return Vec::new() };
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    let found = input.open().into_iter().filter_map(|issue| Some((issue, look(input, issue, after)?)));
    found.filter(|(issue, _)| !input.is_busy(issue)).map(|(_, finding)| finding).collect()
}

fn look(input: &TriageInput<'_>, issue: &Issue, after: SignedDuration) -> Option<Finding> {
    let last = last_doing(issue)?;
    let since = handed_over(input, issue).map_or(last, |at| at.max(last));
    let idle = input.now.duration_since(since) >= after;
    if idle && !is_exempt(input, issue) { on(input, issue, last) } else { off(input, issue) }
}

/// When an issue that the ledger worked on was handed to people: they have as long to answer, however old it is.
fn handed_over(input: &TriageInput<'_>, issue: &Issue) -> Option<Timestamp> {
    input.known(issue)?;
    let said = issue.comments.iter().filter(|c| c.is_own() && c.topic.is_none());
    said.map(|c| c.at.unwrap_or(input.now)).max()
}

fn on(input: &TriageInput<'_>, issue: &Issue, last: Timestamp) -> Option<Finding> {
    let label = &input.portfolio.labels.stale;
    let since = last.strftime("%Y-%m-%d");
    let body = format!("No person has done anything here since {since}. If it still matters, say so here.");
    // It was said before: whoever took the label away since then wants it so.
    if says(issue, TOPIC, &body) {
        return None;
    }
    let mut writes = Vec::new();
    if !issue.has_label(label) {
        writes.push(TrackerWrite::Labels { issue: issue.id.clone(), add: vec![label.clone()], remove: Vec::new() });
    }
    writes.push(say(issue, TOPIC, body));
    Some(Finding::new(issue, NAME, format!("no person has done anything to it since {since}"), writes))
}

/// Only what was said to be stale by this rule is taken back; a label that a person put on stays.
fn off(input: &TriageInput<'_>, issue: &Issue) -> Option<Finding> {
    let label = &input.portfolio.labels.stale;
    sticky(issue, TOPIC).filter(|_| !says(issue, TOPIC, AGAIN))?;
    let mut writes = Vec::new();
    if issue.has_label(label) {
        writes.push(take_label(issue, label));
    }
    writes.push(say(issue, TOPIC, AGAIN.to_owned()));
    Some(Finding::new(issue, NAME, "it is stale no longer", writes))
}

/// When a person last did something to it. A tracker that knows neither that nor when it was opened says nothing.
fn last_doing(issue: &Issue) -> Option<Timestamp> {
    let facts = &issue.facts;
    let first = facts.active.or(facts.opened)?;
    let edited = facts.edited.filter(|_| facts.edited_by.as_ref().is_some_and(|by| !by.bot));
    let people = issue.comments.iter().filter(|c| is_person(c));
    let said = people.flat_map(|c| [c.at, c.edited]).flatten();
    said.chain(edited).chain([first]).max()
}

fn is_person(comment: &Comment) -> bool {
    !comment.is_own() && !comment.author.bot
}

fn is_exempt(input: &TriageInput<'_>, issue: &Issue) -> bool {
    let due = issue.milestone.as_ref().and_then(|title| {
        let milestone = input.view.milestones.iter().find(|m| m.title == *title)?;
        milestone.due
    });
    let today = input.now.to_zoned(input.zone.clone()).date();
    input.is_exempt(issue)
        || !issue.facts.assignees.is_empty()
        || due.is_some_and(|due| due >= today)
        || waits_for_us(input, issue)
}

/// Whether the next step is ours, or a maintainer's who has not said a word yet.
fn waits_for_us(input: &TriageInput<'_>, issue: &Issue) -> bool {
    let labels = &input.portfolio.labels;
    match input.known(issue).map(|known| &known.phase) {
        Some(Phase::Asked { .. } | Phase::Blocked { .. } | Phase::Handed { .. }) => return false,
        Some(_) => return true,
        None => {}
    }
    let ours = [
        &labels.ready_for_prep,
        &labels.ready_for_dev,
        &labels.needs_decompose,
        &labels.in_progress,
        &labels.in_review,
    ];
    // A comment that is kept up to date in place is no word to anybody.
    let speaks = |c: &&Comment| !c.hidden && c.topic.is_none() && (c.is_own() || !c.author.bot);
    let last = issue.comments.iter().rfind(speaks);
    let answered = last.is_some_and(|c| c.is_own() || c.author.trust >= Trust::Writer);
    ours.into_iter().any(|label| issue.has_label(label)) || !answered
}
