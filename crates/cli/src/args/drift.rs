//! Drift, on the command line.

use clap::Subcommand;

/// Shown below the help of `drift`.
pub(super) const HELP: &str = "\
Examples:
  dayfly drift                                all projects; the first look accepts how they stand
  dayfly drift --json | jq '.projects[].findings[].who'
  dayfly drift accept web --because \"release by hand\"

Ends with 0 if nothing was found, and with 1 if something was.";

/// What is looked at.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Drift {
    #[command(subcommand)]
    pub(crate) command: Option<DriftCommand>,
    /// Only this project.
    #[arg(long, short)]
    pub(crate) project: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DriftCommand {
    /// Accept how projects stand: what is there now is no drift any more.
    Accept(Accept),
}

/// What is accepted.
#[derive(Debug, clap::Args)]
pub(crate) struct Accept {
    /// The project; by default all of them.
    pub(crate) project: Option<String>,
    /// Why; the ledger keeps it, with who and when.
    #[arg(long, value_name = "TEXT", default_value = "it was looked at", value_parser = super::orders::reason)]
    pub(crate) because: String,
}
