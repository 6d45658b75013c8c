//! The work log: what happened in a span of time, from ledger facts only.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{
    Anchor, AttemptId, Billing, Commit, Event, IssueRef, Next, Outcome, Plan, PlanInput, ProjectName, Record,
    RecordError, Usage,
};

use super::status::{MilestoneLine, WaitLine, milestones};
use super::{AttemptLine, attempts};

/// What a work log is to cover.
#[derive(Debug, Clone)]
pub struct WorkLogQuery {
    /// The day.
    pub day: Date,
    /// In whose zone the day lies.
    pub zone: TimeZone,
    /// Only this project.
    pub project: Option<ProjectName>,
}

/// A day's work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkLog {
    /// The day.
    pub day: Date,
    /// What landed or was merged, with its commit.
    pub landed: Vec<DoneLine>,
    /// What was finished without a landing.
    pub finished: Vec<DoneLine>,
    /// What waits for a person now; none for a day that is over.
    pub person: Vec<WaitLine>,
    /// What else is carried over now; none for a day that is over.
    pub carried: Vec<WaitLine>,
    /// Attempts that did not go well.
    pub trouble: Vec<AttemptLine>,
    /// How many attempts there were, by their end.
    pub ends: BTreeMap<String, usize>,
    /// Attempts by an agent that was not the first choice.
    pub substitutions: Vec<AttemptLine>,
    /// Progress of the milestones.
    pub milestones: Vec<MilestoneLine>,
    /// Tokens and money, as the agents reported them.
    pub usage: Usage,
    /// Agent time.
    pub agent_time: Duration,
    /// The head of the ledger this was made from, as an [anchor](Anchor): kept elsewhere it shows that nothing up to it was
    /// changed since.
    pub ledger: String,
}

/// Something that was finished.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoneLine {
    /// The issue.
    pub issue: IssueRef,
    /// Its title.
    pub title: String,
    /// The commit that came onto the base branch, shortened.
    pub commit: Option<String>,
}

/// Makes the work log of a day.
///
/// # Errors
/// If a record cannot be read.
pub fn work_log(
    query: &WorkLogQuery,
    input: &PlanInput<'_>,
    plan: &Plan,
    records: &[Record],
) -> Result<WorkLog, RecordError> {
    let on_day = |at: Timestamp| at.to_zoned(query.zone.clone()).date() == query.day;
    let wanted = |project: &ProjectName| query.project.as_ref().is_none_or(|p| p == project);
    let lines = attempts(records)?;
    let Finished { landed, finished } =
        finished(records, &lines, input, |issue, at| wanted(&issue.project) && on_day(at))?;
    let lines: Vec<AttemptLine> =
        lines.into_iter().filter(|a| a.ended.is_some_and(on_day) && wanted(&a.issue.project)).collect();
    let outcomes = || lines.iter().filter_map(|a| a.outcome.as_ref());
    let mut ends = BTreeMap::new();
    for line in &lines {
        *ends.entry(line.end.clone()).or_default() += 1;
    }
    // What waits now says nothing about a day that is over.
    let today = on_day(input.now);
    let waits = plan.waiting.iter().filter(|w| today && wanted(&w.project));
    let (person, carried): (Vec<WaitLine>, Vec<WaitLine>) = waits.map(WaitLine::from).partition(|w| w.remedy.is_some());
    Ok(WorkLog {
        day: query.day,
        landed,
        finished,
        person,
        carried,
        ends,
        usage: sum_usage(outcomes()),
        agent_time: outcomes().fold(Duration::ZERO, |sum, o| sum.saturating_add(o.receipt.took)),
        substitutions: lines.iter().filter(|a| a.substitution.is_some()).cloned().collect(),
        trouble: lines.into_iter().filter(|a| a.end != "succeeded").collect(),
        milestones: milestones(input.views).into_iter().filter(|m| wanted(&m.project)).collect(),
        ledger: Anchor::new(input.state.head, &input.state.hash).to_string(),
    })
}

/// What came to its end.
pub(super) struct Finished {
    pub(super) landed: Vec<DoneLine>,
    pub(super) finished: Vec<DoneLine>,
}

/// How an issue is done.
pub(super) enum DoneBy<'a> {
    /// Its change came onto the base branch.
    Landed(&'a Commit),
    /// A person merged the branch that was left for them.
    Merged,
    /// All its children are closed.
    Children,
    /// Its last stage ended.
    Finished,
}

/// How an event brings an issue to its end, if it does.
pub(super) fn done_by(event: &Event) -> Option<DoneBy<'_>> {
    match event {
        Event::EffectDone { landed: Some(commit), .. } => Some(DoneBy::Landed(commit)),
        Event::Merged { .. } => Some(DoneBy::Merged),
        Event::ChildrenClosed { .. } => Some(DoneBy::Children),
        Event::AttemptEnded { next: Next::Finish, .. } => Some(DoneBy::Finished),
        _ => None,
    }
}

