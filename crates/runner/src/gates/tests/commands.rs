//! The gate `commands`, with real commands in real working copies.

use std::time::Duration;

use dayfly_core::{AttemptId, OutputLimits};

use super::super::commands::tool_homes;
use super::*;
use crate::test_repo::{Repo, commit_in};
use crate::{Git, SubprocessRunner, TrustedGit};

const BROKEN: &str = "[[command]]\nname = \"tests\"\nrun = [\"true\"]\ntimeuot = \"1s\"\n";

/// A base commit with a gates file, and work on top of it.
struct Yard {
    repo: Repo,
    base: Commit,
    commit: Commit,
}

impl Yard {
    fn new(gates: &str, work: &[(&str, &str)]) -> Self {
        let repo = Repo::new(&[(GATES_FILE, gates), ("a", "old\n")]);
        let base = repo.at("main");
        repo.git(&["checkout", "--quiet", "--detach"]);
        let commit = repo.commit(work);
        Self { repo, base, commit }
    }

    /// With one command, `tests`, that runs a shell script.
    fn script(script: &str, work: &[(&str, &str)]) -> Self {
        Self::new(&format!("[[command]]\nname = \"tests\"\nrun = [\"sh\", \"-c\", '''{script}''']\n"), work)
    }

    async fn gate(&self) -> Commands {
        Commands {
            git: Some(
                TrustedGit::open(Git::open(&self.repo.web).await.unwrap(), &self.repo.root.join("git"))
                    .await
                    .unwrap()
                    .into(),
            ),
            dir: self.repo.root.join("attempt"),
            tree: self.repo.root.join("gates"),
            attempt: AttemptId::from_text("web.7.exec.1"),
            tag: self.repo.root.file_name().unwrap().to_owned(),
            runner: Arc::new(SubprocessRunner::new()),
            output: OutputLimits { log_bytes: 100_000, line_bytes: 4096 },
        }
    }

    fn subject(&self) -> Subject {
        let (base, commit) = (self.base.clone(), self.commit.clone());
        subject(WorkFacts { tree: self.repo.web.clone(), start: base.clone(), base, commit, ..work() })
    }

    async fn check(&self) -> Result<Verdict, GateError> {
        self.gate().await.check(&self.subject()).await
    }

    async fn passes(&self) {
        assert_eq!(self.check().await.unwrap(), Verdict::Pass);
    }

    async fn fails(&self) -> (String, String) {
        match self.check().await.unwrap() {
            Verdict::Fail { reason, tail } => (reason, tail),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_command_that_ends_well_passes_and_one_that_does_not_fails_with_its_last_words() {
    Yard::script("exit 0", &[]).passes().await;
    let (reason, tail) = Yard::script("echo one; echo two >&2; exit 7", &[]).fails().await;
    assert!(reason.starts_with("`sh -c ") && reason.ends_with("ended with exit code 7"), "{reason}");
    let mut lines: Vec<&str> = tail.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test]
async fn the_last_hundred_lines_are_told() {
    let (_, tail) = Yard::script("seq 250; exit 1", &[]).fails().await;
    let lines: Vec<&str> = tail.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[99]), (100, "151", "250"));
}

#[tokio::test]
async fn commands_run_in_order_up_to_the_first_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let signs = folder.path().join("signs").to_str().unwrap().to_owned();
    let entry = |name: &str, code: u8| {
        format!("[[command]]\nname = \"{name}\"\nrun = [\"sh\", \"-c\", \"echo {name} >>{signs}; exit {code}\"]\n")
    };
    let yard = Yard::new(&[entry("one", 0), entry("two", 1), entry("three", 0)].concat(), &[]);
    yard.fails().await;
    assert_eq!(std::fs::read_to_string(&signs).unwrap(), "one\ntwo\n");
}

