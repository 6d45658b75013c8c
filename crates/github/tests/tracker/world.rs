//! A GitHub with a repository, the people at it, and a tracker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::{
    Applied, FixedClock, ForgeRepo, Issue, IssueId, Labels, NewIssue, ProjectName, Tracker, TrackerError, TrackerWrite,
};
use dayfly_github::{Auth, Call, GitHub, GitHubTracker, Pace, Token, TrackerSettings};
use dayfly_testkit::github::{GitHubServer, Permission, Person, World};
use tempfile::TempDir;

/// The repository of most stories.
pub(crate) const WEB: &str = "acme/web";

/// A GitHub, with dayfly's account and a tracker's folder.
pub(crate) struct Stage {
    pub(crate) server: GitHubServer,
    pub(crate) world: World,
    pub(crate) bot: Person,
    pub(crate) folder: TempDir,
}

impl Stage {
    /// With an account for dayfly alone.
    pub(crate) fn new() -> Self {
        let server = GitHubServer::start();
        let bot = server.world().bot("dayfly-bot", Permission::Write);
        Self::with(server, bot)
    }

    /// With the account of a person, which dayfly shares.
    pub(crate) fn shared() -> Self {
        let server = GitHubServer::start();
        let ann = server.world().person("ann", Permission::Admin);
        Self::with(server, ann)
    }

    pub(crate) fn with(server: GitHubServer, bot: Person) -> Self {
        let world = server.world();
        world.repo(WEB);
        world.person("looker", Permission::Read);
        Self { server, world, bot, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn person(&self, login: &str, permission: Permission) -> Person {
        self.world.person(login, permission)
    }

    pub(crate) fn folder(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().to_owned()).unwrap()
    }

    /// Lets time pass, and all replicas catch up.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.world.advance(Duration::from_secs(seconds));
        let other = self.client(&self.person("looker", Permission::Read));
        for _ in 0..4 {
            other.get::<serde_json::Value>("/rate_limit").await.unwrap();
        }
    }

    /// A client with somebody's account, without a tracker.
    pub(crate) fn client(&self, who: &Person) -> GitHub {
        let token = Auth::Token(Token::new(who.token()).unwrap());
        let github = GitHub::builder(token, self.world.clock()).base(self.server.url()).pace(Pace::none());
        github.build().unwrap()
    }

    /// Makes an issue wait for one of another repository.
    pub(crate) async fn block_elsewhere(&self, number: u64, repo: &str, blocker: u64) {
        let id = self.world.repo(repo).issue(blocker).id;
        let call = Call::post(format!("/repos/{WEB}/issues/{number}/dependencies/blocked_by"));
        self.client(&self.bot).run(call.json(&serde_json::json!({ "issue_id": id })).unwrap()).await.unwrap();
    }

    /// Takes a dependency away.
    pub(crate) async fn unblock(&self, number: u64, blocker: u64) {
        let id = self.world.repo(WEB).issue(blocker).id;
        let path = format!("/repos/{WEB}/issues/{number}/dependencies/blocked_by/{id}");
        self.client(&self.bot).run(Call::delete(path)).await.unwrap();
    }

    /// The tracker, as a new process opens it.
    pub(crate) fn open(&self) -> Web {
        self.open_for(&[WEB])
    }

    /// The tracker on a machine whose clock is wrong.
    pub(crate) fn open_by(&self, clock: Arc<FixedClock>) -> Web {
        self.open_in(self.folder(), &[WEB], clock)
    }

    /// The same on another machine, which knows nothing of this one.
    pub(crate) fn open_elsewhere(&self) -> Web {
        self.open_in(self.folder().join("elsewhere"), &[WEB], self.world.clock())
    }

    /// A tracker of several repositories, whose projects are called as they are.
    pub(crate) fn open_for(&self, repos: &[&str]) -> Web {
        self.open_in(self.folder(), repos, self.world.clock())
    }

    fn open_in(&self, folder: Utf8PathBuf, repos: &[&str], clock: Arc<FixedClock>) -> Web {
        let token = Auth::Token(Token::new(self.bot.token()).unwrap());
        let github = GitHub::builder(token, clock).base(self.server.url()).pace(Pace::none());
        let github = github.journal(folder.join("journal")).build().unwrap();
        let name = |repo: &str| ProjectName::new(repo.split_once('/').unwrap().1).unwrap();
        let projects: BTreeMap<_, _> = repos.iter().map(|repo| (name(repo), ForgeRepo::new(repo).unwrap())).collect();
        let mut settings = TrackerSettings::new(projects, Labels::default(), folder.join("seen"));
        settings.looks = vec![Duration::ZERO; 3];
        Web {
            tracker: Arc::new(GitHubTracker::new(github, settings)),
            project: name(repos[0]),
            world: self.world.clone(),
        }
    }
}

/// A tracker, and the project of most stories.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    pub(crate) tracker: Arc<GitHubTracker>,
    pub(crate) project: ProjectName,
    world: World,
}

impl Web {
    /// What is seen a little later.
    pub(crate) async fn later(&self) -> Vec<Issue> {
        self.world.advance(Duration::from_secs(60));
        self.issues().await
    }

    pub(crate) async fn try_issues(&self) -> Result<Vec<Issue>, TrackerError> {
        self.tracker.issues(&self.project).await
    }

    pub(crate) async fn issues(&self) -> Vec<Issue> {
        self.try_issues().await.unwrap()
    }

    /// One issue, a little later.
    pub(crate) async fn issue(&self, number: u64) -> Issue {
        let all = self.later().await;
        let found = all.iter().find(|issue| issue.id.as_str() == number.to_string());
        found.unwrap_or_else(|| panic!("there is no issue {number}: {all:#?}")).clone()
    }

    pub(crate) async fn try_apply(&self, key: &str, write: TrackerWrite) -> Result<Applied, TrackerError> {
        self.tracker.apply(&self.project, key, &write).await
    }

    pub(crate) async fn apply(&self, key: &str, write: TrackerWrite) -> Applied {
        self.try_apply(key, write).await.unwrap()
    }

    pub(crate) async fn create(&self, key: &str, new: NewIssue) -> u64 {
        match self.apply(key, TrackerWrite::Create(new)).await {
            Applied::Done(Some(id)) | Applied::Already(Some(id)) => id.as_str().parse().unwrap(),
            other => panic!("no id: {other:?}"),
        }
    }
}

pub(crate) fn id(number: u64) -> IssueId {
    IssueId::new(number.to_string()).unwrap()
}
