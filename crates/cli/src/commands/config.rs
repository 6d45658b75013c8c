//! `dayfly config`: show and check.

use camino::Utf8Path;
use dayfly_core::{Config, ConfigError, Origin};

use crate::args::ConfigCommand;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::count;

pub(crate) fn run(output: &Output, config: Option<&Utf8Path>, command: &ConfigCommand) -> Result<Exit, CliError> {
    match command {
        ConfigCommand::Show { defaults: true } => {
            output.data(&Config::built_in_settings(), || Config::built_in().to_owned())?;
        }
        ConfigCommand::Show { defaults: false } => {
            let context = Context::load(config)?;
            output.data(&context.config.settings, || {
                let mut text = String::new();
                for setting in &context.config.settings {
                    let origin = match &setting.origin {
                        Origin::BuiltIn => "built-in".to_owned(),
                        Origin::File { path, line } => format!("{path}:{line}"),
                    };
                    text.push_str(&format!("{} = {}  # {origin}\n", setting.key, setting.value));
                }
                text
            })?;
        }
        ConfigCommand::Check => {
            let context = Context::load(config);
            if let Some(problems) = context.as_ref().err().and_then(CliError::config).filter(|_| output.json) {
                output.data(&json(problems), String::new)?;
            }
            let context = context?;
            let portfolio = &context.config.portfolio;
            let (projects, agents) = (portfolio.projects.len(), portfolio.agents.len());
            let worst: Vec<u32> = portfolio.projects.values().map(|p| p.pipeline.worst_case().total).collect();
            let worst = worst.into_iter().max().unwrap_or(0);
            let facts = serde_json::json!({ "projects": projects, "agents": agents, "worst-case": worst });
            output.data(&facts, || {
                format!(
                    "{} is good: {}, {}, at most {} for an issue",
                    context.path,
                    count(projects, "project"),
                    count(agents, "agent"),
                    count(worst as usize, "stage execution")
                )
            })?;
        }
    }
    Ok(Exit::Good)
}

/// What is wrong, for programs.
fn json(err: &ConfigError) -> serde_json::Value {
    let problem = |problem: &dayfly_core::Problem| {
        serde_json::json!({
            "line": err.source.line_of(problem.span.start),
            "message": problem.message,
            "help": problem.help,
        })
    };
    let problems: Vec<_> = err.problems.iter().map(problem).collect();
    serde_json::json!({ "file": err.source.path, "problems": problems })
}
