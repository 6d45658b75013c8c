//! All operations, a file for each kind of thing.

mod account;
mod checks;
mod comments;
mod installations;
mod issues;
mod labels;
mod merging;
mod milestones;
mod pulls;
mod refs;
mod relations;
mod repositories;
mod reviews;
mod timeline;

use std::sync::LazyLock;

use super::route::Route;

/// Every route there is.
pub(crate) fn all() -> &'static [Route] {
    static ALL: LazyLock<Vec<Route>> = LazyLock::new(|| {
        [
            account::ROUTES,
            checks::ROUTES,
            comments::ROUTES,
            installations::ROUTES,
            issues::ROUTES,
            labels::ROUTES,
            merging::ROUTES,
            milestones::ROUTES,
            pulls::ROUTES,
            refs::ROUTES,
            relations::ROUTES,
            repositories::ROUTES,
            reviews::ROUTES,
            timeline::ROUTES,
        ]
        .concat()
    });
    &ALL
}
