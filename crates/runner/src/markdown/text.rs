//! The marks in a file, and the bytes of what is written to it.

use std::ops::Range;

use dayfly_core::{IssueId, NewIssue};
use jiff::Timestamp;
use toml_edit::Document;

use super::labels;
use super::parse::{Flaw, front_matter};

/// Stands before and after the front matter.
pub(super) const FENCE: &str = "+++";
const HEADING: &str = "## Comment by ";
const MARKER: &str = "<!-- dayfly:";
const MARKER_END: &str = "-->";
/// Stands between the key and the topic of a comment that is the only one about it.
const ABOUT: &str = " about ";
/// The longest slug in a file's name, in characters: four bytes each still make a name that every system takes.
const SLUG: usize = 50;

/// The lines of a text without their ends, each with its place. A carriage return ends a line too, as in Markdown:
/// a line that held one would be two once its text is written elsewhere.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let end = if rest[length..].starts_with("\r\n") { 2 } else { 1 };
        let line = (at, &rest[..length]);
        at += length + end;
        Some(line)
    })
}

/// What follows the mark of a comment's first line, if `line` is one.
pub(super) fn heading(line: &str) -> Option<&str> {
    line.strip_prefix(HEADING).or_else(|| (line == HEADING.trim_end()).then_some(""))
}

/// The key in a marker, if `line` is one, and what the comment is the only one about, if it is.
pub(super) fn marker(line: &str) -> Option<(String, Option<String>)> {
    let inside = line.strip_prefix(MARKER)?.trim_end().strip_suffix(MARKER_END)?.trim();
    // Neither a key nor a topic holds a space once it is encoded.
    Some(match inside.split_once(ABOUT) {
        Some((key, topic)) => (decode(key.trim()), Some(decode(topic.trim()))),
        None => (decode(inside), None),
    })
}

