//! How the vendors, accounts and models stand that agents may use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{AgentKind, AgentName, Limit, PlanInput, Standing, Using, Window, next_probe};

use super::usage::{BudgetLine, budgets};

/// How everything stands that agents may use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CapacityReport {
    /// The time it tells of.
    pub at: Timestamp,
    /// A line for each account and model that an agent may use.
    pub lines: Vec<CapacityLine>,
    /// How the budgets stand.
    pub budgets: Vec<BudgetLine>,
}

/// How an account and model stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CapacityLine {
    /// What it is.
    pub using: Using,
    /// The agents that use it.
    pub agents: Vec<AgentName>,
    /// `open`, `trial` (the time of a limit is over, and one attempt tries) or `closed`.
    pub standing: &'static str,
    /// The limit that keeps work away, if one does.
    pub limit: Option<Limit>,
    /// When it is next tried whether it is over.
    pub probe: Option<Timestamp>,
    /// How many attempts use it now.
    pub live: usize,
    /// How full its windows were when that was last heard.
    pub windows: BTreeMap<String, Window>,
}

/// Makes the report.
pub fn capacity(input: &PlanInput<'_>) -> CapacityReport {
    let mut uses: BTreeMap<Using, Vec<AgentName>> = BTreeMap::new();
    let stages = input.portfolio.projects.values().flat_map(|project| &project.pipeline.stages);
    for choice in stages.flat_map(|stage| &stage.agents) {
        let Some(config) = input.portfolio.agents.get(&choice.agent) else { continue };
        let model = choice.model.clone().or_else(|| config.model.clone());
        let accounts = config.accounts.iter().cloned().map(Some);
        let own = config.accounts.is_empty().then_some(None);
        for account in accounts.chain(own) {
            let agents = uses.entry(Using::new(config.vendor(&choice.agent), account, model.clone())).or_default();
            if !agents.contains(&choice.agent) {
                agents.push(choice.agent.clone());
            }
        }
    }
    let lines = uses.into_iter().map(|(using, agents)| line(input, using, agents)).collect();
    CapacityReport { at: input.now, lines, budgets: budgets(input, None) }
}

fn line(input: &PlanInput<'_>, using: Using, agents: Vec<AgentName>) -> CapacityLine {
    let capacity = &input.state.capacity;
    let (standing, limit) = match capacity.standing(&using, input.now) {
        Standing::Open => ("open", None),
        Standing::Trial(limit) => ("trial", Some(limit.clone())),
        Standing::Closed(limit) => ("closed", Some(limit.clone())),
    };
    // A program of one's own is not asked for a word that might cost anything.
    let kind = |agent: &AgentName| input.portfolio.agents.get(agent).map(|config| config.kind);
    let probes = agents.iter().any(|agent| kind(agent) != Some(AgentKind::Command));
    let closed = limit.as_ref().filter(|_| standing == "closed" && probes);
    CapacityLine {
        probe: closed.and_then(|limit| next_probe(limit, &input.portfolio.capacity, input.now)),
        live: input.state.live.values().filter(|live| live.using.as_ref() == Some(&using)).count(),
        windows: capacity.windows.get(&using.account_key().to_string()).cloned().unwrap_or_default(),
        using,
        agents,
        standing,
        limit,
    }
}
