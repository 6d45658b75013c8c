//! Adapters whose readers take a program's output for what it looks like.

use std::sync::Arc;

use dayfly_core::{Agent, AgentError, AgentEvent, AnswerBy, CommandLine, End, Ending, EventReader, ExitFacts, JobSpec};

/// How a reader goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::incidents) enum Reads {
    /// It looks for words, wherever they stand.
    Words,
    /// It believes the word `success` in a record.
    Subtype,
    /// It believes the exit code.
    ExitCode,
}

/// An agent that is read so.
#[derive(Debug)]
pub(in crate::incidents) struct Misread {
    pub(in crate::incidents) inner: Arc<dyn Agent>,
    pub(in crate::incidents) how: Reads,
}

impl Agent for Misread {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError> {
        self.inner.command(job)
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::new(Reader { how: self.how, inner: self.inner.reader(), seen: String::new() })
    }

    fn answers(&self) -> AnswerBy {
        self.inner.answers()
    }
}

#[derive(Debug)]
struct Reader {
    how: Reads,
    inner: Box<dyn EventReader>,
    seen: String,
}

impl EventReader for Reader {
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        self.seen.push_str(&String::from_utf8_lossy(line).to_lowercase());
        self.inner.line(line)
    }

    fn error_line(&mut self, line: &[u8]) {
        self.inner.error_line(line);
    }

    fn is_record(&self, line: &[u8]) -> bool {
        self.inner.is_record(line)
    }

    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending {
        let Self { how, inner, seen } = *self;
        let said = |words: &[&str]| words.iter().any(|word| seen.contains(word));
        let end = match how {
            Reads::Words if said(&["rate limit", "session limit", "usage limit", "429"]) => {
                Some(End::Quota { resets_at: None })
            }
            Reads::Subtype if said(&[r#""subtype":"success""#]) => Some(End::Succeeded),
            Reads::ExitCode if exit.code == Some(0) => Some(End::Succeeded),
            _ => None,
        };
        let ending = inner.finish(exit);
        match end {
            Some(end) => Ending { end, limits: Vec::new(), ..ending },
            None => ending,
        }
    }
}
