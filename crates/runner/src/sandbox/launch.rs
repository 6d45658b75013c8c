//! The step between a keeper and a program: it takes on what holds, and becomes the program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::resource::{Resource, setrlimit};

use super::bridge::{self, BRIDGE, Bridge};
use super::filter;

/// The exit code for a launch that did not come to the program, as `env` and `timeout` have it.
pub const LAUNCH_FAILED: u8 = 125;

/// Why a program was not launched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The command line is not one that [`wrap`](super::wrap) made.
    #[error("the launch step does not know `{word}`")]
    Usage {
        /// The word that was not expected.
        word: String,
    },
    /// A part of the sandbox could not be put up.
    #[error("cannot {what}")]
    Hold {
        /// What was to be done.
        what: String,
        /// Why it was not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program could not be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What is to be taken on.
#[derive(Debug, Default)]
struct Steps {
    cgroup: Option<PathBuf>,
    tied: bool,
    landlock: bool,
    no_tcp: bool,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    scope: bool,
    memory: Option<u64>,
    processes: Option<u64>,
    filter: bool,
    bridge: Option<Bridge>,
    started: Option<PathBuf>,
    argv: Vec<OsString>,
}

/// Takes on what the arguments say and becomes the program they name. Returns only if that fails: the process must
/// then end with [`LAUNCH_FAILED`].
///
/// It must be called from the only thread of its process, and with the environment that the program is to have.
pub fn launch(arguments: impl IntoIterator<Item = OsString>) -> LaunchError {
    let mut arguments = arguments.into_iter().peekable();
    if arguments.next_if(|word| word == BRIDGE).is_some() {
        return be_bridge(arguments);
    }
    let steps = match read(arguments) {
        Ok(steps) => steps,
        Err(err) => return err,
    };
    let argv = match take_on(&steps) {
        Ok(argv) => argv,
        Err(err) => return err,
    };
    let Some((program, arguments)) = argv.split_first() else { return usage("--") };
    if let Some(started) = &steps.started
        && let Err(err) = fs::write(started, "")
    {
        return hold("mark the start", err);
    }
    let source = Command::new(program).args(arguments).exec();
    if let Some(started) = &steps.started {
        // An error here leaves a mark of a program that did not start; the error below is told all the same.
        let _ = fs::remove_file(started);
    }
    LaunchError::Start { program: program.to_string_lossy().into_owned(), source }
}

/// The process that a launch step starts beside its program.
fn be_bridge(mut arguments: impl Iterator<Item = OsString>) -> LaunchError {
    let Some(parent) = arguments.next().and_then(|word| word.to_str()?.parse().ok()) else { return usage(BRIDGE) };
    let Some(socket) = arguments.next() else { return usage(BRIDGE) };
    hold("keep the bridge up", bridge::be(parent, socket.as_ref()))
}

fn usage(word: &str) -> LaunchError {
    LaunchError::Usage { word: word.to_owned() }
}

fn hold(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LaunchError {
    LaunchError::Hold { what: what.to_owned(), source: source.into() }
}

fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Steps, LaunchError> {
    let mut steps = Steps::default();
    while let Some(word) = arguments.next() {
        let word = word.to_string_lossy().into_owned();
        let mut value = || arguments.next().ok_or_else(|| usage(&word));
        match word.as_str() {
            "--cgroup" => steps.cgroup = Some(value()?.into()),
            "--tied" => steps.tied = true,
            "--landlock" => steps.landlock = true,
            "--no-tcp" => steps.no_tcp = true,
            "--read" => steps.read.push(value()?.into()),
            "--write" => steps.write.push(value()?.into()),
            "--scope" => steps.scope = true,
            "--memory" => steps.memory = Some(number(&value()?)?),
            "--processes" => steps.processes = Some(number(&value()?)?),
            "--filter" => steps.filter = true,
            "--bridge" => {
                let value = value()?;
                steps.bridge = Some(Bridge::read(&value).ok_or_else(|| usage(&value.to_string_lossy()))?);
            }
            "--bridge-by" => match (&mut steps.bridge, arguments.next()) {
                (Some(bridge), Some(word)) => bridge.by(word),
                _ => return Err(usage(&word)),
            },
            "--started" => steps.started = Some(value()?.into()),
            "--" => {
                steps.argv = arguments.collect();
                return Ok(steps);
            }
            other => return Err(usage(other)),
        }
    }
    Err(usage("an end without `--`"))
}

fn number(word: &OsStr) -> Result<u64, LaunchError> {
    word.to_str().and_then(|w| w.parse().ok()).ok_or_else(|| usage(&word.to_string_lossy()))
}

/// Takes everything on, what may forbid the rest last. Returns the command line.
fn take_on(steps: &Steps) -> Result<Vec<OsString>, LaunchError> {
    #[cfg(target_os = "linux")]
    if steps.tied {
        use nix::sys::signal::Signal;

        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(|err| hold("tie the program to this one", err))?;
    }
    if let Some(cgroup) = &steps.cgroup {
        // Zero is the process that writes it.
        fs::write(cgroup.join("cgroup.procs"), "0").map_err(|err| hold("join the control group", err))?;
    }
    // The limit on data and not that on addresses: runtimes such as Node's reserve far more than they ever use.
    if let Some(bytes) = steps.memory {
        setrlimit(Resource::RLIMIT_DATA, bytes, bytes).map_err(|err| hold("limit the memory", err))?;
    }
    limit_processes(steps.processes)?;
    let argv = filtered(steps)?;
    let bridge = match &steps.bridge {
        Some(bridge) => {
            let what = format!("open port {} of this machine", bridge.port());
            Some(bridge.open().map_err(|err| hold(&what, err))?)
        }
        None => None,
    };
    restrict(steps)?;
    if let Some(bridge) = bridge {
        bridge.start().map_err(|err| hold("start the bridge to the proxy", err))?;
    }
    Ok(argv)
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn limit_processes(processes: Option<u64>) -> Result<(), LaunchError> {
    let Some(n) = processes else { return Ok(()) };
    setrlimit(Resource::RLIMIT_NPROC, n, n).map_err(|err| hold("limit the number of processes", err))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn limit_processes(_processes: Option<u64>) -> Result<(), LaunchError> {
    Ok(())
}

/// The command line, which begins with bubblewrap if a filter is asked for; it is given the filter as an open file.
#[cfg(target_os = "linux")]
fn filtered(steps: &Steps) -> Result<Vec<OsString>, LaunchError> {
    use std::io::{Seek as _, Write as _};
    use std::os::fd::IntoRawFd as _;

    use nix::sys::memfd::{MFdFlags, memfd_create};

    let mut argv = steps.argv.clone();
    if let Some(program) = filter::program().filter(|_| steps.filter) {
        let make = || -> io::Result<i32> {
            // Without the flag that would close it, it stays open across the exec.
            let mut file = fs::File::from(memfd_create("filter", MFdFlags::empty())?);
            file.write_all(&program)?;
            file.rewind()?;
            Ok(file.into_raw_fd())
        };
        let number = make().map_err(|err| hold("make the filter", err))?;
        argv.splice(1..1, ["--seccomp".into(), number.to_string().into()]);
    }
    Ok(argv)
}

#[cfg(not(target_os = "linux"))]
fn filtered(steps: &Steps) -> Result<Vec<OsString>, LaunchError> {
    let _ = filter::program();
    Ok(steps.argv.clone())
}

#[cfg(target_os = "linux")]
fn restrict(steps: &Steps) -> Result<(), LaunchError> {
    use super::rules::{self, Rules};

    if steps.scope {
        rules::scope().map_err(|err| hold("keep signals inside", err))?;
    }
    if steps.landlock {
        let port = steps.bridge.as_ref().map(Bridge::port);
        let rules = Rules { read: steps.read.clone(), write: steps.write.clone(), no_tcp: steps.no_tcp, port };
        rules::restrict(&rules).map_err(|err| hold("take on the Landlock rules", err))?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn restrict(steps: &Steps) -> Result<(), LaunchError> {
    let asked = steps.scope || steps.landlock || steps.no_tcp || !(steps.read.is_empty() && steps.write.is_empty());
    if asked { Err(hold("take on Landlock rules", "they are Linux's alone")) } else { Ok(()) }
}
