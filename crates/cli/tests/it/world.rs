//! A folder with repositories and a scripted agent, and the program run in it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::words::settled;

/// More than anything here takes, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// An agent that does what the issue asks, at the stage `exec`.
pub(crate) const GOOD_AGENT: &str = "echo \"at work on $DAYFLY_ISSUE\"
echo done >done.txt
git add --all
git commit --quiet --message \"Do issue $DAYFLY_ISSUE\"
";

/// A folder for one test, thrown away at its end.
pub(crate) struct World {
    pub(crate) root: Utf8PathBuf,
    _dir: TempDir,
}

/// How a run of the program went, with all that changes from run to run replaced.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
        fs::create_dir(root.join("home")).unwrap();
        Self { root, _dir: dir }
    }

    /// One repository `web` with the gate `sh test.sh`, worked on by `agent` and landed by the engine.
    pub(crate) fn with_agent(agent: &str) -> Self {
        let world = Self::new();
        world.repository(
            "web",
            "main",
            &[
                ("README.md", "# web\n"),
                (
                    "test.sh",
                    "[ ! -e done.txt ] || [ \"$(cat done.txt)\" = done ] || { echo 'done.txt is wrong'; exit 1; }\n",
                ),
                (".dayfly/gates.toml", "[[command]]\nname = \"tests\"\nrun = [\"sh\", \"test.sh\"]\n"),
            ],
        );
        world.agent(agent);
        world.write(
            "dayfly.toml",
            &format!(
                "version = 1\npipeline = [\"triage\", \"exec\", \"merge\"]\n\n\
                 [agents.script]\nkind = \"command\"\nargv = [\"./agent.sh\"]\nenv = {{ SIGNS = \"{}/signs\" }}\n\n\
                 [retry]\nbase = \"1ms\"\nmax = \"1ms\"\n\n\
                 [limits]\ngrace = \"1s\"\n\n\
                 [projects.web]\npath = \"web\"\n",
                world.root
            ),
        );
        world
    }

    pub(crate) fn path(&self, path: &str) -> Utf8PathBuf {
        self.root.join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the agent: a script whose prompt has been read into `$prompt`.
    pub(crate) fn agent(&self, script: &str) {
        self.write("agent.sh", &format!("#!/bin/sh\nset -eu\nprompt=$(cat)\n{script}"));
        fs::set_permissions(self.path("agent.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn repository(&self, name: &str, branch: &str, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(&format!("{name}/{path}"), text);
        }
        self.git(name, &["init", "--quiet", "--initial-branch", branch]);
        self.git(name, &["add", "--all"]);
        self.git(name, &["commit", "--quiet", "--message", "the beginning"]);
    }

    /// What git prints in a repository.
    pub(crate) fn git(&self, repository: &str, args: &[&str]) -> String {
        let mut command = self.sealed("git");
        command.current_dir(self.path(repository)).args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]);
        let output = command.args(args).env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(output.status.success(), "git {args:?} in {repository}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The subjects of a branch's commits, newest first.
    pub(crate) fn subjects(&self, repository: &str, branch: &str) -> Vec<String> {
        self.git(repository, &["log", "--format=%s", branch]).lines().map(str::to_owned).collect()
    }

    /// Runs the program to its end.
    pub(crate) fn dayfly(&self, args: &[&str]) -> Ran {
        self.ran(&self.command(args).output().unwrap())
    }

    /// Runs the program, which is to end well and to say nothing but data.
    pub(crate) fn data(&self, args: &[&str]) -> String {
        let ran = self.dayfly(args);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{args:?}: {ran:?}");
        ran.out
    }

    /// Runs the program with `--json`; its output as it is.
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.command(args).arg("--json").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|err| panic!("{args:?}: {err}: {output:?}"))
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Started<'_> {
        Started::new(self, self.command(args))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sealed(env!("CARGO_BIN_EXE_dayfly"));
        command.args(args);
        command
    }

    /// The program as it is installed under another name, with its keeper in the same file.
    pub(crate) fn installed(&self, name: &str) -> Utf8PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A link is as good as a copy, where the disk has links.
        fs::hard_link(env!("CARGO_BIN_EXE_dayfly"), &path)
            .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_dayfly"), &path).map(drop))
            .unwrap();
        path
    }

    /// Starts an installed program.
    pub(crate) fn start_installed(&self, program: &Utf8Path, args: &[&str]) -> Started<'_> {
        let mut command = self.sealed(program.as_str());
        command.args(args);
        Started::new(self, command)
    }

    /// A plain folder `web`, worked on by an agent that says in `starts` that it began, and waits for the file `go`.
    pub(crate) fn waiting() -> Self {
        let world = Self::new();
        world.write("web/README.md", "");
        world.agent("");
        world.write(
            "dayfly.toml",
            &format!(
                "version = 1\npipeline = [\"exec\"]\n\n[agents.script]\nkind = \"command\"\n\
                 argv = [\"{}/agent.sh\"]\n\n[retry]\nbase = \"1ms\"\nmax = \"1ms\"\n\n\
                 [stages.exec]\ngates = []\n\n[projects.web]\npath = \"web\"\nrepository = false\n",
                world.root
            ),
        );
        let root = &world.root;
        world.agent(&format!(
            "echo $$ >>{root}/starts\nwhile [ ! -e {root}/go ]; do sleep 0.02; done\necho >>{root}/ends"
        ));
        world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
        world
    }

    /// The processes of the agents that have begun.
    pub(crate) fn starts(&self) -> Vec<String> {
        fs::read_to_string(self.path("starts")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// A command that has nothing of the environment the tests run in but the place of its programs.
    fn sealed(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("PATH", path()).env("TZ", "UTC").env("NO_COLOR", "1");
        command
    }

    fn ran(&self, output: &Output) -> Ran {
        let text = |bytes: &[u8]| settled(std::str::from_utf8(bytes).unwrap(), &self.root);
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// The folders of programs, without those that hold an agent of the user's.
fn path() -> String {
    let path = std::env::var("PATH").unwrap();
    let folders = path.split(':').filter(|folder| !Utf8Path::new(folder).join("claude").exists());
    folders.collect::<Vec<_>>().join(":")
}

/// The program while it runs. It is killed if the test ends before it.
pub(crate) struct Started<'a> {
    world: &'a World,
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl<'a> Started<'a> {
    fn new(world: &'a World, mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || talk.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { world, child, lines, seen: String::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on standard error that holds `text`, and gives what follows it there.
    pub(crate) fn says(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(why) => panic!("no line with {text:?}: {why}; seen:\n{}", self.seen),
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    /// Sends the signal of that name.
    pub(crate) fn signal(&self, name: &str) {
        assert!(shell(&format!("kill -s {name} {}", self.pid())).success());
    }

    /// Waits for the end.
    pub(crate) fn ends(mut self) -> Ran {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push_str(&line);
                    self.seen.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end; seen:\n{}", self.seen),
            }
        }
        let mut stdout = Vec::new();
        self.child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        self.world.ran(&Output { status, stdout, stderr: std::mem::take(&mut self.seen).into_bytes() })
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process is there and has not ended; one whose parent was killed may stay for a while after its end.
pub(crate) fn is_there(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let ended = status.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
    !ended && shell(&format!("kill -0 {pid} 2>/dev/null")).success()
}

fn shell(script: &str) -> ExitStatus {
    Command::new("/bin/sh").args(["-c", script]).status().unwrap()
}

/// Waits for something that another process does by itself.
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "it did not come about");
        std::thread::yield_now();
    }
}
