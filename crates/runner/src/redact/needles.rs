//! What is looked for in a stream, and looking for it fast.

use super::{WINDOW, forms};

/// How many bytes of a needle are enough to rule nearly everything out.
const PREFIX: usize = super::SHORTEST;
const PREFIX_BITS: u64 = (1 << (8 * PREFIX)) - 1;

/// All windows of all forms of some secrets.
///
/// A filter of bits, small enough for the processor's cache, says for nearly every place of the stream that no needle
/// begins there; only what passes it is looked up.
#[derive(Default)]
pub(super) struct Needles {
    /// The forms, one behind the other.
    text: Vec<u8>,
    /// Where the needles are in it, ordered by their bytes.
    places: Vec<Place>,
    filter: Vec<u64>,
    /// How far a hash is shifted to be a bit of the filter.
    shift: u32,
    longest: usize,
}

#[derive(Clone, Copy)]
struct Place {
    /// The first bytes, as a number that orders as they do.
    prefix: u64,
    at: u32,
    length: u32,
}

impl Needles {
    pub(super) fn new(secrets: &[&[u8]]) -> Self {
        if secrets.is_empty() {
            return Self::default();
        }
        let mut needles = Self::default();
        for secret in secrets {
            for form in forms::all(secret) {
                needles.add(&form, secret.len() < WINDOW);
            }
        }
        let text = &needles.text;
        needles.places.sort_by_key(|place| place.of(text));
        needles.places.dedup_by(|a, b| a.of(text) == b.of(text));
        needles.places.shrink_to_fit();
        // With 64 bits for a needle one place in 64 passes by chance.
        let bits = (needles.places.len() * 64).next_power_of_two().max(64);
        needles.filter = vec![0; bits / 64];
        needles.shift = 64 - bits.trailing_zeros();
        for n in 0..needles.places.len() {
            let bit = needles.bit(needles.places[n].prefix);
            needles.filter[bit / 64] |= 1 << (bit % 64);
        }
        needles
    }

    /// Adds the windows of a form, or as one needle a form of which no part is enough.
    fn add(&mut self, form: &[u8], whole: bool) {
        let length = if whole { form.len() } else { WINDOW };
        let Ok(start) = u32::try_from(self.text.len()) else { return };
        self.text.extend_from_slice(form);
        self.longest = self.longest.max(length);
        for (at, window) in (start..).zip(form.windows(length)) {
            let prefix = window.iter().take(PREFIX).fold(0, |prefix, byte| prefix << 8 | u64::from(*byte));
            self.places.push(Place { prefix, at, length: length as u32 });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The length of the longest needle; no needle is longer than three times the bytes of a short secret.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    fn bit(&self, prefix: u64) -> usize {
        (prefix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// The first place from `from` and before `to` at which a needle begins, with the length of the longest.
    pub(super) fn find(&self, text: &[u8], from: usize, to: usize) -> Option<(usize, usize)> {
        let ahead = text.get(from..from + PREFIX - 1)?;
        let mut prefix = ahead.iter().fold(0, |prefix, byte| prefix << 8 | u64::from(*byte));
        let rest = &text[from + PREFIX - 1..text.len().min(to + PREFIX - 1)];
        for (n, byte) in rest.iter().enumerate() {
            prefix = (prefix << 8 | u64::from(*byte)) & PREFIX_BITS;
            let bit = self.bit(prefix);
            if self.filter[bit / 64] >> (bit % 64) & 1 == 1
                && let Some(length) = self.look_up(prefix, &text[from + n..])
            {
                return Some((from + n, length));
            }
        }
        None
    }

    /// The length of the longest needle with which `text` begins.
    pub(super) fn at(&self, text: &[u8]) -> Option<usize> {
        self.find(text, 0, 1).map(|(_, length)| length)
    }

    fn look_up(&self, prefix: u64, text: &[u8]) -> Option<usize> {
        let first = self.places.partition_point(|place| place.prefix < prefix);
        let same = self.places[first..].iter().take_while(|place| place.prefix == prefix);
        same.map(|place| place.of(&self.text)).filter(|needle| text.starts_with(needle)).map(<[u8]>::len).max()
    }

    /// Whether `text` is the beginning of a needle.
    pub(super) fn any_begins_with(&self, text: &[u8]) -> bool {
        self.places.iter().any(|place| place.of(&self.text).starts_with(text))
    }
}

impl Place {
    fn of(self, text: &[u8]) -> &[u8] {
        &text[self.at as usize..][..self.length as usize]
    }
}
