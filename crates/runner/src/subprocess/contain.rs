//! Putting an attempt into the sandbox that its job asks for.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Attempt, AttemptId, Receipt, RunnerError, Sandbox, SandboxSpec};

use crate::sandbox::{Cgroup, LAUNCH_FAILED, Ladder, Place, wrap};

use super::Keeper;
use super::prepare::{OUT, at};

/// How long the processes of a control group may take to be gone once they are killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is tried once, when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Walls {
    ladder: OnceLock<Ladder>,
}

impl Walls {
    /// The rungs that are there.
    pub(super) fn ladder(&self) -> &Ladder {
        self.ladder.get_or_init(Ladder::probe)
    }

    /// The control group that this engine would make for an attempt.
    pub(super) fn group(&self, tag: &str, attempt: &AttemptId, spec: &SandboxSpec) -> Option<Utf8PathBuf> {
        let base = (!spec.is_default()).then(|| self.ladder().cgroups()).flatten()?;
        base.open(tag, attempt.as_str()).map(|group| group.path().to_owned())
    }

    /// Ends and removes a control group; `true` if there was one, and nothing of it is left.
    pub(super) fn end_group(&self, group: Option<&Utf8Path>) -> bool {
        let Some(group) = group.filter(|group| group.is_dir()).map(Cgroup::at) else { return false };
        // What cannot be ended here is found by its mark, or reported as left.
        group.kill().and_then(|()| group.wait_empty(PATIENCE)).and_then(|_| group.remove()).is_ok()
    }
}

/// A command line as it is started.
#[derive(Debug)]
pub(super) struct Walled {
    pub(super) argv: Vec<String>,
    pub(super) cgroup: Option<Cgroup>,
    pub(super) wrappers: u32,
}

/// Puts a command line into the sandbox of its job.
pub(super) fn wall(
    walls: &Walls,
    keeper: &Keeper,
    attempt: &Attempt,
    dir: &Utf8Path,
    argv: Vec<String>,
) -> Result<Walled, RunnerError> {
    let spec = &attempt.job.sandbox;
    let bare = Ladder::none();
    // What asks for no rung and no limit has nothing tried for it.
    let ladder = match (spec.is_default(), &attempt.bridge) {
        (true, None) => return Ok(Walled { argv, cgroup: None, wrappers: 0 }),
        (true, Some(_)) => &bare,
        (false, _) => walls.ladder(),
    };
    walls.end_group(walls.group(&attempt.tag, &attempt.id, spec).as_deref());
    let cgroup = match ladder.cgroups() {
        Some(base) => Some(base.create(&attempt.tag, attempt.id.as_str(), spec).map_err(at(base.path()))?),
        None => None,
    };
    let place = Place {
        cwd: attempt.cwd.clone(),
        access: attempt.job.access,
        home: dir.join("home"),
        tmp: dir.join("tmp"),
        proposal: dir.join(OUT),
        read: attempt.reads.clone(),
        sockets: Vec::new(),
        bridge: attempt.bridge.clone(),
        protected: attempt.job.protected.clone(),
        state: keeper.state.clone().unwrap_or_else(|| dir.to_owned()),
        user_home: keeper.user_home.clone(),
        launcher: keeper.launcher()?,
        cgroup: cgroup.clone(),
    };
    let wrapped = wrap(spec, ladder, &place, &argv).map_err(|err| refused(cgroup.as_ref(), err))?;
    if let Some(limit) = wrapped.unheld.first() {
        return Err(refused(cgroup.as_ref(), io::Error::other(format!("{limit}; or take it out of `[sandbox]`"))));
    }
    let wrappers = u32::try_from(wrapped.wrappers).unwrap_or_default();
    Ok(Walled { argv: wrapped.argv, cgroup, wrappers })
}

fn refused(cgroup: Option<&Cgroup>, err: impl std::error::Error + Send + Sync + 'static) -> RunnerError {
    if let Some(cgroup) = cgroup {
        let _ = cgroup.remove();
    }
    RunnerError::Other {
        what: "the sandbox that the job asks for cannot be put up".into(),
        source: Some(Box::new(err)),
    }
}

/// Why an attempt in a sandbox, or with a bridge, never came to its program, if it did not: then the launch step says so by its exit code,
/// or bubblewrap by its own, and there is no mark of a start. The mark lies where the agent can remove it, and so it counts
/// only together with what else there was.
pub(super) fn never_begun(spec: &SandboxSpec, dir: &Utf8Path, receipt: &Receipt) -> Option<String> {
    let said = receipt.tail.lines().last().unwrap_or("it said nothing");
    let failed = match receipt.exit_code {
        Some(code) if code == i32::from(LAUNCH_FAILED) => true,
        Some(1) => receipt.tail.lines().count() == 1 && said.starts_with("bwrap: "),
        _ => false,
    };
    // Without its folder for temporary files nothing can be told.
    let told = dir.join("tmp").exists() && !dir.join("tmp/.started").exists();
    (failed && told).then(|| match said.strip_prefix("error: cannot start ") {
        // All of it stood but the program.
        Some(program) => format!("cannot start {program}; is it there, and what its first line names?"),
        None if spec.least == Sandbox::None => format!("the way to the proxy could not be made: {said}"),
        None => format!("the sandbox `{}` could not be put up: {said}", spec.least.word()),
    })
}
