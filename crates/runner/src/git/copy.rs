//! Working copies: one per attempt, a repository of its own outside the user's checkout, removed afterwards.

use std::fs;
use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;
use tokio::process::Command;

use crate::remove::remove_folder;

use super::trusted::{borrowed, settings};
use super::{GitError, TrustedGit, failed, run};

/// The most paths kept of what was not committed.
const MOST_DIRTY: usize = 1000;

/// The most commits that are listed.
const MOST_COMMITS: &str = "--max-count=100";

/// A commit as it is listed. Git itself shortens the subject, so that a long one is never read.
const COMMIT_LINE: &str = "--format=%h %<(200,trunc)%s";

/// What was found in a working copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The commit it stands at.
    pub commit: Commit,
    /// Whether that commit descends from where it started.
    pub descends: bool,
    /// Paths with changes that were not committed; of very many the first, and how many more there are.
    pub dirty: Vec<String>,
    /// Paths changed between base and commit.
    pub changed: Vec<String>,
    /// Lines added and removed between base and commit.
    pub diff_lines: u64,
    /// The commits between base and commit, oldest first, as `SHORT SUBJECT`; of very many the newest.
    pub commits: Vec<String>,
}

/// The most of the user's branches and tags that a working copy knows. Branches come first.
const MOST_REFS: &str = "--count=20000";

impl TrustedGit {
    /// Makes a working copy at `tree`, standing at `commit` on no branch. Files are as git stores them, because no filter
    /// runs. Its `.git` is a repository of its own that borrows objects and knows the user's branches and tags as they are now.
    ///
    /// # Errors
    /// If something is there already, or the commit is not there.
    pub async fn add_copy(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        let aside = self.aside(tree);
        make_folders(tree, &aside)?;
        let mut checkout = self.command_in(tree);
        checkout.args(["read-tree", "--reset", "-u", &commit.0]);
        let names = ["refs/heads", "refs/remotes", "refs/tags"];
        let refs = [&["for-each-ref", MOST_REFS, "--format=%(objectname) %(refname)"], &names[..]].concat();
        let (done, refs) = tokio::try_join!(run(checkout, "read-tree", tree, None), self.user.must(&refs))?;
        if !done.good {
            return Err(failed("read-tree", tree, &done));
        }
        self.write_repository(tree, commit, &refs)
    }

