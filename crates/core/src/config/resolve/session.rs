//! The lasting session of a project that runs in tmux.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;

use crate::{AgentConfig, AgentKind, AgentName, Project, ProjectName, ProjectRunner, SessionConfig};

use super::super::raw::RunnerWord;
use super::{Resolver, Section, Shared, raw};

/// The longest time for which a session must have been quiet.
const LONGEST_SETTLE: Duration = Duration::from_secs(60);

/// The keys of tmux that stand for more than a character.
const KEYS: [&str; 11] = ["Enter", "Escape", "Tab", "Space", "BSpace", "Up", "Down", "Left", "Right", "Home", "End"];

/// Whether the attempts of a project execute in tmux.
pub(super) fn is_wanted(project: &raw::Project) -> bool {
    project.runner.as_ref().is_some_and(|r| *r.get_ref() == RunnerWord::Tmux)
}

/// The name under which a project's session is an agent. `None` if the project's name is so long that none can be made.
pub(super) fn agent(project: &ProjectName) -> Option<AgentName> {
    AgentName::new(format!("session.{project}")).ok()
}

impl Resolver<'_> {
    pub(super) fn runner(
        &mut self,
        shared: &Shared,
        name: &ProjectName,
        section: &Section<raw::Project>,
    ) -> ProjectRunner {
        let raw = &section.value;
        if !is_wanted(raw) {
            if let Some(session) = &raw.session {
                let message = format!("project `{name}` has a session and does not use it");
                self.problem(
                    session.span(),
                    message,
                    "add `runner = \"tmux\"` to the project, or take the section out",
                );
            }
            return ProjectRunner::Subprocess;
        }
        match agent(name) {
            None => self.problem(
                section.span.clone(),
                format!("the name `{name}` is too long for a project with a session"),
                "choose one of at most 56 characters",
            ),
            Some(agent) if shared.agents.contains(&agent) => self.problem(
                section.span.clone(),
                format!("the session of `{name}` would be called `{agent}`, as an agent is"),
                "give that agent another name",
            ),
            Some(_) => {}
        }
        if let Some(agents) = &raw.agents {
            let message = format!("the session is the agent of `{name}`");
            self.problem(agents.span(), message, "take `agents` out, or `runner = \"tmux\"`");
        }
        if let Some(most) = raw.concurrency.as_ref().filter(|c| *c.get_ref() > 1) {
            let message = format!("a session does one thing at a time, and `{name}` wants {}", most.get_ref());
            self.problem(most.span(), message, "take `concurrency` out, or set it to 1");
        }
        let Some(session) = &raw.session else {
            if !section.damaged {
                let span = raw.runner.as_ref().map_or(section.span.clone(), Spanned::span);
                let message = format!("project `{name}` runs in tmux and has no session");
                let help = format!("add a section [projects.{name}.session] with `command = [\"claude\"]`");
                self.problem(span, message, help);
            }
            return ProjectRunner::Tmux(SessionConfig::new(Vec::new()));
        };
        ProjectRunner::Tmux(self.session(name, session))
    }

    fn session(&mut self, name: &ProjectName, section: &Spanned<raw::Session>) -> SessionConfig {
        let raw = section.get_ref();
        let mut command = raw.command.as_ref().map(|c| c.get_ref().clone()).unwrap_or_default();
        if command.first().is_none_or(String::is_empty) {
            let span = raw.command.as_ref().map_or(section.span(), Spanned::span);
            let message = format!("the session of `{name}` names no program");
            self.problem(span, message, "add `command = [\"claude\"]`");
        }
        if let Some(program) = command.first_mut().filter(|p| p.contains('/')) {
            *program = self.path(program).into_string();
        }
        let defaults = SessionConfig::new(command);
        let settle = self.optional_duration(raw.settle.as_ref()).unwrap_or(defaults.settle);
        if let Some(text) = raw.settle.as_ref().filter(|_| settle > LONGEST_SETTLE) {
            self.problem(text.span(), format!("`{}` is too long", text.get_ref()), "write at most \"60s\"");
        }
        if let Some(ready) = raw.ready.as_ref().filter(|text| text.get_ref().trim().is_empty()) {
            self.problem(ready.span(), "`ready` is empty", "write a text that the program shows, or take it out");
        }
        SessionConfig {
            submit: self.keys(raw.submit.as_ref(), defaults.submit),
            interrupt: self.keys(raw.interrupt.as_ref(), defaults.interrupt),
            ready: raw.ready.as_ref().map(|text| text.get_ref().clone()),
            settle,
            prompt: raw.prompt.unwrap_or(defaults.prompt),
            done: raw.done.unwrap_or(defaults.done),
            pass_env: raw.pass_env.clone().unwrap_or_default(),
            env: raw.env.clone().unwrap_or_default(),
            redact: raw.redact.clone().unwrap_or_default(),
            command: defaults.command,
        }
    }

    /// Keys, by tmux's names for them. Anything else would be typed as text.
    fn keys(&mut self, keys: Option<&Spanned<Vec<String>>>, default: Vec<String>) -> Vec<String> {
        let Some(keys) = keys else { return default };
        if keys.get_ref().is_empty() || !keys.get_ref().iter().all(|key| is_key(key)) {
            let help = "write keys by tmux's names, such as [\"Enter\"], [\"Escape\"], [\"C-c\"] or [\"M-Enter\"]";
            self.problem(keys.span(), "these are not keys", help);
        }
        keys.get_ref().clone()
    }
}

fn is_key(key: &str) -> bool {
    let bare = ["C-", "M-", "S-"].iter().fold(key, |key, held| key.strip_prefix(held).unwrap_or(key));
    let one = bare.len() == 1 && bare.len() < key.len() && bare.chars().all(|c| c.is_ascii_alphanumeric());
    one || KEYS.contains(&bare)
}

/// Each session is an agent too: the plan, the ledger and the reports know it by that name.
pub(super) fn add_agents(projects: &BTreeMap<ProjectName, Project>, agents: &mut BTreeMap<AgentName, AgentConfig>) {
    for project in projects.values() {
        let (Some(session), Some(name)) = (project.runner.session(), agent(&project.name)) else { continue };
        agents.insert(
            name,
            AgentConfig {
                pass_env: session.pass_env.clone(),
                env: session.env.clone(),
                redact: session.redact.clone(),
                ..AgentConfig::new(AgentKind::Command, session.command.clone())
            },
        );
    }
}
