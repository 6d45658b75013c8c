//! What an attempt spent, and what its vendor said of limits.

use std::sync::Arc;

use dayfly_core::{Price, Usage};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::usage::Tokens;
use super::{ProxyBudget, ProxyNotice};

/// What was spent by way of a proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Requests that were passed on.
    pub requests: u64,
    /// Tokens read, and not from a cache.
    pub input: u64,
    /// Tokens read from a cache.
    pub cache_read: u64,
    /// Tokens written to a cache.
    pub cache_write: u64,
    /// Tokens written by the model.
    pub output: u64,
    /// Tokens of answers that did not say, or were cut before they did: an estimate from their size.
    pub estimated: u64,
    /// Millionths of a US dollar, if there are prices.
    pub micro_usd: u64,
}

impl Spent {
    /// All tokens.
    pub fn tokens(&self) -> u64 {
        let parts = [self.cache_read, self.cache_write, self.output, self.estimated];
        parts.into_iter().fold(self.input, u64::saturating_add)
    }
}

/// What a proxy knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyState {
    /// What was spent.
    pub spent: Spent,
    /// Requests that were refused because the budget was spent.
    pub over_budget: u64,
    /// What the vendor said last of its limits.
    pub latest: Option<ProxyNotice>,
    /// What it said when it last refused something because of them.
    pub limited: Option<ProxyNotice>,
    /// Why it could not be reached, when that was tried last.
    pub unreachable: Option<String>,
}

/// The one account of an attempt, into which all its answers are written.
#[derive(Debug)]
pub(super) struct Book {
    budget: ProxyBudget,
    state: watch::Sender<ProxyState>,
}

/// What was charged for one answer so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Charge {
    pub(super) tokens: Tokens,
    pub(super) estimated: u64,
    micro_usd: u64,
}

impl Book {
    pub(super) fn open(budget: ProxyBudget, spent: Spent) -> (Arc<Self>, watch::Receiver<ProxyState>) {
        let (state, receiver) = watch::channel(ProxyState { spent, ..ProxyState::default() });
        (Arc::new(Self { budget, state }), receiver)
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        let spent = self.state.borrow().spent;
        let over = |limit: Option<u64>, spent: u64| limit.is_some_and(|limit| spent >= limit);
        over(self.budget.tokens, spent.tokens()) || over(self.budget.micro_usd, spent.micro_usd)
    }

    /// A request is on its way.
    pub(super) fn request(&self) {
        self.state.send_modify(|state| {
            state.spent.requests += 1;
            state.unreachable = None;
        });
    }

    pub(super) fn unreachable(&self, why: String) {
        self.state.send_modify(|state| state.unreachable = Some(why));
    }

    pub(super) fn over_budget(&self) {
        self.state.send_modify(|state| state.over_budget += 1);
    }

    pub(super) fn notice(&self, notice: ProxyNotice) {
        self.state.send_modify(|state| {
            if notice.is_refusal() {
                state.limited = Some(notice.clone());
            }
            state.latest = Some(notice);
        });
    }

    /// Writes down what an answer cost by now, in place of what was written down for it before.
    pub(super) fn charge(&self, old: Charge, model: &str, tokens: Tokens, estimated: u64) -> Charge {
        let micro_usd = self.cost(model, tokens, estimated);
        let new = Charge { tokens, estimated, micro_usd };
        let moved = |now: &mut u64, old: u64, new: u64| *now = now.saturating_sub(old).saturating_add(new);
        self.state.send_modify(|state| {
            let spent = &mut state.spent;
            moved(&mut spent.input, old.tokens.input, tokens.input);
            moved(&mut spent.cache_read, old.tokens.cache_read, tokens.cache_read);
            moved(&mut spent.cache_write, old.tokens.cache_write, tokens.cache_write);
            moved(&mut spent.output, old.tokens.output, tokens.output);
            moved(&mut spent.estimated, old.estimated, estimated);
            moved(&mut spent.micro_usd, old.micro_usd, micro_usd);
        });
        new
    }

    /// In millionths of a US dollar, rounded up. What is estimated costs as much as what is written, and what is written to a
    /// cache as much as what is read.
    fn cost(&self, model: &str, tokens: Tokens, estimated: u64) -> u64 {
        let usage = Usage {
            input_tokens: tokens.input.saturating_add(tokens.cache_read).saturating_add(tokens.cache_write),
            cached_tokens: tokens.cache_read,
            output_tokens: tokens.output.saturating_add(estimated),
            ..Usage::default()
        };
        let cost = |price: &Price| (price.of(&usage) * 1e6).ceil() as u64;
        let fits = self.budget.prices.iter().filter(|(name, _)| model.starts_with(name.as_str()));
        match fits.max_by_key(|(name, _)| name.len()) {
            Some((_, price)) => cost(price),
            None => self.budget.prices.values().map(cost).max().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output, ..Tokens::default() }
    }

    #[test]
    fn a_later_record_of_an_answer_takes_the_place_of_the_earlier() {
        let (book, state) = Book::open(ProxyBudget { tokens: Some(100), ..ProxyBudget::default() }, Spent::default());
        let first = book.charge(Charge::default(), "m", tokens(60, 1), 0);
        assert!(!book.is_spent());
        book.charge(first, "m", tokens(60, 39), 0);
        assert_eq!((state.borrow().spent.tokens(), book.is_spent()), (99, false));
        book.charge(Charge::default(), "m", tokens(1, 0), 0);
        assert!(book.is_spent());
    }

    #[test]
    fn a_model_without_a_price_costs_as_much_as_the_dearest() {
        let price = |model: &str, output| (model.to_owned(), Price { input: 0.0, cached: 0.0, output });
        let prices = BTreeMap::from([price("small", 1.0), price("small-but-dear", 4.0), price("big", 9.0)]);
        let budget = ProxyBudget { micro_usd: Some(1000), prices, ..ProxyBudget::default() };
        let (book, state) = Book::open(budget, Spent::default());
        for (model, sum) in [("small-2", 10), ("small-but-dear-1", 50), ("unheard-of", 140)] {
            book.charge(Charge::default(), model, tokens(1000, 10), 0);
            assert_eq!(state.borrow().spent.micro_usd, sum, "{model}");
        }
        book.charge(Charge::default(), "big", tokens(0, 0), 100);
        assert!(book.is_spent(), "{:?}", state.borrow());
    }
}
