//! What vendors can take now: limits by vendor, account and model, and what was spent.

mod learn;
mod probe;
mod spent;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccountName, AttemptId, End, IssueRef, JobSpec, LimitWhy, LiveAttempt, Outcome, ResetTime, VendorName};

pub use learn::{Learned, capacity_after, capacity_noticed};
pub use probe::{next_probe, probe_job};
pub use spent::{Spending, Spent};
pub(crate) use spent::{day, month};

/// The name of the account that the vendor's program finds by itself.
const OWN_LOGIN: &str = "default";

/// How long a failure is remembered to be held against others: longer than any time that can be asked for sensibly.
const FAILURES_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The most failures that are remembered.
const MOST_FAILURES: usize = 256;

/// Whose capacity an attempt uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Using {
    /// The vendor.
    pub vendor: VendorName,
    /// The account; `default` where the vendor's program finds its own login.
    pub account: AccountName,
    /// The model, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Using {
    /// What an attempt with that account and model uses.
    pub fn new(vendor: VendorName, account: Option<AccountName>, model: Option<String>) -> Self {
        let own = || AccountName::new(OWN_LOGIN).expect("a good name");
        Self { vendor, account: account.unwrap_or_else(own), model }
    }

    /// Exactly this: the account with this model, or with all of them if none was asked for.
    pub fn key(&self) -> CapacityKey {
        CapacityKey { model: self.model.clone(), ..self.account_key() }
    }

    /// The account and all its models.
    pub fn account_key(&self) -> CapacityKey {
        CapacityKey { vendor: self.vendor.clone(), account: Some(self.account.clone()), model: None }
    }
}

impl fmt::Display for Using {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key().fmt(f)
    }
}

impl JobSpec {
    /// Whose capacity it uses, if it runs an agent.
    pub fn using(&self) -> Option<Using> {
        Some(Using::new(self.vendor.clone()?, self.account.clone(), self.model.clone()))
    }
}

/// What a limit is on: a vendor, one account there, or one model for one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CapacityKey {
    /// The vendor.
    pub vendor: VendorName,
    /// The account; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// The model; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl CapacityKey {
    /// Whether a limit on this keeps an attempt that uses that.
    pub fn covers(&self, using: &Using) -> bool {
        self.vendor == using.vendor
            && self.account.as_ref().is_none_or(|account| *account == using.account)
            && self.model.as_ref().is_none_or(|model| Some(model) == using.model.as_ref())
    }

    /// How it is named on a command line: `VENDOR`, `VENDOR/ACCOUNT` or `VENDOR/ACCOUNT:MODEL`.
    pub fn argument(&self) -> String {
        let account = self.account.as_ref().filter(|a| a.as_str() != OWN_LOGIN || self.model.is_some());
        let account = account.map(|account| format!("/{account}")).unwrap_or_default();
        let model = self.model.as_ref().map(|model| format!(":{model}")).unwrap_or_default();
        format!("{}{account}{model}", self.vendor)
    }

    /// Whether a part of one is a part of the other.
    pub fn overlaps(&self, other: &CapacityKey) -> bool {
        let meet = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let accounts = self.account.is_none() || other.account.is_none() || self.account == other.account;
        self.vendor == other.vendor && accounts && meet(&self.model, &other.model)
    }
}

impl fmt::Display for CapacityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.vendor.to_string();
        if let Some(account) = self.account.as_ref().filter(|a| a.as_str() != OWN_LOGIN) {
            text.push_str(&format!("/{account}"));
        }
        if let Some(model) = &self.model {
            text.push_str(&format!(" ({model})"));
        }
        f.pad(&text)
    }
}

/// How sure it is when a limit ends, weakest first. A later, weaker word never shortens a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Nobody said; it is spaced.
    Guessed,
    /// The vendor said so in words.
    Told,
    /// The vendor stated a time.
    Stated,
}

