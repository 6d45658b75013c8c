//! The command of a project that tells whether its migrations are as their record says.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    AttemptId, Commit, Looked, MigrationCheck, OutputLimits, Portfolio, Project, Runner, Trust, Verdict,
};

use crate::engine::git_dir;
use crate::gates::Commands;
use crate::git::{Git, TrustedGit};
use crate::inbox::new_order_id;
use crate::remove::{remove_all, remove_folder};
use crate::subprocess::{Keeper, SubprocessRunner};

use super::told;

/// What is kept of what it prints.
const OUTPUT: OutputLimits = OutputLimits { log_bytes: 1 << 20, line_bytes: 1 << 14 };

/// What is left of a look that was killed is removed by one so much later.
const OVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs the commands of projects, as those of their gates are run: on a working copy of its own at the commit of the base
/// branch, within the project's limits and in its sandbox for trusted work.
#[derive(Debug)]
pub struct Migrations {
    runner: Arc<dyn Runner>,
}

impl Migrations {
    /// With that keeper.
    pub fn kept(keeper: Keeper, portfolio: &Portfolio) -> Self {
        let keeper = keeper.after_crash(dayfly_core::AfterCrash::End).hiding(portfolio.state_dir.clone());
        Self { runner: Arc::new(SubprocessRunner::kept(keeper)) }
    }

    /// With that runner.
    pub fn of(runner: Arc<dyn Runner>) -> Self {
        Self { runner }
    }

    pub(super) async fn check(
        &self,
        portfolio: &Portfolio,
        project: &Project,
        check: &MigrationCheck,
        commit: &Commit,
    ) -> Looked<Verdict> {
        let folder = portfolio.state_dir.join("drift");
        sweep(&folder);
        let id = new_order_id();
        let place = folder.join(format!("{}.{id}", project.name));
        let lent = match &project.forge {
            Some(_) => git_dir(portfolio, &project.name),
            None => project.path.clone(),
        };
        let run = self.run((project, check), &lent, (commit, &place, id.as_str())).await;
        // One that stays is removed by a later look.
        let _ = remove_folder(&place).await;
        run
    }

    async fn run(
        &self,
        (project, check): (&Project, &MigrationCheck),
        lent: &Utf8Path,
        (commit, place, tag): (&Commit, &Utf8PathBuf, &str),
    ) -> Looked<Verdict> {
        let user = Git::open(lent).await.map_err(|err| told(&err))?;
        let git = TrustedGit::open(user, &place.join("git")).await.map_err(|err| told(&err))?;
        let commands = Commands {
            git: Some(git.into()),
            dir: place.join("run"),
            tree: place.join("tree"),
            attempt: AttemptId::from_text(format!("drift.{}", project.name)),
            tag: tag.to_owned(),
            runner: Arc::clone(&self.runner),
            output: OUTPUT,
        };
        let job = dayfly_core::check_job(project, Trust::Writer);
        commands.run_alone(("migrations", check), &job, commit).await.map_err(|err| told(&err))
    }
}

/// Removes what looks left that were killed.
fn sweep(folder: &Utf8Path) {
    for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
        let made = entry.metadata().and_then(|metadata| metadata.modified());
        let age = made.ok().and_then(|made| made.elapsed().ok());
        if age.is_some_and(|age| age > OVER) && fs::symlink_metadata(entry.path()).is_ok_and(|meta| meta.is_dir()) {
            let _ = remove_all(entry.path());
        }
    }
}