/// The issues that were finished, as far as they are wanted.
pub(super) fn finished(
    records: &[Record],
    lines: &[AttemptLine],
    input: &PlanInput<'_>,
    wanted: impl Fn(&IssueRef, Timestamp) -> bool,
) -> Result<Finished, RecordError> {
    let issues: BTreeMap<&AttemptId, &IssueRef> = lines.iter().map(|a| (&a.attempt, &a.issue)).collect();
    let mut handed: BTreeMap<IssueRef, Commit> = BTreeMap::new();
    let mut all = Finished { landed: Vec::new(), finished: Vec::new() };
    for record in records {
        let event = record.event()?;
        let Some(issue) = event.issue().or_else(|| issues.get(event.attempt()?).copied()) else { continue };
        if let Event::AttemptEnded { next: Next::Hand { commit, .. }, .. } = &event {
            handed.insert(issue.clone(), commit.clone());
        }
        let commit = match done_by(&event) {
            Some(DoneBy::Landed(commit)) => Some(commit.clone()),
            Some(DoneBy::Merged) => handed.remove(issue),
            Some(DoneBy::Children | DoneBy::Finished) => None,
            None => continue,
        };
        if wanted(issue, record.at) {
            let title = input.state.issues.get(issue).map(|k| k.title.clone()).unwrap_or_default();
            let place = if commit.is_some() { &mut all.landed } else { &mut all.finished };
            place.push(DoneLine { issue: issue.clone(), title, commit: commit.map(|c| c.short().to_owned()) });
        }
    }
    Ok(all)
}

fn sum_usage<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Usage {
    outcomes.fold(Usage::default(), |mut sum, outcome| {
        let usage = &outcome.receipt.usage;
        sum.input_tokens = sum.input_tokens.saturating_add(usage.input_tokens);
        sum.output_tokens = sum.output_tokens.saturating_add(usage.output_tokens);
        // With a subscription it is what the use would have cost.
        if let Some(cost) = usage.cost_usd.filter(|_| outcome.receipt.billing != Billing::Subscription) {
            sum.cost_usd = Some(sum.cost_usd.unwrap_or(0.0) + cost);
        }
        sum
    })
}

impl WorkLog {
    /// The work log as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# Work log, {}\n", self.day);
        section(&mut text, "Landed", &self.landed, done_line);
        section(&mut text, "Finished", &self.finished, done_line);
        section(&mut text, "Needs you", &self.person, wait_line);
        section(&mut text, "Carried over", &self.carried, wait_line);
        section(&mut text, "Did not go well", &self.trouble, |a| format!("{}: {}", a.attempt, a.detail));
        section(&mut text, "Substitutions", &self.substitutions, |a| {
            format!("{}: {}", a.attempt, a.substitution.as_deref().unwrap_or_default())
        });
        section(&mut text, "Milestones", &self.milestones, |m| {
            let due = m.due.map(|d| format!(", due {d}")).unwrap_or_default();
            format!("{} {}: {} closed / {} open{due}", m.project, m.title, m.closed, m.open)
        });
        let ends: Vec<String> = self.ends.iter().map(|(end, n)| format!("{n} {end}")).collect();
        let ends = if ends.is_empty() { "no attempts".to_owned() } else { ends.join(", ") };
        let cost = self.usage.cost_usd.map(|c| format!(", ${c:.2}")).unwrap_or_default();
        let _ = write!(
            text,
            "\n## Figures\n\n- attempts: {ends}\n- agent time: {}\n- tokens: {}{cost}\n- ledger: {}\n",
            seconds(self.agent_time),
            self.usage.tokens(),
            self.ledger,
        );
        text
    }
}

pub(super) fn seconds(time: Duration) -> String {
    let all = time.as_secs();
    match (all / 3600, all / 60 % 60, all % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

pub(super) fn section<T>(text: &mut String, title: &str, items: &[T], line: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    let _ = write!(text, "\n## {title}\n\n");
    for item in items {
        let _ = writeln!(text, "- {}", line(item));
    }
}

pub(super) fn done_line(done: &DoneLine) -> String {
    let commit = done.commit.as_ref().map(|c| format!(" ({c})")).unwrap_or_default();
    let title = if done.title.is_empty() { String::new() } else { format!(" {}", done.title) };
    format!("{}{title}{commit}", done.issue)
}

pub(super) fn wait_line(wait: &WaitLine) -> String {
    let remedy = wait.remedy.as_ref().map(|r| format!(" What helps: {r}.")).unwrap_or_default();
    let until = wait.until.map(|u| format!(" Until {u}.")).unwrap_or_default();
    let stop = if wait.reason.ends_with(['.', '?', '!']) { "" } else { "." };
    let title = if wait.title.is_empty() { String::new() } else { format!(" {}", wait.title) };
    format!("{}{title}: {}{stop}{until}{remedy}", wait.what, wait.reason)
}

#[cfg(test)]
mod tests;
