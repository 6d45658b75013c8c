//! Stores that take what anybody writes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dayfly_core::{Batch, Epoch, Record, Seq, Store, StoreError};

/// Takes what an engine writes that another one has followed.
#[derive(Debug)]
pub(in crate::incidents) struct Unfenced {
    inner: Arc<dyn Store>,
    epoch: Mutex<Epoch>,
}

impl Unfenced {
    pub(in crate::incidents) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, epoch: Mutex::default() }
    }
}

#[async_trait]
impl Store for Unfenced {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        let epoch = self.inner.take_over().await?;
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
        Ok(epoch)
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let epoch = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.append(&Batch { epoch, ..batch.clone() }).await
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(after, limit).await
    }
}

/// Counts what was written by engines that were followed by another one.
#[derive(Debug)]
pub(in crate::incidents) struct Watched {
    pub(in crate::incidents) inner: Arc<dyn Store>,
    current: Mutex<Epoch>,
    late: AtomicUsize,
}

impl Watched {
    pub(in crate::incidents) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, current: Mutex::default(), late: AtomicUsize::new(0) }
    }

    /// How many events such engines wrote.
    pub(in crate::incidents) fn late(&self) -> usize {
        self.late.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Store for Watched {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        let epoch = self.inner.take_over().await?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
        Ok(epoch)
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let written = self.inner.append(batch).await?;
        if batch.epoch < *self.current.lock().unwrap_or_else(PoisonError::into_inner) {
            self.late.fetch_add(written.len(), Ordering::Relaxed);
        }
        Ok(written)
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(after, limit).await
    }
}

/// Takes a claim without asking whether anybody else has made it.
#[derive(Debug)]
pub(in crate::incidents) struct Unconditional(pub(in crate::incidents) Arc<dyn Store>);

#[async_trait]
impl Store for Unconditional {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.0.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        self.0.append(&Batch { conditions: Vec::new(), ..batch.clone() }).await
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.0.read(after, limit).await
    }
}
