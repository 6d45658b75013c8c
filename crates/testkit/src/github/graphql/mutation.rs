//! What GraphQL alone can change.

use serde_json::json;

use super::{Ask, Object, Selected, Told, Trouble, pull_mutation};
use crate::github::users::Permission;
use crate::github::wire;

pub(super) fn field(ask: &mut Ask<'_>, field: &Selected) -> Result<Told, Trouble> {
    match field.name.as_str() {
        "minimizeComment" => Ok(minimize(ask, field, true)),
        "unminimizeComment" => Ok(minimize(ask, field, false)),
        _ => Ok(pull_mutation::field(ask, field)),
    }
}

fn minimize(ask: &mut Ask<'_>, field: &Selected, hide: bool) -> Told {
    let input = field.argument("input").clone();
    let subject = input["subjectId"].as_str().unwrap_or_default().to_owned();
    let comment = wire::named(&subject).filter(|(kind, _)| *kind == "IC").map(|(_, id)| id);
    let found = comment.and_then(|id| Some((id, ask.state.comment_at(id).ok()?.0)));
    let Some((id, repo)) = found else {
        return ask.not_found(field, format!("Could not resolve to a node with the global id of '{subject}'"));
    };
    let level = ask.state.viewer_permission(&ask.viewer, &ask.state.repos[&repo], "issues");
    if level < Permission::Write {
        return ask.error(field, "FORBIDDEN", "Resource not accessible".to_owned());
    }
    let word = input["classifier"].as_str().unwrap_or("OUTDATED").to_lowercase().replace('_', "-");
    let minimised = hide.then_some(word);
    // The comment was found just now.
    let _ = ask.state.change_comment(id, |known| known.minimised.clone_from(&minimised));
    let key = if hide { "minimizedComment" } else { "unminimizedComment" };
    let told = json!({
        "clientMutationId": input["clientMutationId"],
        key: { "isMinimized": hide, "minimizedReason": minimised },
    });
    Told::Object(Object::Plain("MinimizeCommentPayload", told))
}
