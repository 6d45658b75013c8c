//! Which of those whose turn it is have a slot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::capacity::{day, month};
use crate::{AgentName, Budgets, CapacityKey, IssueRef, LiveAttempt, ProjectName, Using};

use super::choose::Pick;
use super::evaluate::Candidate;
use super::{Plan, PlanInput, Ready, Wait, Waiting};

/// What is taken already.
struct Taken<'a> {
    input: &'a PlanInput<'a>,
    host: usize,
    projects: BTreeMap<ProjectName, usize>,
    agents: BTreeMap<AgentName, usize>,
    /// What is used, and since when; what is about to start has no time yet.
    using: Vec<(Using, Option<Timestamp>)>,
    /// The attempts that budgets leave to a project, or to all of them.
    attempts: BTreeMap<Option<ProjectName>, u32>,
}

impl<'a> Taken<'a> {
    fn new(input: &'a PlanInput<'a>) -> Self {
        let portfolio = input.portfolio;
        let projects = portfolio.projects.iter().map(|(name, project)| (Some(name.clone()), &project.budgets));
        let budgets = projects.chain([(None, &portfolio.budgets)]);
        let attempts =
            budgets.filter_map(|(name, budgets)| Some((name.clone(), attempts_left(input, &name, budgets)?)));
        let mut taken = Self {
            input,
            host: 0,
            projects: BTreeMap::new(),
            agents: BTreeMap::new(),
            using: Vec::new(),
            attempts: attempts.collect(),
        };
        for LiveAttempt { issue, agent, using, since, .. } in input.state.live.values() {
            taken.take(&issue.project, agent.as_ref(), using.clone().map(|using| (using, Some(*since))));
        }
        for ready in &input.filter.starting {
            taken.take(&ready.issue.project, ready.agent.as_ref(), ready.using(input).map(|using| (using, None)));
        }
        taken
    }

    fn take(&mut self, project: &ProjectName, agent: Option<&AgentName>, using: Option<(Using, Option<Timestamp>)>) {
        self.host += 1;
        *self.projects.entry(project.clone()).or_default() += 1;
        if let Some(agent) = agent {
            *self.agents.entry(agent.clone()).or_default() += 1;
            for name in [Some(project.clone()), None] {
                self.attempts.entry(name).and_modify(|left| *left = left.saturating_sub(1));
            }
        }
        self.using.extend(using);
    }

    /// Whose budget of attempts is used up by what ended and what runs.
    fn spent(&self, project: &ProjectName) -> Option<String> {
        let none = |name: &Option<ProjectName>| self.attempts.get(name) == Some(&0);
        if none(&Some(project.clone())) {
            return Some(format!("the attempts that are left for project {project} run"));
        }
        none(&None).then(|| "the attempts that are left for all projects run".to_owned())
    }

    fn of_account(&self, using: &Using) -> usize {
        self.using.iter().filter(|(u, _)| u.vendor == using.vendor && u.account == using.account).count()
    }

    /// Whether something tries already whether what a pick uses is back: it started after that was last heard of. What
    /// runs since before tells nothing, and may run for long.
    fn is_tried(&self, (key, heard): &(CapacityKey, Timestamp)) -> bool {
        self.using.iter().any(|(using, since)| key.covers(using) && since.is_none_or(|since| since >= *heard))
    }

    /// What keeps a pick from being used now, though it takes work.
    fn full(&self, pick: &Pick) -> Option<String> {
        let agents = &self.input.portfolio.agents;
        let most = agents.get(&pick.agent).and_then(|a| a.concurrency);
        if most.is_some_and(|most| self.agents.get(&pick.agent).copied().unwrap_or(0) >= most as usize) {
            return Some(format!("agent {}", pick.agent));
        }
        let account = pick.account.as_ref().and_then(|a| self.input.portfolio.accounts.get(a));
        if account.and_then(|a| a.concurrency).is_some_and(|most| self.of_account(&pick.using) >= most as usize) {
            return Some(format!("account {}", pick.using.account));
        }
        let tried = pick.trial.as_ref().filter(|trial| self.is_tried(trial));
        tried.map(|(key, _)| format!("{key}, where one attempt tries whether it is back"))
    }

