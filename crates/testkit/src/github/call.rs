//! One request, understood.

use serde_json::Value;

use super::deeds::{At, By};
use super::state::State;
use super::users::Viewer;
use super::wire::View;

/// One request, with what its path, its query and its body say.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path below the API's base, without its query, as it came.
    pub(crate) path: String,
    /// The path's form in GitHub's description.
    pub(crate) template: &'static str,
    /// What stands for the names in the template, decoded.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    /// The query as it came.
    pub(crate) raw_query: String,
    pub(crate) body: Value,
    pub(crate) viewer: Viewer,
    /// The repository it is about.
    pub(crate) repo: Option<u64>,
    /// The API's base address.
    pub(crate) api: String,
    /// The version of the Enterprise Server that is asked.
    pub(crate) enterprise: Option<String>,
}

impl Call {
    /// The text that stands for a name of the template.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The number that stands for a name of the template; 0, which nothing has, if it is none.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.param(name).parse().unwrap_or(0)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Who acts.
    pub(crate) fn by(&self) -> By {
        By { user: self.viewer.user, app: self.viewer.app }
    }

    /// The issue it is about. Only routes of an issue may ask.
    pub(crate) fn at(&self) -> At {
        At { repo: self.repo(), number: self.number("issue_number") }
    }

    /// The state, to be told to whoever asks.
    pub(crate) fn view<'a>(&'a self, state: &'a State) -> View<'a> {
        View { state, api: &self.api }
    }

    /// The text of the body's field, if it is one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// The repository's id. Only routes of a repository may ask.
    pub(crate) fn repo(&self) -> u64 {
        self.repo.expect("the route is one of a repository")
    }
}

/// What a percent-encoded text says.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The names and values of a query.
pub(crate) fn query(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    };
    parts.map(pair).collect()
}

/// A text as part of a path or a query.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
