//! Applies effects. Each is looked up before it is done, so that doing it again does it once.

use dayfly_core::{Applied, Effect, EffectEntry, Project, TrackerError};

use crate::git::{GitError, Landed};

use super::attempt::chain;
use super::house::House;
use super::model::Tried;

/// Tries one effect.
pub(super) async fn apply(house: &House, entry: &EffectEntry) -> Tried {
    match &entry.effect {
        Effect::Tracker { project, write } => match house.tracker.apply(project, &entry.id.0, write).await {
            Ok(Applied::Done(created)) => done(false, created),
            Ok(Applied::Already(created)) => done(true, created),
            Err(err) => tracker_fault(&err),
        },
        Effect::Land { project, branch, from, to } => {
            let Some(project) = house.project(project) else { return gone(project.as_str()) };
            match land(house, project, branch, from, to).await {
                Ok(tried) => tried,
                Err(err) => Tried::Delayed { reason: chain(&err) },
            }
        }
        Effect::Branch { project, branch, commit } => {
            let Some(project) = house.project(project) else { return gone(project.as_str()) };
            let result = match house.git(project).await {
                Ok(Some(git)) => git.set_branch(branch, commit).await,
                Ok(None) => return gone(project.name.as_str()),
                Err(err) => Err(err),
            };
            match result {
                Ok(()) => done(false, None),
                Err(err @ GitError::Failed { .. }) => Tried::Refused { reason: chain(&err), again: false },
                Err(err) => Tried::Delayed { reason: chain(&err) },
            }
        }
        other => Tried::Refused { reason: format!("this program cannot apply {:?}", other.kind()), again: false },
    }
}

async fn land(
    house: &House,
    project: &Project,
    branch: &str,
    from: &dayfly_core::Commit,
    to: &dayfly_core::Commit,
) -> Result<Tried, GitError> {
    let Some(git) = house.git(project).await? else { return Ok(gone(project.name.as_str())) };
    let landed = Some(to.clone());
    Ok(match git.land(branch, from, to).await? {
        Landed::Moved => Tried::Done { adopted: false, created: None, landed },
        Landed::Already => Tried::Done { adopted: true, created: None, landed },
        Landed::Race(now) => {
            let reason = format!("the branch {branch} moved to {} meanwhile", now.short());
            Tried::Refused { reason, again: true }
        }
        Landed::Checkout(reason) => Tried::Delayed { reason },
    })
}

fn done(adopted: bool, created: Option<dayfly_core::IssueId>) -> Tried {
    Tried::Done { adopted, created, landed: None }
}

fn gone(project: &str) -> Tried {
    Tried::Refused { reason: format!("project {project} is not a repository of the portfolio"), again: false }
}

fn tracker_fault(err: &TrackerError) -> Tried {
    let reason = chain(err);
    // A malformed file is mended by a person; until then the write waits, and is not lost.
    if err.is_transient() || matches!(err, TrackerError::Malformed { .. }) {
        Tried::Delayed { reason }
    } else {
        Tried::Refused { reason, again: false }
    }
}
