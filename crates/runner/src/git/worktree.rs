//! Working copies: one per attempt, outside the user's checkout, removed afterwards.

use std::io::{Error, ErrorKind};
use std::sync::PoisonError;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;

use super::{Git, GitError, Place, base_command, run};

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

impl Git {
    /// Makes a working copy at `tree`, standing at `commit` on no branch.
    ///
    /// # Errors
    /// If git refuses, for instance because the commit is not there.
    pub async fn add_worktree(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        if let Some(parent) = tree.parent() {
            let files = |source| GitError::Files { path: parent.to_owned(), source };
            tokio::fs::create_dir_all(parent).await.map_err(files)?;
        }
        self.must(&["worktree", "add", "--quiet", "--force", "--detach", tree.as_str(), &commit.0]).await?;
        // Read now, before an agent is there: what it leaves is no evidence.
        let file = tree.join(".git");
        let text = std::fs::read_to_string(&file).map_err(|source| GitError::Files { path: file, source })?;
        let entry = real(&tree.join(text.trim_start_matches("gitdir: ").trim_end_matches('\n')));
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).insert(real(tree), entry);
        Ok(())
    }

    /// The git directory of a working copy: as remembered, or as git has it in its list.
    fn entry(&self, tree: &Utf8Path) -> Option<Utf8PathBuf> {
        let tree = real(tree);
        if let Some(entry) = self.trees.lock().unwrap_or_else(PoisonError::into_inner).get(&tree) {
            return Some(entry.clone());
        }
        let entries = self.git_dir.join("worktrees").read_dir_utf8().ok()?;
        entries.flatten().map(|entry| entry.path().to_owned()).find(|entry| {
            let Ok(text) = std::fs::read_to_string(entry.join("gitdir")) else { return false };
            entry.join(text.trim_end_matches('\n')).parent().is_some_and(|files| real(files) == tree)
        })
    }

    fn place(&self, tree: &Utf8Path) -> Result<Place, GitError> {
        let missing = || Error::new(ErrorKind::NotFound, "git knows of no working copy there");
        let entry = self.entry(tree).ok_or_else(|| GitError::Files { path: tree.to_owned(), source: missing() })?;
        Ok(Place { files: tree.to_owned(), git_dir: entry })
    }

    /// Whether a working copy was made here for an attempt, and is not the user's.
    pub(super) fn is_ours(&self, place: &Place) -> bool {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).values().any(|entry| *entry == place.git_dir)
    }

    /// The working copies, the user's checkout among them, that stand on a branch.
    pub(super) async fn standing_on(&self, branch: &str) -> Result<Vec<Place>, GitError> {
        let name = format!("branch refs/heads/{branch}");
        let list = self.must(&["worktree", "list", "--porcelain", "-z"]).await?;
        let mut found = Vec::new();
        for (number, record) in list.split("\0\0").enumerate() {
            let mut fields = record.split('\0');
            let Some(files) = fields.next().and_then(|field| field.strip_prefix("worktree ")) else { continue };
            if !fields.any(|field| field == name) {
                continue;
            }
            // The first is the main one, whose git directory is the one that all share.
            let place = match number {
                0 => Place { files: files.into(), git_dir: self.git_dir.clone() },
                _ => self.place(Utf8Path::new(files))?,
            };
            // Where the git directory lies apart from its checkout, the list does not tell the checkout.
            let own = self.own.as_ref().filter(|own| own.git_dir == place.git_dir);
            found.push(own.cloned().unwrap_or(place));
        }
        Ok(found)
    }

    /// The commit a working copy stands at; `None` if there is no such working copy, or no commit.
    ///
    /// # Errors
    /// If git cannot be run.
    pub async fn head(&self, tree: &Utf8Path) -> Result<Option<Commit>, GitError> {
        let Some(entry) = self.entry(tree) else { return Ok(None) };
        let mut command = base_command(&self.git_dir);
        self.name_dirs(&mut command, &entry);
        command.args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        let output = run(command, "rev-parse", tree, None).await?;
        Ok(output.good.then(|| Commit(output.stdout.trim().to_owned())))
    }

    /// Removes a working copy and what git remembers of it. One that is not there is no error.
    ///
    /// # Errors
    /// If its files cannot be removed.
    pub async fn remove_worktree(&self, tree: &Utf8Path) -> Result<(), GitError> {
        let entry = self.entry(tree);
        remove(tree).await?;
        // Only this entry goes. A pruning would also forget the user's own on a disk that is not there now.
        if let Some(entry) = entry {
            remove(&entry).await?;
        }
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).remove(&real(tree));
        Ok(())
    }

    /// Looks at what an attempt left in its working copy.
    ///
    /// # Errors
    /// If it is no working copy any more, or git cannot be run.
    pub async fn inspect(&self, tree: &Utf8Path, base: &Commit, start: &Commit) -> Result<Found, GitError> {
        let place = self.place(tree)?;
        let commit = Commit(self.must_in(&place, &["rev-parse", "--verify", "HEAD^{commit}"]).await?);
        let args = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"];
        let status = self.must_in(&place, &args).await?;
        let mut paths = status.split('\0').filter_map(|entry| entry.get(3..));
        let mut dirty: Vec<String> = paths.by_ref().take(MOST_DIRTY).map(str::to_owned).collect();
        dirty.extend(Some(paths.count()).filter(|more| *more > 0).map(|more| format!("and {more} more")));
        let mut found = Found { commit, descends: true, dirty, changed: vec![], diff_lines: 0, commits: vec![] };
        if found.commit != *start {
            found.descends = self.is_ancestor(start, &found.commit).await?;
        }
        if found.commit == *base {
            return Ok(found);
        }
        found.commits = self.commits(base, &found.commit).await?;
        // The base may have moved on since the work began: only the work's own change counts.
        let fork = self.run(&["merge-base", &base.0, &found.commit.0]).await?;
        let fork = if fork.good { Commit(fork.stdout.trim().to_owned()) } else { base.clone() };
        (found.changed, found.diff_lines) = self.diff(&fork, &found.commit).await?;
        Ok(found)
    }

    /// The commits that `tip` has and `base` has not, oldest first, as `SHORT SUBJECT`; of very many the newest.
    ///
    /// # Errors
    /// If one of them is not there, or git cannot be run.
    pub async fn commits(&self, base: &Commit, tip: &Commit) -> Result<Vec<String>, GitError> {
        let range = format!("{}..{}", base.0, tip.0);
        let args = ["log", "--reverse", MOST_COMMITS, COMMIT_LINE, &range];
        Ok(self.must(&args).await?.lines().map(|line| line.trim_end().to_owned()).collect())
    }

    /// The paths changed between two commits, and the lines added and removed together.
    pub(super) async fn diff(&self, base: &Commit, commit: &Commit) -> Result<(Vec<String>, u64), GitError> {
        let args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let mut all = args.to_vec();
        all.extend([base.0.as_str(), commit.0.as_str()]);
        let text = self.must(&all).await?;
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

    /// Puts a working copy back to a commit, with nothing left of what else was in it.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn clean(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        let place = self.place(tree)?;
        self.must_in(&place, &["reset", "--hard", "--quiet", &commit.0]).await?;
        self.must_in(&place, &["clean", "-ffdxq"]).await.map(drop)
    }
}

/// Removes a folder with all that is in it. One that is not there is no error.
async fn remove(folder: &Utf8Path) -> Result<(), GitError> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(err) if err.kind() != ErrorKind::NotFound => Err(GitError::Files { path: folder.to_owned(), source: err }),
        _ => Ok(()),
    }
}

/// A path without symbolic links, as far as it is there.
fn real(path: &Utf8Path) -> Utf8PathBuf {
    let whole = path.canonicalize_utf8().ok();
    let parent = || Some(path.parent()?.canonicalize_utf8().ok()?.join(path.file_name()?));
    whole.or_else(parent).unwrap_or_else(|| path.to_owned())
}
