//! The ladder above the keeper: what keeps an attempt from what it was not given.
//!
//! [`Ladder::probe`] tries each rung for real. [`wrap`] turns a command line into one that runs inside the rung its
//! job asks for, and [`launch`] is the step that such a command line begins with: it joins the control group, takes
//! on limits and Landlock rules, and becomes the program.
//!
//! Nothing in here is async, so that the keeper can use it.

mod bridge;
mod bubblewrap;
mod cgroup;
mod filter;
mod ladder;
mod launch;
mod protected;
mod remedy;
#[cfg(target_os = "linux")]
mod rules;
mod view;
mod way;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Access, Network, Sandbox, SandboxSpec};

pub(crate) use bridge::BRIDGE;
pub use cgroup::{Cgroup, CgroupBase};
pub use ladder::{Ladder, Rung};
pub use launch::{LAUNCH_FAILED, LaunchError, launch};

use view::View;

/// Where an attempt takes place. Paths are the same inside a sandbox as outside; one that is not absolute is taken from
/// the folder of the process that calls [`wrap`].
#[derive(Debug, Clone)]
pub struct Place {
    /// The working copy, in which the program starts.
    pub cwd: Utf8PathBuf,
    /// What the job may do to the working copy.
    pub access: Access,
    /// The attempt's own home folder.
    pub home: Utf8PathBuf,
    /// The attempt's own temporary folder.
    pub tmp: Utf8PathBuf,
    /// The folder its proposal is written in, or the file, if that is there already.
    pub proposal: Utf8PathBuf,
    /// What else it may read: the trusted git directory.
    pub read: Vec<Utf8PathBuf>,
    /// Unix sockets it may connect to.
    pub sockets: Vec<Utf8PathBuf>,
    /// A port of its own machine that leads to a Unix socket, for a program that speaks TCP alone. The socket's folder is
    /// shown, so it must hold nothing else. Without a network of its own, the port is one of the host's.
    pub bridge: Option<(u16, Utf8PathBuf)>,
    /// Globs of the paths in the working copy that it may not change.
    pub protected: Vec<String>,
    /// The state folder, of which nothing but the paths above is ever shown.
    pub state: Utf8PathBuf,
    /// The home folder of the engine's user, for `~/` in the job's paths.
    pub user_home: Option<Utf8PathBuf>,
    /// The words that start [`launch`]: a program, by its absolute path, and what makes it do so.
    pub launcher: Vec<String>,
    /// The control group that was made for the attempt.
    pub cgroup: Option<Cgroup>,
}

impl Place {
    /// With absolute paths: what is started starts elsewhere.
    fn absolute(&self) -> Result<Self, SandboxError> {
        let one = |path: &Utf8PathBuf| {
            camino::absolute_utf8(path).map_err(|source| SandboxError::Path { path: path.clone(), source })
        };
        let all = |paths: &[Utf8PathBuf]| paths.iter().map(one).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            cwd: one(&self.cwd)?,
            home: one(&self.home)?,
            tmp: one(&self.tmp)?,
            proposal: one(&self.proposal)?,
            read: all(&self.read)?,
            sockets: all(&self.sockets)?,
            bridge: self.bridge.as_ref().map(|(port, socket)| Ok((*port, one(socket)?))).transpose()?,
            state: one(&self.state)?,
            ..self.clone()
        })
    }
}

/// A command line inside its sandbox. The environment is handed down from whoever starts it: it is never in an
/// argument, where everybody could read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// What is to be started.
    pub argv: Vec<String>,
    /// The rung it is in.
    pub rung: Sandbox,
    /// How many processes stand between the one that is started and the program: a signal for the program goes so
    /// many children down.
    pub wrappers: usize,
    /// A file that is made just before the program begins. While it is not there, whatever ended was the sandbox.
    /// `None` without a launch step.
    pub started: Option<Utf8PathBuf>,
    /// Limits that were asked for and that nothing here can hold, with why.
    pub unheld: Vec<String>,
}

/// Why a command line could not be put into its sandbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The rung is not there.
    #[error("the job asks for the sandbox `{}`, which is not there: {found}; {remedy}", rung.word())]
    NotThere {
        /// The rung.
        rung: Sandbox,
        /// What was found instead.
        found: String,
        /// What helps.
        remedy: String,
    },
    /// A path that is to be shown holds what must stay hidden, and the rung cannot show a part of it.
    #[error(
        "showing {path} would show {hidden} too, which Landlock cannot leave out; move `state-dir` out of it, or ask \
         for `bubblewrap`"
    )]
    Covers {
        /// The path that is to be shown.
        path: Utf8PathBuf,
        /// What must stay hidden.
        hidden: Utf8PathBuf,
    },
    /// A path of the configuration lies where nothing may be shown.
    #[error("{path} lies in the state folder {hidden}, of which nothing is shown; take it out of `[sandbox]`")]
    Hidden {
        /// The path.
        path: Utf8PathBuf,
        /// The state folder.
        hidden: Utf8PathBuf,
    },
    /// A path of the attempt cannot be used.
    #[error("cannot use {path}")]
    Path {
        /// The path.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The pattern of a protected path cannot be read.
    #[error("`{glob}` is not a glob; mend the pattern in `protected`")]
    Glob {
        /// The pattern.
        glob: String,
    },
    /// There is nothing to run, or nothing that could launch it.
    #[error("the command line has no program")]
    Empty,
}

