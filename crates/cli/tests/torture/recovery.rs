//! Many jobs in flight, an engine that is killed, and how long the next one needs until each of them is settled or taken
//! up again.

use std::collections::BTreeSet;
use std::process::{Child, ExitCode, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::State;
use nix::sys::signal::Signal;

use crate::facts::ledger;
use crate::portfolio::{dayfly, folder};
use crate::processes::{keepers, orphans, rest, signal};

const PATIENCE: Duration = Duration::from_secs(240);

/// Measures with so many jobs: their keepers live, or were killed too.
pub(crate) fn recovery(jobs: u64) -> ExitCode {
    for killed in [false, true] {
        let folder = folder();
        let dir = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        match once(&dir, jobs, killed) {
            Ok(told) => println!("recovery: {told}"),
            Err(why) => {
                println!("recovery: {why}; it stays in {}", folder.keep().display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn portfolio(dir: &Utf8Path, jobs: u64) {
    for folder in ["home", "work", "issues/work"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    let text = format!(
        "version = 1\nconcurrency = {jobs}\npipeline = [\"exec\"]\n\
         [agents.script]\nkind = \"command\"\nargv = [\"sleep\", \"120\"]\n[stages.exec]\ngates = []\n\
         [limits]\ngrace = \"1s\"\n\
         [projects.work]\npath = \"work\"\nrepository = false\nconcurrency = {jobs}\n"
    );
    std::fs::write(dir.join("dayfly.toml"), text).unwrap();
    for number in 1..=jobs {
        let text = format!("+++\nid = {number}\ntitle = \"Issue {number}\"\n+++\n");
        std::fs::write(dir.join(format!("issues/work/{number}.md")), text).unwrap();
    }
}

/// An engine, which does not outlive its trial.
struct Engine(Child);

impl Engine {
    fn start(dir: &Utf8Path, log: &str) -> Self {
        let log = std::fs::File::create(dir.join(log)).unwrap();
        let mut command = dayfly(dir, "none");
        Self(command.args(["run", "--until-idle"]).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

fn state(dir: &Utf8Path) -> Result<State, String> {
    State::fold(&ledger(dir)?).map_err(|err| err.to_string())
}

fn once(dir: &Utf8Path, jobs: u64, kill_keepers: bool) -> Result<String, String> {
    portfolio(dir, jobs);
    let jobs = usize::try_from(jobs).unwrap();
    let mut first = Engine::start(dir, "first.log");
    let began = Instant::now();
    loop {
        let state = state(dir)?;
        let live = state.live.values().filter(|attempt| attempt.process.is_some()).count();
        if live >= jobs {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{live} of {jobs} jobs were in flight after {PATIENCE:?}"));
        }
        rest(Duration::from_millis(200));
    }
    let started = began.elapsed();
    let before: BTreeSet<String> = state(dir)?.live.keys().map(ToString::to_string).collect();
    first.kill();
    if kill_keepers {
        keepers(dir).into_iter().for_each(|pid| signal(pid, Signal::SIGKILL));
    }
    let killed = Instant::now();
    let mut second = Engine::start(dir, "second.log");
    let took = settled(dir, &before, killed);
    // The operator wants no more of it.
    for _ in 0..2 {
        signal(second.0.id(), Signal::SIGINT);
        rest(Duration::from_millis(300));
    }
    let end = Instant::now() + PATIENCE;
    while second.0.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            second.kill();
        }
        rest(Duration::from_millis(20));
    }
    let left = orphans(dir);
    let took = took?;
    if !left.is_empty() {
        return Err(format!("{} processes are left", left.len()));
    }
    let what =
        if kill_keepers { "killed with their keepers: all settled" } else { "whose keepers lived: all taken up" };
    Ok(format!(
        "{jobs} jobs (started in {:.1} s), {what} {:.2} s after the restart",
        started.as_secs_f64(),
        took.as_secs_f64()
    ))
}

/// How long it takes until each of those attempts was settled or taken up.
fn settled(dir: &Utf8Path, before: &BTreeSet<String>, since: Instant) -> Result<Duration, String> {
    loop {
        let log = std::fs::read_to_string(dir.join("second.log")).unwrap();
        let words = log.lines().filter(|line| line.contains("taken up") || line.contains("was lost"));
        let told: BTreeSet<&str> = words.filter_map(|line| line.split_whitespace().next()).collect();
        let left = before.iter().filter(|attempt| !told.contains(attempt.as_str())).count();
        if left == 0 {
            return Ok(since.elapsed());
        }
        if since.elapsed() > PATIENCE {
            return Err(format!("{left} of {} attempts were not settled after {PATIENCE:?}", before.len()));
        }
        rest(Duration::from_millis(5));
    }
}
