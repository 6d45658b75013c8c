//! What the engine asks a repository, whichever it is.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Commit, Remote};

use super::{Candidate, Found, GitError, Landed, Pushed, TrustedGit};

/// A repository that the engine works on.
#[derive(Debug, Clone)]
pub struct Repo(Arc<dyn Repository>);

impl Repo {
    /// The engine's view of any repository.
    #[cfg(feature = "simulate")]
    pub(crate) fn of(repository: impl Repository) -> Self {
        Self(Arc::new(repository))
    }
}

impl From<TrustedGit> for Repo {
    fn from(git: TrustedGit) -> Self {
        Self(Arc::new(git))
    }
}

impl Deref for Repo {
    type Target = dyn Repository;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// What the engine asks; what each question means is told at [`TrustedGit`] and at [`Git`](super::Git).
#[async_trait]
pub trait Repository: Debug + Send + Sync + 'static {
    /// The commit at which a branch of the user's stands.
    async fn branch(&self, branch: &str) -> Result<Option<Commit>, GitError>;
    /// Whether the user's repository knows one commit to be the same as or an ancestor of another.
    async fn is_ancestor(&self, ancestor: &Commit, of: &Commit) -> Result<bool, GitError>;
    /// The commit that something names, of all that attempts made and the user has.
    async fn resolve(&self, name: &str) -> Result<Option<Commit>, GitError>;
    /// A file as it is at a commit.
    async fn file_at(&self, commit: &Commit, path: &str) -> Result<Option<String>, GitError>;
    /// Takes a branch of the remote over.
    async fn fetch(&self, remote: &Remote, branch: &str) -> Result<Option<Commit>, GitError>;
    /// The folders of objects that a working copy borrows from.
    fn lends(&self) -> Vec<Utf8PathBuf>;
    /// Makes a working copy.
    async fn add_copy(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError>;
    /// Removes a working copy.
    async fn remove_copy(&self, tree: &Utf8Path) -> Result<(), GitError>;
    /// Looks at what an attempt left in its working copy.
    async fn inspect(&self, tree: &Utf8Path, base: &Commit, start: &Commit) -> Result<Found, GitError>;
    /// Takes what an attempt committed.
    async fn take(&self, tree: &Utf8Path, known: &[&Commit]) -> Result<Option<Commit>, GitError>;
    /// Keeps a commit under a name of dayfly's own.
    async fn keep(&self, name: &str, commit: &Commit) -> Result<(), GitError>;
    /// The commits between two, oldest first, as `SHORT SUBJECT`.
    async fn commits(&self, base: &Commit, tip: &Commit) -> Result<Vec<String>, GitError>;
    /// Makes the commit that would land.
    async fn candidate(&self, base: &Commit, tip: &Commit, squash: Option<&str>) -> Result<Candidate, GitError>;
    /// Moves the base branch of the user's repository.
    async fn land(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Landed, GitError>;
    /// Moves the base branch of the remote.
    async fn land_there(&self, remote: &Remote, branch: &str, from_to: (&Commit, &Commit)) -> Result<Landed, GitError>;
    /// Puts a commit on one of dayfly's own branches of the remote.
    async fn push(&self, remote: &Remote, branch: &str, commit: &Commit) -> Result<Pushed, GitError>;
    /// Sets one of dayfly's own branches in the user's repository.
    async fn set_branch(&self, branch: &str, commit: &Commit) -> Result<(), GitError>;
}

#[async_trait]
impl Repository for TrustedGit {
    async fn branch(&self, branch: &str) -> Result<Option<Commit>, GitError> {
        self.user().branch(branch).await
    }

    async fn is_ancestor(&self, ancestor: &Commit, of: &Commit) -> Result<bool, GitError> {
        self.user().is_ancestor(ancestor, of).await
    }

    async fn resolve(&self, name: &str) -> Result<Option<Commit>, GitError> {
        self.work().resolve(name).await
    }

    async fn file_at(&self, commit: &Commit, path: &str) -> Result<Option<String>, GitError> {
        self.work().file_at(commit, path).await
    }

    async fn fetch(&self, remote: &Remote, branch: &str) -> Result<Option<Commit>, GitError> {
        TrustedGit::fetch(self, remote, branch).await
    }

    fn lends(&self) -> Vec<Utf8PathBuf> {
        TrustedGit::lends(self)
    }

    async fn add_copy(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        TrustedGit::add_copy(self, tree, commit).await
    }

    async fn remove_copy(&self, tree: &Utf8Path) -> Result<(), GitError> {
        TrustedGit::remove_copy(self, tree).await
    }

    async fn inspect(&self, tree: &Utf8Path, base: &Commit, start: &Commit) -> Result<Found, GitError> {
        TrustedGit::inspect(self, tree, base, start).await
    }

    async fn take(&self, tree: &Utf8Path, known: &[&Commit]) -> Result<Option<Commit>, GitError> {
        TrustedGit::take(self, tree, known).await
    }

    async fn keep(&self, name: &str, commit: &Commit) -> Result<(), GitError> {
        TrustedGit::keep(self, name, commit).await
    }

    async fn commits(&self, base: &Commit, tip: &Commit) -> Result<Vec<String>, GitError> {
        TrustedGit::commits(self, base, tip).await
    }

    async fn candidate(&self, base: &Commit, tip: &Commit, squash: Option<&str>) -> Result<Candidate, GitError> {
        TrustedGit::candidate(self, base, tip, squash).await
    }

    async fn land(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Landed, GitError> {
        TrustedGit::land(self, branch, from, to).await
    }

    async fn land_there(&self, remote: &Remote, branch: &str, from_to: (&Commit, &Commit)) -> Result<Landed, GitError> {
        TrustedGit::land_there(self, remote, branch, from_to).await
    }

    async fn push(&self, remote: &Remote, branch: &str, commit: &Commit) -> Result<Pushed, GitError> {
        TrustedGit::push(self, remote, branch, commit).await
    }

    async fn set_branch(&self, branch: &str, commit: &Commit) -> Result<(), GitError> {
        TrustedGit::set_branch(self, branch, commit).await
    }
}
