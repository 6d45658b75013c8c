//! Removing what attempts leave on the disk, once the ledger holds how they ended.
//!
//! Before that nothing is removed: an engine that takes an attempt up again needs its working copy.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AttemptId, IssueRef, IssueState, Project, State, StoreError};

use crate::git::GitError;
use crate::keeper::{KEEPER_FILE, STATUS_FILE};
use crate::remove::remove_all;
use crate::subprocess::is_kept;

use super::attempt::chain;
use super::house::{House, gates_dir};
use super::probe::is_probe;

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
            if let Err(err) = self.remove_folder(&folder).await {
                failed = Some(format!("cannot remove {folder}: {err}"));
            }
        }
        let copies = self.remove_copies(project, attempt).await;
        copies.map_err(|err| chain(&err))?;
        failed.map_or(Ok(()), Err)
    }

    /// Removes a folder with all that is in it. One that is not there is no error.
    pub(super) async fn remove_folder(&self, folder: &Utf8Path) -> io::Result<()> {
        let folder = folder.to_owned();
        let failed = || Err(io::Error::other("the removal of it failed"));
        self.ground.blocking(move || remove_all(&folder)).await.unwrap_or_else(failed)
    }

    /// Puts aside what lies where an attempt that is about to start puts its own: a ledger that was restored from a backup
    /// gives numbers out again, and another attempt's result is not to be taken for this one's.
    pub(super) fn put_aside(&self, attempt: &AttemptId) {
        let dir = self.attempt_dir(attempt);
        let used = [KEEPER_FILE, STATUS_FILE].iter().any(|file| dir.join(file).exists());
        let tree = self.tree(attempt);
        let tree = tree.exists().then_some(tree);
        let dirs = used.then(|| [dir, gates_dir(&self.portfolio, attempt)]).into_iter().flatten();
        for folder in dirs.chain(tree).filter(|folder| self.ground.is_there() && folder.exists()) {
            let free = (1..).map(|n| Utf8PathBuf::from(format!("{folder}.left-{n}"))).find(|to| !to.exists());
            // What cannot be put aside is in the way, and the attempt says so.
            let _ = free.map(|to| std::fs::rename(&folder, to));
        }
    }

    async fn remove_copies(&self, project: &Project, attempt: &AttemptId) -> Result<(), GitError> {
        let Some(git) = self.git(project).await? else { return Ok(()) };
        git.remove_copy(&self.gate_tree(attempt)).await?;
        git.remove_copy(&self.tree(attempt)).await
    }

    /// Removes what attempts left of which the ledger has known the end for longer than the engine that was to clean up.
    /// Nothing else is touched: people keep copies of what interests them beside it.
    ///
    /// # Errors
    /// If the store does not serve.
    pub(super) async fn clean_leftovers(&self, state: &State) -> Result<(), StoreError> {
        self.forget_keys(state);
        self.clean_probes().await;
        let Ok(entries) = self.portfolio.state_dir.join("work").read_dir_utf8() else { return Ok(()) };
        let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_owned()).collect();
        let left: Vec<(IssueRef, u32, AttemptId)> =
            names.iter().filter_map(|name| attempt(name.strip_suffix(".gates").unwrap_or(name))).collect();
        // What is over for long was set aside.
        let issues: Vec<IssueRef> = left.iter().map(|(issue, ..)| issue.clone()).collect();
        let known: BTreeMap<IssueRef, IssueState> = self.store.recall(&issues).await?.into_iter().collect();
        for (issue, number, attempt) in left {
            let ended = known.get(&issue).is_some_and(|known| number <= known.attempts);
            if let Some(project) = self.project(&issue.project).filter(|_| ended && !state.live.contains_key(&attempt))
            {
                // What cannot be removed now is tried again by the next engine.
                let _ = self.clean(project, &attempt).await;
            }
        }
        Ok(())
    }

    /// Ends and removes what probes of an earlier engine left. Nobody waits for what they find.
    async fn clean_probes(&self) {
        let state = &self.portfolio.state_dir;
        let folders = ["attempts", "work"].into_iter().filter_map(|name| state.join(name).read_dir_utf8().ok());
        let left: Vec<_> = folders.flatten().flatten().filter(|entry| is_probe(entry.file_name())).collect();
        for folder in left {
            let id = AttemptId::from_text(folder.file_name());
            self.ground.kill_attempt(&self.tag, &id, None).await;
            // What cannot be removed now is tried again by the next engine.
            let _ = self.remove_folder(folder.path()).await;
        }
    }

    /// Waits until nothing keeps the commands of an attempt's gates any more.
    pub(super) async fn wait_for_gates(&self, attempt: &AttemptId) {
        let gates = gates_dir(&self.portfolio, attempt).read_dir_utf8();
        for gate in gates.into_iter().flatten().flatten() {
            wait_for_keeper(gate.path()).await;
        }
    }

    /// Sees to it that nothing of an earlier judgement of an attempt is at work or in the way: it is judged anew.
    pub(super) async fn end_gates(&self, project: &Project, attempt: &AttemptId) {
        self.wait_for_gates(attempt).await;
        let dir = gates_dir(&self.portfolio, attempt);
        let gates: Vec<_> = dir.read_dir_utf8().map(|entries| entries.flatten().collect()).unwrap_or_default();
        for gate in gates {
            let id = AttemptId::from_text(format!("{attempt}.gate-{}", gate.file_name()));
            self.ground.kill_attempt(&self.tag, &id, None).await;
        }
        let _ = self.remove_folder(&dir).await;
        if let Ok(Some(git)) = self.git(project).await {
            let _ = git.remove_copy(&self.gate_tree(attempt)).await;
        }
    }
}

/// The attempt of that name, with its issue and number.
fn attempt(name: &str) -> Option<(IssueRef, u32, AttemptId)> {
    let id = AttemptId::from_text(name);
    Some((id.issue()?, id.number()?, id))
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
