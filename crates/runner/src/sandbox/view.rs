//! What an attempt is shown of the file system.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Access, SandboxSpec};

use super::protected;
use super::way::{self, Step, real};
use super::{Place, SandboxError};

/// The system's programs and libraries.
pub(super) const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];

/// What programs read of the system's settings: names, certificates, time, libraries. No keys and no passwords.
const SETTINGS: [&str; 26] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
];

/// Folders that are empty and an attempt's own, where a sandbox has a file system of its own.
pub(super) const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// What programs read of the machine.
const MACHINE: [&str; 1] = ["/sys/devices/system/cpu"];

/// What programs read of the kernel where `/proc` is not one of their own.
const KERNEL: [&str; 7] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/uptime",
    "/proc/version",
];

/// Devices that hold nothing, where `/dev` is not one of their own.
const DEVICES: [&str; 5] = ["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// How a path is shown; of two that are said of one path the later counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// It can be read and executed.
    Read,
    /// It can be written too.
    Write,
    /// It can be read only, though it lies in what can be written.
    Locked,
    /// It is empty, though it lies in what is shown.
    Hidden,
}

/// Folders whose entries are the sandbox's own, links among them.
const OWN: [&str; 2] = ["/dev", "/proc"];

/// What is shown. Ordered by path, so that what lies in a folder comes after the folder.
///
/// All paths are those where things really lie. By another name, which a link makes, the state folder would be shown where
/// it is not hidden.
#[derive(Debug)]
pub(super) struct View {
    shown: BTreeMap<Utf8PathBuf, How>,
    /// What stands on the ways to the names under which these paths are known.
    steps: BTreeMap<Utf8PathBuf, Step>,
    state: Utf8PathBuf,
}

impl View {
    pub(super) fn of(spec: &SandboxSpec, place: &Place, program: &Utf8Path) -> Result<Self, SandboxError> {
        let mut view = Self { shown: BTreeMap::new(), steps: BTreeMap::new(), state: real(&place.state) };
        view.steps.extend(TEMPORARY.iter().flat_map(|dir| way::steps(Utf8Path::new(dir))));
        let settings = SETTINGS.iter().map(|name| Utf8Path::new("/etc").join(name));
        for path in settings.chain(MACHINE.map(Utf8PathBuf::from)).filter(|p| p.exists()) {
            view.own(&path, How::Read)?;
        }
        for path in [program].into_iter().chain(place.launcher.first().map(Utf8Path::new)) {
            view.program(path)?;
        }
        for (paths, how) in [(&spec.read, How::Read), (&spec.write, How::Write)] {
            for path in paths {
                let path = absolute(path, place)?;
                if real(&path).starts_with(&view.state) {
                    return Err(SandboxError::Hidden { path, hidden: place.state.clone() });
                }
                // What is named for every project need not be there on every machine.
                if path.exists() {
                    view.own(&path, how)?;
                }
            }
        }
        let cwd = if place.access == Access::Read { How::Read } else { How::Write };
        view.own(&place.cwd, cwd)?;
        for path in [&place.home, &place.tmp, &place.proposal] {
            view.own(path, How::Write)?;
        }
        for path in place.read.iter().chain(&place.sockets) {
            view.own(path, How::Locked)?;
        }
        // Its folder and not the socket: one that is put in its place later is to be found too.
        if let Some(folder) = place.bridge.as_ref().and_then(|(_, socket)| socket.parent()) {
            view.own(folder, How::Locked)?;
        }
        if view.covering().is_some() {
            view.show(view.state.clone(), How::Hidden);
        }
        Ok(view)
    }

    fn show(&mut self, path: Utf8PathBuf, how: How) {
        let old = self.shown.entry(path).or_insert(how);
        *old = (*old).max(how);
    }

