//! A small HTTP server that answers as a script says, and notes what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dayfly_core::FixedClock;
use dayfly_github::{Auth, GitHub, GitHubBuilder, Pace, Token};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It answers.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It takes the request, and never answers.
    Silence,
    /// It takes the request, and hangs up.
    HangUp,
    /// It promises more than it sends, and hangs up.
    Cut(u16, String),
}

/// An answer without headers.
pub(crate) fn answer(status: u16, body: &str) -> Step {
    Step::Answer(status, vec![], body.into())
}

/// An answer with a header.
pub(crate) fn with(status: u16, headers: &[(&'static str, &str)], body: &str) -> Step {
    let headers = headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
    Step::Answer(status, headers, body.into())
}

/// The server. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

type Script = Arc<dyn Fn(&Seen, usize) -> Step + Send + Sync>;

impl Server {
    /// A server whose answers are made from the request and the count of those before it.
    pub(crate) async fn start(script: impl Fn(&Seen, usize) -> Step + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Script) = (seen.clone(), Arc::new(script));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, log.clone(), script.clone()));
            }
        });
        Self { base, seen, _tasks: tasks }
    }

    /// A server that goes through these steps, and stays at the last.
    pub(crate) async fn steps(steps: Vec<Step>) -> Self {
        Self::start(move |_, n| steps[n.min(steps.len() - 1)].clone()).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen().len()
    }

    /// A client of it, with the token `ghp_secret` and the clock.
    pub(crate) fn client(&self, clock: &Arc<FixedClock>) -> GitHub {
        self.builder(clock).build().unwrap()
    }

    pub(crate) fn builder(&self, clock: &Arc<FixedClock>) -> GitHubBuilder {
        let auth = Auth::Token(Token::new(SECRET).unwrap());
        GitHub::builder(auth, clock.clone()).base(self.base.clone()).pace(Pace::none())
    }
}

pub(crate) const SECRET: &str = "ghp_secretsecretsecret";

/// A clock that stands at noon of a day in 2026.
pub(crate) fn noon() -> Arc<FixedClock> {
    Arc::new(FixedClock::new("2026-11-20T12:00:00Z".parse().unwrap()))
}

async fn serve(stream: TcpStream, log: Arc<Mutex<Vec<Seen>>>, script: Script) {
    let mut stream = BufReader::new(stream);
    let Some(request) = read(&mut stream).await else { return };
    let step = {
        let mut log = log.lock().unwrap();
        let step = script(&request, log.len());
        log.push(request);
        step
    };
    let (status, headers, body, length) = match step {
        Step::HangUp => return,
        Step::Silence => return std::future::pending().await,
        Step::Answer(status, headers, body) => (status, headers, body.clone(), body.len()),
        Step::Cut(status, body) => (status, vec![], body.clone(), body.len() + 100),
    };
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    // An answer 304 has no body, and says nothing of its length.
    if status != 304 {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.get_mut().write_all(format!("{head}\r\n{body}").as_bytes()).await;
    let _ = stream.get_mut().shutdown().await;
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { method, path, headers, body: String::from_utf8(body).ok()? })
}
