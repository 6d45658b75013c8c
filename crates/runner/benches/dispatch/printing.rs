//! Many jobs that print all the time.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dayfly_core::{AttemptEvent, AttemptId, Event, Filter};
use dayfly_runner::{Notice, Progress, RunOptions, SqliteStore, Until};
use tokio::sync::mpsc;

use super::{Host, Mode, children_pss, resident, runtime};

/// What each prints in a second, in so many portions.
const LINES: u64 = 1000;
const PORTIONS: u64 = 10;

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// What a job does: prints, and at last the time of its end.
pub(super) fn print(seconds: u64) {
    let mut out = std::io::stdout();
    let mut next = Instant::now();
    for portion in 0..seconds * PORTIONS {
        let lines: String =
            (0..LINES / PORTIONS).map(|n| format!("line {}\n", portion * LINES / PORTIONS + n)).collect();
        out.write_all(lines.as_bytes()).unwrap();
        next += Duration::from_millis(1000 / PORTIONS);
        std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
    }
    writeln!(out, "{}", now()).unwrap();
}

/// What was seen of all attempts.
#[derive(Default)]
struct Seen {
    lines: AtomicU64,
    ends: Mutex<(HashMap<AttemptId, u64>, Vec<u64>)>,
}

impl Seen {
    fn take(&self, notice: Notice<'_>) {
        match notice {
            Notice::Attempt(id, AttemptEvent::Line { text, .. }) => {
                self.lines.fetch_add(1, Ordering::Relaxed);
                if let Ok(ended) = text.parse() {
                    self.ends.lock().unwrap().0.insert(id.clone(), ended);
                }
            }
            Notice::Event(_, Event::AttemptEnded { attempt, .. }) => {
                let mut ends = self.ends.lock().unwrap();
                let ended = ends.0.remove(attempt).unwrap();
                ends.1.push(now().saturating_sub(ended));
            }
            _ => {}
        }
    }
}

impl Host {
    pub(super) fn printing(&self, jobs: u64, seconds: u64) {
        let seen = Arc::new(Seen::default());
        let told = Arc::clone(&seen);
        let me = std::env::current_exe().unwrap();
        let argv = [me.to_str().unwrap(), "print", &seconds.to_string()].map(str::to_owned);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let store = Arc::new(SqliteStore::open(&self.dir.join("printing.sqlite")).unwrap());
        let slots = usize::try_from(jobs).unwrap();
        let progress = Progress::new(move |notice| told.take(notice));
        let engine = self.engine(("printing", Mode::Kept), &argv, (slots, slots), store, progress);
        let over = Arc::new(AtomicBool::new(false));
        let watcher = {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                let mut most = (0, 0);
                while !over.load(Ordering::Relaxed) {
                    most.0 = most.0.max(resident());
                    most.1 = most.1.max(children_pss().into_iter().max().unwrap_or(0));
                    std::thread::park_timeout(Duration::from_secs(2));
                }
                most
            })
        };
        let (_ask, mut shutdown) = mpsc::channel(1);
        let start = Instant::now();
        let options = RunOptions { until: Until::OneCycle, filter: Filter::default() };
        let summary = runtime().block_on(engine.run(options, &mut shutdown)).unwrap();
        let took = start.elapsed();
        over.store(true, Ordering::Relaxed);
        let (engine, keeper) = watcher.join().unwrap();
        let mut ends = seen.ends.lock().unwrap().1.clone();
        ends.sort_unstable();
        let at = |percent: usize| ends[(ends.len() - 1) * percent / 100];
        println!("{jobs} jobs, {LINES} lines/s each for {seconds} s, kept, durable: {:?}", summary.ends);
        println!("lines seen: {} of {}", seen.lines.load(Ordering::Relaxed), jobs * (LINES * seconds + 1));
        println!(
            "took {:.1} s; engine at most {:.1} MiB; a keeper at most {keeper} KiB PSS",
            took.as_secs_f64(),
            engine as f64 / 1024.0
        );
        println!(
            "from the last line to the end in the ledger: p50 {} ms, p99 {} ms, worst {} ms",
            at(50),
            at(99),
            at(100)
        );
    }
}
