//! What an ended attempt, or a probe, teaches of capacity. Pure: the same end teaches the same.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::{
    AttemptId, Capacity, CapacityKey, CapacityPolicy, Class, End, IssueRef, Limit, LimitNotice, LimitScope, LimitWhy,
    Limited, Outcome, ResetTime, Strength, Using, believed,
};

/// The wait after the first quota without a stated time, and the longest.
const QUOTA_GUESS: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(1), SignedDuration::from_mins(15));
/// The same for a provider that does not answer.
const DOWN_GUESS: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(30), SignedDuration::from_mins(5));
/// The same for issues that failed alike.
const CORRELATED_GUESS: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(5), SignedDuration::from_mins(30));

/// From what is learned.
#[derive(Debug)]
pub struct Learned<'a> {
    /// What is known.
    pub capacity: &'a Capacity,
    /// How it is watched.
    pub policy: &'a CapacityPolicy,
    /// What the attempt used.
    pub using: &'a Using,
    /// The attempt; none for a probe.
    pub attempt: Option<&'a AttemptId>,
    /// The issue; none for a probe.
    pub issue: Option<&'a IssueRef>,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// The wall time.
    pub now: Timestamp,
    /// The zone of the machine, in which vendors' programs print times.
    pub zone: &'a TimeZone,
}

/// The limits that the end of an attempt shows, to be recorded with it.
pub fn capacity_after(learned: &Learned<'_>) -> Vec<Limited> {
    let why = match &learned.outcome.end {
        End::Quota { .. } => LimitWhy::Quota,
        End::ProviderDown { .. } => LimitWhy::Down,
        End::Auth { .. } => LimitWhy::Auth,
        _ => return learned.correlated().into_iter().collect(),
    };
    let refused = learned.outcome.receipt.limits.iter().filter(|notice| notice.refused && notice.why == why);
    let mut limits: Vec<Limited> = refused.map(|notice| learned.noticed(notice)).collect();
    // Of several words on the same the one that names a time says more.
    let timed: Vec<CapacityKey> =
        limits.iter().filter(|limit| limit.strength > Strength::Guessed).map(|limit| limit.key.clone()).collect();
    limits.retain(|limit| limit.strength > Strength::Guessed || !timed.contains(&limit.key));
    if limits.is_empty() {
        limits.push(learned.without_notice(why));
    }
    limits
}

/// The limit that a notice in the middle of an attempt tells of, to be recorded at once: its siblings need not find it
/// out one by one. A refusal without a time may be over by the agent's own next try; it is left to the end of the attempt.
pub fn capacity_noticed(learned: &Learned<'_>, notice: &LimitNotice) -> Option<Limited> {
    let limited = notice.refused.then(|| learned.noticed(notice))?;
    (limited.strength != Strength::Guessed).then_some(limited)
}

