//! The plan itself.

use jiff::{SignedDuration, Timestamp};

use crate::capacity::{day, month};
use crate::triage::{Trigger, blockers, in_a_circle, may_trigger};
use crate::{
    Budgets, Control, Effect, GateSpec, Issue, IssueRef, IssueState, Phase, Portfolio, Project, ProjectName,
    PullRecord, Service, Stage, StageName, StageRun, TrackerState,
};

use super::admit::admit;
use super::choose::{Pick, choose};
use super::order::{Order, priority};
use super::{Plan, PlanInput, ProjectView, Ready, Wait, Waiting, Why};

/// A candidate with what orders it.
pub(super) struct Candidate<'a> {
    order: Order,
    pub(super) project: &'a Project,
    pub(super) stage: &'a Stage,
    pub(super) ready: Ready,
    /// With what it could be started, most wanted first; empty if it needs no agent.
    pub(super) picks: Vec<Pick>,
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
        if let Some((wait, remedy)) = whole_project(input, project, view) {
            plan.waiting.push(Waiting {
                issue: None,
                project: name.clone(),
                title: String::new(),
                stage: None,
                remedy,
                why: wait,
                until: None,
            });
            continue;
        }
        let budget = budget_reached(input, project);
        for issue in view.issues.iter().filter(|i| i.state == TrackerState::Open) {
            let issue_ref = IssueRef::new(name.clone(), issue.id.clone());
            if input.filter.issue.as_ref().is_some_and(|i| *i != issue_ref) {
                continue;
            }
            match evaluate(input, project, (view, issue), &issue_ref, budget.as_ref(), &mut plan) {
                Ok(candidate) => candidates.push(candidate),
                Err(waiting) => plan.waiting.push(*waiting),
            }
        }
    }
    candidates.sort_by(|a, b| a.order.cmp(&b.order));
    plan.awaited.sort();
    plan.awaited.dedup();
    admit(input, candidates, &mut plan);
    plan
}

/// The first budget that leaves nothing for a project, and when it begins anew.
fn budget_reached(input: &PlanInput<'_>, project: &Project) -> Option<(String, Timestamp)> {
    let spending = &input.state.capacity.spending;
    let times = [("day", day(input.now, input.zone)), ("month", month(input.now, input.zone))];
    for (word, (from, next)) in times {
        let of = |budgets: &Budgets| if word == "day" { budgets.day } else { budgets.month };
        for (who, name, budget) in [
            (format!("project {}", project.name), Some(&project.name), of(&project.budgets)),
            ("all projects".to_owned(), None, of(&input.portfolio.budgets)),
        ] {
            if let Some(reached) = spending.between(from, next, name).reached(&budget) {
                return Some((format!("{reached} for {who} this {word}"), next));
            }
        }
    }
    None
}

/// What keeps a whole project waiting, and what helps.
fn whole_project(input: &PlanInput<'_>, project: &Project, view: &ProjectView) -> Option<(Wait, Option<String>)> {
    let control = &input.state.control;
    if let Some(order) = &control.halt {
        return Some((Wait::Halted { order: order.clone() }, Some(Control::LIFT.to_owned())));
    }
    if project.paused {
        return Some((Wait::Paused, None));
    }
    if let Some(pause) = control.holds_project(&project.name) {
        return Some((Wait::Ordered { pause: pause.clone() }, Some(pause.remedy())));
    }
    let reason = view.fault.clone()?;
    Some((Wait::Tracker { reason }, Some("mend what it names".to_owned())))
}

/// Where an issue that has not been worked on enters, and why.
pub(super) fn entry(portfolio: &Portfolio, project: &ProjectName, issue: &Issue) -> Option<(StageName, Why)> {
    let pipeline = &portfolio.projects.get(project)?.pipeline;
    let labels = &portfolio.labels;
    let labelled = pipeline.stages.iter().rev().find(|s| s.entry_label.as_ref().is_some_and(|l| issue.asks_by(l)));
    if let Some(stage) = labelled {
        return Some((stage.name.clone(), Why::Labelled));
    }
    let why = if issue.asks_by(&labels.needs_decompose) { Why::NeedsDecompose } else { Why::Untriaged };
    Some((pipeline.stages.first()?.name.clone(), why))
}

