//! The files of the repository.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 4] = [".git", "target", ".dayfly", "node_modules"];

/// All files, ordered by path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// A file with its path from the root, parted by `/`. A file that is not UTF-8 has an empty text.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Tree {
    /// Reads everything below a folder.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// The file of that path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|f| f.path == path)
    }

    /// The files whose names end so.
    pub(crate) fn ending<'a>(&'a self, ends: &'a [&'a str]) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(|f| ends.iter().any(|end| f.path.ends_with(end)))
    }

    /// All paths, the folders' too.
    pub(crate) fn paths(&self) -> BTreeSet<&str> {
        let mut paths = BTreeSet::from([""]);
        for file in &self.files {
            let mut path = file.path.as_str();
            while paths.insert(path) {
                let Some((folder, _)) = path.rsplit_once('/') else { break };
                path = folder;
            }
        }
        paths
    }
}

impl File {
    /// Whether any folder on the way to the file has that name.
    pub(crate) fn is_under(&self, folder: &str) -> bool {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        parts.contains(&folder)
    }

    /// The file's own name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Samples that tests read are as they are.
    pub(crate) fn is_sample(&self) -> bool {
        self.path.contains("/tests/data/") || self.name().ends_with(".snap")
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&entry.path(), &path, files)?;
            }
        } else if kind.is_file() {
            let text = String::from_utf8(std::fs::read(entry.path())?).unwrap_or_default();
            files.push(File { path, text });
        }
    }
    Ok(())
}

/// The root of the repository: the folder above this package.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo that runs us, in the root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

#[cfg(test)]
impl Tree {
    /// A tree for a test.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { files: files.iter().map(file).collect() }
    }
}
