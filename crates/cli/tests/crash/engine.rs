//! An engine whose store ends the process at an append, as a power cut or `kill -9` would.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8Path;
use dayfly_core::{Batch, Config, Epoch, Filter, Record, Seq, SourceText, Store, StoreError};
use dayfly_runner::{Engine, Keeper, RunOptions, SqliteStore, StateLock, Until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::mpsc;

/// When the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What was to be recorded has happened, and is not recorded.
    Before,
    /// It is recorded, and what follows has not happened.
    After,
    /// Never.
    Never,
}

impl Moment {
    pub(crate) fn read(word: &str) -> Self {
        match word {
            "before" => Moment::Before,
            "after" => Moment::After,
            _ => Moment::Never,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Moment::Before => "before",
            Moment::After => "after",
            Moment::Never => "never",
        })
    }
}

#[derive(Debug)]
struct KillingStore {
    inner: SqliteStore,
    moment: Moment,
    left: AtomicU64,
}

#[async_trait]
impl Store for KillingStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.inner.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let last = self.left.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && self.moment == Moment::Before {
            die();
        }
        let records = self.inner.append(batch).await?;
        if last && self.moment == Moment::After {
            die();
        }
        Ok(records)
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(after, limit).await
    }
}

fn die() {
    kill(Pid::this(), Signal::SIGKILL).unwrap();
    // The signal ends the process before this returns for long.
    loop {
        std::thread::park();
    }
}

/// Runs the portfolio in `dir` until it is idle, or dies at append number `at`. Returns how often it appended.
pub(crate) fn run_engine(dir: &Utf8Path, moment: Moment, at: u64) -> u64 {
    let file = dir.join("dayfly.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let config = Config::read(&SourceText::new(file, text), &mut |_| Err("none".into())).unwrap();
    let portfolio = config.portfolio;
    let lock = StateLock::take(&portfolio.state_dir).unwrap();
    let inner = SqliteStore::open(&portfolio.state_dir.join("ledger.sqlite")).unwrap();
    let store = Arc::new(KillingStore { inner, moment, left: AtomicU64::new(at) });
    let keeper = Keeper::new(env!("CARGO_BIN_EXE_dayfly-job"));
    let engine = Engine::builder(portfolio).store(store.clone()).tag(lock.tag()).keeper(keeper).build();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_asked, mut shutdown) = mpsc::channel(1);
    let until = Until::Idle { patience: Duration::from_secs(10) };
    runtime.block_on(engine.run(RunOptions { until, filter: Filter::default() }, &mut shutdown)).unwrap();
    at - store.left.load(Ordering::SeqCst)
}
