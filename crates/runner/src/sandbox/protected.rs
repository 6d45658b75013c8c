//! Which protected paths are there in a working copy. Only what is there can be locked.

use camino::{Utf8Path, Utf8PathBuf};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::SandboxError;

/// The most paths that are locked. A mount each is cheap, but not without end; the gate `protected-paths` looks at all.
const MOST: usize = 1000;

/// The protected paths of a working copy: files that a glob names, and folders all of which one does.
pub(super) fn existing(root: &Utf8Path, globs: &[String]) -> Result<Vec<Utf8PathBuf>, SandboxError> {
    let files = set(globs.iter().map(String::as_str))?;
    // A folder is locked as a whole, so that nothing is added to it either.
    let folders = set(globs.iter().filter_map(|glob| glob.strip_suffix("/**")))?;
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        // What cannot be read here the agent, who is the same user, cannot read either.
        let Ok(entries) = folder.read_dir_utf8() else { continue };
        for entry in entries.filter_map(Result::ok) {
            let (path, kind) = (entry.path(), entry.file_type());
            let (Ok(name), Ok(kind)) = (path.strip_prefix(root), kind) else { continue };
            // A link cannot be locked: what would be mounted is where it leads.
            if kind.is_symlink() {
                continue;
            }
            let is_folder = kind.is_dir();
            if files.is_match(name) || is_folder && folders.is_match(name) {
                found.push(path.to_owned());
            } else if is_folder && name != ".git" {
                left.push(path.to_owned());
            }
            if found.len() == MOST {
                return Ok(found);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The globs, read as the gate reads them: against the whole path, whatever its case.
fn set<'a>(globs: impl Iterator<Item = &'a str>) -> Result<GlobSet, SandboxError> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let bad = |_| SandboxError::Glob { glob: glob.to_owned() };
        set.add(GlobBuilder::new(glob).case_insensitive(true).build().map_err(bad)?);
    }
    set.build().map_err(|err| SandboxError::Glob { glob: err.glob().unwrap_or_default().to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_and_whole_folders_that_are_there_are_found_whatever_their_case() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        for path in
            [".github/workflows/ci.yml", "docs/agents.md", "AGENTS.md", "src/a.rs", ".git/AGENTS.md", "x/.claude/y"]
        {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        let globs = [".github/**", "**/AGENTS.md", "**/.claude/**", "missing/**"].map(str::to_owned);
        let found: Vec<String> =
            existing(root, &globs).unwrap().iter().map(|p| p.strip_prefix(root).unwrap().to_string()).collect();
        assert_eq!(found, [".github", "AGENTS.md", "docs/agents.md", "x/.claude"]);
        assert!(existing(root, &["a[".to_owned()]).is_err());
    }
}
