//! Reading the ledger, to make the state from it.

use dayfly_core::{IssueRef, Record, Seq, State, Store, StoreError};

/// How many records are read at once.
const PAGE: usize = 4096;

/// Takes those issues back that a state does not hold because they were set aside.
///
/// # Errors
/// If the store does not serve.
pub(super) async fn recall(
    store: &dyn Store,
    state: &mut State,
    issues: impl IntoIterator<Item = IssueRef>,
) -> Result<(), StoreError> {
    let missing = not_held(state, issues);
    if missing.is_empty() {
        return Ok(());
    }
    for (issue, known) in store.recall(&missing).await? {
        state.recall(issue, known);
    }
    Ok(())
}

/// Those issues that a state does not hold because they were set aside.
pub(super) fn not_held(state: &State, issues: impl IntoIterator<Item = IssueRef>) -> Vec<IssueRef> {
    if state.aside.is_empty() {
        return Vec::new();
    }
    issues.into_iter().filter(|issue| !state.issues.contains_key(issue)).collect()
}

/// Reads the whole ledger.
///
/// # Errors
/// If the store does not serve.
pub async fn read_all(store: &dyn Store) -> Result<Vec<Record>, StoreError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(Seq(0), |r| r.seq);
        let page = store.read(after, PAGE).await?;
        let last = page.len() < PAGE;
        records.extend(page);
        if last {
            return Ok(records);
        }
    }
}