/// Puts a command line into the rung that its job asks for.
///
/// # Errors
/// The rung is not there, or what must be shown cannot be.
pub fn wrap(spec: &SandboxSpec, ladder: &Ladder, place: &Place, argv: &[String]) -> Result<Wrapped, SandboxError> {
    let program = argv.first().ok_or(SandboxError::Empty)?;
    ladder.holds(spec.least)?;
    let place = &place.absolute()?;
    let started = place.tmp.join(".started");
    let holds = |what: fn(&Cgroup) -> bool| place.cgroup.as_ref().is_some_and(what);
    let limits = Limits::of(spec, holds(Cgroup::holds_memory), holds(Cgroup::holds_processes));
    let mut launch = Launch::new(place)?;
    let argv = match spec.least {
        Sandbox::None if place.cgroup.is_none() && place.bridge.is_none() && limits.memory.is_none() => {
            let argv = argv.to_vec();
            return Ok(Wrapped { argv, rung: Sandbox::None, wrappers: 0, started: None, unheld: limits.unheld });
        }
        Sandbox::None => {
            launch.cgroup(place);
            launch.last(&limits, place, &started, argv)
        }
        Sandbox::Landlock => {
            let view = View::of(spec, place, Utf8Path::new(program))?;
            launch.cgroup(place);
            launch.push(&["--landlock"]);
            if spec.network == Network::None {
                launch.push(&["--no-tcp"]);
            }
            for (flag, path) in view.landlock()? {
                launch.push(&[flag, path.as_str()]);
            }
            launch.last(&limits, place, &started, argv)
        }
        Sandbox::Bubblewrap => {
            let mut view = View::of(spec, place, Utf8Path::new(program))?;
            view.protect(place)?;
            launch.cgroup(place);
            launch.push(&["--filter", "--"]);
            let mut inner = Launch::new(place)?;
            inner.push(&["--scope"]);
            let inner = inner.last(&limits, place, &started, argv);
            let mut outer = launch.argv;
            outer.extend(bubblewrap::arguments(ladder, spec.network, &view, &place.cwd));
            outer.extend(inner);
            outer
        }
    };
    let wrappers = if spec.least == Sandbox::Bubblewrap { bubblewrap::WRAPPERS } else { 0 };
    Ok(Wrapped { argv, rung: spec.least, wrappers, started: Some(started), unheld: limits.unheld })
}

/// A launch step that is being put together.
struct Launch {
    argv: Vec<String>,
}

impl Launch {
    fn new(place: &Place) -> Result<Self, SandboxError> {
        if place.launcher.is_empty() {
            return Err(SandboxError::Empty);
        }
        Ok(Self { argv: place.launcher.clone() })
    }

    fn push(&mut self, words: &[&str]) {
        self.argv.extend(words.iter().map(|w| (*w).to_owned()));
    }

    fn cgroup(&mut self, place: &Place) {
        if let Some(cgroup) = &place.cgroup {
            self.push(&["--cgroup", cgroup.path().as_str()]);
        }
    }

    /// The step after which the program runs.
    fn last(mut self, limits: &Limits, place: &Place, started: &Utf8Path, argv: &[String]) -> Vec<String> {
        if let Some(bytes) = limits.memory {
            self.push(&["--memory", &bytes.to_string()]);
        }
        if let Some(processes) = limits.processes {
            self.push(&["--processes", &processes.to_string()]);
        }
        if let Some((port, socket)) = &place.bridge {
            self.push(&["--bridge", &format!("{port}={socket}")]);
            for word in &place.launcher {
                self.push(&["--bridge-by", word]);
            }
        }
        self.push(&["--started", started.as_str(), "--"]);
        self.argv.extend_from_slice(argv);
        self.argv
    }
}

/// The limits that the launch step takes on, because no control group holds them.
struct Limits {
    memory: Option<u64>,
    processes: Option<u32>,
    unheld: Vec<String>,
}

impl Limits {
    /// What is left for the launch step where a control group holds memory, or processes, or neither.
    fn of(spec: &SandboxSpec, holds_memory: bool, holds_processes: bool) -> Self {
        let memory = spec.memory_bytes.filter(|_| !holds_memory);
        let processes = spec.processes.filter(|_| !holds_processes);
        // The kernel counts processes per user and user namespace. Outside a namespace of its own an attempt would be
        // counted together with everything else its user runs; and the superuser's are not counted at all.
        let counted = spec.least == Sandbox::Bubblewrap && !nix::unistd::getuid().is_root();
        let unheld = processes.filter(|_| !counted).map(|n| {
            format!("`processes = {n}` needs a control group with the controller `pids`, or `bubblewrap` and a user other than root")
        });
        Self { memory, processes: processes.filter(|_| counted), unheld: unheld.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests;
