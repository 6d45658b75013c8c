//! What an attempt's own repository says its commit is, read as data.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;
use nix::fcntl::OFlag;

/// The most bytes of a file that holds one reference.
const MOST_REF: u64 = 4096;

/// The most bytes of the file that holds many.
const MOST_PACKED: u64 = 32 << 20;

/// How many references may lead from one to the next; git itself follows as many.
const MOST_STEPS: usize = 5;

/// The commit at which `HEAD` in a git directory stands; `None` if there is no `HEAD` at all. `digits` are in the
/// name of an object.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_head(git_dir: &Utf8Path, digits: usize) -> Result<Option<Commit>, String> {
    if !is_folder(git_dir).map_err(|why| format!("`.git` {why}"))? {
        return Ok(None);
    }
    let Some(mut text) = plain(git_dir, "HEAD", MOST_REF)? else { return Ok(None) };
    let mut name = "HEAD".to_owned();
    for _ in 0..=MOST_STEPS {
        let line = text.strip_suffix('\n').unwrap_or(&text);
        if is_name(line, digits) {
            return Ok(Some(Commit(line.to_owned())));
        }
        let Some(next) = line.strip_prefix("ref:").map(str::trim) else {
            return Err(format!("`{name}` names neither a commit nor a reference"));
        };
        if !is_reference(next) {
            return Err(format!("`{name}` names something that is no reference"));
        }
        next.clone_into(&mut name);
        text = match plain(git_dir, &name, MOST_REF)? {
            Some(text) => text,
            None => packed(git_dir, &name, digits)?.ok_or_else(|| format!("`{name}` does not exist"))?,
        };
    }
    Err("`HEAD` leads through too many references".into())
}

/// A reference from the file that holds many.
fn packed(git_dir: &Utf8Path, name: &str, digits: usize) -> Result<Option<String>, String> {
    let Some(text) = plain(git_dir, "packed-refs", MOST_PACKED)? else { return Ok(None) };
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.find(|(commit, named)| *named == name && is_name(commit, digits)).map(|(commit, _)| commit.to_owned()))
}

/// Whether a text is the full name of an object.
fn is_name(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text is a reference's name by git's own rules; such a name leads nowhere but below the git directory.
fn is_reference(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let odd = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    name.starts_with("refs/") && name.split('/').all(part) && !name.contains("..") && !name.contains(odd)
}

/// Whether a folder is there. What is there and no folder is an error.
pub(super) fn is_folder(path: &Utf8Path) -> Result<bool, String> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(found) if found.is_symlink() => Err("is a symbolic link".into()),
        Ok(_) => Err("is no folder".into()),
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(false),
        Err(err) => Err(format!("cannot be read: {err}")),
    }
}

/// The text of a plain file below `top`; `None` if there is none. No symbolic link is followed.
fn plain(top: &Utf8Path, name: &str, most: u64) -> Result<Option<String>, String> {
    let mut folder = Utf8PathBuf::from(top);
    let mut parts: Vec<_> = Utf8Path::new(name).components().collect();
    let Some(Utf8Component::Normal(last)) = parts.pop() else { return Err(format!("`{name}` names no file")) };
    for part in parts {
        folder.push(part);
        match is_folder(&folder) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(why) => return Err(format!("the folder of `{name}` {why}")),
        }
    }
    // A pipe must not make us wait for somebody who writes.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = match File::options().read(true).custom_flags(flags.bits()).open(folder.join(last)) {
        Ok(file) => file,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) if folder.join(last).is_symlink() => return Err(format!("`{name}` is a symbolic link")),
        Err(err) => return Err(format!("`{name}` cannot be read: {err}")),
    };
    match file.metadata() {
        // An empty folder stays where references of that name were.
        Ok(found) if found.is_dir() => return Ok(None),
        Ok(found) if !found.is_file() => return Err(format!("`{name}` is no plain file")),
        Ok(found) if found.len() > most => return Err(format!("`{name}` is larger than {most} bytes")),
        Ok(_) => {}
        Err(err) => return Err(format!("`{name}` cannot be read: {err}")),
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(|err| format!("`{name}` cannot be read: {err}"))?;
    // Other references may have any name; the one looked for is text.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
