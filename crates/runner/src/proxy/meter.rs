//! Reads what an answer cost, while it passes by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Protocol;
use super::book::{Book, Charge};
use super::find::{Finder, Found};
use super::usage::{self, Places};

/// A token is about so many bytes of a text.
const BYTES_PER_TOKEN: u64 = 4;
/// The same in a stream of events, in which each has a frame around its few tokens.
const STREAMED_BYTES_PER_TOKEN: u64 = 8;
/// The longest name of a model that is kept.
const LONGEST_MODEL: usize = 128;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON text.
    Whole,
    /// Server-sent events, each of them a JSON text.
    Events,
}

/// Whether a request costs anything, as far as one can tell before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Costs {
    /// A model writes. An answer that does not say what it cost is estimated.
    Something,
    /// Nothing is written, or the request failed.
    Nothing,
}

/// The meter of one answer. What it has not been told of is estimated when it is dropped.
#[derive(Debug)]
pub(super) struct Meter {
    book: Arc<Book>,
    protocol: Protocol,
    places: &'static Places,
    costs: Costs,
    form: Form,
    events: Events,
    finder: Finder,
    found: Vec<Found>,
    charge: Charge,
    model: String,
    told: bool,
    /// Bytes of the request that was sent, which may still be growing.
    sent: Arc<AtomicU64>,
    came: u64,
}

impl Meter {
    /// For a request that is about to be sent. If it is given up before it is answered, it still may cost something.
    pub(super) fn new(book: Arc<Book>, protocol: Protocol, costs: Costs, sent: Arc<AtomicU64>) -> Self {
        let places = usage::places(protocol);
        Self {
            book,
            protocol,
            places,
            costs,
            form: Form::Whole,
            events: Events::default(),
            finder: Finder::new(places.paths),
            found: Vec::new(),
            charge: Charge::default(),
            model: String::new(),
            told: false,
            sent,
            came: 0,
        }
    }

    /// It will not be answered by a model.
    pub(super) fn failed(&mut self) {
        self.costs = Costs::Nothing;
    }

    /// It is answered in this form.
    pub(super) fn answered(&mut self, form: Form) {
        self.form = form;
    }

    /// Reads on.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.came = self.came.saturating_add(bytes.len() as u64);
        match self.form {
            Form::Whole => self.finder.push(bytes, &mut self.found),
            Form::Events => self.events.push(bytes, &mut self.finder, &mut self.found),
        }
        for (path, value) in std::mem::take(&mut self.found) {
            self.take(path, &value);
        }
    }

    fn take(&mut self, path: usize, value: &[u8]) {
        let mut tokens = self.charge.tokens;
        if self.places.models.contains(&path) {
            match serde_json::from_slice::<String>(value) {
                Ok(model) if model.len() <= LONGEST_MODEL => self.model = model,
                _ => return,
            }
        } else {
            let Some(record) = usage::tokens(self.protocol, value) else { return };
            tokens = tokens.most(record);
            self.told |= self.places.last.contains(&path);
        }
        self.charge = self.book.charge(self.charge, &self.model, tokens, 0);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.told || self.costs == Costs::Nothing {
            return;
        }
        let came = match self.form {
            Form::Whole => self.came / BYTES_PER_TOKEN,
            Form::Events => self.came / STREAMED_BYTES_PER_TOKEN,
        };
        let guess = came.saturating_add(self.sent.load(Ordering::Relaxed) / BYTES_PER_TOKEN);
        let tokens = self.charge.tokens;
        self.book.charge(self.charge, &self.model, tokens, guess.saturating_sub(tokens.all()));
    }
}

/// The lines of server-sent events: what follows `data:` is the text of an event, which an empty line ends.
#[derive(Debug, Default)]
struct Events {
    line: Line,
    /// Whether something of the event has come.
    open: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// So many bytes of `data:` have come.
    Name(usize),
    Data,
    #[default]
    New,
    Other,
}

impl Events {
    fn push(&mut self, bytes: &[u8], finder: &mut Finder, found: &mut Vec<Found>) {
        const NAME: &[u8] = b"data:";
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            if byte == b'\n' {
                if self.line == Line::New {
                    self.open = false;
                }
                self.line = Line::New;
                rest = behind;
                continue;
            }
            let so_far = match self.line {
                Line::New if byte == b'\r' => {
                    rest = behind;
                    continue;
                }
                Line::New => 0,
                Line::Name(n) => n,
                Line::Data => {
                    let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                    finder.push(&rest[..end], found);
                    rest = &rest[end..];
                    continue;
                }
                Line::Other => {
                    let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                    rest = &rest[end..];
                    continue;
                }
            };
            rest = behind;
            self.line = match NAME.get(so_far) {
                Some(expected) if *expected == byte && so_far + 1 == NAME.len() => {
                    if !std::mem::replace(&mut self.open, true) {
                        finder.reset();
                    }
                    Line::Data
                }
                Some(expected) if *expected == byte => Line::Name(so_far + 1),
                _ => Line::Other,
            };
        }
    }
}

#[cfg(test)]
mod tests;
