//! What in a text does something by being read.

use std::ops::Range;

use super::markdown::{MARKUP, Run};

/// The words with which GitHub closes the issue that is named behind them.
const CLOSING: [&str; 9] = ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];

/// Words that keep checks from being run, wherever they stand, in the upper or lower case, and what they become.
const SKIPPING: [(&str, &str); 2] = [("***no_ci***", "(no ci)"), ("skip-checks:", "skip-checks,")];

/// The same between brackets. Services differ in what may stand between the words: a space, a line, nothing.
const SKIPPING_IN_BRACKETS: [&str; 5] = ["skipci", "ciskip", "noci", "skipactions", "actionsskip"];

/// How a call is made none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As code.
    Code,
    /// In other words, where a tick would not do what it should.
    Plain,
}

/// What becomes of markers of dayfly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markers {
    /// They are taken out.
    Remove,
    /// They are shown, and mark nothing any more.
    Show,
}

/// A change of a part of the text.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

impl Edit {
    pub(super) fn new(range: Range<usize>, with: impl Into<String>) -> Self {
        Self { range, with: with.into() }
    }
}

/// What is found in the text as it is written, code or not: markers of dayfly, and what keeps checks from being run.
pub(super) fn raw_edits(text: &str, markers: Markers) -> Vec<Edit> {
    let lower = text.to_ascii_lowercase();
    let mut edits = Vec::new();
    for (word, with) in SKIPPING {
        edits.extend(lower.match_indices(word).map(|(at, _)| Edit::new(at..at + word.len(), with)));
    }
    edits.extend(lower.match_indices('[').filter_map(|(at, _)| skipping(&lower, at)));
    for (at, open) in lower.match_indices("<!--") {
        let inside = lower[at + open.len()..].trim_start();
        if !inside.starts_with("dayfly") {
            continue;
        }
        // A marker ends in its line; what does not is shown, so that it hides nothing.
        let line = lower[at..].split('\n').next().unwrap_or_default();
        match line.find("-->") {
            Some(end) if markers == Markers::Remove && !line[open.len()..end.max(open.len())].contains("<!--") => {
                edits.push(Edit::new(at..at + end + 3, ""));
            }
            _ => edits.push(Edit::new(at..at + 1, "&lt;")),
        }
    }
    edits
}

/// The bracket at that place made round, and the one that closes it, if the words in it keep checks from being run.
fn skipping(lower: &str, at: usize) -> Option<Edit> {
    let between = |c: char| c.is_whitespace() || matches!(c, '-' | '_');
    let inside = &lower[at + 1..];
    let length = inside.find(|c: char| !c.is_ascii_lowercase() && !between(c))?;
    let words: String = inside[..length].chars().filter(|c| !between(*c)).collect();
    let found = inside[length..].starts_with(']') && SKIPPING_IN_BRACKETS.contains(&words.as_str());
    found.then(|| Edit::new(at..at + length + 2, format!("({})", &inside[..length])))
}

/// What is found in the text as it is shown: names that would be called, and references that do something.
pub(super) fn run_edits(source: &str, run: &Run, style: Style) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(found) = run.text[at..].find(['@', '#', ':', '-']).map(|n| at + n) {
        let call = match run.text.as_bytes()[found] {
            b'@' => name(&run.text, found),
            _ => reference(&run.text, found),
        };
        let Some((part, kind)) = call else {
            at = found + 1;
            continue;
        };
        at = part.end;
        let shown = &run.text[part.clone()];
        let place = run.source(part);
        let style = if may_be_code(source, &place) { style } else { Style::Plain };
        edits.push(Edit::new(place, defused(shown, kind, style)));
    }
    edits
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// `@name`, or `@organisation/team`.
    Name,
    /// An `@` within an address.
    InAddress,
    /// `#12`, `GH-12`, `owner/name#12` or an address.
    Reference,
}

fn defused(shown: &str, kind: Call, style: Style) -> String {
    match (kind, style) {
        (Call::InAddress, _) => shown.replace('@', "%40"),
        (_, Style::Code) => format!("`{shown}`"),
        (Call::Name, Style::Plain) => shown.replace('@', "(at)"),
        (Call::Reference, Style::Plain) if shown.contains("://") => shown.replace("://", ": //"),
        (Call::Reference, Style::Plain) => {
            let apart = shown.replace('#', " no. ");
            apart.replace("GH-", "GH ").replace("gh-", "gh ").trim_start().to_owned()
        }
    }
}

/// Whether ticks around the place would make it code.
fn may_be_code(source: &str, place: &Range<usize>) -> bool {
    let before = source[..place.start].chars().next_back();
    let after = source[place.end..].chars().next();
    !matches!(before, Some('`' | '\\')) && after != Some('`')
}

/// The name behind the `@` at that place, if GitHub would call it.
fn name(text: &str, at: usize) -> Option<(Range<usize>, Call)> {
    let before = &text[..at];
    if before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let rest = &text[at + 1..];
    if !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let token = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '<' | MARKUP)).next().unwrap_or_default();
    if token.contains("://") || token.contains("www.") {
        return Some((at..at + 1, Call::InAddress));
    }
    let length = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
    Some((at..at + 1 + length, Call::Name))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')
}

/// The reference of which the sign at that place is a part, if it does something: it stands behind a closing word, or
/// leads to another repository.
fn reference(text: &str, sign: usize) -> Option<(Range<usize>, Call)> {
    let digits = |from: usize| {
        let count = text[from..].bytes().take_while(u8::is_ascii_digit).count();
        (count > 0).then_some(from + count)
    };
    let (start, end, other) = match text.as_bytes()[sign] {
        b'#' => {
            let end = digits(sign + 1)?;
            let repository = repository(&text[..sign]);
            (sign - repository, end, repository > 0)
        }
        b'-' => {
            let start =
                sign.checked_sub(2).filter(|s| text.get(*s..sign).is_some_and(|p| p.eq_ignore_ascii_case("gh")))?;
            (start, digits(sign + 1)?, false)
        }
        _ => {
            let scheme = ["https", "http"].iter().find(|s| text[..sign].to_ascii_lowercase().ends_with(*s))?;
            let address = text[sign..].split(|c: char| c.is_whitespace() || c == MARKUP).next().unwrap_or_default();
            let is_item = ["/issues/", "/pull/", "/pulls/"].iter().any(|part| address.contains(part));
            (address.starts_with("://") && is_item).then_some((sign - scheme.len(), sign + address.len(), false))?
        }
    };
    (other || closes(&text[..start])).then_some((start..end, Call::Reference))
}

/// The length of the `owner/name` that the text ends with.
fn repository(text: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = text.len() - text.trim_end_matches(part).len();
    let Some(owner) = text[..text.len() - name].strip_suffix('/') else { return 0 };
    let owner = owner.len() - owner.trim_end_matches(part).len();
    if name == 0 || owner == 0 { 0 } else { owner + 1 + name }
}

/// Whether the last word of the text closes what comes behind it.
fn closes(text: &str) -> bool {
    let before = text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '`');
    let between = text.len() - before.len();
    let word = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    (1..=24).contains(&between) && CLOSING.iter().any(|closing| closing.eq_ignore_ascii_case(word))
}
