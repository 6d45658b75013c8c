//! Freezing: from a line of the plan to a job.

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{
    AgentKind, Commit, GateSpec, Issue, IssueState, JobContext, JobSpec, Project, Ready, Sandbox, StageRun, Subject,
    Trust, Verdict,
};
use jiff::SignedDuration;

use crate::agents::{DOTENV_FILES, billing_route};
use crate::gates::{GATES_FILE, gate_commands};
use crate::git::Repo;

use super::attempt::chain;
use super::house::House;
use super::model::{Frozen, Held};

/// What freezing needs to know besides the house.
#[derive(Debug)]
pub(super) struct ToFreeze {
    pub(super) ready: Ready,
    pub(super) issue: Option<Issue>,
    pub(super) known: Option<IssueState>,
}

/// When a forge that did not answer is asked again for what a job starts from.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

fn held(reason: impl Into<String>) -> Held {
    Held { reason: reason.into(), until: None }
}

/// Freezes a job and asks its admission gates.
pub(super) async fn freeze(house: &House, wanted: ToFreeze) -> Result<Box<Frozen>, Held> {
    let ToFreeze { ready, issue, known } = wanted;
    let project = house.project(&ready.issue.project).ok_or_else(|| held("the project is gone"))?;
    let stage = project.pipeline.stage(&ready.stage).ok_or_else(|| held("the stage is gone"))?;
    let issue = issue.ok_or_else(|| held("the issue is gone"))?;
    let (mut base, mut start) = (None, None);
    if let Some(git) = house.git(project).await.map_err(|err| held(chain(&err)))? {
        let commit = base_of(house, project, &git).await?;
        commands_can_run(&git, &commit).await?;
        start = Some(start_of(&git, known.as_ref(), stage.run).await?.unwrap_or_else(|| commit.clone()));
        base = Some(commit);
    }
    let context = JobContext {
        project: Project::clone(project),
        issue: issue.clone(),
        stage: stage.clone(),
        known,
        agent: ready.agent.clone(),
        vendor: ready.agent.as_ref().and_then(|a| Some(house.portfolio.agents.get(a)?.vendor(a))),
        account: ready.account.clone(),
        answer_by: ready.agent.as_ref().and_then(|a| house.agents.get(a)).map(|a| a.answers()).unwrap_or_default(),
        model: ready.model.clone(),
        base,
        start,
    };
    let mut job = house.job(&stage.name).freeze(&context).await.map_err(|err| held(chain(&err)))?;
    lend_login(house, &mut job);
    who_pays(house, project, &job).await?;
    agent_can_run(house, &job).await?;
    sandbox_is_there(house, &job)?;
    session_may_take(project, &job)?;
    let subject = Subject { job: job.clone(), issue: issue.clone(), work: None };
    // Labels were looked at by the plan, which also says what helps.
    let gates: Vec<GateSpec> = job.admission.iter().filter(|g| !matches!(g, GateSpec::Label(_))).cloned().collect();
    let results = house.gates.check(&gates, &subject, None).await.map_err(|err| held(chain(&err)))?;
    match results.last().map(|r| (&r.gate, &r.verdict)) {
        Some((gate, Verdict::Hold { reason, until })) => {
            Err(Held { reason: format!("gate {gate}: {reason}"), until: *until })
        }
        Some((gate, Verdict::Fail { reason, .. })) => Err(held(format!("gate {gate}: {reason}"))),
        _ => Ok(Box::new(Frozen { job, issue })),
    }
}

/// The commit that work starts from: that of the forge, if there is one, because people land there too.
async fn base_of(house: &House, project: &Project, git: &Repo) -> Result<Commit, Held> {
    let pause = SignedDuration::try_from(house.portfolio.retry.max).map_or(AGAIN, |most| most.min(AGAIN));
    let soon = house.now().checked_add(pause).ok();
    let remote = house.remote(project).await.map_err(|err| {
        let until = err.not_before().or(soon.filter(|_| err.is_transient()));
        Held { reason: chain(&err), until }
    })?;
    let (commit, place) = match &remote {
        // What fails on the way there may pass: a night is not lost over one answer.
        Some(remote) => {
            let commit = git.fetch(remote, &project.base).await;
            (commit.map_err(|err| Held { reason: chain(&err), until: soon })?, remote.url.as_str())
        }
        None => (git.branch(&project.base).await.map_err(|err| held(chain(&err)))?, project.path.as_str()),
    };
    commit.ok_or_else(|| {
        held(format!("{place} has no branch `{}`; set `base` of project {}", project.base, project.name))
    })
}

