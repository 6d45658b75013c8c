//! Who may clone and push, as GitHub answers it.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::connection::Cut;
use crate::github::auth;
use crate::github::dispatch::Host;
use crate::github::fault::{self, Fault};
use crate::github::journal::Entry;
use crate::github::pulls;
use crate::github::state::State;
use crate::github::users::{Permission, Viewer};

use super::decline;
use super::http::{GitRequest, Service, presented_token, serve};
use super::repository::GitRepo;

/// The longest pack that is taken.
const PACK_BYTES: usize = 256 << 20;

/// What a path asks of git.
#[derive(Debug)]
pub(crate) struct Asked {
    full_name: String,
    rest: String,
    service: Service,
}

/// Reads whether a request is one of git's: `/ann/web.git/info/refs`, with or without `.git`.
pub(crate) fn asked(head: &Parts) -> Option<Asked> {
    let path = head.uri.path().strip_prefix('/')?;
    let mut parts = path.splitn(3, '/');
    let (owner, name, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let service = Service::of(rest, head.uri.query().unwrap_or_default())?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    Some(Asked { full_name: format!("{owner}/{name}"), rest: rest.to_owned(), service })
}

/// Answers a request of git's.
pub(crate) async fn answer(host: &Host, asked: Asked, head: Parts, body: Body, cut: &Cut) -> Response {
    let body = to_bytes(body, PACK_BYTES).await.unwrap_or_default();
    let allowed = allowed(host, &asked, &head);
    let login = allowed.as_ref().ok().map(|allowed| allowed.login.clone());
    // Faults are for pushes: a clone is repeated by whoever wants it, and takes nothing from a plan.
    let fault = (asked.rest == PUSH).then(|| meet(host, &head, login.as_deref())).flatten();
    if let Some(Fault::Delay(span)) = fault {
        tokio::time::sleep(span).await;
    }
    let response = match (allowed, fault.as_ref().and_then(instead)) {
        (Err(refusal), _) => *refusal,
        (Ok(_), Some(refusal)) => refusal,
        (Ok(allowed), None) => served(host, &asked, allowed, &head, body).await,
    };
    enter(host, &head, login, response.status());
    match fault {
        Some(Fault::LostAfterWrite | Fault::Reset) => cut.now(),
        Some(Fault::BadGatewayAfterWrite) => return plain(502, "Bad Gateway\n".to_owned()),
        _ => {}
    }
    response
}

/// What git itself answers, or the rules of a branch.
async fn served(host: &Host, asked: &Asked, allowed: Allowed, head: &Parts, body: Bytes) -> Response {
    let push = asked.rest == PUSH;
    if push && refused(host, allowed.repo, &body) {
        return decline::declined(&decline::commands(&body), DECLINED);
    }
    let request = GitRequest {
        method: head.method.clone(),
        rest: asked.rest.clone(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
        body,
        user: allowed.login.clone(),
    };
    let (world, Allowed { git, repo, user, .. }) = (host.world.clone(), allowed);
    let served = tokio::task::spawn_blocking(move || {
        let response = serve(&git, &request);
        // What was pushed counts, even if whoever pushed has gone by now and waits for no answer.
        if push {
            pulls::sync(&mut world.lock(), repo, user);
        }
        response
    });
    served.await.unwrap_or_else(|e| plain(500, format!("git http-backend: {e}\n")))
}

fn meet(host: &Host, head: &Parts, login: Option<&str>) -> Option<Fault> {
    let (method, path) = (head.method.as_str(), head.uri.path());
    host.world.book().plan.meet(&fault::Asked { method, path, operation: None, login, write: true })
}

/// What is answered instead, where a fault lets nothing be done.
fn instead(fault: &Fault) -> Option<Response> {
    Some(match fault {
        Fault::Unavailable(status) => plain(*status, "This page is taking too long to load.\n".to_owned()),
        Fault::Reset => plain(502, String::new()),
        Fault::Unauthorised => who_are_you("Invalid username or token.\n"),
        Fault::NoAccess => plain(404, "Repository not found.\n".to_owned()),
        Fault::Forbidden => plain(403, "Write access to repository not granted.\n".to_owned()),
        Fault::PrimaryLimit(_) | Fault::SecondaryLimit(_) => plain(429, "Too many requests.\n".to_owned()),
        _ => return None,
    })
}

/// The request by which a push is done.
const PUSH: &str = "git-receive-pack";

const DECLINED: &str = "push declined due to repository rule violations";

/// Whether a push would move a branch that takes changes by pull request alone.
fn refused(host: &Host, repo: u64, body: &[u8]) -> bool {
    let state = host.world.lock();
    let Some(repo) = state.repos.get(&repo) else { return false };
    decline::commands(body).iter().any(|command| {
        let branch = command.reference.strip_prefix("refs/heads/");
        // A branch that is not there yet can be made.
        let known = branch.filter(|branch| repo.pulls.refs.contains_key(*branch));
        known.is_some_and(|branch| state.rules_of(repo, branch).refuses_pushes())
    })
}

struct Allowed {
    repo: u64,
    git: GitRepo,
    user: Option<u64>,
    login: String,
}

fn allowed(host: &Host, asked: &Asked, head: &Parts) -> Result<Allowed, Box<Response>> {
    let state = host.world.lock();
    let viewer = presented_token(&head.headers).map(|token| auth::viewer_of(&state, &token));
    let viewer = viewer.transpose().map_err(|_| Box::new(who_are_you("Invalid username or token.\n")))?;
    let Some(repo) = state.repo_named(&asked.full_name) else {
        return Err(Box::new(elsewhere(host, &state, asked, head).unwrap_or_else(|| hidden(viewer.as_ref()))));
    };
    let own = viewer.as_ref().map_or(Permission::None, |viewer| state.viewer_permission(viewer, repo, "contents"));
    let login = viewer.as_ref().and_then(|viewer| state.users.get(&viewer.user)).map(|user| user.login.clone());
    let login = login.unwrap_or_else(|| "anonymous".to_owned());
    if own < Permission::Read && repo.private {
        return Err(Box::new(hidden(viewer.as_ref())));
    }
    if asked.service == Service::Write {
        if viewer.is_none() {
            return Err(Box::new(who_are_you("No anonymous write access.\n")));
        }
        if repo.archived {
            return Err(Box::new(plain(403, "This repository was archived so it is read-only.\n".to_owned())));
        }
        if own < Permission::Write {
            let text = format!("Permission to {}.git denied to {login}.\n", asked.full_name);
            return Err(Box::new(plain(403, text)));
        }
    }
    let git = state.git(repo.id);
    Ok(Allowed { repo: repo.id, git, user: viewer.map(|viewer| viewer.user), login })
}

/// A repository was renamed: git follows to where it is now.
fn elsewhere(host: &Host, state: &State, asked: &Asked, head: &Parts) -> Option<Response> {
    let id = state.moved.get(&asked.full_name.to_lowercase())?;
    let name = state.full_name(state.repos.get(id)?);
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let to = format!("{}/{name}.git/{}{query}", host.origin, asked.rest);
    let mut response = plain(301, String::new());
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&to).ok()?);
    Some(response)
}

/// What is not for whoever asks is as if it were not there; who did not say their name is asked for it.
fn hidden(viewer: Option<&Viewer>) -> Response {
    match viewer {
        Some(_) => plain(404, "Repository not found.\n".to_owned()),
        None => who_are_you("Repository not found.\n"),
    }
}

fn who_are_you(text: &str) -> Response {
    let mut response = plain(401, text.to_owned());
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"GitHub\""));
    response
}

fn plain(status: u16, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // git shows what is said to whoever runs it, if it is plain text.
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn enter(host: &Host, head: &Parts, login: Option<String>, status: StatusCode) {
    let at = host.world.lock().now();
    let request_id = host.world.next_request_id();
    let path = head.uri.path();
    host.world.note(Entry {
        method: head.method.to_string(),
        template: "git".to_owned(),
        path: head.uri.path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
        login,
        status: status.as_u16(),
        at,
        // git's own protocol uses up no limit, and writes nothing that the journal counts.
        cost: 0,
        operation: None,
        write: false,
        request_id,
    });
}
