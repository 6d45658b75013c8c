//! How fast the engine dispatches, beside what a machine can do at all: `cargo xtask bench dispatch [JOBS]`.
//!
//! The same number of `/bin/true` are started by `xargs -P8`, by this program with bare spawn and wait in eight
//! threads, and by the engine with eight slots: with and without a keeper for each job, with the ledger in memory and in
//! SQLite, durable. Then an engine holds 500 live `sleep` jobs, its memory and its keepers' is read, and all are killed. All
//! in one run, as ratios.
//!
//! `cargo xtask bench dispatch printing [JOBS] [SECONDS]` measures jobs that print a thousand lines a second each.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to the terminal")]

mod printing;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Applied, Author, Config, Event, Filter, Issue, IssueId, MemoryStore, Milestone, ProjectName, SourceText, Stop,
    Store, Tracker, TrackerError, TrackerState, TrackerWrite, Trust,
};
use dayfly_runner::{Engine, Keeper, Notice, Progress, RunOptions, SqliteStore, Until};
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
            author: Author::person("ann", Trust::Writer),
            parent: None,
            comments: vec![],
            facts: dayfly_core::IssueFacts::default(),
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
            _ => {}
        }
        Ok(Applied::Done(None))
    }
}

/// Who holds the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    InProcess,
    Kept,
}

struct Host {
    dir: Utf8PathBuf,
}

impl Host {
    fn engine(
        &self,
        (name, mode): (&str, Mode),
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
        let engine = Engine::builder(config.portfolio).store(store).tracker(tracker).progress(progress);
        if mode == Mode::Kept { engine.keeper(keeper()).build() } else { engine.build() }
    }

    fn dispatch(&self, name: &str, mode: Mode, jobs: usize, store: Arc<dyn Store>) -> Duration {
        let engine = self.engine((name, mode), &["/bin/true"], (jobs, SLOTS), store, Progress::default());
        let (_asked, mut shutdown) = mpsc::channel(1);
        let options = RunOptions { until: Until::OneCycle, filter: Filter::default() };
        let start = Instant::now();
        let summary = runtime().block_on(engine.run(options, &mut shutdown)).unwrap();
        let took = start.elapsed();
        assert_eq!(summary.done.len(), jobs, "{:?} {:?}", summary.ends, summary.held);
        took
    }

