//! A request as it came.

use serde_json::Value;

use super::protocol::Protocol;

/// One request that a model server received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, with what follows `?`.
    pub path: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

/// Headers in which vendors expect a key.
const KEY_HEADERS: [&str; 4] = ["x-api-key", "x-goog-api-key", "api-key", "authorization"];

impl ModelRequest {
    /// The protocol, if it asks a model for an answer.
    pub fn protocol(&self) -> Option<Protocol> {
        (self.method == "POST").then(|| Protocol::of(self.path_alone())).flatten()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The keys and tokens it presents, in headers or in its address.
    pub fn keys(&self) -> Vec<String> {
        let headers = KEY_HEADERS.iter().filter_map(|name| self.header(name));
        let headers = headers.map(|value| value.trim_start_matches("Bearer ").to_owned());
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let address = query.split('&').filter_map(|pair| pair.strip_prefix("key=")).map(str::to_owned);
        headers.chain(address).filter(|key| !key.is_empty()).collect()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The model it asks for; empty if it names none.
    pub fn model(&self) -> String {
        let in_path = || self.path_alone().split_once("/models/")?.1.split(':').next().map(str::to_owned);
        let in_body = || self.json()["model"].as_str().map(str::to_owned);
        in_path().or_else(in_body).unwrap_or_default()
    }

    /// The path without what follows `?`.
    pub(super) fn path_alone(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Whether the answer is to be a stream.
    pub(super) fn wants_stream(&self) -> bool {
        self.path_alone().ends_with(":streamGenerateContent") || self.json()["stream"] == Value::Bool(true)
    }

    /// Whether the stream is to be of server-sent events; Gemini's can also be one JSON array.
    pub(super) fn wants_events(&self) -> bool {
        self.protocol() != Some(Protocol::Gemini) || self.path.contains("alt=sse")
    }
}
