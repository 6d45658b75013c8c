//! Control groups (version 2): a leaf per attempt, by which all its processes are killed at once and limited together.

use std::fs;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::SandboxSpec;
use serde::{Deserialize, Serialize};

/// The group that the engine may be started in so that the one above it holds no process of its own; only then can the
/// kernel's controllers be passed down.
const OWN_GROUP: &str = "dayfly";

/// Where leaves are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupBase {
    path: Utf8PathBuf,
    memory: bool,
    processes: bool,
}

/// The leaf of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    path: Utf8PathBuf,
    memory: bool,
    processes: bool,
}

impl CgroupBase {
    /// The group that the calling process is in, wherever the file system of control groups is mounted.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find() -> Result<Self, String> {
        let read = |path: &str| fs::read_to_string(path).map_err(|err| format!("cannot read {path}: {err}"));
        let path = own_group(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)?;
        let mut base = Self { path, memory: false, processes: false };
        base.delegate();
        Ok(base)
    }

    /// Passes the controllers down, where they are there and may be. Others may have done so before.
    fn delegate(&mut self) {
        let control = self.path.join("cgroup.subtree_control");
        let has =
            |word: &str| fs::read_to_string(&control).is_ok_and(|text| text.split_whitespace().any(|w| w == word));
        let pass = |word: &str| has(word) || fs::write(&control, format!("+{word}")).is_ok() && has(word);
        self.memory = pass("memory");
        self.processes = pass("pids");
    }

    /// The group in which leaves are made.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether the kernel limits the memory of a leaf.
    pub fn holds_memory(&self) -> bool {
        self.memory
    }

    /// Whether the kernel limits the number of processes of a leaf.
    pub fn holds_processes(&self) -> bool {
        self.processes
    }

    /// Makes the leaf of an attempt, with the limits that the kernel can hold here.
    ///
    /// # Errors
    /// It cannot be made, or is there already.
    pub fn create(&self, tag: &str, attempt: &str, spec: &SandboxSpec) -> io::Result<Cgroup> {
        let path = self.path.join(format!("{}{}", prefix(tag), plain(attempt)));
        fs::create_dir(&path)?;
        let leaf = Cgroup { path, memory: self.memory, processes: self.processes };
        let limit = |file: &str, value: Option<u64>| match value {
            Some(value) => fs::write(leaf.path.join(file), value.to_string()),
            None => Ok(()),
        };
        let limited = limit("memory.max", spec.memory_bytes.filter(|_| self.memory))
            .and_then(|()| limit("pids.max", spec.processes.filter(|_| self.processes).map(u64::from)));
        if let Err(err) = limited {
            leaf.remove()?;
            return Err(err);
        }
        Ok(leaf)
    }

    /// The leaf that was made for an attempt, if it is there.
    pub fn open(&self, tag: &str, attempt: &str) -> Option<Cgroup> {
        let path = self.path.join(format!("{}{}", prefix(tag), plain(attempt)));
        path.is_dir().then_some(Cgroup { path, memory: self.memory, processes: self.processes })
    }

    /// Ends and removes what earlier engines of this installation left, but for the attempts that are to be kept.
    /// Returns how many leaves were removed. Nobody else's are touched.
    pub fn sweep(&self, tag: &str, keep: &dyn Fn(&str) -> bool) -> usize {
        let Ok(entries) = self.path.read_dir_utf8() else { return 0 };
        let prefix = prefix(tag);
        let left = entries.filter_map(Result::ok).filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
        let left = left.filter(|e| e.file_name().strip_prefix(&prefix).is_some_and(|attempt| !keep(attempt)));
        left.filter(|entry| {
            let leaf = Cgroup { path: entry.path().to_owned(), memory: false, processes: false };
            leaf.kill().and_then(|()| leaf.wait_empty(Duration::from_secs(5))).is_ok_and(|empty| empty)
                && leaf.remove().is_ok()
        })
        .count()
    }
}

impl Cgroup {
    /// The leaf that somebody else made at `path`.
    pub(crate) fn at(path: &Utf8Path) -> Self {
        Self { path: path.to_owned(), memory: false, processes: false }
    }

    /// Its folder.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether the kernel limits its memory.
    pub fn holds_memory(&self) -> bool {
        self.memory
    }

    /// Whether the kernel limits the number of its processes.
    pub fn holds_processes(&self) -> bool {
        self.processes
    }

