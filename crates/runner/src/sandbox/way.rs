//! The way to a path: the links that lead to it, which must be there too where it is shown under its name.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

/// What stands on the way to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A link, and what it says.
    Link(Utf8PathBuf),
    /// A folder that is entered only to leave it again by `..`.
    Folder,
}

/// The steps to an absolute path that is there, each where it really lies.
pub(super) fn steps(path: &Utf8Path) -> Vec<(Utf8PathBuf, Step)> {
    let mut found = Vec::new();
    let mut at = Utf8PathBuf::from("/");
    let mut left: Vec<Utf8PathBuf> = words(path);
    while let Some(word) = left.pop() {
        match word.as_str() {
            "/" => at = word,
            ".." => {
                found.push((at.clone(), Step::Folder));
                at.pop();
            }
            name => {
                let next = at.join(name);
                match next.read_link_utf8() {
                    Ok(target) => {
                        left.extend(words(&target));
                        found.push((next, Step::Link(target)));
                    }
                    Err(_) => at = next,
                }
            }
        }
        // A link that leads to itself has no end, and no path that is there has so many.
        if found.len() > MOST {
            break;
        }
    }
    found
}

/// More steps than the kernel follows links.
const MOST: usize = 256;

/// The words of a path, the first one last.
fn words(path: &Utf8Path) -> Vec<Utf8PathBuf> {
    let words = path.components().filter(|word| *word != Utf8Component::CurDir);
    words.rev().map(|word| Utf8PathBuf::from(word.as_str())).collect()
}

/// Where a path leads. Of one that is not there, where what is there of it leads.
pub(super) fn real(path: &Utf8Path) -> Utf8PathBuf {
    if let Ok(real) = path.canonicalize_utf8() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_left_folders_are_found_where_they_really_lie() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
        std::fs::create_dir_all(root.join("real/inner")).unwrap();
        symlink("real", root.join("alias")).unwrap();
        symlink(root.join("alias/inner"), root.join("far")).unwrap();
        let link = |at: &str, target: &Utf8Path| (root.join(at), Step::Link(target.to_owned()));
        assert_eq!(steps(&root.join("real/inner")), []);
        assert_eq!(
            steps(&root.join("far/../x")),
            [
                link("far", &root.join("alias/inner")),
                link("alias", Utf8Path::new("real")),
                (root.join("real/inner"), Step::Folder)
            ]
        );
        assert_eq!(real(&root.join("far")), root.join("real/inner"));
        assert_eq!(real(&root.join("alias/missing/file")), root.join("real/missing/file"));
    }
}