    /// What many live jobs cost: prints the engine's resident memory in KiB before they start and while they live, the
    /// mean and the most of what a keeper has for itself, and the milliseconds from the order to kill them all to the end
    /// of the engine.
    fn live(&self, mode: Mode, jobs: usize) {
        let before = resident();
        let (ask, mut shutdown) = mpsc::channel(2);
        let live = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(Mutex::new(None));
        let told = Arc::clone(&seen);
        let progress = Progress::new(move |notice| {
            if let Notice::Event(_, Event::AttemptSpawned { .. }) = notice
                && live.fetch_add(1, Ordering::SeqCst) + 1 == jobs
            {
                let keepers = if mode == Mode::Kept { children_pss() } else { Vec::new() };
                *told.lock().unwrap() = Some((resident(), keepers, Instant::now()));
                ask.try_send(Stop::Kill).unwrap();
            }
        });
        let store = Arc::new(SqliteStore::open(&self.dir.join("live.sqlite")).unwrap());
        let engine = self.engine(("live", mode), &["/bin/sleep", "600"], (jobs, jobs), store, progress);
        let options = RunOptions { until: Until::OneCycle, filter: Filter::default() };
        runtime().block_on(engine.run(options, &mut shutdown)).unwrap();
        let (most, keepers, asked) = seen.lock().unwrap().take().unwrap();
        let mean = keepers.iter().sum::<u64>() / keepers.len().max(1) as u64;
        let worst = keepers.iter().max().copied().unwrap_or(0);
        println!("{before} {most} {mean} {worst} {}", asked.elapsed().as_millis());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(8).enable_all().build().unwrap()
}

/// The program that is built beside this one, or else this one.
fn keeper() -> Keeper {
    match std::env::var_os("DAYFLY_JOB") {
        Some(program) => Keeper::new(program),
        None => Keeper::new(std::env::current_exe().unwrap()),
    }
}

/// This process's resident memory, in KiB.
fn resident() -> u64 {
    kib("/proc/self/status", "VmRSS:").unwrap()
}

/// The memory of each child, with its share of what it has in common with others, in KiB.
fn children_pss() -> Vec<u64> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap();
        found.extend(children.split_whitespace().filter_map(|pid| kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:")));
    }
    found
}

fn kib(file: &str, line: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|l| l.strip_prefix(line))?;
    rest.trim().trim_end_matches(" kB").parse().ok()
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

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("keep") => return dayfly_runner::keeper::main(),
        Some("print") => {
            printing::print(args[1].parse().unwrap());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if args.iter().any(|a| a == "--bench") {
        measure(&args);
    }
    ExitCode::SUCCESS
}

fn measure(args: &[String]) {
    let temp = tempfile::tempdir().unwrap();
    let host = Host { dir: Utf8Path::from_path(temp.path()).unwrap().to_owned() };
    for (word, mode) in [("live", Mode::InProcess), ("live-kept", Mode::Kept)] {
        if args.iter().any(|a| a == word) {
            return host.live(mode, LIVE);
        }
    }
    if let Some(at) = args.iter().position(|a| a == "printing") {
        let mut figures = args[at + 1..].iter().filter_map(|a| a.parse::<u64>().ok());
        return host.printing(figures.next().unwrap_or(LIVE as u64), figures.next().unwrap_or(30));
    }
    let jobs: usize = args.iter().find_map(|a| a.parse().ok()).unwrap_or(JOBS);
    let base = best(|_| xargs(jobs));
    let bare = best(|_| bare(jobs));
    let memory =
        |name: &str, mode| best(|n| host.dispatch(&format!("{name}{n}"), mode, jobs, Arc::new(MemoryStore::new())));
    let durable = |name: &str, mode| {
        best(|n| {
            let store = SqliteStore::open(&host.dir.join(format!("{name}{n}.sqlite"))).unwrap();
            host.dispatch(&format!("{name}{n}"), mode, jobs, Arc::new(store))
        })
    };
    println!("{jobs} jobs of /bin/true, {SLOTS} at once, best of {ROUNDS}");
    for (name, took) in [
        ("xargs -P8", base),
        ("bare spawn and wait", bare),
        ("in process, ledger in memory", memory("m", Mode::InProcess)),
        ("in process, SQLite, durable", durable("d", Mode::InProcess)),
        ("kept, ledger in memory", memory("km", Mode::Kept)),
        ("kept, SQLite, durable", durable("kd", Mode::Kept)),
    ] {
        let rate = jobs as f64 / took.as_secs_f64();
        println!(
            "{name:30} {:8.3} s {rate:8.0} jobs/s {:6.3} x xargs",
            took.as_secs_f64(),
            base.as_secs_f64() / took.as_secs_f64()
        );
    }
    for mode in ["live", "live-kept"] {
        // In a process of its own: what was measured before has left its traces in this one's memory.
        let output = Command::new(std::env::current_exe().unwrap()).args(["--bench", mode]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().map(|n| n.parse().unwrap()).collect();
        let [before, live, mean, worst, took] = figures[..] else { panic!("{text} {output:?}") };
        let (live, before) = (live / 1024.0, before / 1024.0);
        print!("{LIVE} {mode} jobs: engine {live:.1} MiB resident ({before:.1} before them), killed in {took} ms");
        println!(
            "{}",
            if mode == "live" { String::new() } else { format!(", keepers {mean} KiB PSS each, at most {worst}") }
        );
    }
}
