//! A repository of its own in a temporary folder, as a person would use it.

use std::fs;
use std::process::{Command, Output};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;

/// A temporary folder with the repository `web` in it.
pub(super) struct Repo {
    pub(super) root: Utf8PathBuf,
    pub(super) web: Utf8PathBuf,
    _folder: tempfile::TempDir,
}

impl Repo {
    /// With one commit of `files` on the branch `main`.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
        let web = root.join("web");
        fs::create_dir(&web).unwrap();
        let repo = Self { root, web, _folder: folder };
        repo.git(&["init", "--quiet", "--template=", "--initial-branch=main"]);
        repo.commit(files);
        repo
    }

    /// What git prints in the checkout.
    pub(super) fn git(&self, args: &[&str]) -> String {
        git_in(&self.web, args)
    }

    /// Commits files in the checkout, on whatever it stands on.
    pub(super) fn commit(&self, files: &[(&str, &str)]) -> Commit {
        commit_in(&self.web, files)
    }

    /// The commit that something names.
    pub(super) fn at(&self, name: &str) -> Commit {
        Commit(self.git(&["rev-parse", name]))
    }
}

/// Commits files in a working copy; the commit's subject names them.
pub(super) fn commit_in(tree: &Utf8Path, files: &[(&str, &str)]) -> Commit {
    let mut subject = Vec::from(["Change".to_owned()]);
    for (path, text) in files {
        let file = tree.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        subject.push((*path).to_owned());
    }
    git_in(tree, &["add", "--all"]);
    git_in(tree, &["commit", "--quiet", "--allow-empty", "--message", &subject.join(" ")]);
    Commit(git_in(tree, &["rev-parse", "HEAD"]))
}

/// What git prints in a folder, without its last line end.
pub(super) fn git_in(tree: &Utf8Path, args: &[&str]) -> String {
    let output = try_git(tree, args);
    assert!(output.status.success(), "git {args:?} in {tree}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

fn try_git(tree: &Utf8Path, args: &[&str]) -> Output {
    let path = std::env::var_os("PATH").unwrap();
    // By its path it is spawned without copying the test's address space.
    let mut command = Command::new(crate::find_program("git", Some(&path)).unwrap());
    command.current_dir(tree).env_clear().env("PATH", path);
    command.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "gc.auto=0"]);
    command.args(args).output().unwrap()
}
