//! Reading the file an agent leaves its proposal in. The agent made it: it may be anything.

use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::Utf8Path;
use dayfly_core::Proposal;
use nix::fcntl::OFlag;

use super::ground::Ground;

/// The file's bytes, and one more than a proposal may have if there are more; `None` if there is no file.
///
/// A link is not followed, a pipe is not waited for, and no more than that is ever read.
pub(super) async fn read(ground: &Ground, path: &Utf8Path) -> io::Result<Option<Vec<u8>>> {
    let path = path.to_owned();
    let read = move || {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = match std::fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        file.take(Proposal::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    let failed = || Err(io::Error::other("the reading of it failed"));
    ground.blocking(read).await.unwrap_or_else(failed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::sys::stat::Mode;

    use super::*;

    #[tokio::test]
    async fn what_an_agent_leaves_is_neither_waited_for_nor_followed_nor_read_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| Utf8Path::from_path(dir.path()).unwrap().join(name);
        let read = async |path: &Utf8Path| read(&Ground::Machine, path).await;
        assert_eq!(read(&path("none")).await.unwrap(), None);
        fs::write(path("good"), "{}").unwrap();
        assert_eq!(read(&path("good")).await.unwrap().unwrap(), b"{}");
        nix::unistd::mkfifo(path("pipe").as_std_path(), Mode::S_IRWXU).unwrap();
        assert!(read(&path("pipe")).await.is_err());
        std::os::unix::fs::symlink("/dev/zero", path("link")).unwrap();
        assert!(read(&path("link")).await.is_err());
        fs::create_dir(path("folder")).unwrap();
        assert!(read(&path("folder")).await.is_err());
        fs::write(path("large"), vec![b' '; Proposal::MAX_BYTES * 2]).unwrap();
        assert_eq!(read(&path("large")).await.unwrap().unwrap().len(), Proposal::MAX_BYTES + 1);
    }
}
