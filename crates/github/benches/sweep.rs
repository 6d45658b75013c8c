//! What it costs to look at a portfolio of 500 repositories with 20 issues each, against a GitHub on loopback.
//!
//! `cargo bench -p dayfly-github` prints calls, time and memory. The server runs in the same process: its share of the time
//! is most of it where much is read.
#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use dayfly_core::{ForgeRepo, Labels, ProjectName, Tracker};
use dayfly_github::{Auth, GitHub, GitHubTracker, Pace, Token, TrackerSettings};
use dayfly_testkit::github::{GitHubServer, Permission, Person, World};

const REPOSITORIES: usize = 500;
const ISSUES: usize = 20;

struct Portfolio {
    server: GitHubServer,
    world: World,
    bot: Person,
    repos: Vec<String>,
    folder: tempfile::TempDir,
}

impl Portfolio {
    fn new() -> Self {
        let server = GitHubServer::start();
        let world = server.world();
        let bot = world.bot("dayfly-bot", Permission::Write);
        let ann = world.person("ann", Permission::Admin);
        let repos: Vec<String> = (0..REPOSITORIES).map(|n| format!("acme/project-{n}")).collect();
        for repo in &repos {
            world.repo(repo);
            ann.make_milestone(repo, "March 2026", Some("2026-03-31T12:00:00Z"));
            for n in 0..ISSUES {
                let issue = ann.open_issue(repo, &format!("Issue {n}"), &"What is to be done, and why. ".repeat(20));
                if n % 4 == 0 {
                    ann.comment(repo, issue, &"More about it. ".repeat(10));
                    ann.close(repo, issue, "completed");
                }
            }
        }
        world.advance(Duration::from_secs(3600));
        Self { server, world, bot, repos, folder: tempfile::tempdir().expect("a folder") }
    }

    fn open(&self) -> Arc<GitHubTracker> {
        let token = Auth::Token(Token::new(self.bot.token()).expect("a token"));
        let github = GitHub::builder(token, self.world.clock()).base(self.server.url()).pace(Pace::none());
        let github = github.build().expect("a client");
        let projects = self.repos.iter().map(|repo| (name(repo), ForgeRepo::new(repo).expect("a name")));
        let projects: BTreeMap<ProjectName, ForgeRepo> = projects.collect();
        let folder = Utf8PathBuf::from_path_buf(self.folder.path().to_owned()).expect("a path in UTF-8");
        Arc::new(GitHubTracker::new(github, TrackerSettings::new(projects, Labels::default(), folder)))
    }

    async fn sweep(&self, what: &str, tracker: &Arc<GitHubTracker>) {
        let (mark, memory, started) = (self.server.journal().len(), resident(), Instant::now());
        let mut tasks = tokio::task::JoinSet::new();
        for repo in &self.repos {
            let (tracker, project) = (Arc::clone(tracker), name(repo));
            tasks.spawn(async move { tracker.issues(&project).await.map(|issues| issues.len()) });
        }
        let issues: usize = tasks.join_all().await.into_iter().map(|seen| seen.expect("issues")).sum();
        let (took, cost) = (started.elapsed(), self.server.journal().since(mark));
        let grown = resident().saturating_sub(memory) / 1024;
        println!(
            "{what:34} {:4} GraphQL {:5} REST paid {:5} in all  {:6.0} ms  +{grown} MiB  {issues} issues",
            cost.graphql_calls(),
            cost.paid_rest(),
            cost.len(),
            took.as_secs_f64() * 1000.0,
        );
    }
}

fn name(repo: &str) -> ProjectName {
    ProjectName::new(repo.split_once('/').expect("a name").1).expect("a name")
}

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn main() {
    // Cargo passes arguments of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let portfolio = Portfolio::new();
        let tracker = portfolio.open();
        portfolio.sweep("everything, for the first time", &tracker).await;
        for _ in 0..3 {
            portfolio.world.advance(Duration::from_secs(60));
            portfolio.sweep("nothing changed", &tracker).await;
        }
        let ann = portfolio.world.person("ann", Permission::Admin);
        for repo in portfolio.repos.iter().step_by(25) {
            ann.comment(repo, 2, "One more thing.");
        }
        portfolio.world.advance(Duration::from_secs(60));
        portfolio.sweep("4 % changed", &tracker).await;
        drop(tracker);
        portfolio.world.advance(Duration::from_secs(60));
        portfolio.sweep("nothing changed, a new process", &portfolio.open()).await;
        let kept: u64 = std::fs::read_dir(portfolio.folder.path()).expect("a folder").flatten().map(size).sum();
        println!("kept on disk: {} KiB", kept / 1024);
    });
}

fn size(entry: std::fs::DirEntry) -> u64 {
    entry.metadata().map(|metadata| metadata.len()).unwrap_or(0)
}
