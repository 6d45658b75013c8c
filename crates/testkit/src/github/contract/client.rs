//! A plain HTTP client, so that the suite depends on no client that it might be used to judge.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks one server with one token.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    token: String,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, null if there is none or if it is no JSON.
    pub body: Value,
}

impl Response {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The address of the next page.
    pub fn next(&self) -> Option<String> {
        let mut links = self.header("link")?.split(", ");
        let next = links.find(|link| link.ends_with("rel=\"next\""))?;
        Some(next.split_once('<')?.1.split_once('>')?.0.to_owned())
    }
}

impl Client {
    /// A client of an API's base address, such as `https://api.github.com`, which needs the program `curl`, or
    /// `http://127.0.0.1:4711`, which needs nothing.
    pub fn new(base: &str, token: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// The API's base address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address for GraphQL requests.
    pub fn graphql_url(&self) -> String {
        match self.base.strip_suffix("/api/v3") {
            Some(host) => format!("{host}/api/graphql"),
            None => format!("{}/graphql", self.base),
        }
    }

    /// Asks, with a path below the base or a whole address. A null body is none.
    ///
    /// # Errors
    /// If no answer comes.
    pub fn send(&self, method: &str, path: &str, body: &Value, more: &[(&str, &str)]) -> std::io::Result<Response> {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("accept", "application/vnd.github+json"),
            ("authorization", authorization.as_str()),
            ("user-agent", "dayfly-contract"),
            ("x-github-api-version", "2022-11-28"),
        ];
        headers.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        headers.extend(more);
        let sent = if body.is_null() { String::new() } else { body.to_string() };
        match url.strip_prefix("http://") {
            Some(rest) => plain(method, rest, &headers, &sent),
            None => by_curl(method, &url, &headers, &sent),
        }
    }

    /// Asks with `GET`.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &Value::Null, &[]).unwrap_or_else(|error| panic!("no answer to GET {path}: {error}"))
    }

    /// Asks with another method.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let sent = self.send(method, path, body, &[]);
        sent.unwrap_or_else(|error| panic!("no answer to {method} {path}: {error}"))
    }

    /// Asks with `GET` until there is no next page, and gives all items.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page = self.get(&path);
            next = page.next();
            items.extend(page.body.as_array().cloned().unwrap_or_default());
        }
        items
    }
}

fn plain(method: &str, rest: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Response> {
    let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let path = if path.is_empty() { "/" } else { path };
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    write!(stream, "{head}{kind}content-length: {}\r\n\r\n{body}", body.len())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&String::from_utf8_lossy(&bytes))
}

/// Speaks through `curl`, which brings what TLS needs. The token goes by its standard input, where nobody sees it.
fn by_curl(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Response> {
    let mut config = format!("url = \"{url}\"\nrequest = \"{method}\"\nmax-time = {}\n", PATIENCE.as_secs());
    for (name, value) in headers {
        config.push_str(&format!("header = \"{name}: {value}\"\n"));
    }
    if !body.is_empty() {
        let quoted = body.replace('\\', "\\\\").replace('"', "\\\"");
        config.push_str(&format!("header = \"content-type: application/json\"\ndata-raw = \"{quoted}\"\n"));
    }
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--http1.1", "--config", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(config.as_bytes())?;
    }
    parse(&String::from_utf8_lossy(&child.wait_with_output()?.stdout))
}

fn parse(text: &str) -> std::io::Result<Response> {
    let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection ended before an answer");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(cut)?;
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers = lines.filter_map(pair).collect();
    Ok(Response { status, headers, body: serde_json::from_str(body).unwrap_or(Value::Null) })
}
