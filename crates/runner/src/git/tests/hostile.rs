//! Hostile repositories: what an agent can do to its files and to its own repository, held against everything that our git does
//! with them. A program that leaves a sign stands wherever git would run one: it must never run.
//!
//! Plain git in the same working copy is the control: where [`Plain::Runs`] says so, it does run the program.

mod cases;
mod trees;

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::*;

/// What must become of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// It lands: the change touches nothing that our git looks at.
    Lands,
    /// It is seen that this path is not as in the commit.
    Dirty(&'static str),
    /// It is refused, with this in the reason.
    Refused(&'static str),
}

/// What plain git does in the working copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain {
    /// It runs the program.
    Runs,
    /// It is not tried: nothing there names a program, or not for these commands.
    Quiet,
}

/// One hostile change.
#[derive(Clone)]
struct Case {
    name: &'static str,
    work: Work,
    plain: Plain,
    change: fn(&Scene),
}

/// A working copy with an honest commit, and the program.
struct Scene {
    repo: Repo,
    git: TrustedGit,
    tree: Utf8PathBuf,
    base: Commit,
    program: String,
}

impl Scene {
    async fn new() -> Self {
        let repo = Repo::new(&[("a", "1\n"), ("folder/b", "1\n")]);
        let git = open(&repo).await;
        let (tree, base) = (repo.root.join("work/tree"), repo.at("main"));
        git.add_copy(&tree, &base).await.unwrap();
        let program = repo.root.join("program");
        let text = format!("#!/bin/sh\necho \"$0 $*\" >>'{}/signs'\nexit 1\n", repo.root);
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let scene = Self { repo, git, tree, base, program: program.into_string() };
        scene.run(&["checkout", "--quiet", "-b", "side"]);
        scene.commit(&[("a", "side\n")]);
        scene.run(&["checkout", "--quiet", "--detach", "main"]);
        scene.commit(&[("a", "2\n"), ("work", "done\n")]);
        scene
    }

    fn run(&self, args: &[&str]) -> String {
        git_in(&self.tree, args)
    }

    fn commit(&self, files: &[(&str, &str)]) -> Commit {
        commit_in(&self.tree, files)
    }

    fn config(&self, key: &str, value: &str) {
        self.run(&["config", key, value]);
    }

    /// Writes a file below the working copy.
    fn write(&self, path: &str, text: &str) {
        let file = self.tree.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn signs(&self) -> String {
        std::fs::read_to_string(self.repo.root.join("signs")).unwrap_or_default()
    }

    fn forget_signs(&self) {
        let _ = std::fs::remove_file(self.repo.root.join("signs"));
    }

    /// All that the engine does with an attempt's work, from looking at it to the landing in the user's checkout.
    async fn everything(&self) -> Result<Found, GitError> {
        let (git, tree, base) = (&self.git, &self.tree, &self.base);
        let found = git.inspect(tree, base, base).await?;
        assert!(found.descends);
        git.keep("attempts/web.1.exec.1", &found.commit).await?;
        let theirs = self.repo.commit(&[("theirs", "1\n")]);
        git.candidate(&theirs, &found.commit, Some("squashed\n")).await?;
        let candidate = match git.candidate(&theirs, &found.commit, None).await? {
            Candidate::Ready(commit) => commit,
            other => panic!("{other:?}"),
        };
        let gates = tree.with_file_name("gates");
        git.add_copy(&gates, &candidate).await?;
        git.work().file_at(&candidate, "a").await?;
        assert_eq!(git.inspect(&gates, &theirs, &theirs).await?.dirty, [""; 0], "a fresh working copy is clean");
        git.remove_copy(&gates).await?;
        git.set_branch("dayfly/web-1", &candidate).await?;
        git.user().filtered(&candidate).await?;
        assert_eq!(git.land("main", &theirs, &candidate).await?, Landed::Moved);
        assert!(!git.user().is_dirty().await?);
        assert_eq!(self.repo.at("main"), candidate);
        Ok(found)
    }

    /// What somebody would run there who suspects nothing, until the program has run.
    fn plain(&self) -> bool {
        for args in [
            "status",
            "diff HEAD~1",
            "log -p -1",
            "show --ext-diff",
            "difftool -y -t evil HEAD~1",
            "st",
            "add --all",
            "commit --allow-empty -m x",
            "commit --allow-empty",
            "commit --allow-empty -m x --trailer evil=x",
            "checkout -b another",
            "merge side",
            "merge --abort",
            "rebase -i HEAD~1",
            "credential fill",
            "fetch origin",
            "push origin HEAD:refs/heads/x",
            "submodule update --init",
            "gc --auto",
        ] {
            let mut command = Command::new("timeout");
            command.args(["20", "git"]).args(args.split(' ')).current_dir(&self.tree).env_clear();
            command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
            for who in ["AUTHOR", "COMMITTER"] {
                command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.org");
            }
            command.env("GIT_TERMINAL_PROMPT", "0").env("EDITOR", "false");
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let asked = b"protocol=https\nhost=example.org\n\n";
            drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), asked));
            child.wait().unwrap();
            if !self.signs().is_empty() {
                return true;
            }
        }
        false
    }

    /// Somebody else's attempt on the same project.
    async fn neighbour_lands(&self, name: &str) {
        let tree = self.tree.with_file_name("neighbour");
        let base = self.repo.at("main");
        self.git.add_copy(&tree, &base).await.unwrap();
        let made = commit_in(&tree, &[("neighbour", "1\n")]);
        let found = self.git.inspect(&tree, &base, &base).await.unwrap();
        assert_eq!((&found.commit, found.dirty.len()), (&made, 0), "{name}");
        assert_eq!(self.git.land("main", &base, &made).await.unwrap(), Landed::Moved, "{name}");
        assert!(self.repo.web.join("neighbour").exists(), "{name}");
        self.git.remove_copy(&tree).await.unwrap();
    }
}

