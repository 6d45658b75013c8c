//! What must come of a case.

use crate::cases::Case;
use crate::clis::Cli;

/// Until when something takes no work after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limited {
    /// Nothing is limited.
    No,
    /// Until the time that the vendor stated.
    UntilReset,
    /// Until a time that dayfly chose, because the vendor's program tells none.
    ForAWhile,
    /// Until a person has acted.
    ForAPerson,
}

impl Limited {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Limited::No => "-",
            Limited::UntilReset => "until the stated reset",
            Limited::ForAWhile => "for a while",
            Limited::ForAPerson => "until a person acts",
        }
    }
}

/// What must come of a case.
#[derive(Debug)]
pub(crate) struct Expected {
    /// The word of the end.
    pub(crate) end: &'static str,
    pub(crate) limited: Limited,
    /// The most requests that the server may see.
    pub(crate) requests: usize,
}

/// Decided from what the vendors document and from what dayfly promises; where a program tells less than it should, from what
/// it was seen to do. Such a row guards against change, and does not show that its end is the right one.
pub(crate) fn expected(cli: &Cli, case: &Case) -> Expected {
    let of = |end, limited, requests| Expected { end, limited, requests };
    let quota = |limited| of("quota", limited, 12);
    match (case.name, cli.name.as_str()) {
        ("work" | "flaky", _) => of("succeeded", Limited::No, 12),
        ("answer", _) => of("no-op", Limited::No, 4),
        // The answer has a time; these pass on that there is a limit, and no time.
        ("usage-limit", "claude" | "copilot" | "gemini") => quota(Limited::ForAWhile),
        ("429" | "429-after-1", _) => quota(Limited::ForAWhile),
        // They wait as long as they are told to, until dayfly ends them. Codex tells that it does.
        ("429-after-7200", "codex") => of("provider-down", Limited::ForAWhile, 2),
        ("429-after-7200", "opencode") => of("timed-out-wall", Limited::No, 6),
        ("429-after-7200", _) => quota(Limited::ForAWhile),
        ("usage-limit" | "usage-limit-login", _) => quota(Limited::UntilReset),
        // It asks again and again, for ever.
        ("html", "opencode") => of("timed-out-wall", Limited::No, 1000),
        ("529" | "overloaded-stream" | "500" | "503" | "cut" | "cut-head" | "html", _) => {
            of("provider-down", Limited::ForAWhile, 32)
        }
        ("401" | "403", _) => of("auth", Limited::ForAPerson, 12),
        ("403-quota", _) => quota(Limited::ForAWhile),
        ("404", _) => of("misconfigured", Limited::No, 12),
        // They take a refusal, or an answer that was cut off, for an answer, and end well.
        ("refusal", "codex" | "copilot") | ("max-tokens", "copilot" | "gemini") => of("no-op", Limited::No, 12),
        ("hang", _) => of("timed-out-wall", Limited::No, 12),
        ("stall", _) => of("timed-out-silence", Limited::No, 12),
        _ => of("task-failed", Limited::No, 12),
    }
}