    /// A path that must be there, under the name by which it is known.
    fn own(&mut self, path: &Utf8Path, how: How) -> Result<(), SandboxError> {
        let real = path.canonicalize_utf8().map_err(|source| SandboxError::Path { path: path.to_owned(), source })?;
        self.show(real, how);
        self.steps.extend(way::steps(path));
        Ok(())
    }

    /// The program's own file, where it is called and where it lies. Nothing beside it: its folder may be a home.
    fn program(&mut self, program: &Utf8Path) -> Result<(), SandboxError> {
        if !program.is_absolute() || !program.exists() {
            return Ok(());
        }
        let file = real(program);
        let hidden = file.starts_with(&self.state);
        if !hidden && in_system(program) && in_system(&file) {
            return Ok(());
        }
        self.own(program, How::Read)
    }

    /// A path that is shown and that the state folder lies in.
    fn covering(&self) -> Option<Utf8PathBuf> {
        let shown = self.shown.iter().filter(|(_, how)| **how != How::Hidden).map(|(path, _)| path.clone());
        let system = SYSTEM.map(Utf8PathBuf::from).into_iter().filter(|path| path.exists());
        shown.chain(system).find(|path| self.state.starts_with(real(path)))
    }

    /// What must be made so that all that is shown is found under the names by which it is known.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&Utf8Path, &Step)> {
        self.steps.iter().map(|(path, step)| (path.as_path(), step)).filter(|(path, _)| !self.is_there(path))
    }

    /// Whether what lies at a path outside is seen there inside too.
    fn is_there(&self, path: &Utf8Path) -> bool {
        let shown = path.ancestors().find_map(|part| self.shown.get(part));
        match shown {
            Some(how) => *how != How::Hidden,
            None => in_system(path) || OWN.iter().any(|dir| path.starts_with(dir)),
        }
    }

    /// Locks what is there of the protected paths.
    pub(super) fn protect(&mut self, place: &Place) -> Result<(), SandboxError> {
        if place.access == Access::Write {
            for path in protected::existing(&real(&place.cwd), &place.protected)? {
                self.show(path, How::Locked);
            }
        }
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Utf8Path, How)> {
        self.shown.iter().map(|(path, how)| (path.as_path(), *how))
    }

    /// The rules of Landlock, which can add to what is shown and take nothing away.
    pub(super) fn landlock(&self) -> Result<Vec<(&'static str, Utf8PathBuf)>, SandboxError> {
        if let Some(path) = self.covering() {
            return Err(SandboxError::Covers { path, hidden: self.state.clone() });
        }
        let mut rules: Vec<(&'static str, Utf8PathBuf)> = Vec::new();
        let there = |paths: &[&str]| -> Vec<Utf8PathBuf> {
            paths.iter().map(Utf8PathBuf::from).filter(|p| p.exists()).collect()
        };
        rules.extend(there(&SYSTEM).into_iter().chain(there(&KERNEL)).map(|p| ("--read", p)));
        rules.extend(there(&DEVICES).into_iter().map(|p| ("--write", p)));
        for (path, how) in self.iter() {
            let flag = match how {
                How::Read | How::Locked => "--read",
                How::Write => "--write",
                How::Hidden => continue,
            };
            rules.push((flag, path.to_owned()));
        }
        Ok(rules)
    }
}

/// A path of the configuration: below the user's home, or from the engine's folder.
fn absolute(path: &Utf8Path, place: &Place) -> Result<Utf8PathBuf, SandboxError> {
    let fail = |source| SandboxError::Path { path: path.to_owned(), source };
    if let Ok(rest) = path.strip_prefix("~") {
        let home = place.user_home.as_ref();
        return home
            .map(|home| home.join(rest))
            .ok_or_else(|| fail(std::io::Error::other("the engine's user has no home folder")));
    }
    camino::absolute_utf8(path).map_err(fail)
}

fn in_system(path: &Utf8Path) -> bool {
    SYSTEM.iter().any(|dir| path.starts_with(dir))
}
