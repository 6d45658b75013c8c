//! Reactions.

use serde_json::{Map, Value, json};

use super::{View, node, user};
use crate::github::state::Reaction;

/// The reactions there are.
pub(crate) const CONTENTS: [&str; 8] = ["+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket"];

/// One reaction.
pub(crate) fn reaction(view: View<'_>, reaction: &Reaction) -> Value {
    json!({
        "id": reaction.id,
        "node_id": node("REA", reaction.id),
        "user": user::simple(view, Some(reaction.user)),
        "content": reaction.content,
        "created_at": reaction.created_at.to_string(),
    })
}

/// How many of each there are.
pub(crate) fn rollup(url: &str, reactions: &[Reaction]) -> Value {
    let mut counts = Map::new();
    counts.insert("url".to_owned(), format!("{url}/reactions").into());
    counts.insert("total_count".to_owned(), reactions.len().into());
    for content in CONTENTS {
        let n = reactions.iter().filter(|reaction| reaction.content == content).count();
        counts.insert(content.to_owned(), n.into());
    }
    Value::Object(counts)
}
