//! How fast the engine dispatches, beside what a machine can do at all: `cargo xtask bench dispatch [JOBS]`.
//!
//! The same number of `/bin/true` are started by `xargs -P8`, by this program with bare spawn and wait in eight
//! threads, and by the engine with eight slots: once with the ledger in memory and once in SQLite, durable. Then an
//! engine holds 500 live `sleep` jobs, and its resident memory is read. All in one run, as ratios.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to the terminal")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Applied, Author, Config, Event, Filter, Issue, IssueId, MemoryStore, Milestone, ProjectName, SourceText, Stop,
    Store, Tracker, TrackerError, TrackerState, TrackerWrite, Trust,
};
use dayfly_runner::{Engine, Notice, Progress, RunOptions, SqliteStore, Until};
use tokio::sync::mpsc;

const JOBS: usize = 2000;
const SLOTS: usize = 8;
const LIVE: usize = 500;
const ROUNDS: usize = 3;

/// Issues in memory: the ledger is measured here, and not a tracker.
#[derive(Debug)]
struct Issues(Mutex<BTreeMap<usize, Issue>>);

impl Issues {
    fn new(count: usize) -> Self {
        let issue = |n: usize| Issue {
            id: IssueId::new(n.to_string()).unwrap(),
            title: format!("Issue {n}"),
            body: String::new(),
            labels: vec![],
            milestone: None,
            state: TrackerState::Open,
            author: Author { name: "ann".into(), trust: Trust::Writer },
            parent: None,
            comments: vec![],
        };
        Self(Mutex::new((1..=count).map(|n| (n, issue(n))).collect()))
    }
}

#[async_trait]
impl Tracker for Issues {
    async fn issues(&self, _: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        Ok(self.0.lock().unwrap().values().cloned().collect())
    }

    async fn milestones(&self, _: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        Ok(vec![])
    }

    async fn apply(&self, _: &ProjectName, _: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        let mut issues = self.0.lock().unwrap();
        let mut of = |issue: &IssueId, change: &dyn Fn(&mut Issue)| {
            change(issues.get_mut(&issue.as_str().parse().unwrap()).unwrap());
        };
        match write {
            TrackerWrite::State { issue, state } => of(issue, &|i| i.state = *state),
            TrackerWrite::Labels { issue, add, remove } => of(issue, &|i| {
                i.labels.retain(|l| !remove.contains(l));
                i.labels.extend(add.iter().cloned());
            }),
            TrackerWrite::Comment { .. } | TrackerWrite::Create(_) => {}
        }
        Ok(Applied::Done(None))
    }
}

struct Host {
    dir: Utf8PathBuf,
}

