//! What a service that hangs costs the rest: `cargo xtask bench outage [JOBS]`.
//!
//! One engine, a ledger in SQLite, durable, and two projects. The jobs of `near` are written to a tracker that answers. The
//! writes of `far` go to a server on this machine, which answers in one run and takes what it is told and is silent in the
//! other. Measured is how long each append to the ledger takes until all of `near` is done; the runs take turns.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to the terminal")]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use camino::Utf8Path;
use dayfly_core::{
    Applied, Author, Batch, Config, Epoch, Event, Filter, Issue, IssueId, Milestone, ProjectName, Record, Seq,
    SourceText, State, Stop, Store, StoreError, Tracker, TrackerError, TrackerState, TrackerWrite, Trust,
};
use dayfly_runner::{Engine, MockRunner, MockScript, Notice, Progress, RunOptions, SqliteStore, Until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const JOBS: usize = 1000;
const FAR: usize = 100;
const ROUNDS: usize = 5;

/// A store that takes the time of each append.
#[derive(Debug)]
struct Timed {
    inner: SqliteStore,
    took: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Store for Timed {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.inner.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let start = Instant::now();
        let records = self.inner.append(batch).await;
        self.took.lock().unwrap().push(start.elapsed());
        records
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(after, limit).await
    }

    async fn load(&self) -> Result<State, StoreError> {
        self.inner.load().await
    }
}

/// Issues in memory. Those of `far` are written through a connection.
#[derive(Debug)]
struct Issues {
    shown: Mutex<BTreeMap<(String, usize), Issue>>,
    server: SocketAddr,
}

impl Issues {
    fn new(server: SocketAddr, counts: [(&str, usize); 2]) -> Self {
        let issue = |n: usize| Issue {
            id: IssueId::new(n.to_string()).unwrap(),
            title: format!("Issue {n}"),
            body: String::new(),
            labels: vec![],
            milestone: None,
            state: TrackerState::Open,
            author: Author::person("ann", Trust::Writer),
            parent: None,
            comments: vec![],
            facts: dayfly_core::IssueFacts::default(),
        };
        let all = counts.into_iter().flat_map(|(project, count)| (1..=count).map(move |n| (project.to_owned(), n)));
        Self { shown: Mutex::new(all.map(|key| (key.clone(), issue(key.1))).collect()), server }
    }

    async fn call(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.server).await?;
        stream.write_all(b"write\n").await?;
        stream.read_u8().await.map(drop)
    }
}

#[async_trait]
impl Tracker for Issues {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        let shown = self.shown.lock().unwrap();
        Ok(shown.iter().filter(|((of, _), _)| of == project.as_str()).map(|(_, issue)| issue.clone()).collect())
    }

    async fn milestones(&self, _: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        Ok(vec![])
    }

    async fn apply(&self, project: &ProjectName, _: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        if project.as_str() == "far" {
            let failed = |err| TrackerError::Unavailable { project: project.clone(), source: Box::new(err) };
            self.call().await.map_err(failed)?;
        }
        if let TrackerWrite::State { issue, state } = write {
            let key = (project.to_string(), issue.as_str().parse().unwrap());
            self.shown.lock().unwrap().get_mut(&key).unwrap().state = *state;
        }
        Ok(Applied::Done(None))
    }

    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}

/// A server that answers each line, or never does.
async fn serve(listener: TcpListener, answers: bool) {
    let mut open = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        open.spawn(async move {
            let mut line = [0; 6];
            let _ = stream.read_exact(&mut line).await;
            if !answers {
                std::future::pending::<()>().await;
            }
            let _ = stream.write_all(b"!").await;
        });
    }
}

/// How long each append took, and how long all of `near`.
struct Run {
    appends: Vec<Duration>,
    whole: Duration,
}

async fn run(dir: &Utf8Path, name: &str, jobs: usize, answers: bool) -> Run {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, answers));
    let project = |name: &str| {
        fs::create_dir_all(dir.join(name)).unwrap();
        format!("[projects.{name}]\npath = \"{dir}/{name}\"\nrepository = false\nconcurrency = 8\n")
    };
    let text = format!(
        "version = 1\nstate-dir = \"{dir}/{name}\"\nconcurrency = 8\npipeline = [\"exec\"]\n\
         [stages.exec]\ngates = []\n[agents.bench]\nkind = \"command\"\nargv = [\"none\"]\n{}{}",
        project("near"),
        project("far")
    );
    let config = Config::read(&SourceText::new(dir.join("dayfly.toml"), text), &mut |_| Err("none".into())).unwrap();
    let store = SqliteStore::open(&dir.join(format!("{name}.sqlite"))).unwrap();
    let store = Arc::new(Timed { inner: store, took: Mutex::default() });
    let (ask, mut shutdown) = mpsc::channel(4);
    let left = AtomicUsize::new(jobs);
    let progress = Progress::new(move |notice| {
        // The last write of an issue closes it.
        if let Notice::Event(state, Event::EffectDone { issue, .. }) = notice
            && issue.project.as_str() == "near"
            && !state.has_pending(issue)
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            let _ = ask.try_send(Stop::Polite);
            let _ = ask.try_send(Stop::Kill);
        }
    });
    let engine = Engine::builder(config.portfolio)
        .store(Arc::clone(&store) as Arc<dyn Store>)
        .tracker(Arc::new(Issues::new(server, [("near", jobs), ("far", FAR)])))
        .runner(Arc::new(MockRunner::new(|_| MockScript::succeeds())))
        .progress(progress)
        .build();
    let start = Instant::now();
    let options = RunOptions { until: Until::Idle { patience: Duration::from_secs(60) }, filter: Filter::default() };
    engine.run(options, &mut shutdown).await.unwrap();
    let whole = start.elapsed();
    Run { appends: std::mem::take(&mut *store.took.lock().unwrap()), whole }
}

fn main() -> ExitCode {
    let jobs = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(JOBS);
    // Beside the build, where a disk is; a folder in memory would measure nothing.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let dir = Utf8Path::from_path(dir.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut all: [(Vec<Duration>, Duration); 2] = Default::default();
    for round in 0..ROUNDS {
        for (which, answers) in [true, false].into_iter().enumerate() {
            let run = runtime.block_on(run(dir, &format!("{round}-{which}"), jobs, answers));
            all[which].0.extend(run.appends);
            all[which].1 += run.whole;
        }
    }
    println!("{jobs} jobs of a project that is fine and {FAR} of one whose tracker answers, or hangs; {ROUNDS} rounds");
    println!("tracker   appends   p50 ms   p99 ms   max ms   jobs/s");
    let mut p99 = [0.0; 2];
    for (which, word) in ["answers", "hangs"].into_iter().enumerate() {
        let (took, whole) = &mut all[which];
        took.sort_unstable();
        let at = |share: f64| {
            let place = (share * took.len() as f64) as usize;
            took[place.min(took.len() - 1)].as_secs_f64() * 1000.0
        };
        p99[which] = at(0.99);
        let rate = (jobs * ROUNDS) as f64 / whole.as_secs_f64();
        println!("{word:<8} {:>8} {:>8.2} {:>8.2} {:>8.2} {rate:>8.0}", took.len(), at(0.5), at(0.99), at(1.0));
    }
    let ratio = p99[1] / p99[0];
    println!("p99 with a tracker that hangs: {ratio:.2} times that with one that answers (bound: 1.5)");
    if ratio <= 1.5 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
