//! The last lines of the logs of jobs.

use super::{Pulls, locked};
use crate::GitHubError;

const LINES: usize = 60;
const LINE: usize = 300;
/// So many bytes hold the lines that are wanted, but for very long ones.
const BYTES: usize = 64 << 10;
/// The most logs that are remembered. A job's log does not change any more.
const REMEMBERED: usize = 100;

impl Pulls<'_> {
    /// The last lines of a job's log; nothing if it is gone, or not for this token.
    pub(super) async fn log_tail(&self, job: u64) -> Result<String, GitHubError> {
        if let Some(known) = locked(&self.memory.tails).get(&job) {
            return Ok(known.clone());
        }
        let tail = match self.github.text_tail(self.path(&format!("/actions/jobs/{job}/logs")), BYTES).await {
            Ok(text) => last_lines(&text),
            Err(error) if error.is_transient() => return Err(error),
            // A failed check is told of, with its log or without.
            Err(_) => String::new(),
        };
        let mut tails = locked(&self.memory.tails);
        if tails.len() >= REMEMBERED {
            tails.pop_first();
        }
        tails.insert(job, tail.clone());
        Ok(tail)
    }
}

/// The last lines of a log, without their times, and without what is only for terminals.
pub(super) fn last_lines(log: &str) -> String {
    let text = clean(log);
    let lines: Vec<String> = text.lines().map(|line| untimed(line).chars().take(LINE).collect()).collect();
    let lines = match lines.iter().rposition(|line| !line.trim().is_empty()) {
        Some(last) => &lines[..=last],
        None => &[],
    };
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// The line without the time that each line of a log begins with.
fn untimed(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.len() > 19 && time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok() => rest,
        _ => line,
    }
}

/// The text without escape sequences and other signs that are not text.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                // `ESC [ … letter` colours and moves; anything else is one sign.
                if rest.next_if_eq(&'[').is_some() {
                    while rest.next_if(|c| !c.is_ascii_alphabetic() && !c.is_control()).is_some() {}
                    rest.next_if(char::is_ascii_alphabetic);
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            // Signs that nobody sees, and those that turn the direction of the text.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
            '\u{e0000}'..='\u{e007f}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{clean, last_lines};

    #[test]
    fn a_log_ends_with_what_matters() {
        let line = |n: usize| format!("2026-11-20T12:00:0{}.1234567Z \u{1b}[36;1mline {n}\u{1b}[0m\r", n % 10);
        let log = (0..100).map(line).collect::<Vec<_>>().join("\n") + "\n\n\n";
        let tail = last_lines(&log);
        assert_eq!(tail.lines().count(), 60);
        assert_eq!((tail.lines().next(), tail.lines().last()), (Some("line 40"), Some("line 99")));
        assert_eq!(last_lines(""), "");
        assert_eq!(last_lines(&"x".repeat(1000)).len(), 300);
    }

    #[test]
    fn nothing_hidden_is_left() {
        assert_eq!(clean("a\u{200b}b\u{202e}c\u{1b}[2Kd\u{7}e\u{1b}f\u{e0041}g\u{1b}["), "abcdefg");
    }
}
