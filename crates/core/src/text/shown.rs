//! A stranger's text for a prompt.

use std::ops::Range;

use crate::{Issue, Trust};

use super::{bounded, hidden, markdown};

/// The most characters of one text of a stranger that an agent is shown.
const MOST: usize = 32_000;

/// How often a text is looked through: what was hidden can, once it is shown, change how the rest is read.
const PASSES: usize = 8;

/// What opens and closes the parts of raw HTML that a page never shows.
const UNSEEN: [(&str, &str); 4] = [("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">")];

/// A text with everything in it made visible that a page does not show: hidden characters as `\u{200b}`, HTML comments
/// and definitions of links as `[hidden: ..]`. At most 32,000 characters are left; a note says how many are not.
pub fn shown(text: &str) -> String {
    bounded(text, MOST, |start| {
        let mut text = hidden::escaped(start);
        for _ in 0..PASSES {
            match uncovered(&text) {
                Some(more) => text = more,
                None => break,
            }
        }
        text
    })
}

/// A text with hidden characters in a form that is seen, and nothing else changed.
pub fn without_disguise(text: &str) -> String {
    hidden::escaped(&text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The issue as an agent is shown it: by what its authors may do.
pub(crate) fn shown_issue(issue: &Issue) -> Issue {
    let by = |trust: Trust, text: &str| match trust {
        Trust::Stranger => shown(text),
        Trust::Writer => without_disguise(text),
    };
    let line = |text: &str| without_disguise(text).replace('\n', " ");
    let mut issue = issue.clone();
    issue.title = line(&issue.title);
    issue.body = by(issue.author.trust, &issue.body);
    issue.author.name = line(&issue.author.name);
    for comment in &mut issue.comments {
        let trust = if comment.is_own() { Trust::Writer } else { comment.author.trust };
        comment.body = by(trust, &comment.body);
        comment.author.name = line(&comment.author.name);
    }
    issue
}

fn uncovered(text: &str) -> Option<String> {
    let document = markdown::read(text);
    let mut parts: Vec<(Range<usize>, String)> = Vec::new();
    for html in &document.html {
        parts.extend(unseen(&text[html.range.clone()], html.range.start));
    }
    for note in document.notes {
        let inside = &text[note.clone()];
        parts.push((note.clone(), format!("[hidden: {}]", inside.trim().replace('[', "(").replace(']', ")"))));
    }
    if parts.is_empty() {
        return None;
    }
    parts.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, visible) in parts {
        if range.start >= at {
            out.push_str(&text[at..range.start]);
            out.push_str(&visible);
            at = range.end;
        }
    }
    out.push_str(&text[at..]);
    Some(out)
}

/// The parts of a piece of HTML that show nothing, in their visible form.
fn unseen(html: &str, offset: usize) -> Vec<(Range<usize>, String)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = html[at..].find('<').map(|n| at + n) {
        let rest = &html[found..];
        let Some((open, close)) = UNSEEN.iter().find(|(open, _)| rest.starts_with(open)) else {
            at = found + 1;
            continue;
        };
        let inside = &rest[open.len()..];
        let (length, end) =
            inside.find(close).map_or((inside.len(), rest.trim_end().len()), |n| (n, open.len() + n + close.len()));
        // What it holds opens nothing in its turn.
        let inside = inside[..length].trim().replace("<!", "< !").replace("<?", "< ?");
        parts.push((offset + found..offset + found + end, format!("[hidden: {inside}]")));
        at = found + end;
    }
    parts
}
