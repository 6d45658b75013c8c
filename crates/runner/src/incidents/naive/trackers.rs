//! Trackers that show less than there is, or do not answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dayfly_core::{
    Applied, Author, Comment, Issue, Milestone, ProjectName, Tracker, TrackerError, TrackerWrite, Trust,
};

/// Shows what dayfly wrote as if a person had written it.
#[derive(Debug)]
pub(in crate::incidents) struct Nameless(pub(in crate::incidents) Arc<dyn Tracker>);

#[async_trait]
impl Tracker for Nameless {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        let mut issues = self.0.issues(project).await?;
        for issue in &mut issues {
            // Only the question is still known for one: without it nothing would be waited for.
            let question = issue.comments.iter().position(Comment::is_own).unwrap_or(usize::MAX);
            for comment in issue.comments.iter_mut().skip(question.saturating_add(1)) {
                (comment.key, comment.topic) = (None, None);
                comment.author = Author::person("ann", Trust::Writer);
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
