//! GitHub's issues as a tracker of core.
//!
//! Reading has one way: whoever asks, by whatever hint, a repository is looked at from afar, and if it looks other than it
//! did, what changed is read. Writing has one way too: look whether it is there, write it with a marker, and if the answer is
//! lost, look again.

mod apply;
mod course;
mod details;
pub(crate) mod fault;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod house;
mod laid;
mod mapping;
pub(crate) mod marker;
mod milestones;
mod people;
mod person;
mod prints;
mod read;
mod seen;
mod slot;
mod snapshot;
mod store;
mod sweep;
mod trust;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use dayfly_core::{Applied, ForgeRepo, Issue, Labels, Milestone, ProjectName, Tracker, TrackerError, TrackerWrite};

use crate::GitHub;
use fault::Fault;
use house::House;
use mapping::Mapping;

/// What a [`GitHubTracker`] must know.
#[derive(Debug, Clone)]
pub struct TrackerSettings {
    /// The repositories of the projects.
    pub projects: BTreeMap<ProjectName, ForgeRepo>,
    /// The labels that carry meaning.
    pub labels: Labels,
    /// The labels that ask for work.
    pub entries: Vec<String>,
    /// Where what was seen is kept.
    pub folder: Utf8PathBuf,
    /// How old what is known may be to be given without looking.
    pub fresh: Duration,
    /// How long to wait before each look for a write whose answer was lost.
    pub looks: Vec<Duration>,
}

impl TrackerSettings {
    /// The usual times, and the labels by which work is asked for.
    pub fn new(projects: BTreeMap<ProjectName, ForgeRepo>, labels: Labels, folder: impl Into<Utf8PathBuf>) -> Self {
        let entries = [&labels.ready_for_prep, &labels.ready_for_dev, &labels.needs_decompose];
        let entries = entries.into_iter().cloned().collect();
        let looks = [1, 2, 3].map(Duration::from_secs).to_vec();
        Self { projects, labels, entries, folder: folder.into(), fresh: Duration::from_secs(8), looks }
    }
}

/// The issues of GitHub repositories.
///
/// What was seen is kept in memory and in a folder, so that a look at a repository in which nothing changed costs a
/// hundredth of one GraphQL call.
#[derive(Debug, Clone)]
pub struct GitHubTracker {
    house: Arc<House>,
}

impl GitHubTracker {
    /// The tracker of these projects. It touches neither network nor disk.
    pub fn new(github: GitHub, settings: TrackerSettings) -> Self {
        Self { house: Arc::new(House::new(github, settings)) }
    }

    /// Takes note that something changed in a repository: the next who asks for its issues has them read.
    pub fn hint(&self, repo: &ForgeRepo) {
        if let Some(slot) = self.house.slot_of(repo) {
            slot.mark_dirty();
        }
    }

    /// The projects whose repositories have another name now than in the configuration, with that name.
    pub fn moved(&self) -> Vec<(ProjectName, ForgeRepo)> {
        self.house.moved()
    }

    async fn seen<T>(&self, project: &ProjectName, take: impl FnOnce(Mapping<'_>) -> T) -> Result<T, Fault> {
        let slot = self.house.slot(project)?;
        sweep::refresh(&self.house, &slot).await?;
        let own = self.house.github.identity().await?;
        let House { entries, ranks, .. } = self.house.as_ref();
        Ok(slot.with(self.house.now(), |snapshot| take(Mapping { own, entries, ranks, snapshot })))
    }
}

#[async_trait]
impl Tracker for GitHubTracker {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.seen(project, |seen| seen.issues()).await.map_err(|fault| fault.into_error(project))
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.seen(project, |seen| seen.milestones()).await.map_err(|fault| fault.into_error(project))
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        let applied = async { apply::apply(&self.house, &self.house.slot(project)?, key, write).await };
        applied.await.map_err(|fault| fault.into_error(project))
    }

    /// The journal knows what was begun, and since when it may be under way.
    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}
