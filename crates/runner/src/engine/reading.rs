//! Reading a project: its tracker, and whether the changes handed to people have been merged.

use std::time::Duration;

use dayfly_core::{Commit, Forge, IssueId, Phase, Project, ProjectName, ProjectView, State, Tracker, TrackerError};

use crate::git::{Git, GitError, Repo};

use super::attempt::chain;

/// An issue whose change waits on a branch.
#[derive(Debug)]
pub(super) struct Handed {
    issue: IssueId,
    branch: String,
    commit: Commit,
}

/// Where the branches of changes that were handed over are.
#[derive(Debug)]
pub(super) enum At<'a> {
    /// In the user's repository.
    Here(Branches),
    /// On a forge; what was handed over before the project had one is in the user's repository.
    Forge(&'a dyn Forge, Option<Branches>),
    /// Nowhere that can be asked now.
    Nowhere,
}

/// The branches of a repository of the user's.
#[derive(Debug)]
pub(super) enum Branches {
    /// Of one that an engine works on.
    Repo(Repo),
    /// Of one that is only read.
    Git(Git),
}

impl Branches {
    async fn branch(&self, branch: &str) -> Result<Option<Commit>, GitError> {
        match self {
            Branches::Repo(repo) => repo.branch(branch).await,
            Branches::Git(git) => git.branch(branch).await,
        }
    }

    async fn is_ancestor(&self, ancestor: &Commit, of: &Commit) -> Result<bool, GitError> {
        match self {
            Branches::Repo(repo) => repo.is_ancestor(ancestor, of).await,
            Branches::Git(git) => git.is_ancestor(ancestor, of).await,
        }
    }
}

/// The issues of a project whose branch waits to be merged.
pub(super) fn handed(state: &State, project: &ProjectName) -> Vec<Handed> {
    let of = state.issues.iter().filter(|(issue, _)| issue.project == *project);
    of.filter_map(|(issue, known)| match &known.phase {
        Phase::Handed { commit, branch } => {
            Some(Handed { issue: issue.issue.clone(), branch: branch.clone(), commit: commit.clone() })
        }
        _ => None,
    })
    .collect()
}

/// Reads a project's view. A tracker or a forge that cannot be read is a fault of the view. Of `handed` those are marked whose
/// commit the base branch holds by now, or their pull requests are shown; what git cannot tell is asked again at the next
/// reading.
pub(super) async fn view(tracker: &dyn Tracker, project: &Project, handed: Vec<Handed>, at: At<'_>) -> ProjectView {
    let read = async {
        let mut view = ProjectView {
            issues: tracker.issues(&project.name).await?,
            milestones: tracker.milestones(&project.name).await?,
            ..ProjectView::default()
        };
        match at {
            At::Here(git) => merged_here(&mut view, project, &handed, &git).await,
            At::Forge(forge, git) => {
                pulls(&mut view, project, &handed, forge).await?;
                if let Some(git) = git {
                    merged_here(&mut view, project, &handed, &git).await;
                }
            }
            At::Nowhere => {}
        }
        Ok::<_, TrackerError>(view)
    };
    match read.await {
        Ok(view) => view,
        Err(err) => ProjectView { fault: Some(chain(&err)), passing: err.is_transient(), ..ProjectView::default() },
    }
}

/// A view that is there in time; a reading that hangs is a fault of the view, which may pass.
pub(super) async fn within(limit: Duration, view: impl Future<Output = ProjectView>) -> ProjectView {
    let slow = || ProjectView {
        fault: Some(format!("it did not answer within {} s", limit.as_secs())),
        passing: true,
        ..ProjectView::default()
    };
    tokio::time::timeout(limit, view).await.unwrap_or_else(|_| slow())
}

async fn merged_here(view: &mut ProjectView, project: &Project, handed: &[Handed], git: &Branches) {
    let rest: Vec<&Handed> = handed.iter().filter(|handed| !view.pulls.contains_key(&handed.issue)).collect();
    if rest.is_empty() {
        return;
    }
    let Ok(Some(base)) = git.branch(&project.base).await else { return };
    for Handed { issue, commit, .. } in rest {
        if git.is_ancestor(commit, &base).await.unwrap_or(false) {
            view.merged.insert(issue.clone());
        }
    }
}

async fn pulls(
    view: &mut ProjectView,
    project: &Project,
    handed: &[Handed],
    forge: &dyn Forge,
) -> Result<(), TrackerError> {
    if handed.is_empty() {
        return Ok(());
    }
    let branches: Vec<String> = handed.iter().map(|h| h.branch.clone()).collect();
    for pull in forge.pulls(&project.name, &branches).await? {
        if let Some(of) = handed.iter().find(|h| h.branch == pull.branch) {
            view.pulls.insert(of.issue.clone(), pull);
        }
    }
    Ok(())
}
