use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;
use crate::{
    AttemptId, Author, CapacityKey, Checks, Comment, Commit, Config, Effect, EffectEntry, EffectId, Epoch, Issue,
    IssueState, LimitWhy, Limited, LiveAttempt, Mergeable, Milestone, PendingEffect, Phase, Pull, PullState, Review,
    Seq, SourceText, Strength, TrackerKind, TrackerState, TrackerWrite, Trust, Using,
};

mod allowed;
mod capacity;
mod observe;
mod order;
mod orders;
mod priority;
mod pulls;
mod show;

static ZONE: TimeZone = TimeZone::UTC;

const CONFIG: &str = r#"
version = 1
concurrency = 20
[agents.fast]
kind = "claude"
model = "large"
[agents.spare]
kind = "command"
argv = ["spare"]
[stages.triage]
agents = ["spare"]
[stages.prep]
agents = ["spare"]
[stages.exec]
agents = ["fast", "spare"]
[stages.review]
agents = ["spare"]
[projects.api]
path = "api"
concurrency = 10
[projects.web]
path = "web"
concurrency = 10
"#;

/// A portfolio, what is known of it and what its trackers show.
struct World {
    portfolio: Portfolio,
    state: State,
    views: BTreeMap<ProjectName, ProjectView>,
    filter: Filter,
}

fn issue_ref(text: &str) -> IssueRef {
    IssueRef::try_from(text.to_owned()).unwrap()
}

fn stage(name: &str) -> StageName {
    StageName::new(name).unwrap()
}

fn project(name: &str) -> ProjectName {
    ProjectName::new(name).unwrap()
}

fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// A pull request that nothing keeps from being merged.
pub(super) fn pull() -> Pull {
    Pull {
        number: 5,
        url: "https://forge.example/ann/web/pull/5".into(),
        branch: "dayfly/web-1".into(),
        head: Commit("a".repeat(40)),
        base: "main".into(),
        state: PullState::Open,
        draft: false,
        mergeable: Mergeable::Clean,
        checks: Checks::Passed,
        review: Review::None,
        unresolved: 0,
        labels: vec![],
        merging: false,
        failed: None,
    }
}

fn author(name: &str, trust: Trust) -> Author {
    Author::person(name, trust)
}

fn said(name: &str, trust: Trust) -> Comment {
    Comment { author: author(name, trust), body: "words".into(), ..Comment::default() }
}

/// A comment that dayfly wrote, with the rights of whoever runs it.
fn own(key: &str) -> Comment {
    Comment { key: Some(key.into()), ..said("ann", Trust::Writer) }
}

impl World {
    fn new() -> Self {
        Self::with("")
    }

