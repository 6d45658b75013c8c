//! A request as it came, and its answer as it goes.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body as HttpBody;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::description::Description;
use super::dispatch::Host;
use super::graphql;
use super::limits::Resource;
use super::reply::{Body, Reply};

/// The versions of the API that there are.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// The path below the API's base.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// The body: null if there is none, nothing if it is no JSON.
    pub(crate) body: Result<Value, ()>,
    /// The name of the GraphQL operation.
    pub(crate) operation: Option<String>,
    mutation: bool,
}

/// What became known of a request on its way.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) template: Option<&'static str>,
    pub(crate) login: Option<String>,
    pub(crate) user: Option<u64>,
    pub(crate) cost: u32,
    pub(crate) accepted: Option<String>,
    pub(crate) request_id: String,
    pub(crate) violations: Vec<String>,
}

impl Exchange {
    pub(crate) fn of(head: &Parts, path: &str, bytes: &[u8]) -> Self {
        let body = match bytes {
            [] => Ok(Value::Null),
            bytes => serde_json::from_slice(bytes).map_err(|_| ()),
        };
        let is_graphql = path == "/graphql";
        let named = body.as_ref().ok().filter(|_| is_graphql).and_then(graphql::operation);
        let (operation, mutation) = named.unwrap_or((None, false));
        Self {
            method: head.method.to_string(),
            path: path.to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.clone(),
            body,
            operation,
            mutation,
        }
    }

    /// Whether it changes anything.
    pub(crate) fn is_write(&self) -> bool {
        self.mutation || (self.method != "GET" && self.path != "/graphql")
    }

    /// Whether it makes something that people are told of.
    pub(crate) fn makes(&self) -> bool {
        self.method == "POST" && self.path != "/graphql" && !self.path.ends_with("/access_tokens")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What must hold of the headers of any request.
    pub(crate) fn check_headers(&self) -> Result<(), Reply> {
        if self.header("user-agent").is_none_or(str::is_empty) {
            let message =
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
            return Err(Reply::refusal(403, message));
        }
        let version = self.header("x-github-api-version");
        if version.is_some_and(|version| !VERSIONS.contains(&version)) {
            return Err(Reply::refusal(400, "This API version is not supported."));
        }
        Ok(())
    }

    /// Checks an answer, and gives it the headers that all have.
    pub(crate) fn dress(&self, host: &Host, reply: Reply, said: &mut Said) -> Reply {
        self.check(&reply, said);
        let mut reply = self.unchanged(reply, host, said);
        let mut state = host.world.lock();
        let now = state.now();
        if let Some(user) = said.user {
            let resource = Resource::of(&self.path);
            let told = state.meter.told(user, resource, now);
            let names = [
                ("x-ratelimit-limit", "limit"),
                ("x-ratelimit-remaining", "remaining"),
                ("x-ratelimit-used", "used"),
                ("x-ratelimit-reset", "reset"),
            ];
            for (header, name) in names {
                reply = reply.with(header, told[name].to_string());
            }
            reply = reply.with("x-ratelimit-resource", resource.word());
        }
        drop(state);
        if let Some(accepted) = &said.accepted {
            reply = reply.with("x-accepted-github-permissions", accepted);
        }
        if let Some(version) = &host.enterprise {
            reply = reply.with("x-github-enterprise-version", version);
        }
        said.request_id = host.world.next_request_id();
        let version = self.header("x-github-api-version").unwrap_or(VERSIONS[0]).to_owned();
        reply
            .with("date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
            .with("x-github-request-id", &said.request_id)
            .with("x-github-api-version-selected", version)
            .with("x-github-media-type", "github.v3; format=json")
            .with("cache-control", "private, max-age=60, s-maxage=60")
            .with("vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
    }

    /// Holds an answer against the description.
    fn check(&self, reply: &Reply, said: &mut Said) {
        let Some(template) = said.template else { return };
        let Some(operation) = Description::get().operation(&self.method, template) else { return };
        let body = match &reply.body {
            Body::Json(body) => Some(body),
            _ => None,
        };
        if reply.status < 500 {
            let wrong = operation.check_response(reply.status, body);
            said.violations.extend(wrong.into_iter().map(|text| format!("the answer is not valid: {text}")));
        }
    }

    /// Says that nothing changed, where whoever asks has seen the same before. That is free.
    fn unchanged(&self, reply: Reply, host: &Host, said: &mut Said) -> Reply {
        let (200, "GET", Body::Json(body)) = (reply.status, self.method.as_str(), &reply.body) else { return reply };
        let mut hasher = DefaultHasher::new();
        // GitHub's tags differ from token to token.
        (body.to_string(), self.header("authorization"), self.header("accept")).hash(&mut hasher);
        let tag = format!("W/\"{:016x}\"", hasher.finish());
        if self.header("if-none-match") != Some(tag.as_str()) {
            return reply.with("etag", tag);
        }
        if let Some(user) = said.user {
            let mut state = host.world.lock();
            let now = state.now();
            state.meter.refund(user, Resource::of(&self.path), now, said.cost);
        }
        said.cost = 0;
        Reply { status: 304, headers: Vec::new(), body: Body::None }.with("etag", tag)
    }

    /// The answer in HTTP.
    pub(crate) fn respond(&self, reply: Reply) -> Response {
        let (kind, bytes) = match reply.body {
            Body::None => (None, Vec::new()),
            Body::Json(value) => (Some("application/json; charset=utf-8"), value.to_string().into_bytes()),
            Body::Text(text) => (Some("text/plain; charset=utf-8"), text.into_bytes()),
        };
        let mut response = Response::new(HttpBody::from(bytes));
        *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(kind) = kind {
            headers.insert("content-type", HeaderValue::from_static(kind));
        }
        for (name, value) in reply.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
