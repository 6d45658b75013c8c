//! The command line of bubblewrap.

use camino::Utf8Path;
use dayfly_core::Network;

use super::Ladder;
use super::view::{How, SYSTEM, TEMPORARY, View};
use super::way::{Step, real};

/// bubblewrap itself, and the first process of the new namespace.
pub(super) const WRAPPERS: usize = 2;

/// The oldest version that knows all of [`NAMESPACES`].
pub(super) const OLDEST: &str = "0.8.0";

/// Namespaces of its own, no further ones, and an end with whoever started it.
const NAMESPACES: [&str; 10] = [
    "--unshare-user",
    "--disable-userns",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--hostname",
    "dayfly",
    "--die-with-parent",
    "--new-session",
];

/// The folders that an attempt has for itself alone, and that end with it; and those of [`TEMPORARY`].
const PRIVATE: [[&str; 2]; 2] = [["--proc", "/proc"], ["--dev", "/dev"]];

/// Parts of `/proc` that settings of the kernel are written in. They belong to the superuser; where dayfly runs as that
/// user, so would its attempts, and they need no privilege to write them: a namespace is no help there.
const KERNEL: [&str; 4] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/fs", "/proc/mtrr"];

/// What comes before the program and its arguments.
pub(super) fn arguments(ladder: &Ladder, network: Network, view: &View, cwd: &Utf8Path) -> Vec<String> {
    let program = ladder.bwrap.as_deref().unwrap_or(Utf8Path::new("bwrap"));
    let mut argv = base(program, network);
    for (path, how) in view.iter() {
        match how {
            How::Read | How::Locked => argv.extend(["--ro-bind", path.as_str(), path.as_str()].map(str::to_owned)),
            How::Write => argv.extend(["--bind", path.as_str(), path.as_str()].map(str::to_owned)),
            How::Hidden => argv.extend(["--tmpfs", path.as_str()].map(str::to_owned)),
        }
    }
    // After all mounts, so that these lie in what was mounted last.
    for (path, step) in view.steps() {
        match step {
            Step::Link(target) => argv.extend(["--symlink", target.as_str(), path.as_str()].map(str::to_owned)),
            Step::Folder => argv.extend(["--dir", path.as_str()].map(str::to_owned)),
        }
    }
    argv.extend(["--remount-ro", "/", "--chdir", cwd.as_str(), "--"].map(str::to_owned));
    argv
}

/// Namespaces, the system's programs and private folders: what the probe tries, and what every attempt begins with.
pub(super) fn base(program: &Utf8Path, network: Network) -> Vec<String> {
    let mut argv = vec![program.to_string()];
    argv.extend(NAMESPACES.map(str::to_owned));
    if network == Network::None {
        argv.push("--unshare-net".to_owned());
    }
    for dir in SYSTEM.map(Utf8Path::new) {
        // On most systems `/bin` is a link to `usr/bin`; a mount there would make a second one.
        match dir.read_link_utf8() {
            Ok(target) => argv.extend(["--symlink", target.as_str(), dir.as_str()].map(str::to_owned)),
            Err(_) if dir.is_dir() => argv.extend(["--ro-bind", dir.as_str(), dir.as_str()].map(str::to_owned)),
            Err(_) => {}
        }
    }
    argv.extend(PRIVATE.iter().flatten().map(|&word| word.to_owned()));
    // Where they really lie, as all that is shown: what is shown may lie in them.
    argv.extend(TEMPORARY.into_iter().flat_map(|dir| ["--tmpfs".to_owned(), real(Utf8Path::new(dir)).into_string()]));
    for path in KERNEL.into_iter().filter(|path| Utf8Path::new(path).exists()) {
        argv.extend(["--ro-bind", path, path].map(str::to_owned));
    }
    argv
}
