//! git's smart HTTP, by git's own server.

use std::io::{Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::command::sealed;
use super::repository::GitRepo;

/// What a request wants of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// To clone or fetch.
    Read,
    /// To push.
    Write,
}

impl Service {
    /// Reads what a request asks for from the part of its path after the repository, and its query.
    pub(crate) fn of(rest: &str, query: &str) -> Option<Self> {
        match rest {
            "git-upload-pack" => Some(Self::Read),
            "git-receive-pack" => Some(Self::Write),
            "info/refs" => query.split('&').find_map(|pair| match pair {
                "service=git-upload-pack" => Some(Self::Read),
                "service=git-receive-pack" => Some(Self::Write),
                _ => None,
            }),
            _ => None,
        }
    }
}

/// One request of git's protocol, after its sender is known and allowed.
#[derive(Debug)]
pub(crate) struct GitRequest {
    pub(crate) method: Method,
    /// The part of the path after the repository, such as `info/refs`.
    pub(crate) rest: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The login, which git's server wants to know of who pushes.
    pub(crate) user: String,
}

/// Lets git answer a request. It blocks: call it where that does no harm.
pub(crate) fn serve(repo: &GitRepo, request: &GitRequest) -> Response {
    backend(repo, request).unwrap_or_else(|problem| {
        let body = Body::from(format!("git http-backend: {problem}\n"));
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn backend(repo: &GitRepo, request: &GitRequest) -> Result<Response, String> {
    // A file and not a pipe, so that a server that answers early does not hang on what it never reads.
    let mut input = tempfile::tempfile().map_err(|e| e.to_string())?;
    input.write_all(&request.body).and_then(|()| input.seek(SeekFrom::Start(0))).map_err(|e| e.to_string())?;
    let output = command(repo, request).stdin(Stdio::from(input)).output().map_err(|e| e.to_string())?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    let at = output.stdout.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(said)?;
    let (head, body) = (String::from_utf8_lossy(&output.stdout[..at]), &output.stdout[at + 4..]);
    let mut response = Response::builder();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap_or("500")),
            _ => response.header(name, value),
        };
    }
    response.body(Body::from(body.to_vec())).map_err(|e| e.to_string())
}

fn command(repo: &GitRepo, request: &GitRequest) -> Command {
    let dir = repo.path();
    let mut command = sealed(dir);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", dir)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{}", request.rest))
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", request.method.as_str())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("REMOTE_USER", &request.user)
        .env("REMOTE_ADDR", "127.0.0.1");
    let passed = [("CONTENT_TYPE", "content-type"), ("HTTP_CONTENT_ENCODING", "content-encoding")];
    for (variable, name) in passed.into_iter().chain([("GIT_PROTOCOL", "git-protocol")]) {
        if let Some(value) = request.headers.get(name).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    command
}

/// The password of `Authorization: Basic`, or the token of the other forms.
pub(crate) fn presented_token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(rest.trim().to_owned());
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    // A token may also stand where the name is, as some programs have it.
    let token = if password.is_empty() || password == "x-oauth-basic" { user } else { password };
    Some(token.to_owned())
}
