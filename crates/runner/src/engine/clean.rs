//! Removing what attempts leave on the disk, once the ledger holds how they ended.
//!
//! Before that nothing is removed: an engine that takes an attempt up again needs its working copy.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8Path;
use dayfly_core::{AttemptId, LiveAttempt, Project};

use crate::git::GitError;
use crate::process;
use crate::remove::remove_folder;
use crate::subprocess::is_kept;

use super::attempt::chain;
use super::house::{House, gates_dir};

/// How long the commands of a gate may take to end with the engine that ran them.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often they are looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);

impl House {
    /// Removes an attempt's working copies, homes and temporary files. Its prompt, logs and answer are kept.
    ///
    /// # Errors
    /// What could not be removed; the next engine tries again.
    pub(super) async fn clean(&self, project: &Project, attempt: &AttemptId) -> Result<(), String> {
        let mut dirs = vec![self.attempt_dir(attempt)];
        if let Ok(gates) = gates_dir(&self.portfolio, attempt).read_dir_utf8() {
            dirs.extend(gates.flatten().map(|gate| gate.path().to_owned()));
        }
        let mut failed = None;
        for folder in dirs.iter().flat_map(|dir| ["home", "tmp"].map(|name| dir.join(name))) {
            if let Err(err) = remove_folder(&folder).await {
                failed = Some(format!("cannot remove {folder}: {err}"));
            }
        }
        let copies = self.remove_copies(project, attempt).await;
        copies.map_err(|err| chain(&err))?;
        failed.map_or(Ok(()), Err)
    }

    async fn remove_copies(&self, project: &Project, attempt: &AttemptId) -> Result<(), GitError> {
        let Some(git) = self.git(project).await? else { return Ok(()) };
        git.remove_copy(&self.gate_tree(attempt)).await?;
        git.remove_copy(&self.tree(attempt)).await
    }

    /// Removes what attempts left of which the ledger has known the end for longer than the engine that was to clean up.
    pub(super) async fn clean_leftovers(&self, live: &BTreeMap<AttemptId, LiveAttempt>) {
        let Ok(entries) = self.portfolio.state_dir.join("work").read_dir_utf8() else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            // What could not be taken is left to a person.
            if name.ends_with(".left") {
                continue;
            }
            let attempt = AttemptId::from_text(name.strip_suffix(".gates").unwrap_or(name));
            let project = name
                .split_once('.')
                .and_then(|(project, _)| self.portfolio.projects.values().find(|p| p.name.as_str() == project));
            if let Some(project) = project.filter(|_| !live.contains_key(&attempt)) {
                // What cannot be removed now is tried again by the next engine.
                let _ = self.clean(project, &attempt).await;
            }
        }
    }

    /// Sees to it that nothing of an earlier judgement of an attempt is at work or in the way: it is judged anew.
    pub(super) async fn end_gates(&self, project: &Project, attempt: &AttemptId) {
        let dir = gates_dir(&self.portfolio, attempt);
        let gates: Vec<_> = dir.read_dir_utf8().map(|entries| entries.flatten().collect()).unwrap_or_default();
        for gate in gates {
            let id = AttemptId::from_text(format!("{attempt}.gate-{}", gate.file_name()));
            let tag = self.tag.clone();
            wait_for_keeper(gate.path()).await;
            let _ = tokio::task::spawn_blocking(move || process::kill_attempt(&tag, &id, None)).await;
        }
        let _ = remove_folder(&dir).await;
        if let Ok(Some(git)) = self.git(project).await {
            let _ = git.remove_copy(&self.gate_tree(attempt)).await;
        }
    }
}

/// Waits for a keeper that ends its command because the engine has died.
async fn wait_for_keeper(dir: &Utf8Path) {
    let _ = tokio::time::timeout(PATIENCE, async {
        while is_kept(dir) {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
}