/// What is wrong with a case.
async fn faults(case: &Case) -> Vec<String> {
    let (name, scene) = (case.name, Scene::new().await);
    let mut faults = Vec::new();
    let mut must = |good: bool, what: String| {
        if !good {
            faults.push(format!("{name}: {what}"))
        }
    };
    (case.change)(&scene);
    scene.forget_signs();
    let done = scene.everything().await;
    must(scene.signs().is_empty(), format!("our git ran the program: {}", scene.signs()));
    match (case.work, &done) {
        (Work::Lands, Ok(found)) => {
            must(found.dirty.is_empty(), format!("{found:?}"));
            let landed = std::fs::read_to_string(scene.repo.web.join("work"));
            must(landed.as_deref().is_ok_and(|text| text.trim_end() == "done"), format!("{landed:?}"));
        }
        (Work::Dirty(path), Ok(found)) => must(found.dirty.iter().any(|p| p == path), format!("{found:?}")),
        (Work::Refused(words), Err(GitError::Left { why, .. })) => must(why.contains(words), why.clone()),
        other => must(false, format!("{other:?}")),
    }
    scene.forget_signs();
    scene.neighbour_lands(name).await;
    must(scene.signs().is_empty(), format!("our git ran the program for a neighbour: {}", scene.signs()));
    must(case.plain == Plain::Quiet || scene.plain(), "plain git does not run the program".into());
    scene.forget_signs();
    scene.git.remove_copy(&scene.tree).await.unwrap();
    must(!scene.tree.exists() && scene.signs().is_empty(), "removed".into());
    faults
}

async fn hold(cases: &[Case]) {
    let mut all = Vec::new();
    for case in cases {
        all.extend(faults(case).await);
    }
    assert!(all.is_empty(), "{} of {} cases:\n{}", all.len(), cases.len(), all.join("\n"));
}

#[tokio::test]
async fn no_hostile_setting_of_an_attempts_own_repository_runs_anything_or_keeps_its_work_from_landing() {
    hold(cases::SETTINGS).await;
}

#[tokio::test]
async fn no_hostile_file_of_an_attempts_own_repository_runs_anything_or_is_followed() {
    hold(cases::FILES).await;
}

#[tokio::test]
async fn no_hostile_tree_runs_anything_or_leads_out_of_the_working_copy() {
    hold(trees::TREES).await;
}

#[test]
fn the_table_is_long_enough_and_plain_git_falls_for_most_of_its_settings() {
    let all = [cases::SETTINGS, cases::FILES, trees::TREES].concat();
    let runs = all.iter().filter(|case| case.plain == Plain::Runs).count();
    assert!(all.len() >= 60 && runs >= 25, "{} cases, {runs} of which run", all.len());
}
