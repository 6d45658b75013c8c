//! Reaching GitHub: who asks, and how politely.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use dayfly_core::{ForgeRepo, Portfolio, ProjectName};
use dayfly_github::{App, Auth, GitHub, GitHubError, GitHubTracker, Pace, TrackerSettings};
use dayfly_runner::{SystemClock, find_program};

/// The longest that `gh` may take to tell its token.
const GH_DEADLINE: Duration = Duration::from_secs(10);

/// Whether anything will be written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// Writes are noted in a journal, of which one process at a time has the care.
    Write,
}

/// Why GitHub cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    File(String, std::io::Error),
    GitHub(GitHubError),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::File(path, err) => write!(f, "the App's key cannot be read from {path}: {err}"),
            Unusable::GitHub(err) => {
                write!(f, "{err}")?;
                let mut source = std::error::Error::source(err);
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
        }
    }
}

impl From<GitHubError> for Unusable {
    fn from(err: GitHubError) -> Self {
        Unusable::GitHub(err)
    }
}

/// The projects with a repository on GitHub.
pub(crate) fn repositories(portfolio: &Portfolio) -> BTreeMap<ProjectName, ForgeRepo> {
    let projects = portfolio.projects.iter();
    projects.filter_map(|(name, project)| Some((name.clone(), project.forge.clone()?))).collect()
}

/// Makes a client; nothing is asked yet.
pub(crate) async fn connect(portfolio: &Portfolio, access: Access) -> Result<GitHub, Unusable> {
    let config = &portfolio.github;
    let mut builder = GitHub::builder(auth(portfolio).await?, Arc::new(SystemClock)).base(config.api.clone());
    if config.is_local() {
        // A server on this machine is nobody whom haste could annoy.
        builder = builder.pace(Pace::none());
    }
    if access == Access::Write {
        builder = builder.journal(portfolio.state_dir.join("github/journal"));
    }
    Ok(builder.build()?)
}

/// The issues of the projects that have a repository there.
pub(crate) fn tracker(portfolio: &Portfolio, client: GitHub) -> GitHubTracker {
    let entries = portfolio.projects.values().flat_map(|project| &project.pipeline.stages);
    let entries = entries.filter_map(|stage| stage.entry_label.clone());
    let folder = portfolio.state_dir.join("github/seen");
    let mut settings = TrackerSettings::new(repositories(portfolio), portfolio.labels.clone(), folder);
    settings.entries.extend(entries);
    GitHubTracker::new(client, settings)
}

/// With what dayfly shows who it is.
async fn auth(portfolio: &Portfolio) -> Result<Auth, Unusable> {
    let config = &portfolio.github;
    if let (Some(id), Some(key)) = (config.app_id, &config.app_key) {
        let pem = read_key(key)?;
        let names: BTreeSet<ForgeRepo> = repositories(portfolio).into_values().collect();
        let app = App::builder(id.to_string(), &pem)?.repositories(names);
        return Ok(Auth::App(Box::new(app.build())));
    }
    let variable = |name: &str| std::env::var(name).ok();
    Ok(Auth::discover(variable, gh_token(&config.api)).await?)
}

fn read_key(path: &Utf8Path) -> Result<String, Unusable> {
    std::fs::read_to_string(path).map_err(|err| Unusable::File(path.to_string(), err))
}

/// The token with which the program `gh` is logged in, if it is there and logged in.
async fn gh_token(api: &str) -> Option<String> {
    let program = find_program("gh", std::env::var_os("PATH").as_deref())?;
    let host = api.split_once("://")?.1.split('/').next()?;
    let host = if host == "api.github.com" { "github.com" } else { host };
    let mut command = tokio::process::Command::new(program);
    command.args(["auth", "token", "--hostname", host]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(GH_DEADLINE, command.output()).await.ok()?.ok()?;
    let token = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| token.trim().to_owned())
}
