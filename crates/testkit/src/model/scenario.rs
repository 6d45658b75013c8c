//! What a model server plays.

use jiff::Timestamp;
use serde_json::Value;

/// A list of steps, one for each request; the last is repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    steps: Vec<Step>,
}

/// What the server does with one request.
///
/// A step that is not an answer is told as the vendor of the request's protocol tells it: its status, its headers, and
/// the form of its error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The model says this, and its turn is over.
    Answer(String),
    /// The model has a shell run this, by the tool that the request offers for it. Without one it answers.
    Shell(String),
    /// The model has a file written, by the tool that the request offers for it, or else by a shell.
    Edit {
        /// The file, from the agent's working directory.
        path: String,
        /// What it is to hold.
        text: String,
    },
    /// The model gives a structured answer: by the tool that the request offers for it, or else as text.
    Structured(Value),
    /// The model's safeguards refuse.
    Refusal,
    /// The bound of the output ends the answer.
    MaxTokens,
    /// A status with this text as its body, whatever the protocol.
    Status {
        /// The status.
        code: u16,
        /// The body; without one, an error in the vendor's form.
        body: Option<String>,
        /// The header `retry-after`, in seconds.
        retry_after: Option<u64>,
    },
    /// There were too many requests: 429.
    RateLimited {
        /// The header `retry-after`, in seconds, or the vendor's own form of it.
        retry_after: Option<u64>,
    },
    /// The provider has too much to do: 529, or 503 where the vendor says so.
    Overloaded,
    /// The stream begins, and then tells that the provider has too much to do.
    StreamError,
    /// The key is not accepted: 401.
    Unauthorised,
    /// The key may not do this: 403.
    Forbidden,
    /// A used-up quota, told with 403.
    ForbiddenQuota,
    /// The subscription's limit, or the quota of a day, is reached.
    UsageLimit {
        /// When it comes back.
        resets_at: Timestamp,
    },
    /// The prompt is longer than the model takes.
    PromptTooLong,
    /// No such model: 404.
    NoSuchModel,
    /// Success, with a page of a gateway instead of an answer.
    Html,
    /// Nothing is ever answered.
    Hang,
    /// The stream begins, and then nothing more comes.
    Stall,
    /// The connection ends before the status.
    CutBeforeHead,
    /// The connection ends in the middle of the stream.
    CutInStream,
}

impl Step {
    /// The model says this, and its turn is over.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::Answer(text.into())
    }

    /// The model has a shell run this.
    pub fn shell(command: impl Into<String>) -> Self {
        Self::Shell(command.into())
    }

    /// The model has a file written.
    pub fn edit(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Edit { path: path.into(), text: text.into() }
    }

    /// A status, with an error in the vendor's form.
    pub fn status(code: u16) -> Self {
        Self::Status { code, body: None, retry_after: None }
    }

    /// Whether the model answers, in whatever way, and no fault is played.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::Shell(_) | Self::Edit { .. } | Self::Structured(_))
    }
}

impl Scenario {
    /// These steps, of which the last is repeated.
    ///
    /// # Panics
    /// If there is none.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: Vec<Step> = steps.into_iter().collect();
        assert!(!steps.is_empty(), "a scenario needs a step");
        Self { steps }
    }

    /// The same step for every request.
    pub fn always(step: Step) -> Self {
        Self::of([step])
    }

    /// Every request is answered with this text.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::always(Step::answer(text))
    }

    /// A shell runs this; then the model answers.
    pub fn shell(command: impl Into<String>) -> Self {
        Self::of([Step::shell(command), Step::answer("I ran it.")])
    }

    /// A file is written; then the model answers.
    pub fn edit(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of([Step::edit(path, text), Step::answer("I wrote it.")])
    }

    /// The first `failures` requests get `step`, the others go through what follows.
    #[must_use]
    pub fn after(mut self, failures: usize, step: &Step) -> Self {
        self.steps.splice(0..0, std::iter::repeat_n(step.clone(), failures));
        self
    }

    /// The step for a request, counted from 0.
    pub fn step(&self, request: usize) -> &Step {
        self.steps.get(request).unwrap_or_else(|| self.steps.last().expect("a scenario has a step"))
    }
}
