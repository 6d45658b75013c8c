//! What must be closed before an issue is begun.

use std::collections::BTreeSet;

use dayfly_core::{Applied, IssueId};

use super::{Desk, number};
use crate::tracker::fault::Fault;
use crate::tracker::laid::Fact;
use crate::tracker::marker::Marker;
use crate::tracker::seen::Blocker;
use crate::tracker::wire::{self, State};
use crate::{Call, Feature, GitHubError};

/// The topic of the comment that notes blockers where there are no dependencies.
const TOPIC: &str = "blocked-by";

impl Desk<'_> {
    pub(super) async fn block(&self, id: &IssueId, by: &[IssueId]) -> Result<Applied, Fault> {
        let issue = self.issue(id).await?;
        let mut blockers = Vec::new();
        for other in by.iter().filter(|other| *other != id) {
            let other = self.issue(other).await?;
            blockers.push((other.number, other.id));
        }
        if self.house.github.capabilities().await?.dependencies {
            match self.depend(issue.number, &blockers).await {
                Err(Fault::Refused(missing)) if missing == MISSING => {}
                done => return Ok(if done? { Applied::Done(None) } else { Applied::Already(None) }),
            }
        }
        self.note_blockers(id, blockers.into_iter().map(|(number, _)| number)).await
    }

    /// Makes an issue depend on others, by their numbers and ids; says whether any was new.
    pub(super) async fn depend(&self, at: u64, blockers: &[(u64, u64)]) -> Result<bool, Fault> {
        let path = self.slot.path(&format!("/issues/{at}/dependencies/blocked_by"));
        let mut known = self.blocking(&path).await?;
        let laid = self.slot.with(self.now(), |snapshot| snapshot.laid_blockers(at));
        known.extend(blockers.iter().filter(|(number, _)| laid.contains(number)).map(|(_, id)| *id));
        let mut new = false;
        for (number, id) in blockers.iter().filter(|(_, id)| !known.contains(id)) {
            let call = Call::post(path.clone()).repeatable().json(&serde_json::json!({ "issue_id": id }))?;
            match self.house.github.run(call).await {
                Ok(()) => new = true,
                // The answer to the first try was lost perhaps, and the second refused.
                Err(error @ GitHubError::Unprocessable { .. }) if !self.blocking(&path).await?.contains(id) => {
                    return Err(error.into());
                }
                Err(GitHubError::Unprocessable { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let blocker = Blocker { repository: None, number: *number, state: State::Open };
            self.lay(at, Fact::Blocker(blocker));
        }
        Ok(new)
    }

    /// The ids of the issues that block one.
    async fn blocking(&self, path: &str) -> Result<BTreeSet<u64>, Fault> {
        match self.house.github.pages::<wire::Issue>(Call::get(path)).await {
            Ok(known) => Ok(known.into_iter().map(|issue| issue.id).collect()),
            Err(error @ GitHubError::NotFoundOrNoAccess { .. }) => {
                Err(self.without(Feature::Dependencies, error).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What it means that something of a feature is not found, at an issue that is there.
    pub(super) async fn without(&self, feature: Feature, error: GitHubError) -> Fault {
        match self.house.github.lacks(feature, &self.slot.repo()).await {
            Ok(true) => Fault::Refused(MISSING.into()),
            Ok(false) => error.into(),
            Err(error) => error.into(),
        }
    }

    /// Says it in a comment, whose marker holds the numbers, where there are no dependencies.
    async fn note_blockers(&self, id: &IssueId, by: impl Iterator<Item = u64>) -> Result<Applied, Fault> {
        let all = self.comments(id, number(id)?).await?;
        let noted =
            all.iter().filter_map(|c| self.own(&c.author, &c.body)).filter(|(m, _)| m.topic.as_deref() == Some(TOPIC));
        let mut numbers: BTreeSet<u64> = noted.flat_map(|(marker, _)| marker.by).collect();
        numbers.extend(by);
        let named: Vec<String> = numbers.iter().map(|number| format!("#{number}")).collect();
        let marker = Marker { by: numbers.into_iter().collect(), ..Marker::of_topic(self.key, TOPIC) };
        self.sticky(id, &marker, &format!("This waits for {}.", named.join(", "))).await
    }
}

/// The host has no such thing.
pub(super) const MISSING: &str = "the server has no such feature";
