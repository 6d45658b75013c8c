//! From a request to its answer.

use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::auth;
use super::call::{Call, query};
use super::journal::Entry;
use super::reply::{Answer, Body, Reply};
use super::route::{self, Needs, Route};
use super::routes;
use super::state::State;
use super::users::Permission;
use super::world::World;

/// The longest body that is read.
const BODY_BYTES: usize = 8 << 20;

/// What the server is, and the world behind it.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) origin: String,
    /// The version of the Enterprise Server that it is.
    pub(crate) enterprise: Option<String>,
    pub(crate) world: World,
}

impl Host {
    /// The API's base address.
    pub(crate) fn api(&self) -> String {
        let below = if self.enterprise.is_some() { "/api/v3" } else { "" };
        format!("{}{below}", self.origin)
    }
}

/// Answers a request of HTTP.
pub(crate) async fn answer(host: &Host, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let bytes = to_bytes(HttpBody::new(body), BODY_BYTES).await.unwrap_or_default();
    let prefix = if host.enterprise.is_some() { "/api/v3" } else { "" };
    let path = head.uri.path().strip_prefix(prefix).unwrap_or_default().to_owned();
    let mut said = Said::default();
    let reply = {
        let mut state = host.world.lock();
        let reply = rest(host, &mut state, &head, &path, &bytes, &mut said).unwrap_or_else(|refusal| refusal);
        said.at = Some(state.now());
        reply
    };
    enter(host, &head, &path, &said, &reply);
    respond(reply)
}

/// What became known of a request on its way.
#[derive(Debug, Default)]
struct Said {
    at: Option<jiff::Timestamp>,
    template: Option<&'static str>,
    login: Option<String>,
}

fn rest(host: &Host, state: &mut State, head: &Parts, path: &str, body: &[u8], said: &mut Said) -> Answer {
    let viewer = auth::viewer(state, &head.headers)?;
    said.login = state.users.get(&viewer.user).map(|user| user.login.clone());
    let (named, numbered) = by_name(state, path);
    let (route, params) = route::find(routes::all(), head.method.as_str(), &named).ok_or_else(Reply::not_found)?;
    said.template = Some(route.template);
    let mut call = Call {
        method: head.method.to_string(),
        path: path.to_owned(),
        template: route.template,
        params,
        query: query(head.uri.query().unwrap_or_default()),
        body: Value::Null,
        viewer,
        repo: None,
        api: host.api(),
        enterprise: host.enterprise.clone(),
    };
    call.repo = repository(state, &call, numbered)?;
    allowed(state, &call, &route)?;
    if !body.is_empty() {
        call.body = serde_json::from_slice(body).map_err(|_| Reply::refusal(400, "Problems parsing JSON"))?;
    }
    (route.handler)(state, &call)
}

/// The path with a repository's name, where it came with its id: links and redirects lead to ids.
fn by_name(state: &State, path: &str) -> (String, bool) {
    let parts: Vec<&str> = path.splitn(4, '/').collect();
    let ["", "repositories", id, rest @ ..] = parts.as_slice() else { return (path.to_owned(), false) };
    let repo = id.parse().ok().and_then(|id: u64| state.repos.get(&id));
    let Some(repo) = repo else { return (path.to_owned(), false) };
    let below = rest.first().map(|rest| format!("/{rest}")).unwrap_or_default();
    (format!("/repos/{}{below}", state.full_name(repo)), true)
}

/// The repository a path is about. An old name leads elsewhere.
fn repository(state: &State, call: &Call, numbered: bool) -> Result<Option<u64>, Reply> {
    if !call.template.starts_with("/repos/{owner}/{repo}") {
        return Ok(None);
    }
    let full = format!("{}/{}", call.param("owner"), call.param("repo"));
    if let Some(repo) = state.repo_named(&full) {
        return Ok(Some(repo.id));
    }
    let moved = state.moved.get(&full.to_lowercase()).filter(|_| !numbered);
    let Some(id) = moved else { return Err(Reply::not_found()) };
    let below = call.path.splitn(5, '/').nth(4).map(|rest| format!("/{rest}")).unwrap_or_default();
    let to = format!("{}/repositories/{id}{below}", call.api);
    // A write keeps its method and its body.
    let (status, message) = if call.method == "GET" { (301, "Moved Permanently") } else { (307, "Temporary Redirect") };
    let body =
        serde_json::json!({ "message": message, "url": to, "documentation_url": "https://docs.github.com/rest" });
    Err(Reply::json(status, body).with("location", to))
}

/// Whether whoever asks may.
fn allowed(state: &State, call: &Call, route: &Route) -> Result<(), Reply> {
    match route.needs {
        Needs::Anybody => Ok(()),
        Needs::App if call.viewer.as_app => Ok(()),
        Needs::App => Err(Reply::refusal(401, "A JSON web token could not be decoded")),
        Needs::Repo(level, kind) => {
            let repo = &state.repos[&call.repo()];
            let seen = state.viewer_permission(&call.viewer, repo, "metadata").max(state.viewer_permission(
                &call.viewer,
                repo,
                kind,
            ));
            if seen == Permission::None && repo.private {
                return Err(Reply::not_found());
            }
            let has = state.viewer_permission(&call.viewer, repo, kind);
            let public = if repo.private { Permission::None } else { Permission::Read };
            if has.max(public) >= level {
                return Ok(());
            }
            let word = if call.method == "GET" { "read" } else { "write" };
            let message = match call.viewer.app {
                Some(_) => "Resource not accessible by integration",
                None => "Must have admin rights to Repository.",
            };
            Err(Reply::refusal(403, message).with("x-accepted-github-permissions", format!("{kind}={word}")))
        }
    }
}

fn enter(host: &Host, head: &Parts, path: &str, said: &Said, reply: &Reply) {
    let mut book = host.world.book();
    book.requests += 1;
    let request_id = format!("FAKE:{:06}", book.requests);
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    book.journal.push(Entry {
        method: head.method.to_string(),
        template: said.template.map_or_else(|| path.to_owned(), str::to_owned),
        path: format!("{path}{query}"),
        login: said.login.clone(),
        status: reply.status,
        at: said.at.unwrap_or_default(),
        cost: 1,
        operation: None,
        write: head.method != "GET",
        request_id,
    });
}

fn respond(reply: Reply) -> Response {
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
