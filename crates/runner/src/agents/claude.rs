//! Claude Code in print mode.

mod classify;
mod reader;

use std::collections::BTreeMap;

use dayfly_core::{Access, Agent, AgentConfig, AgentError, AgentName, CommandLine, EventReader, JobSpec, PromptVia};

use super::split_argv;
use crate::subprocess::PROPOSAL_PLACE;
use reader::ClaudeReader;

/// Set unless the configuration says otherwise: few retries of its own, because waiting is the engine's;
/// no tools that outlive their call; and nothing sent but the work.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("CLAUDE_CODE_MAX_RETRIES", "3"),
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
];

const OUTPUT: [&str; 8] = [
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    // Without them a long answer looks like silence.
    "--include-partial-messages",
    "--no-session-persistence",
    "--strict-mcp-config",
    "--append-system-prompt",
];

/// Tools with which a job would reach other jobs, or live longer than itself.
const NEVER: [&str; 6] =
    ["--disallowedTools", "SendMessage", "ListAgents", "ScheduleWakeup", "CronCreate", "EnterWorktree"];

/// In a stage that may only read there is no editor, and the shell only looks at the history: a reviewer must see the
/// change. `Write` stays, for the proposal: that nothing else was written is for the engine's gate to judge.
const READ: [&str; 10] = [
    "--tools",
    "Read,Grep,Glob,Write,Bash",
    "--allowedTools",
    "Read",
    "Grep",
    "Glob",
    "Write",
    "Bash(git log *)",
    "Bash(git diff *)",
    "Bash(git show *)",
];
const WRITE: [&str; 7] = ["--allowedTools", "Bash", "Edit", "Write", "Read", "Grep", "Glob"];

/// Arguments of the user's with which no permission mode is added.
const USERS_MODE: [&str; 2] = ["--permission-mode", "--dangerously-skip-permissions"];

/// Drives Claude Code without anybody to ask, and reads its `stream-json` records.
///
/// The configured `argv` comes first. Permissions are never bypassed unless it says so. The login is
/// found only if `pass_env` names what leads to it: `HOME`, `CLAUDE_CONFIG_DIR`,
/// `CLAUDE_CODE_OAUTH_TOKEN` or `ANTHROPIC_API_KEY`.
#[derive(Debug)]
pub struct ClaudeAgent {
    name: AgentName,
    config: AgentConfig,
}

impl ClaudeAgent {
    /// The adapter for Claude Code as configured.
    pub fn new(name: AgentName, config: AgentConfig) -> Self {
        Self { name, config }
    }
}

impl Agent for ClaudeAgent {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError> {
        let (program, leading) = split_argv(&self.name, &self.config)?;
        let mut args = leading.to_vec();
        let mut add = |more: &[&str]| args.extend(more.iter().map(|arg| (*arg).to_owned()));
        add(&OUTPUT);
        // Without a shell the agent cannot look the variable up.
        add(&[&format!("The environment variable DAYFLY_PROPOSAL holds the path {PROPOSAL_PLACE}")]);
        if let Some(model) = job.model.as_ref().or(self.config.model.as_ref()) {
            add(&["--model", model]);
        }
        if !leading.iter().any(|arg| USERS_MODE.iter().any(|mode| arg.split('=').next() == Some(mode))) {
            add(&["--permission-mode", "acceptEdits"]);
        }
        add(match job.access {
            Access::Read => &READ,
            Access::Write => &WRITE,
        });
        add(&NEVER);
        let mut env: BTreeMap<_, _> = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        env.extend(self.config.env.clone());
        Ok(CommandLine {
            program: program.to_owned(),
            args,
            prompt: PromptVia::Stdin,
            env,
            pass_env: self.config.pass_env.clone(),
            redact: self.config.redact.clone(),
            ..CommandLine::default()
        })
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::new(ClaudeReader::default())
    }
}

#[cfg(test)]
mod tests;