fn evaluate<'a>(
    input: &PlanInput<'a>,
    project: &'a Project,
    (view, issue): (&ProjectView, &Issue),
    issue_ref: &IssueRef,
    budget: Option<&(String, Timestamp)>,
    plan: &mut Plan,
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
    if let Some((why, until, remedy)) = waits(input, project, (view, issue), issue_ref, budget) {
        return Err(wait(why, until, remedy.as_deref()));
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
    let (picks, awaited) = choose(input, stage);
    plan.awaited.extend(awaited);
    let picks = picks.map_err(|none| wait(none.why, none.until, none.remedy.as_deref()))?;
    let ready = Ready {
        issue: issue_ref.clone(),
        title: issue.title.clone(),
        stage: stage.name.clone(),
        agent: None,
        account: None,
        model: None,
        substitution: None,
        why,
        priority: priority(&input.portfolio.labels, view, issue),
    };
    Ok(Candidate { order: Order::of(&project.pipeline, view, issue, &ready), project, stage, ready, picks })
}

/// Why an issue waits before it is asked what could be done for it; until when, and what helps.
fn waits(
    input: &PlanInput<'_>,
    project: &Project,
    (view, issue): (&ProjectView, &Issue),
    issue_ref: &IssueRef,
    budget: Option<&(String, Timestamp)>,
) -> Option<(Wait, Option<Timestamp>, Option<String>)> {
    let known = input.state.issues.get(issue_ref);
    if let Trigger::No { why } = may_trigger(issue, &input.portfolio.labels) {
        let label = &input.portfolio.labels.ready_for_prep;
        let remedy = format!("someone with write permission puts a label such as `{label}` on it, or opens it anew");
        return Some((Wait::Author { name: issue.author.name.clone(), why }, None, Some(remedy)));
    }
    let runs = known.is_some_and(|k| matches!(k.phase, Phase::Running { .. }));
    if let Some(pause) = input.state.control.holds(issue_ref).filter(|_| !runs) {
        return Some((Wait::Ordered { pause: pause.clone() }, None, Some(pause.remedy())));
    }
    // Also where no attempt was made yet: what keeps issues in order writes too.
    if let Some(writes) = writes_wait(input, issue_ref) {
        return Some(writes);
    }
    if let Some(phase) = known.and_then(|k| phase_wait(input, view, issue, issue_ref, k)) {
        return Some(phase);
    }
    if let Some(label) = holding_label(input.portfolio, issue, known) {
        let remedy = format!("take the label away: `dayfly issue retry {issue_ref}`");
        return Some((Wait::Label { label: label.to_owned() }, None, Some(remedy)));
    }
    if let Some((why, remedy)) = blocked(input, view, issue, issue_ref).filter(|_| known.is_none()) {
        return Some((why, None, remedy.map(str::to_owned)));
    }
    if input.filter.had_turn.contains(issue_ref) {
        return Some((Wait::HadTurn, None, None));
    }
    if let Some((reason, until)) =
        input.filter.held.get(issue_ref).filter(|(_, until)| until.is_none_or(|u| u > input.now))
    {
        return Some((Wait::Held { reason: reason.clone() }, *until, Some("mend the cause, then run again".into())));
    }
    let (why, until, remedy) = bound_reached(project, known, budget)?;
    Some((why, until, Some(remedy.to_owned())))
}

/// What blocks an issue, and what helps if nothing here will free it.
fn blocked(
    input: &PlanInput<'_>,
    view: &ProjectView,
    issue: &Issue,
    issue_ref: &IssueRef,
) -> Option<(Wait, Option<&'static str>)> {
    let by = blockers(input.state, &issue_ref.project, view, issue);
    if by.is_empty() {
        return None;
    }
    let elsewhere = |name: &String| !view.issues.iter().any(|i| i.id.as_str() == name);
    let remedy = if in_a_circle(view, issue) {
        Some("the issues block each other: take one of the links away")
    } else if by.iter().any(elsewhere) {
        Some("close what blocks it, or take the link away")
    } else {
        None
    };
    Some((Wait::Blocked { by }, remedy))
}

/// The bound of the issue, or the budget of all, that leaves nothing.
fn bound_reached(
    project: &Project,
    known: Option<&IssueState>,
    budget: Option<&(String, Timestamp)>,
) -> Option<(Wait, Option<Timestamp>, &'static str)> {
    if let Some(bound) = known.and_then(|k| spent(project, k)) {
        return Some((Wait::Lifetime { bound }, None, "raise the limit in dayfly.toml, or close the issue"));
    }
    // A landing costs nothing.
    let lands = known.and_then(|k| project.pipeline.stage(&k.stage)).is_some_and(|s| s.run == StageRun::Land);
    let (of, until) = budget.filter(|_| !lands)?;
    let remedy = "wait for it to begin anew, or raise it in dayfly.toml";
    Some((Wait::Budget { of: of.clone() }, Some(*until), remedy))
}

