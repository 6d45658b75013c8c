//! A small client, a world to begin with, and git as people run it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::github::{GitHubServer, Permission, Person, Repository, World};

/// A repository `ann/web` with one commit, its owner, two people who may write, and a stranger.
pub(super) struct Scene {
    pub(super) server: GitHubServer,
    pub(super) world: World,
    pub(super) repo: Repository,
    pub(super) ann: Person,
    pub(super) bot: Person,
    pub(super) eve: Person,
}

pub(super) fn scene() -> Scene {
    of(GitHubServer::start())
}

pub(super) fn of(server: GitHubServer) -> Scene {
    let world = server.world();
    let ann = world.person("ann", Permission::Write);
    let bot = world.bot("dayfly-bot", Permission::Write);
    let eve = world.person("eve", Permission::None);
    let repo = world.repo("ann/web");
    repo.commit("main", "start", &[("a.txt", "one\n"), ("b.txt", "one\n")]);
    Scene { server, world, repo, ann, bot, eve }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Value,
    pub(super) text: String,
}

impl Told {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The message of a refusal, and what it says of fields.
    pub(super) fn said(&self) -> String {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let errors = errors.iter().map(|error| error["message"].as_str().or(error.as_str()).unwrap_or("").to_owned());
        let all: Vec<String> =
            [self.body["message"].as_str().unwrap_or("").to_owned()].into_iter().chain(errors).collect();
        format!("{}: {}", self.status, all.join("; "))
    }
}

impl Scene {
    /// A branch with one changed file, and the commit.
    pub(super) fn branch(&self, name: &str) -> String {
        self.repo.commit(name, &format!("work on {name}"), &[("a.txt", &format!("{name}\n"))])
    }

    /// The number of a pull request that the bot has opened for a new branch.
    pub(super) fn opened(&self, branch: &str) -> u64 {
        self.branch(branch);
        self.bot.open_pull("ann/web", (branch, "main"), branch, "")
    }

    pub(super) fn get(&self, path: &str) -> Told {
        self.send("GET", path, &Value::Null, self.bot.token())
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Told {
        self.send("POST", path, body, self.bot.token())
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> Told {
        self.send("PUT", path, body, self.bot.token())
    }

    /// A request to a path below `/repos/ann/web`.
    pub(super) fn send(&self, method: &str, path: &str, body: &Value, token: &str) -> Told {
        let base = self.server.url();
        let below = base.trim_start_matches(&self.server.origin()).to_owned();
        let headers = format!("authorization: Bearer {token}\r\n");
        request(&self.server.origin(), method, &format!("{below}/repos/ann/web{path}"), &headers, body)
    }
}

impl Scene {
    /// What GraphQL answers the bot.
    pub(super) fn graphql(&self, query: &str, variables: &Value) -> Value {
        let headers = format!("authorization: Bearer {}\r\n", self.bot.token());
        let path = self.server.graphql_url().trim_start_matches(&self.server.origin()).to_owned();
        let body = json!({ "query": query, "variables": variables });
        let told = request(&self.server.origin(), "POST", &path, &headers, &body);
        assert_eq!(told.status, 200, "{}", told.text);
        told.body
    }
}

/// Any request to any path.
pub(super) fn request(origin: &str, method: &str, path: &str, headers: &str, body: &Value) -> Told {
    let address = origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nuser-agent: tests\r\n{headers}");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let all = String::from_utf8_lossy(&all).into_owned();
    let (head, text) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {path}: {all}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(text).unwrap_or(json!(null));
    Told { status, head: head.to_owned(), body, text: text.to_owned() }
}

/// A folder in which git runs as on a machine without any settings.
pub(super) struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.dir.path().join(path), text).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(path)).unwrap()
    }

    /// Runs git, and says whether it went well and what it said.
    pub(super) fn try_git(&self, args: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = command(self.dir.path(), args).output().unwrap();
        (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        let (good, said) = self.try_git(args);
        assert!(good, "git {args:?}: {said}");
        said
    }
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
    }
    command.args(args);
    command
}

/// The address with a token in it, as `git` takes it.
pub(super) fn with_token(url: &str, token: &str) -> String {
    url.replace("http://", &format!("http://x-access-token:{token}@"))
}
