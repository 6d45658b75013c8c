//! Removing a folder with all that is in it.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

/// Removes a folder with all that is in it. One that is not there is no error. Tools leave folders that nobody may write,
/// as Go does in its module cache: they are made writable first.
///
/// # Errors
/// If something in it cannot be removed.
pub(crate) fn remove_all(folder: &Utf8Path) -> io::Result<()> {
    let removed = match fs::remove_dir_all(folder) {
        Err(err) if err.kind() == ErrorKind::PermissionDenied => {
            open_up(folder)?;
            fs::remove_dir_all(folder)
        }
        // Something may still have been written to it while it was removed.
        Err(err) if err.kind() == ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(folder),
        other => other,
    };
    removed.or_else(|err| if err.kind() == ErrorKind::NotFound { Ok(()) } else { Err(err) })
}

/// [`remove_all`], where nothing may block.
pub(crate) async fn remove_folder(folder: &Utf8Path) -> io::Result<()> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || remove_all(&folder)).await.map_err(io::Error::other)?
}

/// Lets the owner write every folder in `folder`. Links are not followed.
fn open_up(folder: &Utf8Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(path) = camino::Utf8PathBuf::from_path_buf(entry.path())
        {
            open_up(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_nobody_may_write_are_removed_too_and_links_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let (home, outside) = (root.join("home"), root.join("outside"));
        fs::create_dir_all(home.join("go/pkg/mod")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(home.join("go/pkg/mod/file"), "").unwrap();
        std::os::unix::fs::symlink(&outside, home.join("link")).unwrap();
        for folder in ["go/pkg/mod", "go/pkg"] {
            fs::set_permissions(home.join(folder), fs::Permissions::from_mode(0o555)).unwrap();
        }
        let before = fs::metadata(&outside).unwrap().permissions();
        open_up(&home).unwrap();
        assert_eq!(fs::metadata(home.join("go/pkg/mod")).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(&outside).unwrap().permissions(), before);
        remove_all(&home).unwrap();
        remove_all(&home).unwrap();
        assert!(!home.exists() && outside.exists());
    }
}
