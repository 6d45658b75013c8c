//! What is typed into a session: the prompt, made safe for a terminal, and how its end is to be told.

use std::hash::{BuildHasher as _, Hasher as _};

use camino::Utf8Path;
use dayfly_core::{Attempt, SessionDone};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::subprocess::proposal_path;

use super::awake::Awake;
use super::done::done_file;

/// The form of the file in which this is kept.
const VERSION: u32 = 1;

/// What an attempt was asked in a session, kept in its folder so that a later engine can follow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) version: u32,
    /// For people: a clock that somebody can set measures no limit.
    pub(super) started: Timestamp,
    /// The same moment by the clock that measures limits; none if an older version asked.
    #[serde(default)]
    pub(super) awake: Option<Awake>,
    /// How the end is told.
    pub(super) done: SessionDone,
    /// The first half of both markers.
    first: String,
    /// The second half of the one that says that it is done.
    good: String,
    /// The second half of the one that says that it cannot be done.
    bad: String,
}

impl Asked {
    /// With markers that nobody can know before.
    pub(super) fn new(done: SessionDone, started: Timestamp) -> Self {
        let (first, good, bad) = (format!("dayfly{}", random()), random(), random());
        Self { version: VERSION, started, awake: Some(Awake::now()), done, first, good, bad }
    }

    /// As it was kept; `None` if it cannot be read, or has a newer form.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|asked: &Self| asked.version == VERSION)
    }

    /// The marker that says that it is done.
    pub(super) fn marker(&self) -> String {
        format!("{}{}", self.first, self.good)
    }

    /// The marker that says that it cannot be done.
    pub(super) fn failure(&self) -> String {
        format!("{}{}", self.first, self.bad)
    }

    /// The whole text that is typed.
    pub(super) fn text(&self, attempt: &Attempt, dir: &Utf8Path) -> String {
        let mut text = clean(&attempt.job.prompt);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut line = |words: String| text.push_str(&format!("[dayfly] {}\n", clean(&words).replace('\n', " ")));
        line(format!("This was attempt {}. What was said before it in this session is another matter.", attempt.id));
        line(format!("Work in this folder alone: {}", attempt.cwd));
        line(format!("Where the text speaks of DAYFLY_PROPOSAL, it is this file: {}", proposal_path(dir)));
        let Self { first, good, bad, .. } = self;
        match self.done {
            SessionDone::Marker => {
                line(format!("If it cannot be done, say why; then print these two as one word: {first} and {bad}"));
                line(format!("When all is done, and not before, print these two as one word: {first} and {good}"));
            }
            SessionDone::File => {
                let file = done_file(dir);
                line(format!("If it cannot be done, write `failed` and a reason into this file: {file}"));
                line(format!("When all is done, and not before, write `succeeded` into this file: {file}"));
            }
            SessionDone::Hook => line("That is all.".to_owned()),
        }
        // The key that hands it in follows; without a line end before it no program takes half of it for all.
        text.truncate(text.trim_end().len());
        text
    }
}

/// The text as it can be pasted into a terminal: every line end is a line feed, a tab is four spaces, and all other
/// control characters are left out. One of them would end the paste, and what follows would be keys.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' => clean.push('\n'),
            '\t' => clean.push_str("    "),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}

/// Eight characters that nobody can guess; each of these states is seeded by the system's randomness.
pub(super) fn random() -> String {
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:08x}", random >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_holds_no_control_but_line_ends() {
        let text = "a\u{1b}[201~b\r\nc\rd\te\u{3}\u{4}\u{7f}\u{9b}2Jf\u{0}é";
        assert_eq!(clean(text), "a[201~b\nc\nd    e2Jfé");
    }

    #[test]
    fn markers_differ_from_attempt_to_attempt_and_from_each_other() {
        let asked = || Asked::new(SessionDone::Marker, Timestamp::UNIX_EPOCH);
        let (one, other) = (asked(), asked());
        assert_ne!(one.marker(), other.marker());
        assert_ne!(one.marker(), one.failure());
        let kept = serde_json::to_string(&one).unwrap();
        assert_eq!(Asked::read(&kept), Some(one.clone()));
        assert!(one.awake.is_some());
        let mut older: serde_json::Value = serde_json::from_str(&kept).unwrap();
        older.as_object_mut().unwrap().remove("awake");
        assert_eq!(Asked::read(&older.to_string()), Some(Asked { awake: None, ..one }));
        assert_eq!(Asked::read(&kept.replace("\"version\":1", "\"version\":2")), None);
    }
}
