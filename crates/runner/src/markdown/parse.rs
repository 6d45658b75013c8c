//! From the text of a file to an issue.

use std::fmt;
use std::ops::Range;

use dayfly_core::{Author, Comment, Issue, IssueFacts, IssueId, Milestone, TrackerState, Trust};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use toml::Spanned;

use super::text::{self, FENCE};

/// Something in a file that a person must mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) line: usize,
    pub(super) problem: String,
}

impl Flaw {
    fn at(whole: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = whole.get(..offset).unwrap_or(whole);
        Self { line: before.matches('\n').count() + 1, problem: problem.into() }
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) issue: Issue,
    /// The place where the text and the comments begin.
    pub(super) rest: usize,
    /// The line with the id.
    pub(super) id_line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    title: String,
    id: Option<Spanned<Id>>,
    #[serde(default)]
    labels: Vec<String>,
    milestone: Option<String>,
    #[serde(default = "open")]
    state: TrackerState,
    author: Option<String>,
    parent: Option<Spanned<Id>>,
    #[serde(default, rename = "blocked-by")]
    blocked_by: Vec<Spanned<Id>>,
    part: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Milestones {
    #[serde(default)]
    milestone: Vec<RawMilestone>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMilestone {
    title: Spanned<String>,
    due: Option<Spanned<toml::value::Datetime>>,
    #[serde(default = "open")]
    state: TrackerState,
}

fn open() -> TrackerState {
    TrackerState::Open
}

/// An id as people write it: a number or a word.
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a string")
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Id, E> {
                if number < 0 {
                    return Err(E::custom("an id may not be negative"));
                }
                Ok(Id(number.to_string()))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Id, E> {
                Ok(Id(word.to_owned()))
            }
        }
        deserializer.deserialize_any(Reader).map_err(D::Error::custom)
    }
}

/// The bytes of the front matter, without its fences, and the place where the rest begins.
pub(super) fn front_matter(whole: &str) -> Result<(Range<usize>, usize), Flaw> {
    // Some editors put a byte order mark first.
    let start = if whole.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut from = None;
    let mut at = start;
    for line in whole[start..].split_inclusive('\n') {
        let end = at + line.len();
        let is_fence = line.trim_end() == FENCE;
        match from {
            None if is_fence => from = Some(end),
            None => break,
            Some(from) if is_fence => return Ok((from..at, end)),
            Some(_) => {}
        }
        at = end;
    }
    let problem = match from {
        None => {
            "an issue begins with a line `+++`, its title and other keys, and another line `+++`; add them, or move the file elsewhere"
        }
        Some(_) => "the keys at the top do not end; add a line `+++` after the last of them",
    };
    Err(Flaw::at(whole, start, problem))
}

/// Reads an issue; `stem` is the name of its file without the extension.
pub(super) fn issue(whole: &str, stem: &str) -> Result<Parsed, Flaw> {
    let (range, rest) = front_matter(whole)?;
    let front: Front = toml::from_str(&whole[range.clone()]).map_err(|err| {
        let offset = range.start + err.span().map_or(0, |span| span.start);
        Flaw::at(whole, offset, mend(&err, "correct the keys between the two lines `+++`"))
    })?;
    let check = |id: &str, offset: usize| {
        IssueId::new(id).map_err(|err| Flaw::at(whole, offset, format!("{err}; write another")))
    };
    let id_at = range.start + front.id.as_ref().map_or(0, |id| id.span().start);
    let id = match &front.id {
        Some(id) => check(&id.get_ref().0, id_at)?,
        None => check(id_of(stem), id_at)?,
    };
    let parent = front.parent.map(|id| check(&id.get_ref().0, range.start + id.span().start)).transpose()?;
    let mut blocked_by = Vec::with_capacity(front.blocked_by.len());
    for id in &front.blocked_by {
        blocked_by.push(check(&id.get_ref().0, range.start + id.span().start)?.to_string());
    }
    let (body, comments) = texts(whole, rest)?;
    let author = writer(front.author.as_deref().unwrap_or("local"));
    let issue = Issue {
        id,
        title: front.title,
        body,
        labels: front.labels,
        milestone: front.milestone,
        state: front.state,
        author,
        parent,
        comments,
        facts: IssueFacts { key: front.key, part: front.part, blocked_by, ..IssueFacts::default() },
    };
    Ok(Parsed { issue, rest, id_line: Flaw::at(whole, id_at, "").line })
}

