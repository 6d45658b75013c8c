//! Reading the ledger, to make the state from it.

use dayfly_core::{Record, Seq, State, StoreError};

use super::house::House;

/// How many records are read at once.
const PAGE: usize = 4096;

/// Folds the whole ledger.
///
/// # Errors
/// If the store does not serve, or the ledger cannot be folded.
pub(super) async fn load(house: &House) -> Result<State, StoreError> {
    let mut state = State::default();
    loop {
        let records = house.store.read(state.head, PAGE).await?;
        for record in &records {
            state.apply(record)?;
        }
        if records.len() < PAGE {
            return Ok(state);
        }
    }
}

/// Reads the whole ledger.
///
/// # Errors
/// If the store does not serve.
pub async fn read_all(store: &dyn dayfly_core::Store) -> Result<Vec<Record>, StoreError> {
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
