//! Where in a vendor's sentence the time stands.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::epoch;
use super::moment::{Moment, moment};
use super::span::{SECOND, decimal, nanoseconds, span, stopwatch, times};
use super::token::{Cursor, listed, tokens};

/// The words behind which a vendor says when something comes back.
const SIGNS: [&str; 22] = [
    "reset",
    "resets",
    "resetting",
    "retry",
    "retries",
    "retrying",
    "wait",
    "regain",
    "renew",
    "renews",
    "refresh",
    "refreshes",
    "replenish",
    "replenishes",
    "restored",
    "resume",
    "resumes",
    "unlocks",
    "cooldown",
    "available",
    "back",
    "until",
];
/// Of these, the ones behind which a bare length is a wait: `resets 45m`, but not `available 24 hours`.
const WAITS: [&str; 5] = ["resets", "retrying", "retry", "wait", "cooldown"];
/// Behind these, what follows was waited already: `total retry wait time: 16.2 seconds`.
const SPENT: [&str; 4] = ["total", "retry", "previous", "last"];
/// What may stand between such a word and the time.
const FILLERS: [&str; 47] = [
    "about",
    "access",
    "after",
    "again",
    "approximately",
    "around",
    "at",
    "automatically",
    "be",
    "been",
    "by",
    "credits",
    "date",
    "delay",
    "for",
    "from",
    "in",
    "is",
    "it",
    "less",
    "limit",
    "limits",
    "next",
    "on",
    "once",
    "only",
    "quota",
    "request",
    "requests",
    "roughly",
    "stamp",
    "than",
    "the",
    "their",
    "this",
    "til",
    "till",
    "time",
    "times",
    "timestamp",
    "to",
    "under",
    "until",
    "usage",
    "will",
    "window",
    "your",
];
/// The units that keys name.
const UNITS: [&str; 8] = ["ms", "millis", "s", "sec", "secs", "seconds", "minutes", "hours"];
const MARKS: [char; 20] =
    [':', '=', '"', '\'', '\\', '(', '[', '{', '~', '≈', '·', '∙', '•', '|', ',', '>', '-', '–', '—', '_'];
/// More words than this between are another thought.
const BETWEEN: usize = 10;

/// When, as it was said.
#[derive(Debug)]
enum When<'a> {
    Epoch(Timestamp),
    Span(Duration),
    Moment(Moment<'a>),
}

/// The time that the first sign of the text leads to.
pub(super) fn read(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let tokens = tokens(text);
    let start = Cursor::new(text, &tokens);
    let spent = |at: usize| at > 0 && start.past(at - 1).peek_word().is_some_and(|word| listed(word, &SPENT));
    let mut signs = (0..tokens.len()).filter(|at| !spent(*at));
    let when = signs.find_map(|at| signed(start.past(at))).or_else(|| alone(start))?;
    match when {
        When::Epoch(time) => Some(time),
        When::Span(span) => now.checked_add(span).ok(),
        When::Moment(moment) => moment.resolve(now, zone),
    }
}

/// What stands between the sign and the time tells how to read it.
#[derive(Debug, Default)]
struct Way<'a> {
    /// The last word passed.
    last: &'a str,
    /// A length of time may follow.
    length: bool,
    /// A value follows, as in `key: value`.
    value: bool,
    /// The unit that a key names, as in `resets_in_seconds`, in nanoseconds.
    unit: Option<u64>,
}

/// The time behind a sign, if the tokens begin with one.
fn signed<'a>(mut c: Cursor<'a, '_>) -> Option<When<'a>> {
    if let Some(epoch) = c.attempt(old_notice) {
        return Some(When::Epoch(epoch));
    }
    let (last, length) = match c.word(&["try", "trying"]) {
        Some(_) => (c.word(&["again"])?, true),
        None => c.word(&SIGNS).map(|sign| (sign, listed(sign, &WAITS)))?,
    };
    let mut way = Way { last, length, ..Way::default() };
    for _ in 0..=BETWEEN {
        let found = if way.length { c.attempt(wait) } else { None };
        if let Some(when) = found.or_else(|| point(&mut c, &way)) {
            return Some(when);
        }
        pass(&mut c, &mut way)?;
    }
    None
}

/// `usage limit reached|1755615600`, with nothing around the bar.
fn old_notice(c: &mut Cursor<'_, '_>) -> Option<Timestamp> {
    c.word(&["reached"])?;
    c.glued_mark(&['|'])?;
    c.is_glued().then(|| since_1970(c)).flatten()
}

fn wait<'a>(c: &mut Cursor<'a, '_>) -> Option<When<'a>> {
    span(c).or_else(|| stopwatch(c)).map(When::Span)
}

/// A point in time, or a plain number where the key says what it counts.
fn point<'a>(c: &mut Cursor<'a, '_>, way: &Way<'_>) -> Option<When<'a>> {
    if let Some(epoch) = c.attempt(since_1970) {
        return Some(When::Epoch(epoch));
    }
    // What stands behind *in* is a length, or nothing that is known.
    let relative = listed(way.last, &["in"]);
    let found = if relative { None } else { moment(c) };
    if let Some(moment) = found {
        return Some(When::Moment(moment));
    }
    let seconds = listed(way.last, &["after"]).then_some(SECOND);
    let unit = way.unit.or(seconds).filter(|_| way.value)?;
    c.attempt(|c| plain(c, unit)).map(When::Span)
}

/// A number that stands alone.
fn plain(c: &mut Cursor<'_, '_>, unit: u64) -> Option<Duration> {
    let (whole, fraction) = decimal(c)?;
    let mut rest = *c;
    let ends = !c.is_glued() || rest.mark(&[',', '.', ';', '"', '\'', '\\', '}', ']', ')']).is_some();
    (ends && c.peek_word().is_none()).then(|| times(whole, fraction, unit)).flatten()
}

fn since_1970(c: &mut Cursor<'_, '_>) -> Option<Timestamp> {
    let (whole, fraction) = decimal(c)?;
    if c.runs_on() || !matches!(whole.len(), 10 | 13) {
        return None;
    }
    epoch(format!("{whole}.{fraction}0").parse().ok()?)
}

/// One word or mark on the way.
fn pass<'a>(c: &mut Cursor<'a, '_>, way: &mut Way<'a>) -> Option<()> {
    if let Some(mark) = c.mark(&MARKS) {
        way.value |= matches!(mark, ':' | '=');
        way.length |= way.value;
        // Before a number it is a sign, and nothing comes back in the past.
        return (mark != '-' || !c.runs_on_with_digits()).then_some(());
    }
    if let Some(word) = c.word(&UNITS) {
        way.unit = nanoseconds(word);
        return Some(());
    }
    way.last = c.word(&FILLERS)?;
    way.length |= listed(way.last, &["in", "after"]);
    Some(())
}

/// A text that is nothing but a time, as headers and fields hold it.
fn alone<'a>(mut c: Cursor<'a, '_>) -> Option<When<'a>> {
    c.word(&["in", "at", "on", "after", "until"]);
    let when = c.attempt(wait).or_else(|| point(&mut c, &Way::default()))?;
    while c.mark(&['.', ')', '"', '\'', '!']).is_some() {}
    c.is_at_end().then_some(when)
}
