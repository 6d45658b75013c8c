//! The domain of dayfly, as values and pure functions.
//!
//! dayfly looks after a portfolio of git repositories with coding agents. Every piece of work is an
//! immutable *job*; gates stand between jobs; everything that happened is an event in an append-only
//! *ledger*, and state is its fold. This crate holds the words of that domain in the order in which
//! data flows: configuration, portfolio, tracker, stages, plan, jobs, gates, runners, outcomes,
//! effects, ledger, reports.
//!
//! It does no I/O: it names no async runtime, reads no file, environment, home or clock. What comes
//! from outside is an argument, so that the same values give the same answer on every machine.
//!
//! ```
//! use dayfly_core::{Config, SourceText};
//!
//! let text = r#"
//! version = 1
//! [agents.script]
//! kind = "command"
//! argv = ["./agent.sh"]
//! [stages.exec]
//! agents = ["script"]
//! [projects.web]
//! path = "web"
//! pipeline = ["exec", "merge"]
//! "#;
//! let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("no files".into()))?;
//! assert_eq!(config.portfolio.projects.len(), 1);
//! # Ok::<(), dayfly_core::ConfigError>(())
//! ```

mod agent;
mod capacity;
mod chain;
mod clock;
mod config;
mod control;
mod drift;
mod effect;
mod event;
mod forge;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod id;
mod job;
mod outcome;
mod plan;
mod portfolio;
mod prompt;
mod proposal;
mod report;
mod reset;
mod runner;
mod sandbox;
mod service;
mod settle;
mod stage;
mod state;
mod store;
mod text;
mod tracker;
mod triage;

