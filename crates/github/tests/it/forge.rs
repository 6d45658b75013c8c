//! Pull requests on a GitHub that keeps state: each story against the fake, with real git behind it.

mod conformance;
mod lost;
mod merge;
mod open;
mod say;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{Commit, Forge as _, ForgeRepo, NewPull, ProjectName, Pull, PullApplied, PullWrite, TrackerError};
use dayfly_github::{Auth, GitHub, GitHubForge, Pace, Token};
use dayfly_testkit::github::{GitHubServer, Permission, Person, Repository, World};

/// A repository `ann/web` with two people who may write, one who may not, and dayfly as `dayfly-bot`.
struct Scene {
    server: GitHubServer,
    world: World,
    repo: Repository,
    ann: Person,
    bot: Person,
    eve: Person,
    forge: GitHubForge,
    keep: tempfile::TempDir,
}

fn project() -> ProjectName {
    ProjectName::new("web").unwrap()
}

impl Scene {
    fn new() -> Self {
        Self::of(GitHubServer::start())
    }

    fn of(server: GitHubServer) -> Self {
        let world = server.world();
        let ann = world.person("ann", Permission::Write);
        let bot = world.bot("dayfly-bot", Permission::Write);
        let eve = world.person("eve", Permission::None);
        let repo = world.repo("ann/web");
        repo.commit("main", "start", &[("a.txt", "one\n"), ("b.txt", "one\n")]);
        let keep = tempfile::tempdir().unwrap();
        let forge = forge(&server, &bot, &keep);
        Self { server, world, repo, ann, bot, eve, forge, keep }
    }

    /// A new branch with a commit, as the engine pushes it.
    fn pushed(&self, branch: &str) -> Commit {
        Commit(self.repo.commit(branch, &format!("work on {branch}"), &[("a.txt", &format!("{branch}\n"))]))
    }

    fn new_pull(&self, branch: &str) -> NewPull {
        NewPull {
            branch: branch.into(),
            head: self.pushed(branch),
            base: "main".into(),
            title: format!("Work on {branch}"),
            body: "What was done.\n".into(),
            draft: false,
        }
    }

    async fn apply(&self, key: &str, write: PullWrite) -> PullApplied {
        self.tried(key, write).await.unwrap()
    }

    async fn tried(&self, key: &str, write: PullWrite) -> Result<PullApplied, TrackerError> {
        self.forge.apply(&project(), key, &write).await
    }

    /// Opens a pull request of a new branch, and gives its number and commit.
    async fn opened(&self, branch: &str) -> (u64, Commit) {
        let new = self.new_pull(branch);
        let head = new.head.clone();
        match self.apply(&format!("open-{branch}"), PullWrite::Open(new)).await {
            PullApplied::Done(Some(number)) => (number, head),
            other => panic!("{other:?}"),
        }
    }

    async fn look(&self, branch: &str) -> Pull {
        let mut pulls = self.forge.pulls(&project(), &[branch.to_owned()]).await.unwrap();
        assert_eq!(pulls.len(), 1, "{pulls:?}");
        pulls.remove(0)
    }

    /// Looks until it is known whether it can be merged, as GitHub finds out only when it is asked.
    async fn known(&self, branch: &str) -> Pull {
        self.look(branch).await;
        self.look(branch).await
    }
}

/// A forge as a new process has it, with the journal of the one before.
fn forge(server: &GitHubServer, bot: &Person, keep: &tempfile::TempDir) -> GitHubForge {
    forge_with(server, bot, keep, Pace::none())
}

fn forge_with(server: &GitHubServer, bot: &Person, keep: &tempfile::TempDir, pace: Pace) -> GitHubForge {
    let auth = Auth::Token(Token::new(bot.token()).unwrap());
    let github = GitHub::builder(auth, server.world().clock() as Arc<dyn dayfly_core::Clock>);
    let folder = camino::Utf8Path::from_path(keep.path()).unwrap();
    let github = github.base(server.url()).pace(pace).journal(folder).build().unwrap();
    GitHubForge::new(github, BTreeMap::from([(project(), ForgeRepo::new("ann/web").unwrap())]))
}
