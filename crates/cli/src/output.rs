//! Standard output is data, standard error is talk.

use std::io::{IsTerminal as _, Write};

use serde::Serialize;

use crate::error::CliError;
use crate::plain::plain;

/// Where a command writes.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether data is written as JSON.
    pub(crate) json: bool,
    /// Whether talk is left out.
    pub(crate) quiet: bool,
    /// Whether talk goes to a terminal.
    pub(crate) live: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, live: !quiet && std::io::stderr().is_terminal() }
    }

    /// Writes data: as JSON if asked, otherwise as text.
    pub(crate) fn data<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.json {
            return write(&serde_json::to_string_pretty(value)?);
        }
        self.text(&text())
    }

    /// Writes text to standard output, with a line end. What others wrote into it cannot steer the terminal.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        write(&plain(text))
    }

    /// Says something to the operator, who may see in it what others wrote.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{}", plain(text));
        }
    }
}

fn write(text: &str) -> Result<(), CliError> {
    let mut out = anstream::stdout();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    out.flush()?;
    Ok(())
}
