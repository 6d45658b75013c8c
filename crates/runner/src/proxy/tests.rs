//! A proxy between an attempt and a vendor that the test plays itself.

mod door;
mod flow;

use std::future::Future;
use std::time::Duration;

use camino::Utf8PathBuf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "sk-real-key-0123456789-abcdef";
const TOKEN: &str = "dayfly-token-0123456789";

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// A vendor, and the proxy that leads to it.
struct World {
    dir: tempfile::TempDir,
    vendor: TcpListener,
    proxy: Option<Proxy>,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut ProxySpec)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vendor = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut spec = spec(&dir, format!("http://{}", vendor.local_addr().unwrap()));
        change(&mut spec);
        let proxy = Some(Proxy::start(spec).unwrap());
        Self { dir, vendor, proxy }
    }

    fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }

    /// What the vendor is asked next.
    async fn asked(&self) -> Asked {
        let (stream, _) = soon("a request at the vendor", self.vendor.accept()).await.unwrap();
        Asked::read(stream).await
    }

    async fn connect(&self) -> Attempt {
        Attempt(UnixStream::connect(self.proxy().socket()).await.unwrap())
    }

    /// Sends a request of the attempt, with its token.
    async fn send(&self, body: &str) -> Attempt {
        let mut attempt = self.connect().await;
        attempt.say(&post("/v1/messages", &format!("x-api-key: {TOKEN}\r\n"), body)).await;
        attempt
    }

    /// Waits until what is known is so.
    async fn until(&self, what: &str, mut holds: impl FnMut(&ProxyState) -> bool) -> ProxyState {
        let mut watch = self.proxy().watch();
        let seen = watch.clone();
        let waited = timeout(PATIENCE, watch.wait_for(|state| holds(state))).await;
        waited.unwrap_or_else(|_| panic!("{what}: {:?}", seen.borrow())).unwrap().clone()
    }
}

fn spec(dir: &tempfile::TempDir, upstream: String) -> ProxySpec {
    let socket = Utf8PathBuf::try_from(dir.path().join("proxy/sock")).unwrap();
    ProxySpec {
        socket,
        upstream,
        protocol: Protocol::Anthropic,
        key: SecretKey::new(KEY),
        sent: KeySent::XApiKey,
        token: SecretKey::new(TOKEN),
        allow: Protocol::Anthropic.paths(),
        budget: ProxyBudget::default(),
        spent: Spent::default(),
        limits: ProxyLimits::default(),
    }
}

fn post(target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\nhost: 127.0.0.1:4711\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// The attempt's side of a connection.
struct Attempt(UnixStream);

impl Attempt {
    async fn say(&mut self, text: &str) {
        soon("room for a request", self.0.write_all(text.as_bytes())).await.unwrap();
    }

    /// Reads until this was said.
    async fn hears(&mut self, text: &str) -> String {
        let mut heard = Vec::new();
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let so_far = String::from_utf8_lossy(&heard).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            let mut part = [0; 4096];
            match tokio::time::timeout_at(end, self.0.read(&mut part)).await {
                Ok(Ok(n)) if n > 0 => heard.extend_from_slice(&part[..n]),
                other => panic!("{text:?} was not heard, but {so_far:?}, and then {other:?}"),
            }
        }
    }

    /// Reads one answer whose length is known.
    async fn answer(&mut self) -> String {
        let mut heard = self.hears("\r\n\r\n").await;
        let (head, _) = heard.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let whole = head.len() + 4 + length.unwrap_or_else(|| panic!("no length: {heard}")).parse::<usize>().unwrap();
        while heard.len() < whole {
            let mut part = vec![0; whole - heard.len()];
            let n = soon("the rest of an answer", self.0.read(&mut part)).await.unwrap();
            assert!(n > 0, "the answer was cut: {heard}");
            heard.push_str(std::str::from_utf8(&part[..n]).unwrap());
        }
        heard
    }

    /// Reads until the other side ends.
    async fn rest(mut self) -> String {
        let mut heard = Vec::new();
        let _ = soon("the end of a connection", self.0.read_to_end(&mut heard)).await;
        String::from_utf8_lossy(&heard).into_owned()
    }
}

/// A request as the vendor sees it.
struct Asked {
    head: String,
    body: String,
    stream: TcpStream,
}

impl Asked {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let (head, length) = loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (format!("{head}\r\n"), length.map_or(0, |n| n.parse().unwrap()));
            }
            Self::more(&mut stream, &mut bytes).await;
        };
        let begin = head.len() + 2;
        while bytes.len() < begin + length {
            Self::more(&mut stream, &mut bytes).await;
        }
        let body = String::from_utf8(bytes[begin..].to_vec()).unwrap();
        Self { head, body, stream }
    }

    async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) {
        let mut part = [0; 4096];
        let n = soon("the request's next part", stream.read(&mut part)).await.unwrap();
        assert!(n > 0, "the request ended after {:?}", String::from_utf8_lossy(bytes));
        bytes.extend_from_slice(&part[..n]);
    }

    async fn say(&mut self, text: &str) {
        soon("room for an answer", self.stream.write_all(text.as_bytes())).await.unwrap();
    }

    /// Answers with a JSON text and these headers.
    async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}");
        self.say(&format!("{head}\r\n\r\n{body}")).await;
    }

    /// Begins a stream of events, which ends with the connection.
    async fn begin(&mut self) {
        self.say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n").await;
    }

    /// Waits until the other side has ended the connection.
    async fn left(mut self) {
        let mut rest = Vec::new();
        let _ = soon("the end of the connection to the vendor", self.stream.read_to_end(&mut rest)).await;
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

fn json(response: &str) -> serde_json::Value {
    let (_, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {response:?}"));
    serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {response:?}"))
}

const USAGE: &str = r#"{"model":"m-1","usage":{"input_tokens":30,"output_tokens":12}}"#;
