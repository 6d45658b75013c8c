//! Taking what an attempt committed out of its own repository, into the trusted git directory.
//!
//! Nothing of the agent's repository is believed but bytes that have the hash they go by. Its packs and objects are
//! linked into a folder of the engine's, without whatever else lies beside them: alternates, indexes over many
//! packs, commit graphs. What is new in there is packed, and the pack is read, hashed and checked for broken form and
//! broken links by a second git that knows only the trusted git directory.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;
use tokio::process::Command;

use super::command::{brief, run_pair};
use super::copy::remove;
use super::head::{is_folder, read_head};
use super::trusted::borrowed;
use super::{GitError, Output, TrustedGit};

/// The most files of objects and packs that are looked at.
const MOST_FILES: usize = 200_000;

/// The most bytes they may have together, and the most that are taken over.
const MOST_BYTES: u64 = 4 << 30;

/// The most memory that git may ask for at once for what an agent left.
const MOST_MEMORY: &str = "1g";

/// What a host says that cannot write, whatever is to be written.
const HOST: [&str; 4] = ["No space left", "quota exceeded", "Read-only file system", "Permission denied"];

impl TrustedGit {
    /// The commit at which the working copy stands, taken into the trusted git directory with all that it needs. `None` if no
    /// repository is there: one that was not made to the end, or was removed.
    ///
    /// # Errors
    /// [`GitError::Left`] if what is there is not what git would have left; or if git cannot be run.
    pub async fn take(&self, tree: &Utf8Path, known: &[&Commit]) -> Result<Option<Commit>, GitError> {
        let left = |why| GitError::Left { place: tree.to_owned(), why };
        let digits = if self.own.format == "sha1" { 40 } else { 64 };
        let Some(commit) = read_head(&tree.join(".git"), digits).map_err(left)? else { return Ok(None) };
        let aside = self.aside(tree);
        if known.contains(&&commit) || fs::read_to_string(aside.join("commit")).is_ok_and(|made| made == commit.0) {
            return Ok(Some(commit));
        }
        let taken = aside.join("taken");
        remove(&taken).await?;
        let objects = Gather { from: tree.join(".git/objects"), into: taken.clone(), digits, files: 0, bytes: 0 };
        let lent = borrowed(&self.own.git_dir.join("objects"))?;
        let gathered = tokio::task::spawn_blocking(move || objects.all(&lent)).await.map_err(io::Error::other);
        gathered.map_err(GitError::Run)?.map_err(|fault| match fault {
            Fault::Left(why) => left(why),
            Fault::Files(path, source) => GitError::Files { path, source },
        })?;
        let mut packs = self.own.command();
        packs.env("GIT_OBJECT_DIRECTORY", &taken);
        let known: String = known.iter().map(|commit| format!("^{}\n", commit.0)).collect();
        let done = transfer(packs, self.own.command(), tree, &format!("{}\n{known}", commit.0)).await;
        remove(&taken).await?;
        match done? {
            Ok(()) => Ok(Some(commit)),
            Err(refused) if HOST.iter().any(|word| refused.contains(word)) => {
                Err(GitError::Failed { command: "index-pack".into(), place: self.own.git_dir.clone(), said: refused })
            }
            Err(refused) => Err(left(refused)),
        }
    }

    /// Gives a commit, and what of its history the user's repository does not hold, to that repository.
    ///
    /// # Errors
    /// If git refuses.
    pub(super) async fn give(&self, commit: &Commit) -> Result<(), GitError> {
        if self.user.resolve(&commit.0).await?.is_some() {
            return Ok(());
        }
        let known = self.user.must(&["for-each-ref", "--format=^%(objectname)", "refs/heads"]).await?;
        let wanted = format!("{}\n{known}\n", commit.0);
        let given = transfer(self.own.command(), self.user.command(), &self.user.git_dir, &wanted).await?;
        let place = self.user.git_dir.clone();
        given.map_err(|said| GitError::Failed { command: "index-pack".into(), place, said })
    }
}

