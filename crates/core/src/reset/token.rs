//! A vendor's text as words, numbers and marks.

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters.
    Word,
    /// ASCII digits.
    Number,
    /// One other character that is no space.
    Mark(char),
}

/// A piece of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    kind: Kind,
    text: &'a str,
    start: usize,
    /// Nothing stands between it and the token before.
    glued: bool,
}

/// The tokens. Names such as `retryDelay` and `resets_at` are taken apart at their humps and lines.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut glued = false;
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if first.is_whitespace() {
            glued = false;
            continue;
        }
        if invisible(first) {
            continue;
        }
        let mut end = start + first.len_utf8();
        let mut last = first;
        let kind = if first.is_ascii_digit() {
            Kind::Number
        } else if first.is_alphabetic() {
            Kind::Word
        } else {
            Kind::Mark(first)
        };
        while let Some(&(at, next)) = chars.peek().filter(|(_, next)| goes_on(kind, last, *next)) {
            (end, last) = (at + next.len_utf8(), next);
            chars.next();
        }
        found.push(Token { kind, text: &text[start..end], start, glued });
        glued = true;
    }
    found
}

fn goes_on(kind: Kind, last: char, next: char) -> bool {
    match kind {
        Kind::Number => next.is_ascii_digit(),
        Kind::Word => next.is_alphabetic() && !(last.is_lowercase() && next.is_uppercase()),
        Kind::Mark(_) => false,
    }
}

/// Zero-width marks that browsers and chat programs leave in what is copied.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A place among the tokens. Copies are cheap, so that a way that leads nowhere is simply forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a, 't> {
    text: &'a str,
    tokens: &'t [Token<'a>],
}

impl<'a, 't> Cursor<'a, 't> {
    pub(super) fn new(text: &'a str, tokens: &'t [Token<'a>]) -> Self {
        Self { text, tokens }
    }

    /// Past the first `count` tokens.
    pub(super) fn past(self, count: usize) -> Self {
        Self { tokens: self.tokens.get(count..).unwrap_or_default(), ..self }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether the next token stands right behind the one before.
    pub(super) fn is_glued(&self) -> bool {
        self.tokens.first().is_some_and(|t| t.glued)
    }

    /// Whether letters or digits stand right behind the token before.
    pub(super) fn runs_on(&self) -> bool {
        self.tokens.first().is_some_and(|t| t.glued && !matches!(t.kind, Kind::Mark(_)))
    }

    /// Whether digits stand right behind the token before.
    pub(super) fn runs_on_with_digits(&self) -> bool {
        self.tokens.first().is_some_and(|t| t.glued && t.kind == Kind::Number)
    }

    /// The next word, whatever it is.
    pub(super) fn peek_word(&self) -> Option<&'a str> {
        self.tokens.first().filter(|t| t.kind == Kind::Word).map(|t| t.text)
    }

    /// Tries a way; where it leads nowhere, nothing is taken.
    pub(super) fn attempt<T>(&mut self, way: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut copy = *self;
        let found = way(&mut copy)?;
        *self = copy;
        Some(found)
    }

    fn take(&mut self, fits: impl FnOnce(&Token<'a>) -> bool) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        if !fits(first) {
            return None;
        }
        self.tokens = rest;
        Some(first.text)
    }

    pub(super) fn number(&mut self) -> Option<&'a str> {
        self.take(|t| t.kind == Kind::Number)
    }

    /// A number right behind the token before.
    pub(super) fn glued_number(&mut self) -> Option<&'a str> {
        self.take(|t| t.kind == Kind::Number && t.glued)
    }

    /// One of some lower-case words, however it is written.
    pub(super) fn word(&mut self, words: &[&str]) -> Option<&'a str> {
        self.take(|t| t.kind == Kind::Word && listed(t.text, words))
    }

    /// Such a word right behind the token before.
    pub(super) fn glued_word(&mut self, words: &[&str]) -> Option<&'a str> {
        self.take(|t| t.kind == Kind::Word && t.glued && listed(t.text, words))
    }

    pub(super) fn mark(&mut self, marks: &[char]) -> Option<char> {
        self.take(|t| matches!(t.kind, Kind::Mark(c) if marks.contains(&c)))?.chars().next()
    }

    /// Such a mark right behind the token before.
    pub(super) fn glued_mark(&mut self, marks: &[char]) -> Option<char> {
        self.take(|t| t.glued && matches!(t.kind, Kind::Mark(c) if marks.contains(&c)))?.chars().next()
    }

    /// Any word.
    pub(super) fn any_word(&mut self) -> Option<&'a str> {
        self.take(|t| t.kind == Kind::Word)
    }

    /// The text from here on as long as its characters fit, if it is no longer than a name can be: a long text would
    /// else be read again from each of its brackets.
    pub(super) fn raw(&mut self, fits: impl Fn(char) -> bool) -> Option<&'a str> {
        const LONGEST: usize = 64;
        let start = self.tokens.first()?.start;
        let rest = &self.text[start..];
        let end = rest.char_indices().take(LONGEST).find(|(_, c)| !fits(*c)).map(|(at, _)| at);
        let taken = match end {
            Some(end) => &rest[..end],
            None if rest.len() <= LONGEST => rest,
            None => return None,
        };
        while self.tokens.first().is_some_and(|t| t.start < start + taken.len()) {
            self.tokens = &self.tokens[1..];
        }
        Some(taken).filter(|t| !t.is_empty())
    }
}

/// Whether a word is one of some lower-case words, however it is written.
pub(super) fn listed(word: &str, words: &[&str]) -> bool {
    words.iter().any(|w| w.eq_ignore_ascii_case(word))
}
