//! Issues as Markdown files in a folder.

mod folder;
mod labels;
mod parse;
mod text;

use std::sync::Arc;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use dayfly_core::{
    Applied, Clock, Issue, IssueId, Milestone, NewIssue, ProjectName, Tracker, TrackerError, TrackerWrite,
};
use jiff::Timestamp;

use folder::{Folder, unavailable};

/// Who writes what the engine writes.
const OWN_NAME: &str = "dayfly";

/// Keeps issues as Markdown files, to be read and written by people as well.
///
/// The issues of project P are the files `P/ID-SLUG.md` below the root, each with TOML front matter
/// between two lines `+++`, then the text, then the comments, each below a line `## Comment by NAME, TIME`.
/// What a write does not change keeps its bytes. Blank lines around a text are not part of it.
#[derive(Debug, Clone)]
pub struct MarkdownTracker {
    root: Utf8PathBuf,
    clock: Arc<dyn Clock>,
}

impl MarkdownTracker {
    /// The tracker of the folders below `root`; the clock dates the comments that the engine writes.
    pub fn new(root: Utf8PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { root, clock }
    }

    /// Creates an issue, as a person does.
    ///
    /// # Errors
    /// If an issue of the project cannot be read, or the file cannot be written.
    pub async fn create(&self, project: &ProjectName, author: &str, new: &NewIssue) -> Result<IssueId, TrackerError> {
        let (author, new) = (author.to_owned(), new.clone());
        self.blocking(project, move |folder| folder.create(&new, &author, None)).await
    }

    /// Comments on an issue, as a person does.
    ///
    /// # Errors
    /// If the issue is not there or cannot be read, or the file cannot be written.
    pub async fn comment_as(
        &self,
        project: &ProjectName,
        issue: &IssueId,
        author: &str,
        body: &str,
        at: Timestamp,
    ) -> Result<(), TrackerError> {
        let comment = text::comment(author, at, None, body);
        let issue = issue.clone();
        self.blocking(project, move |folder| folder.comment(&issue, &comment, None)).await.map(drop)
    }

    /// The file of an issue.
    ///
    /// # Errors
    /// If the issue is not there, or an issue of the project cannot be read.
    pub async fn path_of(&self, project: &ProjectName, issue: &IssueId) -> Result<Utf8PathBuf, TrackerError> {
        let issue = issue.clone();
        self.blocking(project, move |folder| folder.find(&issue).map(|file| file.path)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        project: &ProjectName,
        work: impl FnOnce(Folder) -> Result<T, TrackerError> + Send + 'static,
    ) -> Result<T, TrackerError> {
        let folder = Folder::new(&self.root, project.clone());
        let done = tokio::task::spawn_blocking(move || work(folder)).await;
        done.map_err(|err| unavailable(project, err))?
    }
}

#[async_trait]
impl Tracker for MarkdownTracker {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.blocking(project, |folder| Ok(folder.files()?.into_iter().map(|file| file.issue).collect())).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.blocking(project, |folder| folder.milestones()).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        let key = key.to_owned();
        match write.clone() {
            TrackerWrite::Comment { issue, body } => {
                let comment = text::comment(OWN_NAME, self.clock.now(), Some(&key), &body);
                self.blocking(project, move |folder| folder.comment(&issue, &comment, Some(&key))).await
            }
            TrackerWrite::Labels { issue, add, remove } => {
                self.blocking(project, move |folder| folder.set_labels(&issue, &add, &remove)).await
            }
            TrackerWrite::State { issue, state } => {
                self.blocking(project, move |folder| folder.set_state(&issue, state)).await
            }
            TrackerWrite::Create(new) => {
                self.blocking(project, move |folder| folder.create_once(&new, OWN_NAME, &key)).await
            }
            other => {
                let reason = format!("issues in files cannot be given {other:?}");
                Err(TrackerError::Refused { project: project.clone(), reason })
            }
        }
    }
}

#[cfg(test)]
mod tests;
