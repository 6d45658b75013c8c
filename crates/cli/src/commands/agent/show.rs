//! `dayfly agent show`: what attempts are started with.

mod launch;
mod text;

use std::collections::BTreeMap;

use dayfly_core::{
    Access, AccountConfig, AccountName, AgentConfig, AgentName, Author, Choice, Issue, IssueId, Job as _, JobContext,
    JobSpec, NameError, Profile, Project, PromptTemplate, Stage, StageJob, StageRun, TrackerState, Trust, Using,
    probe_job,
};
use dayfly_runner::agent_for;
use serde::Serialize;

use super::{agent, asked};
use crate::context::{Context, at_home};
use crate::error::CliError;
use crate::output::Output;
use launch::Launch;

/// What is to be shown.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) stage: Option<String>,
    pub(super) project: Option<String>,
}

/// An agent with all the ways in which it is started.
#[derive(Debug, Serialize)]
struct Shown {
    agent: AgentName,
    kind: &'static str,
    accounts: Vec<AccountName>,
    starts: Vec<Start>,
}

/// One way in which it is started, and where.
#[derive(Debug, Serialize)]
struct Start {
    uses: Vec<Use>,
    #[serde(flatten)]
    launch: Launch,
}

/// Where an agent is started in that way.
#[derive(Debug, Clone, Serialize)]
struct Use {
    project: String,
    stage: String,
    /// Whose text is in the issue.
    trust: Trust,
}

/// What is common to all starts of an agent.
struct Starter<'a> {
    name: &'a AgentName,
    config: &'a AgentConfig,
    accounts: BTreeMap<AccountName, AccountConfig>,
}

pub(super) async fn run(output: &Output, context: &Context, wanted: &Wanted) -> Result<(), CliError> {
    let (name, config) = agent(context, &wanted.name)?;
    let mut accounts = context.config.portfolio.accounts.clone();
    for account in accounts.values_mut() {
        account.state_dir = account.state_dir.take().map(|dir| at_home(&dir));
    }
    let starter = Starter { name, config, accounts };
    let jobs = jobs(context, &starter, wanted).await?;
    let mut starts: Vec<Start> = Vec::new();
    for (place, job) in jobs {
        let launch = starter.launch(&job)?;
        match starts.iter_mut().find(|start| start.launch == launch) {
            Some(start) => start.uses.extend(place),
            None => starts.push(Start { uses: place.into_iter().collect(), launch }),
        }
    }
    let shown = Shown { agent: name.clone(), kind: config.kind.word(), accounts: config.accounts.clone(), starts };
    output.data(&shown, || text::text(&shown))
}

/// The jobs that an agent may be started for, one for each stage and each trust.
async fn jobs(
    context: &Context,
    starter: &Starter<'_>,
    wanted: &Wanted,
) -> Result<Vec<(Option<Use>, JobSpec)>, CliError> {
    let portfolio = &context.config.portfolio;
    let only = wanted.project.as_deref().map(|name| context.project(Some(name))).transpose()?;
    let projects: Vec<&Project> =
        portfolio.projects.values().filter(|project| only.as_ref().is_none_or(|only| project.name == *only)).collect();
    let is_wanted = |stage: &&Stage| wanted.stage.as_deref().is_none_or(|name| stage.name.as_str() == name);
    let mut jobs = Vec::new();
    // The program of a session is started by no adapter.
    for project in projects.iter().filter(|project| project.runner.session().is_none()) {
        for stage in project.pipeline.stages.iter().filter(is_wanted) {
            for choice in asked(stage).iter().filter(|choice| choice.agent == *starter.name) {
                for trust in [Trust::Writer, Trust::Stranger] {
                    let place = Use { project: project.name.to_string(), stage: stage.name.to_string(), trust };
                    jobs.push((Some(place), starter.job(context, project, (stage, choice), trust).await?));
                }
            }
        }
    }
    if jobs.is_empty() {
        if wanted.stage.is_some() || wanted.project.is_some() {
            return Err(works_not_there(&projects, starter.name, wanted));
        }
        jobs = starter.made_up().map(|job| (None, job)).collect();
    }
    Ok(jobs)
}

