//! The vendors of a simulated world: what they give each account, and when they give nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{Using, VendorName};
use jiff::Timestamp;
use serde::Serialize;

use crate::simulate::dice::Dice;
use crate::simulate::settings::Quota;
use crate::simulate::time::later;

const FIVE_HOURS: Duration = Duration::from_secs(5 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// All vendors.
#[derive(Debug)]
pub(in crate::simulate) struct Vendors {
    pub(in crate::simulate) quota: Quota,
    accounts: BTreeMap<String, Account>,
    /// Vendors that take nothing, until then.
    pub(in crate::simulate) down: BTreeMap<VendorName, Timestamp>,
    dice: Dice,
    /// How often an account was refused.
    pub(in crate::simulate) refusals: u64,
    /// When an account used up a window.
    pub(in crate::simulate) used_up: Vec<UsedUp>,
}

/// A window of an account that was used up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsedUp {
    /// The account.
    pub account: String,
    /// Which of its windows.
    pub window: String,
    /// When it was used up.
    pub at: Timestamp,
    /// When it is open again, as its vendor says.
    pub stated: Timestamp,
    /// When it is.
    pub opens: Timestamp,
    /// When it was used again for work.
    pub resumed: Option<Timestamp>,
}

/// Who asks for how much.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulate) struct Asked<'a> {
    pub(in crate::simulate) using: &'a Using,
    pub(in crate::simulate) tokens: u64,
    /// Whether the account is not paid by the token.
    pub(in crate::simulate) flat: bool,
    /// Whether it is for work, and no probe.
    pub(in crate::simulate) works: bool,
}

#[derive(Debug, Default)]
struct Account {
    windows: [Window; 2],
}

#[derive(Debug, Default)]
struct Window {
    opened: Option<Timestamp>,
    used: u64,
    /// When it is open again, as its vendor says, and as it is.
    closed: Option<(Timestamp, Timestamp)>,
}

/// What an account has run out of.
#[derive(Debug, Clone)]
pub(in crate::simulate) struct Refusal {
    pub(in crate::simulate) window: &'static str,
    /// When the vendor says that it is open again.
    pub(in crate::simulate) stated: Timestamp,
}

/// What an attempt may use.
#[derive(Debug)]
pub(in crate::simulate) enum Grant {
    /// All of it.
    Whole,
    /// So much of it, and then it is refused.
    Part(f64, Refusal),
    /// Nothing.
    Refused(Refusal),
    /// The vendor takes nothing.
    Down,
}

impl Vendors {
    pub(in crate::simulate) fn new(seed: u64, quota: Quota) -> Self {
        Self {
            quota,
            accounts: BTreeMap::new(),
            down: BTreeMap::new(),
            dice: Dice::new(seed, "vendors"),
            refusals: 0,
            used_up: Vec::new(),
        }
    }

    /// Asks for so many tokens. An account that is paid by the token has no windows.
    pub(in crate::simulate) fn ask(&mut self, asked: Asked<'_>, now: Timestamp) -> Grant {
        let Asked { using, tokens, flat, works } = asked;
        if self.down.get(&using.vendor).is_some_and(|until| *until > now) {
            return Grant::Down;
        }
        if !flat {
            return Grant::Whole;
        }
        let name = using.account_key().to_string();
        let early = self.dice.falls(self.quota.early).then(|| self.dice.unit());
        let account = self.accounts.entry(name.clone()).or_default();
        let bounds = [("five_hour", FIVE_HOURS, self.quota.five_hours), ("seven_day", WEEK, self.quota.week)];
        let mut part = (1.0, None);
        for (window, (word, long, most)) in account.windows.iter_mut().zip(bounds) {
            if let Some((stated, _)) = window.closed.filter(|(_, open)| *open > now) {
                self.refusals += 1;
                return Grant::Refused(Refusal { window: word, stated });
            }
            let over = window.opened.is_none_or(|at| later(at, long) <= now) || window.closed.take().is_some();
            if over {
                (window.opened, window.used) = (Some(now), 0);
            }
            let left = most.saturating_sub(window.used);
            if left < tokens {
                let stated = later(window.opened.unwrap_or(now), long);
                let rest = Duration::try_from(stated.duration_since(now)).unwrap_or_default();
                let open = early.map_or(stated, |at| later(now, rest.mul_f64(at)));
                window.closed = Some((stated, open));
                let (account, window) = (name.clone(), word.to_owned());
                self.used_up.push(UsedUp { account, window, at: now, stated, opens: open, resumed: None });
                part = (left as f64 / tokens.max(1) as f64, Some(Refusal { window: word, stated }));
            }
        }
        for seen in self.used_up.iter_mut().filter(|seen| works && seen.account == name && seen.opens <= now) {
            seen.resumed.get_or_insert(now);
        }
        let used = (tokens as f64 * part.0) as u64;
        for window in &mut account.windows {
            window.used = window.used.saturating_add(used);
        }
        part.1.map_or(Grant::Whole, |refusal| Grant::Part(part.0, refusal))
    }

    /// Takes back what was charged at a time and was not used. A window that was opened since then never had it.
    pub(in crate::simulate) fn give_back(&mut self, using: &Using, charged: Timestamp, tokens: u64) {
        let Some(account) = self.accounts.get_mut(&using.account_key().to_string()) else { return };
        for window in account.windows.iter_mut().filter(|window| window.opened.is_some_and(|at| at <= charged)) {
            window.used = window.used.saturating_sub(tokens);
        }
    }
}
