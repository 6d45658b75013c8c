//! What a merge does, done by git itself and without a work tree.

use super::command::GitFailure;
use super::repository::{GitRepo, Signature};

/// How commits come onto the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergeMethod {
    Merge,
    Squash,
    Rebase,
}

impl MergeMethod {
    /// Its name in requests, in either case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "merge" => Some(Self::Merge),
            "squash" => Some(Self::Squash),
            "rebase" => Some(Self::Rebase),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// A merge that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Merging<'a> {
    pub(crate) base: &'a str,
    pub(crate) head: &'a str,
    pub(crate) method: MergeMethod,
    pub(crate) message: &'a str,
    pub(crate) by: &'a Signature,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merged {
    /// The base's new commit; no reference points at it yet.
    Commit(String),
    Conflict,
}

impl GitRepo {
    /// Whether two commits merge without a conflict.
    pub(crate) fn merges_cleanly(&self, base: &str, head: &str) -> Result<bool, GitFailure> {
        Ok(self.merged_tree(&[], base, head)?.is_some())
    }

    /// Makes the commit that a merge would lead to.
    pub(crate) fn merge(&self, merging: &Merging<'_>) -> Result<Merged, GitFailure> {
        let Merging { base, head, method, message, by } = *merging;
        if method == MergeMethod::Rebase {
            return self.rebase(merging);
        }
        let Some(tree) = self.merged_tree(&[], base, head)? else { return Ok(Merged::Conflict) };
        let parents: &[&str] = if method == MergeMethod::Merge { &[base, head] } else { &[base] };
        self.commit_tree(&tree, parents, message, (by, by)).map(Merged::Commit)
    }

    /// Commits of `head` one after the other onto `base`; those of others keep their authors.
    fn rebase(&self, merging: &Merging<'_>) -> Result<Merged, GitFailure> {
        let range = format!("{}..{}", merging.base, merging.head);
        let commits = self.git(["rev-list", "--reverse", "--topo-order", "--no-merges", &range])?;
        let mut onto = merging.base.to_owned();
        for commit in commits.lines() {
            let onto_parent = [format!("--merge-base={commit}^")];
            let Some(tree) = self.merged_tree(&onto_parent, &onto, commit)? else { return Ok(Merged::Conflict) };
            let facts = self.facts(commit)?;
            onto = self.commit_tree(&tree, &[&onto], &facts.message, (&facts.author, merging.by))?;
        }
        Ok(Merged::Commit(onto))
    }

    /// The tree of both; none if they are in conflict.
    fn merged_tree(&self, options: &[String], base: &str, head: &str) -> Result<Option<String>, GitFailure> {
        let fixed = ["merge-tree", "--write-tree", "--no-messages"].map(str::to_owned);
        let args = fixed.into_iter().chain(options.iter().cloned()).chain([base.to_owned(), head.to_owned()]);
        match self.git_env(&[], args) {
            Ok(out) => Ok(out.lines().next().map(str::to_owned)),
            Err(failure) if failure.status == Some(1) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn commit_tree(
        &self,
        tree: &str,
        parents: &[&str],
        message: &str,
        (author, committer): (&Signature, &Signature),
    ) -> Result<String, GitFailure> {
        let dates = (author.date(), committer.date());
        let env = [
            ("GIT_AUTHOR_NAME", author.name.as_str()),
            ("GIT_AUTHOR_EMAIL", &author.email),
            ("GIT_AUTHOR_DATE", &dates.0),
            ("GIT_COMMITTER_NAME", &committer.name),
            ("GIT_COMMITTER_EMAIL", &committer.email),
            ("GIT_COMMITTER_DATE", &dates.1),
        ];
        let parents = parents.iter().flat_map(|parent| ["-p", parent]);
        let args = ["commit-tree", tree, "-m", message].into_iter().chain(parents);
        self.git_env(&env, args).map(|sha| sha.trim().to_owned())
    }
}
