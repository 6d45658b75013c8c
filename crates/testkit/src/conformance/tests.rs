use dayfly_core::MemoryStore;

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    super::store(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn a_store_that_forgets_is_found_out() {
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(super::store_reopened(async || MemoryStore::new()));
    assert!(tasks.join_next().await.unwrap().unwrap_err().is_panic());
}

#[tokio::test]
async fn the_store_in_memory_keeps_leases() {
    super::store_leases(async |clock| dayfly_core::MemoryStore::with_clock(clock)).await;
}
