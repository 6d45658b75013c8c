//! The place to which GitHub sends whoever asks for the log of a job.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::dispatch::Host;

/// Answers a request for a log. It lies with somebody else's storage: who brings a token has given it away.
pub(crate) fn answer(host: &Host, head: &Parts) -> Option<Response> {
    let below = head.uri.path().strip_prefix("/job-logs/")?;
    let (repo, job) = below.split_once('/')?;
    if head.headers.contains_key("authorization") {
        let violation = format!("a token was sent to the storage of logs: GET {}", head.uri.path());
        host.world.book().violations.push(violation);
        return Some(respond(403, "Server failed to authenticate the request.".to_owned()));
    }
    let log = {
        let state = host.world.lock();
        let repo = repo.parse().ok().and_then(|id: u64| state.repos.get(&id));
        let run = repo.and_then(|repo| repo.pulls.checks.get(&job.parse().ok()?));
        run.and_then(|run| run.log.clone())
    };
    Some(match log {
        Some(log) => respond(200, log),
        None => respond(404, "The specified blob does not exist.".to_owned()),
    })
}

fn respond(status: u16, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