    /// The pick to use, or what is full.
    fn pick(&self, picks: Vec<Pick>) -> Result<Pick, String> {
        let mut full = None;
        let mut free: Vec<Pick> = Vec::new();
        for pick in picks {
            match self.full(&pick) {
                None => free.push(pick),
                Some(of) => full = full.or(Some(of)),
            }
        }
        let open = free.iter().any(|pick| pick.trial.is_none());
        free.retain(|pick| pick.trial.is_none() || !open);
        if free.first().is_some_and(|pick| pick.least_used) {
            free.sort_by(|a, b| {
                let busy = |pick: &Pick| self.of_account(&pick.using);
                busy(a).cmp(&busy(b)).then(a.fullness.total_cmp(&b.fullness))
            });
        }
        free.into_iter().next().ok_or_else(|| full.unwrap_or_else(|| "the stage's agents".into()))
    }
}

/// The attempts that the budgets of a project, or of all, leave before what runs; `None` without such a budget.
fn attempts_left(input: &PlanInput<'_>, name: &Option<ProjectName>, budgets: &Budgets) -> Option<u32> {
    let spending = &input.state.capacity.spending;
    let left = |most: Option<u32>, (from, until): (Timestamp, Timestamp)| {
        Some(most?.saturating_sub(spending.between(from, until, name.as_ref()).attempts))
    };
    let of_day = left(budgets.day.attempts, day(input.now, input.zone));
    let of_month = left(budgets.month.attempts, month(input.now, input.zone));
    [of_day, of_month].into_iter().flatten().min()
}

impl Ready {
    /// Whose capacity it will use.
    pub(crate) fn using(&self, input: &PlanInput<'_>) -> Option<Using> {
        let agent = self.agent.as_ref()?;
        let vendor = input.portfolio.agents.get(agent)?.vendor(agent);
        Some(Using::new(vendor, self.account.clone(), self.model.clone()))
    }
}

/// Takes candidates in order as long as there are slots; the rest waits for one.
pub(super) fn admit(input: &PlanInput<'_>, candidates: Vec<Candidate<'_>>, plan: &mut Plan) {
    let mut taken = Taken::new(input);
    let starting = |issue: &IssueRef| input.filter.starting.iter().any(|r| r.issue == *issue);
    for Candidate { project, stage, mut ready, picks, .. } in candidates {
        if starting(&ready.issue) {
            continue;
        }
        let full = if taken.host >= input.portfolio.concurrency as usize {
            Some("the host".to_owned())
        } else if taken.projects.get(&project.name).copied().unwrap_or(0) >= project.concurrency as usize {
            Some(format!("project {}", project.name))
        } else {
            None
        };
        let slot = |of| Wait::Slot { of };
        let picked = match full {
            Some(of) => Err(slot(of)),
            None if picks.is_empty() => Ok(None),
            None => match taken.spent(&project.name) {
                Some(of) => Err(Wait::Budget { of }),
                None => taken.pick(picks).map(Some).map_err(slot),
            },
        };
        match picked {
            Ok(pick) => {
                let using = pick.as_ref().map(|pick| (pick.using.clone(), None));
                if let Some(Pick { agent, account, model, substitution, .. }) = pick {
                    ready.agent = Some(agent);
                    ready.account = account;
                    ready.model = model;
                    ready.substitution = substitution;
                }
                taken.take(&project.name, ready.agent.as_ref(), using);
                plan.ready.push(ready);
            }
            Err(why) => plan.waiting.push(Waiting {
                issue: Some(ready.issue),
                project: project.name.clone(),
                title: ready.title,
                stage: Some(stage.name.clone()),
                why,
                until: None,
                remedy: None,
            }),
        }
    }
}
