//! One bare repository.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::command::{GitFailure, run, sealed};

/// A bare repository of the fake, as the server's disk holds it.
///
/// Tests look into it here. They write with [`Repository::commit`](crate::github::Repository::commit), or push with the
/// real `git`. What is not there is nothing: no commit, no file, an empty list.
#[derive(Debug, Clone)]
pub struct GitRepo {
    dir: PathBuf,
}

/// Who wrote a commit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) at: Timestamp,
}

impl Signature {
    /// As people of GitHub sign what they merge in a browser.
    pub(crate) fn of(login: &str, at: Timestamp) -> Self {
        Self { name: login.to_owned(), email: format!("{login}@users.noreply.github.com"), at }
    }

    pub(super) fn date(&self) -> String {
        format!("{} +0000", self.at.as_second())
    }
}

impl GitRepo {
    /// Makes an empty bare repository in a folder.
    pub(crate) fn create(dir: &Path, default_branch: &str) -> Self {
        std::fs::create_dir_all(dir).expect("the fake's folder can be written");
        let repo = Self { dir: dir.to_owned() };
        let branch = format!("--initial-branch={default_branch}");
        // Without a template there are no hooks of the machine's owner.
        repo.git(["init", "--quiet", "--bare", "--template=", &branch, "."]).expect("git can make a repository");
        repo
    }

    /// The one that lies in a folder.
    pub(super) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where it is on disk.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Commits files onto a branch, which is made if it is missing, and gives the commit's id.
    #[cfg(test)]
    pub(crate) fn commit(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        let at = Timestamp::from_second(1_767_225_600).expect("a time in range");
        self.commit_as(&Signature::of("seed", at), branch, message, files)
    }

    /// The same, signed.
    pub(crate) fn commit_as(&self, by: &Signature, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        let reference = format!("refs/heads/{branch}");
        let mut stream = String::new();
        let Signature { name, email, .. } = by;
        let _ = writeln!(stream, "commit {reference}\ncommitter {name} <{email}> {}", by.date());
        let _ = writeln!(stream, "data {}\n{message}", message.len());
        if self.head(branch).is_some() {
            let _ = writeln!(stream, "from {reference}^0");
        }
        for (path, text) in files {
            let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        }
        self.git_with(["fast-import", "--quiet"], stream.as_bytes()).expect("git can import a commit");
        self.head(branch).expect("the branch has the new commit")
    }

    /// Points a branch at a commit, whatever it pointed at.
    pub(crate) fn set_branch(&self, branch: &str, commit: &str) {
        self.git(["update-ref", &format!("refs/heads/{branch}"), commit]).expect("git can move a branch");
    }

    /// The commit of a branch.
    pub fn head(&self, branch: &str) -> Option<String> {
        self.resolve(&format!("refs/heads/{branch}"))
    }

    /// All branches and their commits.
    pub fn branches(&self) -> BTreeMap<String, String> {
        let known = self.git(["for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads/"]);
        let known = known.expect("git can list branches");
        let pairs = known.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(commit, branch)| (branch.to_owned(), commit.to_owned())).collect()
    }

    /// A file's text at a branch or a commit.
    pub fn file(&self, rev: &str, path: &str) -> Option<String> {
        self.git(["cat-file", "blob", &format!("{rev}:{path}")]).ok()
    }

    /// All files at a branch or a commit.
    pub fn files(&self, rev: &str) -> Vec<String> {
        let listed = self.git(["ls-tree", "-r", "-z", "--name-only", rev]).unwrap_or_default();
        listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
    }

    /// The first lines of the messages that a branch or a commit leads to, children before their parents.
    pub fn log(&self, rev: &str) -> Vec<String> {
        let log = self.git(["log", "--topo-order", "--format=%s", rev, "--"]).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// A commit's whole message.
    pub fn message(&self, rev: &str) -> String {
        let message = self.git(["log", "-1", "--format=%B", rev, "--"]).unwrap_or_default();
        message.trim_end().to_owned()
    }

    /// The commit that a name stands for.
    pub fn resolve(&self, rev: &str) -> Option<String> {
        let found = self.git(["rev-parse", "--quiet", "--verify", "--end-of-options", &format!("{rev}^{{commit}}")]);
        found.ok().map(|sha| sha.trim().to_owned())
    }

    /// A file's object and its bytes.
    pub(crate) fn blob(&self, rev: &str, path: &str) -> Option<(String, Vec<u8>)> {
        let name = format!("{rev}:{path}");
        let mut command = sealed(&self.dir);
        command.args(["cat-file", "blob", &name]);
        let bytes = run(command, None).ok()?;
        Some((self.git(["rev-parse", &name]).ok()?.trim().to_owned(), bytes))
    }

    /// What a folder holds: the kind, the object and the name of each.
    pub(crate) fn entries(&self, rev: &str, path: &str) -> Vec<(&'static str, String, String)> {
        let listed = self.git(["ls-tree", "-z", &format!("{rev}:{path}")]).unwrap_or_default();
        let entry = |line: &str| {
            let (facts, name) = line.split_once('\t')?;
            let mut words = facts.split(' ').skip(1);
            let kind = if words.next()? == "tree" { "dir" } else { "file" };
            Some((kind, words.next()?.to_owned(), name.to_owned()))
        };
        listed.split('\0').filter_map(entry).collect()
    }

    /// Moves a reference from one commit to another; false if it was elsewhere by now.
    pub(crate) fn move_ref(&self, reference: &str, new: &str, old: &str) -> bool {
        self.git(["update-ref", reference, new, old]).is_ok()
    }

    /// Points a reference at a commit.
    pub(crate) fn set_ref(&self, reference: &str, commit: &str) -> Result<(), GitFailure> {
        self.git(["update-ref", reference, commit]).map(drop)
    }

    /// Removes a reference; false if there was none.
    pub(crate) fn delete_ref(&self, reference: &str) -> bool {
        self.git(["show-ref", "--quiet", "--verify", reference]).is_ok()
            && self.git(["update-ref", "-d", reference]).is_ok()
    }

    /// Whether all of `old` is in `new`.
    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        self.git(["merge-base", "--is-ancestor", old, new]).is_ok()
    }

    pub(super) fn git<const N: usize>(&self, args: [&str; N]) -> Result<String, GitFailure> {
        let mut command = sealed(&self.dir);
        command.args(args);
        run(command, None).map(|out| String::from_utf8_lossy(&out).into_owned())
    }

    pub(super) fn git_with<const N: usize>(&self, args: [&str; N], input: &[u8]) -> Result<String, GitFailure> {
        let mut command = sealed(&self.dir);
        command.args(args);
        run(command, Some(input)).map(|out| String::from_utf8_lossy(&out).into_owned())
    }

    /// Runs git with more in its environment.
    pub(super) fn git_env<I, S>(&self, env: &[(&str, &str)], args: I) -> Result<String, GitFailure>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = sealed(&self.dir);
        command.envs(env.iter().copied()).args(args);
        run(command, None).map(|out| String::from_utf8_lossy(&out).into_owned())
    }
}
