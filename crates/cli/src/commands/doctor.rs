//! `dayfly doctor`: what is there, what is missing, and what helps.

use std::path::PathBuf;

use camino::Utf8Path;
use dayfly_core::{AgentConfig, Landing, Portfolio, Project, Tracker as _};
use dayfly_runner::{GATES_FILE, Git, LockError, SqliteStore, StateLock, find_program};
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;

/// The oldest git whose `merge-tree` can do what landing needs.
const GIT: (u32, u32) = (2, 40);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    state: Finding,
    found: String,
    remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Finding {
    Good,
    Note,
    Bad,
}

impl Check {
    fn good(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), state: Finding::Good, found: found.into(), remedy: None }
    }

    fn note(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), state: Finding::Note, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn bad(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), state: Finding::Bad, found: found.into(), remedy: Some(remedy.into()) }
    }
}

pub(crate) async fn run(output: &Output, config: Option<&Utf8Path>) -> Result<Exit, CliError> {
    let mut checks = vec![git_check().await];
    let context = Context::load(config);
    match &context {
        Ok(context) => {
            let portfolio = &context.config.portfolio;
            checks.push(Check::good("configuration", context.path.as_str()));
            for (name, agent) in &portfolio.agents {
                checks.push(agent_check(name.as_str(), agent));
            }
            for project in portfolio.projects.values() {
                checks.extend(project_checks(project).await);
                checks.push(tracker_check(context, project).await);
            }
            checks.push(store_check(context, portfolio));
        }
        Err(_) => checks.push(Check::bad("configuration", "cannot be read", "the error below says why")),
    }
    output.data(&checks, || text(&checks))?;
    context?;
    let bad = checks.iter().any(|c| c.state == Finding::Bad);
    Ok(if bad { Exit::Environment } else { Exit::Good })
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let word = match check.state {
            Finding::Good => "good",
            Finding::Note => "note",
            Finding::Bad => "BAD ",
        };
        text.push_str(&format!("{word}  {}: {}\n", check.what, check.found));
        if let Some(remedy) = &check.remedy {
            text.push_str(&format!("      what helps: {remedy}\n"));
        }
    }
    let bad = checks.iter().filter(|c| c.state == Finding::Bad).count();
    text.push_str(&match bad {
        0 => "All that jobs need is there.".to_owned(),
        n => format!("{n} things must be mended before jobs can run."),
    });
    text
}

/// The program itself if it holds a slash, else the first of that name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    find_program(program, std::env::var_os("PATH").as_deref())
}

async fn git_check() -> Check {
    let install = "install git 2.40 or newer";
    let Some(path) = on_path("git") else { return Check::bad("git", "is not on PATH", install) };
    let Some(version) = Git::version().await else { return Check::bad("git", "does not run", install) };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u32>().ok());
    let found = format!("{version}, {}", path.display());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= GIT => Check::good("git", found),
        _ => Check::bad("git", found, install),
    }
}

fn agent_check(name: &str, agent: &AgentConfig) -> Check {
    let what = format!("agent {name} ({})", agent.kind.word());
    let program = agent.argv.first().map_or("", String::as_str);
    if let Some(key) = agent.pass_env.iter().find(|v| v.ends_with("_API_KEY")) {
        let remedy = format!("take {key} out of `pass-env` if you mean to use a subscription");
        return Check::note(what, format!("passes {key} on: each token is billed"), remedy);
    }
    match on_path(program) {
        Some(path) => Check::good(what, path.display().to_string()),
        None => Check::bad(
            what,
            format!("`{program}` is not there, or cannot be executed"),
            "install it, mend PATH or `argv`, or `chmod +x` it",
        ),
    }
}

async fn project_checks(project: &Project) -> Vec<Check> {
    let what = format!("project {}", project.name);
    if !project.repository {
        return vec![match project.path.is_dir() {
            true => Check::good(what, format!("{}, a plain folder", project.path)),
            false => Check::bad(what, format!("{} is not there", project.path), "mend `path`"),
        }];
    }
    let git = match Git::open(&project.path).await {
        Ok(git) => git,
        Err(err) => return vec![Check::bad(what, err.to_string(), "mend `path`, or `git init` it")],
    };
    let Ok(Some(commit)) = git.branch(&project.base).await else {
        let found = format!("{} has no branch `{}`", project.path, project.base);
        return vec![Check::bad(what, found, "set `base` of the project to a branch that is there")];
    };
    let mut checks = vec![Check::good(&what, format!("{}, {} at {}", project.path, project.base, commit.short()))];
    if let Ok(remotes) = git.remotes().await
        && !remotes.is_empty()
    {
        let list: Vec<String> = remotes.iter().map(|(name, url)| format!("{name} {url}")).collect();
        checks.push(Check::good(format!("{what}: remotes"), format!("{} (dayfly does not push)", list.join(", "))));
    }
    match git.file_at(&commit, GATES_FILE).await {
        Ok(Some(_)) => checks.push(Check::good(format!("{what}: gates"), format!("{GATES_FILE} on {}", project.base))),
        _ => checks.push(Check::note(
            format!("{what}: gates"),
            format!("no {GATES_FILE} on {}: no command judges changes", project.base),
            "name the test command there and commit it",
        )),
    }
    let standing = git.current_branch().await.ok().flatten();
    if project.landing == Landing::Direct && standing.as_deref() == Some(project.base.as_str()) {
        let dirty = git.is_dirty().await.unwrap_or(false);
        if dirty {
            checks.push(Check::note(
                format!("{what}: checkout"),
                format!("stands on {} with local changes, which may be in the way of a landing", project.base),
                "commit or stash them",
            ));
        }
    }
    let probe = tempfile_in(&project.path);
    if let Err(err) = probe {
        checks.push(Check::bad(format!("{what}: permissions"), err.to_string(), "make the folder writable"));
    }
    checks
}

/// Whether a file can be made where git keeps its own.
fn tempfile_in(path: &Utf8Path) -> std::io::Result<()> {
    let git = path.join(".git");
    let dir = if git.is_dir() { git } else { path.to_owned() };
    let metadata = dir.metadata()?;
    if metadata.permissions().readonly() {
        return Err(std::io::Error::other(format!("{dir} is read-only")));
    }
    Ok(())
}

async fn tracker_check(context: &Context, project: &Project) -> Check {
    let what = format!("project {}: issues", project.name);
    match context.tracker().issues(&project.name).await {
        Ok(issues) => {
            let dir = context.config.portfolio.issues_dir.join(project.name.as_str());
            Check::good(what, format!("{} in {dir}", issues.len()))
        }
        Err(err) => Check::bad(what, err.to_string(), "mend the file"),
    }
}

fn store_check(context: &Context, portfolio: &Portfolio) -> Check {
    let what = "ledger";
    match StateLock::take(&portfolio.state_dir) {
        Err(LockError::Held { holder, .. }) => {
            return Check::note(what, format!("in use by process {holder}"), "wait for it to end");
        }
        Err(err) => return Check::bad(what, err.to_string(), "make the directory writable, or set `state-dir`"),
        Ok(_) => {}
    }
    if !context.ledger().exists() {
        return Check::good(what, format!("{} (made by the first run)", context.ledger()));
    }
    match SqliteStore::open_read_only(&context.ledger()) {
        Ok(_) => Check::good(what, context.ledger().as_str()),
        Err(err) => Check::bad(what, err.to_string(), "restore the file from a backup, or move it away"),
    }
}
