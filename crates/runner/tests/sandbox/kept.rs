//! The executor with keepers, and trees of processes that do all they can to stay, in each rung.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Access, Agent as _, AgentConfig, AgentKind, AgentName, AnswerRule, Attempt, AttemptId, EventSink, IssueId,
    IssueRef, JobSpec, OutputLimits, ProjectName, Runner as _, Sandbox, StageName, StageRun, Stop,
};
use dayfly_runner::{CommandAgent, Keeper, SubprocessRunner};
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use crate::checks::{drained, rungs, spec};
use crate::tree::{MEMBERS, WORD};
use crate::trees::{PATIENCE, times, up};
use crate::world::me;

/// How a tree is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Kill,
    Polite,
    Drop,
    KeeperKilled,
}

/// `DAYFLY_HOSTILE_RUNS` says how often each.
pub(crate) fn hostile() {
    let runs: usize = std::env::var("DAYFLY_HOSTILE_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for rung in rungs() {
        let mut ways = vec![Way::Kill, Way::Polite, Way::Drop];
        // Without a namespace what a killed keeper held is found only by its mark, which one of the members has cleared.
        ways.extend((rung == Sandbox::Bubblewrap).then_some(Way::KeeperKilled));
        for way in ways {
            let times = times(runs, |_| runtime.block_on(trial(rung, way)));
            println!("  {} with a keeper, {way:?}: {times}", rung.word());
        }
    }
}

/// The time from the order to the end of the last process.
async fn trial(rung: Sandbox, way: Way) -> Duration {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
    let attempt = attempt(&root, rung);
    let path = attempt.cwd.join("sentinel");
    let mut options = fs::OpenOptions::new();
    let mut sentinel = options.read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).unwrap();
    let runner = SubprocessRunner::kept(Keeper::new(me()).hiding(root.join("state")));
    let mut running = runner.start(&attempt).await.unwrap();
    up(&mut sentinel, &MEMBERS.map(|(name, _)| name).join(","));
    let start = Instant::now();
    match way {
        Way::Kill => running.stop(Stop::Kill).await.unwrap(),
        Way::Polite => running.stop(Stop::Polite).await.unwrap(),
        Way::Drop => {
            drop(running);
            return tokio::task::spawn_blocking(move || drained(&mut sentinel, PATIENCE).unwrap()).await.unwrap();
        }
        Way::KeeperKilled => kill(keeper(&attempt.dir), Signal::SIGKILL).unwrap(),
    }
    let outcome = tokio::time::timeout(PATIENCE, running.wait()).await.unwrap().unwrap();
    let took = start.elapsed();
    // What is told to be over is over.
    assert!(drained(&mut sentinel, Duration::ZERO).is_ok(), "{outcome:?}");
    assert!(!outcome.receipt.leaky, "{outcome:?}");
    took
}

fn keeper(dir: &Utf8Path) -> Pid {
    let text = fs::read(dir.join("keeper.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    Pid::from_raw(file["keeper"]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap())
}

fn attempt(root: &Utf8Path, rung: Sandbox) -> Attempt {
    let cwd: Utf8PathBuf = root.join("state/work");
    fs::create_dir_all(&cwd).unwrap();
    let sentinel = cwd.join("sentinel");
    mkfifo(sentinel.as_std_path(), Mode::S_IRWXU).unwrap();
    let config = AgentConfig::new(AgentKind::Command, vec![me(), WORD.into(), "--sentinel".into(), sentinel.into()]);
    let agent = CommandAgent::new(AgentName::new("hostile").unwrap(), config);
    let job = job(rung);
    Attempt {
        id: AttemptId::new(&job.issue, &job.stage, 1),
        command: agent.command(&job).unwrap(),
        job,
        cwd,
        reads: Vec::new(),
        bridge: None,
        dir: root.join("state/attempt"),
        agent: Arc::new(agent),
        output: OutputLimits { log_bytes: 100_000, line_bytes: 4096 },
        tag: format!("trial-{}", root.file_name().unwrap()),
        events: EventSink::none(),
    }
}

pub(crate) fn job(rung: Sandbox) -> JobSpec {
    let mut job: JobSpec = serde_json::from_value(serde_json::json!({
        "kind": "stage", "issue": IssueRef::new(ProjectName::new("web").unwrap(), IssueId::new("7").unwrap()),
        "title": "a title", "stage": StageName::new("exec").unwrap(), "run": StageRun::Agent, "prompt": "",
        "access": Access::Write, "answer": AnswerRule::None, "effects": [], "children": 0, "admission": [], "gates": [],
        "protected": [], "diff_lines": 0, "wall": Duration::from_secs(60), "silence_report": Duration::from_secs(60),
        "silence": Duration::from_secs(60), "grace": Duration::from_millis(50), "gate_timeout": Duration::from_secs(60),
    }))
    .unwrap();
    job.sandbox = spec(rung);
    job
}
