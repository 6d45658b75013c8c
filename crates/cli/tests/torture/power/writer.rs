//! The process that keeps a ledger until its power is cut: it appends the events of a real run, then more, and says of
//! each append that it is done.

use std::fs::File;
use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Batch, Epoch, Event, Record, Store as _};
use dayfly_runner::SqliteStore;
use jiff::Timestamp;

/// Where acknowledgements go, one number of a record in each line.
pub(super) const ACKNOWLEDGED: &str = "acknowledged";

pub(super) fn path(dir: &Utf8Path) -> Utf8PathBuf {
    dir.join("state/ledger.sqlite")
}

/// Puts the events of a ledger into a file, for the writer.
pub(super) fn save(records: &[Record], to: &Utf8Path) {
    let lines: Vec<String> =
        records.iter().map(|record| format!("{} {} {}", record.epoch.0, record.at, record.body)).collect();
    std::fs::write(to, lines.join("\n")).unwrap();
}

/// The batches of that file: what was recorded at one time belongs together.
fn batches(from: &Utf8Path) -> Vec<(u64, Vec<Event>)> {
    let text = std::fs::read_to_string(from).unwrap();
    let mut batches: Vec<(u64, String, Vec<Event>)> = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(3, ' ');
        let (epoch, at, body) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let (epoch, event) = (epoch.parse().unwrap(), serde_json::from_str(body).unwrap());
        match batches.last_mut() {
            Some((known, time, events)) if (*known, time.as_str()) == (epoch, at) => events.push(event),
            _ => batches.push((epoch, at.to_owned(), vec![event])),
        }
    }
    batches.into_iter().map(|(epoch, _, events)| (epoch, events)).collect()
}

/// What the records of the writer hold, in order; more of them than it writes before its power is cut.
pub(super) fn bodies(from: &Utf8Path) -> Vec<String> {
    const MORE: u64 = 20_000;
    let events = batches(from).into_iter().flat_map(|(_, events)| events);
    let further = (0..MORE).flat_map(|number| further(Epoch(1), number).events);
    events.chain(further).map(|event| serde_json::to_string(&event).unwrap()).collect()
}

/// A batch that may follow any other; each is of another size.
pub(super) fn further(epoch: Epoch, number: u64) -> Batch {
    let version = "x".repeat(usize::try_from(number * 37 % 600).unwrap());
    let events = vec![Event::EngineStarted { version }];
    Batch { epoch, at: Timestamp::UNIX_EPOCH, events, conditions: vec![] }
}

/// Writes a ledger in `dir`: the events of the file, then so many batches more. Each record is acknowledged twice, in the
/// folder, for the recorder, and on standard output, for whoever waits there.
pub(crate) fn write(dir: &Utf8Path, events: &Utf8Path, more: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = SqliteStore::open(&path(dir)).unwrap();
    let mut acknowledged = File::create(dir.join(ACKNOWLEDGED)).unwrap();
    let mut acknowledge = |records: Vec<Record>| {
        let line = format!("{}\n", records.last().unwrap().seq.0);
        // Nobody's power is cut as long as it reads this.
        let _ = acknowledged.write_all(line.as_bytes());
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    };
    runtime.block_on(async {
        let mut epoch = store.take_over().await.unwrap();
        let mut known = 1;
        for (wanted, events) in batches(events) {
            while known < wanted {
                epoch = store.take_over().await.unwrap();
                known += 1;
            }
            let batch = Batch { epoch, at: Timestamp::UNIX_EPOCH, events, conditions: vec![] };
            acknowledge(store.append(&batch).await.unwrap());
        }
        for number in 0..more {
            acknowledge(store.append(&further(epoch, number)).await.unwrap());
        }
    });
}
