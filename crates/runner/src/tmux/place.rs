//! Where the things of a session lie.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Digest, ProjectName};
use nix::unistd::getuid;

/// The longest path a Unix socket can have on every system, in bytes.
const SOCKET_PATH: usize = 103;

/// The folder of a session, and the socket of its tmux server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) dir: Utf8PathBuf,
    pub(super) socket: Utf8PathBuf,
}

impl Place {
    /// The place of a project's session within the state directory. Nothing is made yet.
    pub(super) fn new(state_dir: &Utf8Path, project: &ProjectName) -> Self {
        let dir = state_dir.join("sessions").join(project.as_str());
        let dir = std::path::absolute(&dir).ok().and_then(|dir| Utf8PathBuf::from_path_buf(dir).ok()).unwrap_or(dir);
        let socket = dir.join("tmux.sock");
        let socket = if socket.as_str().len() <= SOCKET_PATH { socket } else { short(&dir) };
        Self { dir, socket }
    }

    /// Whether the socket lies elsewhere because its path would have been too long.
    pub(super) fn is_elsewhere(&self) -> bool {
        !self.socket.starts_with(&self.dir)
    }

    /// The file that a hook of the agent's writes when it has done.
    pub(super) fn done(&self) -> Utf8PathBuf {
        self.dir.join("done")
    }

    /// What is known of the server that was started here.
    pub(super) fn server(&self) -> Utf8PathBuf {
        self.dir.join("server.json")
    }

    /// Makes the folders, for the owner alone.
    pub(super) fn make(&self) -> io::Result<()> {
        for folder in ["home", "tmp"] {
            private(&self.dir.join(folder))?;
        }
        let around = self.socket.parent().unwrap_or(&self.dir);
        private(around)?;
        if self.is_elsewhere() {
            // The folder is where everybody can write: somebody else may have made it before.
            let found = fs::symlink_metadata(around)?;
            if !found.is_dir() || found.uid() != getuid().as_raw() || found.mode() & 0o077 != 0 {
                let what = format!("{around} is not a folder of yours alone; remove it, or use a shorter `state-dir`");
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
            }
        }
        Ok(())
    }
}

fn private(dir: &Utf8Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// A path that is short, the same for the same folder, and does not hang on the environment: a run by hand and one by
/// cron must find the same server.
fn short(dir: &Utf8Path) -> Utf8PathBuf {
    let digest = Digest::of(dir.as_str().as_bytes());
    let name = digest.as_str().get(..16).unwrap_or_default().to_owned();
    Utf8PathBuf::from(format!("/tmp/dayfly-{}/{name}.sock", getuid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_is_replaced_by_a_short_one_that_stays_the_same() {
        let project = ProjectName::new("notes").unwrap();
        let near = Place::new(Utf8Path::new("/srv/state"), &project);
        assert_eq!(near.socket, "/srv/state/sessions/notes/tmux.sock");
        let long = Utf8PathBuf::from(format!("/srv/{}", "deep/".repeat(30)));
        let far = Place::new(&long, &project);
        assert!(far.is_elsewhere() && far.socket.as_str().len() <= SOCKET_PATH, "{}", far.socket);
        assert_eq!(far.socket, Place::new(&long, &project).socket);
        assert_ne!(far.socket, Place::new(&long, &ProjectName::new("other").unwrap()).socket);
    }
}
