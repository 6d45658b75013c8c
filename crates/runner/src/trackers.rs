//! One tracker for a portfolio whose projects have several.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use dayfly_core::{Applied, Issue, Milestone, ProjectName, Tracker, TrackerError, TrackerWrite};

/// The trackers of a portfolio: each project has its own, or that of all others.
#[derive(Debug, Clone)]
pub struct Trackers {
    others: Arc<dyn Tracker>,
    own: BTreeMap<ProjectName, Arc<dyn Tracker>>,
}

impl Trackers {
    /// All projects have this one.
    pub fn new(others: Arc<dyn Tracker>) -> Self {
        Self { others, own: BTreeMap::new() }
    }

    /// The project has this one.
    #[must_use]
    pub fn with(mut self, project: ProjectName, tracker: Arc<dyn Tracker>) -> Self {
        self.own.insert(project, tracker);
        self
    }

    fn of(&self, project: &ProjectName) -> &dyn Tracker {
        &**self.own.get(project).unwrap_or(&self.others)
    }
}

#[async_trait]
impl Tracker for Trackers {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.of(project).issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.of(project).milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.of(project).apply(project, key, write).await
    }
}
