//! What can go wrong between dayfly and GitHub.

use std::error::Error;
use std::fmt;

use jiff::Timestamp;

/// Which call it was. Never holds a token, nor an address that a redirect led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// The method.
    pub method: &'static str,
    /// The path below the base address, with its query.
    pub path: String,
    /// GitHub's own id of the request, which its support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// One complaint about a field of a request, from an answer 422.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// GitHub's code: `missing`, `missing_field`, `invalid`, `already_exists`, `unprocessable` or `custom`.
    pub code: String,
    /// The field, if it names one.
    pub field: Option<String>,
    /// The sentence, if there is one.
    pub message: Option<String>,
}

/// One error of a GraphQL answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphQlProblem {
    /// GitHub's type, such as `NOT_FOUND`.
    pub kind: Option<String>,
    /// Where in the answer the value is missing.
    pub path: Vec<String>,
    /// The sentence.
    pub message: String,
}

/// Why a call was refused for now by a limit, GitHub's or our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The hourly budget of a resource is used up.
    Primary,
    /// GitHub asks to slow down; no call of this token goes out before its time.
    Secondary,
    /// What is left of the hourly budget is kept for merging.
    Reserve,
    /// Our own pace for writes.
    Pace,
    /// An earlier try of the same write, whose answer was lost, may still be under way.
    InFlight,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Primary => "the hourly limit is used up",
            Limit::Secondary => "a secondary limit was reached",
            Limit::Reserve => "the rest of the hourly limit is kept for merging",
            Limit::Pace => "too many writes in a short time",
            Limit::InFlight => "an earlier try may still be under way",
        })
    }
}

/// Why a call of GitHub did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitHubError {
    /// 404: it is missing, or the token may not see it. GitHub does not say which.
    #[error("not found, or no access: {at}{}", accepted(.permissions))]
    NotFoundOrNoAccess {
        /// The call.
        at: CallSite,
        /// The permissions that would do, if GitHub names them.
        permissions: Option<String>,
    },
    /// 401: the token is not valid, or no longer.
    #[error("the token was refused: {at}; check that it has not expired or been revoked")]
    Unauthorised {
        /// The call.
        at: CallSite,
    },
    /// 403 without a sign of a limit.
    #[error("not permitted: {at}: {message}{}", accepted(.permissions))]
    Forbidden {
        /// The call.
        at: CallSite,
        /// GitHub's sentence.
        message: String,
        /// The permissions that would do, if GitHub names them.
        permissions: Option<String>,
    },
    /// 410: the feature is turned off there, the thing was deleted, or the API version is retired.
    #[error("gone for good: {at}: {message}")]
    Gone {
        /// The call.
        at: CallSite,
        /// GitHub's sentence.
        message: String,
    },
    /// 409: the state has moved on; read again and decide again.
    #[error("the state has changed meanwhile: {at}: {message}")]
    Conflict {
        /// The call.
        at: CallSite,
        /// GitHub's sentence.
        message: String,
        /// The answer, which some calls fill with what is there already.
        body: Option<Box<serde_json::Value>>,
    },
    /// 405: not possible now, such as a merge whose checks have not passed.
    #[error("not possible now: {at}: {message}")]
    NotNow {
        /// The call.
        at: CallSite,
        /// GitHub's sentence.
        message: String,
    },
    /// 422: GitHub understood the request and refused what is in it.
    #[error("refused: {at}: {message}{}", listed(.problems))]
    Unprocessable {
        /// The call.
        at: CallSite,
        /// GitHub's sentence.
        message: String,
        /// The complaints.
        problems: Vec<FieldProblem>,
    },
    /// Another refusal that stays: 400, 423, 451 and so on.
    #[error("refused with {status}: {at}: {message}")]
    Rejected {
        /// The call.
        at: CallSite,
        /// The status.
        status: u16,
        /// GitHub's sentence.
        message: String,
    },
    /// A limit; nothing was sent, or what was sent was not done. The caller comes back at the time given.
    #[error("{what}, until {until}: {at}")]
    Limited {
        /// The call.
        at: CallSite,
        /// When to come back.
        until: Timestamp,
        /// Which limit.
        what: Limit,
    },
    /// A write whose answer was lost: it may have been done. Look before doing it again.
    #[error("no answer, so it may have been done or not: {at}")]
    Indeterminate {
        /// The call.
        at: CallSite,
        /// Why there was no answer.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// GitHub does not answer, or answers that it cannot. Nothing was done.
    #[error("GitHub does not answer{}: {at}", status_text(*.status))]
    Unavailable {
        /// The call.
        at: CallSite,
        /// The status, if there was an answer.
        status: Option<u16>,
        /// Why there was none.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The answer is not what was asked for.
    #[error("an answer that cannot be read: {at}: {problem}")]
    Malformed {
        /// The call.
        at: CallSite,
        /// What is wrong with it.
        problem: String,
    },
    /// The answer is larger than a limit of ours.
    #[error("an answer of more than {limit} bytes: {at}; ask for smaller pages")]
    TooLarge {
        /// The call.
        at: CallSite,
        /// The limit.
        limit: usize,
    },
    /// A GraphQL answer that holds errors. What data came with them is not used.
    #[error("GraphQL errors: {at}: {}", sentences(.problems))]
    GraphQl {
        /// The call.
        at: CallSite,
        /// The errors.
        problems: Vec<GraphQlProblem>,
    },
    /// There is nothing to authenticate with, or it cannot be used.
    #[error("cannot authenticate: {problem}")]
    Credentials {
        /// What is wrong, with the remedy.
        problem: String,
    },
    /// The client cannot be set up, or its journal of writes cannot be written.
    #[error("{what}")]
    Setup {
        /// What failed, with the remedy.
        what: String,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl GitHubError {
    /// Whether the same call may succeed later without anybody's help. An indeterminate write is not among them: it
    /// must be looked for first.
    pub fn is_transient(&self) -> bool {
        matches!(self, GitHubError::Limited { .. } | GitHubError::Unavailable { .. })
    }

    /// When to come back, if a limit says so.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            GitHubError::Limited { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether GitHub refused to create something because it is there already.
    pub fn already_exists(&self) -> bool {
        let GitHubError::Unprocessable { problems, .. } = self else {
            return false;
        };
        // A pull request that exists is reported as `custom`, with a sentence.
        let said = |p: &FieldProblem| p.message.as_deref().is_some_and(|m| m.contains("already exists"));
        problems.iter().any(|p| p.code == "already_exists" || said(p))
    }

    /// Whether the thing asked for is missing, gone, or hidden from this token.
    pub fn is_absent(&self) -> bool {
        matches!(self, GitHubError::NotFoundOrNoAccess { .. } | GitHubError::Gone { .. })
    }
}

fn accepted(permissions: &Option<String>) -> String {
    match permissions {
        Some(p) if !p.is_empty() => format!("; the token needs {p}"),
        _ => String::new(),
    }
}

fn status_text(status: Option<u16>) -> String {
    status.map(|s| format!(" ({s})")).unwrap_or_default()
}

fn listed(problems: &[FieldProblem]) -> String {
    let one = |p: &FieldProblem| match (&p.field, &p.message) {
        (_, Some(message)) => format!("; {message}"),
        (Some(field), None) => format!("; {field}: {}", p.code),
        (None, None) => format!("; {}", p.code),
    };
    problems.iter().map(one).collect()
}

fn sentences(problems: &[GraphQlProblem]) -> String {
    problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("; ")
}
