//! Which rungs are there. Each is tried for real: what a kernel or a distribution says of itself is not believed.

use camino::Utf8PathBuf;
use dayfly_core::{Sandbox, SandboxSpec};
use serde::{Deserialize, Serialize};

use super::cgroup::CgroupBase;
use super::{Limits, SandboxError};

/// What this machine has to hold attempts with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ladder {
    /// Landlock.
    pub landlock: Rung,
    /// bubblewrap.
    pub bubblewrap: Rung,
    /// Control groups, which end and limit the processes of every attempt, whatever sandbox it has.
    pub cgroup: Rung,
    /// The program of bubblewrap.
    pub(super) bwrap: Option<Utf8PathBuf>,
    /// Where control groups are made.
    pub(super) base: Option<CgroupBase>,
}

/// One rung.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rung {
    /// Whether it is there.
    pub there: bool,
    /// What was found.
    pub found: String,
    /// What helps where it, or a part of it, is not there.
    pub remedy: Option<String>,
}

impl Rung {
    fn there(found: impl Into<String>) -> Self {
        Self { there: true, found: found.into(), remedy: None }
    }

    fn missing(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { there: false, found: found.into(), remedy: Some(remedy.into()) }
    }
}

impl Ladder {
    /// A ladder without rungs, for machines and tests that are to have none.
    pub fn none() -> Self {
        let rung = || Rung::missing("it was not looked for", "look with `Ladder::probe`");
        Self { landlock: rung(), bubblewrap: rung(), cgroup: rung(), bwrap: None, base: None }
    }

    /// Tries each rung. This starts a few processes that end at once. All that stays is that the controllers of the
    /// own control group are passed down, where the kernel lets them be.
    #[cfg(target_os = "linux")]
    pub fn probe() -> Self {
        let (bubblewrap, bwrap) = probe::bubblewrap();
        let (cgroup, base) = probe::cgroup();
        Self { landlock: probe::landlock(), bubblewrap, cgroup, bwrap, base }
    }

    /// Tries each rung. There are none: all of them are Linux's.
    #[cfg(not(target_os = "linux"))]
    pub fn probe() -> Self {
        let rung = || Rung::missing("this is not Linux", "run dayfly on Linux, or in a virtual machine with it");
        Self { landlock: rung(), bubblewrap: rung(), cgroup: rung(), bwrap: None, base: None }
    }

    /// The rung of a sandbox; `None` for none, which is always there.
    pub fn rung(&self, sandbox: Sandbox) -> Option<&Rung> {
        match sandbox {
            Sandbox::None => None,
            Sandbox::Landlock => Some(&self.landlock),
            Sandbox::Bubblewrap => Some(&self.bubblewrap),
        }
    }

    /// The strongest sandbox that is there.
    pub fn strongest(&self) -> Sandbox {
        match (self.bubblewrap.there, self.landlock.there) {
            (true, _) => Sandbox::Bubblewrap,
            (false, true) => Sandbox::Landlock,
            (false, false) => Sandbox::None,
        }
    }

    /// Whether a sandbox is there.
    ///
    /// # Errors
    /// What was found instead, and what helps.
    pub fn holds(&self, sandbox: Sandbox) -> Result<(), SandboxError> {
        match self.rung(sandbox) {
            Some(rung) if !rung.there => Err(SandboxError::NotThere {
                rung: sandbox,
                found: rung.found.clone(),
                remedy: rung.remedy.clone().unwrap_or_default(),
            }),
            _ => Ok(()),
        }
    }

    /// The limits of a job that nothing here can hold, each with what helps. Such a job is not run.
    pub fn unheld(&self, spec: &SandboxSpec) -> Vec<String> {
        let holds = |what: fn(&CgroupBase) -> bool| self.cgroups().is_some_and(what);
        Limits::of(spec, holds(CgroupBase::holds_memory), holds(CgroupBase::holds_processes)).unheld
    }

    /// Where the control groups of attempts are made, if they can be.
    pub fn cgroups(&self) -> Option<&CgroupBase> {
        self.base.as_ref().filter(|_| self.cgroup.there)
    }
}

#[cfg(target_os = "linux")]
mod probe {
    use std::io;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use camino::{Utf8Path, Utf8PathBuf};
    use dayfly_core::{Network, SandboxSpec};

    use super::super::{bubblewrap as command_line, filter, remedy, rules};
    use super::{CgroupBase, Rung};
    use crate::program::find_program;

    pub(super) fn landlock() -> Rung {
        match rules::probe() {
            Ok(version) => Rung::there(version),
            Err(why) => Rung::missing(why, remedy::LANDLOCK),
        }
    }

