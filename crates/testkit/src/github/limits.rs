//! How much may be asked: the primary limits, and the secondary ones.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::reply::Reply;

/// How long a window of the primary limits is.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// How long a client must be quiet after a secondary limit that says nothing.
const QUIET: SignedDuration = SignedDuration::from_mins(1);

/// What the limits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests an hour of REST.
    pub core: u32,
    /// Points an hour of GraphQL.
    pub graphql: u32,
    /// Requests an hour of search.
    pub search: u32,
    /// How many things can be made in a minute of this GitHub's clock, and in an hour. It stands still until it is moved,
    /// so that nothing limits this unless a test says so.
    pub content: Option<(u32, u32)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { core: 5000, graphql: 5000, search: 30, content: None }
    }
}

/// What was used up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    buckets: BTreeMap<(u64, Resource), Bucket>,
    /// Until when each account must be quiet, and what it is told.
    quiet: BTreeMap<u64, (Timestamp, Option<Duration>)>,
    made: BTreeMap<u64, Vec<Timestamp>>,
}

/// What a primary limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    Core,
    Graphql,
    Search,
}

impl Resource {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Graphql => "graphql",
            Self::Search => "search",
        }
    }

    /// The resource of a path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            path if path.starts_with("/search/") => Self::Search,
            "/graphql" => Self::Graphql,
            _ => Self::Core,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: u32,
    reset: Timestamp,
}

impl Meter {
    fn limit(&self, resource: Resource) -> u32 {
        match resource {
            Resource::Core => self.limits.core,
            Resource::Graphql => self.limits.graphql,
            Resource::Search => self.limits.search,
        }
    }

    fn bucket(&mut self, user: u64, resource: Resource, now: Timestamp) -> &mut Bucket {
        let fresh = Bucket { used: 0, reset: now.checked_add(HOUR).unwrap_or(now) };
        let bucket = self.buckets.entry((user, resource)).or_insert(fresh);
        if bucket.reset <= now {
            *bucket = fresh;
        }
        bucket
    }

    /// Whether an account may ask now.
    pub(crate) fn admit(&mut self, user: u64, resource: Resource, now: Timestamp) -> Result<(), Reply> {
        if let Some((until, told)) = self.quiet.get(&user).copied()
            && now < until
        {
            return Err(secondary(told.map(|_| until.duration_since(now))));
        }
        let limit = self.limit(resource);
        if self.bucket(user, resource, now).used < limit {
            return Ok(());
        }
        Err(match resource {
            Resource::Graphql => Reply::ok(graphql_limited()),
            _ => Reply::refusal(403, "API rate limit exceeded for user ID 1."),
        })
    }

    /// Whether an account was told to be quiet, and is not.
    pub(crate) fn is_quiet(&self, user: u64, now: Timestamp) -> bool {
        self.quiet.get(&user).is_some_and(|(until, _)| now < *until)
    }

    /// Takes what a request cost.
    pub(crate) fn charge(&mut self, user: u64, resource: Resource, now: Timestamp, cost: u32) {
        self.bucket(user, resource, now).used += cost;
    }

    /// Gives back what a request cost.
    pub(crate) fn refund(&mut self, user: u64, resource: Resource, now: Timestamp, cost: u32) {
        let bucket = self.bucket(user, resource, now);
        bucket.used = bucket.used.saturating_sub(cost);
    }

    /// Takes note that an account makes something, unless it makes too much.
    pub(crate) fn make(&mut self, user: u64, now: Timestamp) -> Result<(), Reply> {
        let Some((minute, hour)) = self.limits.content else { return Ok(()) };
        let made = self.made.entry(user).or_default();
        made.retain(|at| now.duration_since(*at) < HOUR);
        let lately = made.iter().filter(|at| now.duration_since(**at) < QUIET).count();
        if lately >= minute as usize || made.len() >= hour as usize {
            return Err(self.hush(user, now, None));
        }
        made.push(now);
        Ok(())
    }

    /// Makes an account be quiet, and gives what it is told.
    pub(crate) fn hush(&mut self, user: u64, now: Timestamp, retry_after: Option<Duration>) -> Reply {
        let span = retry_after.and_then(|span| SignedDuration::try_from(span).ok());
        let span = span.unwrap_or(QUIET);
        self.quiet.insert(user, (now.checked_add(span).unwrap_or(Timestamp::MAX), retry_after));
        secondary(retry_after.map(|_| span))
    }

    /// Uses up all of a primary limit.
    pub(crate) fn exhaust(&mut self, user: u64, resource: Resource, now: Timestamp, resets_in: Duration) {
        let limit = self.limit(resource);
        let span = SignedDuration::try_from(resets_in).unwrap_or(HOUR);
        let bucket = self.bucket(user, resource, now);
        *bucket = Bucket { used: limit, reset: now.checked_add(span).unwrap_or(Timestamp::MAX) };
    }

    /// What is left, as an object.
    pub(crate) fn told(&mut self, user: u64, resource: Resource, now: Timestamp) -> Value {
        let limit = self.limit(resource);
        let bucket = *self.bucket(user, resource, now);
        json!({
            "limit": limit,
            "used": bucket.used.min(limit),
            "remaining": limit.saturating_sub(bucket.used),
            "reset": bucket.reset.as_second(),
        })
    }
}

fn secondary(left: Option<SignedDuration>) -> Reply {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let reply = Reply::refusal(403, message);
    match left {
        Some(left) => reply.with("retry-after", left.as_secs().max(1).to_string()),
        None => reply,
    }
}

/// What GraphQL answers when a limit is used up: the status is 200.
fn graphql_limited() -> Value {
    let message = "API rate limit exceeded for user ID 1.";
    json!({ "errors": [{ "type": "RATE_LIMITED", "message": message }] })
}
