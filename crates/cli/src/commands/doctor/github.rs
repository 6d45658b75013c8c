//! GitHub: who dayfly is there, and what it may do.

use dayfly_core::{Portfolio, Project, Tracker as _};

use crate::context::Context;
use crate::github::{self, Access};
use crate::tables::count;

use super::Check;

const TOKEN: &str = "set GITHUB_TOKEN, log in with `gh auth login`, or set `app-id` and `app-key` in [github]";

/// Who dayfly is there; nothing if no project is.
pub(super) async fn checks(portfolio: &Portfolio) -> Option<Check> {
    let what = format!("GitHub: {}", portfolio.github.api);
    if github::repositories(portfolio).is_empty() {
        return None;
    }
    let on = match github::connect(portfolio, Access::Read).await {
        Ok(on) => on,
        Err(why) => return Some(Check::bad(what, why.to_string(), TOKEN)),
    };
    Some(match on.identity().await {
        Ok(own) if own.is_person => {
            let found = format!("it writes as {}, with the account of a person", own.login);
            Check::note(
                what,
                found,
                "what it writes looks like yours; an App or an account of its own tells the two apart",
            )
        }
        Ok(own) => Check::good(what, format!("it writes as {}", own.login)),
        Err(err) => Check::bad(what, err.to_string(), TOKEN),
    })
}

/// Whether the issues of a project can be read.
pub(super) async fn tracker_check(context: &Context, project: &Project, what: String) -> Check {
    let tracker = context.outside(Access::Read).await.tracker;
    let place = project.forge.as_ref().map(ToString::to_string).unwrap_or_default();
    match tracker.issues(&project.name).await {
        Ok(issues) => Check::good(what, format!("{} in {place}", count(issues.len(), "issue"))),
        Err(err) => {
            let why = std::error::Error::source(&err).map(|cause| format!(": {cause}")).unwrap_or_default();
            Check::bad(
                what,
                format!("{err}{why}"),
                format!("look at `github = \"{place}\"` and at what the token may do"),
            )
        }
    }
}
