//! Telling attempts to end: all of them, or one.

use std::collections::BTreeMap;

use dayfly_core::{AttemptId, Stop};
use tokio::sync::watch;

/// What was asked so far.
#[derive(Debug, Default)]
struct Asked {
    all: Option<Stop>,
    one: BTreeMap<AttemptId, Stop>,
}

/// The hand that stops attempts.
#[derive(Debug, Default)]
pub(super) struct Brake(watch::Sender<Asked>);

impl Brake {
    /// Asks all attempts to end, those that start later too.
    pub(super) fn all(&self, how: Stop) {
        self.0.send_modify(|asked| asked.all = Some(how));
    }

    /// Asks one attempt to end.
    pub(super) fn one(&self, attempt: &AttemptId, how: Stop) {
        self.0.send_modify(|asked| {
            asked.one.insert(attempt.clone(), how);
        });
    }

    /// What an attempt listens with; a probe has none of its own.
    pub(super) fn ear(&self, of: Option<&AttemptId>) -> Ear {
        Ear { asked: self.0.subscribe(), of: of.cloned() }
    }
}

/// What an attempt listens with.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    asked: watch::Receiver<Asked>,
    of: Option<AttemptId>,
}

/// The engine ends.
#[derive(Debug)]
pub(super) struct Gone;

impl Ear {
    /// How it was asked to end, if it was.
    pub(super) fn asked(&self) -> Option<Stop> {
        self.of(&self.asked.borrow())
    }

    /// The same; what was heard is not waited for again.
    pub(super) fn hear(&mut self) -> Option<Stop> {
        let of = self.of.clone();
        let asked = self.asked.borrow_and_update();
        said(&asked, of.as_ref())
    }

    /// Waits until something is asked of anybody.
    pub(super) async fn changed(&mut self) -> Result<(), Gone> {
        self.asked.changed().await.map_err(|_| Gone)
    }

    /// Ends when it is asked to end. Without anybody left to ask, it never does.
    pub(super) async fn told(&mut self) {
        let of = self.of.clone();
        if self.asked.wait_for(|asked| said(asked, of.as_ref()).is_some()).await.is_err() {
            std::future::pending().await
        }
    }

    fn of(&self, asked: &Asked) -> Option<Stop> {
        said(asked, self.of.as_ref())
    }
}

fn said(asked: &Asked, of: Option<&AttemptId>) -> Option<Stop> {
    let own = of.and_then(|of| asked.one.get(of).copied());
    match (asked.all, own) {
        (Some(Stop::Kill), _) | (_, Some(Stop::Kill)) => Some(Stop::Kill),
        (all, own) => all.or(own),
    }
}
