//! What a child prints: bounded on its way to the log, the agent's reader and the people who watch.

use std::collections::VecDeque;

use dayfly_core::{AgentEvent, AttemptEvent, Ending, EventReader, EventSink, ExitFacts, OutputLimits, Stream};

/// The most characters of a line that are shown.
const SHOWN_CHARS: usize = 400;
/// The most lines of the tail.
const TAIL_LINES: usize = 100;

/// Takes the output of one attempt. What it keeps in memory is two lines at their limit, and the tail.
pub(crate) struct Output {
    stdout: Lines,
    stderr: Lines,
    told: Told,
}

/// What is left when an attempt has ended.
pub(crate) struct Told {
    reader: Box<dyn EventReader>,
    events: EventSink,
    tail: VecDeque<String>,
}

impl Output {
    pub(crate) fn new(limits: OutputLimits, reader: Box<dyn EventReader>, events: EventSink) -> Self {
        Self {
            stdout: Lines::new(limits.line_bytes),
            stderr: Lines::new(limits.line_bytes),
            told: Told { reader, events, tail: VecDeque::new() },
        }
    }

    pub(crate) fn take(&mut self, stream: Stream, chunk: &[u8]) {
        let lines = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        lines.push(chunk, &mut |line, cut| self.told.line(stream, line, cut));
    }

    /// Takes note that so many bytes cannot be given: the line in which they are missing is no whole line.
    pub(crate) fn cut(&mut self, stream: Stream, bytes: u64) {
        let lines = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        lines.cut += bytes;
    }

    pub(crate) fn send(&self, event: AttemptEvent) {
        self.told.events.send(event);
    }

    /// Ends the last lines, and asks the reader. Gives its answer and the tail.
    pub(crate) fn finish(mut self, exit: ExitFacts) -> (Ending, String) {
        self.stdout.finish(&mut |line, cut| self.told.line(Stream::Stdout, line, cut));
        self.stderr.finish(&mut |line, cut| self.told.line(Stream::Stderr, line, cut));
        let Told { reader, tail, .. } = self.told;
        let ending = reader.finish(exit);
        let mut tail = Vec::from(tail);
        let last_words = for_display(&ending.text, SHOWN_CHARS);
        if !last_words.is_empty() && tail.is_empty() {
            tail.push(last_words);
        }
        (ending, tail.join("\n"))
    }
}

impl Told {
    fn line(&mut self, stream: Stream, line: &[u8], cut: u64) {
        let mut text = for_display(&String::from_utf8_lossy(line), SHOWN_CHARS);
        if cut > 0 {
            text.push_str(&format!(" [cut {cut} bytes]"));
        }
        self.events.send(AttemptEvent::Line { stream, text: text.clone() });
        let understood = match stream {
            Stream::Stdout => self.reader.line(line),
            Stream::Stderr => {
                self.reader.error_line(line);
                Vec::new()
            }
        };
        let record = stream == Stream::Stdout && self.reader.is_record(line);
        if understood.is_empty() && !record && !text.is_empty() {
            self.keep(text);
        }
        for event in understood {
            match &event {
                AgentEvent::Text(said) => said
                    .lines()
                    .rev()
                    .take(TAIL_LINES)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .for_each(|l| self.keep(for_display(l, SHOWN_CHARS))),
                AgentEvent::Tool { name, detail } => self.keep(for_display(&format!("{name}: {detail}"), SHOWN_CHARS)),
                AgentEvent::Retry { reason, .. } => self.keep(for_display(&format!("retries: {reason}"), SHOWN_CHARS)),
                AgentEvent::FileChange { path } => self.keep(for_display(&format!("changes {path}"), SHOWN_CHARS)),
                AgentEvent::Question(what) => self.keep(for_display(&format!("asks: {what}"), SHOWN_CHARS)),
                _ => {}
            }
            self.events.send(AttemptEvent::Agent(event));
        }
    }

    fn keep(&mut self, line: String) {
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }
}

/// Splits a stream into lines of bounded length; the rest of a longer line is counted and dropped.
struct Lines {
    line: Vec<u8>,
    most: usize,
    cut: u64,
}

impl Lines {
    fn new(most: usize) -> Self {
        Self { line: Vec::new(), most, cut: 0 }
    }

    fn push(&mut self, mut chunk: &[u8], each: &mut dyn FnMut(&[u8], u64)) {
        while let Some(end) = chunk.iter().position(|b| *b == b'\n') {
            self.add(&chunk[..end]);
            self.end(each);
            chunk = &chunk[end + 1..];
        }
        self.add(chunk);
    }

    fn add(&mut self, part: &[u8]) {
        let fits = (self.most - self.line.len()).min(part.len());
        self.line.extend_from_slice(&part[..fits]);
        self.cut += (part.len() - fits) as u64;
    }

    fn end(&mut self, each: &mut dyn FnMut(&[u8], u64)) {
        each(self.line.strip_suffix(b"\r").unwrap_or(&self.line), self.cut);
        self.line.clear();
        self.cut = 0;
    }

    fn finish(&mut self, each: &mut dyn FnMut(&[u8], u64)) {
        if !self.line.is_empty() || self.cut > 0 {
            self.end(each);
        }
    }
}

/// The text as it may be shown on a terminal or in a page: without escape sequences, controls, and
/// characters that are invisible or change the direction of writing; at most `most` characters.
pub(crate) fn for_display(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut left = most;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if left == 0 {
            shown.push('…');
            break;
        }
        match c {
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                while chars.next().is_some_and(|c| !matches!(c, '\u{40}'..='\u{7e}')) {}
            }
            '\u{1b}' if chars.next_if_eq(&']').is_some() => {
                while chars.next().is_some_and(|c| !matches!(c, '\u{7}' | '\\')) {}
            }
            '\t' | '\n' => {
                shown.push(' ');
                left -= 1;
            }
            c if visible(c) => {
                shown.push(c);
                left -= 1;
            }
            _ => {}
        }
    }
    shown.truncate(shown.trim_end().len());
    shown
}

fn visible(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e000}'..='\u{f8ff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}');
    c == ' ' || c.is_ascii_graphic() || (c >= '\u{a1}' && !hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_escapes_controls_or_hidden_characters() {
        let text = "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7} a\tb\u{202e}c\u{200b}d\u{0}é 日本";
        assert_eq!(for_display(text, 400), "red a bcdé 日本");
        assert_eq!(for_display("abcdef", 3), "abc…");
    }

    #[test]
    fn a_line_over_the_limit_is_cut_wherever_the_chunks_end() {
        for size in 1..9 {
            let mut lines = Lines::new(4);
            let mut seen = Vec::new();
            let mut each = |line: &[u8], cut| seen.push((String::from_utf8_lossy(line).into_owned(), cut));
            for chunk in b"ab\r\n\nabcdefg\nend".chunks(size) {
                lines.push(chunk, &mut each);
            }
            lines.finish(&mut each);
            let expected = [("ab", 0), ("", 0), ("abcd", 3), ("end", 0)].map(|(l, n)| (l.to_owned(), n));
            assert_eq!(seen, expected);
        }
    }
}