/// Something that can take no work now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// What it is on.
    pub key: CapacityKey,
    /// Why.
    pub why: LimitWhy,
    /// Which of several limits on the same, in the vendor's words.
    pub window: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it was last heard of.
    pub heard: Timestamp,
    /// The attempt that it was last heard from; none if that was a probe.
    pub by: Option<AttemptId>,
    /// Until when; `None` until something shows that it is open again.
    pub until: Option<Timestamp>,
    /// How sure that is.
    pub strength: Strength,
    /// What was said.
    pub said: String,
    /// How often in a row it was met anew after its time was over, and the first time if nobody said one.
    pub row: u32,
    /// When it was last tried whether it is open again.
    pub probed: Option<Timestamp>,
    /// How often that was.
    pub probes: u32,
}

impl Limit {
    /// Whether it still holds at `now`. One whose time is over holds all but one attempt, which tries.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// Whether an answer that something got says that it is over: it was heard of before that began, or by itself.
    pub fn is_answered(&self, by: &OpenedBy, began: Option<Timestamp>, works: bool) -> bool {
        let own = matches!(by, OpenedBy::Attempt(attempt) if self.by.as_ref() == Some(attempt));
        (works || self.why != LimitWhy::Correlated) && (own || began.is_none_or(|began| self.heard <= began))
    }

    /// Whether only a person can end it.
    pub fn needs_person(&self) -> bool {
        self.until.is_none()
    }
}

/// How full one of an account's windows was when it was last heard of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// How much is used, 1 for all.
    pub used: f64,
    /// When it begins anew.
    pub resets: Option<Timestamp>,
    /// When that was said.
    pub at: Timestamp,
}

/// An attempt that failed in a way that others may share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// What it used.
    pub using: Using,
    /// How it ended, in a word.
    pub end: String,
    /// The issue.
    pub issue: IssueRef,
}

/// How an account and model stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing<'a> {
    /// Nothing is known against it.
    Open,
    /// The time of a limit is over, and nothing has shown yet that it is open: one attempt tries.
    Trial(&'a Limit),
    /// It can take no work.
    Closed(&'a Limit),
}

/// What is known of the capacity of all vendors; a part of the state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capacity {
    /// The limits, those whose time is over and that nothing has shown to be open among them.
    pub limits: Vec<Limit>,
    /// How full the windows of accounts are, by account and the vendor's word for the window.
    pub windows: BTreeMap<String, BTreeMap<String, Window>>,
    /// What failed of late, oldest first.
    pub failures: VecDeque<Failure>,
    /// What was spent of late.
    pub spending: Spending,
}

/// A limit that was met, as the ledger records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limited {
    /// What it is on.
    pub key: CapacityKey,
    /// Why.
    pub why: LimitWhy,
    /// Which of several limits on the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How sure that is.
    pub strength: Strength,
    /// What was said.
    #[serde(default)]
    pub said: String,
    /// The attempt that met it; none if a probe did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
}

/// What showed that something is open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenedBy {
    /// An attempt that was answered.
    Attempt(AttemptId),
    /// A probe that was answered.
    Probe,
    /// A person said so.
    Person,
}