#[tokio::test]
async fn work_that_loosens_its_own_gates_is_held_to_those_of_the_base() {
    for loose in ["", "[[command]]\nname = \"tests\"\nrun = [\"true\"]\n"] {
        let yard = Yard::script("exit 1", &[(GATES_FILE, loose)]);
        assert!(yard.fails().await.0.ends_with("exit code 1"));
    }
    let yard = Yard::script("exit 1", &[("b", "")]);
    std::fs::write(yard.repo.web.join(GATES_FILE), "").unwrap();
    assert!(yard.fails().await.0.ends_with("exit code 1"), "without a commit as well");
}

#[tokio::test]
async fn work_that_breaks_the_gates_file_does_not_break_the_gate() {
    Yard::script("exit 0", &[(GATES_FILE, BROKEN)]).passes().await;
}

#[tokio::test]
async fn without_a_gates_file_on_the_base_every_change_passes() {
    let yard = Yard::new("", &[("a", "new\n")]);
    yard.passes().await;
    let mut yard = Yard { repo: Repo::new(&[("a", "old\n")]), ..yard };
    (yard.base, yard.commit) = (yard.repo.at("main"), yard.repo.commit(&[(GATES_FILE, BROKEN)]));
    yard.passes().await;
}

#[tokio::test]
async fn commands_see_the_exact_commit_and_nothing_that_was_left_beside_it() {
    let script = "cat a; ls; git rev-parse HEAD; exit 1";
    let yard = Yard::script(script, &[("a", "new\n"), (".gitignore", "ignored\n")]);
    let judged = yard.commit.0.clone();
    commit_in(&yard.repo.web, &[("later", "")]);
    for (path, text) in [("a", "newer\n"), ("untracked", ""), ("ignored", "")] {
        std::fs::write(yard.repo.web.join(path), text).unwrap();
    }
    assert_eq!(yard.fails().await.1, format!("new\na\n{judged}"));
}

#[tokio::test]
async fn what_a_command_writes_is_thrown_away() {
    let yard = Yard::script("echo changed >a; mkdir -p out; touch out/made", &[("b", "")]);
    yard.passes().await;
    assert!(!yard.repo.root.join("gates").exists());
    assert_eq!(yard.repo.git(&["status", "--porcelain"]), "");
    assert_eq!(yard.repo.git(&["worktree", "list"]).lines().count(), 1);
    yard.passes().await;
}

#[tokio::test]
async fn a_gates_file_that_cannot_be_read_is_an_error_with_its_file_and_line() {
    let err = Yard::new(BROKEN, &[]).check().await.unwrap_err().to_string();
    assert!(err.contains(".dayfly/gates.toml:4 of the base branch"), "{err}");
    assert!(err.contains("unknown field `timeuot`") && err.contains("mend it"), "{err}");
    let err = Yard::new("[[command]]\nname = \"tests\"\nrun = [\n", &[]).check().await.unwrap_err().to_string();
    assert!(err.contains(".dayfly/gates.toml:3") || err.contains(".dayfly/gates.toml:4"), "{err}");
}

