//! The trusted git directory: the engine's own, where the work of attempts is looked at and kept.

use std::io::{Error, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;

use super::{Git, GitError};

/// So many packs are brought together when the directory is opened.
const MANY_PACKS: usize = 50;

/// The most folders of objects that are followed.
const MOST_LENT: usize = 32;

/// A repository of the user's, and the engine's own git directory for the work of attempts on it.
#[derive(Debug, Clone)]
pub struct TrustedGit {
    /// The user's.
    pub(super) user: Git,
    /// The engine's own.
    pub(super) own: Git,
}

impl TrustedGit {
    /// Opens the trusted git directory at `dir`, and makes it, or what of it is missing. What an engine that was killed left half
    /// written there is removed: nobody else may be at work in it.
    ///
    /// # Errors
    /// If files cannot be written.
    pub async fn open(user: Git, dir: &Utf8Path) -> Result<Self, GitError> {
        let files = |source| GitError::Files { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(files)?;
        let dir = dir.canonicalize_utf8().map_err(files)?;
        make(&user, &dir)?;
        let own = Git {
            checkout: dir.clone(),
            git_dir: dir.clone(),
            own: None,
            format: user.format.clone(),
            // The history that is borrowed ends where the user's does.
            shallow: Some(user.git_dir.join("shallow")),
        };
        let trusted = Self { user, own };
        if packs(&dir) >= MANY_PACKS {
            // It costs only speed if this does not come to its end.
            drop(trusted.own.run(&["repack", "-A", "-d", "-l", "-q"]).await);
        }
        Ok(trusted)
    }

    /// The repository as the user has it.
    pub fn user(&self) -> &Git {
        &self.user
    }

    /// Everything that attempts made, and all that the user's repository holds, for reading.
    pub fn work(&self) -> &Git {
        &self.own
    }

    /// The folders of objects that a working copy borrows from: what an agent in a sandbox must be able to read besides its
    /// own files, and need not be able to write.
    pub fn lends(&self) -> Vec<Utf8PathBuf> {
        let mut folders = vec![self.own.git_dir.join("objects")];
        let mut seen = 0;
        // The user's repository may borrow in turn. Git follows as far, and no chain is endless.
        while let Some(folder) = folders.get(seen).cloned()
            && folders.len() < MOST_LENT
        {
            let lines = std::fs::read_to_string(folder.join("info/alternates")).unwrap_or_default();
            let next = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            for path in next.filter_map(|line| folder.join(line).canonicalize_utf8().ok()) {
                if !folders.contains(&path) {
                    folders.push(path);
                }
            }
            seen += 1;
        }
        folders
    }

    /// Keeps a commit under dayfly's own refs, in the trusted git directory.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn keep(&self, name: &str, commit: &Commit) -> Result<(), GitError> {
        self.own.must(&["update-ref", &format!("refs/dayfly/{name}"), &commit.0]).await.map(drop)
    }

    /// Whether an attempt made exactly this commit.
    pub(super) async fn is_kept(&self, commit: &Commit) -> Result<bool, GitError> {
        // What somebody else made is not even here.
        let points = format!("--points-at={}", commit.0);
        Ok(!self.own.must(&["for-each-ref", "--count=1", &points, "refs/dayfly/"]).await?.is_empty())
    }
}

/// The settings of a git directory that the engine writes.
pub(super) fn settings(format: &str, bare: bool) -> String {
    let (version, extensions) = match format {
        "sha1" => (0, String::new()),
        other => (1, format!("[extensions]\n\tobjectFormat = {other}\n")),
    };
    // What `git init` finds out about the file system.
    let system = if cfg!(target_os = "macos") { "\tignorecase = true\n\tprecomposeunicode = true\n" } else { "" };
    format!("[core]\n\trepositoryformatversion = {version}\n\tbare = {bare}\n\tfilemode = true\n{system}{extensions}")
}

/// A path as a line of `objects/info/alternates`.
pub(super) fn borrowed(objects: &Utf8Path) -> Result<String, GitError> {
    if objects.as_os_str().as_bytes().contains(&b'\n') {
        let source =
            Error::new(ErrorKind::InvalidInput, "a repository whose path holds a line end cannot be borrowed from");
        return Err(GitError::Files { path: objects.to_owned(), source });
    }
    Ok(format!("{objects}\n"))
}

/// Writes what is missing, or is not as it must be. Each file is whole or not there.
fn make(user: &Git, dir: &Utf8Path) -> Result<(), GitError> {
    for folder in ["objects/info", "objects/pack", "refs", "trees"] {
        let path = dir.join(folder);
        std::fs::create_dir_all(&path).map_err(|source| GitError::Files { path, source })?;
    }
    let objects = borrowed(&user.git_dir.join("objects"))?;
    for (name, text) in [
        ("config", settings(&user.format, true)),
        ("objects/info/alternates", objects),
        ("HEAD", "ref: refs/heads/none\n".to_owned()),
    ] {
        let path = dir.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|now| now == text) {
            continue;
        }
        let aside = dir.join("new");
        let written = std::fs::write(&aside, text).and_then(|()| std::fs::rename(&aside, &path));
        written.map_err(|source| GitError::Files { path, source })?;
    }
    unlock(dir);
    Ok(())
}

/// Removes locks and unfinished packs. Whatever wrote them is gone.
fn unlock(dir: &Utf8Path) {
    let mut folders = vec![dir.to_owned(), dir.join("objects/pack"), dir.join("objects/info")];
    for top in ["refs", "trees"] {
        below(&dir.join(top), &mut folders);
    }
    for entry in folders.iter().filter_map(|folder| folder.read_dir_utf8().ok()).flatten().flatten() {
        let name = entry.file_name();
        if name.ends_with(".lock") || name.starts_with("tmp_") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A folder and all folders in it.
fn below(folder: &Utf8Path, found: &mut Vec<Utf8PathBuf>) {
    found.push(folder.to_owned());
    for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(entry.path(), found);
        }
    }
}

fn packs(dir: &Utf8Path) -> usize {
    let entries = dir.join("objects/pack").read_dir_utf8().into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().ends_with(".pack")).count()
}
