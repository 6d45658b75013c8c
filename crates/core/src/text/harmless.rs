//! An agent's text for a page that others read, people and programs.

use std::cmp::Reverse;
use std::ops::Range;

use super::defuse::{Edit, Markers, Style, raw_edits, run_edits};
use super::markdown::{self, Document, Html, Run};
use super::{MOST_CHARS, bounded, hidden};

/// The most characters of a title; GitHub takes 256.
const MOST_TITLE: usize = 250;

/// The elements of HTML that an agent may write: blocks of their own, and within text.
const BLOCKS: [&str; 3] = [FOLD, "summary", "br"];
const INLINE: [&str; 6] = [FOLD, "summary", "br", "kbd", "sub", "sup"];

/// The element that folds a part of a text.
const FOLD: &str = "details";

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
    // A tick that was set may stand before a selector that its character needed.
    bounded(text, MOST_CHARS, |start| hidden::removed(&defused(&hidden::removed(start))))
}

/// The same for a title: one line of plain text, which is never empty.
pub fn harmless_title(text: &str) -> String {
    let line = one_line(&hidden::removed(text));
    let mut keep = MOST_TITLE;
    loop {
        let start: String = line.chars().take(keep).collect();
        let title = hidden::removed(&defused_title(start.trim_end()));
        if title.is_empty() {
            return "(no title)".to_owned();
        }
        let length = title.chars().count();
        if length <= MOST_TITLE {
            return title;
        }
        keep = (keep * MOST_TITLE / length).min(keep.saturating_sub(8));
    }
}

fn defused_title(line: &str) -> String {
    let mut line = line.to_owned();
    for _ in 0..PASSES {
        let style = if line.contains('`') { Style::Plain } else { Style::Code };
        let mut edits = run_edits(&line, &Run::plain(&line, 0), style);
        edits.retain(|edit| !between_ticks(&line, &edit.range));
        edits.extend(raw_edits(&line, Markers::Remove));
        if edits.is_empty() {
            break;
        }
        line = one_line(&apply(&line, edits));
    }
    line
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn between_ticks(line: &str, part: &Range<usize>) -> bool {
    line[..part.start].ends_with('`') && line[part.end..].starts_with('`')
}

fn defused(text: &str) -> String {
    let mut text = text.to_owned();
    for pass in 0..PASSES {
        let document = markdown::read(&text);
        // From the second time on nothing is done that could itself be read in another way than it is meant.
        let found = if pass == 0 {
            edits(&text, &document, Style::Code, Markers::Remove)
        } else {
            edits(&text, &document, Style::Plain, Markers::Show)
        };
        if found.is_empty() {
            return closed(text, &document);
        }
        text = apply(&text, found);
    }
    as_code(&text)
}

fn edits(text: &str, document: &Document, style: Style, markers: Markers) -> Vec<Edit> {
    // A tick that stands alone would pair with ours.
    let lone_tick = document.runs.iter().any(|run| run.text.contains('`'));
    let style = if lone_tick { Style::Plain } else { style };
    let mut edits = raw_edits(text, markers);
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
            let known = tag(&text[at..range.end]).filter(|tag| allowed.iter().any(|name| tag.is(name)));
            let fine = match known {
                Some(Tag { closing: false, name }) => {
                    folded += usize::from(name.eq_ignore_ascii_case(FOLD));
                    true
                }
                Some(tag) if tag.is(FOLD) => {
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

#[derive(Debug, Clone, Copy)]
struct Tag<'a> {
    closing: bool,
    name: &'a str,
}

impl Tag<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The tag that the text begins with, if it has no attributes but `open`.
fn tag(text: &str) -> Option<Tag<'_>> {
    let inside = text.strip_prefix('<')?.split_once('>')?.0;
    let (closing, inside) = inside.strip_prefix('/').map_or((false, inside), |rest| (true, rest));
    let inside = inside.trim_end().trim_end_matches('/').trim_end();
    let name = inside.strip_suffix(" open").unwrap_or(inside);
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(Tag { closing, name })
}

/// The text with what it leaves open closed, so that it swallows nothing behind it.
fn closed(mut text: String, document: &Document) -> String {
    if let Some(fence) = &document.open_fence {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(fence);
    }
    let folds = document.html.iter().flat_map(|html| {
        let part = &text[html.range.clone()];
        part.match_indices('<').filter_map(|(at, _)| tag(&part[at..])).filter(|tag| tag.is(FOLD))
    });
    let (closing, opening): (Vec<_>, Vec<_>) = folds.partition(|tag| tag.closing);
    let open = opening.len().saturating_sub(closing.len());
    if open > 0 {
        text.truncate(text.trim_end().len());
        text.push_str(&"\n\n</details>".repeat(open));
    }
    text
}

/// The whole as code: for a text that changes its meaning with every change.
fn as_code(text: &str) -> String {
    let text = apply(text, raw_edits(text, Markers::Show));
    let ticks = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(ticks.max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end())
}

/// Makes the edits; of two that touch the same place the first and longer one is made, and the next pass sees to the
/// rest.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|e| (e.range.start, Reverse(e.range.end)));
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
