//! The catalogs that a configuration names, checked with it.

use std::ops::Range;

use camino::Utf8PathBuf;
use dayfly_core::{AgentName, ConfigError, Portfolio, Problem, SourceText};
use dayfly_runner::{CatalogError, check_catalog};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The first catalog that cannot be used, with the place in its file and what helps.
///
/// `read` are the files that were read along with the configuration.
pub(crate) fn check(
    portfolio: &Portfolio,
    config: &SourceText,
    read: &[(Utf8PathBuf, String)],
) -> Result<(), ConfigError> {
    for (name, agent) in &portfolio.agents {
        let Some(text) = &agent.catalog else { continue };
        let Err(err) = check_catalog(text, agent.kind) else { continue };
        let path = read.iter().find(|(_, other)| other == text).map_or("the catalog", |(path, _)| path.as_str());
        return Err(problem(name, config, SourceText::new(path, text.as_str()), &err));
    }
    Ok(())
}

fn problem(agent: &AgentName, config: &SourceText, catalog: SourceText, err: &CatalogError) -> ConfigError {
    let said = err.to_string();
    let (message, help) = said.split_once("; ").unwrap_or((&said, "docs/agents.md has the form of a catalog"));
    let (source, span, message, help) = match err {
        CatalogError::Form(err) => {
            let span = err.span().map_or(0..0, |span| visible(&catalog.text, span));
            (catalog, span, err.message().trim_end(), "docs/agents.md has the form of a catalog")
        }
        CatalogError::Version { .. } => {
            let span = place(&catalog.text, &["version"]);
            (catalog, span, message, help)
        }
        CatalogError::Entry { entry, .. } => {
            let span = entry.split_once('.').map(|(list, name)| entry_at(&catalog.text, list, name));
            (catalog, span.unwrap_or_default(), message, help)
        }
        CatalogError::NoVendor => {
            let span = place(&config.text, &["agents", agent.as_str(), "catalog"]);
            (config.clone(), span, message, help)
        }
        _ => (catalog, 0..0, message, help),
    };
    let problem = Problem { span, message: message.to_owned(), help: help.to_owned() };
    ConfigError { source, problems: vec![problem] }
}

/// A place as it can be shown: where nothing stands, that is the line.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() {
        return span;
    }
    let (before, after) = text.split_at_checked(span.start).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    start..span.start.min(text.len()) + after.find('\n').unwrap_or(after.len())
}

/// Where the value of a key is; nothing if it is not there.
fn place(text: &str, keys: &[&str]) -> Range<usize> {
    let Ok(table) = DeTable::parse(text) else { return 0..0 };
    let Some((first, more)) = keys.split_first() else { return 0..0 };
    let mut value = table.get_ref().get(*first);
    for key in more {
        value = value.and_then(|value| value.get_ref().as_table()).and_then(|table| table.get(*key));
    }
    value.map(Spanned::span).unwrap_or_default()
}

/// Where the last entry of that name in a list is named; if none is, the first without a name.
fn entry_at(text: &str, list: &str, name: &str) -> Range<usize> {
    let Ok(table) = DeTable::parse(text) else { return 0..0 };
    let entries = table.get_ref().get(list).and_then(|list| list.get_ref().as_array());
    let entries = entries.into_iter().flat_map(|entries| entries.iter());
    let named = |entry: &Spanned<DeValue<'_>>| {
        let value = entry.get_ref().as_table().and_then(|table| table.get("name"));
        let own = value.and_then(|value| value.get_ref().as_str()).unwrap_or_default();
        (own == name).then(|| value.map_or_else(|| entry.span(), Spanned::span))
    };
    entries.filter_map(named).next_back().unwrap_or_default()
}
