//! Reports: plain structs, derived from ledger facts only.

mod attempts;
mod backlog;
mod brief;
mod capacity;
mod flow;
mod log;
mod pull;
mod status;
mod usage;

pub use attempts::{AttemptLine, attempts};
pub use backlog::{Backlog, BacklogLine, backlog};
pub use brief::{Brief, BriefQuery, DriftBrief, DriftLine, ProjectBrief, Runway, brief};
pub use capacity::{CapacityLine, CapacityReport, capacity};
pub use flow::{
    ChangeLine, CostLine, Flow, FlowCost, FlowDay, FlowProject, FlowQuery, FlowTable, FlowWeek, GateLine, LeadTime,
    Rework, StageEnds, Substituted, Throughput, WaitSum, WaitWhy, Waits, flow,
};
pub use log::{DoneLine, WorkLog, WorkLogQuery, work_log};
pub use pull::pull_text;
pub use status::{IssueLine, MilestoneLine, ServiceLine, Status, WaitLine, WhyReport, services, status, why};
pub use usage::{BudgetLine, UsageBy, UsageQuery, UsageReport, UsageRow, usage};
