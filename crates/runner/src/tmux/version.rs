//! Which tmux is there, and whether it will do.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::program::find_program;

/// The oldest tmux that tells a watching client what becomes of panes.
const OLDEST: (u32, u32) = (3, 2);
/// How long tmux may take to tell its version; it asks no server for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon one is asked again that did not tell its version.
const AGAIN: Duration = Duration::from_secs(60);

/// What each tmux said. It is asked once, for whoever asks it waits.
static KNOWN: Mutex<BTreeMap<PathBuf, Known>> = Mutex::new(BTreeMap::new());

/// What a tmux said when it was asked.
#[derive(Debug, Clone)]
struct Known {
    file: FileId,
    asked: Instant,
    said: Option<String>,
}

/// A file as it was: device, number, size, and time of its last change with the nanoseconds.
type FileId = (u64, u64, u64, i64, i64);

/// The tmux on `PATH`, with its version; or what helps.
///
/// # Errors
/// If there is none, or it is older than 3.2.
pub fn find_tmux() -> Result<(PathBuf, String), String> {
    let path = std::env::var_os("PATH");
    let found = find_program("tmux", path.as_deref());
    let program = found.ok_or("tmux is not on PATH; install tmux 3.2 or newer, or mend PATH")?;
    let version = usable(&program)?;
    Ok((program, version))
}

/// The version of this tmux, if it will do.
pub(super) fn usable(program: &Path) -> Result<String, String> {
    let said = known(program).ok_or_else(|| format!("`{} -V` does not tell a version", program.display()))?;
    match number(&said) {
        Some(version) if version < OLDEST => Err(format!("{said} is too old; install tmux 3.2 or newer")),
        _ if said.starts_with("tmux ") => Ok(said),
        _ => Err(format!("{} is no tmux: it says `{said}`", program.display())),
    }
}

/// The version as a number. The one that comes with OpenBSD, and one built from its sources as they stand, has none.
fn number(said: &str) -> Option<(u32, u32)> {
    let version = said.strip_prefix("tmux ")?;
    let version = version.strip_prefix("next-").unwrap_or(version);
    let (major, rest) = version.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What it prints as its version. A tmux that was put in the place of another is asked anew.
fn known(program: &Path) -> Option<String> {
    let Some(file) = file_id(program) else { return said(program) };
    let before = all_known().get(program).filter(|known| known.file == file).cloned();
    if let Some(known) = before
        && (known.said.is_some() || known.asked.elapsed() < AGAIN)
    {
        return known.said;
    }
    // Nobody waits for this who asks about another one.
    let said = said(program);
    all_known().insert(program.to_owned(), Known { file, asked: Instant::now(), said: said.clone() });
    said
}

fn all_known() -> MutexGuard<'static, BTreeMap<PathBuf, Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn file_id(program: &Path) -> Option<FileId> {
    let file = fs::metadata(program).ok()?;
    Some((file.dev(), file.ino(), file.size(), file.ctime(), file.ctime_nsec()))
}

/// What it prints as its version, in a line.
fn said(program: &Path) -> Option<String> {
    let mut child = Command::new(program)
        .arg("-V")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let (send, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stdout.take(1000).read_to_string(&mut text);
        let _ = send.send(text);
    });
    let text = told.recv_timeout(PATIENCE).ok();
    // One that has said it all has nothing more to do.
    let _ = child.kill();
    let _ = child.wait();
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_tmux_is_asked_once_and_one_in_its_place_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (program, asked) = (dir.path().join("tmux"), dir.path().join("asked"));
        let install = |version: &str| {
            let new = dir.path().join("new");
            fs::write(&new, format!("#!/bin/sh\necho x >>{}\necho tmux {version}\n", asked.display())).unwrap();
            fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
            fs::rename(new, &program).unwrap();
        };
        let times = || fs::read_to_string(&asked).unwrap().lines().count();
        install("2.9a");
        assert!(usable(&program).unwrap_err().contains("too old"));
        assert!(usable(&program).unwrap_err().contains("too old"));
        assert_eq!(times(), 1);
        install("3.4");
        for _ in 0..3 {
            assert_eq!(usable(&program).as_deref(), Ok("tmux 3.4"));
        }
        assert_eq!(times(), 2);
    }

    #[test]
    fn versions_are_read_whatever_follows_them() {
        let numbers = ["tmux 3.3a", "tmux 1.8", "tmux next-3.6", "tmux openbsd-7.4", "tmux master"].map(number);
        assert_eq!(numbers, [Some((3, 3)), Some((1, 8)), Some((3, 6)), None, None]);
    }
}
