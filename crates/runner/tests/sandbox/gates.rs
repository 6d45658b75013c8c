//! A gate's command in a sandbox: it finds the tools of the user's home, and not the keys that lie beside them.

use std::fs;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use camino::Utf8Path;
use dayfly_core::{
    AttemptId, Author, Commit, Gate as _, Issue, IssueId, OutputLimits, Sandbox, Subject, TrackerState, Trust, Verdict,
    WorkFacts,
};
use dayfly_runner::{Commands, GATES_FILE, Keeper, SubprocessRunner};

use crate::checks::walls;
use crate::kept::job;
use crate::world::{World, me};

/// Each with the folders that the variables name, below the user's home.
const COMMANDS: [(&str, &str, &str); 3] = [
    (TOOLS, ".cargo", ".rustup"),
    (TOOLS, "linked", ".rustup"),
    ("test ! -e $CARGO_HOME && test ! -e $RUSTUP_HOME", "missing", "missing-too"),
];
const TOOLS: &str = "cat $CARGO_HOME/bin/tool $CARGO_HOME/registry/crate $RUSTUP_HOME/toolchains/compiler && \
                     ! cat $CARGO_HOME/credentials.toml";

pub(crate) fn tools() {
    for rung in walls() {
        for (script, cargo, rustup) in COMMANDS {
            let world = World::new();
            let (root, user) = (world.root(), world.root().join("user"));
            std::os::unix::fs::symlink(".cargo", user.join("linked")).unwrap();
            let file = root.join("state/trees/a1").join(GATES_FILE);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("[[command]]\nname = \"tools\"\nrun = [\"sh\", \"-c\", '''{script}''']\n"))
                .unwrap();
            // The gate reads its own environment.
            let mut gate = Command::new(me());
            gate.args(["@gate", root.as_str(), rung.word()]);
            gate.env("CARGO_HOME", user.join(cargo)).env("RUSTUP_HOME", user.join(rustup));
            let judged = gate.output().unwrap();
            assert!(judged.status.success(), "{rung:?}, {cargo}: {}", String::from_utf8_lossy(&judged.stdout));
        }
    }
}

/// The engine's side of [`tools`].
pub(crate) fn judge(root: &str, rung: &str) -> ExitCode {
    let root = Utf8Path::new(root);
    let rung = [Sandbox::Landlock, Sandbox::Bubblewrap].into_iter().find(|r| r.word() == rung).unwrap();
    let commands = Commands {
        git: None,
        dir: root.join("state/gates"),
        tree: root.join("state/trees/gates"),
        attempt: AttemptId::from_text("web.7.exec.1"),
        tag: format!("gate-{}", root.file_name().unwrap()),
        runner: Arc::new(SubprocessRunner::kept(Keeper::new(me()).hiding(root.join("state")))),
        output: OutputLimits { log_bytes: 100_000, line_bytes: 4096 },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let verdict = runtime.block_on(commands.check(&subject(root, rung)));
    println!("{verdict:?}");
    if matches!(verdict, Ok(Verdict::Pass)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn subject(root: &Utf8Path, rung: Sandbox) -> Subject {
    let commit = Commit("0".repeat(40));
    let issue = Issue {
        id: IssueId::new("7").unwrap(),
        title: "a title".into(),
        body: String::new(),
        labels: Vec::new(),
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("ann", Trust::Writer),
        parent: None,
        comments: Vec::new(),
        facts: dayfly_core::IssueFacts::default(),
    };
    let work = WorkFacts {
        tree: root.join("state/trees/a1"),
        base: commit.clone(),
        start: commit.clone(),
        commit,
        descends: true,
        dirty: Vec::new(),
        changed: Vec::new(),
        diff_lines: 0,
        proposal: None,
    };
    Subject { job: job(rung), issue, work: Some(work) }
}