    pub(super) fn bubblewrap() -> (Rung, Option<Utf8PathBuf>) {
        let path = std::env::var_os("PATH");
        let found = |name| find_program(name, path.as_deref()).and_then(|p| Utf8PathBuf::from_path_buf(p).ok());
        let Some(program) = found("bwrap") else {
            return (Rung::missing("`bwrap` is not on PATH", remedy::INSTALL), None);
        };
        let rung = match try_bubblewrap(&program, found("true").as_deref()) {
            Ok(()) => works(&format!("{}, {program}", version(&program)), filter::KNOWN),
            Err(said) => {
                let helps = remedy::bubblewrap(&said, &remedy::Settings::read());
                Rung::missing(format!("{program} does not work here: {said}"), helps)
            }
        };
        (rung, Some(program))
    }

    /// The rung as it is told: without the filter of calls it holds less, and that is not kept silent.
    fn works(program: &str, filter: bool) -> Rung {
        if filter {
            return Rung::there(program);
        }
        let found = format!("{program}, without a filter of calls, which is not known for {}", std::env::consts::ARCH);
        Rung { remedy: Some(remedy::FILTER.to_owned()), ..Rung::there(found) }
    }

    /// Starts the program `true` with all that attempts are started with.
    fn try_bubblewrap(program: &Utf8Path, inside: Option<&Utf8Path>) -> Result<(), String> {
        let argv = command_line::base(program, Network::None);
        let mut command = Command::new(program);
        command.args(&argv[1..]).args(["--remount-ro", "/", "--"]).arg(inside.unwrap_or(Utf8Path::new("true")));
        let ended = command.env_clear().stdin(Stdio::null()).output().map_err(|err| err.to_string())?;
        if ended.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ended.stderr).lines().next().unwrap_or_default().to_owned();
        Err(if said.is_empty() { ended.status.to_string() } else { said })
    }

    fn version(program: &Utf8Path) -> String {
        let ended = Command::new(program).arg("--version").env_clear().stdin(Stdio::null()).output();
        ended.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
    }

    pub(super) fn cgroup() -> (Rung, Option<CgroupBase>) {
        let base = match CgroupBase::find() {
            Ok(base) => base,
            Err(why) => return (Rung::missing(why, remedy::CGROUP), None),
        };
        match try_cgroup(&base) {
            Ok(()) => {
                let limits = match (base.holds_memory(), base.holds_processes()) {
                    (true, true) => "kills, and limits memory and processes",
                    (true, false) => "kills, and limits memory",
                    (false, true) => "kills, and limits processes",
                    (false, false) => "kills, and limits nothing",
                };
                let mut rung = Rung::there(format!("{limits}, {}", base.path()));
                if !(base.holds_memory() && base.holds_processes()) {
                    rung.remedy = Some(remedy::CONTROLLERS.to_owned());
                }
                (rung, Some(base))
            }
            Err(err) => {
                (Rung::missing(format!("no group can be used in {}: {err}", base.path()), remedy::CGROUP), None)
            }
        }
    }

    /// Makes a leaf, puts a process into it that waits for the end of its input, and kills it with the leaf.
    fn try_cgroup(base: &CgroupBase) -> io::Result<()> {
        let leaf = base.create("probe", &std::process::id().to_string(), &SandboxSpec::default())?;
        let tried = (|| {
            let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
            let killed = leaf.add(child.id()).and_then(|()| leaf.kill());
            // Without its input it ends by itself, killed or not.
            drop(child.stdin.take());
            let status = child.wait()?;
            killed?;
            let by_signal = std::os::unix::process::ExitStatusExt::signal(&status);
            if by_signal.is_none() || !leaf.wait_empty(Duration::from_secs(2))? {
                return Err(io::Error::other("what was in it was not killed"));
            }
            Ok(())
        })();
        let removed = leaf.remove();
        tried.and(removed)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_machine_without_a_filter_of_calls_is_told_so() {
            let rung = works("bubblewrap 0.8.0", true);
            assert_eq!((rung.found.as_str(), rung.remedy), ("bubblewrap 0.8.0", None));
            let rung = works("bubblewrap 0.8.0", false);
            assert!(rung.there && rung.found.contains("without a filter of calls"), "{rung:?}");
            assert!(rung.remedy.is_some_and(|r| r.contains("x86_64 and aarch64")));
            let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
            assert_eq!(filter::program().is_some() && filter::KNOWN, known);
        }
    }
}
