//! What is found, from values alone.

mod ledger;
mod stands;

use jiff::SignedDuration;

use crate::{
    AttemptId, Author, Config, Effect, EffectEntry, EffectId, End, Epoch, Event, GateResult, IssueFacts, IssueId,
    IssueRef, Next, Order, OrderId, Outcome, Receipt, Record, Seq, SourceText, Token, TrackerKind, TrackerState,
    TrackerWrite, Trust,
};

use super::*;

const CONFIG: &str = r#"
version = 1
pipeline = ["exec", "merge"]
[agents.a]
kind = "command"
argv = ["a"]
[drift]
pinned = ["AGENTS.md", ".claude/**"]
[projects.web]
path = "web"
"#;

const ANN: &str = "Ann <ann@example.org>";
const BOB: &str = "Bob <bob@example.org>";
const DAYFLY: &str = "dayfly <dayfly@localhost>";

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn id(name: &str) -> Commit {
    Commit(name.repeat(40).chars().take(40).collect())
}

fn read(config: &str) -> Portfolio {
    Config::read(&SourceText::new("dayfly.toml", config), &mut |_| Err("no files".into())).unwrap().portfolio
}

fn issue(n: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).unwrap()
}

/// A commit on top of another.
fn commit(name: &str, parents: &[&str], author: &str) -> SeenCommit {
    SeenCommit {
        commit: id(name),
        parents: parents.iter().map(|parent| id(parent)).collect(),
        author: author.to_owned(),
        at: now(),
        subject: format!("Change {name}"),
        paths: vec![format!("src/{name}")],
        same_change: false,
    }
}

/// A project, its record, and what is seen of it.
struct World {
    portfolio: Portfolio,
    record: DriftRecord,
    events: Vec<Event>,
    state: State,
    branch: Looked<BranchSeen>,
    issues: Looked<Vec<Issue>>,
    migrations: Option<Looked<Verdict>>,
}

impl World {
    /// That was accepted at the commit `0`.
    fn new() -> Self {
        let portfolio = read(CONFIG);
        let policy = GatePolicy::of(&portfolio, portfolio.projects.values().next().unwrap());
        let pinned = BTreeMap::from([("AGENTS.md".to_owned(), "one".to_owned())]);
        let baseline = Baseline { at: now(), tip: Some(id("0")), policy, pinned: pinned.clone(), accepted: [].into() };
        let branch = BranchSeen {
            tip: id("0"),
            commits: vec![],
            more: false,
            holds_baseline: true,
            knows_baseline: true,
            gone: vec![],
            pinned,
        };
        let order = Order { id: OrderId::new("a1").unwrap(), by: "cleo".into(), reason: "so".into(), at: now() };
        Self {
            portfolio,
            record: DriftRecord::new(baseline, &order),
            events: vec![],
            state: State::default(),
            branch: Ok(branch),
            issues: Ok(vec![]),
            migrations: None,
        }
    }

    fn config(mut self, more: &str) -> Self {
        self.portfolio = read(&CONFIG.replace("[drift]\n", &format!("[drift]\n{more}")));
        self
    }

    /// With commits on the branch, newest first.
    fn with(mut self, commits: Vec<SeenCommit>) -> Self {
        let branch = self.branch.as_mut().unwrap();
        branch.tip = commits[0].commit.clone();
        branch.commits = commits;
        self
    }

    fn records(&self) -> Vec<Record> {
        let record =
            |(n, event)| Record::next(Seq(n), &Digest::zero(), Epoch(1), now() + SignedDuration::from_secs(1), event);
        (0..).zip(&self.events).map(record).collect()
    }

    fn input<T>(&self, look: impl FnOnce(&DriftInput<'_>) -> T) -> T {
        let account = Account::of(&self.records()).unwrap();
        look(&DriftInput {
            portfolio: &self.portfolio,
            project: self.portfolio.projects.values().next().unwrap(),
            record: &self.record,
            account: &account,
            state: &self.state,
            branch: self.branch.clone(),
            issues: self.issues.as_deref().map_err(Clone::clone),
            migrations: self.migrations.clone(),
        })
    }

    fn look(&self) -> ProjectDrift {
        self.input(drift)
    }

    /// What is found, in words.
    fn found(&self) -> Vec<String> {
        self.look().findings.iter().map(|finding| format!("{}: {}", finding.kind, finding.what)).collect()
    }

    /// An attempt at an issue that ended so.
    fn ended(&mut self, n: u32, next: Next, base: &str, gates: &[(&str, bool)]) {
        let project = self.portfolio.projects.values().next().unwrap();
        let mut job = check_job(project, Trust::Writer);
        (job.issue, job.base) = (issue(n), Some(id(base)));
        job.gates = gates.iter().map(|(gate, _)| gate.parse().unwrap()).collect();
        let attempt = AttemptId::from_text(format!("web.{n}.merge.1"));
        let tracker = TrackerKind::default();
        self.events.push(Event::AttemptStarted {
            attempt: attempt.clone(),
            job: Box::new(job),
            substitution: None,
            tracker,
        });
        let passed = gates.iter().filter(|(_, passed)| *passed);
        let gates = passed.map(|(gate, _)| GateResult { gate: (*gate).to_owned(), verdict: Verdict::Pass }).collect();
        let outcome = Outcome { receipt: Receipt { gates, ..Receipt::default() }, ..Outcome::new(End::Succeeded) };
        let (token, outcome) = (Token::default(), Box::new(outcome));
        self.events.push(Event::AttemptEnded { attempt, token, outcome, next, effects: vec![] });
    }

    /// A change that dayfly landed.
    fn landed(&mut self, n: u32, from: &str, to: &str) {
        let next = Next::Land { branch: "main".into(), from: id(from), to: id(to) };
        self.ended(n, next, from, &[("commands", true)]);
        let effect = EffectId(format!("land/{n}"));
        let landed = Some(id(to));
        self.events.push(Event::EffectDone { effect, issue: issue(n), adopted: false, created: None, landed });
    }

    /// A change that dayfly left for a person or a forge to merge.
    fn handed(&mut self, n: u32, base: &str, commit: &str) {
        let next = Next::Hand { branch: format!("dayfly/web-{n}"), commit: id(commit), pull: None };
        self.ended(n, next, base, &[("commands", true)]);
    }

    /// Labels that dayfly wrote.
    fn labelled(&mut self, n: u32, add: &[&str], remove: &[&str]) {
        let own = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        let write = TrackerWrite::Labels { issue: issue(n).issue, add: own(add), remove: own(remove) };
        let id = EffectId(format!("labels/{n}/{}", self.events.len()));
        let effect = Effect::Tracker { project: issue(n).project, write };
        let effects = vec![EffectEntry { id: id.clone(), issue: issue(n), effect }];
        self.events.push(Event::Unblocked { issue: issue(n), effects });
        let (issue, created, landed) = (issue(n), None, None);
        self.events.push(Event::EffectDone { effect: id, issue, adopted: false, created, landed });
    }

    /// An issue as its tracker shows it.
    fn shows(&mut self, n: u32, labels: &[&str]) {
        self.issues.as_mut().unwrap().push(Issue {
            id: IssueId::new(n.to_string()).unwrap(),
            title: "Be done".into(),
            body: String::new(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            milestone: None,
            state: TrackerState::Open,
            author: Author::person("ann", Trust::Writer),
            parent: None,
            comments: vec![],
            facts: IssueFacts::default(),
        });
    }
}
