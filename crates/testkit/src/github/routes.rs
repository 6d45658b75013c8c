//! All operations, a file for each kind of thing.

mod account;

use super::route::Route;

/// Every route there is.
pub(crate) fn all() -> Vec<Route> {
    [account::ROUTES].concat()
}
