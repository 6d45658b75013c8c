//! What each rung holds, and what it leaves to the program.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use dayfly_core::{Access, Network, Sandbox, SandboxSpec};
use dayfly_runner::{LAUNCH_FAILED, Place, SandboxError, wrap};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::attack::CANARY;
use crate::world::{World, ladder, start};
use crate::{bridge, gates, kept, table, trees};

/// All checks, by name.
pub(crate) const CHECKS: [(&str, fn()); 17] = [
    ("ladder", print_ladder),
    ("attacks", table::attacks),
    ("a stage that reads cannot write its working copy", reads),
    ("an attempt can do its work", works),
    ("what the configuration names is shown, and the state folder never is", named),
    ("by no link is the state folder shown", linked),
    ("a gate's command is shown its tools and no keys", gates::tools),
    ("a socket that is bound in answers without a network", bound_in),
    ("a bridge leads from a port to a socket", bridge::leads),
    ("a bridge ends with its program", bridge::ends),
    ("a program without a network reaches its vendor by bridge and proxy", bridge::proxied),
    ("the exit code and the mark of the start are the program's", exits),
    ("a signal goes so many children down as it is said to", signal_reaches),
    ("limits hold", limits),
    ("a control group kills, and its leftovers are removed", trees::leftovers),
    ("hostile trees", trees::hostile),
    ("hostile trees with a keeper", kept::hostile),
];

fn print_ladder() {
    let ladder = ladder();
    for (name, rung) in [("landlock", &ladder.landlock), ("bubblewrap", &ladder.bubblewrap), ("cgroup", &ladder.cgroup)]
    {
        let helps = rung.remedy.as_ref().map(|r| format!("; what helps: {r}")).unwrap_or_default();
        println!("  {name}: {}: {}{helps}", if rung.there { "there" } else { "not there" }, rung.found);
    }
}

pub(crate) fn spec(least: Sandbox) -> SandboxSpec {
    SandboxSpec { least, ..SandboxSpec::default() }
}

/// The rungs that are there.
pub(crate) fn rungs() -> Vec<Sandbox> {
    let all = [Sandbox::None, Sandbox::Landlock, Sandbox::Bubblewrap];
    all.into_iter().filter(|rung| ladder().holds(*rung).is_ok()).collect()
}

/// What is to be said of the rungs that are not there: what nobody tried must not look like what holds.
pub(crate) fn missing() -> Vec<String> {
    let all = [Sandbox::Landlock, Sandbox::Bubblewrap];
    all.into_iter().filter_map(|rung| ladder().holds(rung).err()).map(|err| err.to_string()).collect()
}

pub(crate) fn walls() -> Vec<Sandbox> {
    rungs().into_iter().filter(|rung| *rung != Sandbox::None).collect()
}

fn sh(world: &World, spec: &SandboxSpec, place: &Place, script: &str) -> (String, Option<i32>) {
    world.run(spec, place, &["/bin/sh", "-c", script])
}

fn reads() {
    for rung in walls() {
        let world = World::new();
        let place = Place { access: Access::Read, ..world.place() };
        let (said, code) = sh(&world, &spec(rung), &place, "cat AGENTS.md && ! touch src/new && ! rm AGENTS.md");
        assert_eq!(code, Some(0), "{rung:?}: {said}");
        assert!(!place.cwd.join("src/new").exists());
    }
}

fn works() {
    for rung in rungs() {
        let world = World::new();
        let place = world.place();
        let script = "set -e; echo text > src/new; mkdir sub; mv src/new sub/; echo x > $HOME/a; echo x > $TMPDIR/b; \
                      echo '{}' > ../../attempts/a1/answer/part; cd ../../attempts/a1/answer; mv part proposal.json; \
                      cat ../../../git/web.git/config; date >/dev/null; ls /usr/bin >/dev/null; echo fd | cat <&0";
        let (said, code) = sh(&world, &spec(rung), &place, script);
        assert_eq!(code, Some(0), "{rung:?}: {said}");
        assert!(place.cwd.join("sub/new").exists() && place.proposal.join("proposal.json").exists());
    }
}

