//! What all parts of the tracker share.

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{ForgeRepo, ProjectName};
use jiff::{SignedDuration, Timestamp};

use super::fault::Fault;
use super::slot::Slot;
use crate::GitHub;

/// What all parts of the tracker share.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) github: GitHub,
    projects: BTreeMap<ProjectName, Arc<Slot>>,
    /// Each repository once.
    pub(crate) slots: Vec<Arc<Slot>>,
    /// The labels that ask for work.
    pub(crate) entries: Vec<String>,
    /// The labels that say how soon an issue's turn comes.
    pub(crate) ranks: Vec<String>,
    /// The labels that mean anything.
    pub(crate) interesting: Vec<String>,
    pub(crate) fresh: SignedDuration,
    /// How long a write whose answer was lost is looked for, before each look.
    pub(crate) looks: Vec<std::time::Duration>,
    /// One sweep at a time; who comes meanwhile waits for it.
    pub(crate) sweeping: tokio::sync::Mutex<()>,
}

impl House {
    pub(crate) fn new(github: GitHub, settings: super::TrackerSettings) -> Self {
        let mut slots: BTreeMap<String, Arc<Slot>> = BTreeMap::new();
        let mut projects = BTreeMap::new();
        for (project, repo) in settings.projects {
            let slot = slots.entry(repo.to_string().to_ascii_lowercase());
            let slot = slot.or_insert_with(|| Arc::new(Slot::new(repo, &settings.folder)));
            projects.insert(project, Arc::clone(slot));
        }
        let mut interesting: Vec<String> = settings.labels.exclusive().into_iter().map(str::to_owned).collect();
        interesting.push(settings.labels.stale.clone());
        let ranks: Vec<String> = settings.labels.priorities().map(|(_, label)| label.to_owned()).collect();
        interesting.extend(settings.entries.iter().chain(&ranks).cloned());
        interesting.sort();
        interesting.dedup();
        Self {
            github,
            projects,
            slots: slots.into_values().collect(),
            entries: settings.entries,
            ranks,
            interesting,
            fresh: SignedDuration::try_from(settings.fresh).unwrap_or(SignedDuration::MAX),
            looks: settings.looks,
            sweeping: tokio::sync::Mutex::default(),
        }
    }

    /// The labels that count only where somebody with write permission put them on.
    pub(crate) fn proven(&self) -> impl Iterator<Item = &String> {
        self.entries.iter().chain(&self.ranks)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.github.now()
    }

    /// The repository of a project.
    pub(crate) fn slot(&self, project: &ProjectName) -> Result<Arc<Slot>, Fault> {
        let none = || Fault::Refused(format!("project {project} names no repository on GitHub; set `repository`"));
        self.projects.get(project).cloned().ok_or_else(none)
    }

    /// The repositories that are called something else now than in the configuration.
    pub(crate) fn moved(&self) -> Vec<(ProjectName, ForgeRepo)> {
        let moved = |(project, slot): (&ProjectName, &Arc<Slot>)| {
            let now = slot.repo();
            (now != slot.asked).then(|| (project.clone(), now))
        };
        self.projects.iter().filter_map(moved).collect()
    }

    /// The repository of that name, now or in the configuration.
    pub(crate) fn slot_of(&self, repo: &ForgeRepo) -> Option<&Arc<Slot>> {
        let same = |name: &ForgeRepo| name.to_string().eq_ignore_ascii_case(&repo.to_string());
        self.slots.iter().find(|slot| same(&slot.asked) || same(&slot.repo()))
    }
}
