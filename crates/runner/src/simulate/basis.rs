//! What the figures of a simulation rest on, and what its tokens cost.

use std::collections::BTreeSet;

use dayfly_core::{AgentName, Event, JobSpec, Record, Usage};
use serde::Serialize;

use super::settings::Kind;
use super::world::World;

/// What the figures of an agent at a stage rest on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Basis {
    /// The agent.
    pub agent: String,
    /// The model, where one was asked for.
    pub model: Option<String>,
    /// The stage.
    pub stage: String,
    /// How many attempts in a ledger tell of its times and tokens; 0 if they are guessed.
    pub attempts: u64,
    /// Those of them that were made with another model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// What its money rests on.
    pub money: Money,
}

/// Attempts with another model than that which is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Other {
    /// The model, where one was asked for.
    pub model: Option<String>,
    /// How many.
    pub attempts: u64,
}

/// What money rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Money {
    /// What so many attempts in a ledger cost.
    Ledger(u64),
    /// The prices of the configuration.
    Prices,
    /// A guess.
    Guess,
}

/// What each agent rests on at each stage that it worked at.
pub(super) fn bases(world: &World, records: &[Record]) -> Vec<Basis> {
    let started = records.iter().filter_map(|record| match record.event() {
        Ok(Event::AttemptStarted { job, .. }) => Some(job),
        _ => None,
    });
    let bases = started.filter_map(|job| {
        let agent = job.agent.clone()?;
        let habit = world.settings.habit(Some(&agent), &job.stage, Kind::of(&job));
        let money = world.money(&agent, job.model.as_deref());
        let others = habit.models.into_iter().filter(|(model, _)| *model != job.model);
        let others = others.map(|(model, attempts)| Other { model, attempts }).collect();
        let (model, stage) = (job.model.clone(), job.stage.to_string());
        Some(Basis { agent: agent.to_string(), model, stage, attempts: habit.seen, others, money })
    });
    bases.collect::<BTreeSet<_>>().into_iter().collect()
}

impl World {
    /// What so many tokens are, most of them read from the cache, and what they cost by the token. Where that is
    /// configured, the engine adds it.
    pub(super) fn usage(&self, job: &JobSpec, tokens: u64) -> Usage {
        let output = tokens / 20;
        let input = tokens - output;
        let cached = input / 10 * 9;
        let agent = job.agent.as_ref();
        let usd = match agent.map(|agent| self.money(agent, job.model.as_deref())) {
            Some(Money::Prices) => None,
            Some(Money::Ledger(_)) => {
                let paid = agent.and_then(|agent| self.settings.prices.get(&(agent.clone(), job.model.clone())));
                paid.map(|paid| tokens as f64 * paid.usd / paid.tokens.max(1) as f64)
            }
            _ => Some(((input - cached) as f64 * 3.0 + cached as f64 * 0.3 + output as f64 * 15.0) / 1e6),
        };
        Usage { input_tokens: input, cached_tokens: cached, output_tokens: output, cost_usd: usd }
    }

    fn money(&self, agent: &AgentName, model: Option<&str>) -> Money {
        if let Some(paid) = self.settings.prices.get(&(agent.clone(), model.map(str::to_owned))) {
            return Money::Ledger(paid.attempts);
        }
        let config = self.portfolio.agents.get(agent);
        let price = config.zip(model).and_then(|(agent, model)| agent.prices.get(model));
        price.map_or(Money::Guess, |_| Money::Prices)
    }
}
