//! Services that the last engine left alone, because they did not serve.

use dayfly_core::{Portfolio, Store as _, services};
use jiff::Timestamp;

use crate::context::Context;
use crate::tables::{count, time};

use super::Check;

pub(super) async fn checks(context: &Context, portfolio: &Portfolio) -> Vec<Check> {
    // A ledger that cannot be read has a check of its own.
    let Ok(Some(store)) = context.read_store() else { return Vec::new() };
    let Ok(state) = store.load().await else { return Vec::new() };
    let now = Timestamp::now();
    let lines = services(portfolio, &state).into_iter().map(|line| {
        let (since, until) = (time(line.since, now), time(line.until, now));
        let waits = count(line.effects, "write");
        let found = format!("does not serve since {since}: {}; {waits} waiting until {until}", line.reason);
        Check::note(line.service.to_string(), found, "mend it; it is tried again by itself")
    });
    lines.collect()
}
