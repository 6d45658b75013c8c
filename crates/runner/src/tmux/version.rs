//! Which tmux is there, and whether it will do.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::program::find_program;

/// The oldest tmux that tells a watching client what becomes of panes.
const OLDEST: (u32, u32) = (3, 2);
/// How long tmux may take to tell its version; it asks no server for it.
const PATIENCE: Duration = Duration::from_secs(5);

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
    let said = said(program).ok_or_else(|| format!("`{} -V` does not tell a version", program.display()))?;
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
    if text.is_none() {
        let _ = child.kill();
    }
    let _ = child.wait();
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_whatever_follows_them() {
        let numbers = ["tmux 3.3a", "tmux 1.8", "tmux next-3.6", "tmux openbsd-7.4", "tmux master"].map(number);
        assert_eq!(numbers, [Some((3, 3)), Some((1, 8)), Some((3, 6)), None, None]);
    }
}
