//! Every setting with where it comes from.

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SourceText;

/// Where a value comes from, in the order in which a later one wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Compiled in.
    BuiltIn,
    /// The user's file.
    File {
        /// Its path.
        path: String,
        /// The line, from 1.
        line: usize,
    },
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its path, such as `limits.wall`.
    pub key: String,
    /// Its value, as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

pub(super) fn settings(built_in: &SourceText, user: &SourceText) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (source, own) in [(built_in, false), (user, true)] {
        let Ok(table) = DeTable::parse(&source.text) else { continue };
        flatten(source, own, "", table.get_ref(), &mut settings);
    }
    settings.sort_by(|a, b| (&a.key, &b.origin).cmp(&(&b.key, &a.origin)));
    settings.dedup_by(|later, first| later.key == first.key);
    settings
}

fn flatten(source: &SourceText, own: bool, prefix: &str, table: &DeTable<'_>, settings: &mut Vec<Setting>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        if let DeValue::Table(inner) = value.get_ref() {
            flatten(source, own, &name, inner, settings);
            continue;
        }
        let origin = if own {
            Origin::File { path: source.path.to_string(), line: source.line_of(key.span().start) }
        } else {
            Origin::BuiltIn
        };
        settings.push(Setting { key: name, value: text_of(source, value), origin });
    }
}

fn text_of(source: &SourceText, value: &Spanned<DeValue<'_>>) -> String {
    source.text.get(value.span()).unwrap_or_default().to_owned()
}