/// Packs what `wanted` names by the one command, and takes the pack in by the other, which checks all of it. The inner error is
/// what git has to say against it.
async fn transfer(
    mut packs: Command,
    mut takes: Command,
    place: &Utf8Path,
    wanted: &str,
) -> Result<Result<(), String>, GitError> {
    // What lies beside a pack and speeds this up is no evidence.
    packs.args(["-c", "pack.useBitmaps=false", "-c", "core.commitGraph=false", "-c", "core.multiPackIndex=false"]);
    packs.args(["-c", "core.bigFileThreshold=16m", "-c", "pack.threads=1"]);
    packs.args(["pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset"]);
    takes.args(["-c", "core.bigFileThreshold=16m", "-c", "pack.threads=1", "index-pack", "--stdin", "--strict"]);
    takes.arg(format!("--max-input-size={MOST_BYTES}"));
    for command in [&mut packs, &mut takes] {
        command.env("GIT_ALLOC_LIMIT", MOST_MEMORY);
    }
    let (packed, taken) = run_pair((packs, "pack-objects"), (takes, "index-pack"), place, wanted).await?;
    // One that was ended by the other's end does not know why; of two that do, it is the first.
    let both = [("pack-objects", &packed), ("index-pack", &taken)];
    let fault = both
        .into_iter()
        .filter(|(_, output)| !output.good)
        .max_by_key(|(name, output)| (output.code.is_some(), *name == "pack-objects"));
    let Some((name, output)) = fault else { return Ok(Ok(())) };
    if output.code.is_none() {
        return Err(super::failed(name, place, output));
    }
    Ok(Err(said(output)))
}

/// What git has to say against it.
fn said(output: &Output) -> String {
    let line = output.stderr.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    let line = line.or_else(|| output.stderr.lines().last()).unwrap_or("git said nothing");
    brief(line.trim_start_matches("fatal: ").trim_start_matches("error: "))
}

enum Fault {
    Left(String),
    Files(Utf8PathBuf, io::Error),
}

/// Links the objects and packs of an attempt's repository into a folder of the engine's.
struct Gather {
    from: Utf8PathBuf,
    into: Utf8PathBuf,
    digits: usize,
    files: usize,
    bytes: u64,
}

impl Gather {
    fn all(mut self, lent: &str) -> Result<(), Fault> {
        let info = self.into.join("info");
        let made = fs::create_dir_all(&info).and_then(|()| fs::write(info.join("alternates"), lent));
        made.map_err(|err| Fault::Files(info, err))?;
        if !is_folder(&self.from).map_err(|why| Fault::Left(format!("`.git/objects` {why}")))? {
            return Err(Fault::Left("`.git/objects` is not there".into()));
        }
        let digits = self.digits;
        for entry in self.from.read_dir_utf8().map_err(unread)?.flatten() {
            let name = entry.file_name().to_owned();
            if name == "pack" {
                self.folder(&name, |file| {
                    let stem = file.strip_suffix(".pack").or_else(|| file.strip_suffix(".idx"));
                    stem.and_then(|stem| stem.strip_prefix("pack-")).is_some_and(|hash| is_hex(hash, digits))
                })?;
            } else if is_hex(&name, 2) {
                self.folder(&name, |file| is_hex(file, digits - 2))?;
            }
        }
        Ok(())
    }

    /// Links the files of one folder that are wanted. What is no plain file does not count.
    fn folder(&mut self, name: &str, wanted: impl Fn(&str) -> bool) -> Result<(), Fault> {
        let (from, into) = (self.from.join(name), self.into.join(name));
        if is_folder(&from) != Ok(true) {
            return Ok(());
        }
        let mut made = false;
        for entry in from.read_dir_utf8().map_err(unread)?.flatten() {
            let Ok(found) = fs::symlink_metadata(entry.path()) else { continue };
            if !found.is_file() || !wanted(entry.file_name()) {
                continue;
            }
            (self.files, self.bytes) = (self.files + 1, self.bytes.saturating_add(found.len()));
            if self.files > MOST_FILES || self.bytes > MOST_BYTES {
                let most = MOST_BYTES >> 30;
                return Err(Fault::Left(format!("it has more than {MOST_FILES} objects or {most} GiB of them")));
            }
            if !made {
                fs::create_dir(&into).map_err(|err| Fault::Files(into.clone(), err))?;
                made = true;
            }
            let to = into.join(entry.file_name());
            // Where no link can be made, as between two file systems, the bytes are copied.
            let linked = fs::hard_link(entry.path(), &to).or_else(|_| fs::copy(entry.path(), &to).map(drop));
            linked.map_err(|err| Fault::Files(entry.path().to_owned(), err))?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used in map_err")]
fn unread(err: io::Error) -> Fault {
    Fault::Left(format!("`.git/objects` cannot be read: {err}"))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
