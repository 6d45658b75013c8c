//! A portfolio of one repository, for one look at its issues.

use camino::Utf8Path;
use dayfly_core::{Config, ConfigError, Portfolio, SourceText};

use super::args::Args;

/// The name of the only project.
pub(crate) const PROJECT: &str = "repository";

/// Why the portfolio cannot be made.
pub(crate) enum Bad {
    Config(Box<ConfigError>),
    File(String, std::io::Error),
}

/// Makes the portfolio: the rules of the configuration, if there is one, for the one repository.
pub(crate) fn portfolio(args: &Args, state: &Utf8Path) -> Result<Portfolio, Bad> {
    let mut own = made(args)?;
    own.state_dir = state.to_owned();
    let Some(path) = &args.config else { return Ok(own) };
    let text = std::fs::read_to_string(path).map_err(|err| Bad::File(path.to_string(), err))?;
    let read = Config::read(&SourceText::new(path.clone(), text), &mut |file| {
        std::fs::read_to_string(file).map_err(|err| err.to_string())
    });
    let rules = read.map_err(|err| Bad::Config(Box::new(err)))?.portfolio;
    own.labels = rules.labels;
    own.triage = rules.triage;
    own.time_zone = rules.time_zone;
    own.github.app_id = rules.github.app_id;
    own.github.app_key = rules.github.app_key;
    if let Some(project) = rules.projects.into_values().find(|project| project.forge.as_ref() == Some(&args.repo))
        && let Some(only) = own.projects.values_mut().next()
    {
        only.pipeline = project.pipeline;
    }
    Ok(own)
}

/// What the arguments say, as a configuration: so that it is checked and its defaults are those of every other.
fn made(args: &Args) -> Result<Portfolio, Bad> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = String::from("version = 1\npipeline = [\"triage\"]\n");
    if let Some(zone) = &args.time_zone {
        text.push_str(&format!("time-zone = {}\n", quoted(zone)));
    }
    text.push_str(&format!("[github]\napi = {}\n[triage]\n", quoted(&args.api)));
    if let Some(time) = &args.stale_after {
        text.push_str(&format!("stale-after = {}\n", quoted(time)));
    }
    if args.roll_over {
        text.push_str("roll-over = \"month\"\n");
    }
    text.push_str("[stages.triage]\ngates = []\n[agents.none]\nkind = \"command\"\nargv = [\"true\"]\n");
    let repo = quoted(&args.repo.to_string());
    text.push_str(&format!(
        "[projects.{PROJECT}]\npath = \".\"\nrepository = false\nlanding = \"direct\"\ngithub = {repo}\n"
    ));
    let read = Config::read(&SourceText::new("the arguments", text), &mut |_| Err("there are no files".into()));
    read.map(|config| config.portfolio).map_err(|err| Bad::Config(Box::new(err)))
}
