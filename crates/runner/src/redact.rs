//! Takes named secrets out of what a child prints, before it is kept or shown.
//!
//! Redaction is the last line, and not the first: a secret that an attempt was not given cannot leak. What is looked
//! for is any [`WINDOW`] characters in a row of a secret, as it is and in the forms in which it usually travels: quoted in
//! JSON, in base64 of both alphabets wherever in the encoded text the secret begins, in hexadecimal digits of both cases,
//! reversed, and percent-encoded. A form somebody invents is not found: letters spaced out or joined by dashes, rotated,
//! or encoded twice. Nor are fewer than [`WINDOW`] characters in a row.
//!
//! Each masked byte becomes a `*`, so that what is counted stays exact.

mod forms;
mod names;
mod needles;
mod stream;

use std::fmt;

pub use names::looks_secret;
pub(crate) use names::secrets_of;
use needles::Needles;
pub(crate) use stream::KeptStream;

/// How many characters of a secret in a row are recognised.
pub(crate) const WINDOW: usize = 10;
/// The shortest secret that is looked for at all; one shorter than a window is found only as a whole.
const SHORTEST: usize = 6;
/// The longest beginning of a secret that may be shown when output pauses.
const SHOWN_AT_A_PAUSE: usize = 4;

/// A secret, with the name by which people know it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name, such as that of its environment variable.
    pub name: String,
    /// Its value. White space around it is no part of it.
    pub value: Vec<u8>,
}

impl Secret {
    /// The secret of that name.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

/// Masks secrets in a stream that comes in chunks, wherever the chunks end. One stream needs one of its own.
///
/// A byte can be told from the beginning of a secret only when those behind it have come: fewer than a window are held
/// back between two chunks. When output pauses, [`Redactor::flush_partial`] gives them, so that a prompt without a line
/// end is seen.
///
/// Nothing is allocated while it works but room in the caller's buffer. Without a secret it holds no tables, and copies.
pub struct Redactor {
    needles: Needles,
    /// The last bytes, unmasked: what is masked in them is known only when more has come.
    held: Vec<u8>,
    /// How many of the held bytes have been given out already.
    given: usize,
    /// How many bytes from the first held one on belong to a secret that was found before it.
    masked: usize,
    uncovered: Vec<String>,
}

impl Redactor {
    /// Masks these secrets.
    pub fn new(secrets: &[Secret]) -> Self {
        let long_enough = |secret: &&Secret| secret.value.trim_ascii().len() >= SHORTEST;
        let values: Vec<&[u8]> = secrets.iter().filter(long_enough).map(|s| s.value.trim_ascii()).collect();
        let needles = Needles::new(&values);
        let uncovered = secrets.iter().filter(|s| !long_enough(s)).map(|s| s.name.clone()).collect();
        // No needle is found before its last byte has come.
        let held = Vec::with_capacity(needles.longest().saturating_sub(1));
        Self { needles, held, given: 0, masked: 0, uncovered }
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The names of the secrets that are not looked for: with fewer than six characters they would be found everywhere.
    pub fn uncovered(&self) -> &[String] {
        &self.uncovered
    }

    /// Appends to `out` what is known of the stream after `chunk`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.is_empty() {
            out.extend_from_slice(chunk);
            return;
        }
        let base = out.len();
        out.extend_from_slice(&self.held);
        out.extend_from_slice(chunk);
        let known = (out.len() - base).saturating_sub(self.needles.longest() - 1);
        // What is held must stay as it came, or a window that begins in it and ends in the next chunk would be missed.
        self.held.clear();
        self.held.extend_from_slice(&out[base + known..]);
        self.mask(&mut out[base..], known);
        out.truncate(base + known);
        let again = self.given.min(known);
        out.drain(base..base + again);
        self.given -= again;
    }

    /// Appends what is held back, up to a possible beginning of a secret of more than four characters. For when output
    /// pauses; secrets are found across it all the same, but for those first characters.
    pub fn flush_partial(&mut self, out: &mut Vec<u8>) {
        let begins = (SHOWN_AT_A_PAUSE + 1..=self.held.len())
            .rev()
            .find(|length| self.needles.any_begins_with(&self.held[self.held.len() - length..]));
        self.give(self.held.len() - begins.unwrap_or(0), out);
    }

    /// Appends what is still held back. The stream is at its end; the next chunk is the beginning of another.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        // A needle shorter than the longest one can be in what is held.
        let mut rest = std::mem::take(&mut self.held);
        let length = rest.len();
        self.mask(&mut rest, length);
        out.extend_from_slice(&rest[self.given..]);
        rest.clear();
        self.held = rest;
        (self.given, self.masked) = (0, 0);
    }

    /// Gives out the held bytes before `end`, and keeps them to look across them.
    fn give(&mut self, end: usize, out: &mut Vec<u8>) {
        if end <= self.given {
            return;
        }
        let mut masked = self.masked;
        for at in 0..end {
            if let Some(length) = self.needles.at(&self.held[at..]) {
                masked = masked.max(at + length);
            }
            if at >= self.given {
                out.push(if at < masked { b'*' } else { self.held[at] });
            }
        }
        self.given = end;
    }

    /// Masks the first `known` bytes of `text`. It goes from left to right and masks nothing before it has looked at
    /// what begins there, so that each look sees the bytes as they came.
    fn mask(&mut self, text: &mut [u8], known: usize) {
        let mut done = 0;
        while let Some((at, length)) = self.needles.find(text, done, known) {
            fill(text, done, self.masked.min(at));
            self.masked = self.masked.max(at + length);
            text[at] = b'*';
            done = at + 1;
        }
        fill(text, done, self.masked.min(known));
        self.masked = self.masked.saturating_sub(known);
    }
}

fn fill(text: &mut [u8], from: usize, to: usize) {
    if let Some(part) = text.get_mut(from..to) {
        part.fill(b'*');
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("uncovered", &self.uncovered).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
