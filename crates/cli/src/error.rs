//! What goes wrong, how it is shown, and with which exit code: all in one place.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};
use dayfly_core::{ConfigError, Control, Order, StoreError, TrackerError};
use dayfly_runner::{EngineError, GitError, LockError};
use jiff::Timestamp;

use crate::plain::plain;
use crate::tables::{one_line, time};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Good = 0,
    /// It ran, and something did not succeed in the end.
    Trouble = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Something on this machine is missing.
    Environment = 3,
    /// There was nothing to do, and a flag asked to be told.
    Nothing = 4,
    /// A bug of ours.
    Bug = 70,
    /// The operator interrupted it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do what was asked.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    message: String,
    source: Option<Box<dyn std::error::Error>>,
    hints: Vec<String>,
    config: Option<Box<ConfigError>>,
    // Whether a copy of the ledger is what helps.
    broken: bool,
}

impl CliError {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), source: None, hints: Vec::new(), config: None, broken: false }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self::new(Exit::Environment, message)
    }

    /// It ran, and what was asked did not come about.
    pub(crate) fn trouble(message: impl Into<String>) -> Self {
        Self::new(Exit::Trouble, message)
    }

    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, message)
    }

    pub(crate) fn with_source(mut self, source: impl std::error::Error + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Names the copy of the ledger that helps, where one does.
    pub(crate) fn with_copy(self, put_back: impl FnOnce() -> String) -> Self {
        if self.broken { self.hint(put_back()) } else { self }
    }

    /// The problems of the configuration, if that is what is wrong.
    pub(crate) fn config(&self) -> Option<&ConfigError> {
        self.config.as_deref()
    }

    /// A file that could not be read or written.
    pub(crate) fn files(path: impl std::fmt::Display, source: std::io::Error) -> Self {
        Self::environment(format!("cannot use {path}")).with_source(source)
    }
}

impl From<ConfigError> for CliError {
    fn from(err: ConfigError) -> Self {
        let count = err.problems.len();
        let things = if count == 1 { "problem" } else { "problems" };
        let message = format!("{} has {count} {things}", err.source.path);
        Self { config: Some(Box::new(err)), ..Self::usage(message) }
    }
}

impl From<StoreError> for CliError {
    fn from(err: StoreError) -> Self {
        let broken = matches!(err, StoreError::Ledger(_));
        let hint = match broken {
            true => "`dayfly audit verify` names the first record that is not in order",
            false => "run `dayfly doctor`",
        };
        Self { broken, ..Self::environment("the ledger does not serve").with_source(err).hint(hint) }
    }
}

impl From<TrackerError> for CliError {
    fn from(err: TrackerError) -> Self {
        match err {
            TrackerError::NotFound { .. } => {
                Self::usage(err.to_string()).hint("`dayfly issue list` shows those there are")
            }
            err => Self::environment("the tracker does not serve").with_source(err),
        }
    }
}

impl From<GitError> for CliError {
    fn from(err: GitError) -> Self {
        Self::environment("git does not serve").with_source(err)
    }
}

impl From<LockError> for CliError {
    fn from(err: LockError) -> Self {
        let hint = match &err {
            LockError::Network { .. } => "`dayfly doctor` shows where it is",
            LockError::Held { .. } => "wait for it to end, or look at it with `dayfly status`",
            _ => "check the directory's permissions and free space",
        };
        let message = err.to_string();
        match std::error::Error::source(&err) {
            Some(_) => Self::environment("the state directory cannot be used").with_source(err).hint(hint),
            None => Self::environment(message).hint(hint),
        }
    }
}

impl From<EngineError> for CliError {
    fn from(err: EngineError) -> Self {
        match err {
            EngineError::Store(err) => err.into(),
            EngineError::Halted(order) => halted(&order),
            EngineError::Gate { .. } => Self::usage(err.to_string())
                .hint("`custom:` gates belong to programs that embed dayfly; take it out of the stage's gates"),
            other => Self::new(Exit::Bug, other.to_string()).hint("please report this, with the ledger if you can"),
        }
    }
}

/// Nothing is done while everything is stopped.
pub(crate) fn halted(order: &Order) -> CliError {
    let Order { by, reason, at, .. } = order;
    let since = time(*at, Timestamp::now());
    CliError::trouble(format!("{by} stopped everything at {since}: {}", one_line(reason)))
        .hint(format!("once that is mended, lift it: {}", Control::LIFT.trim_matches('`')))
}

impl From<serde_json::Error> for CliError {
    fn from(err: serde_json::Error) -> Self {
        Self::new(Exit::Bug, "cannot write JSON").with_source(err)
    }
}

impl From<std::io::Error> for CliError {
    fn from(err: std::io::Error) -> Self {
        // A reader that has seen enough closes the pipe; that is no failure of ours.
        if err.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Good, String::new());
        }
        Self::environment("cannot write the output").with_source(err)
    }
}

/// Shows an error and gives its exit code.
pub(crate) fn show(err: &CliError) -> Exit {
    if err.message.is_empty() {
        return err.exit;
    }
    let mut text = String::new();
    let _ = write!(text, "error: {}", err.message);
    let mut source = err.source.as_deref();
    while let Some(cause) = source {
        let _ = write!(text, "\n  caused by: {cause}");
        source = cause.source();
    }
    for hint in &err.hints {
        let _ = write!(text, "\nhint: {hint}");
    }
    // The problems are styled by ourselves; the rest may hold what others wrote.
    let problems = err.config.as_deref().map(config_problems).unwrap_or_default();
    let _ = writeln!(anstream::stderr(), "{problems}{}", plain(&text));
    err.exit
}

/// An error with all that caused it.
pub(crate) fn causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// The problems of a configuration, each with its place in the text.
fn config_problems(err: &ConfigError) -> String {
    let renderer =
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    let source = shown(&err.source.text);
    for problem in &err.problems {
        let (message, help) = (plain(&problem.message), plain(&problem.help));
        let mut group = Level::ERROR.primary_title(&message).elements(None::<Snippet<'_, Annotation<'_>>>);
        if !err.source.text.is_empty() && !problem.span.is_empty() {
            let end = problem.span.end.min(err.source.text.len());
            let span = problem.span.start.min(end)..end;
            group = group.element(
                Snippet::source(&source).path(err.source.path.as_str()).annotation(AnnotationKind::Primary.span(span)),
            );
        }
        group = group.element(Level::HELP.message(&help));
        let _ = writeln!(text, "{}\n", renderer.render(&[group]));
    }
    text
}

/// A text with every control but line ends and tabs replaced, and every place in it where it was.
fn shown(text: &str) -> String {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    text.chars().flat_map(|c| if steers(c) { vec!['?'; c.len_utf8()] } else { vec![c] }).collect()
}
