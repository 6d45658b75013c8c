//! Cards from a ledger in memory and a tracker that is a value.

mod answers;
mod options;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::*;
use crate::{
    Ask, Author, Batch, Comment, Config, Effect, EffectEntry, EffectId, End, Event, Filter, Issue, IssueFacts, IssueId,
    JobSpec, Next, Order, OrderId, Outcome, Plan, ProjectView, Record, Request, SourceText, StageName, TrackerWrite,
    Trust, attempts, plan,
};

static ZONE: TimeZone = TimeZone::UTC;

/// A portfolio with the project `web`, its ledger, its tracker and a clock.
struct World {
    portfolio: crate::Portfolio,
    records: Vec<Record>,
    state: State,
    views: BTreeMap<ProjectName, ProjectView>,
    filter: Filter,
    now: Timestamp,
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn web(id: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{id}")).unwrap()
}

fn order(id: &str) -> Order {
    Order { id: OrderId::new(id).unwrap(), by: "ann".into(), reason: "it is answered".into(), at: start() }
}

fn choices(default: Option<&str>, expires: Option<u64>) -> Choices {
    let options = vec![CardOption::new("keep", "the old form stays"), CardOption::new("drop", "")];
    Choices {
        options,
        default: default.map(str::to_owned),
        expires: expires.map(|hours| Duration::from_secs(hours * 3600)),
    }
}

impl World {
    fn new(cards: &str) -> Self {
        let text = format!(
            "version = 1\n{cards}\n[agents.a]\nkind = \"command\"\nargv = [\"a\"]\n[projects.web]\npath = \"web\"\n\
             agents = [\"a\"]\n"
        );
        let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("no files".into())).unwrap();
        let views = [(ProjectName::new("web").unwrap(), ProjectView::default())].into();
        let (state, filter) = (State::default(), Filter::default());
        Self { portfolio: config.portfolio, records: Vec::new(), state, views, filter, now: start() }
    }

    fn passes(&mut self, hours: i64) {
        self.now += SignedDuration::from_hours(hours);
    }

    fn record(&mut self, event: Event) {
        let batch = Batch { epoch: self.state.epoch, at: self.now, events: vec![event], conditions: vec![] };
        self.records.extend(batch.prepare(self.state.epoch, &mut self.state).unwrap());
    }

    /// An open issue at which an attempt was made, of which this follows.
    fn ends(&mut self, id: u32, next: Next) {
        self.shown(id);
        let issue = web(id);
        let number = self.state.attempts_at(&issue) + 1;
        let attempt = crate::AttemptId::new(&issue, &StageName::new("exec").unwrap(), number);
        let job: JobSpec = serde_json::from_value(serde_json::json!({
            "kind": "stage", "issue": issue, "title": format!("Title of {id}"), "milestone": null, "stage": "exec",
            "run": "agent", "agent": "a", "model": null, "prompt": "", "access": "write", "answer": "optional",
            "effects": [], "children": 8, "base": null, "start": null, "admission": [], "gates": [], "protected": [],
            "diff_lines": 1, "wall": { "secs": 1, "nanos": 0 }, "silence_report": { "secs": 1, "nanos": 0 },
            "silence": { "secs": 1, "nanos": 0 }, "grace": { "secs": 1, "nanos": 0 },
            "gate_timeout": { "secs": 1, "nanos": 0 }
        }))
        .unwrap();
        let tracker = crate::TrackerKind::default();
        self.record(Event::AttemptStarted {
            attempt: attempt.clone(),
            job: Box::new(job),
            substitution: None,
            tracker,
        });
        let token = self.state.head;
        let effects = vec![EffectEntry {
            id: EffectId(format!("{}/0", self.state.scope(&attempt))),
            issue: issue.clone(),
            effect: Effect::Tracker {
                project: issue.project.clone(),
                write: TrackerWrite::Comment { issue: issue.issue.clone(), body: "told".into() },
            },
        }];
        let outcome = Box::new(Outcome::new(End::Succeeded));
        self.record(Event::AttemptEnded { attempt, token, outcome, next, effects });
    }

    fn asks(&mut self, id: u32, choices: Choices) {
        self.ends(id, Next::Ask { question: "Keep the old form?\nIt is used twice.".into(), choices });
    }

    fn blocks(&mut self, id: u32) {
        self.ends(id, Next::Block { reason: "It fails.".into(), remedy: "mend it".into() });
    }

    /// All writes that wait are done, and the tracker shows them.
    fn written(&mut self) {
        for entry in self.state.outbox.clone().into_iter().map(|pending| pending.entry) {
            if let Effect::Tracker { project, write } = &entry.effect {
                self.views.get_mut(project).unwrap().show(&entry.id.0, write);
            }
            self.record(Event::EffectDone {
                effect: entry.id,
                issue: entry.issue,
                adopted: false,
                created: None,
                landed: None,
            });
        }
        let labels = |issue: &mut Issue| issue.labels = vec!["needs-clarification".into(), "human-needed".into()];
        self.issues().iter_mut().for_each(labels);
    }

    fn issues(&mut self) -> &mut Vec<Issue> {
        &mut self.views.values_mut().next().unwrap().issues
    }

