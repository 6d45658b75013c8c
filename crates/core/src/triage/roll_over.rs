//! When a month is over, what is open in its milestone moves to the next month's.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::milestone::{Month, counts};
use super::{Finding, TriageInput, order, say, sticky};
use crate::{Effect, Issue, Milestone, ProjectView, RollOver, TrackerState, TrackerWrite};

pub(super) const NAME: &str = "milestone";

/// A milestone whose month is over, and where its issues go.
struct Over<'a> {
    old: &'a Milestone,
    topic: String,
    to: Target<'a>,
}

enum Target<'a> {
    There(&'a Milestone),
    Missing(Month),
}

impl Target<'_> {
    fn title(&self) -> String {
        match self {
            Target::There(milestone) => milestone.title.clone(),
            Target::Missing(month) => month.to_string(),
        }
    }
}

pub(super) fn rule(input: &TriageInput<'_>) -> Vec<Finding> {
    if input.portfolio.triage.roll_over != RollOver::Month {
        return Vec::new();
    }
    let today = input.now.to_zoned(input.zone.clone()).date();
    let open = input.view.milestones.iter().filter(|m| m.state == TrackerState::Open);
    let mut months: Vec<(Month, &Milestone)> = open.filter_map(|m| Some((Month::of_title(&m.title)?, m))).collect();
    months.sort_by_key(|(month, _)| *month);
    let over = months.into_iter().filter(|(month, old)| is_over(*month, Some(old), today));
    let over = over.filter_map(|(month, old)| {
        let to = target(input.view, month, today)?;
        Some(Over { old, topic: format!("roll-over-{}", month.word()), to })
    });
    over.filter_map(|over| steps(input, &over)).collect()
}

/// A month is over on the day after its milestone was due, or else after its last.
fn is_over(month: Month, milestone: Option<&Milestone>, today: Date) -> bool {
    today > milestone.and_then(|m| m.due).unwrap_or_else(|| month.last_day())
}

/// The first month after it that is neither over nor closed.
fn target(view: &ProjectView, month: Month, today: Date) -> Option<Target<'_>> {
    let mut next = month.next()?;
    loop {
        let there = view.milestones.iter().find(|m| Month::of_title(&m.title) == Some(next));
        let closed = there.is_some_and(|m| m.state == TrackerState::Closed);
        if !closed && !is_over(next, there, today) {
            return Some(there.map_or(Target::Missing(next), Target::There));
        }
        next = next.next()?;
    }
}

/// What is left to do, in order: the next milestone, the summary, the issues, and last the old milestone's end. Cut off
/// after any of it, what is seen then leads to the rest.
fn steps(input: &TriageInput<'_>, over: &Over<'_>) -> Option<Finding> {
    let Over { old, topic, to } = over;
    let of_old = |issue: &Issue| issue.milestone.as_deref() == Some(old.title.as_str());
    let open = input.open();
    let moved: Vec<&Issue> = open.iter().copied().filter(|i| of_old(i) && !input.is_exempt(i)).collect();
    if is_under_way(input, over, &moved) {
        return None;
    }
    let (busy, free): (Vec<&Issue>, Vec<&Issue>) = moved.iter().partition(|i| input.is_busy(i));
    let told = input.view.issues.iter().find(|i| sticky(i, topic).is_some());
    let anchor = told.or(free.first().copied()).or_else(|| bystander(input, of_old))?;
    if input.is_busy(anchor) || (told.is_none() && free.is_empty() && !busy.is_empty()) {
        return None;
    }
    let title = to.title();
    let mut writes = Vec::new();
    if let Target::Missing(month) = to {
        let due = Some(month.last_day());
        writes.push(TrackerWrite::Milestone { title: title.clone(), due, state: TrackerState::Open });
    }
    writes.extend(summary(over, anchor, &moved, counts(old, &input.view.issues).closed));
    writes.extend(
        free.iter().map(|i| TrackerWrite::SetMilestone { issue: i.id.clone(), milestone: Some(title.clone()) }),
    );
    if busy.is_empty() {
        let title = old.title.clone();
        writes.push(TrackerWrite::Milestone { title, due: None, state: TrackerState::Closed });
    }
    let why = match moved.len() {
        0 => format!("{} is over, and nothing in it is left to move", old.title),
        1 => format!("{} is over: 1 open issue moves to {title}", old.title),
        n => format!("{} is over: {n} open issues move to {title}", old.title),
    };
    (!writes.is_empty()).then(|| Finding::new(anchor, NAME, why, writes))
}

/// Whether writes of it wait: they are the business of one issue, and change others.
fn is_under_way(input: &TriageInput<'_>, over: &Over<'_>, moved: &[&Issue]) -> bool {
    let is_of_it = |write: &TrackerWrite| match write {
        TrackerWrite::Sticky { topic, .. } => *topic == over.topic,
        TrackerWrite::SetMilestone { issue, .. } => moved.iter().any(|i| i.id == *issue),
        TrackerWrite::Milestone { title, .. } => *title == over.old.title,
        _ => false,
    };
    input.state.outbox.iter().any(|pending| match &pending.entry.effect {
        Effect::Tracker { project, write } => *project == input.project.name && is_of_it(write),
        _ => false,
    })
}

/// An issue for what moves no issue: one of the milestone's, or else any.
fn bystander<'a>(input: &TriageInput<'a>, of_old: impl Fn(&Issue) -> bool) -> Option<&'a Issue> {
    let free = input.view.issues.iter().filter(|i| !input.is_busy(i));
    free.min_by_key(|i| (!of_old(i), order(&i.id)))
}

/// The summary, if it does not name all that moves. It is written before anything moves, so that what it named can be
/// found when some of it has moved.
fn summary(over: &Over<'_>, anchor: &Issue, moved: &[&Issue], closed: u32) -> Option<TrackerWrite> {
    let title = over.to.title();
    let mut lines: BTreeMap<(u64, String), String> = BTreeMap::new();
    let place = |id: &str| (id.parse().unwrap_or(u64::MAX), id.to_owned());
    let before = sticky(anchor, &over.topic).map(|c| c.body.as_str()).unwrap_or_default();
    for line in before.lines() {
        let named = line.strip_prefix("- #").and_then(|rest| rest.split_once(" to "));
        if let Some((id, to)) = named {
            lines.insert(place(id), to.to_owned());
        }
    }
    let named = lines.clone();
    lines.extend(moved.iter().map(|i| (place(i.id.as_str()), title.clone())));
    if moved.is_empty() || lines == named {
        return None;
    }
    let mut body =
        format!("{} is over: {closed} closed / {} open. What is open moves on:\n", over.old.title, lines.len());
    for ((_, id), to) in &lines {
        body.push_str(&format!("\n- #{id} to {to}"));
    }
    Some(say(anchor, &over.topic, body))
}
