//! The plan itself.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::{
    AgentName, CapacityKey, Choice, Effect, Fallback, GateSpec, Issue, IssueRef, IssueState, Phase, Pipeline,
    Portfolio, Project, ProjectName, Stage, StageName, StageRun, TrackerState, Trust,
};

use super::{Plan, PlanInput, ProjectView, Ready, Wait, Waiting, Why};

/// A candidate with what orders it.
struct Candidate<'a> {
    order: Order,
    project: &'a Project,
    stage: &'a Stage,
    ready: Ready,
}

/// What orders candidates: the cascade, then later stages first, then the milestone's date, then age.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    why: Why,
    stage: Reverse<usize>,
    due: (bool, Option<Date>),
    issue: (u64, String),
    project: ProjectName,
}

pub(super) fn plan(input: &PlanInput<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut candidates = Vec::new();
    for (name, project) in &input.portfolio.projects {
        let filter = input.filter;
        if filter.project.as_ref().is_some_and(|p| p != name) || filter.unsettled.contains(name) {
            continue;
        }
        let Some(view) = input.views.get(name) else { continue };
        if let Some(wait) = whole_project(project, view) {
            plan.waiting.push(Waiting {
                issue: None,
                project: name.clone(),
                title: String::new(),
                stage: None,
                remedy: matches!(wait, Wait::Tracker { .. }).then(|| "mend what it names".to_owned()),
                why: wait,
                until: None,
            });
            continue;
        }
        for issue in view.issues.iter().filter(|i| i.state == TrackerState::Open) {
            let issue_ref = IssueRef::new(name.clone(), issue.id.clone());
            if input.filter.issue.as_ref().is_some_and(|i| *i != issue_ref) {
                continue;
            }
            match evaluate(input, project, view, issue, &issue_ref) {
                Ok(candidate) => candidates.push(candidate),
                Err(waiting) => plan.waiting.push(*waiting),
            }
        }
    }
    candidates.sort_by(|a, b| a.order.cmp(&b.order));
    admit(input, candidates, &mut plan);
    plan
}

fn whole_project(project: &Project, view: &ProjectView) -> Option<Wait> {
    if project.paused {
        return Some(Wait::Paused);
    }
    view.fault.as_ref().map(|reason| Wait::Tracker { reason: reason.clone() })
}

/// Where an issue that has not been worked on enters, and why.
pub(super) fn entry(portfolio: &Portfolio, project: &ProjectName, issue: &Issue) -> Option<(StageName, Why)> {
    let pipeline = &portfolio.projects.get(project)?.pipeline;
    let labels = &portfolio.labels;
    let labelled = pipeline.stages.iter().rev().find(|s| s.entry_label.as_ref().is_some_and(|l| issue.has_label(l)));
    if let Some(stage) = labelled {
        return Some((stage.name.clone(), Why::Labelled));
    }
    let why = if issue.has_label(&labels.needs_decompose) { Why::NeedsDecompose } else { Why::Untriaged };
    Some((pipeline.stages.first()?.name.clone(), why))
}

fn evaluate<'a>(
    input: &PlanInput<'a>,
    project: &'a Project,
    view: &ProjectView,
    issue: &Issue,
    issue_ref: &IssueRef,
) -> Result<Candidate<'a>, Box<Waiting>> {
    let known = input.state.issues.get(issue_ref);
    let wait = |why, until, remedy: Option<&str>| {
        Box::new(Waiting {
            issue: Some(issue_ref.clone()),
            project: project.name.clone(),
            title: issue.title.clone(),
            stage: known.map(|k| k.stage.clone()),
            why,
            until,
            remedy: remedy.map(str::to_owned),
        })
    };
    if issue.author.trust < Trust::Writer {
        let name = issue.author.name.clone();
        return Err(wait(Wait::Author { name }, None, Some("someone with write permission opens the issue anew")));
    }
    if let Some((why, until, remedy)) = known.and_then(|k| phase_wait(input, view, issue, issue_ref, k)) {
        return Err(wait(why, until, remedy.as_deref()));
    }
    if let Some(label) = holding_label(input.portfolio, issue, known) {
        let remedy = format!("take the label away: `dayfly issue retry {issue_ref}`");
        return Err(wait(Wait::Label { label: label.to_owned() }, None, Some(&remedy)));
    }
    if input.filter.had_turn.contains(issue_ref) {
        return Err(wait(Wait::HadTurn, None, None));
    }
    if let Some((reason, until)) =
        input.filter.held.get(issue_ref).filter(|(_, until)| until.is_none_or(|u| u > input.now))
    {
        let reason = reason.clone();
        return Err(wait(Wait::Held { reason }, *until, Some("mend the cause, then run again")));
    }
    if let Some(bound) = known.and_then(|k| spent(project, k)) {
        return Err(wait(Wait::Lifetime { bound }, None, Some("raise the limit in dayfly.toml, or close the issue")));
    }
    let first = || entry(input.portfolio, &project.name, issue);
    let (stage, why) = match known {
        Some(known) => (known.stage.clone(), if known.answered { Why::Answered } else { Why::InProgress }),
        None => first().ok_or_else(|| wait(Wait::Paused, None, None))?,
    };
    // The configuration may have lost the stage since: the issue starts over.
    let stage = project.pipeline.stage(&stage).or(project.pipeline.stages.first());
    let stage = stage.ok_or_else(|| wait(Wait::Paused, None, None))?;
    if let Some(label) = missing_label(stage, issue) {
        let reason = format!("stage `{}` waits for the label {label}", stage.name);
        return Err(wait(Wait::Held { reason }, None, Some("put the label on")));
    }
    let (agent, substitution) =
        choose_agent(input, stage).map_err(|(of, until)| wait(Wait::Capacity { of }, Some(until), None))?;
    let model = agent.as_ref().and_then(|a| input.portfolio.agents.get(a)).and_then(|a| a.model.clone());
    let ready = Ready {
        issue: issue_ref.clone(),
        title: issue.title.clone(),
        stage: stage.name.clone(),
        agent,
        model,
        substitution,
        why,
    };
    Ok(Candidate { order: order(&project.pipeline, view, issue, &ready), project, stage, ready })
}

