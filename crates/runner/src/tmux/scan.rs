//! Finding the marker in what a terminal is told.

/// What the marker says of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Done,
    Failed,
}

/// Looks for two words in a stream for a terminal, whatever colours stand between their letters. A word is whole: one
/// that goes on over the end of a line, or over a move of the cursor, is none.
#[derive(Debug)]
pub(super) struct Scanner {
    done: Vec<u8>,
    failed: Vec<u8>,
    recent: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    Escape,
    /// `ESC [` up to its letter.
    Control,
    /// `ESC ]` and the like, up to BEL or `ESC \`.
    String,
    StringEscape,
}

impl Scanner {
    pub(super) fn new(done: &str, failed: &str) -> Self {
        Self { done: done.into(), failed: failed.into(), recent: Vec::new(), state: State::Text }
    }

    /// Takes a piece of the stream; what was found in it last counts.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<Said> {
        let mut said = None;
        for byte in chunk {
            said = self.byte(*byte).or(said);
        }
        said
    }

    fn byte(&mut self, byte: u8) -> Option<Said> {
        match (self.state, byte) {
            (State::Text, 0x1b) => self.state = State::Escape,
            (State::Text, 0x20..) => return self.letter(byte),
            (State::Text, _) => self.recent.clear(),
            (State::Escape, b'[') => self.state = State::Control,
            (State::Escape, b']' | b'P' | b'_' | b'^' | b'X') => self.state = State::String,
            (State::Escape, 0x20..=0x2f) => {}
            (State::Escape, _) => self.state = State::Text,
            (State::Control, b'm') => self.state = State::Text,
            (State::Control, 0x40..=0x7e) => {
                self.state = State::Text;
                self.recent.clear();
            }
            (State::Control, _) => {}
            (State::String, 0x07) => self.state = State::Text,
            (State::String, 0x1b) => self.state = State::StringEscape,
            (State::String, _) => {}
            (State::StringEscape, _) => self.state = State::Text,
        }
        None
    }

    fn letter(&mut self, byte: u8) -> Option<Said> {
        let most = self.done.len().max(self.failed.len());
        if self.recent.len() >= 4 * most {
            self.recent.drain(..3 * most);
        }
        self.recent.push(byte);
        if self.recent.ends_with(&self.done) {
            Some(Said::Done)
        } else if self.recent.ends_with(&self.failed) {
            Some(Said::Failed)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &[u8], size: usize) -> Option<Said> {
        let mut scanner = Scanner::new("abc123", "abc456");
        let mut said = None;
        for chunk in text.chunks(size) {
            said = scanner.push(chunk).or(said);
        }
        said
    }

    #[test]
    fn the_marker_is_found_through_colours_and_not_in_its_halves() {
        for size in 1..20 {
            assert_eq!(scan(b"xx abc\x1b[1;31m12\x1b]0;title\x073\r\n", size), Some(Said::Done), "{size}");
            assert_eq!(scan("é│ abc456 │".as_bytes(), size), Some(Said::Failed), "{size}");
            for other in ["abc and 123", "abc\r\n123", "abc\x1b[5C123", "abc 123", "\x1b]0;abc123\x07", "abc12"] {
                assert_eq!(scan(other.as_bytes(), size), None, "{other:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_marker_at_the_end_of_a_line_of_text_is_found_whatever_came_before(
            before in "[ -~é]{0,200}", chunk in 1_usize..50,
        ) {
            let text = format!("{before}\r\n{before}abc123");
            prop_assert_eq!(scan(text.as_bytes(), chunk), Some(Said::Done));
        }
    }
}
