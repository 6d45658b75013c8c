//! `dayfly-job`: one command, kept, limited and judged. The engine starts it as the keeper of an attempt; by itself it
//! serves a line of a crontab or a script.

mod args;
#[path = "../../instead.rs"]
mod instead;
mod job;
mod receipt;
#[path = "../../time.rs"]
mod time;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::Args;

fn main() -> ExitCode {
    // Before anything else: there may be hundreds of keepers, and each is to stay small.
    if let Some(code) = instead::instead() {
        return code;
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(err) => {
            let _ = err.print();
            return ExitCode::from(if err.use_stderr() { 2 } else { 0 });
        }
    };
    match job::run(&args) {
        Ok(receipt) => {
            if let Err(err) = receipt.give(&args) {
                say(&format!("error: the receipt cannot be written: {err}"));
                return ExitCode::from(3);
            }
            ExitCode::from(receipt.end.exit_code())
        }
        Err(refused) => {
            say(&format!("error: {}", refused.reason));
            ExitCode::from(refused.exit_code)
        }
    }
}

/// Tells people something; where nobody is there to be told, that is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
