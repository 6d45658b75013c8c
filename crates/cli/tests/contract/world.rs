//! One run: a repository, an issue, a server, and `dayfly` between them.

use std::fs;
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Billing, Record};
use dayfly_runner::{SqliteStore, read_all};
use dayfly_testkit::model::{INPUT_TOKENS, ModelRequest, ModelServer, OUTPUT_TOKENS};
use tempfile::TempDir;

use crate::cases::{Case, Place, WORK, resets_at};
use crate::clis::{Cli, KEY};
use crate::expected::{Limited, expected};
use crate::seen::{Seen, first_end, limited};

/// A folder with a home, a repository, an issue and a `dayfly.toml`.
pub(crate) struct World {
    _dir: TempDir,
    pub(crate) root: Utf8PathBuf,
}

/// Plays a case to a command line.
pub(crate) fn run(cli: &Cli, case: &Case) -> Seen {
    let world = World::new();
    let place = Place { resets_at: resets_at(), copy: world.copy() };
    let server = ModelServer::start(case.scenario(&place));
    world.configure(&cli.agent(&server.base_url(), case.login, &world.root), case.wall, case.silence, "");
    let mut said = world.dayfly(&["issue", "new", "Do it", "--label", "ready-for-dev"]);
    said.push_str(&world.dayfly(&["run"]));
    let mut seen = Seen {
        cli: cli.name.clone(),
        case: case.name,
        outcome: None,
        limited: Limited::No,
        scope: String::new(),
        next: "-".into(),
        requests: server.model_requests().len(),
        model: server.model_requests().last().map(ModelRequest::model).unwrap_or_default(),
        keys: server.keys().into_iter().collect(),
        said,
        problems: Vec::new(),
    };
    let ledger = world.ledger();
    (seen.limited, seen.scope) = limited(&ledger, place.resets_at);
    if let Some((outcome, next)) = first_end(&ledger) {
        (seen.outcome, seen.next) = (Some(outcome), next);
    }
    let landed = seen.end() == "succeeded" && {
        seen.said.push_str(&world.dayfly(&["run"]));
        world.has_landed()
    };
    seen.problems = problems(cli, case, &seen, landed);
    if !seen.problems.is_empty() {
        seen.said.push_str(&world.logs());
        seen.said.extend(server.requests().iter().map(|r| format!("{} {}\n", r.method, r.path)));
    }
    seen
}

/// What is not as it must be.
fn problems(cli: &Cli, case: &Case, seen: &Seen, landed: bool) -> Vec<String> {
    let expected = expected(cli, case);
    let mut problems = Vec::new();
    let mut check = |holds: bool, problem: String| problems.extend((!holds).then_some(problem));
    check(seen.end() == expected.end, format!("it ended as {}, and must end as {}", seen.end(), expected.end));
    check(
        seen.limited == expected.limited,
        format!("limited: {}, and must be: {}", seen.limited.word(), expected.limited.word()),
    );
    check(
        (1..=expected.requests).contains(&seen.requests),
        format!("{} requests, and there must be 1 to {}", seen.requests, expected.requests),
    );
    check(landed == (expected.end == "succeeded"), format!("the commit on the base branch: {landed}"));
    check(seen.keys.iter().all(|key| key == KEY), format!("other keys were presented: {:?}", seen.keys));
    if let (Some(outcome), "work") = (&seen.outcome, case.name) {
        let usage = outcome.receipt.usage;
        let each = INPUT_TOKENS + OUTPUT_TOKENS;
        let tokens = usage.tokens();
        check(
            !cli.tells_tokens() || (tokens >= each && tokens % each == 0),
            format!("{tokens} tokens, and each answer has {each}"),
        );
        let model = outcome.receipt.model.as_deref();
        check(
            !cli.tells_model() || model == Some(seen.model.as_str()),
            format!("its receipt names the model {model:?}, and {} was asked", seen.model),
        );
        let billing = outcome.receipt.billing;
        check(billing == Billing::ApiKey, format!("it says that its use was billed: {}", billing.word()));
    }
    problems
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
        let world = Self { _dir: dir, root };
        fs::create_dir(world.root.join("home")).unwrap();
        world.write("web/README.md", "# web\n");
        world.git(&["init", "--quiet", "--initial-branch", "main"]);
        world.commit("the beginning");
        world
    }

    /// The working copy of the first attempt.
    pub(crate) fn copy(&self) -> Utf8PathBuf {
        self.root.join(".dayfly/work/web.1.exec.1")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits all that is in the repository.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Writes `dayfly.toml` with an agent, the limits of an attempt, and keys of the project, which is trusted unless
    /// they say otherwise.
    pub(crate) fn configure(&self, agent: &str, wall: &str, silence: &str, project: &str) {
        let limits =
            format!("wall = \"{wall}\"\nsilence = \"{silence}\"\nsilence-report = \"{silence}\"\ngrace = \"3s\"\n");
        let trusted = if project.contains("trusted") { "" } else { "trusted = true\n" };
        self.write(
            "dayfly.toml",
            &format!(
                "version = 1\npipeline = [\"exec\", \"merge\"]\n\n[limits]\n{limits}\n{agent}\n\
                 [projects.web]\npath = \"web\"\n{trusted}{project}"
            ),
        );
    }

    /// What `dayfly` prints, with its exit code. It has nothing of this environment but where programs are.
    pub(crate) fn dayfly(&self, args: &[&str]) -> String {
        let mut command = self.sealed(env!("CARGO_BIN_EXE_dayfly"));
        let output = command.args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code();
        format!("$ dayfly {}\n{}{}exit {code:?}\n", args.join(" "), text(&output.stdout), text(&output.stderr))
    }

    fn sealed(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear().stdin(Stdio::null());
        command.env("HOME", self.root.join("home")).env("PATH", std::env::var("PATH").unwrap());
        command.env("TZ", "UTC").env("LANG", "C.UTF-8").env("NO_COLOR", "1");
        command
    }

    fn git(&self, args: &[&str]) -> String {
        let mut command = self.sealed("git");
        command.args(["-C", "web", "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]);
        let output = command.args(args).env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn ledger(&self) -> Vec<Record> {
        let path = self.root.join(".dayfly/ledger.sqlite");
        if !path.exists() {
            return Vec::new();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { read_all(&SqliteStore::open_read_only(&path).unwrap()).await.unwrap() })
    }

    /// Whether the work is on the base branch, and in the user's checkout.
    fn has_landed(&self) -> bool {
        let in_tree = fs::read_to_string(self.root.join("web").join(WORK.0)).unwrap_or_default() == WORK.1;
        let commits = self.git(&["log", "--format=%s"]).lines().count();
        in_tree && commits > 1
    }

    /// What the attempts printed.
    pub(crate) fn logs(&self) -> String {
        let attempts = self.root.join(".dayfly/attempts");
        let mut logs: Vec<Utf8PathBuf> = Vec::new();
        for attempt in attempts.read_dir_utf8().into_iter().flatten().flatten() {
            logs.extend(["output.log", "errors.log"].map(|name| attempt.path().join(name)));
        }
        logs.sort();
        let text = |path: &Utf8PathBuf| {
            let text = fs::read(path).unwrap_or_default();
            format!("-- {}\n{}\n", path.strip_prefix(&self.root).unwrap(), String::from_utf8_lossy(&text))
        };
        logs.iter().map(text).collect()
    }
}
