//! Trackers that show less than there is, or do not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{Applied, Author, Issue, Milestone, ProjectName, Tracker, TrackerError, TrackerWrite, Trust};

use crate::incidents::yard::YardClock;

/// Shows what dayfly wrote as if a person had written it.
#[derive(Debug)]
pub(in crate::incidents) struct Nameless(pub(in crate::incidents) Arc<dyn Tracker>);

#[async_trait]
impl Tracker for Nameless {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        let mut issues = self.0.issues(project).await?;
        for issue in &mut issues {
            // Only the first word of each attempt is still known: without it nothing would be waited for.
            let mut known = BTreeSet::new();
            for comment in issue.comments.iter_mut().filter(|comment| comment.is_own()) {
                let scope =
                    comment.key.as_deref().and_then(|key| key.split_once('/')).map(|(scope, _)| scope.to_owned());
                let first = scope.is_some_and(|scope| !scope.contains('#') && known.insert(scope));
                if !first {
                    (comment.key, comment.topic) = (None, None);
                    comment.author = Author::person("ann", Trust::Writer);
                }
            }
        }
        Ok(issues)
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.0.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.0.apply(project, key, write).await
    }
}

/// Shows a project that cannot be read as one without issues.
#[derive(Debug)]
pub(in crate::incidents) struct Soothing(pub(in crate::incidents) Arc<dyn Tracker>);

#[async_trait]
impl Tracker for Soothing {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        Ok(self.0.issues(project).await.unwrap_or_default())
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        Ok(self.0.milestones(project).await.unwrap_or_default())
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.0.apply(project, key, write).await
    }
}

/// Shows what it showed first, whatever people do.
#[derive(Debug)]
pub(in crate::incidents) struct Remembered {
    inner: Arc<dyn Tracker>,
    first: Mutex<BTreeMap<ProjectName, Vec<Issue>>>,
}

impl Remembered {
    pub(in crate::incidents) fn new(inner: Arc<dyn Tracker>) -> Self {
        Self { inner, first: Mutex::default() }
    }
}

#[async_trait]
impl Tracker for Remembered {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        let now = self.inner.issues(project).await?;
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(first.entry(project.clone()).or_insert(now).clone())
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.inner.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.inner.apply(project, key, write).await
    }
}

/// A tracker one of whose projects is not where it was.
#[derive(Debug)]
pub(in crate::incidents) struct Moved {
    pub(in crate::incidents) inner: Arc<dyn Tracker>,
    pub(in crate::incidents) project: ProjectName,
}

impl Moved {
    fn look(&self, project: &ProjectName) -> Result<(), TrackerError> {
        if *project != self.project {
            return Ok(());
        }
        let reason = "the repository was moved; write its new name into dayfly.toml";
        Err(TrackerError::Refused { project: project.clone(), reason: reason.into() })
    }
}

#[async_trait]
impl Tracker for Moved {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.look(project)?;
        self.inner.issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.look(project)?;
        self.inner.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.look(project)?;
        self.inner.apply(project, key, write).await
    }
}

/// A tracker that can be read, and to which nothing can be written for a time: a call hangs a while, and fails.
#[derive(Debug)]
pub(in crate::incidents) struct Away {
    pub(in crate::incidents) inner: Arc<dyn Tracker>,
    pub(in crate::incidents) clock: Arc<YardClock>,
    /// Until when, in seconds since the beginning.
    pub(in crate::incidents) until: i64,
}

#[async_trait]
impl Tracker for Away {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.inner.issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.inner.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        if self.clock.seconds() < self.until {
            tokio::time::sleep(Duration::from_secs(30)).await;
            return Err(TrackerError::Unavailable { project: project.clone(), source: "no answer".into() });
        }
        self.inner.apply(project, key, write).await
    }
}
