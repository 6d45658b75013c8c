//! What a long ledger costs beside a short one: `cargo xtask bench ledger [JOBS]`.
//!
//! Two ledgers are made by the store itself, of 1,000 jobs and of `JOBS` (1,000,000), with three records each, at the pace
//! of 950 jobs a day. Both have the same issues at hand. Then the same is done with each.
#![expect(clippy::print_stdout, reason = "a benchmark talks to the terminal")]

use std::time::{Duration, Instant};

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Applied, AttemptId, Author, Batch, Condition, Config, End, Epoch, Event, Filter, Issue, IssueFacts, IssueId,
    IssueRef, JobSpec, Milestone, Next, Outcome, Portfolio, ProcessIdentity, ProjectName, Receipt, Seq, SourceText,
    StageName, Store, StoreError, Tracker, TrackerError, TrackerKind, TrackerState, TrackerWrite, Trust, Usage, status,
};
use dayfly_runner::{Sources, SqliteStore, audit, overview};
use jiff::{SignedDuration, Timestamp};

const SHORT: u64 = 1000;
const LONG: u64 = 1_000_000;
/// Open issues that have been worked on, in all projects together.
const AT_HAND: u64 = 99;
const PROJECTS: u64 = 3;
/// How many jobs are written in one append.
const GROUP: u64 = 256;
/// The pause between two jobs.
const PACE: SignedDuration = SignedDuration::from_secs(91);
const ROUNDS: usize = 101;
const CONFIG: &str = "version = 1\n[agents.a]\nkind = \"command\"\nargv = [\"a\"]\n[stages.exec]\nagents = [\"a\"]\n\
    [projects.p0]\npath = \"p0\"\npipeline = [\"exec\", \"merge\"]\n[projects.p1]\npath = \"p1\"\npipeline = [\"exec\", \"merge\"]\n\
    [projects.p2]\npath = \"p2\"\npipeline = [\"exec\", \"merge\"]\n";

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// Shows the issues at hand.
#[derive(Debug)]
struct Shown;

#[async_trait]
impl Tracker for Shown {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        let here = (0..AT_HAND).filter(|n| name(*n).project == *project);
        let issue = |n| Issue {
            id: name(n).issue,
            title: format!("Issue {n}"),
            body: "What is wanted, in a few words.".into(),
            labels: Vec::new(),
            milestone: None,
            state: TrackerState::Open,
            author: Author::person("ada".to_owned(), Trust::Writer),
            parent: None,
            comments: Vec::new(),
            facts: IssueFacts::default(),
        };
        Ok(here.map(issue).collect())
    }

    async fn milestones(&self, _: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        Ok(Vec::new())
    }

    async fn apply(&self, project: &ProjectName, _: &str, _: &TrackerWrite) -> Result<Applied, TrackerError> {
        Err(TrackerError::Unavailable { project: project.clone(), source: "it is read only".into() })
    }
}

/// What was measured of one ledger.
#[derive(Debug, Default)]
struct Figures {
    jobs: u64,
    made: Duration,
    bytes: u64,
    status: Duration,
    plan: Duration,
    claim: Duration,
    finish: Duration,
    rebuild: Duration,
    rebuild_kib: u64,
    archived: Duration,
    /// What is left of the ledger's file, and the size of the archives.
    left: u64,
    packed: u64,
}

fn main() -> Fallible<()> {
    let jobs = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(LONG);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let short = runtime.block_on(measure(SHORT))?;
    let long = runtime.block_on(measure(jobs))?;
    for figures in [&short, &long] {
        println!(
            "{} jobs: made in {:.1?}, {} bytes a job; rebuilt in {:.2?} with at most {} KiB in memory",
            figures.jobs,
            figures.made,
            figures.bytes / figures.jobs,
            figures.rebuild,
            figures.rebuild_kib,
        );
        println!(
            "    archived in {:.1?}: {} bytes a job are left, {} are in archives",
            figures.archived,
            figures.left / figures.jobs,
            figures.packed / figures.jobs,
        );
    }
    let rows = [
        ("status", short.status, long.status),
        ("plan", short.plan, long.plan),
        ("claim", short.claim, long.claim),
        ("finish", short.finish, long.finish),
    ];
    for (what, short, long) in rows {
        let ratio = long.as_secs_f64() / short.as_secs_f64();
        println!("{what:8} {short:>10.2?} {long:>10.2?}  {ratio:.2}");
    }
    Ok(())
}

