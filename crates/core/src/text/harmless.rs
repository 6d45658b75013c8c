//! An agent's text for a page that others read, people and programs.

use std::ops::Range;

use super::defuse::{Edit, Style, raw_edits, run_edits};
use super::markdown::{self, Document, Html, Run};
use super::{MOST_CHARS, bounded, hidden};

/// The most characters of a title; GitHub takes 256.
const MOST_TITLE: usize = 240;

/// The elements of HTML that an agent may write: blocks of their own, and within text.
const BLOCKS: [&str; 3] = ["details", "summary", "br"];
const INLINE: [&str; 6] = ["details", "summary", "br", "kbd", "sub", "sup"];

/// How often a text is changed before all of it is shown as code.
const PASSES: usize = 6;

/// A text, in Markdown, that calls, closes and commands nothing where it is posted.
///
/// Names behind an `@` and references that close issues or lead to other repositories become code, which GitHub
/// leaves alone; so do they in titles. Commands at the start of a line, words such as `[skip ci]` and all HTML but folded
/// parts lose their meaning and stay readable. Markers of dayfly and hidden characters are taken out. What would swallow
/// the text behind it is closed. At most 64,000 characters are left, and a note says how many are not.
///
/// Code stays as it is, but for markers and words such as `[skip ci]`: those are found in it too.
pub fn harmless(text: &str) -> String {
    bounded(text, MOST_CHARS, |start| defused(&hidden::removed(start)))
}

/// The same for a title: one line of plain text.
pub fn harmless_title(text: &str) -> String {
    let words: Vec<String> = hidden::removed(text).split_whitespace().map(str::to_owned).collect();
    let line: String = words.join(" ").chars().take(MOST_TITLE / 2).collect();
    let mut line = line.trim_end().to_owned();
    for style in [Style::Code, Style::Plain, Style::Plain] {
        let style = if line.contains('`') { Style::Plain } else { style };
        let mut edits = raw_edits(&line);
        // What already is code in the title is no call, but nobody knows where it is shown as plain text.
        edits.extend(run_edits(&line, &Run::plain(&line, 0), style));
        if edits.is_empty() {
            break;
        }
        line = apply(&line, edits);
    }
    line
}

fn defused(text: &str) -> String {
    let mut text = text.to_owned();
    for pass in 0..PASSES {
        let document = markdown::read(&text);
        let edits = edits(&text, &document, if pass == 0 { Style::Code } else { Style::Plain });
        if edits.is_empty() {
            return closed(text, &document);
        }
        text = apply(&text, edits);
    }
    as_code(&text)
}

fn edits(text: &str, document: &Document, style: Style) -> Vec<Edit> {
    // A tick that stands alone would pair with ours.
    let ticks = document.runs.iter().any(|run| run.text.contains('`')) || !document.html.is_empty();
    let style = if ticks { Style::Plain } else { style };
    let mut edits = raw_edits(text);
    edits.extend(commands(text, &document.code));
    edits.extend(tags(text, &document.html));
    for run in &document.runs {
        edits.extend(run_edits(text, run, style));
    }
    for Html { range, .. } in document.html.iter().filter(|html| !html.inline) {
        edits.extend(run_edits(text, &Run::plain(&text[range.clone()], range.start), Style::Plain));
    }
    edits
}

/// Commands to other programs: a word behind a `/` at the start of a line.
fn commands(text: &str, code: &[Range<usize>]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let Some(word) = line.trim_start().strip_prefix('/') else { continue };
        let word =
            word.split_whitespace().next().filter(|_| !word.starts_with(char::is_whitespace)).unwrap_or_default();
        let is_command = word.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.contains('/');
        if is_command && !code.iter().any(|c| c.contains(&start)) {
            edits.push(Edit::new(start..start, "\\"));
        }
    }
    edits
}

/// HTML that is shown as it is written, but for what folds a part of the text.
fn tags(text: &str, html: &[Html]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut folded = 0_usize;
    for Html { range, inline } in html {
        let allowed: &[&str] = if *inline { &INLINE } else { &BLOCKS };
        for (at, _) in text[range.clone()].match_indices('<') {
            let at = range.start + at;
            let name = tag(&text[at..range.end]);
            let known =
                name.filter(|name| allowed.iter().any(|a| a.eq_ignore_ascii_case(name.trim_start_matches('/'))));
            let fine = match known.map(str::to_ascii_lowercase).as_deref() {
                Some("details") => {
                    folded += 1;
                    true
                }
                Some("/details") => {
                    let open = folded > 0;
                    folded = folded.saturating_sub(1);
                    open
                }
                known => known.is_some(),
            };
            if !fine {
                edits.push(Edit::new(at..at + 1, "&lt;"));
            }
        }
    }
    edits
}

/// The name in a tag without attributes, but for `open`.
fn tag(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('<')?.split_once('>')?.0.trim_end().trim_end_matches('/').trim_end();
    let name = inside.strip_suffix(" open").unwrap_or(inside);
    name.trim_start_matches('/').bytes().all(|b| b.is_ascii_alphanumeric()).then_some(name)
}

/// The text with what it leaves open closed, so that it swallows nothing behind it.
fn closed(mut text: String, document: &Document) -> String {
    if let Some(fence) = &document.open_fence {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(fence);
    }
    let count = |name: &str| {
        let tags = document.html.iter().flat_map(|html| {
            let part = &text[html.range.clone()];
            part.match_indices('<').filter_map(move |(at, _)| tag(&part[at..]))
        });
        tags.filter(|tag| tag.eq_ignore_ascii_case(name)).count()
    };
    let open = count("details").saturating_sub(count("/details"));
    if open > 0 {
        text.truncate(text.trim_end().len());
        text.push_str(&"\n\n</details>".repeat(open));
    }
    text
}

/// The whole as code: for a text that changes its meaning with every change.
fn as_code(text: &str) -> String {
    let mut longest = 2;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let text = apply(text, raw_edits(text));
    format!("{fence}\n{}\n{fence}", text.trim_end())
}

/// Makes the edits; of two that touch the same place the first in the text is made, and the next pass sees to the rest.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|e| (e.range.start, e.range.end));
    let (mut out, mut at) = (String::with_capacity(text.len() + edits.len()), 0);
    for Edit { range, with } in edits {
        if range.start < at {
            continue;
        }
        out.push_str(&text[at..range.start]);
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}
