//! The configuration file: read whole, checked whole, every problem shown at once.

mod check;
mod problem;
mod raw;
mod resolve;
mod show;

use camino::Utf8Path;

use crate::Portfolio;

pub use problem::{ConfigError, Problem, SourceText};
pub use show::{Origin, Setting};

/// The compiled-in defaults, in the form of the user's own file.
const BUILT_IN: &str = include_str!("config/builtin.toml");

/// A configuration that was read and found good.
#[derive(Debug, Clone)]
pub struct Config {
    /// What it says, every value resolved.
    pub portfolio: Portfolio,
    /// Every setting with where it comes from.
    pub settings: Vec<Setting>,
}

/// Gives the text of a file that the configuration names, or why there is none.
pub(crate) type ReadFile<'a> = dyn FnMut(&Utf8Path) -> Result<String, String> + 'a;

impl Config {
    /// Reads a configuration. Relative paths in it are taken from the folder of the file.
    ///
    /// # Errors
    /// All problems that can be found, each with its place and remedy.
    pub fn read(
        source: &SourceText,
        read_file: &mut dyn FnMut(&Utf8Path) -> Result<String, String>,
    ) -> Result<Self, ConfigError> {
        let built_in = SourceText::new("built-in", BUILT_IN);
        let mut problems = Vec::new();
        let defaults = raw::read(&built_in, &mut problems);
        assert!(problems.is_empty(), "the built-in configuration is good: {problems:?}");
        let user = raw::read(source, &mut problems);
        let (Some(defaults), Some(user)) = (defaults, user) else {
            return Err(ConfigError::new(source.clone(), problems));
        };
        let portfolio = resolve::Resolver::new(source, read_file, &mut problems).portfolio(defaults, user);
        if let Some(portfolio) = &portfolio {
            check::check(portfolio, source, &mut problems);
        }
        match portfolio {
            Some(portfolio) if problems.is_empty() => {
                Ok(Self { portfolio, settings: show::settings(&built_in, source) })
            }
            _ => Err(ConfigError::new(source.clone(), problems)),
        }
    }

    /// The compiled-in defaults, as settings.
    pub fn built_in_settings() -> Vec<Setting> {
        show::settings(&SourceText::new("built-in", BUILT_IN), &SourceText::new("", ""))
    }

    /// The compiled-in defaults, as commented TOML.
    pub fn built_in() -> &'static str {
        BUILT_IN
    }
}

#[cfg(test)]
mod tests;
