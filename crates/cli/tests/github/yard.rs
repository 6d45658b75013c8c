//! One project on a GitHub of its own, with an engine that works on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::{Clock, Config, Event, Filter, ForgeRepo, Portfolio, ProjectName, SourceText, State};
use dayfly_github::{Auth, GitHub, GitHubForge, GitHubTracker, Pace, Token, TrackerSettings};
use dayfly_runner::{Engine, EngineBuilder, RunOptions, SqliteStore, Summary, Until, read_all};
use dayfly_testkit::github::{CheckState, GitHubServer, Permission, Person, Repository, World};
use tokio::sync::mpsc;

const AGENT: &str = include_str!("agent.sh");

/// The name of the repository.
pub(crate) const REPO: &str = "ann/web";

pub(crate) struct Yard {
    pub(crate) server: GitHubServer,
    pub(crate) world: World,
    pub(crate) ann: Person,
    pub(crate) bot: Person,
    pub(crate) repo: Repository,
    pub(crate) dir: tempfile::TempDir,
    /// More of the project's section.
    pub(crate) section: &'static str,
}

impl Yard {
    pub(crate) fn new(section: &'static str) -> Self {
        let server = GitHubServer::start();
        let world = server.world();
        let ann = world.person("ann", Permission::Admin);
        let bot = world.bot("dayfly-bot", Permission::Write);
        let repo = world.repo(REPO);
        repo.commit("main", "the beginning", &[("README.md", "A house.\n")]);
        let dir = tempfile::tempdir().unwrap();
        let yard = Self { server, world, ann, bot, repo, dir, section };
        std::fs::write(yard.path("agent.sh"), AGENT).unwrap();
        let clone = ["clone", "--quiet", "--no-hardlinks"];
        let from = yard.repo.git().path().display().to_string();
        let status = std::process::Command::new("git")
            .args(clone)
            .args([&from, yard.path("web").as_str()])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status();
        assert!(status.unwrap().success());
        std::fs::write(yard.path("dayfly.toml"), yard.config()).unwrap();
        yard
    }

    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.dir.path().join(name)).unwrap()
    }

    pub(crate) fn config(&self) -> String {
        format!(
            "version = 1\npipeline = [\"triage\", \"prep\", \"exec\", \"review\", \"merge\"]\n\
             [github]\napi = \"{}\"\npoll = \"1s\"\nchecks-start = \"1s\"\n\
             [retry]\nmax = \"1s\"\n\
             [agents.script]\nkind = \"command\"\nargv = [\"sh\", \"{}\"]\n\
             [projects.web]\npath = \"web\"\ngithub = \"{REPO}\"\n{}\n",
            self.server.url(),
            self.path("agent.sh"),
            self.section
        )
    }

    pub(crate) fn portfolio(&self) -> Portfolio {
        let source = SourceText::new(self.path("dayfly.toml"), self.config());
        match Config::read(&source, &mut |_| Err("no files".into())) {
            Ok(config) => config.portfolio,
            Err(err) => panic!("{:?}", err.problems),
        }
    }

    fn client(&self) -> GitHub {
        let auth = Auth::Token(Token::new(self.bot.token()).unwrap());
        GitHub::builder(auth, self.clock())
            .base(self.server.url())
            .pace(Pace::none())
            .journal(self.path(".dayfly/github/journal"))
            .build()
            .unwrap()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.world.clock()
    }

    pub(crate) fn store(&self) -> Arc<SqliteStore> {
        std::fs::create_dir_all(self.path(".dayfly")).unwrap();
        Arc::new(SqliteStore::open(&self.path(".dayfly/ledger.sqlite")).unwrap())
    }

    /// An engine as the program makes one, but for the clock.
    pub(crate) fn engine(&self) -> Engine {
        self.builder().build()
    }

    pub(crate) fn builder(&self) -> EngineBuilder {
        let portfolio = self.portfolio();
        let web = ProjectName::new("web").unwrap();
        let projects = BTreeMap::from([(web, ForgeRepo::new(REPO).unwrap())]);
        let client = self.client();
        let mut settings =
            TrackerSettings::new(projects.clone(), portfolio.labels.clone(), self.path(".dayfly/github/seen"));
        settings.looks = vec![Duration::ZERO; 3];
        Engine::builder(portfolio)
            .store(self.store())
            .tracker(Arc::new(GitHubTracker::new(client.clone(), settings)))
            .forge(Arc::new(GitHubForge::new(client, projects)))
            .clock(self.clock())
            // Each yard is an installation of its own: what carries its mark is ended by no other.
            .tag(self.dir.path().to_string_lossy())
    }

    /// Works until nothing is left to do.
    pub(crate) async fn run(&self) -> Summary {
        let (_keep, mut shutdown) = mpsc::channel(1);
        let options = RunOptions { until: Until::Idle { patience: Duration::ZERO }, filter: Filter::default() };
        let engine = self.engine();
        let run = engine.run(options, &mut shutdown);
        match tokio::time::timeout(Duration::from_secs(60), run).await {
            Ok(summary) => summary.unwrap(),
            Err(_) => panic!("it does not end:\n{}\n{}", self.world.snapshot(), self.server.journal()),
        }
    }

    pub(crate) async fn state(&self) -> State {
        let records = read_all(&*self.store()).await.unwrap();
        State::fold(&records).unwrap()
    }

    /// What happened, for the message of a test that fails.
    pub(crate) async fn told(&self) -> String {
        let records = read_all(&*self.store()).await.unwrap();
        let ends = records.iter().filter_map(|record| match record.event().unwrap() {
            Event::AttemptEnded { attempt, outcome, .. } => {
                Some(format!("{attempt}: {}: {}", outcome.end, outcome.receipt.tail))
            }
            Event::EffectRefused { effect, reason, .. } => Some(format!("{effect} refused: {reason}")),
            Event::EffectDelayed { effect, reason, .. } => Some(format!("{effect} put off: {reason}")),
            _ => None,
        });
        format!("{}\n{}", ends.collect::<Vec<_>>().join("\n"), self.world.snapshot())
    }

    /// Where an issue stands in the ledger.
    pub(crate) async fn phase(&self, issue: u64) -> String {
        let state = self.state().await;
        let known = state.issues.iter().find(|(at, _)| at.issue.as_str() == issue.to_string());
        known.map_or("unknown".into(), |(_, known)| known.phase.word().to_owned())
    }

    /// The checks of a pull request end.
    pub(crate) fn check(&self, pull: u64, state: CheckState) {
        self.repo.check(&self.repo.pull(pull).head_sha, "test", state);
        // What was read a moment ago is read anew.
        self.world.advance(Duration::from_secs(60));
    }
}
