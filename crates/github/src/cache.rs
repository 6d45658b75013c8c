//! Answers that are asked for again with their ETag, which costs nothing where they have not changed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What an answer is kept under. GitHub's ETags are good for the token they were given to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    pub(crate) token: String,
    pub(crate) accept: &'static str,
    pub(crate) url: String,
}

/// A kept answer.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) etag: String,
    pub(crate) link: Option<String>,
    pub(crate) body: Arc<[u8]>,
}

/// Answers in memory, the oldest leave first.
#[derive(Debug)]
pub(crate) struct Cache {
    kept: HashMap<CacheKey, Kept>,
    order: VecDeque<CacheKey>,
    bytes: usize,
    most_entries: usize,
    most_bytes: usize,
}

impl Cache {
    pub(crate) fn new(most_entries: usize, most_bytes: usize) -> Self {
        Self { kept: HashMap::new(), order: VecDeque::new(), bytes: 0, most_entries, most_bytes }
    }

    pub(crate) fn get(&self, key: &CacheKey) -> Option<&Kept> {
        self.kept.get(key)
    }

    /// Keeps an answer that is good. One that alone would take a quarter of the room is not kept.
    pub(crate) fn put(&mut self, key: CacheKey, kept: Kept) {
        self.remove(&key);
        if weight(&key, &kept) > self.most_bytes / 4 {
            return;
        }
        self.bytes += weight(&key, &kept);
        self.order.push_back(key.clone());
        self.kept.insert(key, kept);
        while self.bytes > self.most_bytes || self.kept.len() > self.most_entries {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(gone) = self.kept.remove(&oldest) {
                self.bytes -= weight(&oldest, &gone);
            }
        }
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(gone) = self.kept.remove(key) {
            self.bytes -= weight(key, &gone);
            self.order.retain(|k| k != key);
        }
    }
}

fn weight(key: &CacheKey, kept: &Kept) -> usize {
    kept.body.len() + kept.etag.len() + kept.link.as_ref().map_or(0, String::len) + 2 * key.url.len() + 128
}

#[cfg(test)]
mod tests;
