//! Trees of processes that do all they can to stay, and the two ways in which the kernel ends them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use dayfly_core::{Sandbox, SandboxSpec};
use dayfly_runner::{Cgroup, Place, wrap};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::checks::{drained, rungs, spec, was_killed};
use crate::tree::{MEMBERS, WORD};
use crate::world::{World, ladder, me, start};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A tree that is up.
struct Tree {
    root: Child,
    sentinel: fs::File,
    cgroup: Option<Cgroup>,
}

/// A check that fails leaves nothing behind.
impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(cgroup) = self.cgroup.as_ref().filter(|c| c.path().exists()) {
            let _ = cgroup.kill().and_then(|()| cgroup.wait_empty(PATIENCE)).and_then(|_| cgroup.remove());
        }
        let _ = self.root.kill();
        let _ = self.root.wait();
    }
}

impl Tree {
    fn grow(spec: &SandboxSpec, place: &Place, members: &str) -> Self {
        let path = place.cwd.join("sentinel");
        let _ = fs::remove_file(&path);
        mkfifo(path.as_std_path(), Mode::S_IRWXU).unwrap();
        let mut options = fs::OpenOptions::new();
        let sentinel = options.read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).unwrap();
        let argv = [&me(), WORD, "--sentinel", path.as_str(), "--members", members].map(str::to_owned);
        let wrapped = wrap(spec, ladder(), place, &argv).unwrap();
        let root = start(&wrapped, place).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut tree = Self { root, sentinel, cgroup: place.cgroup.clone() };
        up(&mut tree.sentinel, members);
        tree
    }

    /// How long it took until no process of it was left.
    fn gone(&mut self) -> Duration {
        drained(&mut self.sentinel, PATIENCE).unwrap()
    }
}

/// Waits until every member has said its name.
pub(crate) fn up(sentinel: &mut fs::File, members: &str) {
    let start = Instant::now();
    let mut missing: BTreeSet<&str> = members.split(',').chain(["root"]).collect();
    let mut said = String::new();
    while !missing.is_empty() {
        let left = PATIENCE.saturating_sub(start.elapsed());
        assert!(!left.is_zero(), "these are not up: {missing:?}");
        poll(&mut [PollFd::new(sentinel.as_fd(), PollFlags::POLLIN)], PollTimeout::try_from(left).unwrap()).unwrap();
        let mut bytes = [0; 4096];
        // The end means that nobody has opened the pipe yet.
        if let Ok(n) = sentinel.read(&mut bytes) {
            said.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
        missing.retain(|name| !said.lines().any(|line| line == *name));
    }
}

/// Every tree, in each rung, ended in each way that needs no search: `DAYFLY_HOSTILE_RUNS` says how often.
pub(crate) fn hostile() {
    let runs: usize = std::env::var("DAYFLY_HOSTILE_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    let world = World::new();
    let all = MEMBERS.map(|(name, _)| name).join(",");
    for rung in rungs() {
        if let Some(base) = ladder().cgroups() {
            let times = times(runs, |n| {
                let cgroup = base.create(&tag(&world), &n.to_string(), &SandboxSpec::default()).unwrap();
                let place = Place { cgroup: Some(cgroup.clone()), ..world.place() };
                let mut tree = Tree::grow(&spec(rung), &place, &all);
                let start = Instant::now();
                cgroup.kill().unwrap();
                tree.gone();
                assert!(cgroup.wait_empty(PATIENCE).unwrap());
                let took = start.elapsed();
                assert!(was_killed(&mut tree.root));
                cgroup.remove().unwrap();
                took
            });
            println!("  {} in a control group, killed with it: {times}", rung.word());
        }
        if rung == Sandbox::Bubblewrap {
            let times = times(runs, |_| {
                let mut tree = Tree::grow(&spec(rung), &world.place(), &all);
                let start = Instant::now();
                tree.root.kill().unwrap();
                tree.gone();
                let took = start.elapsed();
                assert!(was_killed(&mut tree.root));
                took
            });
            println!("  bubblewrap, its first process killed: {times}");
        }
    }
    for (name, what) in MEMBERS {
        println!("  member {name} {what}");
    }
}

pub(crate) fn times(runs: usize, trial: impl Fn(usize) -> Duration) -> String {
    let mut times: Vec<Duration> = (0..runs).map(trial).collect();
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("{runs} of {runs} gone, p50 {:.1?}, p99 {:.1?}, worst {:.1?}", at(50), at(99), at(100))
}

fn tag(world: &World) -> String {
    format!("test-{}-{}", std::process::id(), world.root().file_name().unwrap())
}

/// What a dead engine left is removed, but for what is kept, and nothing of another installation's is touched.
pub(crate) fn leftovers() {
    let Some(base) = ladder().cgroups() else {
        println!("not tried: {}", ladder().cgroup.found);
        return;
    };
    let world = World::new();
    let (own, other) = (tag(&world), format!("{}-b", tag(&world)));
    let make = |tag: &str, attempt: &str| -> (Cgroup, Tree) {
        let cgroup = base.create(tag, attempt, &SandboxSpec::default()).unwrap();
        let place = Place { cgroup: Some(cgroup.clone()), ..world.place() };
        let tree = Tree::grow(&spec(Sandbox::None), &place, "daemon,deaf");
        (cgroup, tree)
    };
    let (left, mut gone) = make(&own, "web.1");
    let (kept, mut stays) = make(&own, "web.2");
    let (foreign, mut theirs) = make(&other, "web.1");
    assert!(base.create(&own, "web.1", &SandboxSpec::default()).is_err(), "two attempts would share a group");
    assert!(!left.is_empty().unwrap());
    assert!(!left.wait_empty(Duration::from_millis(1)).unwrap());

    assert_eq!(base.sweep(&own, &|attempt| attempt == "web.2"), 1);
    gone.gone();
    assert!(was_killed(&mut gone.root));
    assert!(!left.path().exists());
    assert_eq!(base.open(&own, "web.2"), Some(kept.clone()));
    for (cgroup, tree) in [(kept, &mut stays), (foreign, &mut theirs)] {
        assert!(!cgroup.is_empty().unwrap());
        cgroup.kill().unwrap();
        tree.gone();
        assert!(was_killed(&mut tree.root));
        assert!(cgroup.wait_empty(PATIENCE).unwrap());
        // A group below it, as a process inside may make one, is removed with it.
        fs::create_dir(cgroup.path().join("below")).unwrap();
        cgroup.remove().unwrap();
        assert!(!Utf8Path::new(cgroup.path()).exists());
    }
}