fn named() {
    for rung in walls() {
        let world = World::new();
        let root = world.root();
        let spec = SandboxSpec { read: vec!["~/tools".into()], write: vec!["~/notes.txt".into()], ..spec(rung) };
        let script = format!(
            "cat {root}/user/tools/tool && echo more >> {root}/user/notes.txt && ! touch {root}/user/tools/x && ! cat {root}/user/.ssh/id_ed25519"
        );
        let (said, code) = sh(&world, &spec, &world.place(), &script);
        assert_eq!(code, Some(0), "{rung:?}: {said}");

        let inside = SandboxSpec { read: vec![root.join("state/attempts")], ..spec.clone() };
        let refused = wrap(&inside, ladder(), &world.place(), &["/bin/true".to_owned()]);
        assert!(matches!(refused, Err(SandboxError::Hidden { .. })), "{refused:?}");

        let around = SandboxSpec { read: vec![root.clone()], ..spec };
        match rung {
            Sandbox::Bubblewrap => {
                let script = format!(
                    "cat {root}/user/notes.txt && ls {root}/state && ! cat {root}/state/ledger.db && ! ls {root}/state/attempts/a0"
                );
                let (said, code) = sh(&world, &around, &world.place(), &script);
                assert_eq!(code, Some(0), "{said}");
            }
            _ => {
                let refused = wrap(&around, ladder(), &world.place(), &["/bin/true".to_owned()]);
                assert!(matches!(refused, Err(SandboxError::Covers { .. })), "{refused:?}");
            }
        }
    }
}

/// A link to a folder around the state folder, and paths of the attempt that lead over it.
fn linked() {
    for rung in walls() {
        let world = World::new();
        let root = world.root();
        let alias = root.join("user/alias");
        std::os::unix::fs::symlink("../../".to_owned() + root.file_name().unwrap(), &alias).unwrap();
        let attempt = alias.join("state/attempts/a1");
        let by_link = Place {
            cwd: alias.join("state/trees/a1"),
            home: attempt.join("home"),
            tmp: attempt.join("../a1/tmp"),
            proposal: attempt.join("answer"),
            read: vec![alias.join("state/git/web.git")],
            ..world.place()
        };
        let state_by_link = Place { state: alias.join("state"), ..world.place() };
        let steps = "set -e; echo x > src/x; echo x > $HOME/x; echo x > $TMPDIR/x";
        let (said, code) = sh(&world, &spec(rung), &by_link, &format!("{steps}; cat {}/config", by_link.read[0]));
        assert_eq!(code, Some(0), "{rung:?}: {said}");

        let around = SandboxSpec { read: vec![alias.clone()], ..spec(rung) };
        let whole = SandboxSpec { read: vec![root.clone()], ..spec(rung) };
        for (spec, place) in [(&around, world.place()), (&around, by_link), (&whole, state_by_link)] {
            if rung != Sandbox::Bubblewrap {
                let refused = wrap(spec, ladder(), &place, &["/bin/true".to_owned()]);
                assert!(matches!(refused, Err(SandboxError::Covers { .. })), "{refused:?}");
                continue;
            }
            let script = format!(
                "{steps}; cat {}/user/notes.txt; cd /; for at in {root} {alias}; do ! cat $at/state/ledger.db; \
                 ! ls $at/state/attempts/a0; done; echo end",
                spec.read[0]
            );
            let (said, code) = sh(&world, spec, &place, &script);
            assert!(said.matches(CANARY).count() == 1 && said.contains("end\n"), "{code:?}: {said}");
        }
    }
}

fn bound_in() {
    if ladder().holds(Sandbox::Bubblewrap).is_err() {
        return;
    }
    let world = World::new();
    let path = world.root().join("run/proxy.sock");
    let _proxy = UnixListener::bind(&path).unwrap();
    let spec = SandboxSpec { network: Network::None, ..spec(Sandbox::Bubblewrap) };
    let me = crate::world::me();
    let (attempt, fact) = ([me.as_str(), "@attack", "unix-socket"], format!("socket={path}"));
    let argv = [attempt.as_slice(), &[fact.as_str()]].concat();
    let (said, code) = world.run(&spec, &world.place(), &argv);
    assert_eq!(code, Some(1), "it was reached without being bound in: {said}");
    let (said, code) = world.run(&spec, &Place { sockets: vec![path], ..world.place() }, &argv);
    assert_eq!(code, Some(0), "{said}");
}