    /// With more lines at the end of the configuration.
    fn with(more: &str) -> Self {
        let text = format!("{CONFIG}\n{more}");
        let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("no files".into())).unwrap();
        let views = config.portfolio.projects.keys().map(|name| (name.clone(), ProjectView::default())).collect();
        Self { portfolio: config.portfolio, state: State::default(), views, filter: Filter::default() }
    }

    /// An open issue in the tracker, as `project#id`.
    fn issue(&mut self, name: &str) -> &mut Issue {
        let name = issue_ref(name);
        let issues = &mut self.views.get_mut(&name.project).unwrap().issues;
        if let Some(at) = issues.iter().position(|i| i.id == name.issue) {
            return &mut issues[at];
        }
        issues.push(Issue {
            id: name.issue.clone(),
            title: format!("Title of {name}"),
            body: String::new(),
            labels: vec![],
            milestone: None,
            state: TrackerState::Open,
            author: author("ann", Trust::Writer),
            parent: None,
            comments: vec![],
            facts: crate::IssueFacts::default(),
        });
        issues.last_mut().unwrap()
    }

    fn labelled(&mut self, name: &str, label: &str) {
        self.issue(name).labels.push(label.into());
    }

    /// An issue that has been worked on.
    fn known(&mut self, name: &str, at: &str, phase: Phase) -> &mut IssueState {
        self.issue(name);
        let state = IssueState {
            title: format!("Title of {name}"),
            milestone: None,
            stage: stage(at),
            phase,
            attempts: 1,
            visit_attempts: 0,
            rounds: BTreeMap::new(),
            transient_row: 0,
            stuck_row: 0,
            uncounted: 0,
            unjudged: false,
            unlabelled: false,
            idle_row: 0,
            answered: false,
            tokens: 0,
            usd_micros: 0,
            agent_time: Duration::ZERO,
            feedback: None,
            notes: BTreeMap::new(),
            tip: None,
            landed: None,
            tracker: TrackerKind::default(),
            pull: None,
            work: vec![],
        };
        self.state.issues.entry(issue_ref(name)).insert_entry(state).into_mut()
    }

    /// An issue with a live attempt.
    fn running(&mut self, name: &str, by: Option<&str>) {
        let issue = issue_ref(name);
        let attempt = AttemptId::new(&issue, &stage("exec"), 1);
        self.known(name, "exec", Phase::Running { attempt: attempt.clone() });
        let live = LiveAttempt {
            substitution: None,
            issue,
            stage: stage("exec"),
            agent: by.map(agent),
            using: by.map(|name| self.using(name)),
            token: Seq(1),
            since: now(),
            epoch: Epoch(1),
            process: None,
        };
        self.state.live.insert(attempt, live);
    }

    fn limited(&mut self, name: &str, until: Timestamp) {
        let Using { vendor, account, model } = self.using(name);
        self.limit(CapacityKey { vendor, account: Some(account), model }, Some(until), LimitWhy::Quota);
    }

    fn limit(&mut self, key: CapacityKey, until: Option<Timestamp>, why: LimitWhy) {
        let limited =
            Limited { key, why, window: None, until, strength: Strength::Stated, said: "no".into(), attempt: None };
        self.state.capacity.limit(limited, now());
    }

    /// What an agent uses with its own model.
    fn using(&self, name: &str) -> Using {
        let config = &self.portfolio.agents[&agent(name)];
        Using::new(config.vendor(&agent(name)), None, config.model.clone())
    }

    /// A write that is still to be done.
    fn pending(&mut self, name: &str, delayed: Option<(String, Timestamp)>) {
        let issue = issue_ref(name);
        let write = TrackerWrite::Comment { issue: issue.issue.clone(), body: "x".into() };
        let effect = Effect::Tracker { project: issue.project.clone(), write };
        let id = EffectId(format!("{name}/{}", self.state.outbox.len()));
        self.state.outbox.push(PendingEffect {
            entry: EffectEntry { id, issue, effect },
            delayed,
            since: None,
            aside: false,
        });
    }

    fn input(&self) -> PlanInput<'_> {
        let Self { portfolio, state, views, filter } = self;
        PlanInput { portfolio, state, views, now: now(), zone: &ZONE, filter }
    }

    fn plan(&self) -> Plan {
        plan(&self.input())
    }

    /// What would start, in order, as `project#id stage`.
    fn ready(&self) -> Vec<String> {
        self.plan().ready.iter().map(|r| format!("{} {}", r.issue, r.stage)).collect()
    }

    /// Why an issue waits, and until when.
    fn wait(&self, name: &str) -> (Wait, Option<Timestamp>) {
        let plan = self.plan();
        let waiting = plan.waiting_for(&issue_ref(name)).unwrap_or_else(|| panic!("{name} does not wait: {plan:?}"));
        (waiting.why.clone(), waiting.until)
    }

    fn seen(&self) -> Vec<Event> {
        self.input().observations()
    }
}

fn queued() -> Phase {
    Phase::Queued { not_before: None }
}

fn asked() -> Phase {
    Phase::Asked { attempt: AttemptId::from_text("web.1.triage.1"), question: "Which?\nOr both?".into() }
}

fn blocked() -> Phase {
    Phase::Blocked { reason: "it broke".into(), remedy: "mend it".into() }
}

fn slot(of: &str) -> (Wait, Option<Timestamp>) {
    (Wait::Slot { of: of.into() }, None)
}
