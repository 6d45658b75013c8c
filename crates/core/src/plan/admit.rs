//! Which of those whose turn it is have a slot.

use std::collections::BTreeMap;

use crate::{AgentName, CapacityKey, IssueRef, LiveAttempt, ProjectName, Using};

use super::choose::Pick;
use super::evaluate::Candidate;
use super::{Plan, PlanInput, Ready, Wait, Waiting};

/// What is taken already.
struct Taken<'a> {
    input: &'a PlanInput<'a>,
    host: usize,
    projects: BTreeMap<ProjectName, usize>,
    agents: BTreeMap<AgentName, usize>,
    using: Vec<Using>,
}

impl<'a> Taken<'a> {
    fn new(input: &'a PlanInput<'a>) -> Self {
        let mut taken = Self { input, host: 0, projects: BTreeMap::new(), agents: BTreeMap::new(), using: Vec::new() };
        for LiveAttempt { issue, agent, using, .. } in input.state.live.values() {
            taken.take(&issue.project, agent.as_ref(), using.clone());
        }
        for ready in &input.filter.starting {
            taken.take(&ready.issue.project, ready.agent.as_ref(), ready.using(input));
        }
        taken
    }

    fn take(&mut self, project: &ProjectName, agent: Option<&AgentName>, using: Option<Using>) {
        self.host += 1;
        *self.projects.entry(project.clone()).or_default() += 1;
        if let Some(agent) = agent {
            *self.agents.entry(agent.clone()).or_default() += 1;
        }
        self.using.extend(using);
    }

    fn of_account(&self, using: &Using) -> usize {
        self.using.iter().filter(|u| u.vendor == using.vendor && u.account == using.account).count()
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
        // Whoever is there already is the one that tries.
        let tried = |key: &CapacityKey| self.using.iter().any(|using| key.covers(using));
        pick.trial
            .as_ref()
            .filter(|key| tried(key))
            .map(|key| format!("{key}, where one attempt tries whether it is back"))
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
        let picked = match full {
            Some(of) => Err(of),
            None if picks.is_empty() => Ok(None),
            None => taken.pick(picks).map(Some),
        };
        match picked {
            Ok(pick) => {
                let using = pick.as_ref().map(|pick| pick.using.clone());
                if let Some(Pick { agent, account, model, substitution, .. }) = pick {
                    ready.agent = Some(agent);
                    ready.account = account;
                    ready.model = model;
                    ready.substitution = substitution;
                }
                taken.take(&project.name, ready.agent.as_ref(), using);
                plan.ready.push(ready);
            }
            Err(of) => plan.waiting.push(Waiting {
                issue: Some(ready.issue),
                project: project.name.clone(),
                title: ready.title,
                stage: Some(stage.name.clone()),
                why: Wait::Slot { of },
                until: None,
                remedy: None,
            }),
        }
    }
}
