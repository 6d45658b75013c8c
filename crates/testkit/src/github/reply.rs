//! Answers, and the forms of refusals.

use serde_json::{Value, json};

use super::call::{Call, encode};

/// Where GitHub explains its refusals.
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// What an answer holds.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Json(Value),
    Text(String),
}

/// What a handler says: both are answers, and the second stops it.
pub(crate) type Answer = Result<Reply, Reply>;

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn created(body: Value) -> Self {
        Self::json(201, body)
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Body::None }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal in the basic form.
    pub(crate) fn refusal(status: u16, message: &str) -> Self {
        let body = json!({ "message": message, "documentation_url": DOCUMENTATION, "status": status.to_string() });
        Self::json(status, body)
    }

    /// It is not there, or not for whoever asks.
    pub(crate) fn not_found() -> Self {
        Self::refusal(404, "Not Found")
    }

    /// It was there.
    pub(crate) fn gone(message: &str) -> Self {
        Self::refusal(410, message)
    }

    /// A refusal of what was sent: which field of what, and the code that says why.
    pub(crate) fn invalid(resource: &str, field: &str, code: &str) -> Self {
        Self::invalid_with(json!([{ "resource": resource, "field": field, "code": code }]))
    }

    /// A refusal of what was sent, in words of its own.
    pub(crate) fn custom(resource: &str, field: &str, message: &str) -> Self {
        Self::invalid_with(json!([{ "resource": resource, "field": field, "code": "custom", "message": message }]))
    }

    /// A refusal of what was sent, in words of its own and of no field.
    pub(crate) fn said(resource: &str, message: &str) -> Self {
        Self::invalid_with(json!([{ "resource": resource, "code": "custom", "message": message }]))
    }

    /// A refusal of what cannot be done as things are.
    pub(crate) fn unprocessable(message: &str) -> Self {
        let body = json!({
            "message": "Unprocessable Entity",
            "errors": [message],
            "documentation_url": DOCUMENTATION,
            "status": "422",
        });
        Self::json(422, body)
    }

    fn invalid_with(errors: Value) -> Self {
        let message = "Validation Failed";
        Self::json(
            422,
            json!({ "message": message, "errors": errors, "documentation_url": DOCUMENTATION, "status": "422" }),
        )
    }

    /// A page of a list, with links to the others.
    pub(crate) fn page(call: &Call, items: Vec<Value>) -> Self {
        Self::page_of(call, &items, Clone::clone)
    }

    /// A page of a list, with links to the others. Only what is on it is told.
    pub(crate) fn page_of<T>(call: &Call, items: &[T], tell: impl Fn(&T) -> Value) -> Self {
        let (page, per_page) = paging(call);
        let last = items.len().div_ceil(per_page).max(1);
        let shown = items.iter().skip((page - 1) * per_page).take(per_page).map(tell).collect();
        let reply = Self::ok(Value::Array(shown));
        match links(call, page, last) {
            Some(links) => reply.with("link", links),
            None => reply,
        }
    }

    /// A page as a field of an object that also says how many there are in all.
    pub(crate) fn within(mut self, field: &str, total: usize) -> Self {
        if let Body::Json(list) = self.body {
            self.body = Body::Json(json!({ "total_count": total, field: list }));
        }
        self
    }
}

/// The page that is asked for, from 1, and how many items it has.
pub(crate) fn paging(call: &Call) -> (usize, usize) {
    let number = |name: &str| call.query(name).and_then(|text| text.parse::<usize>().ok());
    (number("page").unwrap_or(1).max(1), number("per_page").unwrap_or(30).clamp(1, 100))
}

/// The `Link` header. Its addresses name a repository by its id, as GitHub's do.
pub(crate) fn links(call: &Call, page: usize, last: usize) -> Option<String> {
    if last <= 1 {
        return None;
    }
    let path = match (call.repo, call.path.splitn(5, '/').collect::<Vec<_>>().as_slice()) {
        (Some(id), ["", "repos", _, _, rest]) => format!("/repositories/{id}/{rest}"),
        _ => call.path.clone(),
    };
    let kept: String = call
        .query
        .iter()
        .filter(|(name, _)| name != "page")
        .map(|(name, value)| format!("{}={}&", encode(name), encode(value)))
        .collect();
    let to = |n: usize, rel: &str| format!("<{}{path}?{kept}page={n}>; rel=\"{rel}\"", call.api);
    let mut links = Vec::new();
    if page > 1 {
        links.push(to(page - 1, "prev"));
    }
    if page < last {
        links.push(to(page + 1, "next"));
        links.push(to(last, "last"));
    }
    if page > 1 {
        links.push(to(1, "first"));
    }
    Some(links.join(", "))
}
