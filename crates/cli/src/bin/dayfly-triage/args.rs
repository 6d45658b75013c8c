//! The command line.

use camino::Utf8PathBuf;
use clap::Parser;
use dayfly_core::ForgeRepo;

/// Keeps the issues and milestones of one repository on GitHub in order, once. It starts no agent and keeps no state: what it
/// did before, it sees there.
#[derive(Debug, Parser)]
#[command(
    name = "dayfly-triage",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  dayfly-triage --dry-run                     in a CI job: what would be written to its repository
  dayfly-triage --repo ann/web --roll-over    from anywhere, and move what a past month left open
  dayfly-triage --config dayfly.toml          with labels and rules of a configuration

The token is taken from GITHUB_TOKEN or GH_TOKEN, or asked of `gh`. It must be allowed to write issues.

Exit codes: 0 good; 1 something could not be written; 2 usage or configuration; 3 no token, or no answer;
4 nothing to do (only with --fail-if-idle)."
)]
pub(crate) struct Args {
    /// The repository, as OWNER/NAME.
    #[arg(long, short, env = "GITHUB_REPOSITORY", value_name = "OWNER/NAME", value_parser = repo)]
    pub(crate) repo: ForgeRepo,
    /// The address of the REST API.
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com", value_name = "URL")]
    pub(crate) api: String,
    /// A configuration whose labels and rules of triage are used.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<Utf8PathBuf>,
    /// An issue is stale when no person has done anything to it for so long, such as "336h"; "off" for never.
    #[arg(long, value_name = "TIME", conflicts_with = "config")]
    pub(crate) stale_after: Option<String>,
    /// Move what a past month's milestone left open to the next month's.
    #[arg(long, conflicts_with = "config")]
    pub(crate) roll_over: bool,
    /// The zone in which months begin, such as "Europe/Berlin"; by default the machine's.
    #[arg(long, value_name = "ZONE", conflicts_with = "config")]
    pub(crate) time_zone: Option<String>,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write JSON to standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// End with exit code 4 if there was nothing to do.
    #[arg(long)]
    pub(crate) fail_if_idle: bool,
}

fn repo(text: &str) -> Result<ForgeRepo, String> {
    ForgeRepo::new(text).map_err(|err| err.to_string())
}
