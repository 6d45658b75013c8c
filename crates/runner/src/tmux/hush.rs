//! Events that are told only if the attempt has started.

use std::sync::{Arc, Mutex, PoisonError};

use dayfly_core::{AttemptEvent, EventSink};

/// The most events that are held back; later ones are dropped, and stay in the log.
const MOST: usize = 1000;

/// Holds events back until it is opened. Of an attempt that could not be started nothing is told.
#[derive(Debug, Clone)]
pub(super) struct Hush {
    to: EventSink,
    held: Arc<Mutex<Option<Vec<AttemptEvent>>>>,
}

impl Hush {
    pub(super) fn new(to: EventSink) -> Self {
        Self { to, held: Arc::new(Mutex::new(Some(Vec::new()))) }
    }

    /// The sink that goes through it.
    pub(super) fn sink(&self) -> EventSink {
        let hush = self.clone();
        EventSink::new(move |event| {
            let mut held = hush.held.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *held {
                Some(events) if events.len() < MOST => events.push(event),
                Some(_) => {}
                None => {
                    drop(held);
                    hush.to.send(event);
                }
            }
        })
    }

    /// Tells what was held back, and from now on everything at once.
    pub(super) fn open(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.into_iter().flatten().for_each(|event| self.to.send(event));
    }
}
