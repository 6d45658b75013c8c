//! The command line.

mod drift;
mod ledger;
mod orders;
mod simulate;

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use drift::{Accept, Drift, DriftCommand};
pub(crate) use ledger::{AuditCommand, AuditFilter, StoreCommand};
pub(crate) use orders::{Cancel, Pause, Resume, Stop};
pub(crate) use simulate::{FaultLevel, Simulate};

/// Looks after a portfolio of git repositories with coding agents.
#[derive(Debug, Parser)]
#[command(
    name = "dayfly",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Begin with `dayfly demo` to see it work, or with `dayfly init PATH...` for your own repositories.

Exit codes: 0 good; 1 something did not succeed in the end; 2 usage or configuration; 3 something on this machine is
missing; 4 nothing to do (only with --fail-if-idle); 70 a bug; 130 interrupted."
)]
pub(crate) struct Args {
    /// The configuration; by default dayfly.toml here or in a folder above.
    #[arg(long, short, global = true, value_name = "FILE", env = "DAYFLY_CONFIG")]
    pub(crate) config: Option<Utf8PathBuf>,
    /// Write JSON to standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a dayfly.toml for repositories.
    Init {
        /// The repositories; by default this folder.
        paths: Vec<Utf8PathBuf>,
        /// Overwrite a dayfly.toml that is there.
        #[arg(long)]
        force: bool,
    },
    /// Check git, agents, repositories and the store, each with its remedy.
    Doctor,
    /// Show what would be done now, in order, and why everything else waits.
    Plan {
        #[command(flatten)]
        scope: Scope,
    },
    /// Do the work: one cycle, or until nothing is left to do.
    Run {
        #[command(flatten)]
        scope: Scope,
        /// Go on until nothing is ready, waiting for spaced tries, and for capacity as long as `capacity.wait` says.
        #[arg(long)]
        until_idle: bool,
        /// How long --until-idle waits for a spaced try, such as "5m".
        #[arg(long, value_name = "TIME", default_value = "5m", requires = "until_idle", value_parser = crate::time::any)]
        patience: Duration,
        /// Show every line that agents print.
        #[arg(long, short)]
        verbose: bool,
        /// End with exit code 4 if there was nothing to do.
        #[arg(long)]
        fail_if_idle: bool,
    },
    /// Stop everything at once, or ask the engine to end.
    #[command(after_help = orders::STOP_HELP)]
    Stop(Stop),
    /// Begin nothing new for projects or issues; what runs goes on to its end.
    #[command(override_usage = "dayfly pause [OPTIONS] --reason <TEXT> [WHAT]...")]
    Pause(Pause),
    /// Go on with what was paused or cancelled, or lift `dayfly stop --all`.
    Resume(Resume),
    /// End what runs for an issue, charged to nobody, and leave the issue alone until `dayfly resume`.
    Cancel(Cancel),
    /// Show how things stand.
    Status {
        #[command(flatten)]
        scope: Scope,
    },
    /// Keep issues in order: answers, duplicates, children, blockers, stale ones, milestones. It starts no job.
    Triage {
        #[command(flatten)]
        scope: Scope,
        /// Show what would be written, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Explain where an issue stands: the gate, the next time, the remedy.
    Why {
        /// The issue, as PROJECT#ID, or its ID if only one project has it.
        issue: String,
    },
    /// Show what an attempt printed.
    Logs {
        /// The attempt, as `dayfly why` names it, or an issue, of which the last attempt is shown.
        attempt: String,
        /// Go on as long as the attempt runs.
        #[arg(long, short)]
        follow: bool,
    },
    /// Write and read issues.
    #[command(subcommand)]
    Issue(IssueCommand),
    /// Show what was done on a day.
    Worklog {
        /// The day, such as 2026-03-30; by default today.
        #[arg(long)]
        day: Option<jiff::civil::Date>,
        /// Only this project.
        #[arg(long, short)]
        project: Option<String>,
    },
    /// Show what happened, what is in the way, what needs you, how long the prepared work lasts, and the money.
    #[command(after_help = "\
Examples:
  dayfly brief                       since yesterday began
  dayfly brief --since 2026-03-27    since Friday, on a Monday
  dayfly brief --json | jq '.person[].what'")]
    Brief {
        /// Since when, as a day or a time, such as 2026-03-27 or 2026-03-27T18:00:00Z; by default since yesterday began.
        #[arg(long, value_name = "TIME")]
        since: Option<crate::moment::Moment>,
        /// Only this project.
        #[arg(long, short)]
        project: Option<String>,
    },
    /// Show where projects and their record have come apart, and who is to look: commits, gates, migrations, labels,
    /// pinned prompts and skills.
    #[command(after_help = drift::HELP)]
    Drift(Drift),
    /// Prove that the ledger is whole, and show what it holds.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look after the file of the ledger: copies, and what is made from it.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Show what agents can take now, what keeps work away from them, and how the budgets stand.
    Capacity {
        #[command(subcommand)]
        command: Option<CapacityCommand>,
    },
    /// See the agents: where they work, how they are started, and how what they print is understood.
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Show what was used: tokens, money and time.
    #[command(after_help = "\
Examples:
  dayfly usage                         the last 7 days, by day and model
  dayfly usage --by project --days 30  a month, by project
  dayfly usage --by stage --by model --from 2026-03-01 --to 2026-03-31 --json")]
    Usage {
        /// What the rows are told apart by: day, project, stage, agent, account, model or billing; may be given more
        /// than once.
        #[arg(long, default_values = ["day", "model"], value_name = "WHAT")]
        by: Vec<dayfly_core::UsageBy>,
        /// How many days, up to the last one.
        #[arg(long, default_value_t = 7, conflicts_with = "from", value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
        /// The first day, such as 2026-03-01.
        #[arg(long)]
        from: Option<jiff::civil::Date>,
        /// The last day; by default today.
        #[arg(long)]
        to: Option<jiff::civil::Date>,
        /// Only this project.
        #[arg(long, short)]
        project: Option<String>,
    },
    /// Show how work flows: what was done and how long it took, what came back, what was waited for, what changes cost.
    #[command(after_help = "\
Examples:
  dayfly report                                    the last 30 days, as tables
  dayfly report --html report.html                 the same as a page with charts, which needs nothing else
  dayfly report --since 2026-03-01 --until 2026-03-31 --project web --json")]
    Report {
        /// The first day, such as 2026-03-01; by default 30 days with the last one.
        #[arg(long, value_name = "DAY")]
        since: Option<jiff::civil::Date>,
        /// The last day; by default today.
        #[arg(long, value_name = "DAY")]
        until: Option<jiff::civil::Date>,
        /// Only this project.
        #[arg(long, short)]
        project: Option<String>,
        /// Write it as a page with charts into this file; "-" writes it to standard output.
        #[arg(long, value_name = "FILE", conflicts_with = "json")]
        html: Option<Utf8PathBuf>,
    },
    /// Rehearse: days of work in seconds, with this configuration, simulated agents, trackers and people.
    Simulate(Simulate),
    /// See, enter and end the lasting sessions of projects that run in tmux.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Show or check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// See it work: three small repositories, a scripted agent, no network and no key.
    Demo {
        /// Where; by default ./dayfly-demo.
        dir: Option<Utf8PathBuf>,
        /// Throw an earlier demo there away and start anew.
        #[arg(long)]
        fresh: bool,
        /// Only make the repositories, issues and configuration; run nothing.
        #[arg(long)]
        no_run: bool,
    },
    /// Write a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What a command is about.
#[derive(Debug, clap::Args)]
pub(crate) struct Scope {
    /// Only this project.
    #[arg(long, short)]
    pub(crate) project: Option<String>,
    /// Only this issue, as PROJECT#ID, or its ID if only one project has it.
    #[arg(long, short)]
    pub(crate) issue: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IssueCommand {
    /// Write a new issue.
    New {
        /// The project; may be left out if there is only one.
        #[arg(long, short)]
        project: Option<String>,
        /// One line.
        title: String,
        /// The text, in Markdown; "-" reads standard input.
        #[arg(long, short, default_value = "")]
        body: String,
        /// Labels; `ready-for-dev` sends it straight to work.
        #[arg(long, short)]
        label: Vec<String>,
        /// The milestone.
        #[arg(long, short)]
        milestone: Option<String>,
    },
    /// List issues.
    List {
        /// Only this project.
        #[arg(long, short)]
        project: Option<String>,
        /// Closed ones too.
        #[arg(long, short)]
        all: bool,
    },
    /// Show an issue.
    Show {
        /// The issue, as PROJECT#ID, or its ID if only one project has it.
        issue: String,
    },
    /// Answer the question an issue waits with.
    Answer {
        /// The issue, as PROJECT#ID, or its ID if only one project has it.
        issue: String,
        /// The answer; "-" reads standard input.
        text: String,
    },
    /// Let issues go on that wait for a person, once what stopped them is mended: takes the label away that holds them.
    Retry {
        /// The issues, as PROJECT#ID, or their IDs if only one project has them.
        #[arg(required = true)]
        issues: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List the agents, with their accounts and where they work.
    List,
    /// Show the command line, the variables and the files that attempts are started with; secrets are masked.
    Show {
        /// The agent.
        name: String,
        /// Only at this stage.
        #[arg(long, short)]
        stage: Option<String>,
        /// Only in this project.
        #[arg(long, short)]
        project: Option<String>,
    },
    /// Show how the recorded output of an agent is understood: its end, limits, usage, and what is not known.
    #[command(after_help = "\
Examples:
  dayfly agent classify claude output.log --stderr errors.log --exit 1
  claude -p hello --output-format stream-json --verbose | dayfly agent classify claude -

Without a dayfly.toml a kind is named: command, claude, codex, opencode, gemini or copilot.")]
    Classify {
        /// An agent of the configuration, or a kind of agent.
        agent: String,
        /// What it printed on standard output; "-" reads standard input.
        file: Utf8PathBuf,
        /// What it printed on standard error.
        #[arg(long, value_name = "FILE")]
        stderr: Option<Utf8PathBuf>,
        /// The exit code of its process; 0 if neither this nor a signal is given.
        #[arg(long, value_name = "N", conflicts_with = "signal", value_parser = clap::value_parser!(i32).range(0..=255))]
        exit: Option<i32>,
        /// The number of the signal that ended its process.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=64))]
        signal: Option<i32>,
        /// When it was printed, such as 2026-03-30T21:00:00Z; by default when the file was last written.
        #[arg(long, value_name = "TIME")]
        at: Option<jiff::Timestamp>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CapacityCommand {
    /// Say that something takes work again: what is known against it is forgotten.
    Open {
        /// VENDOR, VENDOR/ACCOUNT or VENDOR/ACCOUNT:MODEL, as `dayfly capacity` names them; or an agent.
        what: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the sessions and how they stand.
    List,
    /// Look at a session and type into it; it is started if it is not there.
    Attach {
        /// The project; may be left out if only one has a session.
        project: Option<String>,
    },
    /// End a session, with all that runs in it.
    End {
        /// The project; may be left out if only one has a session.
        project: Option<String>,
        /// Even while an attempt runs in it.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting with where it comes from.
    Show {
        /// Show the compiled-in defaults, with comments, instead.
        #[arg(long)]
        defaults: bool,
    },
    /// Check the configuration and say what is wrong.
    Check,
}