/// A key that would silently change who pays, and one that is to be kept by a proxy and is not there, keep a job from
/// being started.
async fn who_pays(house: &House, project: &Project, job: &JobSpec) -> Result<(), Held> {
    let Some((name, agent)) = job.agent.as_ref().and_then(|name| Some((name, house.portfolio.agents.get(name)?)))
    else {
        return Ok(());
    };
    let account = job.account.as_ref().and_then(|name| house.portfolio.accounts.get(name));
    let there = |name: &str| house.ground.has_variable(name);
    if let Some(variable) = account.and_then(|account| account.proxy_key.as_ref()).filter(|name| !there(name)) {
        return Err(held(format!(
            "agent {name}: the variable {variable}, which holds the account's key, is not set; set it where dayfly runs"
        )));
    }
    // A program of one's own is nobody's customer that is known here, and one that is only simulated nobody's at all.
    if agent.kind == AgentKind::Command || !house.ground.is_there() {
        return Ok(());
    }
    let mut files = BTreeMap::new();
    for file in DOTENV_FILES {
        let text = match (house.git(project).await.map_err(|err| held(chain(&err)))?, &job.start) {
            (Some(git), Some(start)) => git.file_at(start, file).await.map_err(|err| held(chain(&err)))?,
            _ => tokio::fs::read_to_string(project.path.join(file)).await.ok(),
        };
        files.extend(text.map(|text| (file.to_owned(), text)));
    }
    billing_route(agent, account, &there, &files).map(drop).map_err(|why| held(format!("agent {name}: {why}")))
}

/// A sandbox shows the folder in which the account's login lies.
fn lend_login(house: &House, job: &mut JobSpec) {
    let account = job.account.as_ref().and_then(|name| house.portfolio.accounts.get(name));
    if let Some(dir) = account.and_then(|account| account.state_dir.clone())
        && job.sandbox.least != Sandbox::None
        && !job.sandbox.write.contains(&dir)
    {
        job.sandbox.write.push(dir);
    }
}

/// An agent that is not installed is told once, and not as the end of an attempt at every issue.
async fn agent_can_run(house: &House, job: &JobSpec) -> Result<(), Held> {
    let Some((name, agent)) = job.agent.as_ref().and_then(|name| Some((name, house.agents.get(name)?))) else {
        return Ok(());
    };
    // What the agent cannot make a command of is the attempt's own failure, with a remedy of its own.
    let Ok(command) = agent.command(job) else { return Ok(()) };
    let runner = Arc::clone(house.runner(&job.issue.project));
    // It may ask a program, or look into folders on a slow disk.
    let can = house.ground.blocking(move || runner.can_start(&command)).await;
    can.unwrap_or(Ok(())).map_err(|reason| held(format!("agent {name}: {reason}")))
}

/// A session is held back by nothing: neither text of people without write permission is put into it, nor a job that
/// asks for limits of memory or processes.
fn session_may_take(project: &Project, job: &JobSpec) -> Result<(), Held> {
    if project.runner.session().is_none() || job.run != StageRun::Agent {
        return Ok(());
    }
    if job.trust < Trust::Writer {
        return Err(held(format!(
            "people without write permission wrote in it, and the session of {} takes no text of theirs; \
             write an issue of your own that says what is to be done",
            project.name
        )));
    }
    if job.sandbox.memory_bytes.is_some() || job.sandbox.processes.is_some() {
        return Err(held(format!(
            "the session of {} cannot hold the limits of `[sandbox]`; set them for the other projects alone",
            project.name
        )));
    }
    Ok(())
}

/// A job whose sandbox is not there waits; it is never run with less.
fn sandbox_is_there(house: &House, job: &JobSpec) -> Result<(), Held> {
    // To find out what is there, it is tried.
    if job.sandbox.least == Sandbox::None {
        return Ok(());
    }
    let executor = house.runner(&job.issue.project);
    let (least, there) = (job.sandbox.least, executor.capabilities().sandbox);
    if there >= least || job.run != StageRun::Agent {
        return Ok(());
    }
    let (least, there, runner) = (least.word(), there.word(), executor.name());
    Err(held(format!(
        "it must run in the sandbox `{least}`, and the executor `{runner}` has `{there}`; `dayfly doctor` says what helps"
    )))
}

/// A gates file that cannot be read would judge no work: that is told before an agent is paid for any.
async fn commands_can_run(git: &Repo, base: &Commit) -> Result<(), Held> {
    let text = git.file_at(base, GATES_FILE).await.map_err(|err| held(chain(&err)))?;
    text.map_or(Ok(()), |text| gate_commands(&text).map(drop).map_err(held))
}

/// The tip of earlier attempts, as long as it is still there.
async fn start_of(git: &Repo, known: Option<&IssueState>, run: StageRun) -> Result<Option<Commit>, Held> {
    let Some(tip) = known.and_then(|k| k.tip.as_ref()) else { return Ok(None) };
    let there = git.resolve(&tip.0).await.map_err(|err| held(chain(&err)))?;
    match (there, run) {
        (Some(tip), _) => Ok(Some(tip)),
        (None, StageRun::Agent) => Ok(None),
        (None, StageRun::Land) => Err(held(format!("the commit {} is no longer in the repository", tip.short()))),
    }
}
