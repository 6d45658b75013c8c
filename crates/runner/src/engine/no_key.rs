//! Without the feature `proxy` nothing keeps a key from an attempt, and no attempt is started that asks for it.

use dayfly_core::{Attempt, Outcome, State};

use super::house::House;

/// There is none.
#[derive(Debug)]
pub(super) enum HeldKey {}

impl House {
    pub(super) fn hold_key(&self, attempt: &mut Attempt) -> Result<Option<HeldKey>, String> {
        let account = attempt.job.account.as_ref().and_then(|name| self.portfolio.accounts.get(name));
        match account.and_then(|account| account.proxy_key.as_ref()) {
            Some(_) => Err("this program was built without the feature `proxy`; take `proxy-key` out".into()),
            None => Ok(None),
        }
    }

    pub(super) fn forget_keys(&self, _state: &State) {}
}

impl HeldKey {
    pub(super) fn complete(&self, _outcome: &mut Outcome) {
        match *self {}
    }
}
