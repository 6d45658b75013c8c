//! What a question offers to answer with.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{harmless, without_disguise};

/// The most options of a question.
pub(crate) const MOST_OPTIONS: usize = 6;
/// The most characters of an option's word.
const MOST_WORD: usize = 40;
/// The most characters of what follows from an option.
const MOST_FOLLOWS: usize = 200;

/// One way to answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardOption {
    /// The word that says it.
    pub word: String,
    /// What follows from it, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub follows: String,
}

impl CardOption {
    pub(crate) fn new(word: &str, follows: impl Into<String>) -> Self {
        Self { word: word.to_owned(), follows: follows.into() }
    }
}

/// What a question offers to answer with, and what is taken if nobody does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// The options, in order. Words of one's own are an answer, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<CardOption>,
    /// The word of the option that the agent would take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The time after which the question says that the default is taken; none if it says nothing of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

/// The option that answered a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Its word.
    pub option: String,
    /// The first line of the question.
    pub question: String,
    /// Set if nobody answered until then, and the default was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired: Option<Timestamp>,
}

impl Choices {
    /// Those of an agent's question, of which at most `expires` passes before the default is taken.
    pub(crate) fn asked(options: &[CardOption], default: &str, expires: Option<Duration>) -> Self {
        let default = Some(default.trim()).filter(|word| !word.is_empty()).map(str::to_owned);
        Self { options: options.to_vec(), expires: expires.filter(|_| default.is_some()), default }
    }

    /// Whether there is nothing to choose from.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why an agent may not offer these; the default is empty where there is none.
    pub(crate) fn check(options: &[CardOption], default: &str) -> Result<(), String> {
        if options.len() > MOST_OPTIONS {
            return Err(format!("`ask` offers {} options, at most {MOST_OPTIONS} are allowed", options.len()));
        }
        for (at, CardOption { word, follows }) in options.iter().enumerate() {
            let shown = word.escape_debug();
            if word.trim().is_empty() || word.trim() != word || word.chars().count() > MOST_WORD || !is_plain(word) {
                return Err(format!("the option `{shown}` is not one line of 1 to {MOST_WORD} characters"));
            }
            if follows.chars().count() > MOST_FOLLOWS || !is_plain(follows) {
                return Err(format!("what follows from `{shown}` is not one line of up to {MOST_FOLLOWS} characters"));
            }
            if options[..at].iter().any(|other| is_same(&other.word, word)) {
                return Err(format!("`ask` offers `{shown}` twice"));
            }
        }
        let default = default.trim();
        if !default.is_empty() && !options.iter().any(|option| option.word == default) {
            return Err(format!("the default `{}` is none of the options of `ask`", default.escape_debug()));
        }
        Ok(())
    }

    /// The option that a text names, by its word alone or by its number.
    pub fn pick(&self, text: &str) -> Option<&CardOption> {
        pick(&self.options, text)
    }

    /// The option that is taken if nobody answers.
    pub fn default_option(&self) -> Option<&CardOption> {
        let default = self.default.as_ref()?;
        self.options.iter().find(|option| option.word == *default)
    }

    /// The question as it is posted: with its options, and with what becomes of it if nobody answers.
    pub(crate) fn posted(&self, question: &str) -> String {
        let mut text = harmless(question);
        if self.options.is_empty() {
            return text;
        }
        text.push_str("\n\n");
        for (at, option) in self.options.iter().enumerate() {
            let follows = if option.follows.is_empty() { String::new() } else { format!(": {}", option.follows) };
            // Defused as a line of its own, so that nothing of it is more than words.
            let line = harmless(&format!("{}{follows}", option.word)).replace('\n', " ");
            text.push_str(&format!("{}. {}\n", at + 1, line.trim()));
        }
        text.push_str("\nAnswer with one of these words or its number, or in your own words.");
        if let (Some(default), Some(expires)) = (self.default_option(), self.expires) {
            let word = harmless(&default.word).replace('\n', " ");
            text.push_str(&format!(" If nobody does within {}, {} is taken.", span(expires), quoted(word.trim())));
        }
        text
    }
}

/// The option that a text names, by its word alone or by its number. Where a word is a number itself, numbers are only words.
pub(crate) fn pick<'a>(options: &'a [CardOption], text: &str) -> Option<&'a CardOption> {
    let text = without_disguise(text);
    let trimmed = text.trim().trim_matches(|c: char| matches!(c, '`' | '*' | '"' | '\'' | '.' | '!' | ')')).trim();
    if let Some(option) =
        options.iter().find(|option| is_same(&option.word, trimmed) || is_same(&option.word, text.trim()))
    {
        return Some(option);
    }
    if options.iter().any(|option| option.word.parse::<u64>().is_ok()) {
        return None;
    }
    let number: usize = trimmed.parse().ok()?;
    options.get(number.checked_sub(1)?)
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Whether it is one line without anything that a terminal or a page would act on.
fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control) && without_disguise(text) == text
}

pub(super) fn quoted(word: &str) -> String {
    if word.contains('`') { format!("\u{201c}{word}\u{201d}") } else { format!("`{word}`") }
}

/// A span in words: whole days, hours or minutes, or seconds.
pub(super) fn span(time: Duration) -> String {
    let secs = time.as_secs();
    let (number, unit) = match secs {
        _ if secs >= 172_800 && secs.is_multiple_of(86_400) => (secs / 86_400, "day"),
        _ if secs >= 3600 && secs.is_multiple_of(3600) => (secs / 3600, "hour"),
        _ if secs >= 60 && secs.is_multiple_of(60) => (secs / 60, "minute"),
        _ => (secs, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
