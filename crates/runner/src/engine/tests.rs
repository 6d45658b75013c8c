//! Whole runs of the engine: a portfolio in a folder, real git where commits matter, scripted agents.

mod aside;
mod capacity;
mod disk;
mod flow;
mod guard;
mod incidents;
mod interrupts;
mod left;
mod night;
mod orders;
mod outbox;
mod parked;
mod people;
mod recovery;
mod refused;
mod restart;
mod restore;
mod services;
mod session;
mod spaced;
mod view;

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::{
    Attempt, Batch, Clock, Config, End, Event, FixedClock, Issue, IssueId, IssueRef, IssueState, JobSpec, MemoryStore,
    Phase, Portfolio, ProjectName, Runner, SourceText, State, Store, StoreError, Tracker, TrackerState,
};

use super::*;
use crate::test_repo::{Repo, commit_in};
use crate::{Git, MarkdownTracker, MockRunner, MockScript, TrustedGit};

/// A folder with the repository `web`, its issues, a store and a clock; engines come and go.
struct World {
    repo: Repo,
    config: String,
    store: Arc<MemoryStore>,
    clock: Arc<dyn Clock>,
    fixed: Arc<FixedClock>,
    /// In place of the Markdown tracker.
    tracker: Option<Arc<dyn Tracker>>,
    /// Every attempt that was started, by its id, with its job.
    seen: Arc<Mutex<Vec<(String, JobSpec)>>>,
}