/// Whether the issue waits for its own writes: nothing is started before they are done.
fn writes_wait(input: &PlanInput<'_>, issue_ref: &IssueRef) -> Option<(Wait, Option<Timestamp>, Option<String>)> {
    let pending: Vec<_> = input.state.outbox.iter().filter(|p| p.entry.issue == *issue_ref).collect();
    let first = pending.first()?;
    let service = Service::of(&first.entry.effect, input.portfolio);
    let outage = input.state.services.get(&service).filter(|outage| outage.lasts(input.now));
    // A service that is left alone says more than one write that was put off, and nothing is done before it is tried.
    let told = outage.map(|outage| (outage.told(&service), outage.until));
    let delayed = told.or_else(|| first.delayed.clone());
    let why = Wait::Effects { count: pending.len(), delayed: delayed.as_ref().map(|d| d.0.clone()) };
    let remedy = delayed.as_ref().map(|_| match first.entry.effect {
        Effect::Land { .. } if outage.is_none() => {
            "commit or stash what is in the way; the next `dayfly run` tries again".to_owned()
        }
        _ => "mend what it names; it is tried again by itself".to_owned(),
    });
    Some((why, delayed.map(|d| d.1), remedy))
}

/// Why the issue waits because of where it stands.
fn phase_wait(
    input: &PlanInput<'_>,
    view: &ProjectView,
    issue: &Issue,
    issue_ref: &IssueRef,
    known: &IssueState,
) -> Option<(Wait, Option<Timestamp>, Option<String>)> {
    Some(match &known.phase {
        Phase::Queued { not_before: Some(at) } if *at > input.now => (Wait::Backoff, Some(*at), None),
        Phase::Queued { .. } => return None,
        Phase::Running { attempt } => (Wait::Running { attempt: attempt.to_string() }, None, None),
        Phase::Asked { question, .. } => {
            let until = crate::card::due(input.portfolio.cards.expires, known);
            let here = format!("`dayfly issue answer {issue_ref} TEXT`");
            let remedy = match &issue.facts.url {
                Some(url) => format!("a comment at {url}, or {here} with a token of your own"),
                None => here,
            };
            (Wait::Answer { question: question.clone() }, until, Some(remedy))
        }
        Phase::Split { children } => {
            let open = view.issues.iter().filter(|i| i.state == TrackerState::Open);
            let open = open.filter(|i| children.contains(&i.id) || i.parent.as_ref() == Some(&issue.id));
            (Wait::Children { open: open.map(|i| i.id.clone()).collect() }, None, None)
        }
        Phase::Landing { .. } => (Wait::Landing, None, None),
        Phase::Handed { .. } if known.pull.is_some() => return known.pull.as_ref().map(|pull| pull_wait(input, pull)),
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

/// Why a pull request is not merged, and when it is looked at again if what it waits for comes by itself.
fn pull_wait(input: &PlanInput<'_>, pull: &PullRecord) -> (Wait, Option<Timestamp>, Option<String>) {
    let PullRecord { number, url, standing, moving, .. } = pull;
    let poll = SignedDuration::try_from(input.portfolio.github.poll).unwrap_or(SignedDuration::MAX);
    let until = moving.then(|| input.now.checked_add(poll).unwrap_or(input.now));
    let remedy = (!moving).then(|| format!("see {url}"));
    (Wait::Pull { number: *number, url: url.clone(), standing: standing.clone() }, until, remedy)
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
        GateSpec::Label(label) if !issue.asks_by(label) => Some(label.as_str()),
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
    if let Some(most) = limits.issue_usd_micros.filter(|most| known.usd_micros >= *most) {
        let usd = |micros: u64| micros as f64 / 1e6;
        return Some(format!("{:.2} of {:.2} US dollars", usd(known.usd_micros), usd(most)));
    }
    if known.agent_time >= limits.issue_time {
        let (used, of) = (known.agent_time.as_secs() / 60, limits.issue_time.as_secs() / 60);
        return Some(format!("{used} of {of} minutes of agent time"));
    }
    None
}
