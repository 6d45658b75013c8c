//! What people stopped or paused.

use dayfly_core::{Control, Portfolio, Store as _};
use dayfly_runner::{OrderFolder, SqliteStore};

use crate::context::Context;
use crate::orders::names;
use crate::tables::one_line;

use super::Check;

/// A halt keeps jobs from running; a pause is worth a word, because it is easily forgotten.
pub(super) async fn checks(context: &Context, portfolio: &Portfolio) -> Vec<Check> {
    let store = SqliteStore::open_read_only(&context.ledger()).ok();
    // A ledger that cannot be read has a check of its own.
    let known = match &store {
        Some(store) => store.load().await.ok().map(|state| state.control),
        None => None,
    };
    let control = known.unwrap_or_default();
    let by_file = OrderFolder::of(&portfolio.state_dir).halt().filter(|order| !control.has_taken(&order.id));
    let mut checks = Vec::new();
    if let Some(order) = control.halt.or(by_file) {
        let found = format!("{} stopped everything: {}", order.by, one_line(&order.reason));
        checks.push(Check::bad("orders", found, format!("lift it once that is mended: {}", Control::LIFT)));
    }
    checks.extend(control.paused.iter().map(|pause| {
        let what = names(std::slice::from_ref(&pause.what));
        let found = format!("{} paused {what}: {}", pause.order.by, one_line(&pause.order.reason));
        Check::note("orders", found, pause.remedy())
    }));
    checks
}
