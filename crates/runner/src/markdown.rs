//! Issues as Markdown files in a folder.

mod edits;
mod folder;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod labels;
mod milestones;
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
        let (key, write, now) = (key.to_owned(), write.clone(), self.clock.now());
        self.blocking(project, move |folder| apply(&folder, &key, write, now)).await
    }

    /// A write to a file ends with its process.
    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}

fn apply(folder: &Folder, key: &str, write: TrackerWrite, now: Timestamp) -> Result<Applied, TrackerError> {
    match write {
        TrackerWrite::Comment { issue, body } => {
            folder.comment(&issue, &text::comment(OWN_NAME, now, Some(key), &body), Some(key))
        }
        TrackerWrite::Labels { issue, add, remove } => folder.set_labels(&issue, &add, &remove),
        TrackerWrite::State { issue, state } => folder.set_state(&issue, state),
        TrackerWrite::Create(new) => folder.create_once(&new, OWN_NAME, key),
        TrackerWrite::Sticky { issue, topic, body } => {
            let comment = text::sticky(OWN_NAME, now, (key, &topic), &body);
            folder.say(&issue, &topic, (&comment, &body))
        }
        TrackerWrite::Duplicate { issue, of } => {
            folder.close_duplicate(&issue, &of, |topic, body| text::sticky(OWN_NAME, now, (key, topic), body))
        }
        TrackerWrite::BlockedBy { issue, by } => folder.block(&issue, &by),
        TrackerWrite::SetMilestone { issue, milestone } => folder.set_milestone(&issue, milestone.as_deref()),
        TrackerWrite::Milestone { title, due, state } => folder.set_milestone_file(&title, due, state),
    }
}

#[cfg(test)]
mod tests;
