//! Engines that lack one of their defences, so that the test is seen to find what it is made for. What is taken out is
//! taken out here, around the store, the tracker and the executor; the program has no switch for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8Path;
use dayfly_core::{
    Applied, Attempt, Batch, Capabilities, Config, Epoch, Filter, Issue, Milestone, ProjectName, Record, Runner,
    RunnerError, Running, Seq, SourceText, Store, StoreError, Tracker, TrackerError, TrackerWrite,
};
use dayfly_runner::{
    Engine, Keeper, MarkdownTracker, RunOptions, SqliteStore, StateLock, SubprocessRunner, SystemClock, Until,
};
use tokio::sync::mpsc;

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    Nothing,
    /// The fencing token: an append asks for no condition.
    Tokens,
    /// Compare-and-set by the epoch: whoever appends counts as the last who took over.
    Epochs,
    /// Looking up what was written: each try of a write has another key.
    ReadBack,
    /// Taking up what an earlier engine started.
    Adoption,
    /// The lock for life, so that two engines can be on one store; everything else is there.
    Lock,
    /// The same, and compare-and-set.
    LockAndEpochs,
}

pub(crate) const ALL: [Lack; 7] =
    [Lack::Nothing, Lack::Tokens, Lack::Epochs, Lack::ReadBack, Lack::Adoption, Lack::Lock, Lack::LockAndEpochs];

impl Lack {
    pub(crate) fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub(crate) fn read(word: &str) -> Self {
        ALL.into_iter().find(|lack| lack.word() == word).unwrap()
    }

    fn epochs(self) -> bool {
        matches!(self, Lack::Epochs | Lack::LockAndEpochs)
    }
}

/// A store that lacks something.
#[derive(Debug)]
pub(crate) struct LackingStore {
    pub(crate) inner: SqliteStore,
    pub(crate) lack: Lack,
}

#[async_trait]
impl Store for LackingStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.inner.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let mut batch = batch.clone();
        if self.lack == Lack::Tokens {
            batch.conditions.clear();
        }
        if self.lack.epochs() {
            batch.epoch = self.inner.take_over().await?;
        }
        self.inner.append(&batch).await
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(after, limit).await
    }
}

/// A tracker that is slow to answer, and may forget what it has done.
#[derive(Debug)]
struct LackingTracker {
    inner: MarkdownTracker,
    lack: Lack,
    tries: AtomicU64,
}

#[async_trait]
impl Tracker for LackingTracker {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.inner.issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.inner.milestones(project).await
    }

    fn guards_writes(&self, project: &ProjectName) -> bool {
        self.inner.guards_writes(project)
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        let own = format!("{key}-{}-{}", std::process::id(), self.tries.fetch_add(1, Ordering::Relaxed));
        let key = if self.lack == Lack::ReadBack { own.as_str() } else { key };
        let applied = self.inner.apply(project, key, write).await;
        // Long enough for a kill to come between a write and the word that it was done.
        tokio::time::sleep(Duration::from_millis(60)).await;
        applied
    }
}

/// An executor that may know of nothing that it has not started.
#[derive(Debug)]
struct LackingRunner {
    inner: SubprocessRunner,
    lack: Lack,
}

#[async_trait]
impl Runner for LackingRunner {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        self.inner.start(attempt).await
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        if self.lack == Lack::Adoption { Ok(None) } else { self.inner.reattach(attempt).await }
    }
}

/// Runs the portfolio in `dir` until it is idle, as the program does, but for what is lacking.
pub(crate) fn run_engine(dir: &Utf8Path, lack: Lack) -> Result<(), String> {
    let file = dir.join("dayfly.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let config = Config::read(&SourceText::new(file, text), &mut |_| Err("none".into())).unwrap();
    let portfolio = config.portfolio;
    let locked = !matches!(lack, Lack::Lock | Lack::LockAndEpochs);
    let lock = locked.then(|| StateLock::take(&portfolio.state_dir).unwrap());
    let tag = lock.as_ref().map_or_else(|| "two-engines".to_owned(), |lock| lock.tag().to_owned());
    let inner = SqliteStore::open(&portfolio.state_dir.join("ledger.sqlite")).map_err(|err| err.to_string())?;
    let keeper = Keeper::new(env!("CARGO_BIN_EXE_dayfly-job"));
    let kept = keeper.clone().after_crash(portfolio.after_crash).hiding(portfolio.state_dir.clone());
    let tracker = MarkdownTracker::new(portfolio.issues_dir.clone(), Arc::new(SystemClock));
    let engine = Engine::builder(portfolio)
        .store(Arc::new(LackingStore { inner, lack }))
        .tracker(Arc::new(LackingTracker { inner: tracker, lack, tries: AtomicU64::new(0) }))
        .runner(Arc::new(LackingRunner { inner: SubprocessRunner::kept(kept), lack }))
        .keeper(keeper)
        .tag(tag)
        .build();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_asked, mut shutdown) = mpsc::channel(1);
    let until = Until::Idle { patience: Duration::from_secs(10) };
    let run = engine.run(RunOptions { until, filter: Filter::default() }, &mut shutdown);
    runtime.block_on(run).map(drop).map_err(|err| {
        let cause = std::error::Error::source(&err).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{err}{cause}")
    })
}
