//! Where the orders of people wait until the ledger holds them: files in the state directory.
//!
//! An order to stop everything is the file [`STOP_FILE`]; it is in force as long as the file is there, whatever becomes
//! of engines and of the ledger. Every other order is a file of its own, which is removed when it was taken in. Both are
//! written whole or not at all, and reach the disk before anybody is told of them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Ask, Batch, Digest, Epoch, Order, OrderId, ProcessIdentity, REQUEST_VERSION, Request, State, Store, StoreError,
};
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::engine::give_up_ballast;
use crate::process;

/// The file, in the state directory, that stops everything as long as it is there.
pub const STOP_FILE: &str = "STOP";

/// How often somebody else may be first to stop everything, and have it lifted before anybody can look.
const RACES: usize = 64;

/// The folder, in the state directory, of the orders that wait.
const REQUESTS: &str = "requests";

/// The signal by which an engine in another process is told that there is an order. To a process that does not expect it,
/// it is nothing.
pub const BELL: i32 = Signal::SIGURG as i32;

/// What is in [`STOP_FILE`].
#[derive(Debug, Serialize, Deserialize)]
struct Halt {
    version: u32,
    order: Order,
}

/// The place of a state directory where orders wait. A copy is the same place, and rings the same bell.
#[derive(Debug, Clone)]
pub struct OrderFolder {
    dir: Utf8PathBuf,
    bell: Arc<Notify>,
}

impl OrderFolder {
    /// That of a state directory.
    pub fn of(state_dir: &Utf8Path) -> Self {
        Self { dir: state_dir.to_owned(), bell: Arc::default() }
    }

    /// Says that there may be something new. Who listens looks once for any number of rings.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Ends when the bell has rung.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// The file that stops everything.
    pub fn stop_file(&self) -> Utf8PathBuf {
        self.dir.join(STOP_FILE)
    }

    /// Whether everything is stopped.
    pub fn is_halted(&self) -> bool {
        // What cannot be looked at is not taken for permission.
        self.stop_file().try_exists().unwrap_or(true)
    }

    /// The order that stops everything, if there is one. A file that says nothing, such as one that somebody made by
    /// hand, stops everything too.
    pub fn halt(&self) -> Option<Order> {
        let path = self.stop_file();
        match fs::read(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            read => {
                let told = read.ok().and_then(|text| serde_json::from_slice::<Halt>(&text).ok());
                Some(told.map_or_else(|| by_hand(&path), |halt| halt.order))
            }
        }
    }

    /// Stops everything. Gives the order that is in force: an earlier one stands. Where there is no room to say by whom and
    /// why, it is as if the file had been made by hand.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn stop(&self, order: Order) -> io::Result<Order> {
        let file = self.stop_file();
        let new = file.with_extension(format!("{}.new", order.id));
        let halt = Halt { version: REQUEST_VERSION, order };
        for _ in 0..RACES {
            if let Some(order) = self.halt() {
                return Ok(order);
            }
            let told = self.write(&new, &serde_json::to_vec(&halt)?).and_then(|()| place(&new, &file));
            let _ = remove(&new);
            let (made, order) = match told {
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => match File::create_new(&file) {
                    Err(again) if again.kind() != io::ErrorKind::AlreadyExists => return Err(err),
                    made => (made.is_ok(), by_hand(&file)),
                },
                told => (told.is_ok(), halt.order.clone()),
            };
            if made {
                sync(&self.dir)?;
                return Ok(order);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Removes the file that stops everything, once the ledger holds that it was lifted.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn lift(&self) -> io::Result<()> {
        remove(&self.stop_file())?;
        sync(&self.dir)
    }

    /// Puts an order there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&self, request: &Request) -> io::Result<()> {
        let folder = self.dir.join(REQUESTS);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let file = self.file(&request.order.id);
        let new = file.with_extension("new");
        let made = self.write(&new, &serde_json::to_vec(request)?).and_then(|()| fs::rename(&new, &file));
        if made.is_err() {
            let _ = remove(&new);
        }
        made.and_then(|()| sync(&folder))
    }

    /// Whether an order still waits.
    pub fn has(&self, id: &OrderId) -> bool {
        self.file(id).exists()
    }

    /// Removes an order that was taken in, or is not to be.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, id: &OrderId) -> io::Result<()> {
        remove(&self.file(id))
    }

