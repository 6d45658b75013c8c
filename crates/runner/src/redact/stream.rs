//! A stream on its way into its log, with its secrets masked.

use crate::log::Log;

use super::{Redactor, Secret};

/// What is kept of one output stream.
#[derive(Debug)]
pub(crate) struct KeptStream {
    redactor: Redactor,
    /// What may be shown of what came last.
    shown: Vec<u8>,
    log: Log,
}

impl KeptStream {
    pub(crate) fn new(secrets: &[Secret], log: Log) -> Self {
        Self { redactor: Redactor::new(secrets), shown: Vec::new(), log }
    }

    /// Takes what came; gives what may be shown, which was written to the log.
    pub(crate) fn write<'a>(&'a mut self, chunk: &'a [u8]) -> &'a [u8] {
        if self.redactor.is_empty() {
            self.log.write(chunk);
            return chunk;
        }
        self.shown.clear();
        self.redactor.push(chunk, &mut self.shown);
        self.log.write(&self.shown);
        &self.shown
    }

    /// Whether something may be held back.
    pub(crate) fn holds(&self) -> bool {
        !self.redactor.is_empty()
    }

    /// Gives what was held back, as far as it is no beginning of a secret: the output pauses.
    pub(crate) fn pause(&mut self) -> &[u8] {
        self.shown.clear();
        self.redactor.flush_partial(&mut self.shown);
        self.log.write(&self.shown);
        &self.shown
    }

    /// Gives the last that was held back. The log is complete then.
    pub(crate) fn last(&mut self) -> &[u8] {
        self.shown.clear();
        self.redactor.finish(&mut self.shown);
        self.log.write(&self.shown);
        &self.shown
    }

    /// The log.
    pub(crate) fn into_log(self) -> Log {
        self.log
    }

    /// Shows the last that was held back, and puts the log together. Gives the bytes that came.
    pub(crate) fn finish(mut self, show: impl FnOnce(&[u8])) -> u64 {
        show(self.last());
        let log = self.log;
        let total = log.total();
        log.finish();
        total
    }
}
