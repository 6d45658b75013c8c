//! One tracker for a portfolio whose projects have several.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use dayfly_core::{
    Applied, Forge, Issue, Milestone, ProjectName, Pull, PullApplied, PullWrite, Remote, Tracker, TrackerError,
    TrackerWrite,
};

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

    fn guards_writes(&self, project: &ProjectName) -> bool {
        self.of(project).guards_writes(project)
    }
}

/// The tracker and the forge of a project whose own cannot be reached: every call says why.
#[derive(Debug, Clone)]
pub struct NoTracker {
    reason: String,
}

impl NoTracker {
    /// One that cannot be reached for this reason; it should say what helps.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    fn refused<T>(&self, project: &ProjectName) -> Result<T, TrackerError> {
        Err(TrackerError::Unavailable { project: project.clone(), source: self.reason.clone().into() })
    }
}

#[async_trait]
impl Forge for NoTracker {
    async fn pulls(&self, project: &ProjectName, _: &[String]) -> Result<Vec<Pull>, TrackerError> {
        self.refused(project)
    }

    async fn apply(&self, project: &ProjectName, _: &str, _: &PullWrite) -> Result<PullApplied, TrackerError> {
        self.refused(project)
    }

    async fn remote(&self, project: &ProjectName) -> Result<Remote, TrackerError> {
        self.refused(project)
    }
}

#[async_trait]
impl Tracker for NoTracker {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.refused(project)
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.refused(project)
    }

    async fn apply(&self, project: &ProjectName, _: &str, _: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.refused(project)
    }
}