impl Capacity {
    /// How that stands at `now`.
    pub fn standing(&self, using: &Using, now: Timestamp) -> Standing<'_> {
        let covering = || self.limits.iter().filter(|limit| limit.key.covers(using));
        // The one that holds longest; one without an end holds longer than any.
        let longest = covering().filter(|l| l.holds(now)).max_by_key(|l| l.until.unwrap_or(Timestamp::MAX));
        // Of several whose time is over the widest is tried: what answers that answers the others.
        let over = covering().min_by_key(|l| (l.key.account.is_some(), l.key.model.is_some()));
        match (longest, over) {
            (Some(limit), _) => Standing::Closed(limit),
            (None, Some(limit)) => Standing::Trial(limit),
            (None, None) => Standing::Open,
        }
    }

    /// How full the fullest window of an account is, 0 to 1, as far as it is known at `now`.
    pub fn fullness(&self, using: &Using, now: Timestamp) -> f64 {
        let windows = self.windows.get(&using.account_key().to_string()).into_iter().flat_map(BTreeMap::values);
        windows.filter(|w| w.resets.is_none_or(|at| at > now)).map(|w| w.used).fold(0.0, f64::max)
    }

    /// Records how an attempt ended.
    pub(crate) fn ended(&mut self, live: &LiveAttempt, outcome: &Outcome, at: Timestamp) {
        let issue = &live.issue;
        // A landing is the engine's own work, and no attempt that a budget bounds.
        if live.agent.is_some() {
            self.spending.add(&issue.project, at, &Spent::of(&outcome.receipt));
        }
        let Some(using) = &live.using else { return };
        for notice in &outcome.receipt.limits {
            let (Some(window), Some(used)) = (&notice.window, notice.used) else { continue };
            let resets = match notice.resets {
                Some(ResetTime::At(at)) => Some(at),
                _ => None,
            };
            let windows = self.windows.entry(using.account_key().to_string()).or_default();
            windows.insert(window.clone(), Window { used, resets, at });
        }
        let end = &outcome.end;
        if *end == End::Succeeded {
            self.failures.retain(|failure| failure.using.account_key() != using.account_key());
        } else if learn::is_shared(outcome) {
            self.failures.push_back(Failure { at, using: using.clone(), end: end.word().into(), issue: issue.clone() });
        }
        let old = |f: &Failure| at.duration_since(f.at) > FAILURES_FOR;
        while self.failures.len() > MOST_FAILURES || self.failures.front().is_some_and(old) {
            self.failures.pop_front();
        }
    }

    /// Records a limit that was met.
    pub(crate) fn limit(&mut self, limited: Limited, at: Timestamp) {
        let Limited { key, why, window, until, strength, said, attempt: by } = limited;
        let same = |l: &&mut Limit| l.key == key && l.why == why && l.window == window;
        let guessed = u32::from(strength == Strength::Guessed);
        let Some(limit) = self.limits.iter_mut().find(same) else {
            let limit = Limit {
                key,
                why,
                window,
                since: at,
                heard: at,
                by,
                until,
                strength,
                said,
                row: guessed,
                probed: None,
                probes: 0,
            };
            self.limits.push(limit);
            return;
        };
        // A time that has passed was wrong, and binds nobody.
        let over = !limit.holds(at);
        // Nor does a guess shorten a guess: what was under way while a probe found it closed knows less than the probe.
        let stands = !over && (limit.strength > strength || strength == Strength::Guessed);
        if !stands {
            limit.until = until;
            limit.strength = strength;
        } else if let (Some(old), Some(new)) = (limit.until, until) {
            limit.until = Some(old.max(new));
        }
        // Several that meet it at the same time have met it once.
        limit.row = limit.row.saturating_add(u32::from(over));
        limit.heard = at;
        limit.by = by;
        limit.said = said;
    }

    /// Records that something is open again.
    pub(crate) fn open(&mut self, key: &CapacityKey, by: &OpenedBy, began: Option<Timestamp>, works: bool) {
        // That a vendor answers says nothing of why issues failed alike there.
        let works = works || *by == OpenedBy::Person;
        self.limits.retain(|limit| {
            let meant = match (by, &key.account) {
                (OpenedBy::Person, _) | (_, None) => limit.key.overlaps(key),
                (_, Some(account)) => {
                    let (vendor, account) = (key.vendor.clone(), account.clone());
                    limit.key.covers(&Using { vendor, account, model: key.model.clone() })
                }
            };
            !(meant && limit.is_answered(by, began, works))
        });
        if works {
            self.failures.retain(|failure| !key.covers(&failure.using));
        }
    }

    /// Records that it was tried whether a limit is over, and it is not.
    pub(crate) fn probed(&mut self, using: &Using, at: Timestamp, until: Option<Timestamp>) {
        let tried = |limit: &&mut Limit| limit.key.covers(using) && limit.why != LimitWhy::Correlated;
        for limit in self.limits.iter_mut().filter(tried) {
            limit.probed = Some(at);
            limit.probes += 1;
            // Nobody stated a time: as long as probes find it closed no attempt need find that out too.
            if limit.strength == Strength::Guessed {
                limit.until = limit.until.map(|old| until.map_or(old, |until| old.max(until)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
