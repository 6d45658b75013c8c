//! What all tasks of an engine share: the parts it was built from, and where things lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8PathBuf;
use dayfly_core::{
    Agent, AgentName, AttemptId, Billing, Clock, Effect, Forge, Job, JobSpec, OutputLimits, Portfolio, Project,
    ProjectName, ProjectView, Receipt, Remote, Runner, Service, Stage, StageName, Store, Tracker, TrackerError, Using,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::OnceCell;

use crate::agents::billing_route;
use crate::gates::{Commands, Gates};
use crate::git::{Git, GitError, Repo, TrustedGit};
use crate::order_folder::OrderFolder;
use crate::subprocess::Leave;

use super::ground::Ground;
use super::reading::{self, At, Branches, Handed};

/// The longest line given to an agent's reader.
const LINE_BYTES: usize = 1 << 20;

/// The parts of an engine.
#[derive(Debug)]
pub(super) struct House {
    pub(super) portfolio: Arc<Portfolio>,
    /// The projects once more, for attempts to share.
    pub(super) projects: BTreeMap<ProjectName, Arc<Project>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) tracker: Arc<dyn Tracker>,
    /// Where changes of projects with a repository on a forge are reviewed and merged.
    pub(super) forge: Option<Arc<dyn Forge>>,
    pub(super) runner: Arc<dyn Runner>,
    /// Those of projects that have one of their own.
    pub(super) runners: BTreeMap<ProjectName, Arc<dyn Runner>>,
    /// Runs the commands of gates; always real processes, whatever runs the agents.
    pub(super) gate_runner: Arc<dyn Runner>,
    pub(super) agents: BTreeMap<AgentName, Arc<dyn Agent>>,
    pub(super) jobs: BTreeMap<StageName, Arc<dyn Job>>,
    pub(super) stage_job: Arc<dyn Job>,
    pub(super) gates: Gates,
    pub(super) clock: Arc<dyn Clock>,
    /// The zone in which days begin, and in which vendors' programs print times.
    pub(super) zone: TimeZone,
    pub(super) tag: String,
    /// Where orders of people come in; without it none do.
    pub(super) orders: Option<OrderFolder>,
    pub(super) ground: Ground,
    /// Whether kept attempts that are dropped are left to their keepers.
    pub(super) leave: Leave,
    /// The repositories that were opened, each once: to open one removes what an engine before this one left half done.
    pub(super) opened: Mutex<BTreeMap<ProjectName, Arc<OnceCell<Repo>>>>,
}

impl House {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn project(&self, name: &ProjectName) -> Option<&Arc<Project>> {
        self.projects.get(name)
    }

    /// What executes the attempts of a project.
    pub(super) fn runner(&self, project: &ProjectName) -> &Arc<dyn Runner> {
        self.runners.get(project).unwrap_or(&self.runner)
    }

    /// What may have executed attempts of a project: its own executor, and that of the portfolio.
    pub(super) fn runners_of(&self, project: &ProjectName) -> impl Iterator<Item = &Arc<dyn Runner>> {
        self.runners.get(project).into_iter().chain([&self.runner])
    }

    /// How the use of a job's agent would be billed, by the keys it is given.
    ///
    /// # Errors
    /// A key that would silently change who pays, with the remedy.
    pub(super) fn route(&self, job: &JobSpec) -> Result<Billing, String> {
        let agent = job.agent.as_ref().and_then(|name| self.portfolio.agents.get(name));
        let account = job.account.as_ref().and_then(|name| self.portfolio.accounts.get(name));
        if !self.ground.is_there() {
            return Ok(self.portfolio.billing(job.account.as_ref()));
        }
        let there = |name: &str| self.ground.has_variable(name);
        agent.map_or(Ok(Billing::Unknown), |agent| billing_route(agent, account, &there, &BTreeMap::new()))
    }

    /// Adds how the use of a job's agent was billed and what it cost, as far as that is configured and it did not say.
    pub(super) fn bill(&self, job: &JobSpec, receipt: &mut Receipt) {
        let configured = self.portfolio.billing(job.account.as_ref());
        if !configured.is_unknown() {
            receipt.billing = configured;
        } else if receipt.billing.is_unknown() {
            receipt.billing = self.route(job).unwrap_or_default();
        }
        let agent = job.agent.as_ref().and_then(|name| self.portfolio.agents.get(name));
        let model = receipt.model.as_ref().or(job.model.as_ref());
        let price = agent.zip(model).and_then(|(agent, model)| agent.prices.get(model));
        if let (None, Some(price)) = (receipt.usage.cost_usd, price) {
            receipt.usage.cost_usd = Some(price.of(&receipt.usage));
        }
    }

