//! What an answer means, from its status, headers and body alone.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::{CallSite, FieldProblem, GitHubError, Limit};

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was done.
    Good,
    /// What the cache holds is still right.
    NotModified,
    /// Ask elsewhere, with the same method and body.
    Redirect {
        /// Whether the place has moved for good.
        permanent: bool,
    },
    /// The hourly limit of a resource is used up.
    Primary {
        /// Until when.
        until: Timestamp,
    },
    /// All calls of the token have to stop.
    Secondary {
        /// Until when, if GitHub says it.
        until: Option<Timestamp>,
    },
    /// It was not done, and the answer says why.
    Refused,
    /// GitHub could not, or nobody knows whether it did.
    Unavailable,
}

/// The parts of an answer by which it is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Whether it answers a GraphQL document, where errors come with status 200.
    pub(crate) graphql: bool,
}

/// What the answer means.
pub(crate) fn classify(facts: Facts<'_>, now: Timestamp) -> Verdict {
    match facts.status {
        200..=299 if facts.graphql => graphql(facts, now),
        200..=299 => Verdict::Good,
        304 => Verdict::NotModified,
        301 | 308 => Verdict::Redirect { permanent: true },
        // A write to a renamed repository is answered 307; that the move stays is said by the reads' 301.
        302 | 307 => Verdict::Redirect { permanent: false },
        403 | 429 => forbidden(facts, now),
        408 | 500.. => Verdict::Unavailable,
        _ => Verdict::Refused,
    }
}

fn forbidden(facts: Facts<'_>, now: Timestamp) -> Verdict {
    let message = message(facts.body).to_ascii_lowercase();
    let used_up = header(facts.headers, "x-ratelimit-remaining") == Some("0");
    let asked = retry_after(facts.headers, now);
    let secondary = message.contains("secondary rate") || message.contains("abuse detection");
    if secondary || (asked.is_some() && !used_up) {
        let reset = if used_up { Some(reset(facts.headers, now)) } else { None };
        return Verdict::Secondary { until: asked.or(reset) };
    }
    if used_up || message.contains("api rate limit exceeded") {
        return Verdict::Primary { until: asked.into_iter().fold(reset(facts.headers, now), Timestamp::max) };
    }
    // A 429 is never about permissions.
    if facts.status == 429 { Verdict::Secondary { until: None } } else { Verdict::Refused }
}

fn graphql(facts: Facts<'_>, now: Timestamp) -> Verdict {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        errors: Vec<Problem>,
    }
    #[derive(Deserialize)]
    struct Problem {
        #[serde(default, rename = "type")]
        kind: Option<String>,
        #[serde(default)]
        message: String,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(facts.body) else {
        return Verdict::Good;
    };
    for problem in answer.errors {
        let message = problem.message.to_ascii_lowercase();
        let used_up = header(facts.headers, "x-ratelimit-remaining") == Some("0");
        if message.contains("secondary rate") {
            let reset = if used_up { Some(reset(facts.headers, now)) } else { None };
            return Verdict::Secondary { until: retry_after(facts.headers, now).or(reset) };
        }
        if problem.kind.as_deref().is_some_and(|k| k.starts_with("RATE_LIMIT")) {
            return Verdict::Primary { until: reset(facts.headers, now) };
        }
        if message.starts_with("something went wrong while executing your query") {
            return Verdict::Unavailable;
        }
    }
    Verdict::Good
}

/// The error that a refusal is.
pub(crate) fn refusal(facts: Facts<'_>, at: CallSite) -> GitHubError {
    let message = message(facts.body);
    let permissions = || header(facts.headers, "x-accepted-github-permissions").map(str::to_owned);
    match facts.status {
        401 => GitHubError::Unauthorised { at },
        403 => GitHubError::Forbidden { at, message, permissions: permissions() },
        404 => GitHubError::NotFoundOrNoAccess { at, permissions: permissions() },
        405 => GitHubError::NotNow { at, message },
        409 => GitHubError::Conflict { at, message, body: serde_json::from_slice(facts.body).ok().map(Box::new) },
        410 => GitHubError::Gone { at, message },
        422 => GitHubError::Unprocessable { at, message, problems: problems(facts.body) },
        status => GitHubError::Rejected { at, status, message },
    }
}

/// The error that a limit is.
pub(crate) fn limited(at: CallSite, what: Limit, until: Timestamp) -> GitHubError {
    GitHubError::Limited { at, until, what }
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = header(headers, "retry-after")?;
    if let Ok(seconds) = text.parse::<i64>() {
        return now.checked_add(SignedDuration::from_secs(seconds.clamp(1, 86_400))).ok();
    }
    jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp()).filter(|t| *t > now)
}

/// When the window of the answer's resource ends; a second later, because clocks differ.
fn reset(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    let minute = now.saturating_add(SignedDuration::from_secs(60)).unwrap_or(now);
    let told = header(headers, "x-ratelimit-reset").and_then(|t| t.parse().ok());
    let told = told.and_then(|s: i64| Timestamp::from_second(s.checked_add(1)?).ok());
    told.filter(|t| *t > now).unwrap_or(minute)
}

/// GitHub's sentence. A body that is not JSON, such as the page of a proxy, is not repeated.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: Option<String>,
        /// Where the answer to a merge that was asked for says it.
        details: Option<Details>,
    }
    #[derive(Deserialize)]
    struct Details {
        message: Option<String>,
    }
    let said = serde_json::from_slice::<Body>(body).ok();
    let said = said.and_then(|b| b.message.or_else(|| b.details?.message));
    said.map(|m| m.chars().take(500).collect()).unwrap_or_else(|| "without a reason".into())
}

fn problems(body: &[u8]) -> Vec<FieldProblem> {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Vec::new();
    };
    let list = match value.get("errors") {
        Some(serde_json::Value::Array(list)) => list.as_slice(),
        // Some answers hold one sentence in place of the list.
        Some(text @ serde_json::Value::String(_)) => std::slice::from_ref(text),
        _ => &[],
    };
    let text = |v: &serde_json::Value, name: &str| v.get(name).and_then(|t| t.as_str()).map(str::to_owned);
    let one = |v: &serde_json::Value| FieldProblem {
        code: text(v, "code").unwrap_or_else(|| "custom".into()),
        field: text(v, "field"),
        message: v.as_str().map(str::to_owned).or_else(|| text(v, "message")),
    };
    list.iter().take(20).map(one).collect()
}

#[cfg(test)]
mod tests;
