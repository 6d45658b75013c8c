//! Whoever asks.

use crate::github::call::Call;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::wire;

pub(super) const ROUTES: &[Route] = &[Route::new("GET", "/user", Needs::Anybody, user)];

fn user(state: &mut State, call: &Call) -> Answer {
    if call.viewer.app.is_some() {
        return Err(Reply::refusal(403, "Resource not accessible by integration"));
    }
    Ok(Reply::ok(wire::user::public(state, call)))
}
