//! What issues waited for between their attempts, as far as the ledger knows.

mod layers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::{End, IssueRef, PlanInput, ProjectName, Record, RecordError};

use super::Window;
use super::course::{Course, Courses, Place, Stand};
use super::throughput::span;

use layers::{Layers, Rest};

/// What was waited for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Waits {
    /// How long attempts worked, within the days.
    pub worked: Duration,
    /// How long issues waited, from their first attempt on, within the days.
    pub waited: Duration,
    /// For what, the longest first.
    pub reasons: Vec<WaitSum>,
    /// The same for each project that waited.
    pub projects: BTreeMap<ProjectName, Vec<WaitSum>>,
}

/// How long was waited for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitSum {
    /// For what.
    pub why: WaitWhy,
    /// How long, over all issues.
    pub time: Duration,
    /// By how many issues.
    pub issues: usize,
}

/// What an issue waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WaitWhy {
    /// Somebody was to answer a question.
    Answer,
    /// Somebody was to mend something.
    Person,
    /// Its branch or pull request was to be merged.
    Merge,
    /// Its children were to be closed.
    Children,
    /// Somebody had stopped or paused it.
    Ordered,
    /// No engine was at work.
    Engine,
    /// Its writes were being done, or had been put off.
    Writes,
    /// A quota was used up.
    Quota,
    /// A provider was down.
    Provider,
    /// An account waited for somebody.
    Account,
    /// Several issues had failed alike.
    Alike,
    /// Its next try was spaced.
    Pause,
    /// As many attempts ran as may.
    Slot,
    /// Nothing in the ledger says.
    Unknown,
}

impl WaitWhy {
    /// All of them, in the order in which a time that has several is given to one.
    pub const ALL: [WaitWhy; 14] = [
        WaitWhy::Answer,
        WaitWhy::Person,
        WaitWhy::Merge,
        WaitWhy::Children,
        WaitWhy::Ordered,
        WaitWhy::Engine,
        WaitWhy::Writes,
        WaitWhy::Quota,
        WaitWhy::Provider,
        WaitWhy::Account,
        WaitWhy::Alike,
        WaitWhy::Pause,
        WaitWhy::Slot,
        WaitWhy::Unknown,
    ];
}

impl fmt::Display for WaitWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            WaitWhy::Answer => "an answer",
            WaitWhy::Person => "a person",
            WaitWhy::Merge => "a merge",
            WaitWhy::Children => "its children",
            WaitWhy::Ordered => "an order to be lifted",
            WaitWhy::Engine => "an engine",
            WaitWhy::Writes => "its writes",
            WaitWhy::Quota => "a quota",
            WaitWhy::Provider => "a provider",
            WaitWhy::Account => "an account",
            WaitWhy::Alike => "what failed alike",
            WaitWhy::Pause => "its next try",
            WaitWhy::Slot => "a slot",
            WaitWhy::Unknown => "not known",
        })
    }
}

type Sums = BTreeMap<(ProjectName, WaitWhy), (Duration, BTreeSet<IssueRef>)>;

pub(super) fn waits(
    window: &Window,
    courses: &Courses<'_>,
    input: &PlanInput<'_>,
    records: &[Record],
) -> Result<Waits, RecordError> {
    let layers = Layers::read(window.span.0, courses, input, records)?;
    let mut waits = Waits::default();
    let mut sums = Sums::new();
    for (issue, course) in courses.issues.iter().filter(|(issue, _)| window.wants(&issue.project)) {
        // What came before its first attempt is in no ledger.
        let begun = course.stands.iter().position(|stand| stand.place == Place::Working).unwrap_or(usize::MAX);
        for (n, stand) in course.stands.iter().enumerate().skip(begun) {
            let next = course.stands.get(n + 1);
            let until = next.map_or(Timestamp::MAX, |next| next.from);
            let (from, until) = (stand.from.max(window.span.0), until.min(window.span.1));
            if until <= from {
                continue;
            }
            let found = match stand.place {
                Place::Over => continue,
                Place::Working => {
                    waits.worked = waits.worked.saturating_add(span((from, until)));
                    continue;
                }
                Place::Asked => vec![(WaitWhy::Answer, span((from, until)))],
                Place::Blocked => vec![(WaitWhy::Person, span((from, until)))],
                Place::Handed => vec![(WaitWhy::Merge, span((from, until)))],
                Place::Split => vec![(WaitWhy::Children, span((from, until)))],
                Place::Landing => vec![(WaitWhy::Writes, span((from, until)))],
                Place::Queued { not_before } => {
                    let wait = Queued { issue, course, stand, next, not_before };
                    wait.parts((from, until), &layers, courses)
                }
            };
            for (why, time) in found.into_iter().filter(|(_, time)| !time.is_zero()) {
                let sum = sums.entry((issue.project.clone(), why)).or_default();
                sum.0 = sum.0.saturating_add(time);
                sum.1.insert(issue.clone());
                waits.waited = waits.waited.saturating_add(time);
            }
        }
    }
    summed(&mut waits, sums);
    Ok(waits)
}

fn summed(waits: &mut Waits, sums: Sums) {
    let mut all: BTreeMap<WaitWhy, WaitSum> = BTreeMap::new();
    for ((project, why), (time, issues)) in sums {
        let line = WaitSum { why, time, issues: issues.len() };
        let sum = all.entry(why).or_insert(WaitSum { why, time: Duration::ZERO, issues: 0 });
        (sum.time, sum.issues) = (sum.time.saturating_add(time), sum.issues + line.issues);
        waits.projects.entry(project).or_default().push(line);
    }
    waits.reasons = all.into_values().collect();
    for reasons in waits.projects.values_mut().chain([&mut waits.reasons]) {
        reasons.sort_by(|a, b| b.time.cmp(&a.time).then(a.why.cmp(&b.why)));
    }
}

/// An issue whose turn was to come.
struct Queued<'a> {
    issue: &'a IssueRef,
    course: &'a Course,
    stand: &'a Stand,
    next: Option<&'a Stand>,
    not_before: Option<Timestamp>,
}

impl Queued<'_> {
    /// Gives each part of the time to the first reason that held then.
    fn parts(&self, time: (Timestamp, Timestamp), layers: &Layers, courses: &Courses<'_>) -> Vec<(WaitWhy, Duration)> {
        let mut rest = Rest::new(time);
        let mut parts = Vec::new();
        let line = |stand: Option<&Stand>| courses.lines.get(stand?.line?);
        let (before, after) = (line(Some(self.stand)), line(self.next));
        parts.push((WaitWhy::Ordered, rest.take(&layers.ordered(self.issue))));
        parts.push((WaitWhy::Engine, rest.take(&layers.engine)));
        parts.push((WaitWhy::Writes, rest.take(&self.course.writes)));
        // What was used in the end was what it waited for; what has not come yet is what was used last.
        let using = after.or(before).and_then(|line| line.using.as_ref());
        for (why, limited) in layers.limited(using) {
            parts.push((why, rest.take(&limited)));
        }
        if let Some(until) = self.not_before {
            let why = match before.and_then(|line| line.outcome.as_ref()).map(|outcome| &outcome.end) {
                Some(End::Quota { .. }) => WaitWhy::Quota,
                Some(End::ProviderDown { .. }) => WaitWhy::Provider,
                _ => WaitWhy::Pause,
            };
            parts.push((why, rest.take(&[(self.stand.from, until)])));
        }
        parts.push((WaitWhy::Slot, rest.take(layers.full(&self.issue.project))));
        parts.push((WaitWhy::Unknown, rest.left()));
        parts
    }
}
