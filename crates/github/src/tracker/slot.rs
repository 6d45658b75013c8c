//! One repository: what is known of it, and who waits for what.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::ForgeRepo;
use jiff::Timestamp;

use super::fault::Fault;
use super::snapshot::Snapshot;
use super::store;

/// One repository.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its name in the configuration.
    pub(crate) asked: ForgeRepo,
    file: Utf8PathBuf,
    held: Mutex<Held>,
    /// Held by whoever writes to the repository: what is looked up stays so until it is written.
    pub(crate) writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    snapshot: Option<Snapshot>,
    /// When what is known was last found to be right.
    checked: Option<Timestamp>,
    /// Whether somebody waits for it to be looked at.
    wanted: bool,
    /// How often it was said to have changed.
    hints: u64,
    /// How many of these came before what was read.
    taken: u64,
    /// What went wrong the last time.
    fault: Option<Fault>,
    /// The labels that the repository has, in lower case.
    labels: Option<BTreeSet<String>>,
}

impl Slot {
    pub(crate) fn new(asked: ForgeRepo, folder: &Utf8Path) -> Self {
        let file = store::file(folder, &asked);
        Self { asked, file, held: Mutex::default(), writing: tokio::sync::Mutex::default() }
    }

    /// Reads what an earlier process left, once.
    pub(crate) async fn open(&self, now: Timestamp) {
        if self.locked().snapshot.is_some() {
            return;
        }
        let file = self.file.clone();
        let loaded = tokio::task::spawn_blocking(move || store::load(&file)).await.ok().flatten();
        self.locked().snapshot.get_or_insert_with(|| loaded.unwrap_or_else(|| Snapshot::new(now)));
    }

    /// Puts what is known on disk. If that fails, the next process reads more, and nothing else is lost.
    pub(crate) async fn save(&self) {
        let Some(snapshot) = self.locked().snapshot.clone() else { return };
        let file = self.file.clone();
        let _ = tokio::task::spawn_blocking(move || store::save(&file, &snapshot)).await;
    }

    /// Works on what is known. Nothing in it waits.
    pub(crate) fn with<T>(&self, now: Timestamp, work: impl FnOnce(&mut Snapshot) -> T) -> T {
        work(self.locked().snapshot.get_or_insert_with(|| Snapshot::new(now)))
    }

    /// The name it has on GitHub now.
    pub(crate) fn repo(&self) -> ForgeRepo {
        let held = self.locked();
        let moved = held.snapshot.as_ref().and_then(|snapshot| snapshot.moved.as_deref());
        moved.and_then(|name| ForgeRepo::new(name).ok()).unwrap_or_else(|| self.asked.clone())
    }

    /// The path of something of it.
    pub(crate) fn path(&self, below: &str) -> String {
        let repo = self.repo();
        format!("/repos/{}/{}{below}", repo.owner(), repo.name())
    }

    pub(crate) fn file(&self) -> &Utf8Path {
        &self.file
    }

    /// Says that somebody waits.
    pub(crate) fn want(&self) {
        self.locked().wanted = true;
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.locked().wanted
    }

    /// Says that something changed there.
    pub(crate) fn mark_dirty(&self) {
        let mut held = self.locked();
        (held.hints, held.checked) = (held.hints + 1, None);
    }

    pub(crate) fn is_dirty(&self) -> bool {
        let held = self.locked();
        held.hints > held.taken
    }

    /// Whether what is known was right so short a time ago.
    pub(crate) fn is_fresh(&self, now: Timestamp, fresh: jiff::SignedDuration) -> bool {
        !self.is_dirty() && self.locked().checked.is_some_and(|at| at <= now && now.duration_since(at) < fresh)
    }

    /// Puts down what became of looking at it, which began at that time.
    pub(crate) fn settle(&self, started: Timestamp, result: Result<(), Fault>) {
        let mut held = self.locked();
        held.wanted = false;
        held.fault = result.err();
        // A hint that came meanwhile is about something newer.
        if held.fault.is_none() && held.hints == held.taken {
            held.checked = Some(started);
        }
    }

    /// How many hints there are, before its changes are read: one that comes from now on is another one.
    pub(crate) fn hints(&self) -> u64 {
        self.locked().hints
    }

    /// Puts down that so many hints were followed.
    pub(crate) fn took_hints(&self, hints: u64) {
        self.locked().taken = hints;
    }

    pub(crate) fn result(&self) -> Result<(), Fault> {
        self.locked().fault.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn lacks_label(&self, label: &str) -> Option<bool> {
        self.locked().labels.as_ref().map(|labels| !labels.contains(&label.to_lowercase()))
    }

    pub(crate) fn learn_labels(&self, names: impl IntoIterator<Item = String>) {
        let names = names.into_iter().map(|name| name.to_lowercase());
        self.locked().labels.get_or_insert_default().extend(names);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