/// Writes a key so that it keeps to one line of a comment in HTML.
fn encode(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for c in key.chars() {
        if c.is_control() || c.is_whitespace() || matches!(c, '%' | '>') {
            let mut bytes = [0; 4];
            text.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        } else {
            text.push(c);
        }
    }
    text
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let hex = more.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Whether a line of somebody's text would be read as one of our marks, or as an escaped one.
fn is_mark(line: &str) -> bool {
    let line = line.trim_start_matches('\\');
    line.starts_with(HEADING.trim_end()) || line.starts_with(MARKER)
}

/// The lines of a text as they are written, each mark in it escaped.
fn escape(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let lines = trim(&lines).iter().map(|line| if is_mark(line) { format!("\\{line}") } else { (*line).to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text that `lines` were written for.
pub(super) fn unescape(lines: &[&str]) -> String {
    let plain = |line: &&str| match line.strip_prefix('\\') {
        Some(rest) if is_mark(rest) => rest.to_owned(),
        _ => (*line).to_owned(),
    };
    trim(lines).iter().map(plain).collect::<Vec<_>>().join("\n")
}

/// Takes the blank lines at both ends away.
fn trim<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let has_text = |line: &&str| !line.trim().is_empty();
    match (lines.iter().position(has_text), lines.iter().rposition(has_text)) {
        (Some(first), Some(last)) => &lines[first..=last],
        _ => &[],
    }
}

/// A comment as it is appended to a file.
pub(super) fn comment(author: &str, at: Timestamp, key: Option<&str>, body: &str) -> String {
    marked(author, at, key.map(encode), body)
}

/// A comment that is the only one about a topic.
pub(super) fn sticky(author: &str, at: Timestamp, (key, topic): (&str, &str), body: &str) -> String {
    marked(author, at, Some(format!("{}{ABOUT}{}", encode(key), encode(topic))), body)
}

fn marked(author: &str, at: Timestamp, mark: Option<String>, body: &str) -> String {
    let mut text = format!("{HEADING}{}, {}\n", name(author), at.strftime("%Y-%m-%dT%H:%M:%SZ"));
    if let Some(mark) = mark {
        text.push_str(&format!("{MARKER} {mark} {MARKER_END}\n"));
    }
    let body = escape(body);
    if !body.is_empty() {
        text.push_str(&format!("\n{body}\n"));
    }
    text
}

/// A name on one line; nobody is nameless.
fn name(author: &str) -> String {
    let words: Vec<&str> =
        author.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect();
    if words.is_empty() { "local".to_owned() } else { words.join(" ") }
}

/// A text as it is read back: without the blank lines around it.
pub(super) fn kept(body: &str) -> String {
    unescape(&escape(body).split('\n').collect::<Vec<_>>())
}

/// The file of a new issue; `after` are the issues that block it.
pub(super) fn file(id: &IssueId, new: &NewIssue, author: &str, key: Option<&str>, after: &[IssueId]) -> String {
    let mut text = format!("{FENCE}\nid = {}\ntitle = {}\n", id_value(id), basic(&new.title));
    let labels: Vec<String> = new.labels.iter().map(|label| basic(label)).collect();
    text.push_str(&format!("labels = [{}]\n", labels.join(", ")));
    if let Some(milestone) = &new.milestone {
        text.push_str(&format!("milestone = {}\n", basic(milestone)));
    }
    text.push_str(&format!("state = \"open\"\nauthor = {}\n", basic(&name(author))));
    if let Some(parent) = &new.parent {
        text.push_str(&format!("parent = {}\n", id_value(parent)));
    }
    if !after.is_empty() {
        let after: Vec<String> = after.iter().map(id_value).collect();
        text.push_str(&format!("blocked-by = [{}]\n", after.join(", ")));
    }
    if let Some(part) = &new.part {
        text.push_str(&format!("part = {}\n", basic(part)));
    }
    if let Some(key) = key {
        text.push_str(&format!("key = {}\n", basic(key)));
    }
    text.push_str(&format!("{FENCE}\n"));
    let body = escape(&new.body);
    if !body.is_empty() {
        text.push_str(&format!("\n{body}\n"));
    }
    text
}

fn id_value(id: &IssueId) -> String {
    match id.as_str().parse::<i64>() {
        Ok(number) if number.to_string() == id.as_str() => number.to_string(),
        _ => basic(id.as_str()),
    }
}

/// A TOML string on one line, so that no line of it can end the front matter.
pub(super) fn basic(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The words of a title in a file's name, in the letters of their language.
pub(super) fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").chars().take(SLUG).collect();
    slug.trim_end_matches('-').to_owned()
}

/// `whole` with a comment at its end, in the line endings of the file.
pub(super) fn with_comment(whole: &str, comment: &str) -> String {
    let eol = line_ending(whole);
    let mut text = whole.to_owned();
    if !text.ends_with('\n') {
        text.push_str(eol);
    }
    if !text.ends_with("\n\n") && !text.ends_with("\n\r\n") {
        text.push_str(eol);
    }
    text.push_str(&comment.replace('\n', eol));
    text
}

/// `whole` with the comment of that number replaced, in the line endings of the file.
pub(super) fn with_comment_at(whole: &str, from: usize, number: usize, comment: &str) -> String {
    let headings = lines(&whole[from..]).filter(|(_, line)| heading(line).is_some());
    let starts: Vec<usize> = headings.map(|(at, _)| from + at).collect();
    let Some(&start) = starts.get(number) else { return with_comment(whole, comment) };
    let eol = line_ending(whole);
    let mut comment = comment.replace('\n', eol);
    let rest = starts.get(number + 1).map_or("", |&next| &whole[next..]);
    if !rest.is_empty() {
        comment.push_str(eol);
    }
    format!("{}{comment}{rest}", &whole[..start])
}

/// `whole` with the milestone changed or taken away.
pub(super) fn with_milestone(whole: &str, title: Option<&str>) -> Result<String, Flaw> {
    match title {
        Some(title) => with_value(whole, "milestone", |_| basic(title)),
        None => without_value(whole, "milestone"),
    }
}

/// `whole` with more issues that block it, none of which it names yet.
pub(super) fn with_blockers(whole: &str, by: &[IssueId]) -> Result<String, Flaw> {
    let by: Vec<String> = by.iter().map(id_value).collect();
    with_value(whole, "blocked-by", |old| labels::with_values(old, &by))
}

/// `whole` with the state changed.
pub(super) fn with_state(whole: &str, state: &str) -> Result<String, Flaw> {
    with_value(whole, "state", |_| basic(state))
}

/// `whole` with labels changed: without `remove`, with `add`, none of which the issue carries yet.
pub(super) fn with_labels(whole: &str, add: &[String], remove: &[String]) -> Result<String, Flaw> {
    with_value(whole, "labels", |old| labels::changed(old, add, remove))
}

/// Changes the bytes of one value in the front matter, or adds a line if the key is not there. `change`
/// gets the old value as it is written, or nothing.
fn with_value(whole: &str, key: &str, change: impl FnOnce(&str) -> String) -> Result<String, Flaw> {
    let (front, _) = front_matter(whole)?;
    let span = Document::parse(&whole[front.clone()])
        .ok()
        .and_then(|document| document.as_table().get(key).and_then(toml_edit::Item::span));
    let (place, new): (Range<usize>, String) = match span {
        Some(span) => {
            let place = front.start + span.start..front.start + span.end;
            (place.clone(), change(&whole[place]))
        }
        None => (front.end..front.end, format!("{key} = {}{}", change(""), line_ending(whole))),
    };
    Ok(format!("{}{new}{}", &whole[..place.start], &whole[place.end..]))
}

/// Takes a key with its line away.
fn without_value(whole: &str, key: &str) -> Result<String, Flaw> {
    let (front, _) = front_matter(whole)?;
    let document = Document::parse(&whole[front.clone()]).ok();
    let found = document.as_ref().and_then(|document| document.as_table().get_key_value(key));
    let Some((Some(from), Some(to))) = found.map(|(name, item)| (name.span(), item.span())) else {
        return Ok(whole.to_owned());
    };
    let (from, to) = (front.start + from.start, front.start + to.end);
    let from = whole[..from].rfind('\n').map_or(0, |at| at + 1);
    let to = whole[to..].find('\n').map_or(whole.len(), |at| to + at + 1);
    Ok(format!("{}{}", &whole[..from], &whole[to..]))
}

pub(super) fn line_ending(whole: &str) -> &'static str {
    match whole.find('\n') {
        Some(at) if whole[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