fn exits() {
    for rung in rungs() {
        let world = World::new();
        let place = Place { cgroup: None, ..world.place() };
        let spec = SandboxSpec { memory_bytes: Some(1 << 30), ..spec(rung) };
        let run = |argv: &[&str]| {
            let wrapped =
                wrap(&spec, ladder(), &place, &argv.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()).unwrap();
            let mark = wrapped.started.clone().unwrap();
            let _ = fs::remove_file(&mark);
            let status = start(&wrapped, &place).stderr(Stdio::null()).status().unwrap();
            (status.code(), mark.exists())
        };
        assert_eq!(run(&["/bin/sh", "-c", "exit 7"]), (Some(7), true), "{rung:?}");
        assert_eq!(run(&["/nowhere/program"]), (Some(i32::from(LAUNCH_FAILED)), false), "{rung:?}");
    }
    let world = World::new();
    let lost = Place { cwd: world.root().join("nowhere"), ..world.place() };
    for rung in walls() {
        let refused = wrap(&spec(rung), ladder(), &lost, &["/bin/true".to_owned()]);
        assert!(matches!(refused, Err(SandboxError::Path { .. })), "{refused:?}");
    }
}

/// The process that is so many children below another.
fn below(pid: u32, depth: usize) -> u32 {
    (0..depth).fold(pid, |pid, _| {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.split_whitespace().next().unwrap_or_else(|| panic!("{pid} has no child")).parse().unwrap()
    })
}

fn signal_reaches() {
    for rung in rungs() {
        let world = World::new();
        let place = world.place();
        // What it waits for is the end of its input, so that nothing stays after the check.
        let script = "trap 'exit 9' TERM; exec 3<&0; cat <&3 & echo ready; wait";
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        let wrapped = wrap(&spec(rung), ladder(), &place, &argv).unwrap();
        let mut child = start(&wrapped, &place).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Waiting would close it, and the end of its input would be the program's end.
        let input = child.stdin.take();
        line(&mut child);
        let pid = below(child.id(), wrapped.wrappers);
        kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(9), "{rung:?}");
        drop(input);
    }
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

fn limits() {
    for rung in rungs() {
        let world = World::new();
        let spec = SandboxSpec { memory_bytes: Some(256 << 20), processes: Some(16), ..spec(rung) };
        let place = world.place();
        // A hundred million bytes fit, and a thousand million do not.
        let (said, code) = sh(&world, &spec, &place, "head -c 100000000 /dev/zero | tail -c 100000000 | wc -c");
        assert!(said.contains("100000000") && code == Some(0), "{rung:?}: {said}");
        let (said, _) = sh(&world, &spec, &place, "head -c 1000000000 /dev/zero | tail -c 1000000000 | wc -c");
        assert!(!said.contains("1000000000"), "{rung:?}: {said}");

        let wrapped = wrap(&spec, ladder(), &place, &["/bin/true".to_owned()]).unwrap();
        let root = nix::unistd::getuid().is_root();
        assert_eq!(wrapped.unheld.is_empty(), rung == Sandbox::Bubblewrap && !root, "{rung:?}: {:?}", wrapped.unheld);
        if wrapped.unheld.is_empty() {
            let bomb = "exec 3<&0; i=0; while [ $i -lt 64 ]; do cat <&3 & i=$((i+1)); done; echo all";
            let (said, _) = sh(&world, &spec, &place, bomb);
            assert!(!said.contains("all\n") || said.to_lowercase().contains("fork"), "{rung:?}: {said}");
        }
    }
}

/// Reads what is left in a pipe until its end, or fails after so long.
pub(crate) fn drained(pipe: &mut fs::File, patience: Duration) -> Result<Duration, String> {
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let start = Instant::now();
    let mut seen = String::new();
    loop {
        let left = PollTimeout::try_from(patience.saturating_sub(start.elapsed())).unwrap();
        if poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], left).unwrap() == 0 {
            return Err(format!("something still holds the pipe after {patience:?}; it said: {seen}"));
        }
        let mut bytes = [0; 4096];
        match pipe.read(&mut bytes).unwrap() {
            0 => return Ok(start.elapsed()),
            n => seen.push_str(&String::from_utf8_lossy(&bytes[..n])),
        }
    }
}

/// Whether a process was ended by the signal that cannot be refused.
pub(crate) fn was_killed(child: &mut Child) -> bool {
    child.wait().unwrap().signal() == Some(Signal::SIGKILL as i32)
}
