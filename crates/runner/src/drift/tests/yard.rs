//! A repository, a ledger, and what dayfly did there.

use std::sync::Arc;

use dayfly_core::{
    Ask, AttemptId, Batch, Clock as _, Commit, Config, Effect, EffectEntry, EffectId, End, Event, IssueRef, JobSpec,
    MemoryStore, Next, Order, Outcome, Portfolio, ProjectDrift, ProjectName, Request, SourceText, StageName,
    Store as _, TrackerKind, Trust, check_job,
};

use super::super::*;
use crate::test_repo::Repo;
use crate::{MarkdownTracker, SubprocessRunner, SystemClock, new_order_id};

pub(super) struct Yard {
    pub(super) repo: Repo,
    pub(super) portfolio: Portfolio,
    pub(super) store: MemoryStore,
}

impl Yard {
    /// With these settings of `[drift]`.
    pub(super) fn new(drift: &str) -> Self {
        Self::project(drift, "")
    }

    /// With more of the configuration.
    pub(super) fn project(drift: &str, more: &str) -> Self {
        let repo = Repo::new(&[("README.md", "# web\n")]);
        let text = format!(
            "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\npipeline = [\"exec\", \"merge\"]\n\
             [agents.a]\nkind = \"command\"\nargv = [\"a\"]\n[drift]\n{drift}\n\
             [projects.web]\npath = \"{root}/web\"\n{more}\n",
            root = repo.root
        );
        let source = SourceText::new("dayfly.toml", text);
        let portfolio = Config::read(&source, &mut |_| Err("no files".into())).unwrap().portfolio;
        Self { repo, portfolio, store: MemoryStore::new() }
    }

    /// Commits files under another name.
    pub(super) fn by(&self, author: &str, files: &[(&str, &str)]) -> Commit {
        self.repo.commit(files);
        self.repo.git(&["commit", "--quiet", "--amend", "--no-edit", "--author", author]);
        self.repo.at("HEAD")
    }

    async fn drifted(&self) -> Drifted {
        let tracker = MarkdownTracker::new(self.portfolio.issues_dir.clone(), Arc::new(SystemClock));
        let migrations = Migrations::of(Arc::new(SubprocessRunner::new()));
        let from = DriftSources {
            portfolio: &self.portfolio,
            store: Some(&self.store),
            tracker: &tracker,
            migrations: Some(&migrations),
            by: "cleo",
        };
        let projects: Vec<ProjectName> = self.portfolio.projects.keys().cloned().collect();
        look_for_drift(&from, &projects, SystemClock.now()).await.unwrap()
    }

    /// What is found, in words, and all of it.
    pub(super) async fn look(&mut self) -> (Vec<String>, ProjectDrift) {
        let drift = self.drifted().await.report.projects.remove(0);
        (drift.findings.iter().map(|finding| format!("{}: {}", finding.kind, finding.what)).collect(), drift)
    }

    /// Accepts how things stand.
    pub(super) async fn accept(&mut self) {
        let baselines = self.drifted().await.baselines;
        let order = Order { id: new_order_id(), by: "cleo".into(), reason: "so".into(), at: SystemClock.now() };
        let state = self.store.load().await.unwrap();
        let event = Request::new(order, Ask::AcceptDrift { baselines, first: false }).event(&state);
        self.append(event.into_iter().collect()).await;
    }

    /// The projects whose branch has moved.
    pub(super) async fn moved(&self) -> Vec<String> {
        let state = self.store.load().await.unwrap();
        moved_since(&self.portfolio, &state).iter().map(ToString::to_string).collect()
    }

    async fn append(&self, events: Vec<Event>) {
        let epoch = self.store.take_over().await.unwrap();
        let batch = Batch { epoch, at: SystemClock.now(), events, conditions: vec![] };
        self.store.append(&batch).await.unwrap();
    }

    async fn attempt(&self, n: u32, base: &Commit, next: Next, effects: Vec<EffectEntry>) {
        let project = self.portfolio.projects.values().next().unwrap();
        let issue = issue(n);
        let stage = StageName::new("merge").unwrap();
        let attempt = AttemptId::new(&issue, &stage, 1);
        let job = JobSpec { issue, stage, base: Some(base.clone()), ..check_job(project, Trust::Writer) };
        let token = Seq(self.store.load().await.unwrap().head.0 + 1);
        let tracker = TrackerKind::default();
        let started =
            Event::AttemptStarted { attempt: attempt.clone(), job: Box::new(job), substitution: None, tracker };
        self.append(vec![started]).await;
        let outcome = Box::new(Outcome::new(End::Succeeded));
        self.append(vec![Event::AttemptEnded { attempt, token, outcome, next, effects }]).await;
    }

    /// What the ledger holds of a landing.
    pub(super) async fn landed(&self, n: u32, from: &Commit, to: &Commit) {
        let (project, branch) = (issue(n).project, "main".to_owned());
        let id = EffectId(format!("web.{n}/0"));
        let land = Effect::Land { project, branch: branch.clone(), from: from.clone(), to: to.clone() };
        let entry = EffectEntry { id: id.clone(), issue: issue(n), effect: land };
        self.attempt(n, from, Next::Land { branch, from: from.clone(), to: to.clone() }, vec![entry]).await;
        let landed = Some(to.clone());
        self.append(vec![Event::EffectDone { effect: id, issue: issue(n), adopted: false, created: None, landed }])
            .await;
    }

    /// What the ledger holds of a branch that was left for a person.
    pub(super) async fn handed(&self, n: u32, base: &Commit, tip: &Commit) {
        let next = Next::Hand { branch: format!("dayfly/web-{n}"), commit: tip.clone(), pull: None };
        self.attempt(n, base, next, vec![]).await;
    }
}

fn issue(n: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).unwrap()
}
