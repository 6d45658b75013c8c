//! `dayfly doctor`: what is there, what is missing, and what helps.

mod agents;
mod billing;
mod context;
mod github;
mod orders;
mod sandbox;
mod services;

use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Landing, Portfolio, Project, Store as _, StoreError, Tracker as _, TrackerError, TrackerKind};
use dayfly_runner::{
    GATES_FILE, Git, SqliteStore, StateLock, audit, find_program, find_tmux, gate_commands, network_file_system,
    refuse_lost,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, Exit, causes};
use crate::output::Output;
use crate::tables::count;

/// The oldest git whose `merge-tree` can do what landing needs.
const GIT: (u32, u32) = (2, 40);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    state: Finding,
    found: String,
    remedy: Option<String>,
    /// What an agent finds in a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<context::Found>,
}

/// The later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Finding {
    Good,
    Note,
    Bad,
}

impl Check {
    fn good(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), state: Finding::Good, found: found.into(), remedy: None, context: None }
    }

    fn note(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state: Finding::Note,
            found: found.into(),
            remedy: Some(remedy.into()),
            context: None,
        }
    }

    fn bad(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), state: Finding::Bad, found: found.into(), remedy: Some(remedy.into()), context: None }
    }
}

pub(crate) async fn run(output: &Output, config: Option<&Utf8Path>) -> Result<Exit, CliError> {
    let mut checks = vec![git_check().await];
    let context = Context::load(config);
    match &context {
        Ok(context) => {
            let portfolio = &context.config.portfolio;
            checks.push(Check::good("configuration", context.path.as_str()));
            checks.extend(agents::checks(portfolio).await);
            checks.extend(agents::accounts(portfolio));
            checks.extend(billing::checks(portfolio));
            checks.extend(github::checks(portfolio).await);
            for project in portfolio.projects.values() {
                checks.extend(project_checks(project).await);
                checks.extend(context::checks(portfolio, project).await);
                checks.extend(billing::in_project(portfolio, project).await);
                checks.extend(session_check(project));
                checks.push(tracker_check(context, project).await);
            }
            checks.extend(state_check(portfolio));
            checks.extend(sandbox::checks(Some(portfolio)));
            checks.push(store_check(context, portfolio).await);
            checks.extend(services::checks(context, portfolio).await);
            checks.extend(orders::checks(context, portfolio).await);
        }
        Err(_) => {
            checks.extend(sandbox::checks(None));
            checks.push(Check::bad("configuration", "cannot be read", "the error below says why"));
        }
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
        n => format!("{} to mend before jobs can run.", count(n, "thing")),
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
        checks.push(Check::good(
            format!("{what}: remotes"),
            format!(
                "{} ({})",
                list.join(", "),
                if project.forge.is_some() { "dayfly pushes to GitHub alone" } else { "dayfly does not push" }
            ),
        ));
    }
    let text = git.file_at(&commit, GATES_FILE).await.ok().flatten();
    checks.push(gates_check(format!("{what}: gates"), text.as_deref(), &project.base));
    if let Some(path) = git.filtered(&commit).await.unwrap_or_default().first() {
        let found = format!("{path} on {} names one; none runs in working copies", project.base);
        let remedy =
            "what agents and gates need unfiltered, such as files of git-lfs, a gate's command must fetch itself";
        checks.push(Check::note(format!("{what}: filters"), found, remedy));
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

/// The commands that judge changes, as the base branch names them.
fn gates_check(what: String, text: Option<&str>, base: &str) -> Check {
    let commands = match text.map(gate_commands) {
        None => Vec::new(),
        Some(Ok(commands)) => commands,
        Some(Err(problem)) => return Check::bad(what, problem, "no job starts before that"),
    };
    if commands.is_empty() {
        let found = format!("{GATES_FILE} on {base} names none: no command judges changes");
        return Check::note(what, found, "name the test command there and commit it");
    }
    // A program with a slash is one of the repository's own.
    let missing = commands.iter().find(|c| !c.program.contains('/') && on_path(&c.program).is_none());
    if let Some(command) = missing {
        let found = format!("`{}`, which the command `{}` runs, is not on PATH", command.program, command.name);
        return Check::bad(what, found, "install it, or mend PATH");
    }
    let names: Vec<String> = commands.into_iter().map(|c| c.name).collect();
    Check::good(what, format!("{} ({GATES_FILE} on {base})", names.join(", ")))
}

/// Whether a file can be made where git keeps its own.
fn tempfile_in(path: &Utf8Path) -> std::io::Result<()> {
    let git = path.join(".git");
    writable(if git.is_dir() { &git } else { path })
}

/// Whether a file can be made in the folder. One is made, and removed.
fn writable(dir: &Utf8Path) -> std::io::Result<()> {
    let probe = dir.join(format!(".dayfly-doctor-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}

/// Whether the project's session can be kept, if it has one.
fn session_check(project: &Project) -> Option<Check> {
    project.runner.session()?;
    let what = format!("project {}: session", project.name);
    Some(match find_tmux() {
        Ok((path, version)) => {
            Check::good(what, format!("{version}, {}; nothing holds back what runs in it", path.display()))
        }
        Err(problem) => Check::bad(what, problem, "or take `runner = \"tmux\"` out of the project"),
    })
}

async fn tracker_check(context: &Context, project: &Project) -> Check {
    let what = format!("project {}: tracker", project.name);
    if project.tracker == TrackerKind::GitHub {
        return github::tracker_check(context, project, what).await;
    }
    let dir = context.config.portfolio.issues_dir.join(project.name.as_str());
    let tracker = context.files();
    let read = async {
        Ok::<_, TrackerError>((tracker.issues(&project.name).await?, tracker.milestones(&project.name).await?))
    };
    match read.await {
        Ok(_) if dir.is_dir() && writable(&dir).is_err() => {
            Check::bad(what, format!("nothing can be written in {dir}"), "make the folder writable")
        }
        Ok((issues, milestones)) => {
            let milestones = count(milestones.len(), "milestone");
            Check::good(what, format!("{}, {milestones} in {dir}", count(issues.len(), "issue")))
        }
        Err(err) => Check::bad(what, err.to_string(), "mend the file"),
    }
}

/// Whether the ledger and the working copies lie in a repository that is worked on: cleaning it would take them along,
/// and tools that look for their files in folders above would find those of the checkout.
fn state_check(portfolio: &Portfolio) -> Option<Check> {
    let state = &portfolio.state_dir;
    let there = state.ancestors().find_map(|dir| Some((dir, dir.canonicalize_utf8().ok()?)));
    let (dir, real) = there?;
    let state = real.join(state.strip_prefix(dir).ok()?);
    let projects = portfolio.projects.values().filter(|p| p.repository);
    let (project, root) = projects
        .filter_map(|p| Some((p, repository_around(&p.path.canonicalize_utf8().ok()?)?)))
        .find(|(_, root)| state.starts_with(root))?;
    let found = format!("{state} lies inside the repository of {}", project.name);
    let remedy = format!(
        "while nothing runs, move it out of {root}, to a place such as {}, and set `state-dir` to that",
        outside(&root, project.name.as_str())
    );
    Some(Check::note("state", found, remedy))
}

/// The root of the repository that a folder is in.
pub(super) fn repository_around(dir: &Utf8Path) -> Option<Utf8PathBuf> {
    dir.ancestors().find(|dir| dir.join(".git").exists()).map(Utf8Path::to_owned)
}

/// Where the state of a repository can be kept beside it.
pub(super) fn outside(root: &Utf8Path, name: &str) -> Utf8PathBuf {
    root.parent().unwrap_or(root).join(format!(".dayfly-{name}"))
}

async fn store_check(context: &Context, portfolio: &Portfolio) -> Check {
    let what = "ledger";
    // The lock itself is left alone: a run that starts just now must find it free.
    if let Some(holder) = StateLock::holder(&portfolio.state_dir) {
        return Check::note(what, format!("in use by process {holder}"), "wait for it to end");
    }
    if let Some(kind) = network_file_system(&portfolio.state_dir) {
        let found = format!("{} is on a network file system ({kind})", portfolio.state_dir);
        return Check::bad(what, found, "set `state-dir` to a folder on a local disk: locks do not hold there");
    }
    // What is not there yet is made by the first run.
    let there = portfolio.state_dir.ancestors().find(|dir| dir.exists()).unwrap_or(&portfolio.state_dir);
    if let Err(err) = writable(there) {
        let found = format!("nothing can be written in {there}: {err}");
        return Check::bad(what, found, "make the directory writable, or set `state-dir`");
    }
    let ledger = context.ledger();
    let bad = |found: String| Check::bad(what, found, context.put_back());
    if let Err(err) = refuse_lost(&ledger) {
        return bad(err.to_string());
    }
    if !ledger.exists() {
        return Check::good(what, format!("{ledger} (made by the first run)"));
    }
    match chain(ledger.clone()).await {
        Ok(Ok(records)) => {
            let records = count(usize::try_from(records).unwrap_or(usize::MAX), "record");
            Check::good(what, format!("{ledger}, {records}, all in order"))
        }
        Ok(Err(broken)) => bad(format!("{ledger} is broken: {broken}")),
        Err(err) => bad(causes(&err)),
    }
}

/// Goes through the whole ledger. Gives how many records there are, or what is wrong with it.
async fn chain(ledger: Utf8PathBuf) -> Result<Result<u64, String>, StoreError> {
    let failed = |err| StoreError::Other { what: "the ledger was not looked at".into(), source: Box::new(err) };
    let path = ledger.clone();
    let found = tokio::task::spawn_blocking(move || audit(&path, Vec::new())).await.map_err(failed)??;
    if let Some(wrong) = found.broken.as_ref().map(ToString::to_string).or(found.damage) {
        return Ok(Err(wrong));
    }
    SqliteStore::open_read_only(&ledger)?.load().await?;
    Ok(Ok(found.records))
}
