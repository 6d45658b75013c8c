//! The command line.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Parser;

use crate::time;

/// Runs one command within limits, ends whatever it leaves behind, has gates judge it, and prints a receipt.
///
/// The command is run without a shell, in a process tree that it cannot leave: when it has ended, or is ended, nothing
/// of it is left. What it prints is passed on, and kept with the receipt if `--dir` names a folder or it did not succeed.
#[derive(Debug, Parser)]
#[command(name = "dayfly-job", version, after_help = AFTER)]
pub(crate) struct Args {
    /// The longest it may take.
    #[arg(long, value_name = "TIME", default_value = "45m", value_parser = limit)]
    pub(crate) timeout: Duration,
    /// Stop it after this long without output, processor time, written files, or other programs than before.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = limit)]
    pub(crate) silence: Duration,
    /// The time between the polite signal and the kill.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time::any)]
    pub(crate) grace: Duration,
    /// A command that must succeed afterwards, within the same limits, in the same folder; may be given several times.
    /// It is split as a shell would, and run without one.
    #[arg(long = "gate", value_name = "COMMAND")]
    pub(crate) gates: Vec<String>,
    /// The file that is its standard input. Without one that is this program's own, unless it is a terminal.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<Utf8PathBuf>,
    /// The folder for its logs and the receipt `receipt.json`; it is made, and must not hold those of another run.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<Utf8PathBuf>,
    /// The most bytes kept of each output stream: the beginning and the end of a longer one.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub(crate) log_bytes: u64,
    /// An environment variable whose value is masked in what is printed, besides those whose name says that they are
    /// secret; may be given several times.
    #[arg(long = "redact", value_name = "NAME")]
    pub(crate) redact: Vec<String>,
    /// Print nothing on standard output but the receipt.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors; the receipt is in `--dir`.
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

const AFTER: &str = "\
Exit codes: 0 it succeeded, and every gate passed; 1 it did not; 2 the command line is wrong; 3 it could not be started;
130 it was interrupted.

Examples:
  dayfly-job --timeout 2m --gate 'cargo test' -- claude -p 'Mend the failing test' --permission-mode acceptEdits
  dayfly-job --silence 5m --dir /var/log/night -- /usr/local/bin/agent --once <prompt.txt
  dayfly-job --json -- make check | jq .end";

/// A time that is longer than none.
fn limit(text: &str) -> Result<Duration, String> {
    match time::any(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("write it as \"90s\", \"5m\" or \"1h 30m\", longer than zero and at most \"720h\"".to_owned()),
    }
}