    /// The orders that wait, the oldest first. What is not understood, or is of a newer program, is left where it is.
    pub fn waiting(&self) -> Vec<Request> {
        let Ok(entries) = self.dir.join(REQUESTS).read_dir_utf8() else { return Vec::new() };
        let read = |path: &Utf8Path| {
            let request: Request = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
            // The name is what the order is removed by.
            (request.version <= REQUEST_VERSION && *path == self.file(&request.order.id)).then_some(request)
        };
        let mut waiting: Vec<Request> = entries.flatten().filter_map(|entry| read(entry.path())).collect();
        waiting.sort_by(|a, b| (a.order.at, &a.order.id).cmp(&(b.order.at, &b.order.id)));
        waiting
    }

    /// What the ledger does not hold of all that waits here, an order to stop everything first.
    pub(crate) fn news(&self, state: &State) -> Vec<Request> {
        let halt = self.halt().filter(|order| !state.control.has_taken(&order.id));
        halt.map(|order| Request::new(order, Ask::Halt)).into_iter().chain(self.waiting()).collect()
    }

    /// Clears away an order to stop everything that the ledger knows to be lifted: who lifted it was killed before they
    /// could.
    pub(crate) fn clear(&self, state: &State) {
        let over = |order: &Order| state.control.halt.is_none() && state.control.has_taken(&order.id);
        if self.halt().as_ref().is_some_and(over) {
            // It is looked at again, and stops everything meanwhile.
            let _ = self.lift();
        }
    }

    /// Takes all in that waits, for who has the state directory to themselves and has taken the store over.
    ///
    /// # Errors
    /// If the store does not serve.
    pub async fn take_in(
        &self,
        store: &dyn Store,
        epoch: Epoch,
        state: &mut State,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for request in self.news(state) {
            if let Some(event) = request.event(state) {
                let batch = Batch { epoch, at: now, events: vec![event], conditions: Vec::new() };
                for record in store.append(&batch).await? {
                    state.apply(&record)?;
                }
            }
            // One that stays is known again by its id.
            let _ = self.remove(&request.order.id);
        }
        self.clear(state);
        Ok(())
    }

    fn file(&self, id: &OrderId) -> Utf8PathBuf {
        self.dir.join(REQUESTS).join(format!("{id}.json"))
    }

    /// Writes a file that nobody looks at yet. On a full disk nothing is worth its room more than what a person orders.
    fn write(&self, new: &Utf8Path, text: &[u8]) -> io::Result<()> {
        match write(new, text) {
            Err(err) if err.kind() == io::ErrorKind::StorageFull && give_up_ballast(&self.dir) => write(new, text),
            written => written,
        }
    }
}

fn write(new: &Utf8Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(new)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Puts a file where none is. Of several who do so at once one is the first.
fn place(new: &Utf8Path, file: &Utf8Path) -> io::Result<()> {
    match fs::hard_link(new, file) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Err(err),
        // Not every file system has links.
        Err(_) => fs::rename(new, file),
        Ok(()) => Ok(()),
    }
}

/// The order that a file is which says nothing. It is the same as long as the file is.
fn by_hand(path: &Utf8Path) -> Order {
    let written = fs::metadata(path).and_then(|file| file.modified()).ok();
    let at = written.and_then(|at| Timestamp::try_from(at).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    let digest = Digest::of(format!("{path} {at}").as_bytes()).to_string();
    let id = format!("by-hand-{}", digest.get(..16).unwrap_or_default());
    Order {
        id: OrderId::new(id).expect("it holds letters, digits and dashes"),
        by: "somebody".into(),
        reason: format!("the file {path} is there"),
        at,
    }
}

/// Rings at an engine in another process, so that it looks at once.
pub fn ring_at(engine: &ProcessIdentity) {
    if let Ok(pid) = i32::try_from(engine.pid)
        && process::is_alive(engine)
    {
        // An error means that it has ended.
        let _ = kill(Pid::from_raw(pid), Signal::SIGURG);
    }
}

/// A new id, which no other order has.
pub fn new_order_id() -> OrderId {
    OrderId::new(crate::engine::random_tag()).expect("it holds digits and letters")
}

fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}

fn sync(dir: &Utf8Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
