//! When what held issues up was in force, from the ledger's own words.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::{
    AttemptLine, Capacity, CapacityKey, Event, IssueRef, Limit, LimitWhy, PlanInput, ProjectName, Record, RecordError,
    Target, Using,
};

use super::super::course::Courses;
use super::super::throughput::span;
use super::WaitWhy;

type Span = (Timestamp, Timestamp);

/// What is left of a time.
pub(super) struct Rest(Vec<Span>);

impl Rest {
    pub(super) fn new(span: Span) -> Self {
        Self(vec![span])
    }

    /// Takes out what lies in any of the spans, and gives how long that was.
    pub(super) fn take(&mut self, spans: &[Span]) -> Duration {
        let before = self.left();
        for (from, until) in spans {
            if !self.0.iter().any(|(a, b)| from < b && a < until) {
                continue;
            }
            let cut = |(a, b): &Span| [(*a, (*from).min(*b)), ((*until).max(*a), *b)];
            self.0 = self.0.iter().flat_map(cut).filter(|(a, b)| a < b).collect();
        }
        before.saturating_sub(self.left())
    }

    pub(super) fn left(&self) -> Duration {
        self.0.iter().fold(Duration::ZERO, |sum, part| sum.saturating_add(span(*part)))
    }
}

/// A limit while it held.
struct Held {
    key: CapacityKey,
    why: LimitWhy,
    window: Option<String>,
    from: Timestamp,
    until: Timestamp,
}

impl Held {
    fn of(limit: &Limit, from: Timestamp) -> Self {
        let until = limit.until.unwrap_or(Timestamp::MAX);
        Self { key: limit.key.clone(), why: limit.why, window: limit.window.clone(), from, until }
    }

    fn is_of(&self, limit: &Limit) -> bool {
        self.key == limit.key && self.why == limit.why && self.window == limit.window
    }
}

/// When what was in force.
pub(super) struct Layers {
    /// When everything, a project or an issue was left alone by order.
    orders: Vec<(Target, Span)>,
    /// When no engine was at work.
    pub(super) engine: Vec<Span>,
    limits: Vec<Held>,
    /// When as many attempts ran as may, in a project or on the host.
    full: BTreeMap<ProjectName, Vec<Span>>,
    host: Vec<Span>,
}

impl Layers {
    pub(super) fn read(
        since: Timestamp,
        courses: &Courses<'_>,
        input: &PlanInput<'_>,
        records: &[Record],
    ) -> Result<Self, RecordError> {
        let (engine, limits, host) = (Vec::new(), Vec::new(), Vec::new());
        let mut layers = Self { orders: in_force(input), engine, limits, full: BTreeMap::new(), host };
        let mut capacity = Capacity::default();
        let (mut open, mut ended) = (BTreeMap::new(), None);
        // Of what came before, only what is about some issues is there: not what ended it.
        for record in records.iter().filter(|record| record.at >= since) {
            match record.event()? {
                Event::EngineStopped => ended = Some(record.at),
                Event::EngineStarted { .. } => layers.engine.extend(ended.take().map(|from| (from, record.at))),
                event => {
                    layers.ordered_by(record.at, &event, &mut open);
                    layers.limited_by(record.at, event, &mut capacity);
                }
            }
        }
        layers.limits.extend(before(input, since));
        let open = open.into_iter().map(|(what, from)| (what.unwrap_or(Target::Everything), (from, Timestamp::MAX)));
        layers.orders.extend(open);
        layers.engine.extend(ended.map(|from| (from, Timestamp::MAX)));
        layers.slots(courses, input);
        Ok(layers)
    }

    fn ordered_by(&mut self, at: Timestamp, event: &Event, open: &mut BTreeMap<Option<Target>, Timestamp>) {
        let begun: Vec<Option<Target>> = match event {
            Event::Halted { .. } => vec![None],
            Event::Paused { what, .. } => what.iter().cloned().map(Some).collect(),
            Event::Cancelled { issue, .. } => vec![Some(Target::Issue(issue.clone()))],
            _ => Vec::new(),
        };
        for what in begun {
            open.entry(what).or_insert(at);
        }
        let over: Vec<Option<Target>> = match event {
            Event::Lifted { .. } => vec![None],
            Event::Resumed { what, .. } => what.iter().cloned().map(Some).collect(),
            _ => Vec::new(),
        };
        for what in over {
            if let Some(from) = open.remove(&what) {
                self.orders.push((what.unwrap_or(Target::Everything), (from, at)));
            }
        }
    }

