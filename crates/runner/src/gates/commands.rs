//! The gate `commands`: what the base branch says must pass, run by the engine on the exact commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Access, AgentConfig, AgentKind, AgentName, Attempt, AttemptId, CommandLine, Commit, End, EventSink, Gate,
    GateError, JobSpec, MigrationCheck, OutputLimits, PromptVia, Runner, Subject, Verdict, WorkFacts,
};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::agents::CommandAgent;
use crate::git::Repo;

use super::error;

/// The file of the base commit that names the commands.
pub const GATES_FILE: &str = ".dayfly/gates.toml";

/// The gate `commands`.
#[derive(Debug, Clone)]
pub struct Commands {
    /// The repository; the file is read from its base commit. Without one it is read from the folder.
    pub git: Option<Repo>,
    /// Where each command gets a folder of its own: not in the attempt's, into which the agent may have written.
    pub dir: Utf8PathBuf,
    /// Where a working copy at the exact commit is made for the commands.
    pub tree: Utf8PathBuf,
    /// The attempt.
    pub attempt: AttemptId,
    /// Marks this installation's processes.
    pub tag: String,
    /// What runs the commands.
    pub runner: Arc<dyn Runner>,
    /// The most bytes of output kept of each.
    pub output: OutputLimits,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    #[serde(default)]
    command: Vec<RawEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawEntry {
    name: toml::Spanned<String>,
    run: Vec<String>,
    timeout: Option<SignedDuration>,
}

struct Entry {
    name: String,
    run: Vec<String>,
    timeout: Option<SignedDuration>,
    /// Variables that it receives, masked in what it prints.
    pass_env: Vec<String>,
}

/// A command that a gates file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateCommand {
    /// Its name.
    pub name: String,
    /// The program it runs.
    pub program: String,
}

/// The commands that the text of a gates file names, in order.
///
/// # Errors
/// What is wrong with it, with its line and what helps.
pub fn gate_commands(text: &str) -> Result<Vec<GateCommand>, String> {
    let command = |mut entry: Entry| GateCommand { name: entry.name, program: entry.run.swap_remove(0) };
    Ok(read(text)?.into_iter().map(command).collect())
}

fn read(text: &str) -> Result<Vec<Entry>, String> {
    let wrong = |at: usize, what: &str| {
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        format!("{GATES_FILE}:{line} of the base branch: {what}; mend it and commit it there")
    };
    let file: File =
        toml::from_str(text).map_err(|err| wrong(err.span().map_or(0, |span| span.start), err.message()))?;
    for entry in &file.command {
        let at = entry.name.span().start;
        if AgentName::new(entry.name.get_ref().clone()).is_err() {
            let what = "a command's `name` may hold only letters, digits, `-`, `_` and `.`";
            return Err(wrong(at, &format!("{what}, and not be {:?}", entry.name.get_ref())));
        }
        if entry.run.first().is_none_or(String::is_empty) {
            return Err(wrong(at, &format!("`run` of the command `{}` names no program", entry.name.get_ref())));
        }
    }
    let entries = file.command.into_iter();
    Ok(entries
        .map(|raw| {
            let name = raw.name.into_inner();
            Entry { name, run: raw.run, timeout: raw.timeout, pass_env: Vec::new() }
        })
        .collect())
}

#[async_trait]
impl Gate for Commands {
    fn name(&self) -> &str {
        "commands"
    }

    async fn check(&self, subject: &Subject) -> Result<Verdict, GateError> {
        let Some(work) = &subject.work else {
            return Err(error("commands", "it judges work, and is listed before the work"));
        };
        let entries = self.entries(work).await?;
        if entries.is_empty() {
            return Ok(Verdict::Pass);
        }
        let Some(git) = &self.git else {
            return self.run_all(&entries, subject, &work.tree).await;
        };
        // What the attempt left uncommitted, ignored files included, must not help the commands.
        git.add_copy(&self.tree, &work.commit).await.map_err(|err| cannot("make a working copy", err))?;
        let verdict = self.run_all(&entries, subject, &self.tree).await;
        git.remove_copy(&self.tree).await.map_err(|err| cannot("remove a working copy", err))?;
        verdict
    }
}

fn cannot(what: &str, source: impl std::error::Error + Send + Sync + 'static) -> GateError {
    GateError { gate: "commands".into(), reason: format!("cannot {what}"), source: Some(Box::new(source)) }
}

impl Commands {
    /// The commands as the base commit names them, so that a change cannot loosen its own gate.
    async fn entries(&self, work: &WorkFacts) -> Result<Vec<Entry>, GateError> {
        let text = match &self.git {
            Some(git) => {
                git.file_at(&work.base, GATES_FILE).await.map_err(|err| cannot("read the base commit", err))?
            }
            None => match tokio::fs::read_to_string(work.tree.join(GATES_FILE)).await {
                Ok(text) => Some(text),
                Err(err) if err.kind() == std::io::ErrorKind::NotFound => None,
                Err(err) => return Err(cannot("read the gates file", err)),
            },
        };
        let Some(text) = text else { return Ok(Vec::new()) };
        read(&text).map_err(|reason| error("commands", reason))
    }

    /// Runs one command that the configuration names, on a working copy at a commit.
    ///
    /// # Errors
    /// If it could not be run.
    pub(crate) async fn run_alone(
        &self,
        (name, check): (&str, &MigrationCheck),
        job: &JobSpec,
        commit: &Commit,
    ) -> Result<Verdict, GateError> {
        let Some(git) = &self.git else { return Err(error(name, "there is no repository")) };
        let entry =
            Entry { name: name.to_owned(), run: check.run.clone(), timeout: None, pass_env: check.pass_env.clone() };
        git.add_copy(&self.tree, commit).await.map_err(|err| cannot("make a working copy", err))?;
        let verdict = self.run_one(&entry, job, &self.tree).await;
        git.remove_copy(&self.tree).await.map_err(|err| cannot("remove a working copy", err))?;
        verdict
    }

