//! The engine of dayfly, and what it works with: executors, agents, gates, the SQLite store, the
//! Markdown tracker and git working copies.

mod agents;
mod clock;
mod disk;
mod drift;
mod engine;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod gates;
mod git;
mod halt;
mod inbox;
#[cfg(feature = "simulate")]
pub mod incidents;
pub mod keeper;
mod liveness;
mod log;
mod markdown;
mod mock;
mod process;
mod program;
#[cfg(feature = "proxy")]
pub mod proxy;
mod redact;
mod remove;
mod sandbox;
#[cfg(feature = "simulate")]
pub mod simulate;
mod sqlite;
mod subprocess;
#[cfg(test)]
mod test_repo;
mod tmux;
mod trackers;

pub use agents::{
    Catalog, CatalogError, CommandAgent, ContextKind, ContextRule, DOTENV_FILES, KeyVariable, Printed, VendorAgent,
    agent_for, billing_route, check_catalog, classify, context_files, version_tested,
};
pub use clock::SystemClock;
pub use disk::network_file_system;
pub use drift::{DriftSources, Drifted, Migrations, look_for_drift, moved_since};
pub use engine::{
    Engine, EngineBuilder, EngineError, LockError, Notice, Overview, Past, Progress, Restored, RunOptions, Sources,
    StateLock, Summary, TriagedLine, Until, Withheld, attempt_dir, gates_dir, git_dir, overview, overview_of, read_all,
    restore,
};
pub use gates::{Commands, FactGate, GATES_FILE, GateCommand, Gates, gate_commands};
pub use git::{Candidate, Found, Git, GitError, Landed, Pushed, Repo, TrustedGit};
pub use halt::{Ended, end_all, end_engine, kept_attempts};
pub use inbox::{BELL, Inbox, STOP_FILE, new_order_id, ring_at};
pub use log::{LogPart, LogReader};
pub use markdown::MarkdownTracker;
pub use mock::{MockCall, MockRefusal, MockRulesError, MockRunner, MockScript, WhenDropped};
pub use process::{identity, is_alive, kill_attempt};
pub use program::{VersionError, ask_version, find_program};
pub use redact::{Redactor, Secret, looks_secret};
pub use sandbox::{
    Cgroup, CgroupBase, LAUNCH_FAILED, Ladder, LaunchError, Place, Rung, SandboxError, Wrapped, launch, wrap,
};
pub use sqlite::{
    Archive, Archived, Audit, Backup, Rebuilt, SqliteStore, archives, audit, backup, backup_name, backups,
    prune_backups, refuse_lost,
};
pub use subprocess::{Keeper, SubprocessRunner, child_variables, is_kept, native_program, without_secrets};
pub use tmux::{Session, SessionState, SessionStatus, TmuxError, TmuxRunner, find_tmux};
pub use trackers::{NoTracker, Trackers};
