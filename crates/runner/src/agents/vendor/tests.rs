mod captures;
mod launch;
mod quotes;
mod statuses;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use dayfly_core::{AgentEvent, AgentKind, Ending, EventReader, ExitFacts};

use super::Reader;
use crate::agents::catalog::Catalog;

fn reader(kind: AgentKind) -> Box<Reader> {
    static CATALOGS: LazyLock<HashMap<&str, Arc<Catalog>>> = LazyLock::new(|| {
        let kinds = AgentKind::ALL.into_iter().filter(|kind| *kind != AgentKind::Command);
        kinds.map(|kind| (kind.word(), Arc::new(Catalog::of(kind, None).unwrap()))).collect()
    });
    Box::new(Reader::new(Arc::clone(&CATALOGS[kind.word()])))
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