fn works_not_there(projects: &[&Project], agent: &AgentName, wanted: &Wanted) -> CliError {
    let stages =
        || projects.iter().flat_map(|project| project.pipeline.stages.iter().map(move |stage| (project, stage)));
    let at = match (&wanted.stage, &wanted.project) {
        (Some(stage), Some(project)) => format!("at the stage `{stage}` of {project}"),
        (Some(stage), None) => format!("at a stage `{stage}`"),
        (None, project) => format!("in {}", project.as_deref().unwrap_or("any project")),
    };
    let err = CliError::usage(format!("agent `{agent}` does not work {at}"));
    let its: Vec<String> = stages()
        .filter(|(_, stage)| stage.run == StageRun::Agent && asked(stage).iter().any(|choice| choice.agent == *agent))
        .map(|(project, stage)| format!("{} of {}", stage.name, project.name))
        .collect();
    if its.is_empty() {
        return err.hint(
            "`dayfly agent list` shows where each agent works; without `--stage` and `--project` this shows more",
        );
    }
    err.hint(format!("it works at {}", its.join(", ")))
}

impl Starter<'_> {
    /// The job of a stage for an issue that people of that trust wrote.
    async fn job(
        &self,
        context: &Context,
        project: &Project,
        (stage, choice): (&Stage, &Choice),
        trust: Trust,
    ) -> Result<JobSpec, CliError> {
        let problem = |err: &dyn std::error::Error| CliError::environment(format!("cannot make a job: {err}"));
        // The text of the prompt is of no account here, and one of the user's may need what there is not.
        let prompt = PromptTemplate::new("the prompt").map_err(|err| problem(&err))?;
        let agent = agent_for(self.name, self.config, &self.accounts);
        let job = StageJob { labels: context.config.portfolio.labels.clone(), stage_labels: BTreeMap::new() };
        let context = JobContext {
            project: project.clone(),
            issue: issue(trust).map_err(|err| problem(&err))?,
            stage: Stage { prompt, ..stage.clone() },
            known: None,
            agent: Some(self.name.clone()),
            vendor: Some(self.config.vendor(self.name)),
            account: self.config.accounts.first().cloned(),
            answer_by: agent.answers(),
            model: choice.model.clone().or_else(|| self.config.model.clone()),
            base: None,
            start: None,
        };
        job.freeze(&context).await.map_err(|err| problem(&err))
    }

    /// Jobs of no stage, for an agent that works at none.
    fn made_up(&self) -> impl Iterator<Item = JobSpec> {
        let using = Using::new(self.config.vendor(self.name), self.config.accounts.first().cloned(), None);
        let mut job = probe_job(self.name, &using);
        job.account = self.config.accounts.first().cloned();
        let all = [Profile::Trusted, Profile::Untrusted]
            .into_iter()
            .flat_map(|profile| [Access::Read, Access::Write].into_iter().map(move |access| (profile, access)));
        all.map(move |(profile, access)| JobSpec { profile, access, ..job.clone() })
    }

    fn launch(&self, job: &JobSpec) -> Result<Launch, CliError> {
        let account = job.account.as_ref().and_then(|name| self.accounts.get(name));
        let agent = agent_for(self.name, self.config, &self.accounts);
        let command = agent.command(job).map_err(|err| CliError::usage(err.to_string()))?;
        Ok(Launch::new(job, command, self.config, account))
    }
}

/// An issue that somebody of that trust wrote.
fn issue(trust: Trust) -> Result<Issue, NameError> {
    Ok(Issue {
        id: IssueId::new("1")?,
        title: "an issue".into(),
        body: String::new(),
        labels: Vec::new(),
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("somebody", trust),
        parent: None,
        comments: Vec::new(),
        facts: dayfly_core::IssueFacts::default(),
    })
}
