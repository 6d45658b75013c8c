//! What the vendor's answers say of its limits, as they say it.

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};

/// The most headers that are kept, and the longest of them.
const MOST: usize = 48;
const LONGEST: usize = 256;

/// The beginnings of the names that speak of limits.
const NAMES: [&str; 4] = ["anthropic-ratelimit-", "x-ratelimit-", "ratelimit-", "x-codex-"];

/// What an answer said of limits. The values are as they came: what they mean is for others to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyNotice {
    /// The answer's status.
    pub status: u16,
    /// The header `retry-after`.
    pub retry_after: Option<String>,
    /// Headers of limits and their resets, by name.
    pub resets: Vec<(String, String)>,
}

impl ProxyNotice {
    /// What this answer says, if it says anything.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let short = |value: &hyper::header::HeaderValue| {
            value.to_str().ok().filter(|value| value.len() <= LONGEST).map(str::to_owned)
        };
        let retry_after = headers.get(RETRY_AFTER).and_then(short);
        let named = headers.iter().filter(|(name, _)| {
            let name = name.as_str();
            name == "retry-after-ms" || NAMES.iter().any(|begin| name.starts_with(begin))
        });
        let resets: Vec<_> =
            named.filter_map(|(name, value)| Some((name.to_string(), short(value)?))).take(MOST).collect();
        let notice = Self { status: status.as_u16(), retry_after, resets };
        (notice.is_refusal() || notice.retry_after.is_some() || !notice.resets.is_empty()).then_some(notice)
    }

    /// Whether the vendor refused because of a limit, or because it had too much to do.
    pub fn is_refusal(&self) -> bool {
        matches!(self.status, 429 | 529) || self.status == 503 && self.retry_after.is_some()
    }
}