    /// Follows what is known of limits as the state does, and keeps when each held.
    fn limited_by(&mut self, at: Timestamp, event: Event, capacity: &mut Capacity) {
        match event {
            Event::CapacityLimited { limit: limited } => {
                let (key, why, window) = (limited.key.clone(), limited.why, limited.window.clone());
                capacity.limit(limited, at);
                let same = |limit: &&Limit| limit.key == key && limit.why == why && limit.window == window;
                let Some(limit) = capacity.limits.iter().find(same) else { return };
                let earlier = self.limits.iter_mut().filter(|held| held.is_of(limit) && held.until > at);
                earlier.for_each(|held| held.until = at);
                self.limits.push(Held::of(limit, at));
            }
            Event::CapacityOpened { key, by, began, works } => {
                capacity.open(&key, &by, began, works);
                let stays = |held: &Held| capacity.limits.iter().any(|limit| held.is_of(limit));
                let over = self.limits.iter_mut().filter(|held| held.until > at && held.key.overlaps(&key));
                over.filter(|held| !stays(held)).for_each(|held| held.until = at);
            }
            Event::CapacityProbed { using, until, .. } => {
                capacity.probed(&using, at, until);
                let longer = capacity.limits.iter().filter(|limit| limit.probed == Some(at) && limit.holds(at));
                self.limits.extend(longer.map(|limit| Held::of(limit, at)));
            }
            _ => {}
        }
    }

    /// When an issue was left alone by order.
    pub(super) fn ordered(&self, issue: &IssueRef) -> Vec<Span> {
        let holds = |what: &Target| match what {
            Target::Everything => true,
            Target::Project(project) => *project == issue.project,
            Target::Issue(other) => other == issue,
        };
        self.orders.iter().filter(|(what, _)| holds(what)).map(|(_, span)| *span).collect()
    }

    /// When something took no work, by the reason.
    pub(super) fn limited(&self, using: Option<&Using>) -> [(WaitWhy, Vec<Span>); 4] {
        [
            (WaitWhy::Quota, LimitWhy::Quota),
            (WaitWhy::Provider, LimitWhy::Down),
            (WaitWhy::Account, LimitWhy::Auth),
            (WaitWhy::Alike, LimitWhy::Correlated),
        ]
        .map(|(why, of)| {
            let covers = |held: &&Held| held.why == of && using.is_some_and(|using| held.key.covers(using));
            (why, self.limits.iter().filter(covers).map(|held| (held.from, held.until)).collect())
        })
    }

    /// When a project had no slot to give.
    pub(super) fn full(&self, project: &ProjectName) -> &[Span] {
        self.full.get(project).map_or(self.host.as_slice(), Vec::as_slice)
    }

    fn slots(&mut self, courses: &Courses<'_>, input: &PlanInput<'_>) {
        let span = |line: &AttemptLine| {
            let live = line.ended.is_some() || input.state.live.contains_key(&line.attempt);
            live.then(|| (line.started, line.ended.unwrap_or(Timestamp::MAX)))
        };
        let all: Vec<(&ProjectName, Span)> =
            courses.lines.iter().filter_map(|line| Some((&line.issue.project, span(line)?))).collect();
        self.host = crowded(all.iter().map(|(_, span)| *span), input.portfolio.concurrency);
        for (name, project) in &input.portfolio.projects {
            let of = all.iter().filter(|(project, _)| *project == name).map(|(_, span)| *span);
            let mut full = crowded(of, project.concurrency);
            full.extend(&self.host);
            self.full.insert(name.clone(), full);
        }
    }
}

/// The limits that are known now and were met before the records begin.
fn before(input: &PlanInput<'_>, since: Timestamp) -> Vec<Held> {
    let old = input.state.capacity.limits.iter().filter(|limit| limit.since < since);
    old.map(|limit| Held::of(limit, limit.since)).collect()
}

/// The orders that are in force now: they may have been given long ago.
fn in_force(input: &PlanInput<'_>) -> Vec<(Target, Span)> {
    let control = &input.state.control;
    let halt = control.halt.iter().map(|order| (Target::Everything, order.at));
    let paused = control.paused.iter().map(|pause| (pause.what.clone(), pause.order.at));
    halt.chain(paused).map(|(what, since)| (what, (since, Timestamp::MAX))).collect()
}

/// When at least `most` of the spans were under way at once.
fn crowded(spans: impl Iterator<Item = Span>, most: u32) -> Vec<Span> {
    let mut steps: Vec<(Timestamp, i64)> = spans.flat_map(|(from, until)| [(from, 1), (until, -1)]).collect();
    // An end comes before a beginning at the same moment: the slot was free.
    steps.sort_unstable();
    let (mut count, mut since, mut found) = (0_i64, None, Vec::new());
    for (at, step) in steps {
        count += step;
        match (count >= i64::from(most), since) {
            (true, None) => since = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                since = None;
            }
            _ => {}
        }
    }
    found.retain(|(from, until)| from < until);
    found
}
