//! The orders of people, as an engine takes them in.

use dayfly_core::{Ask, End, Outcome, Pause, Quit, Request, Stop, Target};

use crate::process;

use super::attempt::Work;
use super::builder::EngineError;
use super::house::House;
use super::{Loop, decide};

impl House {
    /// Whether everything is stopped, as the file says that stops it. It is asked right before each start and each write:
    /// between a decision and what follows from it there may be any time.
    pub(super) fn is_halted(&self) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.is_halted())
    }

    /// Ends when there may be an order to take in.
    pub(super) async fn rung(&self) {
        match &self.orders {
            Some(orders) => orders.rung().await,
            None => std::future::pending().await,
        }
    }
}

impl Work {
    /// What did not end well while everything was stopped was ended by that, whatever it looks like: whoever stops
    /// everything ends processes without asking their engine.
    pub(super) fn excuse(&self, outcome: &mut Outcome) {
        if outcome.end != End::Succeeded && self.house.is_halted() {
            outcome.end = End::Cancelled;
            outcome.commit = None;
            outcome.receipt.gates.clear();
        }
    }
}

impl Loop<'_> {
    /// Takes in what was ordered while no engine was there.
    ///
    /// # Errors
    /// If everything is stopped: then there is nothing to start.
    pub(super) async fn enter(&mut self) -> Result<(), EngineError> {
        if let Some(orders) = self.house.orders.clone() {
            for request in orders.news(&self.model.state) {
                let event = request.event(&self.model.state);
                self.record(event.into_iter().collect(), Vec::new()).await?;
                // One that stays is known again by its id.
                let _ = orders.remove(&request.order.id);
            }
            orders.clear(&self.model.state);
        }
        match &self.model.state.control.halt {
            Some(order) => Err(EngineError::Halted(order.clone())),
            None => Ok(()),
        }
    }

    /// Takes in what was ordered. A request is removed when all that follows from it was begun; one that stays is known
    /// again by its id.
    pub(super) async fn take_orders(&mut self) -> Result<(), EngineError> {
        let Some(orders) = self.house.orders.clone() else { return Ok(()) };
        let news = orders.news(&self.model.state);
        if news.is_empty() {
            return Ok(());
        }
        let own = process::identity(std::process::id());
        for request in news {
            let commands = decide::order(&mut self.model, &request, own.as_ref(), self.house.now());
            self.carry_out(commands).await?;
            let _ = orders.remove(&request.order.id);
        }
        orders.clear(&self.model.state);
        Ok(())
    }

    /// How people have ordered this engine to end while its store does not serve. To end once all is written must wait
    /// for the store.
    pub(super) fn is_to_end(&self) -> Option<Stop> {
        let orders = self.house.orders.as_ref()?;
        if orders.is_halted() {
            return Some(Stop::Kill);
        }
        let own = process::identity(std::process::id())?;
        let mut end = None;
        for Request { order, ask, .. } in orders.waiting() {
            match ask {
                Ask::End { engine, how: Quit::Kill } if engine == own => end = Some(Stop::Kill),
                Ask::End { engine, how: Quit::Polite } if engine == own => end = end.or(Some(Stop::Polite)),
                _ => continue,
            }
            // It is heard, and nothing of it comes into the ledger.
            let _ = orders.remove(&order.id);
        }
        end
    }

    /// Ends what goes on for issues whose work was cancelled: an engine before this one was told to, and died.
    pub(super) fn end_cancelled(&self) {
        let state = &self.model.state;
        let cancelled = |pause: &Pause| pause.cancelled && matches!(pause.what, Target::Issue(_));
        for (id, live) in &state.live {
            if state.control.holds(&live.issue).is_some_and(cancelled) {
                self.brake.one(id, Stop::Polite);
            }
        }
    }
}
