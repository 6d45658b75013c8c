//! What an attempt that is taken up does otherwise than one that is started.

use camino::Utf8Path;
use dayfly_core::{Issue, Running, StageRun};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::keeper::STATUS_FILE;

use super::super::attempt::{Work, chain};

/// The issues of a project as its tracker shows them, read once for all attempts that were taken up.
pub(in crate::engine) type Shown = OnceCell<Vec<Issue>>;

impl Work {
    /// Finds the attempt where an earlier engine started it; `None` if there is nothing to go on with.
    ///
    /// # Errors
    /// Why it could not be looked for. It is settled as lost then, like what is not there.
    pub(in crate::engine) async fn find(&self) -> Result<Option<Box<dyn Running>>, String> {
        if self.job.run != StageRun::Agent {
            return Ok(None);
        }
        let cwd = match &self.job.start {
            Some(_) => self.house.tree(&self.id),
            None => self.project.path.clone(),
        };
        let attempt = self.attempt(cwd).map_err(|ended| ended.end.word().to_owned())?;
        let mut failed = None;
        // The project may have had the portfolio's executor when the attempt was started, and another one since.
        for runner in self.house.runners_of(&self.project.name) {
            match runner.reattach(&attempt).await {
                Ok(Some(running)) => return Ok(Some(running)),
                Ok(None) => {}
                Err(err) => failed = Some(chain(&err)),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Takes the issue as its tracker shows it now, if only its job was known; a tracker that does not answer in time
    /// keeps nothing waiting for ever.
    pub(in crate::engine) async fn look_again(&mut self) {
        let Some(shown) = self.shown.take() else { return };
        let read = || async { self.house.read(&self.project.name, Vec::new()).await.issues };
        let issues = shown.get_or_init(read).await;
        if let Some(issue) = issues.iter().find(|issue| issue.id == self.job.issue.issue) {
            self.issue = issue.clone();
        }
    }
}

/// When an attempt ended, by its keeper's last word.
pub(in crate::engine) fn ended_at(dir: &Utf8Path) -> Option<Timestamp> {
    let written = std::fs::metadata(dir.join(STATUS_FILE)).and_then(|status| status.modified()).ok()?;
    Timestamp::try_from(written).ok()
}
