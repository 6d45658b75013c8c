//! Text of others, made plain: nothing in it can steer a terminal, or make a line look like what it is not.

/// The longest line of a stream that is kept whole.
const LINE: usize = 1 << 16;

/// The text without escape sequences, controls and marks that turn the direction of writing; line ends and tabs stay.
///
/// A sequence that does not end on its line loses only its beginning, so that none can hide what follows it.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '\u{1b}' => rest = after_escape(rest),
            '\u{9b}' => rest = after_control(rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => rest = after_string(rest),
            // A line that is written over and over is shown once after the other.
            '\r' if !rest.starts_with('\n') => shown.push(' '),
            '\n' | '\t' => shown.push(next),
            c if c.is_control() || turns(c) => {}
            c => shown.push(c),
        }
    }
    shown
}

/// What follows the sequence that an escape character begins.
fn after_escape(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(b'[') => after_control(&text[1..]),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => after_string(&text[1..]),
        // Two or three characters, such as a choice of character sets.
        Some(b' '..=b'/') => {
            let rest = text.trim_start_matches(|c| matches!(c, ' '..='/'));
            if rest.starts_with(|c| matches!(c, '0'..='~')) { &rest[1..] } else { text }
        }
        Some(b'0'..=b'~') => &text[1..],
        _ => text,
    }
}

/// What follows parameters and the letter that ends them, such as those of a colour.
fn after_control(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| matches!(c, ' '..='?'));
    if rest.starts_with(|c| matches!(c, '@'..='~')) { &rest[1..] } else { text }
}

/// What follows a string for the terminal, such as a title or a text for the clipboard.
fn after_string(text: &str) -> &str {
    let line = text.split('\n').next().unwrap_or_default();
    match line.find(['\u{7}', '\u{9c}', '\u{1b}']) {
        Some(end) => text[end..].strip_prefix("\u{1b}\\").unwrap_or_else(|| match text[end..].chars().next() {
            Some('\u{1b}') | None => &text[end..],
            Some(ends) => &text[end + ends.len_utf8()..],
        }),
        None => text,
    }
}

/// Whether it turns the direction of writing, or ends a line where no line ends.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Makes a stream plain, line by line, so that a sequence is found wherever the reads part it.
#[derive(Debug, Default)]
pub(crate) struct PlainStream {
    held: Vec<u8>,
}

impl PlainStream {
    /// Takes what was read, and gives the lines that are whole.
    pub(crate) fn take(&mut self, read: &[u8]) -> String {
        self.held.extend_from_slice(read);
        let whole = match self.held.iter().rposition(|b| *b == b'\n') {
            Some(end) => end + 1,
            None if self.held.len() > LINE => self.held.len(),
            None => 0,
        };
        let rest = self.held.split_off(whole);
        let lines = std::mem::replace(&mut self.held, rest);
        plain(&String::from_utf8_lossy(&lines))
    }

    /// Gives the last line, which no line end follows.
    pub(crate) fn finish(&mut self) -> String {
        plain(&String::from_utf8_lossy(&std::mem::take(&mut self.held)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORIES: [(&str, &str); 12] = [
        ("plain é 日本 \u{1f469}\u{200d}\u{1f4bb}\n\ttext", "plain é 日本 \u{1f469}\u{200d}\u{1f4bb}\n\ttext"),
        ("\u{1b}[1;31mred\u{1b}[0m \u{9b}32mgreen", "red green"),
        ("\u{1b}]52;c;aGVsbG8=\u{7}clipboard", "clipboard"),
        ("\u{1b}]8;;file:///x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
        ("\u{1b}]0;a title that never ends\nthe next line", "0;a title that never ends\nthe next line"),
        ("\u{1b}Pdevice\u{9c}\u{9d}0;x\u{7}rest", "rest"),
        ("\u{1b}(B\u{1b}7\u{1b}c\u{1b}=text\u{1b}", "text"),
        ("\u{1b}[31", "31"),
        ("\u{1b}]0;\u{1b}[2Jx", "x"),
        ("one\r\ntwo 10%\r20%", "one\ntwo 10% 20%"),
        ("a\u{0}b\u{8}c\u{7f}d\u{85}e", "abcde"),
        ("pay \u{202e}001\u{2066}\u{2028}", "pay 001"),
    ];

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        for (text, shown) in STORIES {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_stream_is_plain_wherever_its_reads_part_it() {
        for (text, shown) in STORIES {
            for size in 1..=text.len() {
                let mut stream = PlainStream::default();
                let mut seen: String = text.as_bytes().chunks(size).map(|read| stream.take(read)).collect();
                seen.push_str(&stream.finish());
                assert_eq!(seen, shown, "{text:?} by {size}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_not_held_for_ever() {
        let mut stream = PlainStream::default();
        assert_eq!(stream.take(&vec![b'x'; LINE]), "");
        assert_eq!(stream.take(b"\x1b[3").len(), LINE + 1);
        assert_eq!(stream.take(b"1mred") + &stream.finish(), "1mred");
    }
}
