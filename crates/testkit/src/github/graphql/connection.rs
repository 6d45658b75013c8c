//! Lists that are read page by page.

use serde_json::{Value, json};

use super::{Object, Selected, Told};

/// A page of a list.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(super) type_name: &'static str,
    nodes: Vec<Object>,
    total: usize,
    /// Where the page begins.
    from: usize,
}

/// The page that is asked for by `first`, `last`, `after` and `before`.
pub(crate) fn connection(type_name: &'static str, all: Vec<Object>, field: &Selected) -> Told {
    let total = all.len();
    let number = |name: &str| field.argument(name).as_u64().and_then(|number| usize::try_from(number).ok());
    let place = |name: &str| field.text(name).strip_prefix("cursor:").and_then(|text| text.parse::<usize>().ok());
    let from = place("after").map_or(0, |at| at + 1).min(total);
    let to = place("before").unwrap_or(total).clamp(from, total);
    let (from, to) = match (number("first"), number("last")) {
        (Some(first), _) => (from, to.min(from + first.min(100))),
        (None, Some(last)) => (from.max(to.saturating_sub(last.min(100))), to),
        // GitHub refuses a list of nodes without a limit; its count alone needs none.
        (None, None) if field.fields.iter().any(|field| field.name == "nodes" || field.name == "edges") => {
            return Told::Unknown;
        }
        (None, None) => (from, to),
    };
    let nodes = all.into_iter().skip(from).take(to - from).collect();
    Told::Object(Object::Connection(Box::new(Connection { type_name, nodes, total, from })))
}

impl Connection {
    pub(super) fn field(&self, field: &Selected) -> Told {
        let nodes = || self.nodes.iter().cloned();
        let end = self.from + self.nodes.len();
        match field.name.as_str() {
            "totalCount" => Told::value(self.total),
            "nodes" => Told::List(nodes().map(Some).collect()),
            "pageInfo" => {
                let cursor =
                    |at: usize| if self.nodes.is_empty() { Value::Null } else { format!("cursor:{at}").into() };
                let info = json!({
                    "hasNextPage": end < self.total,
                    "hasPreviousPage": self.from > 0,
                    "startCursor": cursor(self.from),
                    "endCursor": cursor(end.saturating_sub(1)),
                });
                Told::Object(Object::Plain("PageInfo", info))
            }
            _ => Told::Unknown,
        }
    }
}