/// Reads the milestones of a project.
pub(super) fn milestones(whole: &str) -> Result<Vec<Milestone>, Flaw> {
    let raw: Milestones = toml::from_str(whole).map_err(|err| {
        let offset = err.span().map_or(0, |span| span.start);
        Flaw::at(whole, offset, mend(&err, "correct this entry"))
    })?;
    let mut milestones: Vec<Milestone> = Vec::with_capacity(raw.milestone.len());
    for RawMilestone { title, due, state } in raw.milestone {
        let at = title.span().start;
        let title = title.into_inner();
        if milestones.iter().any(|known| known.title == title) {
            let problem = format!("there is another milestone `{title}` above; give one of them another title");
            return Err(Flaw::at(whole, at, problem));
        }
        let due = match due {
            Some(due) => Some(day(due.get_ref()).ok_or_else(|| {
                Flaw::at(
                    whole,
                    due.span().start,
                    "a milestone is due on a day; write it like 2026-12-01, without a time",
                )
            })?),
            None => None,
        };
        milestones.push(Milestone { title, due, state, counts: None });
    }
    Ok(milestones)
}

fn day(due: &toml::value::Datetime) -> Option<Date> {
    let date = due.date.filter(|_| due.time.is_none() && due.offset.is_none())?;
    let small = |number: u8| i8::try_from(number).ok();
    Date::new(i16::try_from(date.year).ok()?, small(date.month)?, small(date.day)?).ok()
}

fn mend(err: &toml::de::Error, remedy: &str) -> String {
    format!("{}; {remedy}", err.message().trim().replace('\n', " "))
}

fn id_of(stem: &str) -> &str {
    match stem.split_once('-') {
        Some((number, _)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => number,
        _ => stem,
    }
}

fn writer(name: &str) -> Author {
    Author::person(name, Trust::Writer)
}

/// The issue's text and the comments, which begin at byte `from`.
fn texts(whole: &str, from: usize) -> Result<(String, Vec<Comment>), Flaw> {
    let mut body = Vec::new();
    let mut comments: Vec<(Comment, Vec<&str>)> = Vec::new();
    let mut after_heading = false;
    for (at, bare) in text::lines(&whole[from..]) {
        if let Some(rest) = text::heading(bare) {
            let comment = comment(rest).ok_or_else(|| {
                Flaw::at(
                    whole,
                    from + at,
                    "the comment has no author; write `## Comment by NAME`, or put a `\\` before the line",
                )
            })?;
            comments.push((comment, Vec::new()));
            after_heading = true;
        } else {
            match comments.last_mut() {
                Some((comment, _)) if after_heading && text::marker(bare).is_some() => {
                    (comment.key, comment.topic) = text::marker(bare).map_or((None, None), |(k, t)| (Some(k), t));
                }
                Some((_, lines)) => lines.push(bare),
                None => body.push(bare),
            }
            after_heading = false;
        }
    }
    let comments = comments.into_iter().map(|(comment, lines)| Comment { body: text::unescape(&lines), ..comment });
    Ok((text::unescape(&body), comments.collect()))
}

/// Reads what follows `## Comment by `: a name, and a time if it ends with one.
fn comment(rest: &str) -> Option<Comment> {
    let rest = rest.trim();
    let timed = rest.rsplit_once(',').and_then(|(name, at)| Some((name.trim(), at.trim().parse::<Timestamp>().ok()?)));
    let (name, at) = timed.map_or((rest, None), |(name, at)| (name, Some(at)));
    let comment = Comment { author: writer(name), at, ..Comment::default() };
    (!name.is_empty()).then_some(comment)
}