impl Host {
    fn engine(
        &self,
        name: &str,
        argv: &[&str],
        (jobs, slots): (usize, usize),
        store: Arc<dyn Store>,
        progress: Progress,
    ) -> Engine {
        let folder = self.dir.join("project");
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "version = 1\nstate-dir = \"{name}\"\nconcurrency = {slots}\npipeline = [\"exec\"]\n\n\
             [agents.bench]\nkind = \"command\"\nargv = {argv:?}\n\n\
             [stages.exec]\ngates = []\n\n\
             [projects.bench]\npath = \"{folder}\"\nrepository = false\nconcurrency = {slots}\n"
        );
        let file = SourceText::new(self.dir.join("dayfly.toml"), text);
        let config = Config::read(&file, &mut |_| Err("none".into())).unwrap_or_else(|err| panic!("{err:?}"));
        let tracker = Arc::new(Issues::new(jobs));
        Engine::builder(config.portfolio).store(store).tracker(tracker).progress(progress).build()
    }

    fn dispatch(&self, name: &str, jobs: usize, store: Arc<dyn Store>) -> Duration {
        let engine = self.engine(name, &["/bin/true"], (jobs, SLOTS), store, Progress::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .enable_all()
            .build()
            .unwrap();
        let (_asked, mut shutdown) = mpsc::channel(1);
        let options = RunOptions { until: Until::OneCycle, filter: Filter::default() };
        let start = Instant::now();
        let summary = runtime.block_on(engine.run(options, &mut shutdown)).unwrap();
        let took = start.elapsed();
        assert_eq!(summary.done.len(), jobs, "{:?} {:?}", summary.ends, summary.held);
        took
    }

    /// The resident memory of an engine with many live jobs, in KiB: before it starts and while they live.
    fn live(&self, jobs: usize) -> (u64, u64) {
        let before = resident();
        let (ask, mut shutdown) = mpsc::channel(2);
        let live = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&most);
        let progress = Progress::new(move |notice| {
            if let Notice::Event(_, Event::AttemptSpawned { .. }) = notice
                && live.fetch_add(1, Ordering::SeqCst) + 1 == jobs
            {
                seen.store(usize::try_from(resident()).unwrap(), Ordering::SeqCst);
                ask.try_send(Stop::Kill).unwrap();
            }
        });
        let store = Arc::new(SqliteStore::open(&self.dir.join("live.sqlite")).unwrap());
        let engine = self.engine("live", &["/bin/sleep", "600"], (jobs, jobs), store, progress);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .enable_all()
            .build()
            .unwrap();
        let options = RunOptions { until: Until::OneCycle, filter: Filter::default() };
        runtime.block_on(engine.run(options, &mut shutdown)).unwrap();
        (before, most.load(Ordering::SeqCst) as u64)
    }
}

/// This process's resident memory, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn xargs(jobs: usize) -> Duration {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("seq {jobs} | xargs -P{SLOTS} -n1 /bin/true")]);
    let start = Instant::now();
    assert!(command.status().unwrap().success());
    start.elapsed()
}

fn bare(jobs: usize) -> Duration {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SLOTS {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < jobs {
                    let mut command = Command::new("/bin/true");
                    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    assert!(command.status().unwrap().success());
                }
            });
        }
    });
    start.elapsed()
}

/// The best of some rounds: what disturbs a measurement only ever makes it longer.
fn best(mut round: impl FnMut(usize) -> Duration) -> Duration {
    (0..ROUNDS).map(&mut round).min().unwrap()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|a| a == "--bench") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let host = Host { dir: Utf8Path::from_path(temp.path()).unwrap().to_owned() };
    if args.iter().any(|a| a == "live") {
        let (before, live) = host.live(LIVE);
        println!("{before} {live}");
        return;
    }
    let jobs: usize = args.iter().find_map(|a| a.parse().ok()).unwrap_or(JOBS);
    let base = best(|_| xargs(jobs));
    let bare = best(|_| bare(jobs));
    let memory = best(|n| host.dispatch(&format!("memory{n}"), jobs, Arc::new(MemoryStore::new())));
    let durable = best(|n| {
        let store = SqliteStore::open(&host.dir.join(format!("ledger{n}.sqlite"))).unwrap();
        host.dispatch(&format!("durable{n}"), jobs, Arc::new(store))
    });
    println!("{jobs} jobs of /bin/true, {SLOTS} at once, best of {ROUNDS}");
    for (name, took) in [
        ("xargs -P8", base),
        ("bare spawn and wait", bare),
        ("engine, ledger in memory", memory),
        ("engine, SQLite, durable", durable),
    ] {
        let rate = jobs as f64 / took.as_secs_f64();
        println!(
            "{name:26} {:8.3} s {rate:8.0} jobs/s {:6.3} x xargs",
            took.as_secs_f64(),
            base.as_secs_f64() / took.as_secs_f64()
        );
    }
    // In a process of its own: what was measured before has left its traces in this one's memory.
    let output = Command::new(std::env::current_exe().unwrap()).args(["--bench", "live"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut figures = text.split_whitespace().map(|n| n.parse::<f64>().unwrap() / 1024.0);
    let (before, live) = (figures.next().unwrap(), figures.next().unwrap());
    println!("resident memory with {LIVE} live jobs: {live:.1} MiB, {before:.1} MiB before them");
}
