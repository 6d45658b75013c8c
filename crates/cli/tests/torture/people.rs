//! The people of a world: they answer what is asked, and their checks pass.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Clock as _;
use dayfly_testkit::github::{BranchRules, CheckState, GitHubServer, Permission, Person, Repository, World};

use crate::portfolio::{FILES, REPO, WEB, dayfly, issue_files, output, sources};

/// A GitHub with one repository, whose clone lies in the world's folder.
pub(crate) struct Forge {
    pub(crate) server: GitHubServer,
    world: World,
    ann: Person,
    bot: Person,
    pub(crate) repo: Repository,
}

impl Forge {
    pub(crate) fn new(dir: &Utf8Path) -> Self {
        let server = GitHubServer::start();
        let world = server.world();
        let ann = world.person("ann", Permission::Admin);
        let bot = world.bot("dayfly-bot", Permission::Write);
        let repo = world.repo(REPO);
        repo.commit("main", "the beginning", &sources());
        repo.protect("main", BranchRules { checks: vec!["test".into()], ..BranchRules::default() });
        let from = repo.git().path().display().to_string();
        let clone = ["clone", "--quiet", "--no-hardlinks", &from, "repos/web"];
        let mut command = std::process::Command::new("git");
        let (code, text) = output(command.current_dir(dir).args(clone).env("GIT_CONFIG_GLOBAL", "/dev/null"));
        assert_eq!(code, Some(0), "{text}");
        let forge = Self { server, world, ann, bot, repo };
        forge.keep_time();
        for title in WEB {
            forge.ann.open_issue(REPO, title, "Please do.");
        }
        forge
    }

    /// The programs know no other time than that of the machine.
    fn keep_time(&self) {
        let behind = jiff::Timestamp::now().duration_since(self.world.clock().now());
        if let Ok(behind) = std::time::Duration::try_from(behind) {
            self.world.advance(behind);
        }
    }

    /// What stands there, for the message of a failure.
    pub(crate) fn told(&self) -> String {
        format!("{}\n{}", self.world.snapshot(), self.server.journal())
    }
}

/// Whoever looks after a world besides its engine.
pub(crate) struct People {
    dir: Utf8PathBuf,
    pub(crate) forge: Option<Forge>,
    answered: BTreeSet<String>,
    checked: BTreeSet<String>,
}

impl People {
    pub(crate) fn new(dir: Utf8PathBuf, forge: Option<Forge>) -> Self {
        Self { dir, forge, answered: BTreeSet::new(), checked: BTreeSet::new() }
    }

    /// The token of the world's engine.
    pub(crate) fn token(&self) -> &str {
        self.forge.as_ref().map_or("none", |forge| forge.bot.token())
    }

    /// Does what people would do now; tells whether that was anything.
    pub(crate) fn act(&mut self) -> bool {
        let mut acted = false;
        for (project, _) in FILES {
            for (path, text) in issue_files(&self.dir, project) {
                let asked = text.contains("needs-clarification") && !text.contains("the blue one");
                let name = format!("{project}#{}", path.file_stem().unwrap().split('-').next().unwrap());
                if asked && !self.answered.contains(&name) {
                    let mut command = dayfly(&self.dir, self.token());
                    let (code, text) = output(command.args(["issue", "answer", &name, "the blue one"]));
                    assert_eq!(code, Some(0), "{text}");
                    self.answered.insert(name);
                    acted = true;
                }
            }
        }
        let Some(forge) = &self.forge else { return acted };
        forge.keep_time();
        for (number, issue) in forge.repo.issues() {
            let asked = issue.open && issue.labels.iter().any(|label| label == "needs-clarification");
            if asked && self.answered.insert(format!("web#{number}")) {
                forge.ann.comment(REPO, number, "the blue one");
                acted = true;
            }
        }
        for pull in forge.repo.pulls().iter().filter(|pull| pull.open) {
            if self.checked.insert(pull.head_sha.clone()) {
                forge.repo.check(&pull.head_sha, "test", CheckState::Success);
                acted = true;
            }
        }
        acted
    }
}
