//! `dayfly`: looks after a portfolio of git repositories with coding agents.
//!
//! This program reads arguments, builds an engine or a report from the library, and shows it.

mod args;
mod catalogs;
mod commands;
mod context;
mod error;
mod github;
mod instead;
mod keeper;
mod moment;
mod orders;
mod output;
mod plain;
mod tables;
mod time;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use error::{CliError, Exit};
use output::Output;

fn main() -> ExitCode {
    // Before anything else: as a keeper this program is to stay small.
    if let Some(code) = instead::instead() {
        return code;
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(err) => {
            // Help and version go to standard output and are a success; the rest is a usage error.
            let _ = err.print();
            return if err.use_stderr() { Exit::Usage.into() } else { Exit::Good.into() };
        }
    };
    let mut output = Output::new(args.json, args.quiet);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(err) => return error::show(&CliError::environment("cannot start the runtime").with_source(err)).into(),
    };
    let result = runtime.block_on(commands::run(args, &mut output));
    // A thread that waits for a person's input must not hold the exit.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit.into(),
        Err(err) => error::show(&err).into(),
    }
}
