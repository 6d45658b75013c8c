//! The members of the tree. Each is a program of its own, started anew: no process here is copied.
#![expect(clippy::zombie_processes, reason = "nobody here waits for anybody")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::{pause, setsid};

/// The first word of a member's command line.
pub(crate) const WORD: &str = "hostile";

/// All members, with what each does.
pub(crate) const MEMBERS: [(&str, &str); 13] = [
    ("deaf", "takes no signal that can be refused"),
    ("group", "leaves the process group"),
    ("session", "leaves the session"),
    ("daemon", "forks twice and leaves the session, so that its parent is gone"),
    ("empty", "does the same with an empty environment"),
    ("hopper", "starts its successor and ends, without a pause"),
    ("chain", "is the last of five, each a child of the one before"),
    ("nested", "enters a user namespace of its own"),
    ("holder", "holds the standard output that it was given"),
    ("exec", "becomes another program twenty times"),
    ("undying", "clears the signal of its parent's death"),
    ("stopped", "stops itself"),
    ("avenger", "starts another when it is told to end"),
];

/// Runs the root of the tree, or the member that the arguments name.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let value = |flag: &str| args.iter().position(|a| a == flag).and_then(|at| args.get(at + 1)).map(String::as_str);
    let Some(sentinel) = value("--sentinel") else { return ExitCode::from(2) };
    let count = value("--count").and_then(|n| n.parse().ok()).unwrap_or(0);
    let member = Member { sentinel, count };
    match value("--member") {
        Some(name) => member.be(name),
        None => {
            member.hold();
            let all = MEMBERS.map(|(name, _)| name).join(",");
            for name in value("--members").unwrap_or(&all).split(',') {
                let output = if name == "holder" { Stdio::inherit() } else { Stdio::null() };
                member.start(name, 0).stdout(output).spawn().expect("a member can be started");
            }
            member.say("root");
            stay()
        }
    }
}

struct Member<'a> {
    sentinel: &'a str,
    count: u32,
}

impl Member<'_> {
    fn be(&self, name: &str) -> ExitCode {
        SigSet::all().thread_block().expect("signals can be blocked");
        match name {
            "session" => drop(setsid()),
            "daemon" | "empty" if self.count < 2 => {
                let _ = setsid();
                let mut next = self.start(name, self.count + 1);
                if name == "empty" {
                    next.env_clear();
                }
                next.spawn().expect("a daemon can be started");
                return ExitCode::SUCCESS;
            }
            "hopper" => {
                if self.count == 0 {
                    let _ = setsid();
                    self.say(name);
                }
                // A limit on processes, or the kill, may come between.
                let _ = self.start(name, 1).spawn();
                return ExitCode::SUCCESS;
            }
            "chain" if self.count < 4 => {
                self.start(name, self.count + 1).spawn().expect("a child can be started");
                return stay();
            }
            "exec" if self.count < 20 => {
                let err = self.start(name, self.count + 1).exec();
                panic!("cannot become another: {err}");
            }
            #[cfg(target_os = "linux")]
            // Where it may not, it stays as it is.
            "nested" => drop(nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER)),
            #[cfg(target_os = "linux")]
            "undying" => {
                let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
                let _ = nix::sys::prctl::set_pdeathsig(None);
            }
            _ => {}
        }
        self.hold();
        self.say(name);
        match name {
            "stopped" => drop(raise(Signal::SIGSTOP)),
            "avenger" => loop {
                let mut told = SigSet::empty();
                told.add(Signal::SIGTERM);
                if told.wait().is_ok() {
                    let _ = self.start("deaf", 0).spawn();
                }
            },
            _ => {}
        }
        stay()
    }

    /// Holds the sentinel open, and so does all that is started from here.
    fn hold(&self) {
        let file = OpenOptions::new().write(true).open(self.sentinel).expect("the sentinel can be opened");
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).expect("the sentinel can be handed down");
        std::mem::forget(file);
    }

    fn say(&self, name: &str) {
        let mut file = OpenOptions::new().write(true).open(self.sentinel).expect("the sentinel can be opened");
        // In one go, so that the words of several do not mix.
        file.write_all(format!("{name}\n").as_bytes()).expect("the sentinel can be written");
    }

    fn start(&self, name: &str, count: u32) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("the program knows where it is"));
        command.args([WORD, "--sentinel", self.sentinel, "--member", name, "--count", &count.to_string()]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        if name == "group" {
            command.process_group(0);
        }
        command
    }
}

/// Stays until it is killed.
fn stay() -> ExitCode {
    SigSet::all().thread_block().expect("signals can be blocked");
    loop {
        pause();
    }
}
