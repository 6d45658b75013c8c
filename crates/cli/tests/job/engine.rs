//! Engines that are killed with many live agents.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many agents live at once.
const AGENTS: usize = 50;

/// What each agent does: says that it works, works for a while, and says that it is done.
const AGENT: &str =
    "echo \"$DAYFLY_ATTEMPT\" >>../starts; sleep 0.$((50 + $$ % 50)); echo \"$DAYFLY_ATTEMPT\" >>../ends";

struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir_all(world.path("issues/work")).unwrap();
        fs::create_dir(world.path("work")).unwrap();
        let config = format!(
            "version = 1\nconcurrency = {AGENTS}\npipeline = [\"exec\"]\n\n[agents.script]\nkind = \"command\"\n\
             argv = [\"sh\", \"-c\", {AGENT:?}]\n\n[stages.exec]\ngates = []\n\n[projects.work]\npath = \"work\"\n\
             repository = false\nconcurrency = {AGENTS}\n"
        );
        fs::write(world.path("dayfly.toml"), config).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn add_issues(&self, round: usize) {
        for n in 1..=AGENTS {
            let number = round * AGENTS + n;
            let text = format!("+++\nid = {number}\ntitle = \"Issue {number}\"\n+++\n");
            fs::write(self.path(&format!("issues/work/{number}.md")), text).unwrap();
        }
    }

    fn dayfly(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dayfly"));
        command.args(args).current_dir(self.root.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        command
    }

    fn lines(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn wait_for(&self, name: &str, lines: usize) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.lines(name).len() < lines {
            assert!(Instant::now() < end, "{} of {lines} {name}", self.lines(name).len());
            std::thread::yield_now();
        }
    }

    /// The attempts that the ledger knows, by how they ended.
    fn ledger(&self) -> (usize, usize) {
        let file = self.path(".dayfly/ledger.sqlite");
        let store = dayfly_runner::SqliteStore::open_read_only(camino::Utf8Path::from_path(&file).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let records = runtime.block_on(dayfly_runner::read_all(&store.unwrap())).unwrap();
        let attempts = dayfly_core::attempts(&records).unwrap();
        let good = attempts.iter().filter(|attempt| attempt.end == "succeeded").count();
        let lost = attempts.iter().filter(|attempt| attempt.end == "lost").count();
        assert_eq!(good + lost, attempts.len(), "{attempts:?}");
        (good, lost)
    }
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// `DAYFLY_KILLS` says how often; by default it is a few times.
#[test]
fn an_engine_that_is_killed_with_fifty_live_agents_loses_no_result_and_starts_none_twice() {
    let kills: usize = std::env::var("DAYFLY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let world = World::new();
    let mut lost = 0;
    for round in 0..kills {
        world.add_issues(round);
        let done = round * AGENTS;
        let engine = world.dayfly(&["run", "--until-idle"]).spawn().unwrap();
        // It dies in the middle of its starts, with all of them live, or while they end.
        let (sign, at) = match round % 3 {
            0 => ("starts", done + AGENTS),
            1 => ("starts", done + 1 + round * 7 % AGENTS),
            _ => ("ends", done + 1 + round * 7 % (AGENTS / 2)),
        };
        world.wait_for(sign, at);
        end(engine);
        if round % 2 == 1 {
            // All that ran has ended before anybody looks.
            let started = world.lines("starts").len();
            world.wait_for("ends", started);
        }
        let next = world.dayfly(&["run", "--until-idle"]).output().unwrap();
        assert_eq!(next.status.code(), Some(0), "round {round}: {}", String::from_utf8_lossy(&next.stdout));
        let (good, now_lost) = world.ledger();
        let (starts, ends) = (world.lines("starts"), world.lines("ends"));
        assert_eq!(good, done + AGENTS, "round {round}: each issue is done once");
        assert_eq!(ends.len(), starts.len(), "round {round}: nothing is left working, and nothing was ended");
        // One that was claimed and never started is lost; it has not worked.
        assert_eq!(starts.len(), good, "round {round}: no agent worked that the ledger does not know");
        let mut once = starts.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), starts.len(), "round {round}: none was started twice");
        lost = now_lost;
    }
    println!("{kills} kills: {} agents, every result kept; {lost} claims were not started yet", kills * AGENTS);
}
