//! Applies effects. Each is looked up before it is done, so that doing it again does it once.

use std::time::Duration;

use dayfly_core::{
    Applied, Effect, EffectEntry, Epoch, IssueRef, Project, ProjectName, PullApplied, PullWrite, StoreError,
    TrackerError, TrackerState, quarantine_until,
};

use crate::git::{GitError, Landed, Pushed};

use super::attempt::chain;
use super::decide::services::Heard;
use super::house::House;
use super::land::OWN_BRANCHES;
use super::model::Tried;

/// Tries one effect, within its time, and tells what that shows of its service. What took longer, or got no answer, is in
/// doubt: it is looked up before it is done again, as everything is, and not before a request that may still be under way
/// has come to its end.
pub(super) async fn apply(house: &House, epoch: Epoch, entry: &EffectEntry) -> (Tried, Heard) {
    if house.is_halted() {
        return unasked(Tried::Withheld);
    }
    let unsure = entry.effect.again().quarantine && !house.guards(&entry.effect);
    // An engine whose place was taken while it waited must not send what its successor looks up: that one waits for what was
    // sent before it came, and for nothing later. To put it off is to record it, which such an engine cannot.
    if unsure && let Err(err @ StoreError::Superseded { .. }) = house.store.renew(epoch, &[], Duration::ZERO).await {
        return unasked(put_off(err.to_string()));
    }
    let limit = entry.effect.deadline();
    let (tried, heard) = tokio::time::timeout(limit, attempt(house, entry)).await.unwrap_or_else(|_| {
        let reason =
            format!("there was no answer within {} s; whether it was done is looked up first", limit.as_secs());
        (put_off(reason.clone()), Heard::Fails(reason))
    });
    match (tried, heard) {
        (Tried::Delayed { reason, until: None }, heard @ Heard::Fails(_)) => {
            (Tried::Delayed { reason, until: unsure.then(|| quarantine_until(house.now())) }, heard)
        }
        other => other,
    }
}

async fn attempt(house: &House, entry: &EffectEntry) -> (Tried, Heard) {
    let tried = match &entry.effect {
        Effect::Tracker { project, .. } if entry.id.is_of_restore() && !house.is_open(project, &entry.issue).await => {
            // Nobody waits for word of what is over.
            done(true, None)
        }
        Effect::Tracker { project, write } => match house.tracker.apply(project, &entry.id.0, write).await {
            Ok(Applied::Done(created)) => done(false, created),
            Ok(Applied::Already(created)) => done(true, created),
            Err(err) => return tracker_fault(&err),
        },
        Effect::Land { project, branch, from, to } => {
            let Some(project) = house.project(project) else { return unasked(gone(project.as_str())) };
            match land(house, project, branch, from, to).await {
                Ok(tried) => tried,
                Err(fault) => return fault.tried(),
            }
        }
        Effect::Push { project, branch, commit } => match push(house, project, branch, commit).await {
            Ok(tried) => tried,
            Err(fault) => return fault.tried(),
        },
        Effect::Pull { project, write } => return pull(house, project, &entry.id.0, write).await,
        Effect::Branch { project, branch, commit } => {
            let Some(project) = house.project(project) else { return unasked(gone(project.as_str())) };
            let result = match house.git(project).await {
                Ok(Some(git)) => git.set_branch(branch, commit).await,
                Ok(None) => return unasked(gone(project.name.as_str())),
                Err(err) => Err(err),
            };
            match result {
                Ok(()) => done(false, None),
                Err(err @ GitError::Failed { .. }) => Tried::Refused { reason: chain(&err), again: false },
                Err(err) => return Fault::Git(err).tried(),
            }
        }
        other => Tried::Refused { reason: format!("this program cannot apply {:?}", other.kind()), again: false },
    };
    (tried, Heard::Serves)
}

impl House {
    /// Whether an issue is open, as far as its tracker says: one that does not answer is asked to write all the same.
    async fn is_open(&self, project: &ProjectName, issue: &IssueRef) -> bool {
        let Ok(issues) = self.tracker.issues(project).await else { return true };
        issues.iter().any(|seen| seen.id == issue.issue && seen.state == TrackerState::Open)
    }
}

