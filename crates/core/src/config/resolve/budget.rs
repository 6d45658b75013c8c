//! Money, budgets, and how capacity is watched.

use jiff::tz::TimeZoneDatabase;
use toml::Spanned;

use crate::{Budget, Budgets, CapacityPolicy, Spend};

use super::{Resolver, raw};

/// The most US dollars that can be asked for.
const MOST_USD: f64 = 1e9;

/// Millionths in a unit.
const MICROS: f64 = 1e6;

impl Resolver<'_> {
    pub(super) fn usd(&mut self, usd: Option<&Spanned<f64>>) -> Option<u64> {
        let usd = usd?;
        let amount = *usd.get_ref();
        if !(amount > 0.0 && amount <= MOST_USD) {
            let message = format!("{amount} is no amount of US dollars");
            self.problem(usd.span(), message, "write an amount above 0, such as 25.0; for no bound leave it out");
            return None;
        }
        // Within the bounds above nothing is lost that matters.
        Some((amount * MICROS).round() as u64)
    }

    fn tokens(&mut self, tokens: Option<&Spanned<u64>>) -> Option<u64> {
        let tokens = tokens?;
        if *tokens.get_ref() == 0 {
            self.problem(
                tokens.span(),
                "0 tokens are too few",
                "write at least 1; to stop a project, set `paused = true`",
            );
        }
        Some((*tokens.get_ref()).max(1))
    }

    /// What one attempt may spend.
    pub(super) fn spend(&mut self, raw: &raw::Limits) -> Spend {
        Spend { tokens: self.tokens(raw.attempt_tokens.as_ref()), usd_micros: self.usd(raw.attempt_usd.as_ref()) }
    }

    pub(super) fn budgets(&mut self, raw: &raw::Budget) -> Budgets {
        Budgets {
            day: Budget {
                tokens: self.tokens(raw.day_tokens.as_ref()),
                usd_micros: self.usd(raw.day_usd.as_ref()),
                time: self.optional_duration(raw.day_time.as_ref()),
                attempts: raw.day_attempts.as_ref().map(|n| self.at_least_one(n)),
            },
            month: Budget {
                tokens: self.tokens(raw.month_tokens.as_ref()),
                usd_micros: self.usd(raw.month_usd.as_ref()),
                time: self.optional_duration(raw.month_time.as_ref()),
                attempts: raw.month_attempts.as_ref().map(|n| self.at_least_one(n)),
            },
        }
    }

    pub(super) fn time_zone(&mut self, name: Option<&Spanned<String>>) -> Option<String> {
        let name = name?;
        if TimeZoneDatabase::bundled().get(name.get_ref()).is_err() {
            let message = format!("there is no time zone `{}`", name.get_ref());
            self.problem(name.span(), message, "write a name such as \"Europe/Berlin\" or \"UTC\"");
            return None;
        }
        Some(name.get_ref().clone())
    }

    pub(super) fn capacity(&mut self, base: &raw::Capacity, own: &raw::Capacity) -> CapacityPolicy {
        let probe = own.probe.as_ref().or(base.probe.as_ref());
        let probe = probe.filter(|text| text.get_ref() != "off");
        let correlated = own.correlated.as_ref().or(base.correlated.as_ref()).map_or(3, |n| self.at_least_one(n));
        CapacityPolicy {
            probe: self.optional_duration(probe),
            wait: self.optional_duration(own.wait.as_ref().or(base.wait.as_ref())).unwrap_or_default(),
            correlated,
            correlated_within: self
                .optional_duration(own.correlated_within.as_ref().or(base.correlated_within.as_ref()))
                .unwrap_or_default(),
        }
    }
}

pub(super) fn merge_budget(base: &raw::Budget, own: &raw::Budget) -> raw::Budget {
    let text = |own: &Option<Spanned<String>>, base: &Option<Spanned<String>>| own.clone().or_else(|| base.clone());
    raw::Budget {
        day_tokens: own.day_tokens.clone().or(base.day_tokens.clone()),
        day_usd: own.day_usd.clone().or(base.day_usd.clone()),
        day_time: text(&own.day_time, &base.day_time),
        day_attempts: own.day_attempts.clone().or(base.day_attempts.clone()),
        month_tokens: own.month_tokens.clone().or(base.month_tokens.clone()),
        month_usd: own.month_usd.clone().or(base.month_usd.clone()),
        month_time: text(&own.month_time, &base.month_time),
        month_attempts: own.month_attempts.clone().or(base.month_attempts.clone()),
    }
}
