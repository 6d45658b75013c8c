//! The file by which an agent tells its end. The agent made it: it may be anything.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use nix::fcntl::OFlag;

/// The file by which an agent tells that it has done.
pub(super) fn done_file(dir: &Utf8Path) -> Utf8PathBuf {
    dir.join("done")
}

/// What the text in the file of an ended attempt says; `None` as long as it says nothing.
pub(super) fn told(text: &str) -> Option<Result<(), String>> {
    let text = text.trim();
    match text.strip_prefix("failed") {
        _ if text.is_empty() => None,
        Some(why) => Some(Err(why.trim_start_matches(':').trim().to_owned())),
        None => Some(Ok(())),
    }
}

/// The beginning of a file's text, at most `most` bytes of it; `None` if it cannot be read or is no regular file.
///
/// A link is not followed, and a pipe is not waited for: who waits could not be told to leave off, and would hold up the
/// engine's own end.
pub(super) async fn read(path: Utf8PathBuf, most: u64) -> Option<String> {
    let read = move || {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::sys::stat::Mode;

    use super::*;

    #[test]
    fn a_file_says_nothing_before_it_is_written() {
        assert_eq!(told(""), None);
        assert_eq!(told("\n"), None);
        assert_eq!(told("succeeded\n"), Some(Ok(())));
        assert_eq!(told("failed: no network\n"), Some(Err("no network".into())));
    }

    #[tokio::test]
    async fn what_an_agent_leaves_is_neither_waited_for_nor_followed_nor_read_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| Utf8Path::from_path(dir.path()).unwrap().join(name);
        let said = async |name: &str| read(path(name), 16).await;
        assert_eq!(said("none").await, None);
        fs::write(path("good"), "succeeded\n").unwrap();
        assert_eq!(said("good").await.as_deref(), Some("succeeded\n"));
        nix::unistd::mkfifo(path("pipe").as_std_path(), Mode::S_IRWXU).unwrap();
        assert_eq!(said("pipe").await, None);
        std::os::unix::fs::symlink(path("good"), path("link")).unwrap();
        assert_eq!(said("link").await, None);
        fs::create_dir(path("folder")).unwrap();
        assert_eq!(said("folder").await, None);
        fs::write(path("large"), "x".repeat(1 << 20)).unwrap();
        assert_eq!(said("large").await.unwrap().len(), 16);
    }
}
