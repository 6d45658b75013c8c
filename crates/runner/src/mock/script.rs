//! How one attempt goes.

use std::time::Duration;

use dayfly_core::{AttemptEvent, End, LimitNotice, Usage};

/// How one attempt goes.
///
/// Make one by [`MockScript::ends`], [`MockScript::succeeds`] or [`MockScript::hangs`], and set what is different:
/// more may be added to it.
#[derive(Debug, Clone, PartialEq)]
pub struct MockScript {
    /// How long it takes.
    pub after: Duration,
    /// What it tells when it starts.
    pub events: Vec<AttemptEvent>,
    /// What it tells later, each so long after its start.
    pub later: Vec<(Duration, AttemptEvent)>,
    /// How many lines it prints at its start besides.
    pub flood: u64,
    /// How it ends, unless it is stopped before.
    pub end: End,
    /// What it used.
    pub usage: Usage,
    /// The model it used.
    pub model: Option<String>,
    /// What its vendor said of limits by its end.
    pub limits: Vec<LimitNotice>,
    /// Its structured answer, as JSON.
    pub answer: Option<String>,
    /// What is in its proposal file at the end.
    pub proposal_json: Option<String>,
    /// Files it writes, as paths from the folder it starts in and what is in them.
    pub files: Vec<(String, String)>,
    /// Whether it goes on after a polite stop, until it is killed.
    pub stubborn: bool,
    /// What becomes of it when it is dropped while it runs.
    pub when_dropped: WhenDropped,
    /// Why it does not start at all, if it does not.
    pub refusal: Option<MockRefusal>,
}

/// What becomes of an attempt whose handle is dropped while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenDropped {
    /// It is killed, as the contract of [`Running`](dayfly_core::Running) says.
    #[default]
    Killed,
    /// It goes on, and can be taken up again: as if the engine had been killed and its keeper had not.
    Found,
    /// It is gone, and cannot be taken up again: as if all had been killed.
    Lost,
}

/// Why an attempt does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockRefusal {
    /// Why, in words.
    pub why: String,
    /// Whether it may start later.
    pub transient: bool,
}

impl MockScript {
    /// An attempt that ends at once, and leaves nothing behind.
    pub fn ends(end: End) -> Self {
        Self {
            after: Duration::ZERO,
            events: Vec::new(),
            later: Vec::new(),
            flood: 0,
            end,
            usage: Usage::default(),
            model: None,
            limits: Vec::new(),
            answer: None,
            proposal_json: None,
            files: Vec::new(),
            stubborn: false,
            when_dropped: WhenDropped::Killed,
            refusal: None,
        }
    }

    /// An attempt that succeeds at once, and leaves nothing behind.
    pub fn succeeds() -> Self {
        Self::ends(End::Succeeded)
    }

    /// An attempt that goes on until it is stopped.
    pub fn hangs() -> Self {
        Self { after: Duration::MAX, ..Self::succeeds() }
    }

    /// An attempt that does not start.
    pub fn refused(why: impl Into<String>) -> Self {
        Self { refusal: Some(MockRefusal { why: why.into(), transient: false }), ..Self::succeeds() }
    }
}
