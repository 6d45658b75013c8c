//! Labels.

use serde_json::{Value, json};

use super::{View, node};
use crate::github::call::encode;
use crate::github::state::{Label, Repo};

/// A label.
pub(crate) fn label(view: View<'_>, repo: &Repo, label: &Label) -> Value {
    json!({
        "id": label.id,
        "node_id": node("LA", label.id),
        "url": format!("{}/labels/{}", view.repo_url(repo), encode(&label.name)),
        "name": label.name,
        "color": label.color,
        "default": false,
        "description": label.description,
    })
}
