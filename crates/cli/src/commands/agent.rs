//! `dayfly agent`: what the agents are, how they are started, and how what they print is understood.

mod classify;
mod show;

use camino::Utf8Path;
use dayfly_core::{AccountName, AgentConfig, AgentName, Choice, Fallback, Portfolio, Stage, VendorName};
use serde::Serialize;

use crate::args::AgentCommand;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::columns;

pub(crate) async fn run(output: &Output, config: Option<&Utf8Path>, command: AgentCommand) -> Result<Exit, CliError> {
    match command {
        AgentCommand::List => list(output, &Context::load(config)?)?,
        AgentCommand::Show { name, stage, project } => {
            show::run(output, &Context::load(config)?, &show::Wanted { name, stage, project }).await?;
        }
        AgentCommand::Classify { agent, file, stderr, exit, signal, at } => {
            let recorded = classify::Recorded { file, stderr, exit, signal, at };
            classify::run(output, Context::load_if_there(config)?.as_ref(), &agent, &recorded)?;
        }
    }
    Ok(Exit::Good)
}

/// One agent.
#[derive(Debug, Serialize)]
struct Line {
    name: AgentName,
    kind: &'static str,
    vendor: VendorName,
    model: Option<String>,
    accounts: Vec<AccountName>,
    used: Vec<Place>,
}

/// Where an agent works.
#[derive(Debug, Serialize)]
struct Place {
    project: String,
    stage: String,
    /// The model for that stage, if it is not the agent's own.
    model: Option<String>,
    /// Its place in the stage's list, from 1.
    choice: usize,
    /// Whether it is never asked, because the stage waits for its first choice.
    idle: bool,
}

/// The agents that a stage ever asks: one that is strict waits for its first.
pub(super) fn asked(stage: &Stage) -> &[Choice] {
    match stage.fallback {
        Fallback::Strict => stage.agents.get(..1).unwrap_or_default(),
        Fallback::Chain => &stage.agents,
    }
}

fn list(output: &Output, context: &Context) -> Result<(), CliError> {
    let portfolio = &context.config.portfolio;
    let lines: Vec<Line> = portfolio.agents.iter().map(|(name, agent)| line(portfolio, name, agent)).collect();
    output.data(&lines, || {
        let head = ["AGENT", "KIND", "VENDOR", "MODEL", "ACCOUNTS", "WORKS AT"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(lines.iter().map(row)).collect();
        columns(&rows)
    })
}

fn line(portfolio: &Portfolio, name: &AgentName, agent: &AgentConfig) -> Line {
    let mut used = Vec::new();
    for project in portfolio.projects.values() {
        for stage in &project.pipeline.stages {
            let choices = stage.agents.iter().enumerate().filter(|(_, choice)| choice.agent == *name);
            used.extend(choices.map(|(at, choice)| Place {
                project: project.name.to_string(),
                stage: stage.name.to_string(),
                model: choice.model.clone(),
                choice: at + 1,
                idle: at >= asked(stage).len(),
            }));
        }
    }
    Line {
        name: name.clone(),
        kind: agent.kind.word(),
        vendor: agent.vendor(name),
        model: agent.model.clone(),
        accounts: agent.accounts.clone(),
        used,
    }
}

fn row(line: &Line) -> Vec<String> {
    let accounts: Vec<&str> = line.accounts.iter().map(AccountName::as_str).collect();
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    vec![
        line.name.to_string(),
        line.kind.into(),
        line.vendor.to_string(),
        or_dash(line.model.clone().unwrap_or_default()),
        or_dash(accounts.join(", ")),
        or_dash(places(&line.used)),
    ]
}

/// `web: triage, exec (choice 2); book: exec`.
fn places(used: &[Place]) -> String {
    let mut projects: Vec<(&str, Vec<String>)> = Vec::new();
    for place in used {
        let model = place.model.as_ref().map(|model| format!(":{model}")).unwrap_or_default();
        let rank = match (place.choice, place.idle) {
            (1, _) => String::new(),
            (choice, false) => format!(" (choice {choice})"),
            (choice, true) => format!(" (choice {choice}, never asked: `fallback` is strict)"),
        };
        let text = format!("{}{model}{rank}", place.stage);
        match projects.last_mut().filter(|(project, _)| *project == place.project) {
            Some((_, stages)) => stages.push(text),
            None => projects.push((&place.project, vec![text])),
        }
    }
    let texts: Vec<String> =
        projects.into_iter().map(|(project, stages)| format!("{project}: {}", stages.join(", "))).collect();
    texts.join("; ")
}

/// The agent of that name.
fn agent<'a>(context: &'a Context, name: &str) -> Result<(&'a AgentName, &'a AgentConfig), CliError> {
    let agents = &context.config.portfolio.agents;
    agents.iter().find(|(agent, _)| agent.as_str() == name).ok_or_else(|| {
        let there: Vec<&str> = agents.keys().map(AgentName::as_str).collect();
        CliError::usage(format!("there is no agent `{name}`")).hint(format!("there are {}", there.join(", ")))
    })
}