/// Shows the paused time of the runtime.
#[derive(Debug)]
struct RuntimeClock(tokio::time::Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        now() + jiff::SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn issue(id: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{id}")).unwrap()
}

fn web() -> ProjectName {
    ProjectName::new("web").unwrap()
}

impl World {
    /// With these stages, and the issue `web#1`.
    fn new(pipeline: &[&str]) -> Self {
        Self::with(pipeline, "")
    }

    /// With more lines of configuration.
    fn with(pipeline: &[&str], more: &str) -> Self {
        let repo = Repo::new(&[("a", "1\n")]);
        let root = &repo.root;
        let config = format!(
            "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\npipeline = {pipeline:?}\n{more}\n\
             [agents.script]\nkind = \"command\"\nargv = [\"script\"]\n[projects.web]\npath = \"{root}/web\"\n"
        );
        let fixed = Arc::new(FixedClock::new(now()));
        let clock = Arc::clone(&fixed) as Arc<dyn Clock>;
        let (store, seen) = (Arc::new(MemoryStore::new()), Arc::default());
        let world = Self { repo, config, store, clock, fixed, tracker: None, seen };
        world.issue(1, &[]);
        world
    }

    fn portfolio(&self) -> Portfolio {
        let source = SourceText::new("dayfly.toml", &self.config);
        Config::read(&source, &mut |_| Err("no files".into())).unwrap().portfolio
    }

    /// Writes an issue's file, as a person does.
    fn issue(&self, id: u32, labels: &[&str]) {
        let file = self.issue_file(id);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = format!(
            "+++\nid = \"{id}\"\ntitle = \"Issue {id}\"\nlabels = {labels:?}\nstate = \"open\"\nauthor = \"ann\"\n+++\n\nDo {id}.\n"
        );
        fs::write(file, text).unwrap();
    }

    fn issue_file(&self, id: u32) -> Utf8PathBuf {
        self.repo.root.join(format!("issues/web/{id}.md"))
    }

    /// Changes an issue's file, as a person does.
    fn edit(&self, id: u32, from: &str, to: &str) {
        let text = fs::read_to_string(self.issue_file(id)).unwrap();
        assert!(text.contains(from), "no {from:?} in {text}");
        fs::write(self.issue_file(id), text.replace(from, to)).unwrap();
    }

    /// The trusted git directory.
    async fn trusted(&self) -> TrustedGit {
        let user = Git::open(&self.repo.web).await.unwrap();
        TrustedGit::open(user, &git_dir(&self.portfolio(), &web())).await.unwrap()
    }

    fn markdown(&self) -> MarkdownTracker {
        MarkdownTracker::new(self.repo.root.join("issues"), Arc::clone(&self.clock))
    }

    async fn says(&self, id: u32, body: &str) {
        let id = IssueId::new(id.to_string()).unwrap();
        self.markdown().comment_as(&web(), &id, "ann", body, self.clock.now()).await.unwrap();
    }

    /// An issue as its file shows it.
    async fn shown(&self, id: u32) -> Issue {
        let issues = self.markdown().issues(&web()).await.unwrap();
        issues.into_iter().find(|i| i.id.as_str() == id.to_string()).unwrap()
    }

    /// The bodies of the comments on an issue.
    async fn comments(&self, id: u32) -> Vec<String> {
        self.shown(id).await.comments.into_iter().map(|comment| comment.body).collect()
    }

    fn builder(&self, runner: Arc<dyn Runner>) -> EngineBuilder {
        let tracker = self.tracker.clone().unwrap_or_else(|| Arc::new(self.markdown()));
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let builder = Engine::builder(self.portfolio()).store(store).tracker(tracker).clock(Arc::clone(&self.clock));
        builder.runner(runner).tag(self.repo.root.file_name().unwrap())
    }

    /// An executor whose attempts are noted.
    fn mock(&self, script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static) -> Arc<dyn Runner> {
        let seen = Arc::clone(&self.seen);
        let runner = MockRunner::new(move |attempt| {
            seen.lock().unwrap().push((attempt.id.to_string(), attempt.job.clone()));
            script(attempt)
        });
        Arc::new(runner.checked_at_drop())
    }

    /// Runs an engine until there is nothing left to do.
    async fn run(&self, script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static) -> Summary {
        let engine = self.builder(self.mock(script)).build();
        finish(&engine, idle(0)).await.unwrap()
    }

    /// Runs an engine for one cycle.
    async fn run_once(&self, script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static) -> Summary {
        let engine = self.builder(self.mock(script)).build();
        finish(&engine, once()).await.unwrap()
    }

    async fn events(&self) -> Vec<Event> {
        read_all(&*self.store).await.unwrap().iter().map(|record| record.event().unwrap()).collect()
    }

    async fn state(&self) -> State {
        State::fold(&read_all(&*self.store).await.unwrap()).unwrap()
    }

    async fn known(&self, id: u32) -> IssueState {
        self.state().await.issues[&issue(id)].clone()
    }

    async fn phase(&self, id: u32) -> &'static str {
        self.known(id).await.phase.word()
    }

    /// Why an issue is blocked.
    async fn block(&self, id: u32) -> String {
        match self.known(id).await.phase {
            Phase::Blocked { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    /// How all attempts ended, in order.
    async fn ends(&self) -> Vec<End> {
        let ended = |event| match event {
            Event::AttemptEnded { outcome, .. } => Some(outcome.end),
            _ => None,
        };
        self.events().await.into_iter().filter_map(ended).collect()
    }

    async fn words(&self) -> Vec<&'static str> {
        self.ends().await.iter().map(End::word).collect()
    }

    /// The ids of the attempts that an agent made.
    fn attempts(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    /// The prompt of an agent's attempt, counted from 0.
    fn prompt(&self, n: usize) -> String {
        self.seen.lock().unwrap()[n].1.prompt.clone()
    }
}

fn idle(patience: u64) -> RunOptions {
    RunOptions { until: Until::Idle { patience: Duration::from_secs(patience) }, filter: Filter::default() }
}

fn once() -> RunOptions {
    RunOptions { until: Until::OneCycle, filter: Filter::default() }
}

/// Runs an engine that nobody interrupts. One that does not come to its end is a failure.
async fn finish(engine: &Engine, options: RunOptions) -> Result<Summary, EngineError> {
    let (_keep, mut shutdown) = mpsc::channel(1);
    finish_with(engine, options, &mut shutdown).await
}

async fn finish_with(
    engine: &Engine,
    options: RunOptions,
    shutdown: &mut mpsc::Receiver<Stop>,
) -> Result<Summary, EngineError> {
    let end = tokio::time::timeout(Duration::from_secs(30), engine.run(options, shutdown)).await;
    end.expect("the engine does not come to its end")
}

/// Commits a file and says that all went well.
fn works(attempt: &Attempt) -> MockScript {
    commits(attempt, &[("done.txt", attempt.id.as_str())])
}

fn commits(attempt: &Attempt, files: &[(&str, &str)]) -> MockScript {
    commit_in(&attempt.cwd, files);
    MockScript::succeeds()
}

fn proposes(json: &str) -> MockScript {
    MockScript { proposal_json: Some(json.into()), ..MockScript::succeeds() }
}

fn failed(reason: &str) -> MockScript {
    MockScript::ends(End::TaskFailed { reason: reason.into() })
}
