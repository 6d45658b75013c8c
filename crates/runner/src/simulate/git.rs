//! The engine's git, over a repository of values.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Commit, ProjectName, Remote};

use crate::gates::GATES_FILE;
use crate::git::{Candidate, Found, GitError, Landed, Pushed, Repository};

use super::mutation::Mutation;
use super::world::{FaultKind, Place, World};

/// The commands of every simulated project: one, which finds what an agent's commit has wrong with it.
const GATES: &str = "[[command]]\nname = \"check\"\nrun = [\"check\"]\n";

/// How many lines a change has.
const LINES: u64 = 40;

/// A repository of the simulated world.
#[derive(Debug)]
pub(super) struct SimRepo {
    pub(super) world: Arc<World>,
    pub(super) project: ProjectName,
}

impl SimRepo {
    fn with<T>(&self, ask: impl FnOnce(&mut Place) -> T) -> Result<T, GitError> {
        let mut inner = self.world.look();
        inner.places.get_mut(&self.project).map(ask).ok_or_else(|| self.failed("rev-parse", "there is no repository"))
    }

    fn failed(&self, command: &str, said: &str) -> GitError {
        let place = Utf8PathBuf::from(format!("simulated/{}", self.project));
        GitError::Failed { command: command.into(), place, said: said.into() }
    }

    /// A call over the network, which may fail.
    async fn network(&self) -> Result<(), GitError> {
        tokio::time::sleep(Duration::from_millis(400)).await;
        if self.world.is_away(&self.project) {
            return Err(self.slow());
        }
        self.reached(FaultKind::ServiceDown)
    }

    fn reached(&self, fault: FaultKind) -> Result<(), GitError> {
        if self.world.fails(fault) {
            return Err(self.slow());
        }
        Ok(())
    }

    fn slow(&self) -> GitError {
        let place = Utf8PathBuf::from(format!("simulated/{}", self.project));
        GitError::Slow { command: "ls-remote".into(), place }
    }

    fn moves(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Landed, GitError> {
        let moved = self.with(|place| {
            let now = place.repo.branches.get(branch).cloned().unwrap_or_else(|| Commit(String::new()));
            if place.repo.is_ancestor(to, &now) {
                return Landed::Already;
            }
            if now != *from {
                return Landed::Race(now);
            }
            if self.world.mutation != Some(Mutation::Landing) {
                place.repo.point(branch, to);
            }
            Landed::Moved
        })?;
        if moved == Landed::Moved {
            self.landed(to);
        }
        Ok(moved)
    }

    /// What lands was judged.
    fn landed(&self, to: &Commit) {
        let stages = self.world.portfolio.projects.get(&self.project).into_iter().flat_map(|p| &p.pipeline.stages);
        let judged = stages.flat_map(|stage| &stage.gates).any(|gate| *gate == dayfly_core::GateSpec::Commands);
        if judged && self.with(|place| place.repo.is_bad(to)).unwrap_or(false) {
            self.world.violated(format!("{} landed in {} although its commands fail", to.short(), self.project));
        }
    }
}

#[async_trait]
impl Repository for SimRepo {
    async fn branch(&self, branch: &str) -> Result<Option<Commit>, GitError> {
        self.with(|place| place.repo.branches.get(branch).cloned())
    }

    async fn is_ancestor(&self, ancestor: &Commit, of: &Commit) -> Result<bool, GitError> {
        self.with(|place| place.repo.is_ancestor(ancestor, of))
    }

    async fn resolve(&self, name: &str) -> Result<Option<Commit>, GitError> {
        let commit = Commit(name.to_owned());
        self.with(|place| place.repo.has(&commit).then_some(commit))
    }

    async fn file_at(&self, _commit: &Commit, path: &str) -> Result<Option<String>, GitError> {
        Ok((path == GATES_FILE).then(|| GATES.to_owned()))
    }

    async fn fetch(&self, _remote: &Remote, branch: &str) -> Result<Option<Commit>, GitError> {
        self.network().await?;
        self.branch(branch).await
    }

    fn lends(&self) -> Vec<Utf8PathBuf> {
        Vec::new()
    }

    async fn add_copy(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        self.with(|place| place.repo.add_copy(tree, commit))
    }

    async fn remove_copy(&self, tree: &Utf8Path) -> Result<(), GitError> {
        self.with(|place| place.repo.remove_copy(tree))
    }

    async fn inspect(&self, tree: &Utf8Path, base: &Commit, start: &Commit) -> Result<Found, GitError> {
        let found = self.with(|place| {
            let repo = &place.repo;
            let commit = repo.head(tree)?;
            let changed = repo.changed(base, &commit);
            Some(Found {
                descends: repo.is_ancestor(start, &commit),
                dirty: repo.dirty(tree),
                diff_lines: LINES * changed.len() as u64,
                changed,
                commits: repo.between(base, &commit),
                commit,
            })
        })?;
        let why = || "its repository is not there any more".to_owned();
        found.ok_or_else(|| GitError::Left { place: tree.to_owned(), why: why() })
    }

    async fn take(&self, tree: &Utf8Path, _known: &[&Commit]) -> Result<Option<Commit>, GitError> {
        self.with(|place| place.repo.head(tree))
    }

    async fn keep(&self, name: &str, commit: &Commit) -> Result<(), GitError> {
        self.with(|place| place.repo.keep(name, commit))
    }

    async fn commits(&self, base: &Commit, tip: &Commit) -> Result<Vec<String>, GitError> {
        self.with(|place| place.repo.between(base, tip))
    }

    async fn candidate(&self, base: &Commit, tip: &Commit, squash: Option<&str>) -> Result<Candidate, GitError> {
        self.with(|place| place.repo.candidate(base, tip, squash.is_some()))
    }

    async fn land(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Landed, GitError> {
        self.moves(branch, from, to)
    }

    async fn land_there(
        &self,
        _remote: &Remote,
        branch: &str,
        (from, to): (&Commit, &Commit),
    ) -> Result<Landed, GitError> {
        self.network().await?;
        let landed = self.moves(branch, from, to)?;
        self.reached(FaultKind::AnswerLost)?;
        Ok(landed)
    }

    async fn push(&self, _remote: &Remote, branch: &str, commit: &Commit) -> Result<Pushed, GitError> {
        self.network().await?;
        let now = self.branch(branch).await?;
        if now.as_ref() == Some(commit) {
            return Ok(Pushed::Already);
        }
        let at = self.world.time.true_now();
        let foreign = self.with(|place| {
            let foreign = now.filter(|now| !place.repo.is_ancestor(now, commit) && !place.repo.is_kept(now));
            if foreign.is_none() {
                place.repo.point(branch, commit);
                place.pushed(branch, commit, at);
            }
            foreign
        })?;
        self.reached(FaultKind::AnswerLost)?;
        Ok(foreign.map_or(Pushed::Moved, Pushed::Foreign))
    }

    async fn set_branch(&self, branch: &str, commit: &Commit) -> Result<(), GitError> {
        let now = self.branch(branch).await?;
        let foreign = self.with(|place| {
            let foreign = now.filter(|now| !place.repo.is_ancestor(now, commit) && !place.repo.is_kept(now));
            if foreign.is_none() {
                place.repo.point(branch, commit);
            }
            foreign
        })?;
        if let Some(now) = foreign {
            return Err(self.failed("update-ref", &format!("the branch {branch} stands at {}", now.short())));
        }
        let at = self.world.time.true_now();
        let mut inner = self.world.look();
        self.world.somebody_will_look(&mut inner, &self.project, branch, at);
        Ok(())
    }
}
