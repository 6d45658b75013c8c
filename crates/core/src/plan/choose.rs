//! With which agent, account and model a stage could run now.

use jiff::Timestamp;

use crate::{AccountName, AgentName, CapacityKey, Choose, Fallback, Limit, LimitWhy, Stage, StageRun, Standing, Using};

use super::{Awaited, PlanInput, Wait};

/// An agent, account and model that take work.
pub(super) struct Pick {
    pub(super) agent: AgentName,
    pub(super) account: Option<AccountName>,
    pub(super) model: Option<String>,
    pub(super) using: Using,
    /// Why it is not the stage's first choice, if it is not.
    pub(super) substitution: Option<String>,
    /// What one attempt alone may try: the limit on it is over, and nothing has shown that it is open since it was last
    /// heard of.
    pub(super) trial: Option<(CapacityKey, Timestamp)>,
    /// How full it is, if the one used least is wanted; else nothing.
    pub(super) fullness: f64,
    /// Whether the least used is wanted.
    pub(super) least_used: bool,
}

/// Why nothing takes work.
pub(super) struct NoPick {
    pub(super) why: Wait,
    pub(super) until: Option<Timestamp>,
    pub(super) remedy: Option<String>,
}

/// What a stage may run with, most wanted first, and what it would rather have run with.
pub(super) fn choose(input: &PlanInput<'_>, stage: &Stage) -> (Result<Vec<Pick>, NoPick>, Vec<Awaited>) {
    if stage.run == StageRun::Land {
        return (Ok(Vec::new()), Vec::new());
    }
    let mut closed: Vec<&Limit> = Vec::new();
    let mut awaited = Vec::new();
    for choice in &stage.agents {
        let Some(config) = input.portfolio.agents.get(&choice.agent) else { continue };
        let model = choice.model.clone().or_else(|| config.model.clone());
        let accounts: Vec<Option<AccountName>> = match config.accounts.as_slice() {
            [] => vec![None],
            accounts => accounts.iter().cloned().map(Some).collect(),
        };
        let mut picks = Vec::new();
        let passed = closed.first().map(|limit| why_closed(limit));
        for account in accounts {
            let using = Using::new(config.vendor(&choice.agent), account.clone(), model.clone());
            let trial = match input.state.capacity.standing(&using, input.now) {
                Standing::Open => None,
                Standing::Trial(limit) => Some((limit.key.clone(), limit.heard)),
                Standing::Closed(limit) => {
                    closed.push(limit);
                    awaited.push(Awaited { agent: choice.agent.clone(), using });
                    continue;
                }
            };
            picks.push(Pick {
                agent: choice.agent.clone(),
                account,
                model: model.clone(),
                fullness: input.state.capacity.fullness(&using, input.now),
                least_used: config.choose == Choose::LeastUsed,
                using,
                substitution: passed.clone().or_else(|| closed.first().map(|limit| why_closed(limit))),
                trial,
            });
        }
        if !picks.is_empty() {
            // What is known to be open comes before what is only tried.
            picks.sort_by_key(|pick| pick.trial.is_some());
            return (Ok(picks), awaited);
        }
        if stage.fallback == Fallback::Strict {
            break;
        }
    }
    (Err(none(&closed)), awaited)
}

fn none(closed: &[&Limit]) -> NoPick {
    // What ends by itself is what is waited for; of several the one that ends first.
    let soonest = closed.iter().filter(|l| !l.needs_person()).min_by_key(|l| l.until);
    let Some(limit) = soonest.or(closed.first()) else {
        let why = Wait::Held { reason: "no agent of the stage is configured".into() };
        return NoPick { why, until: None, remedy: Some("add the agent to dayfly.toml".into()) };
    };
    let of = why_closed(limit);
    if !limit.needs_person() {
        return NoPick { why: Wait::Capacity { of }, until: limit.until, remedy: None };
    }
    let open = format!("`dayfly capacity open {}`", limit.key.argument());
    let remedy = match limit.why {
        LimitWhy::Auth => format!("log the agent in again, which a new run finds out by itself; or say {open}"),
        _ => format!("mend what it names, then {open}"),
    };
    NoPick { why: Wait::Account { of }, until: None, remedy: Some(remedy) }
}

/// Why a limit keeps work away, in words.
pub(super) fn why_closed(limit: &Limit) -> String {
    let key = &limit.key;
    match limit.why {
        LimitWhy::Quota => format!("the capacity of {key} is used up"),
        LimitWhy::Down => format!("{key} is down: {}", limit.said),
        LimitWhy::Auth => format!("{key} refused its credentials: {}", limit.said),
        LimitWhy::Correlated => format!("{key} is left alone: {}", limit.said),
    }
}
