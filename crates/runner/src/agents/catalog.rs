//! What is known of the vendors' programs, as data: their flags, their records, their failures.
//!
//! One file for each is compiled in. A user's file is laid over it key by key, so that a new flag or a new record needs
//! no new release.

mod form;
mod matcher;
mod overlay;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use dayfly_core::{AgentKind, AnswerBy, Profile};
use toml::Table;

pub(super) use form::{
    AnswerWay, Api, Count, EndRule, EndWord, EventRule, Form, Launch, LaunchWhen, SandboxOf, StateOf, Tells,
};
pub use form::{ContextKind, ContextRule, KeyVariable};
pub(super) use matcher::{Place, first, number, sum, text};

/// The format of the files.
const VERSION: u32 = 1;

/// The endings that follow from an interface's status alone, behind those of each vendor.
const COMMON: &str = include_str!("catalog/common.toml");

/// What is known of one vendor's program.
#[derive(Debug, Clone)]
pub struct Catalog {
    kind: AgentKind,
    form: Form,
}

/// A catalog that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// It is not of the documented form.
    #[error("the catalog is not of the form of docs/agents.md: {}", .0.to_string().trim_end())]
    Form(#[source] toml::de::Error),
    /// Its format is another.
    #[error("the catalog says `version = {found}`, and this program reads 1; begin the file with `version = 1`")]
    Version {
        /// The number it gives, 0 for none.
        found: u32,
    },
    /// An entry cannot work.
    #[error("the catalog's entry `{entry}` {problem}")]
    Entry {
        /// The entry, as `LIST.NAME`.
        entry: String,
        /// What is wrong, with the remedy.
        problem: String,
    },
    /// There is nothing it could be laid over.
    #[error("an agent of kind `command` has no catalog; take `catalog` out, or set its `kind`")]
    NoVendor,
}

impl Catalog {
    /// What is known of the programs of this kind, with the user's file laid over it.
    ///
    /// # Errors
    /// If the user's file cannot be used. Without one there is an error for the kind `command` alone.
    pub fn of(kind: AgentKind, user: Option<&str>) -> Result<Self, CatalogError> {
        let mut table = table(built_in(kind).ok_or(CatalogError::NoVendor)?)?;
        overlay::behind(&mut table, self::table(COMMON)?);
        if let Some(text) = user {
            // By itself first: only so the problem's place in the user's file is known.
            let form: Form = toml::from_str(text).map_err(CatalogError::Form)?;
            if form.version != VERSION {
                return Err(CatalogError::Version { found: form.version });
            }
            overlay::names(&self::table(text)?)?;
            overlay::over(&mut table, self::table(text)?);
        }
        let form = Form::deserialize(table)?;
        overlay::check(&form)?;
        Ok(Self { kind, form })
    }

    /// The kind of program it is about.
    pub fn kind(&self) -> AgentKind {
        self.kind
    }

    /// The versions that passed the contract.
    pub fn tested(&self) -> &[String] {
        &self.form.tested
    }

    /// Whether this version passed the contract: the number as the program prints it, whatever stands around it.
    pub fn is_tested(&self, version: &str) -> bool {
        let words = version.split(|c: char| !(c.is_ascii_alphanumeric() || ".-+_".contains(c)));
        let words: BTreeSet<_> = words.map(|word| word.trim_start_matches('v').trim_end_matches('.')).collect();
        self.form.tested.iter().any(|tested| words.contains(tested.as_str()))
    }

    /// The arguments with which the program says its version.
    pub fn version_args(&self) -> &[String] {
        &self.form.ask_version
    }

    /// Where the program itself is, beside a script that only starts it.
    pub fn native(&self) -> &[String] {
        &self.form.native
    }

    /// The variables that may hold a key, and how what is done with each is billed.
    pub fn keys(&self) -> &[KeyVariable] {
        &self.form.key
    }

    /// The files of a repository that the program reads by itself under a launch profile.
    pub fn context(&self, profile: Profile) -> Vec<&ContextRule> {
        self.form.context.iter().filter(|rule| rule.profile.is_none_or(|only| only == profile)).collect()
    }

    /// Whether its opening record names the skills that it found.
    pub fn tells_skills(&self) -> bool {
        self.form.event.iter().any(|rule| !rule.skills.is_empty())
    }

    /// How it gives a structured answer.
    pub fn answers(&self) -> AnswerBy {
        self.form.answers
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }
}

/// Whether a user's catalog can be used with agents of this kind.
///
/// # Errors
/// If it cannot; the text names the place and the remedy.
pub fn check_catalog(text: &str, kind: AgentKind) -> Result<(), CatalogError> {
    Catalog::of(kind, Some(text)).map(|_| ())
}

/// Whether this version of the programs of this kind passed the contract.
pub fn version_tested(kind: AgentKind, version: &str) -> bool {
    Catalog::of(kind, None).is_ok_and(|catalog| catalog.is_tested(version))
}

fn built_in(kind: AgentKind) -> Option<&'static str> {
    Some(match kind {
        AgentKind::Command => return None,
        AgentKind::Claude => include_str!("catalog/claude.toml"),
        AgentKind::Codex => include_str!("catalog/codex.toml"),
        AgentKind::OpenCode => include_str!("catalog/opencode.toml"),
        AgentKind::Gemini => include_str!("catalog/gemini.toml"),
        AgentKind::Copilot => include_str!("catalog/copilot.toml"),
    })
}

fn table(text: &str) -> Result<Table, CatalogError> {
    text.parse().map_err(CatalogError::Form)
}

impl Form {
    fn deserialize(table: Table) -> Result<Self, CatalogError> {
        table.try_into().map_err(CatalogError::Form)
    }
}
