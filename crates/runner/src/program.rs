//! Programs on `PATH`, and what they say of themselves.

mod version;

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub use version::{VersionError, ask_version};

/// The first file named `program` that can be executed in the folders of `path`, or, if `program` holds a slash,
/// that file itself.
///
/// Entries of `path` that are not absolute are passed over: they would mean another folder in every working copy.
pub fn find_program(program: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|file| is_executable(file));
    }
    std::env::split_paths(path?)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn the_first_file_that_can_be_executed_is_found_and_no_folder_that_is_not_absolute_is_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str, mode| {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            file
        };
        place("a/tool", 0o644);
        let second = place("b/tool", 0o755);
        place("c/tool", 0o755);
        let path = std::env::join_paths(["a", "b", "c"].map(|name| dir.path().join(name))).unwrap();
        assert_eq!(find_program("tool", Some(&path)), Some(second.clone()));
        assert_eq!(find_program(second.to_str().unwrap(), None), Some(second));
        assert_eq!(find_program("other", Some(&path)), None);
        assert_eq!(find_program("true", Some(OsStr::new("../../../../../../bin:bin"))), None);
        assert_eq!(find_program("tool", None), None);
    }
}