async fn land(
    house: &House,
    project: &Project,
    branch: &str,
    from: &dayfly_core::Commit,
    to: &dayfly_core::Commit,
) -> Result<Tried, Fault> {
    let Some(git) = house.git(project).await? else { return Ok(gone(project.name.as_str())) };
    let landed = Some(to.clone());
    let done = match house.remote(project).await? {
        Some(remote) => git.land_there(&remote, branch, (from, to)).await?,
        None => git.land(branch, from, to).await?,
    };
    Ok(match done {
        Landed::Moved => Tried::Done { adopted: false, created: None, landed },
        Landed::Already => Tried::Done { adopted: true, created: None, landed },
        Landed::Race(now) => {
            let reason = format!("the branch {branch} moved to {} meanwhile", now.short());
            Tried::Refused { reason, again: true }
        }
        Landed::Checkout(reason) => put_off(reason),
    })
}

async fn push(house: &House, name: &ProjectName, branch: &str, commit: &dayfly_core::Commit) -> Result<Tried, Fault> {
    if !branch.starts_with(OWN_BRANCHES) {
        // A job of an embedder's may ask for anything.
        let reason = format!("`{branch}` is no branch of dayfly's, and no other is pushed");
        return Ok(Tried::Refused { reason, again: false });
    }
    let Some(project) = house.project(name) else { return Ok(gone(name.as_str())) };
    let (Some(git), Some(remote)) = (house.git(project).await?, house.remote(project).await?) else {
        return Ok(gone(name.as_str()));
    };
    Ok(match git.push(&remote, branch, commit).await? {
        Pushed::Moved => done(false, None),
        Pushed::Already => done(true, None),
        Pushed::Foreign(now) => {
            let reason = format!(
                "somebody else pushed {} to the branch {branch} of the forge; take what is worth keeping from it and \
                 remove it there",
                now.short()
            );
            Tried::Refused { reason, again: false }
        }
    })
}

/// A write to a pull request. One that cannot be done as things stand is over: the next look at the pull request says what follows.
/// Where none could be opened there is nothing to look at.
async fn pull(house: &House, project: &ProjectName, key: &str, write: &PullWrite) -> (Tried, Heard) {
    let Some(forge) = &house.forge else { return unasked(gone(project.as_str())) };
    let tried = match forge.apply(project, key, write).await {
        Ok(PullApplied::NotNow(why)) if matches!(write, PullWrite::Open(_)) => {
            Tried::Refused { reason: format!("its pull request cannot be opened: {why}"), again: false }
        }
        Ok(PullApplied::Done(_) | PullApplied::NotNow(_)) => done(false, None),
        Ok(PullApplied::Already(_)) => done(true, None),
        Err(err) => return tracker_fault(&err),
    };
    (tried, Heard::Serves)
}

/// What keeps a write from being done.
enum Fault {
    Git(GitError),
    Forge(TrackerError),
}

impl From<GitError> for Fault {
    fn from(err: GitError) -> Self {
        Fault::Git(err)
    }
}

impl From<TrackerError> for Fault {
    fn from(err: TrackerError) -> Self {
        Fault::Forge(err)
    }
}

impl Fault {
    fn tried(&self) -> (Tried, Heard) {
        match self {
            Fault::Git(err) => (put_off(chain(err)), Heard::Fails(chain(err))),
            Fault::Forge(err) => tracker_fault(err),
        }
    }
}

/// What was decided without asking the service.
fn unasked(tried: Tried) -> (Tried, Heard) {
    (tried, Heard::Nothing)
}

fn put_off(reason: String) -> Tried {
    Tried::Delayed { reason, until: None }
}

fn done(adopted: bool, created: Option<dayfly_core::IssueId>) -> Tried {
    Tried::Done { adopted, created, landed: None }
}

fn gone(project: &str) -> Tried {
    Tried::Refused { reason: format!("project {project} is not a repository of the portfolio"), again: false }
}

fn tracker_fault(err: &TrackerError) -> (Tried, Heard) {
    let reason = chain(err);
    match err {
        TrackerError::Unavailable { .. } => (put_off(reason.clone()), Heard::Fails(reason)),
        TrackerError::Limited { until, .. } => (Tried::Delayed { reason, until: Some(*until) }, Heard::Nothing),
        // A malformed file is mended by a person; until then the write waits, and is not lost.
        TrackerError::Malformed { .. } => (put_off(reason), Heard::Serves),
        _ => (Tried::Refused { reason, again: false }, Heard::Serves),
    }
}