async fn measure(jobs: u64) -> Fallible<Figures> {
    let folder = tempfile::tempdir()?;
    let path = Utf8PathBuf::try_from(folder.path().join("ledger.sqlite"))?;
    let mut figures = Figures { jobs, ..Figures::default() };
    let began = Instant::now();
    let now = make(&path, jobs).await?;
    figures.made = began.elapsed();
    figures.bytes = std::fs::metadata(&path)?.len();
    let config = Config::read(&SourceText::new("dayfly.toml", CONFIG), &mut |_| Err("no files".into()))?;
    figures.status = median(async || status_of(&config.portfolio, &path, now).await).await?;
    let store = SqliteStore::open(&path)?;
    store.load().await?;
    figures.plan = median(async || look(&config.portfolio, &store, now).await.map(drop)).await?;
    (figures.claim, figures.finish) = claims(&store, now, jobs).await?;
    // Counts the most memory anew from here on.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    let rebuilt = store.rebuild().await?;
    figures.rebuild = began.elapsed();
    assert_eq!(rebuilt.different, 0, "{rebuilt:?}");
    let own = std::fs::read_to_string("/proc/self/status")?;
    let most = own.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    figures.rebuild_kib = most.and_then(|most| most.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    let began = Instant::now();
    let done = store.archive(Timestamp::MAX).await?;
    (figures.archived, figures.left, figures.packed) = (began.elapsed(), done.after, done.bytes);
    assert!(audit(&path, Vec::new())?.is_whole(), "{done:?}");
    Ok(figures)
}

async fn status_of(portfolio: &Portfolio, path: &Utf8Path, now: Timestamp) -> Fallible<()> {
    let store = SqliteStore::open_read_only(path)?;
    let (seen, _) = look(portfolio, &store, now).await?;
    let waits = seen.ready.len() + seen.waiting.len() + seen.person.len();
    assert_eq!(waits as u64, AT_HAND, "all that is at hand is shown: {seen:?}");
    Ok(())
}

async fn look(portfolio: &Portfolio, store: &dyn Store, now: Timestamp) -> Fallible<(dayfly_core::Status, usize)> {
    let from = Sources { store: Some(store), tracker: &Shown, forge: None };
    let seen = overview(portfolio.clone(), from, Filter::default(), now).await?;
    Ok((status(&seen.input(), &seen.plan), seen.plan.ready.len()))
}

async fn claims(store: &SqliteStore, now: Timestamp, jobs: u64) -> Fallible<(Duration, Duration)> {
    let epoch = store.take_over().await?;
    let (mut claims, mut finishes) = (Vec::new(), Vec::new());
    for n in 0..ROUNDS as u64 {
        let n = AT_HAND + jobs + n;
        let conditions = vec![Condition::Idle(name(n)), Condition::Free { project: name(n).project, most: 1 }];
        let claim = Batch { epoch, at: now, events: vec![started(n)], conditions };
        let began = Instant::now();
        let token = store.append(&claim).await?[0].seq;
        claims.push(began.elapsed());
        let conditions = vec![Condition::Holder(attempt(n), token)];
        let finish = Batch { epoch, at: now, events: vec![ended(n, token, Next::Finish)], conditions };
        let began = Instant::now();
        store.append(&finish).await?;
        finishes.push(began.elapsed());
    }
    claims.sort();
    finishes.sort();
    Ok((claims[ROUNDS / 2], finishes[ROUNDS / 2]))
}

async fn median(work: impl AsyncFn() -> Fallible<()>) -> Fallible<Duration> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        work().await?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[ROUNDS / 2])
}

/// Makes a ledger, and gives the time after its end.
async fn make(path: &Utf8Path, jobs: u64) -> Result<Timestamp, StoreError> {
    let store = SqliteStore::open(path)?;
    let epoch: Epoch = store.take_over().await?;
    let mut at = Timestamp::UNIX_EPOCH;
    let mut head = 0;
    let mut n = 0;
    while n < AT_HAND + jobs {
        let mut events = Vec::new();
        for n in n..(n + GROUP).min(AT_HAND + jobs) {
            let token = Seq(head + events.len() as u64 + 1);
            let go = Next::Go { stage: stage(), feedback: None, not_before: None };
            let process = ProcessIdentity { pid: 4242, start_ticks: n, boot_id: "7e2f4f9c".into() };
            events.push(started(n));
            events.push(Event::AttemptSpawned { attempt: attempt(n), process });
            events.push(ended(n, token, if n < AT_HAND { go } else { Next::Finish }));
            at += PACE;
        }
        head += events.len() as u64;
        store.append(&Batch { epoch, at, events, conditions: Vec::new() }).await?;
        n += GROUP;
    }
    Ok(at)
}

fn name(n: u64) -> IssueRef {
    let project = ProjectName::new(format!("p{}", n % PROJECTS)).expect("a name");
    IssueRef::new(project, IssueId::new(n.to_string()).expect("an id"))
}

fn stage() -> StageName {
    StageName::new("exec").expect("a name")
}

fn attempt(n: u64) -> AttemptId {
    AttemptId::new(&name(n), &stage(), 1)
}

fn started(n: u64) -> Event {
    let job: JobSpec = serde_json::from_value(serde_json::json!({
        "kind": "stage", "issue": name(n), "trust": "writer", "title": format!("Issue {n}"), "stage": "exec",
        "run": "agent", "agent": "a", "prompt": "What is wanted, in a few words. ".repeat(20), "access": "write",
        "answer": "optional", "effects": [], "children": 8, "base": "b".repeat(40), "start": "b".repeat(40),
        "admission": [], "gates": [], "protected": [], "diff_lines": 10, "wall": {"secs": 60, "nanos": 0},
        "silence_report": {"secs": 5, "nanos": 0}, "silence": {"secs": 10, "nanos": 0},
        "grace": {"secs": 1, "nanos": 0}, "gate_timeout": {"secs": 60, "nanos": 0},
    }))
    .expect("a job");
    Event::AttemptStarted {
        attempt: attempt(n),
        job: Box::new(job),
        substitution: None,
        tracker: TrackerKind::default(),
    }
}

fn ended(n: u64, token: Seq, next: Next) -> Event {
    let usage = Usage { input_tokens: 12_345, output_tokens: 678, ..Usage::default() };
    let receipt = Receipt { usage, took: Duration::from_secs(95), tail: "done\n".repeat(20), ..Receipt::default() };
    let outcome = Outcome { end: End::Succeeded, proposal: None, commit: None, answer: None, receipt };
    Event::AttemptEnded { attempt: attempt(n), token, outcome: Box::new(outcome), next, effects: Vec::new() }
}