    async fn run_all(&self, entries: &[Entry], subject: &Subject, tree: &Utf8Path) -> Result<Verdict, GateError> {
        for entry in entries {
            let verdict = self.run_one(entry, &subject.job, tree).await?;
            if verdict != Verdict::Pass {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Pass)
    }

    async fn run_one(&self, entry: &Entry, job: &JobSpec, tree: &Utf8Path) -> Result<Verdict, GateError> {
        let own = entry.timeout.and_then(|t| Duration::try_from(t).ok());
        let wall = own.unwrap_or(job.gate_timeout).min(job.gate_timeout);
        let mut job = job.clone();
        // A build may be silent for as long as it may take.
        (job.wall, job.silence, job.silence_report) = (wall, wall, wall);
        job.prompt = String::new();
        // What it writes goes with its working copy, and nothing in there is protected from what judges it.
        job.access = Access::Write;
        job.protected = Vec::new();
        let command = command_line(entry, tree);
        let tools = tool_reads(&command.env);
        let attempt = Attempt {
            id: AttemptId::from_text(format!("{}.gate-{}", self.attempt, entry.name)),
            job,
            cwd: tree.to_owned(),
            reads: tools.into_iter().chain(self.git.iter().flat_map(|git| git.lends())).collect(),
            bridge: None,
            dir: self.dir.join(&entry.name),
            command,
            agent: gate_agent(entry)?,
            output: self.output,
            tag: self.tag.clone(),
            events: EventSink::none(),
        };
        let mut running = match self.runner.start(&attempt).await {
            Ok(running) => running,
            Err(err) if err.is_transient() => {
                let why = std::error::Error::source(&err).map(|source| format!(": {source}")).unwrap_or_default();
                let reason = format!("`{}`: {err}{why}", entry.name);
                return Ok(Verdict::Hold { reason, until: None });
            }
            Err(err) => return Err(cannot(&format!("run `{}`", entry.name), err)),
        };
        let outcome = running.wait().await.map_err(|err| cannot(&format!("follow `{}`", entry.name), err))?;
        let shown = entry.run.join(" ");
        Ok(match outcome.end {
            End::Succeeded => Verdict::Pass,
            End::TaskFailed { .. } => {
                let code = outcome.receipt.exit_code.map_or("a signal".to_owned(), |c| format!("exit code {c}"));
                Verdict::Fail { reason: format!("`{shown}` ended with {code}"), tail: outcome.receipt.tail }
            }
            End::TimedOutWall { limit } | End::TimedOutSilence { limit } => {
                let reason = format!("`{shown}` did not end within {limit:?}");
                Verdict::Fail { reason, tail: outcome.receipt.tail }
            }
            // It says nothing of the work, and may go well the next time.
            End::Host { reason } => Verdict::Hold { reason: format!("`{shown}`: {reason}"), until: None },
            end => return Err(error("commands", format!("`{shown}`: {end}"))),
        })
    }
}

/// A program with a slash is the judged commit's own, and never one of where the engine was started.
fn command_line(entry: &Entry, tree: &Utf8Path) -> CommandLine {
    let program = entry.run.first().map_or("", String::as_str);
    let program = if program.contains('/') { tree.join(program).into_string() } else { program.to_owned() };
    CommandLine {
        program,
        args: entry.run.iter().skip(1).cloned().collect(),
        prompt: PromptVia::Stdin,
        env: tool_homes(|name| std::env::var(name).ok()),
        pass_env: entry.pass_env.clone(),
        redact: entry.pass_env.clone(),
        ..CommandLine::default()
    }
}

/// Where the tools of the user's own home keep what they have installed and fetched: a command gets an empty home, and
/// without these would find no toolchain and fetch everything anew.
pub(super) fn tool_homes(variable: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let home = variable("HOME").map(Utf8PathBuf::from);
    let tools = [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")];
    let of = |name: &str, folder: &str| {
        variable(name).or_else(|| home.as_ref().map(|h| h.join(folder)).filter(|h| h.is_dir()).map(Into::into))
    };
    tools.into_iter().filter_map(|(name, folder)| Some((name.to_owned(), of(name, folder)?))).collect()
}

/// What a command in a sandbox is shown of them: what is there of the tools and of what they have fetched. Never the whole
/// folder, in which the tools keep the user's keys for registries too.
fn tool_reads(homes: &BTreeMap<String, String>) -> Vec<Utf8PathBuf> {
    let parts = [
        ("CARGO_HOME", ["bin", "registry", "git", "config.toml", "env"].as_slice()),
        ("RUSTUP_HOME", ["toolchains", "settings.toml"].as_slice()),
    ];
    let homes = parts.iter().filter_map(|(name, parts)| Some((Utf8Path::new(homes.get(*name)?), parts)));
    homes.flat_map(|(home, parts)| parts.iter().map(|part| home.join(part))).filter(|path| path.exists()).collect()
}

fn gate_agent(entry: &Entry) -> Result<Arc<dyn dayfly_core::Agent>, GateError> {
    let name = AgentName::new(format!("gate-{}", entry.name)).map_err(|err| error("commands", err.to_string()))?;
    let config = AgentConfig::new(AgentKind::Command, entry.run.clone());
    // What the judged code prints is no word of an agent.
    Ok(Arc::new(CommandAgent::without_records(name, config)))
}
