//! One HTTP exchange: no redirects, no repetitions, bounded in time and size.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use crate::{Call, GitHubError, Method, Token};

const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(30);
/// The most bytes of an answer that are taken in.
pub(crate) const MOST_BYTES: usize = 10 << 20;
/// The most bytes of a log that are read to find its end.
const MOST_TAIL_BYTES: usize = 64 << 20;
const API_VERSION: &str = "2022-11-28";

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum WireError {
    /// No connection was made, so nothing was sent.
    NotSent(Box<dyn Error + Send + Sync>),
    /// It was sent, perhaps; the answer did not come.
    Lost(Box<dyn Error + Send + Sync>),
    /// The answer is larger than it may be.
    TooLarge(usize),
}

/// What is sent where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) call: &'a Call,
    pub(crate) url: &'a Url,
    /// None for a host that is not GitHub.
    pub(crate) token: Option<&'a Token>,
    pub(crate) etag: Option<&'a str>,
}

/// The HTTP client.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
}

impl Wire {
    pub(crate) fn new() -> Result<Self, GitHubError> {
        let client = Client::builder()
            .redirect(Policy::none())
            // What the environment says of proxies is not ours to read.
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .user_agent(concat!("dayfly/", env!("CARGO_PKG_VERSION")))
            .build();
        let what = "the HTTP client cannot be set up; check the system's TLS certificates";
        let client = client.map_err(|e| GitHubError::Setup { what: what.into(), source: Some(Box::new(e)) })?;
        Ok(Self { client })
    }

    pub(crate) async fn exchange(&self, request: Request<'_>) -> Result<Answer, WireError> {
        let Request { call, url, token, etag } = request;
        let mut http = self.client.request(method(call.method), url.clone());
        http = http.header(ACCEPT, call.accept);
        // Another host learns nothing of the API.
        if let Some(token) = token {
            http = http.header("x-github-api-version", API_VERSION).header(AUTHORIZATION, bearer(token)?);
        }
        if let Some(etag) = etag {
            http = http.header(IF_NONE_MATCH, etag);
        }
        if let Some(body) = &call.body {
            http = http.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = http.send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let tail = call.tail.filter(|_| status == 200);
        let body = read(response, tail).await?;
        Ok(Answer { status, headers, body })
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn bearer(token: &Token) -> Result<HeaderValue, WireError> {
    let text = format!("Bearer {}", token.expose());
    let mut value = HeaderValue::try_from(text).map_err(|_| WireError::NotSent("the token is no header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(mut response: Response, tail: Option<usize>) -> Result<Vec<u8>, WireError> {
    let most = if tail.is_some() { MOST_TAIL_BYTES } else { MOST_BYTES };
    let (mut body, mut read) = (Vec::new(), 0_usize);
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        read += chunk.len();
        if read > most {
            return Err(WireError::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
        if let Some(keep) = tail.filter(|keep| body.len() > keep.saturating_mul(2)) {
            body.drain(..body.len() - keep);
        }
    }
    let keep = tail.unwrap_or(most).min(body.len());
    Ok(body.split_off(body.len() - keep))
}

/// The address is taken out of the error: that of a log is a secret for as long as it is good.
fn failed(error: reqwest::Error) -> WireError {
    if error.is_connect() || error.is_builder() {
        return WireError::NotSent(Box::new(error.without_url()));
    }
    WireError::Lost(Box::new(error.without_url()))
}
