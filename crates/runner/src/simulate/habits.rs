//! How the user's own agents work, by the user's own ledger.

use std::collections::BTreeMap;

use dayfly_core::{AgentName, AttemptId, End, Event, JobSpec, Record, StageName, VerdictClaim, attempts};

use super::settings::Kind;
use super::{Habit, Paid, Spread};

/// What is known of an agent at a stage.
#[derive(Default)]
struct Seen {
    minutes: Vec<f64>,
    kilotokens: Vec<f64>,
    all: f64,
    fails: f64,
    idle: f64,
    bad: f64,
    judged: f64,
    rejects: f64,
    kind: Option<Kind>,
    models: BTreeMap<Option<String>, u64>,
}

/// The habits of agents by stage, as far as a ledger tells: of what ended by itself, and only where there is enough of it.
pub fn habits(records: &[Record]) -> BTreeMap<(Option<AgentName>, Option<StageName>), Habit> {
    let mut jobs: BTreeMap<AttemptId, Box<JobSpec>> = BTreeMap::new();
    let mut all: BTreeMap<(Option<AgentName>, Option<StageName>), Seen> = BTreeMap::new();
    for record in records {
        match record.event() {
            Ok(Event::AttemptStarted { attempt, job, .. }) => drop(jobs.insert(attempt, job)),
            Ok(Event::AttemptEnded { attempt, outcome, .. }) => {
                let Some(job) = jobs.remove(&attempt).filter(|job| job.agent.is_some()) else { continue };
                let seen = all.entry((job.agent.clone(), Some(job.stage.clone()))).or_default();
                let counts = match &outcome.end {
                    End::Succeeded => true,
                    End::TaskFailed { .. } => {
                        seen.fails += 1.0;
                        true
                    }
                    End::NoOp { .. } => {
                        seen.idle += 1.0;
                        true
                    }
                    End::GateFailed(failure) => {
                        seen.bad += f64::from(u8::from(failure.gate == "commands"));
                        true
                    }
                    _ => false,
                };
                if !counts {
                    continue;
                }
                seen.all += 1.0;
                seen.minutes.push(outcome.receipt.took.as_secs_f64() / 60.0);
                seen.kilotokens.push(outcome.receipt.usage.tokens() as f64 / 1000.0);
                if let Some(verdict) = outcome.proposal.as_ref().and_then(|proposal| proposal.verdict) {
                    seen.judged += 1.0;
                    seen.rejects += f64::from(u8::from(verdict == VerdictClaim::Fail));
                }
                seen.kind = Some(Kind::of(&job));
                *seen.models.entry(job.model).or_default() += 1;
            }
            _ => {}
        }
    }
    all.into_iter().filter_map(|(key, seen)| Some((key, seen.habit()?))).collect()
}

/// What tokens cost by agent and model, as far as attempts in a ledger say what they cost.
pub fn prices(records: &[Record]) -> BTreeMap<(AgentName, Option<String>), Paid> {
    let mut prices: BTreeMap<(AgentName, Option<String>), Paid> = BTreeMap::new();
    for line in attempts(records).unwrap_or_default() {
        let (Some(agent), Some(outcome)) = (line.agent, line.outcome) else { continue };
        let usage = outcome.receipt.usage;
        let Some(usd) = usage.cost_usd.filter(|_| usage.tokens() > 0) else { continue };
        let paid = prices.entry((agent, line.using.and_then(|using| using.model))).or_default();
        paid.attempts += 1;
        paid.tokens += usage.tokens();
        paid.usd += usd;
    }
    prices
}

impl Seen {
    fn habit(self) -> Option<Habit> {
        let usual = Habit::usual(self.kind?);
        Some(Habit {
            seen: self.all as u64,
            models: self.models,
            minutes: Spread::of(self.minutes)?,
            kilotokens: Spread::of(self.kilotokens)?,
            fails: self.fails / self.all,
            idle: self.idle / self.all,
            bad: self.bad / self.all,
            rejects: if self.judged > 0.0 { self.rejects / self.judged } else { usual.rejects },
            ..usual
        })
    }
}