fn order(pipeline: &Pipeline, view: &ProjectView, issue: &Issue, ready: &Ready) -> Order {
    let milestone = issue.milestone.as_ref().and_then(|title| view.milestones.iter().find(|m| m.title == *title));
    let due = milestone.and_then(|m| m.due);
    Order {
        why: ready.why,
        stage: Reverse(pipeline.position(&ready.stage).unwrap_or(0)),
        due: (due.is_none(), due),
        issue: (issue.id.as_str().parse().unwrap_or(u64::MAX), issue.id.to_string()),
        project: ready.issue.project.clone(),
    }
}

/// Why the issue waits because of where it stands.
fn phase_wait(
    input: &PlanInput<'_>,
    view: &ProjectView,
    issue: &Issue,
    issue_ref: &IssueRef,
    known: &IssueState,
) -> Option<(Wait, Option<Timestamp>, Option<String>)> {
    let pending: Vec<_> = input.state.outbox.iter().filter(|p| p.entry.issue == *issue_ref).collect();
    if let Some(first) = pending.first() {
        let delayed = first.delayed.as_ref();
        let why = Wait::Effects { count: pending.len(), delayed: delayed.map(|d| d.0.clone()) };
        let remedy = delayed.map(|_| match first.entry.effect {
            Effect::Land { .. } => "commit or stash what is in the way; the next `dayfly run` tries again".to_owned(),
            _ => "mend what it names; it is tried again by itself".to_owned(),
        });
        return Some((why, delayed.map(|d| d.1), remedy));
    }
    Some(match &known.phase {
        Phase::Queued { not_before: Some(at) } if *at > input.now => (Wait::Backoff, Some(*at), None),
        Phase::Queued { .. } => return None,
        Phase::Running { attempt } => (Wait::Running { attempt: attempt.to_string() }, None, None),
        Phase::Asked { question, .. } => {
            let remedy = format!("`dayfly issue answer {issue_ref} TEXT`");
            (Wait::Answer { question: question.clone() }, None, Some(remedy))
        }
        Phase::Split { children } => {
            let open = view.issues.iter().filter(|i| i.state == TrackerState::Open);
            let open = open.filter(|i| children.contains(&i.id) || i.parent.as_ref() == Some(&issue.id));
            (Wait::Children { open: open.map(|i| i.id.clone()).collect() }, None, None)
        }
        Phase::Landing { .. } => (Wait::Landing, None, None),
        Phase::Handed { branch, .. } => {
            let path = input.portfolio.projects.get(&issue_ref.project).map_or("PATH", |p| p.path.as_str());
            // In quotes if a shell would take it apart.
            let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
            let path = if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) };
            let remedy = format!("`git -C {path} merge {branch}`, or close the issue");
            (Wait::Merge { branch: branch.clone() }, None, Some(remedy))
        }
        Phase::Blocked { reason, remedy } => {
            let remedy = format!("{remedy}, then `dayfly issue retry {issue_ref}`");
            (Wait::Person { reason: reason.clone() }, None, Some(remedy))
        }
        // Open in the tracker, final in the ledger: the next observation reopens it.
        Phase::Done | Phase::Closed => (Wait::HadTurn, None, None),
    })
}

