//! What a person writes with their own hands, by dayfly's command line.

use dayfly_core::{IssueId, NewIssue, ProjectName, TrackerError};
use serde::{Deserialize, Serialize};

use crate::Call;

use super::GitHubTracker;
use super::fault::Fault;

#[derive(Deserialize)]
struct Made {
    number: u64,
}

#[derive(Serialize)]
struct Text<'a> {
    body: &'a str,
}

#[derive(Serialize)]
struct Issue<'a> {
    title: &'a str,
    body: &'a str,
    labels: &'a [String],
}

impl GitHubTracker {
    /// Writes a comment as the person whose token is used: it carries no marker, and counts as theirs.
    ///
    /// # Errors
    /// If it is an App's token, which is nobody's; or as those of [`dayfly_core::Tracker::apply`]. Where an answer was lost
    /// the comment may be there all the same: it is for the person to look.
    pub async fn comment_as_person(
        &self,
        project: &ProjectName,
        issue: &IssueId,
        body: &str,
    ) -> Result<(), TrackerError> {
        let said = async {
            let slot = self.persons_slot(project).await?;
            let path = slot.path(&format!("/issues/{issue}/comments"));
            self.house.github.run(Call::post(path).json(&Text { body })?).await?;
            slot.mark_dirty();
            Ok::<_, Fault>(())
        };
        said.await.map_err(|fault| fault.into_error(project))
    }

    /// Opens an issue as the person whose token is used.
    ///
    /// # Errors
    /// Those of [`GitHubTracker::comment_as_person`].
    pub async fn create_as_person(&self, project: &ProjectName, new: &NewIssue) -> Result<IssueId, TrackerError> {
        let made = async {
            let slot = self.persons_slot(project).await?;
            let issue = Issue { title: &new.title, body: &new.body, labels: &new.labels };
            let made: Made = self.house.github.send(Call::post(slot.path("/issues")).json(&issue)?).await?;
            slot.mark_dirty();
            IssueId::new(made.number.to_string()).map_err(|err| Fault::Refused(err.to_string()))
        };
        made.await.map_err(|fault| fault.into_error(project))
    }

    async fn persons_slot(&self, project: &ProjectName) -> Result<std::sync::Arc<super::slot::Slot>, Fault> {
        if !self.house.github.identity().await?.is_person {
            let login = &self.house.github.identity().await?.login;
            let why =
                format!("the token is that of {login}, a program, and what it writes is no person's; write on GitHub");
            return Err(Fault::Refused(why));
        }
        self.house.slot(project)
    }
}
