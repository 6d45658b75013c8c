//! All operations, a file for each kind of thing.

mod account;
mod comments;
mod installations;
mod issues;
mod labels;
mod milestones;
mod relations;
mod repositories;
mod timeline;

use std::sync::LazyLock;

use super::route::Route;

/// Every route there is.
pub(crate) fn all() -> &'static [Route] {
    static ALL: LazyLock<Vec<Route>> = LazyLock::new(|| {
        [
            account::ROUTES,
            comments::ROUTES,
            installations::ROUTES,
            issues::ROUTES,
            labels::ROUTES,
            milestones::ROUTES,
            relations::ROUTES,
            repositories::ROUTES,
            timeline::ROUTES,
        ]
        .concat()
    });
    &ALL
}