    /// Moves a process into it.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
    }

    /// Kills all that is in it, and in groups below it. What is killed may still be there for a moment.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn kill(&self) -> io::Result<()> {
        match fs::write(self.path.join("cgroup.kill"), "1") {
            Err(err) if err.kind() == io::ErrorKind::NotFound && self.path.is_dir() => self.freeze_and_kill(),
            done => done,
        }
    }

    /// Before Linux 5.14: what is frozen cannot fork while its processes are killed one by one.
    fn freeze_and_kill(&self) -> io::Result<()> {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;

        let freeze = self.path.join("cgroup.freeze");
        fs::write(&freeze, "1")?;
        for group in self.groups() {
            let listed = fs::read_to_string(group.join("cgroup.procs"))?;
            for pid in listed.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 1) {
                // An error means that it has ended.
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        fs::write(&freeze, "0")
    }

    /// It and all groups below it, the lowest first.
    fn groups(&self) -> Vec<Utf8PathBuf> {
        let mut groups = vec![self.path.clone()];
        let mut next = 0;
        while let Some(group) = groups.get(next) {
            let below = group.read_dir_utf8().into_iter().flatten().filter_map(Result::ok);
            let below = below.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
            let below: Vec<_> = below.map(|e| e.path().to_owned()).collect();
            groups.extend(below);
            next += 1;
        }
        groups.reverse();
        groups
    }

    /// Whether no process is in it, or in a group below it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_empty(&self) -> io::Result<bool> {
        let events = fs::read_to_string(self.path.join("cgroup.events"))?;
        Ok(events.lines().any(|line| line == "populated 0"))
    }

    /// Waits until no process is in it. `false` if some still is after that time.
    ///
    /// # Errors
    /// It cannot be read.
    #[cfg(target_os = "linux")]
    pub fn wait_empty(&self, patience: Duration) -> io::Result<bool> {
        use std::io::{Read as _, Seek as _};
        use std::os::fd::AsFd as _;
        use std::time::Instant;

        use nix::errno::Errno;
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

        let start = Instant::now();
        let mut file = fs::File::open(self.path.join("cgroup.events"))?;
        loop {
            // The kernel tells of a change since the last time the file was read from its beginning.
            let mut events = String::new();
            file.rewind()?;
            file.read_to_string(&mut events)?;
            if events.lines().any(|line| line == "populated 0") {
                return Ok(true);
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            let left = PollTimeout::try_from(left.max(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLPRI)], left) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// Whether no process is in it.
    ///
    /// # Errors
    /// It cannot be read.
    #[cfg(not(target_os = "linux"))]
    pub fn wait_empty(&self, _patience: Duration) -> io::Result<bool> {
        self.is_empty()
    }

    /// Removes it and the groups below it. It must be empty.
    ///
    /// # Errors
    /// Something is still in it.
    pub fn remove(&self) -> io::Result<()> {
        for group in self.groups() {
            match fs::remove_dir(&group) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the names of an installation's leaves begin with. A tag that begins like another cannot be taken for it.
fn prefix(tag: &str) -> String {
    format!("dayfly:{}:", plain(tag))
}

/// A word as part of the name of a group.
fn plain(word: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    word.chars().map(|c| if keep(c) { c } else { '_' }).collect()
}

/// Where the group is that a process is in, by its lists of mounts and of groups.
fn own_group(mounts: &str, groups: &str) -> Result<Utf8PathBuf, String> {
    let (root, mount) = mounts
        .lines()
        .filter_map(|line| {
            let (fields, kind) = line.split_once(" - ")?;
            let mut fields = fields.split(' ').skip(3);
            let place = (unescaped(fields.next()?), unescaped(fields.next()?));
            (kind.split(' ').next()? == "cgroup2").then_some(place)
        })
        .next()
        .ok_or("no file system of control groups (version 2) is mounted")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::")).ok_or("the process is in no control group")?;
    let below = Utf8Path::new(own)
        .strip_prefix(&root)
        .map_err(|_| format!("the own control group {own} is not below what is mounted, {root}"))?;
    let own = if below.as_str().is_empty() { Utf8PathBuf::from(&mount) } else { Utf8Path::new(&mount).join(below) };
    match own.parent() {
        Some(above) if own.file_name() == Some(OWN_GROUP) && own != Utf8Path::new(&mount) => Ok(above.to_owned()),
        _ => Ok(own),
    }
}

/// A path as the kernel writes it in the list of mounts.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_wherever_it_is_mounted() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let hybrid = "37 31 0:34 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:7 - cgroup2 cgroup2 rw\n";
        let inside = "41 31 0:38 /docker/abc /my\\040cgroups rw - cgroup2 cgroup rw\n";
        for (mounts, groups, expected) in [
            (unified, "0::/user.slice/a.scope\n", Ok("/sys/fs/cgroup/user.slice/a.scope")),
            (unified, "0::/system.slice/d.service/dayfly\n", Ok("/sys/fs/cgroup/system.slice/d.service")),
            (hybrid, "8:pids:/x\n0::/\n", Ok("/sys/fs/cgroup/unified")),
            (inside, "0::/docker/abc/sub\n", Ok("/my cgroups/sub")),
            (
                inside,
                "0::/elsewhere\n",
                Err("the own control group /elsewhere is not below what is mounted, /docker/abc"),
            ),
            ("", "0::/\n", Err("no file system of control groups (version 2) is mounted")),
            (unified, "8:pids:/x\n", Err("the process is in no control group")),
        ] {
            let found = own_group(mounts, groups);
            assert_eq!(found.as_ref().map(|p| p.as_str()).map_err(String::as_str), expected);
        }
    }

    #[test]
    fn one_installations_leaves_are_not_anothers() {
        assert!(!"dayfly:a-b:1".starts_with(&prefix("a")));
        assert_eq!(format!("{}{}", prefix("t/../x"), plain("web.1/exec 2")), "dayfly:t_.._x:web.1_exec_2");
    }
}
