mod captures;
mod launch;
mod quotes;
mod statuses;

use std::sync::Arc;

use dayfly_core::{AgentEvent, AgentKind, Ending, EventReader, ExitFacts};

use super::Reader;
use crate::agents::catalog::Catalog;

fn reader(kind: AgentKind) -> Box<Reader> {
    Box::new(Reader::new(Arc::new(Catalog::of(kind, None).unwrap())))
}

fn exited(code: i32) -> ExitFacts {
    ExitFacts { code: Some(code), signal: None, signalled_by_us: false }
}

/// Everything that a process printed, read.
fn read(kind: AgentKind, (stdout, stderr): (&[u8], &[u8]), exit: ExitFacts) -> (Vec<AgentEvent>, Ending) {
    let mut reader = reader(kind);
    let events = stdout.split(|b| *b == b'\n').flat_map(|line| reader.line(line)).collect();
    stderr.split(|b| *b == b'\n').for_each(|line| reader.error_line(line));
    (events, reader.finish(exit))
}
