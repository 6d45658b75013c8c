//! Which zone a vendor means.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::token::{Cursor, listed};

/// Hours from UTC of the abbreviations that mean one thing only, or are North American, as vendors write them.
const HOURS: [(&str, i8); 24] = [
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("akst", -9),
    ("akdt", -8),
    ("hst", -10),
    ("wet", 0),
    ("west", 1),
    ("cet", 1),
    ("cest", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
    ("jst", 9),
    ("kst", 9),
    ("aest", 10),
    ("aedt", 11),
    ("nzst", 12),
    ("nzdt", 13),
];

/// Names of places of a zone that knows its own summer time.
const WALL: [(&str, &str); 8] = [
    ("et", "America/New_York"),
    ("eastern", "America/New_York"),
    ("ct", "America/Chicago"),
    ("central", "America/Chicago"),
    ("mt", "America/Denver"),
    ("mountain", "America/Denver"),
    ("pt", "America/Los_Angeles"),
    ("pacific", "America/Los_Angeles"),
];

/// What a vendor says about the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone<'a> {
    /// That of the machine where the text was printed.
    Local,
    /// This name, abbreviation or offset.
    Named(&'a str),
}

/// A zone behind a time, in brackets or without.
pub(super) fn zone<'a>(cursor: &mut Cursor<'a, '_>) -> Option<Zone<'a>> {
    cursor.attempt(bracketed).or_else(|| cursor.attempt(bare))
}

fn bracketed<'a>(c: &mut Cursor<'a, '_>) -> Option<Zone<'a>> {
    let close = if c.mark(&['(', '['])? == '(' { ')' } else { ']' };
    let inside = c.raw(|x| x != close)?.trim();
    c.mark(&[close])?;
    let name = without_time(inside);
    if listed(name, &["local", "your"]) {
        return Some(Zone::Local);
    }
    let first = name.chars().next()?;
    let zonish = first.is_uppercase() || matches!(first, '+' | '-') || name.contains('/');
    (zonish && name.chars().all(in_name) && !name.contains("//")).then_some(Zone::Named(name))
}

fn bare<'a>(c: &mut Cursor<'a, '_>) -> Option<Zone<'a>> {
    let glued = c.is_glued();
    let name = c.raw(in_name)?.trim_end_matches(['/', '_', '+', '-', ':']);
    let utc = listed(name.get(..3).unwrap_or(""), &["utc", "gmt"]) && !name[3..].starts_with(char::is_alphabetic);
    let caps = name.chars().all(|x| x.is_ascii_uppercase());
    let abbreviation = caps && (known(name) || (3..=4).contains(&name.len()) && name.ends_with('T'));
    let place = name.starts_with(char::is_uppercase) && name.contains('/') && !name.contains(':');
    let word = listed(name, &["pacific", "eastern", "central", "mountain"]);
    let zulu = glued && listed(name, &["z"]);
    if !(utc || abbreviation || place || word || zulu) {
        return None;
    }
    c.word(&["time"]);
    Some(Zone::Named(name))
}

/// An offset right behind a full date and time, `+02:00`.
pub(super) fn offset_suffix<'a>(cursor: &mut Cursor<'a, '_>) -> Option<Zone<'a>> {
    cursor.attempt(|c| {
        let text = c.raw(|x| x.is_ascii_digit() || matches!(x, '+' | '-' | ':'))?;
        offset(text).map(|_| Zone::Named(text))
    })
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':')
}

fn known(name: &str) -> bool {
    HOURS.iter().any(|(abbreviation, _)| abbreviation.eq_ignore_ascii_case(name))
        || WALL.iter().any(|(word, _)| word.eq_ignore_ascii_case(name))
}

fn without_time(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((zone, word)) if listed(word, &["time", "timezone"]) => zone.trim_end(),
        _ => name,
    }
}

impl Zone<'_> {
    /// The rules of the zone; none for a name that is not known, since a guess would be a wrong time.
    pub(super) fn rules(self, now: Timestamp, local: &TimeZone) -> Option<TimeZone> {
        let Zone::Named(name) = self else { return Some(local.clone()) };
        if is_local(name, now, local) {
            return Some(local.clone());
        }
        let lower = name.to_ascii_lowercase();
        if matches!(lower.as_str(), "utc" | "gmt" | "z" | "zulu") {
            return Some(TimeZone::UTC);
        }
        if let Some((_, hours)) = HOURS.iter().find(|(abbreviation, _)| *abbreviation == lower) {
            return Some(Offset::constant(*hours).to_time_zone());
        }
        let plain = lower.strip_prefix("utc").or_else(|| lower.strip_prefix("gmt")).unwrap_or(&lower);
        if plain.starts_with(['+', '-']) {
            return offset(plain).map(Offset::to_time_zone);
        }
        let place = WALL.iter().find(|(word, _)| *word == lower).map_or(name, |(_, place)| place);
        TimeZoneDatabase::bundled().get(place).ok().filter(|zone| !zone.is_unknown())
    }
}

/// Whether the name is the abbreviation of the local zone: many are used in several parts of the world, and a vendor
/// that writes one means the machine's.
fn is_local(name: &str, now: Timestamp, local: &TimeZone) -> bool {
    local.to_offset_info(now).abbreviation() == name
        || local.following(now).next().is_some_and(|change| change.abbreviation() == name)
}

/// `+2`, `-03`, `+0530`, `+05:30`.
fn offset(text: &str) -> Option<Offset> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i32>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|m| *m < 60)?);
    let minutes = hours * 60 + minutes;
    (minutes <= 14 * 60).then(|| Offset::from_seconds(sign * minutes * 60).ok()).flatten()
}
