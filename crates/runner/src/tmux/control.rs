//! A client that watches one session in tmux's control mode: what its pane prints, and what becomes of it, as events.

use std::collections::VecDeque;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::call::Tmux;
use super::error::TmuxError;

const CHUNK_BYTES: usize = 16 * 1024;
/// The most bytes of a line that is not output.
const LINE_BYTES: usize = 1024;

/// What happened in the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// The pane printed this.
    Output(Vec<u8>),
    /// The panes that there are, each as `ID=DEAD`.
    Panes(String),
    /// This client no longer watches; why, if tmux said so.
    Closed(String),
}

/// The watching client. It ends with this value.
#[derive(Debug)]
pub(super) struct Control {
    child: Child,
    stdout: ChildStdout,
    /// The client ends when this is closed.
    stdin: ChildStdin,
    parser: Parser,
    chunk: Vec<u8>,
    events: VecDeque<Event>,
}

impl Control {
    /// Begins to watch.
    pub(super) async fn attach(tmux: &Tmux, session: &str, pane: &str) -> Result<Self, TmuxError> {
        let mut command = tmux.command();
        // Its size is nobody's window.
        command.args(["-C", "attach-session", "-f", "ignore-size", "-t", session]);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let program = || tmux.program.display().to_string();
        let mut child = command.spawn().map_err(|source| TmuxError::Spawn { program: program(), source })?;
        let (Some(stdout), Some(mut stdin)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(TmuxError::NotReady("the client of tmux has no pipes".into()));
        };
        // tmux looks at this once a second, and tells when it is no longer what it was.
        let panes = "refresh-client -B 'dayfly::#{W:#{P:#{pane_id}=#{pane_dead} }}'\n";
        stdin.write_all(panes.as_bytes()).await.map_err(|source| TmuxError::Spawn { program: program(), source })?;
        let chunk = Vec::with_capacity(CHUNK_BYTES);
        Ok(Self { child, stdout, stdin, parser: Parser::new(pane), chunk, events: VecDeque::new() })
    }

    /// The next thing that happens. Nothing is lost if this is dropped.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            self.chunk.clear();
            match self.stdout.read_buf(&mut self.chunk).await {
                Ok(read) if read > 0 => self.parser.push(&self.chunk, &mut self.events),
                _ => return Event::Closed(std::mem::take(&mut self.parser.reason)),
            }
        }
    }

    /// Stops watching.
    pub(super) async fn end(self) {
        let Self { mut child, stdout, stdin, .. } = self;
        // A client without input ends by itself, but not one whose server is stopped.
        drop((stdin, stdout));
        let _ = child.start_kill();
        let _ = child.wait().await;
    }
}

/// Takes the lines of control mode apart as they come. What a pane prints in one line of it can be long, and is given
/// on in the pieces in which it came.
#[derive(Debug)]
struct Parser {
    output: Vec<u8>,
    line: Vec<u8>,
    state: State,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a line, as long as it may be anything.
    Line,
    /// In what our pane printed.
    Text,
    /// In an octal number there, with its digits so far.
    Octal(u8, u8),
    /// In a line that is not for us.
    Skip,
}

impl Parser {
    fn new(pane: &str) -> Self {
        Self { output: format!("%output {pane} ").into(), line: Vec::new(), state: State::Line, reason: String::new() }
    }

    fn push(&mut self, chunk: &[u8], events: &mut VecDeque<Event>) {
        let mut text = Vec::new();
        for byte in chunk {
            match (self.state, *byte) {
                (State::Line, b'\n') => self.end(&mut text, events),
                (_, b'\n') => {
                    self.line.clear();
                    self.state = State::Line;
                }
                (State::Line, byte) => self.head(byte),
                (State::Skip, _) => {}
                (State::Text, b'\\') => self.state = State::Octal(0, 0),
                (State::Text, byte) => text.push(byte),
                (State::Octal(digits, value), byte @ b'0'..=b'7') => {
                    let value = value.wrapping_mul(8).wrapping_add(byte - b'0');
                    self.state = if digits == 2 { State::Text } else { State::Octal(digits + 1, value) };
                    if digits == 2 {
                        text.push(value);
                    }
                }
                (State::Octal(..), byte) => {
                    text.push(byte);
                    self.state = State::Text;
                }
            }
        }
        give(&mut text, events);
    }

    fn head(&mut self, byte: u8) {
        if self.line.len() < LINE_BYTES {
            self.line.push(byte);
        }
        if byte == b' ' && self.line.starts_with(b"%output %") {
            self.state = if self.line == self.output { State::Text } else { State::Skip };
        }
    }

    fn end(&mut self, text: &mut Vec<u8>, events: &mut VecDeque<Event>) {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        if let Some(rest) = line.strip_prefix("%subscription-changed dayfly ") {
            give(text, events);
            events.push_back(Event::Panes(rest.split_once(" : ").map_or("", |(_, panes)| panes).to_owned()));
        } else if let Some(reason) = line.strip_prefix("%exit") {
            self.reason = reason.trim().to_owned();
        }
    }
}

/// Gives on what was printed so far, so that the order stays.
fn give(text: &mut Vec<u8>, events: &mut VecDeque<Event>) {
    if !text.is_empty() {
        events.push_back(Event::Output(std::mem::take(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart_wherever_the_chunks_end() {
        let stream = b"%begin 1 2 0\n%end 1 2 0\n%output %1 hi\\015\\012\xc3\xa9\\134 x\n%output %12 other\n\
                       %subscription-changed dayfly $0 - - - : %1=1 \n%output %1 \\033[0mend\n%exit server exited\n";
        for size in 1..40 {
            let (mut parser, mut events) = (Parser::new("%1"), VecDeque::new());
            stream.chunks(size).for_each(|chunk| parser.push(chunk, &mut events));
            let printed = |from: &VecDeque<Event>| -> Vec<u8> {
                let output = |e: &Event| if let Event::Output(text) = e { text.clone() } else { Vec::new() };
                from.iter().flat_map(output).collect()
            };
            let at = events.iter().position(|e| *e == Event::Panes("%1=1 ".into())).unwrap();
            let after = events.split_off(at);
            assert_eq!(printed(&events), "hi\r\né\\ x".as_bytes(), "{size}");
            assert_eq!(printed(&after), b"\x1b[0mend", "{size}");
            assert_eq!(parser.reason, "server exited");
        }
    }
}