    /// Whether what a job used is what its stage would be planned with again: then a limit that it met parks it. A kind
    /// of job of one's own may have named another model, and what is known of that one keeps nothing waiting.
    pub(super) fn parks(&self, job: &JobSpec, stage: &Stage) -> bool {
        let Some(using) = job.using() else { return false };
        stage.agents.iter().any(|choice| {
            let Some(agent) = self.portfolio.agents.get(&choice.agent) else { return false };
            let model = choice.model.clone().or_else(|| agent.model.clone());
            let known = match &job.account {
                Some(account) => agent.accounts.contains(account),
                None => agent.accounts.is_empty(),
            };
            known && using == Using::new(agent.vendor(&choice.agent), job.account.clone(), model)
        })
    }

    /// The kind of job that serves a stage.
    pub(super) fn job(&self, stage: &StageName) -> &Arc<dyn Job> {
        self.jobs.get(stage).unwrap_or(&self.stage_job)
    }

    /// The folder of an attempt: its prompt, log and proposal. It is kept.
    pub(super) fn attempt_dir(&self, attempt: &AttemptId) -> Utf8PathBuf {
        attempt_dir(&self.portfolio, attempt)
    }

    /// The working copy of an attempt. It is removed when the attempt has ended.
    pub(super) fn tree(&self, attempt: &AttemptId) -> Utf8PathBuf {
        self.portfolio.state_dir.join("work").join(attempt.as_str())
    }

    /// The working copy in which an attempt's gates run.
    pub(super) fn gate_tree(&self, attempt: &AttemptId) -> Utf8PathBuf {
        self.portfolio.state_dir.join("work").join(format!("{attempt}.gates"))
    }

    /// The project's repository; `None` for a plain folder.
    pub(super) async fn git(&self, project: &Project) -> Result<Option<Repo>, GitError> {
        if !project.repository {
            return Ok(None);
        }
        let opened = {
            let mut all = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(project.name.clone()).or_default())
        };
        let open = || async {
            let user = Git::open(&project.path).await?;
            TrustedGit::open(user, &git_dir(&self.portfolio, &project.name)).await.map(Repo::from)
        };
        opened.get_or_try_init(open).await.cloned().map(Some)
    }

    /// Where the branches of a project are, if they are on a forge.
    pub(super) async fn remote(&self, project: &Project) -> Result<Option<Remote>, TrackerError> {
        match self.forge_of(project) {
            Some(forge) => forge.remote(&project.name).await.map(Some),
            None => Ok(None),
        }
    }

    /// The forge of a project that has a repository there.
    pub(super) fn forge_of(&self, project: &Project) -> Option<&Arc<dyn Forge>> {
        self.forge.as_ref().filter(|_| project.forge.is_some() && project.repository)
    }

    /// Whether what an effect is written to waits by itself for a request that may still be under way.
    pub(super) fn guards(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Tracker { project, .. } => self.tracker.guards_writes(project),
            Effect::Pull { project, .. } => self.forge.as_ref().is_some_and(|forge| forge.guards_writes(project)),
            _ => true,
        }
    }

    /// Reads a project's view anew, within the time that its service has for that.
    pub(super) async fn read(&self, project: &ProjectName, handed: Vec<Handed>) -> ProjectView {
        let Some(project) = self.project(project) else { return ProjectView::default() };
        let git = if handed.is_empty() { None } else { self.git(project).await.ok().flatten() };
        let git = git.map(Branches::Repo);
        let at = match self.forge_of(project) {
            Some(forge) => At::Forge(&**forge, git),
            None => git.map_or(At::Nowhere, At::Here),
        };
        let limit = Service::of_issues(&project.name, &self.portfolio).reading_deadline();
        reading::within(limit, reading::view(&*self.tracker, project, handed, at)).await
    }

    pub(super) fn output(&self, project: &Project) -> OutputLimits {
        OutputLimits { log_bytes: project.limits.output_bytes, line_bytes: LINE_BYTES }
    }

    /// The gate `commands` for an attempt.
    pub(super) fn commands(&self, project: &Project, git: Option<Repo>, attempt: &AttemptId) -> Commands {
        Commands {
            git,
            dir: gates_dir(&self.portfolio, attempt),
            tree: self.gate_tree(attempt),
            attempt: attempt.clone(),
            tag: self.tag.clone(),
            runner: Arc::clone(&self.gate_runner),
            output: self.output(project),
        }
    }
}

/// The folder of an attempt within the state directory.
pub fn attempt_dir(portfolio: &Portfolio, attempt: &AttemptId) -> Utf8PathBuf {
    portfolio.state_dir.join("attempts").join(attempt.as_str())
}

/// The trusted git directory of a project within the state directory: a bare repository with what attempts committed, kept
/// under `refs/dayfly/attempts/`.
pub fn git_dir(portfolio: &Portfolio, project: &ProjectName) -> Utf8PathBuf {
    portfolio.state_dir.join("git").join(format!("{project}.git"))
}

/// The folder in which each command that judged an attempt has one of its own.
pub fn gates_dir(portfolio: &Portfolio, attempt: &AttemptId) -> Utf8PathBuf {
    portfolio.state_dir.join("attempts").join(format!("{attempt}.gates"))
}