impl Learned<'_> {
    fn key(&self, scope: LimitScope) -> CapacityKey {
        match scope {
            LimitScope::Vendor => CapacityKey { account: None, ..self.using.account_key() },
            LimitScope::Account => self.using.account_key(),
            // Without a model that was asked for it is not known which one the limit is on: then it is on all.
            LimitScope::Model => self.using.key(),
        }
    }

    fn noticed(&self, notice: &LimitNotice) -> Limited {
        let (key, window) = (self.key(notice.scope), notice.window.as_deref());
        let resets = notice.resets.as_ref().and_then(|reset| Some((reset.resolve(self.now, self.zone)?, reset)));
        // A time that has passed already says nothing of when it ends.
        let resets = resets.filter(|(at, _)| *at > self.now);
        let (until, strength) = match resets {
            Some((at, ResetTime::Text(_))) => (self.believed(at, &key, notice.why, window), Strength::Told),
            Some((at, _)) => (self.believed(at, &key, notice.why, window), Strength::Stated),
            None => (self.guess(&key, notice.why, window), Strength::Guessed),
        };
        let said = if notice.said.is_empty() { self.outcome.end.to_string() } else { notice.said.clone() };
        self.limited(key, notice.why, notice.window.clone(), (until, strength), said)
    }

    fn without_notice(&self, why: LimitWhy) -> Limited {
        let scope = if why == LimitWhy::Auth { LimitScope::Account } else { LimitScope::Model };
        let key = self.key(scope);
        let stated = match self.outcome.end {
            End::Quota { resets_at } => resets_at.filter(|at| *at > self.now),
            _ => None,
        };
        let until = match stated {
            Some(at) => (self.believed(at, &key, why, None), Strength::Stated),
            None => (self.guess(&key, why, None), Strength::Guessed),
        };
        self.limited(key, why, None, until, self.outcome.end.to_string())
    }

    fn limited(
        &self,
        key: CapacityKey,
        why: LimitWhy,
        window: Option<String>,
        (until, strength): (Option<Timestamp>, Strength),
        said: String,
    ) -> Limited {
        Limited { key, why, window, until, strength, said, attempt: self.attempt.cloned() }
    }

    /// A stated time, as far as it is believed. One that has passed was wrong: what was met again after it is looked at
    /// no sooner than where nobody said a time, or a vendor that says `in a second` for ever would be asked for ever.
    fn believed(&self, at: Timestamp, key: &CapacityKey, why: LimitWhy, window: Option<&str>) -> Option<Timestamp> {
        let again = self.known(key, why, window).is_some_and(|known| !known.holds(self.now));
        let least = self.guess(key, why, window).filter(|_| again);
        Some(believed(least.map_or(at, |least| at.max(least)), self.now))
    }

    fn known(&self, key: &CapacityKey, why: LimitWhy, window: Option<&str>) -> Option<&Limit> {
        let same = |l: &&Limit| l.key == *key && l.why == why && l.window.as_deref() == window;
        self.capacity.limits.iter().find(same)
    }

    /// When to look again where nobody said: further apart each time, and never for credentials, which wait for a
    /// person.
    fn guess(&self, key: &CapacityKey, why: LimitWhy, window: Option<&str>) -> Option<Timestamp> {
        let (first, most) = match why {
            LimitWhy::Auth => return None,
            LimitWhy::Quota => QUOTA_GUESS,
            LimitWhy::Down => DOWN_GUESS,
            LimitWhy::Correlated => CORRELATED_GUESS,
        };
        // As long as it holds it is no news that it does.
        let row = self.known(key, why, window).map_or(0, |l| l.row.saturating_sub(u32::from(l.holds(self.now))));
        let wait = first.checked_mul(1 << row.min(10)).map_or(most, |wait| wait.min(most));
        self.now.checked_add(wait).ok()
    }

    /// The breaker: several issues that ended alike within minutes, and none that went well between, are no matter of
    /// those issues.
    fn correlated(&self) -> Option<Limited> {
        let (end, issue) = (&self.outcome.end, self.issue?);
        if !is_shared(self.outcome) {
            return None;
        }
        let within = SignedDuration::try_from(self.policy.correlated_within).unwrap_or_default();
        let alike = self.capacity.failures.iter().filter(|failure| {
            failure.end == end.word()
                && failure.using.account_key() == self.using.account_key()
                && self.now.duration_since(failure.at) <= within
        });
        let mut issues: Vec<&IssueRef> = alike.map(|failure| &failure.issue).chain([issue]).collect();
        issues.sort();
        issues.dedup();
        let key = self.using.account_key();
        // The one that tries whether it goes better now shows by itself that it does not.
        let known = self.known(&key, LimitWhy::Correlated, None);
        if known.is_none() && issues.len() < self.policy.correlated as usize {
            return None;
        }
        let person = end.class() == Class::Person || known.is_some_and(Limit::needs_person);
        let until = if person { None } else { self.guess(&key, LimitWhy::Correlated, None) };
        let names: Vec<String> = issues.iter().map(ToString::to_string).collect();
        let alike = if issues.len() > 1 { "ended alike" } else { "tried, and ended" };
        let said = format!("{} {alike}: {end}", names.join(", "));
        Some(self.limited(key, LimitWhy::Correlated, None, (until, Strength::Guessed), said))
    }
}

/// Whether an end may have a cause that attempts at other issues share. That the work itself failed is none, and what
/// an agent did well and could not be judged says nothing of its account.
pub(crate) fn is_shared(outcome: &Outcome) -> bool {
    outcome.commit.is_none()
        && !outcome.receipt.unjudged
        && matches!(
            outcome.end,
            End::Misconfigured { .. }
                | End::PermissionDenied { .. }
                | End::Unknown { .. }
                | End::NoOp { .. }
                | End::TimedOutSilence { .. }
                | End::Environment { .. }
        )
}
