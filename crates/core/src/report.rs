//! Reports: plain structs, derived from ledger facts only.

mod attempts;
mod log;
mod status;

pub use attempts::{AttemptLine, attempts};
pub use log::{WorkLog, WorkLogQuery, work_log};
pub use status::{IssueLine, MilestoneLine, Status, WaitLine, WhyReport, status, why};
