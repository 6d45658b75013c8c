//! What a disk may hold after its power was cut.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::writer::ACKNOWLEDGED;
use crate::dice::Dice;

/// What a disk writes whole.
const SECTOR: usize = 512;

/// Which syncs the disk honours. All but the first are there to see that the test finds what it is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// All.
    Syncs,
    /// Not those of the log as it grows, but those before the log is moved into the ledger: as with `synchronous=NORMAL`.
    LateLog,
    /// None, as with `synchronous=OFF`.
    Nothing,
}

/// Something that was done to files.
#[derive(Debug, Clone)]
enum Deed {
    Opened { file: usize, name: String, made: bool },
    Wrote { file: usize, at: usize, bytes: Vec<u8> },
    Cut { file: usize, length: usize },
    Synced { file: usize },
    Renamed { from: String, to: String },
    Unlinked { name: String },
}

/// All that a process did to the files of a folder, in order.
#[derive(Debug)]
pub(crate) struct Recording {
    deeds: Vec<Deed>,
}

/// A change of a name that is not on the disk for sure.
#[derive(Debug, Clone)]
enum Naming {
    Is(String, usize),
    Moved(String, String),
    Gone(String),
}

impl Naming {
    fn folder(&self) -> &str {
        let (Naming::Is(name, _) | Naming::Moved(_, name) | Naming::Gone(name)) = self;
        name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// A file's content on the disk, and what has been done since.
#[derive(Debug, Clone, Default)]
struct Content {
    safe: Vec<u8>,
    since: Vec<Deed>,
}

impl Recording {
    /// Reads what the recorder wrote; names are those below `root`.
    pub(crate) fn read(log: &Utf8Path, root: &Utf8Path) -> Result<Self, String> {
        let bytes = std::fs::read(log).map_err(|err| format!("nothing was recorded: {err}"))?;
        let (mut deeds, mut rest) = (Vec::new(), bytes.as_slice());
        // Which file a descriptor stands for: the same name is the same file, until another takes its place.
        let (mut descriptors, mut inodes, mut files) = (BTreeMap::new(), BTreeMap::new(), 0);
        let relative = |bytes: &[u8]| {
            let path = String::from_utf8_lossy(bytes).into_owned();
            path.strip_prefix(root.as_str()).unwrap_or(&path).trim_start_matches('/').to_owned()
        };
        while let Some((head, tail)) = rest.split_at_checked(17) {
            let descriptor = u32::from_ne_bytes(head[1..5].try_into().unwrap());
            let place = usize::try_from(u64::from_ne_bytes(head[5..13].try_into().unwrap())).unwrap();
            let count = usize::try_from(u32::from_ne_bytes(head[13..17].try_into().unwrap())).unwrap();
            let (data, next) = tail.split_at_checked(count).ok_or("the recording is torn")?;
            rest = next;
            let file = descriptors.get(&descriptor).copied().unwrap_or(usize::MAX);
            deeds.push(match head[0] {
                b'o' => {
                    let name = relative(data);
                    let file = *inodes.entry(name.clone()).or_insert_with(|| {
                        files += 1;
                        files - 1
                    });
                    descriptors.insert(descriptor, file);
                    Deed::Opened { file, name, made: place == 1 }
                }
                b'w' => Deed::Wrote { file, at: place, bytes: data.to_vec() },
                b't' => Deed::Cut { file, length: place },
                b's' => Deed::Synced { file },
                b'u' => {
                    inodes.remove(&relative(data));
                    Deed::Unlinked { name: relative(data) }
                }
                b'r' => {
                    let middle = data.iter().position(|b| *b == 0).ok_or("a rename has no second name")?;
                    let (from, to) = (relative(&data[..middle]), relative(&data[middle + 1..]));
                    if let Some(file) = inodes.remove(&from) {
                        inodes.insert(to.clone(), file);
                    }
                    Deed::Renamed { from, to }
                }
                other => return Err(format!("the recording holds an entry {other}")),
            });
        }
        Ok(Self { deeds })
    }

    pub(crate) fn len(&self) -> usize {
        self.deeds.len()
    }

    /// How many syncs it holds.
    pub(crate) fn syncs(&self) -> usize {
        self.deeds.iter().filter(|deed| matches!(deed, Deed::Synced { .. })).count()
    }

    /// The files after a cut behind so many deeds, and the last record that was acknowledged before it.
    pub(crate) fn cut(&self, at: usize, dice: &mut Dice, trust: Trust) -> (BTreeMap<String, Vec<u8>>, u64) {
        let mut disk = Disk::default();
        for (number, deed) in self.deeds[..at].iter().enumerate() {
            let honoured = match (trust, deed) {
                (Trust::Syncs, _) => true,
                (Trust::Nothing, Deed::Synced { .. }) => false,
                (Trust::LateLog, Deed::Synced { file }) => !disk.is_log(*file) || self.moves_the_log(number, &disk),
                _ => true,
            };
            if honoured {
                disk.take(deed);
            }
        }
        disk.after_the_cut(dice)
    }

    /// Whether the ledger itself is written next.
    fn moves_the_log(&self, at: usize, disk: &Disk) -> bool {
        let next = self.deeds[at + 1..].iter().find_map(|deed| match deed {
            Deed::Wrote { file, .. } => Some(disk.names.iter().any(|(name, f)| f == file && name.ends_with(".sqlite"))),
            _ => None,
        });
        next == Some(true)
    }
}

#[derive(Debug, Default)]
struct Disk {
    /// The names as the process sees them, and as they are on the disk for sure.
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    renamings: Vec<Naming>,
    files: BTreeMap<usize, Content>,
    acknowledged: u64,
}

impl Disk {
    fn is_log(&self, file: usize) -> bool {
        self.names.iter().any(|(name, f)| *f == file && name.ends_with("-wal"))
    }

    fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Opened { file, name, made } => {
                self.names.insert(name.clone(), *file);
                self.files.entry(*file).or_default();
                if *made {
                    self.renamings.push(Naming::Is(name.clone(), *file));
                }
            }
            Deed::Wrote { file, bytes, .. } if self.names.get(ACKNOWLEDGED) == Some(file) => {
                self.acknowledged = String::from_utf8_lossy(bytes).trim().parse().unwrap();
            }
            Deed::Wrote { file, .. } | Deed::Cut { file, .. } => {
                self.files.entry(*file).or_default().since.push(deed.clone());
            }
            Deed::Synced { file } => self.sync(*file),
            Deed::Renamed { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
                self.renamings.push(Naming::Moved(from.clone(), to.clone()));
            }
            Deed::Unlinked { name } => {
                self.names.remove(name);
                self.renamings.push(Naming::Gone(name.clone()));
            }
        }
    }

