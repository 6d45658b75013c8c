//! `dayfly completions`: a completion script.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::error::{CliError, Exit};

pub(crate) fn run(shell: Shell) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "dayfly", &mut script);
    std::io::Write::write_all(&mut anstream::stdout(), &script)?;
    Ok(Exit::Good)
}