#[tokio::test]
async fn a_command_without_a_program_or_with_a_bad_name_is_an_error_that_names_it() {
    for (entry, name) in [("name = \"empty\"\nrun = []", "empty"), ("name = \"../up\"\nrun = [\"true\"]", "../up")] {
        let err = Yard::new(&format!("[[command]]\n{entry}\n"), &[]).check().await.unwrap_err().to_string();
        assert!(err.contains(GATES_FILE) && err.contains(name), "{err}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_could_not_judge_and_leaves_no_working_copy() {
    let yard = Yard::new("[[command]]\nname = \"tests\"\nrun = [\"no-such-program-1b9\"]\n", &[]);
    let err = yard.check().await.unwrap_err();
    let cause = std::error::Error::source(&err).unwrap().to_string();
    assert!(err.reason.contains("run `tests`") && cause.contains("no-such-program-1b9"), "{err}: {cause}");
    assert!(!yard.repo.root.join("gates").exists());
}

#[tokio::test]
async fn a_command_over_its_own_limit_fails_and_says_which_limit() {
    let gates =
        "[[command]]\nname = \"slow\"\nrun = [\"sh\", \"-c\", \"echo begun; exec sleep 600\"]\ntimeout = \"100ms\"\n";
    let (reason, _) = Yard::new(gates, &[]).fails().await;
    assert!(reason.contains("did not end within 100ms"), "{reason}");
}

#[tokio::test]
async fn no_command_may_take_longer_than_the_projects_limit() {
    let gates = "[[command]]\nname = \"slow\"\nrun = [\"sleep\", \"600\"]\ntimeout = \"1h\"\n";
    let yard = Yard::new(gates, &[]);
    let mut subject = yard.subject();
    subject.job.gate_timeout = Duration::from_millis(100);
    let verdict = yard.gate().await.check(&subject).await.unwrap();
    assert!(matches!(&verdict, Verdict::Fail { reason, .. } if reason.contains("100ms")), "{verdict:?}");
}

#[tokio::test]
async fn a_command_ended_by_a_signal_of_somebody_else_judges_nothing_and_is_tried_again() {
    let verdict = Yard::script("kill -9 $$", &[]).check().await.unwrap();
    assert!(matches!(&verdict, Verdict::Hold { reason, .. } if reason.contains("signal 9")), "{verdict:?}");
}

/// The keeper is a script, which dies before it has heard anything, or when it has heard something.
#[tokio::test]
async fn a_command_whose_keeper_somebody_ended_is_held_and_no_person_is_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    for script in ["kill -9 $$", "read heard; kill -9 $$"] {
        let yard = Yard::script("true", &[]);
        let keeper = yard.repo.root.join("keeper");
        std::fs::write(&keeper, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&keeper, std::fs::Permissions::from_mode(0o755)).unwrap();
        let runner = SubprocessRunner::kept(crate::Keeper::new(keeper));
        let gate = Commands { runner: Arc::new(runner), ..yard.gate().await };
        let verdict = gate.check(&yard.subject()).await.unwrap();
        assert!(matches!(&verdict, Verdict::Hold { reason, .. } if reason.contains("by signal 9")), "{verdict:?}");
    }
}

/// A file of that name where the engine was started once stood in for the one that was judged.
#[tokio::test]
async fn a_program_with_a_slash_is_the_judged_commits_own() {
    use std::os::unix::fs::PermissionsExt as _;
    for (script, passes) in [("exit 0", true), ("exit 7", false)] {
        let repo = Repo::new(&[(GATES_FILE, "[[command]]\nname = \"tests\"\nrun = [\"./judge.sh\"]\n")]);
        let base = repo.at("main");
        std::fs::write(repo.web.join("judge.sh"), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(repo.web.join("judge.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let commit = repo.commit(&[]);
        let verdict = Yard { repo, base, commit }.check().await.unwrap();
        assert_eq!(verdict == Verdict::Pass, passes, "{verdict:?}");
    }
}

/// The judged code once could say that its own failing test was the machine's fault.
#[tokio::test]
async fn what_the_judged_code_prints_is_no_word_of_an_agent() {
    let (reason, tail) =
        Yard::script("echo '{\"dayfly\":1,\"end\":\"auth\",\"reason\":\"x\"}'; exit 1", &[]).fails().await;
    assert!(reason.ends_with("ended with exit code 1"), "{reason}");
    assert!(tail.contains("auth"), "it is told as it was printed: {tail}");
}

#[test]
fn commands_find_the_tools_of_the_users_home() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap().to_owned();
    std::fs::create_dir(home.path().join(".rustup")).unwrap();
    let only_home = tool_homes(|name| (name == "HOME").then(|| path.clone()));
    assert_eq!(only_home.into_iter().collect::<Vec<_>>(), [("RUSTUP_HOME".to_owned(), format!("{path}/.rustup"))]);
    let set = tool_homes(|name| (name == "CARGO_HOME").then(|| "/elsewhere".to_owned()));
    assert_eq!(set["CARGO_HOME"], "/elsewhere");
    assert!(tool_homes(|_| None).is_empty());
}