    fn shown(&mut self, id: u32) -> &mut Issue {
        let id = IssueId::new(id.to_string()).unwrap();
        let issues = self.issues();
        let at = issues.iter().position(|issue| issue.id == id).unwrap_or_else(|| {
            issues.push(Issue {
                id: id.clone(),
                title: format!("Title of {id}"),
                body: String::new(),
                labels: vec![],
                milestone: None,
                state: TrackerState::Open,
                author: Author::person("ann", Trust::Writer),
                parent: None,
                comments: vec![],
                facts: IssueFacts::default(),
            });
            issues.len() - 1
        });
        &mut issues[at]
    }

    fn says(&mut self, id: u32, body: &str) {
        let comment = Comment { author: Author::person("ann", Trust::Writer), body: body.into(), ..Comment::default() };
        self.shown(id).comments.push(comment);
    }

    fn input(&self) -> PlanInput<'_> {
        let Self { portfolio, state, views, filter, now, .. } = self;
        PlanInput { portfolio, state, views, now: *now, zone: &ZONE, filter }
    }

    fn cards(&self) -> Vec<Card> {
        let plan: Plan = plan(&self.input());
        cards(&self.input(), &plan, &attempts(&self.records).unwrap())
    }

    /// The cards in a line each.
    fn list(&self) -> String {
        let line = |card: &Card| {
            let due = card.expires_at.map(|at| format!(" until {at}")).unwrap_or_default();
            let default = if card.takes_default { " then the default" } else { "" };
            let overdue = if card.overdue { " overdue" } else { "" };
            format!("{} {}{due}{default}{overdue}", card.issue, card.kind.word())
        };
        self.cards().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn id(&self, id: u32) -> CardId {
        self.cards().into_iter().find(|card| card.issue == web(id)).unwrap().id
    }

    /// Answers the card of an issue with an order; tells whether anything was recorded.
    fn replies(&mut self, id: u32, with: &str, said: &str) -> bool {
        let card = self.cards().into_iter().find(|card| card.issue == web(id)).unwrap();
        let ask = reply(&self.portfolio.labels, &order(with), &card, said, None);
        self.takes(with, ask)
    }

    fn takes(&mut self, id: &str, ask: Ask) -> bool {
        let event = Request::new(order(id), ask).event(&self.state);
        event.map(|event| self.record(event)).is_some()
    }
}

#[test]
fn a_card_is_the_same_for_whoever_looks_and_a_new_question_is_a_new_card() {
    let mut world = World::new("");
    world.asks(1, choices(None, None));
    let first = world.id(1);
    assert_eq!(first, CardId::read(first.as_str()).unwrap());
    world.written();
    world.passes(100);
    world.record(Event::EngineStarted { version: "0.1.0".into() });
    assert_eq!(world.id(1), first, "another engine, another day");
    let folded = State::fold(&world.records).unwrap();
    assert_eq!(folded, world.state, "it is in the ledger");
    assert!(world.replies(1, "o1", "keep"));
    assert_eq!(world.list(), "", "answered, it is gone");
    world.asks(1, choices(None, None));
    assert_ne!(world.id(1), first, "the same words once more are another question");
}

#[test]
fn a_card_tells_what_one_must_know() {
    let mut world = World::new("");
    world.asks(1, choices(Some("keep"), None));
    world.written();
    let cards = world.cards();
    let Card { context, options, default, question, asked_at, .. } = &cards[0];
    assert_eq!((question.as_str(), *asked_at), ("Keep the old form?\nIt is used twice.", start()));
    assert_eq!((options.len(), default.as_deref()), (2, Some("keep")));
    assert_eq!((context.title.as_str(), context.attempts), ("Title of 1", 1));
    let ends: Vec<_> = context.ends.iter().map(|end| (end.attempt.as_str(), end.end.as_str())).collect();
    assert_eq!(ends, [("web.1.exec.1", "succeeded")]);
}

#[test]
fn what_is_decided_soonest_comes_first_and_then_what_is_overdue() {
    let mut world = World::new("[cards]\nexpires = \"10h\"");
    world.blocks(1);
    world.passes(11);
    world.blocks(2);
    world.asks(3, choices(Some("keep"), Some(10)));
    world.asks(4, choices(None, None));
    world.ends(5, Next::Hand { branch: "dayfly/web-5".into(), commit: crate::Commit("a".repeat(40)), pull: None });
    world.written();
    world.shown(2).labels.push("priority-high".into());
    insta::assert_snapshot!(world.list(), @"
    web#3 question until 2026-01-01T21:00:00Z then the default
    web#1 blocked until 2026-01-01T10:00:00Z overdue
    web#2 blocked until 2026-01-01T21:00:00Z
    web#4 question until 2026-01-01T21:00:00Z
    web#5 handed until 2026-01-01T21:00:00Z
    ");
}

#[test]
fn what_is_closed_gone_or_left_alone_asks_nothing() {
    let mut world = World::new("");
    (1..=3).for_each(|id| world.blocks(id));
    world.written();
    assert_eq!(world.cards().len(), 3);
    world.shown(1).state = TrackerState::Closed;
    world.issues().retain(|issue| issue.id.as_str() != "2");
    let alone = Ask::Pause { what: vec![Target::Issue(web(3))] };
    assert!(world.takes("p1", alone));
    assert_eq!(world.list(), "");
    // A tracker that cannot be read hides nothing that the ledger knows.
    world.views.values_mut().next().unwrap().fault = Some("it is down".into());
    assert_eq!(world.list(), "web#2 blocked");
}
