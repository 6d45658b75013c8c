//! Reading a project: its tracker, and whether the branches left for people have been merged.

use dayfly_core::{Commit, IssueId, Phase, Project, ProjectName, ProjectView, State, Tracker, TrackerError};

use crate::git::Git;

use super::attempt::chain;

/// The issues of a project whose branch waits for a person, each with its commit.
pub(super) fn handed(state: &State, project: &ProjectName) -> Vec<(IssueId, Commit)> {
    let of = state.issues.iter().filter(|(issue, _)| issue.project == *project);
    of.filter_map(|(issue, known)| match &known.phase {
        Phase::Handed { commit, .. } => Some((issue.issue.clone(), commit.clone())),
        _ => None,
    })
    .collect()
}

/// Reads a project's view. A tracker that cannot be read is a fault of the view. Of `handed` those are marked whose
/// commit the base branch holds by now; what `git` cannot tell, and no `git`, is asked again at the next reading.
pub(super) async fn view(
    tracker: &dyn Tracker,
    project: &Project,
    handed: Vec<(IssueId, Commit)>,
    git: Option<Git>,
) -> ProjectView {
    let mut view = match read(tracker, &project.name).await {
        Ok(view) => view,
        Err(err) => {
            return ProjectView { fault: Some(chain(&err)), passing: err.is_transient(), ..ProjectView::default() };
        }
    };
    if let Some(git) = git
        && let Ok(Some(base)) = git.branch(&project.base).await
    {
        for (issue, commit) in handed {
            if git.is_ancestor(&commit, &base).await.unwrap_or(false) {
                view.merged.insert(issue);
            }
        }
    }
    view
}

async fn read(tracker: &dyn Tracker, project: &ProjectName) -> Result<ProjectView, TrackerError> {
    Ok(ProjectView {
        issues: tracker.issues(project).await?,
        milestones: tracker.milestones(project).await?,
        ..ProjectView::default()
    })
}
