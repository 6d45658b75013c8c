//! The demo's portfolio, and what must be true of it at the end, whatever died on the way.

use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Event, Phase, Record, State};
use dayfly_runner::{SqliteStore, read_all};
use tempfile::TempDir;

use crate::engine::Moment;

pub(crate) struct World {
    dir: TempDir,
    calm: Vec<String>,
    appends: u64,
}

/// Runs a command to its end and gives what it printed.
fn output(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

fn dayfly() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dayfly"));
    command.env_remove("DAYFLY_CONFIG").env("TZ", "UTC");
    command
}

fn ledger(dir: &Utf8Path) -> Vec<Record> {
    let path = dir.join(".dayfly/ledger.sqlite");
    if !path.exists() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { read_all(&SqliteStore::open_read_only(&path).unwrap()).await.unwrap() })
}

impl World {
    /// Makes the demo's portfolio, faster: without the issue whose agent hangs, which only costs time here.
    pub(crate) fn new() -> Self {
        // No power is cut here, so memory serves as well as a disk, and faster.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let template = Utf8Path::from_path(dir.path()).unwrap().join("template");
        let (code, text) = output(dayfly().args(["demo", "--no-run", template.as_str()]));
        assert_eq!(code, Some(0), "{text}");
        let hangs = std::fs::read_dir(template.join("issues/clock")).unwrap().map(|e| e.unwrap().path());
        let hangs = hangs.into_iter().find(|p| p.to_string_lossy().contains("faster")).unwrap();
        std::fs::remove_file(hangs).unwrap();
        let config = std::fs::read_to_string(template.join("dayfly.toml")).unwrap();
        std::fs::write(
            template.join("dayfly.toml"),
            config.replace("200ms", "20ms").replace("\"1s\"", "\"5s\"").replace("\"2s\"", "\"20s\""),
        )
        .unwrap();
        let mut world = Self { dir, calm: Vec::new(), appends: 0 };
        let calm = world.copy("calm");
        let (status, printed) = world.engine(&calm, Moment::Never, u64::MAX);
        assert_eq!(status, Some(0), "{printed}");
        world.calm = facts(&calm);
        world.appends = printed.trim().parse().unwrap();
        world
    }

    pub(crate) fn appends(&self) -> u64 {
        self.appends
    }

    fn copy(&self, name: &str) -> Utf8PathBuf {
        let root = Utf8Path::from_path(self.dir.path()).unwrap();
        let to = root.join(name);
        let (code, text) = output(Command::new("cp").args(["-r", root.join("template").as_str(), to.as_str()]));
        assert_eq!(code, Some(0), "{text}");
        to
    }

    fn engine(&self, dir: &Utf8Path, moment: Moment, at: u64) -> (Option<i32>, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["engine", dir.as_str(), &moment.to_string(), &at.to_string()]);
        output(&mut command)
    }

    /// Kills an engine at one append, runs the program again, and looks at everything.
    pub(crate) fn trial(&self, moment: Moment, at: u64) -> Result<(), String> {
        let dir = self.copy(&format!("{moment}-{at}"));
        let died = self.engine(&dir, moment, at).0.is_none();
        let (_, text) = output(dayfly().args(["--config", dir.join("dayfly.toml").as_str(), "run", "--until-idle"]));
        let result = self.check(&dir, died).map_err(|why| format!("{why}\n{text}"));
        if result.is_ok() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        result
    }

    fn check(&self, dir: &Utf8Path, died: bool) -> Result<(), String> {
        let records = ledger(dir);
        let state = State::fold(&records).map_err(|err| format!("the ledger does not fold: {err}"))?;
        if !state.live.is_empty() || !state.outbox.is_empty() {
            return Err(format!("left over: {:?} {:?}", state.live.keys(), state.outbox));
        }
        let now = facts(dir);
        if now != self.calm {
            return Err(format!("expected\n  {}\nbut found\n  {}", self.calm.join("\n  "), now.join("\n  ")));
        }
        let lost = records.iter().filter(|r| r.body.contains("\"end\":\"lost\"")).count();
        if !died && lost > 0 {
            return Err("an attempt was lost although nothing died".into());
        }
        for (issue, known) in &state.issues {
            if known.visit_attempts > 1 {
                return Err(format!("{issue}: what was lost was charged: {known:?}"));
            }
        }
        orphans(dir)
    }
}

/// What a person would look at in the end, without what differs from run to run.
fn facts(dir: &Utf8Path) -> Vec<String> {
    let mut facts = Vec::new();
    let records = ledger(dir);
    let state = State::fold(&records).unwrap();
    for (issue, known) in &state.issues {
        let word = match &known.phase {
            Phase::Blocked { .. } => "blocked",
            phase => phase.word(),
        };
        facts.push(format!("{issue} {} {word}", known.title));
    }
    let landings = records.iter().filter(|r| matches!(r.event(), Ok(Event::EffectDone { landed: Some(_), .. })));
    facts.push(format!("{} landings", landings.count()));
    for project in ["clock", "greeter", "handbook"] {
        let repository = dir.join("repos").join(project);
        let git = |args: &[&str]| output(Command::new("git").arg("-C").arg(&repository).args(args)).1;
        let mut subjects: Vec<String> = git(&["log", "--format=%s"]).lines().map(str::to_owned).collect();
        subjects.sort();
        facts.push(format!("{project}: {}", subjects.join(" | ")));
        facts.push(format!("{project}: changed in the checkout: {:?}", git(&["status", "--short"])));
        facts.push(format!("{project}: {} worktrees", git(&["worktree", "list"]).lines().count()));
        let mut issues: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(dir.join("issues").join(project)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                let of = |word: &str| text.lines().find(|l| l.starts_with(word)).unwrap_or_default().to_owned();
                let comments = text.lines().filter(|l| l.starts_with("## Comment by")).count();
                issues.push(format!("{} {} {} {comments} comments", of("title"), of("state"), of("labels")));
            }
        }
        issues.sort();
        facts.extend(issues.into_iter().map(|i| format!("{project}: {i}")));
    }
    facts
}

/// No process that works in this portfolio may be left.
fn orphans(dir: &Utf8Path) -> Result<(), String> {
    let Ok(tag) = std::fs::read_to_string(dir.join(".dayfly/installation")) else { return Ok(()) };
    let mark = format!("DAYFLY_TAG={}", tag.trim());
    for entry in std::fs::read_dir("/proc").map_err(|err| err.to_string())?.flatten() {
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environ.split(|b| *b == 0).any(|v| v == mark.as_bytes()) {
            return Err(format!("process {} is left", entry.file_name().to_string_lossy()));
        }
    }
    Ok(())
}