    /// Writes an attempt's own repository by hand: what `git init` would, and where it stands.
    fn write_repository(&self, tree: &Utf8Path, commit: &Commit, refs: &str) -> Result<(), GitError> {
        let own = tree.join(".git");
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
            let path = own.join(folder);
            fs::create_dir_all(&path).map_err(|source| GitError::Files { path, source })?;
        }
        let write = |path: Utf8PathBuf, text: &str| {
            fs::write(&path, text).map_err(|source| GitError::Files { path: path.clone(), source })
        };
        // It lives for one attempt: tidying it in the background would only outlive the commit that began it.
        let settings =
            format!("{}[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n", settings(&self.own.format, false));
        write(own.join("config"), &settings)?;
        write(own.join("objects/info/alternates"), &borrowed(&self.own.git_dir.join("objects"))?)?;
        write(own.join("packed-refs"), &format!("# pack-refs with: sorted \n{refs}\n"))?;
        for (from, to) in [(self.user.git_dir.join("shallow"), "shallow"), (self.excludes(), "info/exclude")] {
            copy(&from, &own.join(to))?;
        }
        let aside = self.aside(tree);
        copy(&aside.join("index"), &own.join("index"))?;
        write(aside.join("commit"), &commit.0)?;
        // Last of all: without it there is no repository yet, and nothing in it to be kept.
        write(own.join("HEAD"), &format!("{commit}\n"))
    }

    /// What the engine keeps of a working copy, where the agent is not: the index of the files that were written.
    pub(super) fn aside(&self, tree: &Utf8Path) -> Utf8PathBuf {
        self.own.git_dir.join("trees").join(tree.file_name().unwrap_or("tree"))
    }

    /// The paths that the user has git ignore in this repository alone.
    fn excludes(&self) -> Utf8PathBuf {
        self.user.git_dir.join("info/exclude")
    }

    /// A command on the files of a working copy, with the engine's own index of them.
    fn command_in(&self, tree: &Utf8Path) -> Command {
        let mut command = self.own.command();
        command.env("GIT_WORK_TREE", tree).env("GIT_INDEX_FILE", self.aside(tree).join("index"));
        command.arg("-c").arg(format!("core.excludesFile={}", self.excludes()));
        command
    }

    /// Removes a working copy and what is kept of it. One that is not there is no error.
    ///
    /// # Errors
    /// If its files cannot be removed.
    pub async fn remove_copy(&self, tree: &Utf8Path) -> Result<(), GitError> {
        remove(tree).await?;
        remove(&self.aside(tree)).await
    }

    /// Looks at what an attempt left in its working copy, and takes its commit.
    ///
    /// # Errors
    /// [`GitError::Left`] if its commit cannot be taken; or if git cannot be run.
    pub async fn inspect(&self, tree: &Utf8Path, base: &Commit, start: &Commit) -> Result<Found, GitError> {
        let left = |why: &str| GitError::Left { place: tree.to_owned(), why: why.to_owned() };
        let taken = self.take(tree, &[start, base]).await?;
        let commit = taken.ok_or_else(|| left("its repository is not there any more"))?;
        let mut found =
            Found { commit, descends: true, dirty: vec![], changed: vec![], diff_lines: 0, commits: vec![] };
        if found.commit != *start {
            let descends = self.own.is_ancestor(start, &found.commit).await;
            found.descends = descends.map_err(|err| match err {
                GitError::Failed { .. } => left("`HEAD` does not stand at a commit"),
                other => other,
            })?;
        }
        found.dirty = self.dirty(tree, &found.commit).await?;
        if found.commit == *base {
            return Ok(found);
        }
        found.commits = self.commits(base, &found.commit).await?;
        // The base may have moved on since the work began: only the work's own change counts.
        let fork = if base == start && found.descends { base.clone() } else { self.fork(base, &found.commit).await? };
        (found.changed, found.diff_lines) = self.diff(&fork, &found.commit).await?;
        Ok(found)
    }

    /// Where the work left the base; the base itself if they have nothing in common.
    async fn fork(&self, base: &Commit, commit: &Commit) -> Result<Commit, GitError> {
        let fork = self.own.run(&["merge-base", &base.0, &commit.0]).await?;
        Ok(if fork.good { Commit(fork.stdout.trim().to_owned()) } else { base.clone() })
    }

    /// The paths at which the files are not as in `commit`, those that are ignored left out. The agent's index is not asked:
    /// what counts is what lies there.
    async fn dirty(&self, tree: &Utf8Path, commit: &Commit) -> Result<Vec<String>, GitError> {
        let must = async |args: &[&str]| {
            let mut command = self.command_in(tree);
            command.args(args);
            let output = run(command, args[0], tree, None).await?;
            if output.good { Ok(output.stdout) } else { Err(failed(args[0], tree, &output)) }
        };
        let made = fs::read_to_string(self.aside(tree).join("commit"));
        if !made.is_ok_and(|made| made == commit.0) {
            // What is known of files that both commits hold alike is kept.
            must(&["read-tree", "-i", "-m", &commit.0]).await?;
        }
        let paths = must(&["ls-files", "-z", "--modified", "--others", "--exclude-standard"]).await?;
        let mut paths = paths.split_terminator('\0');
        let mut dirty: Vec<String> = paths.by_ref().take(MOST_DIRTY).map(str::to_owned).collect();
        dirty.extend(Some(paths.count()).filter(|more| *more > 0).map(|more| format!("and {more} more")));
        Ok(dirty)
    }

    /// The commits that `tip` has and `base` has not, oldest first, as `SHORT SUBJECT`; of very many the newest.
    ///
    /// # Errors
    /// If one of them is not there, or git cannot be run.
    pub async fn commits(&self, base: &Commit, tip: &Commit) -> Result<Vec<String>, GitError> {
        let range = format!("{}..{}", base.0, tip.0);
        let args = ["log", "--reverse", MOST_COMMITS, COMMIT_LINE, &range];
        Ok(self.own.must(&args).await?.lines().map(|line| line.trim_end().to_owned()).collect())
    }

    /// The paths changed between two commits, and the lines added and removed together.
    async fn diff(&self, base: &Commit, commit: &Commit) -> Result<(Vec<String>, u64), GitError> {
        let args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let mut all = args.to_vec();
        all.extend([base.0.as_str(), commit.0.as_str()]);
        let text = self.own.must(&all).await?;
        let mut changed = Vec::new();
        let mut lines = 0_u64;
        for entry in text.split('\0').filter(|e| !e.is_empty()) {
            let mut fields = entry.splitn(3, '\t');
            let counts = [fields.next(), fields.next()].map(|count| count.and_then(|c| c.parse::<u64>().ok()));
            // A binary file has `-` for its counts; it counts as one line.
            let [added, removed] = counts.map(|count| count.unwrap_or(0));
            lines = lines.saturating_add(if counts == [None, None] { 1 } else { added.saturating_add(removed) });
            changed.extend(fields.next().map(str::to_owned));
        }
        Ok((changed, lines))
    }
}

/// Makes the folder of a working copy, which must not be there yet, and the engine's folder beside it.
fn make_folders(tree: &Utf8Path, aside: &Utf8Path) -> Result<(), GitError> {
    let files = |path: &Utf8Path| {
        let path = path.to_owned();
        |source| GitError::Files { path, source }
    };
    if let Some(parent) = tree.parent() {
        fs::create_dir_all(parent).map_err(files(parent))?;
    }
    fs::create_dir(tree).map_err(files(tree))?;
    // Of a working copy of that name that was removed by hand.
    match fs::remove_dir_all(aside) {
        Err(err) if err.kind() != ErrorKind::NotFound => return Err(files(aside)(err)),
        _ => {}
    }
    fs::create_dir(aside).map_err(files(aside))
}

/// Copies a file, if it is there.
fn copy(from: &Utf8Path, to: &Utf8Path) -> Result<(), GitError> {
    match fs::copy(from, to) {
        Err(err) if err.kind() != ErrorKind::NotFound => Err(GitError::Files { path: to.to_owned(), source: err }),
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it. One that is not there is no error.
pub(super) async fn remove(folder: &Utf8Path) -> Result<(), GitError> {
    remove_folder(folder).await.map_err(|source| GitError::Files { path: folder.to_owned(), source })
}
