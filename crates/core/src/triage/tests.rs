use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::{
    Answers, AttemptId, Author, Config, Effect, EffectEntry, EffectId, IssueFacts, Milestone, PendingEffect,
    ProjectName, RollOver, SourceText, Trust,
};

mod clarify;
mod order;
mod props;
mod roll_over;
mod split;
mod stale;

const CONFIG: &str = r#"
version = 1
[agents.script]
kind = "command"
argv = ["./agent.sh"]
[stages.exec]
agents = ["script"]
[projects.web]
path = "web"
pipeline = ["exec", "merge"]
"#;

/// A project, what is known of it and what its tracker shows.
struct World {
    portfolio: Portfolio,
    state: State,
    view: ProjectView,
    now: Timestamp,
    zone: TimeZone,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { state, view, .. } = self;
        write!(f, "{:#?}\n{:?}\n{:?}\n{}", view, state.issues, state.outbox, self.found())
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(n: u32) -> IssueId {
    IssueId::new(n.to_string()).unwrap()
}

/// A comment by a person.
fn by(name: &str, trust: Trust, body: &str) -> Comment {
    Comment { author: Author::person(name, trust), body: body.into(), ..Comment::default() }
}

/// A comment of ours, by whoever lends us their login.
fn own(key: &str, body: &str) -> Comment {
    Comment { key: Some(key.into()), ..by("ann", Trust::Writer, body) }
}

/// An open issue of a writer.
fn blank(n: u32) -> Issue {
    Issue {
        id: id(n),
        title: format!("Issue {n}"),
        body: "Text".into(),
        labels: vec![],
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("ann", Trust::Writer),
        parent: None,
        comments: vec![],
        facts: IssueFacts::default(),
    }
}

static PORTFOLIO: LazyLock<Portfolio> = LazyLock::new(|| {
    let text = SourceText::new("dayfly.toml", CONFIG);
    Config::read(&text, &mut |_| Err("no files".into())).unwrap().portfolio
});

impl World {
    fn new() -> Self {
        Self {
            portfolio: PORTFOLIO.clone(),
            state: State::default(),
            view: ProjectView::default(),
            now: at("2026-04-01T12:00:00Z"),
            zone: TimeZone::UTC,
        }
    }

    /// An open issue of a writer.
    fn issue(&mut self, n: u32) -> &mut Issue {
        if let Some(at) = self.view.issues.iter().position(|i| i.id == id(n)) {
            return &mut self.view.issues[at];
        }
        self.view.issues.push(blank(n));
        self.view.issues.last_mut().unwrap()
    }

    fn labelled(&mut self, n: u32, labels: &[&str]) -> &mut Issue {
        let issue = self.issue(n);
        issue.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        issue
    }

    fn child(&mut self, n: u32, parent: u32, part: &str) -> &mut Issue {
        let issue = self.issue(n);
        issue.parent = Some(id(parent));
        issue.facts.part = Some(part.into());
        issue
    }

    fn close(&mut self, n: u32) {
        self.issue(n).state = TrackerState::Closed;
    }

    /// Lets the ledger know an issue.
    fn known(&mut self, n: u32, phase: Phase) {
        self.issue(n);
        let state = serde_json::json!({
            "title": "", "milestone": null, "stage": "exec", "phase": phase, "attempts": 1, "visit_attempts": 0,
            "rounds": {}, "transient_row": 0, "idle_row": 0, "tokens": 0, "agent_time": Duration::ZERO,
            "feedback": null, "notes": {}, "tip": null, "landed": null,
        });
        let state = serde_json::from_value(state).unwrap();
        self.state.issues.insert(self.name(n), state);
    }

    fn name(&self, n: u32) -> IssueRef {
        IssueRef::new(ProjectName::new("web").unwrap(), id(n))
    }

    /// A write that is still to be done.
    fn pending(&mut self, n: u32) {
        let write = TrackerWrite::Comment { issue: id(n), body: "x".into() };
        self.queue(&id(n), write);
    }

    fn queue(&mut self, issue: &IssueId, write: TrackerWrite) {
        let issue = IssueRef::new(ProjectName::new("web").unwrap(), issue.clone());
        let effect = Effect::Tracker { project: issue.project.clone(), write };
        let entry = EffectEntry { id: EffectId("x".into()), issue, effect };
        self.state.outbox.push(PendingEffect { entry, delayed: None, since: None, aside: true });
    }

    fn milestone(&mut self, title: &str, due: Option<&str>) {
        let due = due.map(|due| due.parse().unwrap());
        self.view.milestones.push(Milestone { title: title.into(), due, ..Milestone::default() });
    }

    fn triage(&self) -> Vec<Finding> {
        let project = self.portfolio.projects.values().next().unwrap();
        let Self { portfolio, state, view, now, zone } = self;
        triage(&TriageInput { portfolio, project, view, state, now: *now, zone })
    }

    /// What is found, in words.
    fn found(&self) -> String {
        let lines = self.triage().into_iter().flat_map(|f| {
            let head = format!("#{} {}: {}", f.issue, f.rule, f.why);
            [head].into_iter().chain(f.writes.iter().map(|w| format!("  {}", words(w)))).collect::<Vec<_>>()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn do_writes<'a>(&mut self, writes: impl IntoIterator<Item = &'a TrackerWrite>) {
        for write in writes {
            self.view.show("x#1.test/0", write);
        }
    }

    /// Does all that is found, and checks that then nothing is; gives what was found.
    fn settled(&mut self) -> String {
        let found = self.found();
        for finding in self.triage() {
            self.do_writes(&finding.writes);
        }
        assert_eq!(self.found(), "", "what was done once is not found again, after:\n{found}");
        found
    }
}

fn words(write: &TrackerWrite) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    match write {
        TrackerWrite::Labels { issue, add, remove } => {
            let add = add.iter().map(|label| format!(" +{label}"));
            format!("label #{issue}{}", add.chain(remove.iter().map(|l| format!(" -{l}"))).collect::<String>())
        }
        TrackerWrite::Sticky { issue, topic, body } => format!("say #{issue} {topic}: {}", body.replace('\n', " / ")),
        TrackerWrite::Duplicate { issue, of } => format!("close #{issue} as #{of}"),
        TrackerWrite::SetMilestone { issue, milestone } => format!("move #{issue} to {}", or_none(milestone)),
        TrackerWrite::Milestone { title, due, state } => {
            let due = due.map_or_else(String::new, |due| format!(", due {due}"));
            format!("milestone {title}{due}: {state:?}")
        }
        other => format!("{other:?}"),
    }
}