pub use agent::{
    Agent, AgentError, AgentEvent, AnswerBy, Billing, CommandLine, Ending, EventReader, ExitFacts, LimitNotice,
    LimitScope, LimitWhy, Opening, PromptVia, Usage,
};
pub use capacity::{
    Capacity, CapacityKey, Failure, Learned, Limit, Limited, OpenedBy, Spending, Spent, Standing, Strength, Using,
    Window, capacity_after, capacity_noticed, next_probe, probe_job,
};
pub use chain::{Anchor, AnchorError, Broken, Chain, PutBack};
pub use clock::{Clock, FixedClock};
pub use config::{Config, ConfigError, Origin, Problem, Setting, SourceText};
pub use control::{Ask, Control, Order, Pause, Quit, REQUEST_VERSION, Request, Target};
pub use drift::{
    Account, Baseline, BranchSeen, Bypass, DriftFinding, DriftInput, DriftKind, DriftLook, DriftRecord, DriftReport,
    Evidence, GatePolicy, Looked, ProjectDrift, Reach, SeenCommit, baseline_of, check_job, drift,
};
pub use effect::{Again, Boot, Effect, EffectEntry, EffectId, EffectKind, IN_FLIGHT, quarantine_until};
pub use event::{Event, EventKind, FORMAT_VERSION, Fate, Found, Record, RecordError};
pub use forge::{
    Checks, FailedCheck, Forge, ForgeRepo, ForgeRepoError, MergeMethod, Mergeable, NewPull, Pull, PullApplied,
    PullState, PullWrite, Remote, Review, Secret,
};
pub use gate::{Gate, GateError, GateResult, GateSpec, Subject, Verdict, WorkFacts, gate_fn};
pub use id::{
    AccountName, AgentName, AttemptId, Commit, Digest, Epoch, IssueId, IssueRef, JobId, NameError, OrderId,
    ProjectName, Seq, StageName, Token, VendorName,
};
pub use job::{
    Feedback, Job, JobContext, JobError, JobSpec, Profile, Spend, StageJob, parking_effects, refusal_effects,
    restoration,
};
pub use outcome::{Class, End, GateFailure, Outcome, Receipt};
pub use plan::{Awaited, Filter, Plan, PlanInput, ProjectView, Ready, Wait, Waiting, Why, plan};
pub use portfolio::{
    AccountConfig, AgentConfig, AgentKind, Answers, Budget, Budgets, CapacityPolicy, Choose, DriftPolicy, GitHubConfig,
    Landing, Limits, MergeBy, MergePolicy, MigrationCheck, Permissions, Portfolio, Price, Project, ProjectKind,
    ProjectRunner, Retry, RollOver, SessionConfig, SessionDone, SessionPrompt, TrackerKind, TriagePolicy,
};
pub use prompt::{PromptContext, PromptError, PromptTemplate};
pub use proposal::{
    Allowed, Child, Created, Proposal, ProposalCaps, ProposalError, Proposed, VerdictClaim, VerdictRule,
};
pub use report::{
    AttemptLine, Backlog, BacklogLine, Brief, BriefQuery, BudgetLine, CapacityLine, CapacityReport, ChangeLine,
    CostLine, DoneLine, DriftBrief, DriftLine, Flow, FlowCost, FlowDay, FlowProject, FlowQuery, FlowTable, FlowWeek,
    GateLine, IssueLine, LeadTime, MilestoneLine, ProjectBrief, Rework, Runway, ServiceLine, StageEnds, Status,
    Substituted, Throughput, UsageBy, UsageQuery, UsageReport, UsageRow, WaitLine, WaitSum, WaitWhy, Waits, WhyReport,
    WorkLog, WorkLogQuery, attempts, backlog, brief, capacity, flow, pull_text, services, status, usage, why, work_log,
};
pub use reset::{ResetTime, reset_in};
pub use runner::{
    AfterCrash, Attempt, AttemptEvent, Capabilities, Containment, EventSink, OutputLimits, ProcessIdentity, Runner,
    RunnerError, Running, Stop, Stream,
};
pub use sandbox::{Network, Sandbox, SandboxPolicy, SandboxSpec};
pub use service::{Outage, SERVICE_FAILURES, Service};
pub use settle::{Next, SettleInput, believed, next_step};
pub use stage::{Access, AnswerRule, Choice, Fallback, Pipeline, Stage, StageRun, WorstCase};
pub use state::{
    Aside, FOLD_VERSION, Finish, IssueState, LiveAttempt, PendingEffect, Phase, PullRecord, PullStep, StageWork, State,
    StateError, transition_diagram, transition_table,
};
pub use store::{Batch, Condition, MemoryStore, Store, StoreError};
pub use text::{harmless, harmless_title, said, shown, without_disguise};
pub use tracker::{
    Applied, Author, Comment, Counts, Issue, IssueFacts, IssueState as TrackerState, Labels, Milestone, NewIssue,
    Priority, Tracker, TrackerError, TrackerWrite, Trust,
};
pub use triage::{Finding, TriageInput, Trigger, may_trigger, milestone_progress, triage};

#[cfg(feature = "mock")]
pub use agent::MockAgent;
#[cfg(feature = "mock")]
pub use clock::MockClock;
#[cfg(feature = "mock")]
pub use forge::MockForge;
#[cfg(feature = "mock")]
pub use gate::MockGate;
#[cfg(feature = "mock")]
pub use job::MockJob;
#[cfg(feature = "mock")]
pub use runner::{MockRunner, MockRunning};
#[cfg(feature = "mock")]
pub use store::MockStore;
#[cfg(feature = "mock")]
pub use tracker::MockTracker;

/// One use of each trait as `dyn`, so that a change which forbids it fails to compile.
const _: () = {
    const fn object_safe<T: ?Sized>() {}
    object_safe::<dyn Agent>();
    object_safe::<dyn Clock>();
    object_safe::<dyn Forge>();
    object_safe::<dyn Gate>();
    object_safe::<dyn Job>();
    object_safe::<dyn Runner>();
    object_safe::<dyn Running>();
    object_safe::<dyn Store>();
    object_safe::<dyn Tracker>();
};
