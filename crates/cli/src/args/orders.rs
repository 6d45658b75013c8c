//! What a person orders, on the command line.

use std::time::Duration;

/// Shown below the help of `stop`.
pub(super) const STOP_HELP: &str = "\
Examples:
  dayfly stop --all --reason \"wrong key\"   ends all attempts now; nothing starts until `dayfly resume --all`
  dayfly stop                              as Ctrl-C in `dayfly run`: what runs is stopped politely
  dayfly stop --drain --timeout 1h         what runs ends by itself, its results are written, the engine ends

Ends when the engine has ended: 0. With 1 if it has not within the timeout.";

/// What is to end.
#[derive(Debug, clap::Args)]
pub(crate) struct Stop {
    /// End all attempts within a second, with an engine or without, and let nothing start or be written until it is
    /// lifted with `dayfly resume --all`.
    #[arg(long, requires = "reason", conflicts_with_all = ["drain", "now"])]
    pub(crate) all: bool,
    /// Why everything is stopped.
    #[arg(long, value_name = "TEXT", requires = "all", value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// Let what runs end by itself.
    #[arg(long, conflicts_with = "now")]
    pub(crate) drain: bool,
    /// Kill what runs, as a second Ctrl-C does.
    #[arg(long)]
    pub(crate) now: bool,
    /// How long the engine's end is waited for, such as "10m"; by default as long as it takes.
    #[arg(long, value_name = "TIME", conflicts_with = "all", value_parser = crate::time::any)]
    pub(crate) timeout: Option<Duration>,
}

/// What is to wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Pause {
    /// Projects, or issues as PROJECT#ID; none means everything.
    pub(crate) what: Vec<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
}

/// What is to go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    /// Projects, or issues as PROJECT#ID; none means what was paused as everything.
    pub(crate) what: Vec<String>,
    /// Lift `dayfly stop --all`.
    #[arg(long, requires = "reason", conflicts_with = "what")]
    pub(crate) all: bool,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
}

/// What is to be given up.
#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// The issue, as PROJECT#ID, or an attempt that runs.
    pub(crate) what: String,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
}

/// A reason, which says something.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("say why, in a few words".into()) } else { Ok(text.to_owned()) }
}
