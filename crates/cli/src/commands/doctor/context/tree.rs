//! The files of a plain folder.

use std::collections::VecDeque;

use camino::Utf8Path;

/// The most files that are looked at.
const MOST: usize = 50_000;

/// Folders that hold what others wrote, and what no agent reads by itself.
const LEFT_OUT: [&str; 3] = [".git", "node_modules", "target"];

/// The files below a folder, by their paths in it, those near its root first. Links are not followed.
pub(super) fn files(root: &Utf8Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = VecDeque::from([root.to_owned()]);
    while let Some(folder) = folders.pop_front() {
        // What cannot be read is no context of anybody's.
        let Ok(entries) = folder.read_dir_utf8() else { continue };
        for entry in entries.flatten() {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_dir && !LEFT_OUT.contains(&entry.file_name()) {
                folders.push_back(entry.path().to_owned());
            } else if !is_dir {
                files.extend(entry.path().strip_prefix(root).ok().map(|path| path.as_str().to_owned()));
            }
        }
        if files.len() > MOST {
            break;
        }
    }
    files.sort();
    files
}