/// A label by which a person holds an issue that dayfly itself does not hold.
fn holding_label<'a>(portfolio: &'a Portfolio, issue: &Issue, known: Option<&IssueState>) -> Option<&'a str> {
    let labels = &portfolio.labels;
    let mut holding = labels.holding().to_vec();
    if known.is_none() {
        holding.push(&labels.needs_clarification);
    }
    holding.into_iter().find(|l| issue.has_label(l))
}

/// The label that the stage's admission waits for.
fn missing_label<'a>(stage: &'a Stage, issue: &Issue) -> Option<&'a str> {
    stage.admission.iter().find_map(|gate| match gate {
        GateSpec::Label(label) if !issue.has_label(label) => Some(label.as_str()),
        _ => None,
    })
}

fn spent(project: &Project, known: &IssueState) -> Option<String> {
    let limits = &project.limits;
    let counted = known.attempts.saturating_sub(known.uncounted);
    if counted >= limits.issue_attempts {
        return Some(format!("{counted} of {} attempts", limits.issue_attempts));
    }
    if known.tokens >= limits.issue_tokens {
        return Some(format!("{} of {} tokens", known.tokens, limits.issue_tokens));
    }
    if known.agent_time >= limits.issue_time {
        let (used, of) = (known.agent_time.as_secs() / 60, limits.issue_time.as_secs() / 60);
        return Some(format!("{used} of {of} minutes of agent time"));
    }
    None
}

/// The agent with capacity, and why it is not the first choice; or whose capacity is awaited, until when.
fn choose_agent(
    input: &PlanInput<'_>,
    stage: &Stage,
) -> Result<(Option<AgentName>, Option<String>), (String, Timestamp)> {
    if stage.run == StageRun::Land {
        return Ok((None, None));
    }
    let mut earliest: Option<(String, Timestamp)> = None;
    for (n, Choice { agent, model }) in stage.agents.iter().enumerate() {
        let model = model.clone().or_else(|| input.portfolio.agents.get(agent).and_then(|a| a.model.clone()));
        let key = CapacityKey { agent: agent.clone(), model };
        match input.state.limited_until(&key, input.now) {
            None if n == 0 => return Ok((Some(agent.clone()), None)),
            None => {
                let of = earliest.map_or_else(String::new, |(of, _)| of);
                return Ok((Some(agent.clone()), Some(format!("the capacity of {of} is used up"))));
            }
            Some(until) => {
                if earliest.as_ref().is_none_or(|(_, at)| until < *at) {
                    earliest = Some((key.to_string(), until));
                }
            }
        }
        if stage.fallback == Fallback::Strict {
            break;
        }
    }
    Err(earliest.unwrap_or_else(|| ("no agent".into(), input.now)))
}

/// Takes candidates in order as long as there are slots; the rest waits for one.
fn admit(input: &PlanInput<'_>, candidates: Vec<Candidate<'_>>, plan: &mut Plan) {
    let mut host = input.state.live.len();
    let mut projects: BTreeMap<&ProjectName, usize> = BTreeMap::new();
    let mut agents: BTreeMap<AgentName, usize> = BTreeMap::new();
    for live in input.state.live.values() {
        *projects.entry(&live.issue.project).or_default() += 1;
        if let Some(agent) = &live.agent {
            *agents.entry(agent.clone()).or_default() += 1;
        }
    }
    for ready in &input.filter.starting {
        host += 1;
        if let Some((name, _)) = input.portfolio.projects.get_key_value(&ready.issue.project) {
            *projects.entry(name).or_default() += 1;
        }
        if let Some(agent) = &ready.agent {
            *agents.entry(agent.clone()).or_default() += 1;
        }
    }
    let starting = |issue: &IssueRef| input.filter.starting.iter().any(|r| r.issue == *issue);
    for Candidate { project, stage, ready, .. } in candidates.into_iter().filter(|c| !starting(&c.ready.issue)) {
        let in_project = projects.entry(&project.name).or_default();
        let most = |agent: &AgentName| input.portfolio.agents.get(agent).and_then(|a| a.concurrency);
        let agent_full = ready
            .agent
            .as_ref()
            .filter(|agent| most(agent).is_some_and(|most| agents.get(*agent).copied().unwrap_or(0) >= most as usize));
        let of = if host >= input.portfolio.concurrency as usize {
            Some("the host".to_owned())
        } else if *in_project >= project.concurrency as usize {
            Some(format!("project {}", project.name))
        } else {
            agent_full.map(|agent| format!("agent {agent}"))
        };
        if let Some(of) = of {
            plan.waiting.push(Waiting {
                issue: Some(ready.issue),
                project: project.name.clone(),
                title: ready.title,
                stage: Some(stage.name.clone()),
                why: Wait::Slot { of },
                until: None,
                remedy: None,
            });
            continue;
        }
        host += 1;
        *in_project += 1;
        if let Some(agent) = &ready.agent {
            *agents.entry(agent.clone()).or_default() += 1;
        }
        plan.ready.push(ready);
    }
}