    /// A file's content is safe, or, of a folder, the names in it.
    fn sync(&mut self, file: usize) {
        let content = self.files.entry(file).or_default();
        for deed in std::mem::take(&mut content.since) {
            apply(&mut content.safe, &deed);
        }
        let folder = self.names.iter().find(|(_, f)| **f == file).map(|(name, _)| name.clone());
        let (safe, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.renamings).into_iter().partition(|n| Some(n.folder()) == folder.as_deref());
        self.renamings = open;
        for naming in safe {
            rename(&mut self.safe_names, naming);
        }
    }

    /// What is there when the power comes back. Names change in their order up to some moment; of each file's own
    /// writes any may be there, whole or torn.
    fn after_the_cut(mut self, dice: &mut Dice) -> (BTreeMap<String, Vec<u8>>, u64) {
        let kept = usize::try_from(dice.below(self.renamings.len() as u64 + 1)).unwrap();
        for naming in self.renamings.drain(..kept) {
            rename(&mut self.safe_names, naming);
        }
        // None, all, the first of them, or any of them.
        let (manner, mut files) = (dice.below(4), BTreeMap::new());
        for (name, file) in &self.safe_names {
            let Content { mut safe, since } = self.files.remove(file).unwrap_or_default();
            let first = dice.below(since.len() as u64 + 1);
            for (number, deed) in (0..).zip(&since) {
                let arrived = match manner {
                    0 => false,
                    1 => true,
                    2 => number < first,
                    _ => dice.percent(50),
                };
                if arrived {
                    apply(&mut safe, deed);
                } else if manner > 1 && dice.percent(30) {
                    tear(&mut safe, deed, dice);
                }
            }
            files.insert(name.clone(), safe);
        }
        files.retain(|name, _| name != ACKNOWLEDGED && !name.is_empty());
        (files, self.acknowledged)
    }
}

fn rename(names: &mut BTreeMap<String, usize>, naming: Naming) {
    match naming {
        Naming::Is(name, file) => drop(names.insert(name, file)),
        Naming::Gone(name) => drop(names.remove(&name)),
        Naming::Moved(from, to) => {
            if let Some(file) = names.remove(&from) {
                names.insert(to, file);
            }
        }
    }
}

fn apply(content: &mut Vec<u8>, deed: &Deed) {
    match deed {
        Deed::Wrote { at, bytes, .. } => {
            content.resize(content.len().max(at + bytes.len()), 0);
            content[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Deed::Cut { length, .. } => content.resize(*length, 0),
        _ => {}
    }
}

/// Some sectors of a write arrive.
fn tear(content: &mut Vec<u8>, deed: &Deed, dice: &mut Dice) {
    let Deed::Wrote { file, at, bytes } = deed else { return };
    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
        if dice.percent(50) {
            apply(content, &Deed::Wrote { file: *file, at: at + number * SECTOR, bytes: sector.to_vec() });
        }
    }
}
