//! The commands about the ledger.

use camino::Utf8PathBuf;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Go through the ledger's chain, record by record; ends with exit code 1 at the first that is not in order.
    Verify {
        /// A place that the ledger has gone through, as SEQ:HASH, or a file that names some, such as a work log.
        #[arg(long, value_name = "SEQ:HASH|FILE")]
        head: Vec<String>,
    },
    /// Show records, in order; with --json a line each, as they are in the ledger.
    #[command(after_help = "\
Examples:
  dayfly audit show --issue web#42
  dayfly audit show --kind attempt-ended --since 2026-03-01 --until 2026-03-31
  dayfly audit show --json >ledger.jsonl     all of it, to keep elsewhere")]
    Show(AuditFilter),
}

/// Which records are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditFilter {
    /// Only those about this project.
    #[arg(long, short)]
    pub(crate) project: Option<String>,
    /// Only those about this issue, as PROJECT#ID, or its ID if only one project has it.
    #[arg(long, short)]
    pub(crate) issue: Option<String>,
    /// Only those about this attempt.
    #[arg(long, short)]
    pub(crate) attempt: Option<String>,
    /// Only those of this kind, such as attempt-ended; may be given more than once.
    #[arg(long, short, value_parser = crate::commands::event_kind)]
    pub(crate) kind: Vec<dayfly_core::EventKind>,
    /// Only those from this time on: a day, or a time such as 2026-03-30T21:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<crate::moment::Moment>,
    /// Only those before the end of this day, or before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<crate::moment::Moment>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Show the ledger's file: its size, its records, its head, its backups.
    Info,
    /// Copy the ledger, proven and written out to the disk, while an engine may work.
    Backup {
        /// The new file; by default one with the time in its name, in `backups` of the state directory.
        file: Option<Utf8PathBuf>,
        /// How many copies stay in `backups`.
        #[arg(long, default_value_t = 7, conflicts_with = "file", value_parser = clap::value_parser!(u16).range(1..))]
        keep: u16,
    },
    /// Put a copy in the place of the ledger, which is kept beside it. No engine may work meanwhile.
    Restore {
        /// The copy.
        file: Utf8PathBuf,
    },
    /// Move old records into compressed files beside the ledger, where they are read from then on. No engine may work
    /// meanwhile.
    #[command(after_help = "\
Examples:
  dayfly store archive --older 90d
  dayfly store archive --before 2026-01-01")]
    #[group(required = true, multiple = false)]
    Archive {
        /// Records from before this day, or this time.
        #[arg(long, value_name = "TIME")]
        before: Option<crate::moment::Moment>,
        /// Records that are older than this, such as 90d, 12w or 1y.
        #[arg(long, value_name = "AGE", value_parser = crate::moment::age)]
        older: Option<jiff::Span>,
    },
    /// Make anew what is made from the ledger, and compare.
    Rebuild,
}
