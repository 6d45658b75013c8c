//! What a hijacked agent would try. One process an attack, which ends with 0 if the attack worked.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::ptrace;
use nix::sys::signal::kill;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chroot};

/// Stands in everything that must not be found.
pub(crate) const CANARY: &str = "canary-7f3a9c";

/// A word of the world's, such as the port of a server.
type Facts = BTreeMap<String, String>;
type Attack = fn(&Facts) -> io::Result<()>;

/// Each attack, with what it is in words, and whether it works (`W`), works for root alone (`R`), works where the
/// system allows it (`?`) or is blocked (`-`): without a sandbox, with Landlock, with bubblewrap, and with bubblewrap
/// without a network.
pub(crate) const ATTACKS: [(&str, &str, &str, Attack); 38] = [
    ("ssh-key", "read a key in the user's home", "W---", |f| found(&fs::read(&f["key"])?)),
    ("tool-key", "read a registry's key beside the tools that are shown", "W---", |f| {
        found(&fs::read(&f["registry"])?)
    }),
    ("write-outside", "write outside the working copy", "W---", |f| append(&f["notes"])),
    ("symlink", "read a key by a link in the working copy", "W---", symlink),
    ("hardlink", "read a key by a hard link in the working copy", "W---", hardlink),
    ("ledger", "read the ledger", "W---", |f| found(&fs::read(&f["ledger"])?)),
    ("other-attempt", "read the log of another attempt", "W---", |f| found(&fs::read(&f["other"])?)),
    ("forge-status", "write the attempt's own status", "W---", |f| append(&f["status"])),
    ("own-log", "write the attempt's own log", "W---", |f| append(&f["log"])),
    ("git-hook", "put a hook into the trusted git directory", "W---", |f| {
        create(&format!("{}/hooks/post-checkout", f["git"]))
    }),
    ("git-config", "write the trusted git directory's configuration", "W---", |f| {
        append(&format!("{}/config", f["git"]))
    }),
    ("gate-file", "overwrite a protected file", "WW--", |f| append(&in_copy(f, ".github/workflows/ci.yml"))),
    ("replace-file", "put another file in the place of a protected one", "WW--", replace),
    ("add-workflow", "add a file to a protected folder", "WW--", |f| create(&in_copy(f, ".github/workflows/new.yml"))),
    ("move-folder", "move a protected folder away", "WW--", |f| fs::rename(in_copy(f, ".github"), in_copy(f, "moved"))),
    ("unlock", "take the lock off a protected folder", "WW--", unlock),
    ("daemon-environ", "read the engine's environment", "W---", |f| found(&fs::read(of_daemon(f, "environ"))?)),
    ("daemon-memory", "read the engine's memory", "?---", memory),
    ("daemon-file", "read a file that the engine has open", "W---", |f| {
        found(&fs::read(of_daemon(f, &format!("fd/{}", f["fd"])))?)
    }),
    ("daemon-root", "read a key by the engine's view of the files", "W---", |f| {
        found(&fs::read(of_daemon(f, &format!("root{}", f["key"])))?)
    }),
    ("ptrace", "trace the engine", "?---", trace),
    ("setns", "enter the engine's namespaces", "R---", |f| {
        Ok(setns(File::open(of_daemon(f, "ns/uts"))?, CloneFlags::CLONE_NEWUTS)?)
    }),
    ("signal", "send the engine a signal", "W---", |f| Ok(kill(daemon(f), None)?)),
    ("processes", "see other processes", "W---", |f| found_any(&fs::read(of_daemon(f, "cmdline"))?)),
    ("tcp", "connect to a server on this host by TCP", "WWW-", |f| TcpStream::connect(&f["tcp"]).map(drop)),
    ("udp", "send by UDP, as for a leak by DNS", "WWW-", udp),
    ("unix-socket", "connect to a Unix socket by its path", "WW--", |f| UnixStream::connect(&f["socket"]).map(drop)),
    ("abstract-socket", "connect to an abstract Unix socket", "W---", |f| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&f["abstract"])?).map(drop)
    }),
    ("tmux", "have a tmux server run a command", "WW--", tmux),
    ("other-socket", "open a socket of another family (vsock, alg)", "??--", other_socket),
    ("shared-memory", "read shared memory of others", "W---", |f| found(&fs::read(&f["shm"])?)),
    ("mount", "mount over a folder", "R---", mounted),
    ("namespace", "mount in a user namespace of its own", "?---", |f| {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).map_err(io::Error::from).and_then(|()| mounted(f))
    }),
    ("chroot", "get out by a second root", "R---", second_root),
    ("passwords", "read the hashes of the system's passwords", "R---", |_| found_any(&fs::read("/etc/shadow")?)),
    ("kernel", "change a setting of the kernel", "R---", kernel),
    ("device", "open a raw device", "R---", device),
    ("cgroup", "leave the control group", "R---", |f| OpenOptions::new().write(true).open(&f["cgroup"]).map(drop)),
];

/// Makes all attacks and prints a line for each.
pub(crate) fn all(facts: &[String]) {
    let me = std::env::current_exe().unwrap();
    for (name, _, _, _) in ATTACKS {
        let ended = Command::new(&me).args(["@attack", name]).args(facts).stdin(Stdio::null()).output();
        let ended = ended.unwrap_or_else(|err| panic!("{name} was not tried: {err}"));
        let word = match ended.status.code() {
            Some(0) => "worked",
            Some(1) => "blocked",
            other => panic!("{name} ended with {other:?}: {}", String::from_utf8_lossy(&ended.stderr)),
        };
        println!("{name}\t{word}\t{}", String::from_utf8_lossy(&ended.stderr).trim().replace('\n', " "));
    }
}

/// Makes one attack. Whether it worked.
pub(crate) fn one(name: &str, facts: &[String]) -> bool {
    let facts: Facts =
        facts.iter().filter_map(|fact| fact.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let (_, _, _, attack) = ATTACKS.iter().find(|(n, ..)| *n == name).unwrap();
    attack(&facts).map_err(|err| eprintln!("{err}")).is_ok()
}

fn in_copy(facts: &Facts, path: &str) -> String {
    format!("{}/{path}", facts["copy"])
}

fn daemon(facts: &Facts) -> Pid {
    Pid::from_raw(facts["pid"].parse().unwrap())
}

fn of_daemon(facts: &Facts, file: &str) -> String {
    format!("/proc/{}/{file}", facts["pid"])
}

fn found(bytes: &[u8]) -> io::Result<()> {
    let there = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    if there { Ok(()) } else { Err(io::Error::other("the canary is not in it")) }
}

fn found_any(bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() { Err(io::Error::other("there is nothing in it")) } else { Ok(()) }
}

fn append(path: &str) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(b"overwritten")
}

fn create(path: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(b"planted")
}

fn symlink(facts: &Facts) -> io::Result<()> {
    let link = in_copy(facts, "link");
    std::os::unix::fs::symlink(&facts["key"], &link)?;
    found(&fs::read(link)?)
}

fn hardlink(facts: &Facts) -> io::Result<()> {
    let link = in_copy(facts, "hard");
    fs::hard_link(&facts["key"], &link)?;
    found(&fs::read(link)?)
}

fn replace(facts: &Facts) -> io::Result<()> {
    let new = in_copy(facts, "new");
    fs::write(&new, "planted")?;
    fs::rename(new, in_copy(facts, "AGENTS.md"))
}

fn unlock(facts: &Facts) -> io::Result<()> {
    // "move-folder" may have moved it.
    let folder = [".github", "moved"].map(|name| in_copy(facts, name)).into_iter().find(|f| fs::exists(f).unwrap());
    let folder = folder.unwrap();
    // Without a lock there is none to take off.
    let _ = umount2(folder.as_str(), MntFlags::MNT_DETACH);
    let _ = mount(None::<&str>, folder.as_str(), None::<&str>, MsFlags::MS_REMOUNT | MsFlags::MS_BIND, None::<&str>);
    append(&format!("{folder}/workflows/ci.yml"))
}

fn memory(facts: &Facts) -> io::Result<()> {
    let mut bytes = [0; CANARY.len()];
    File::open(of_daemon(facts, "mem"))?.read_exact_at(&mut bytes, facts["address"].parse().unwrap())?;
    found(&bytes)
}

fn trace(facts: &Facts) -> io::Result<()> {
    ptrace::attach(daemon(facts))?;
    waitpid(daemon(facts), None)?;
    Ok(ptrace::detach(daemon(facts), None)?)
}

fn udp(facts: &Facts) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.send_to(b"leak", &facts["udp"])?;
    socket.recv(&mut [0; 16]).map(drop)
}

fn tmux(facts: &Facts) -> io::Result<()> {
    let sent = Command::new("tmux").args(["-S", &facts["tmux"], "run-shell", "true"]).output()?;
    if sent.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&sent.stderr).into_owned()))
    }
}

fn other_socket(_: &Facts) -> io::Result<()> {
    let open = |family, kind| socket(family, kind, SockFlag::empty(), None);
    open(AddressFamily::Vsock, SockType::Stream).or_else(|_| open(AddressFamily::Alg, SockType::SeqPacket))?;
    Ok(())
}

fn mounted(facts: &Facts) -> io::Result<()> {
    let folder = in_copy(facts, "src");
    mount(None::<&str>, folder.as_str(), Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    Ok(umount2(folder.as_str(), MntFlags::MNT_DETACH)?)
}

fn second_root(facts: &Facts) -> io::Result<()> {
    let inner = in_copy(facts, "src");
    chroot(inner.as_str())?;
    for _ in 0..32 {
        std::env::set_current_dir("..")?;
    }
    chroot(".")?;
    found(&fs::read(&facts["key"])?)
}

fn kernel(_: &Facts) -> io::Result<()> {
    let settings = ["sys/kernel/core_pattern", "sys/kernel/hostname", "sys/vm/drop_caches", "sysrq-trigger"];
    any(&settings.map(|name| format!("/proc/{name}")), OpenOptions::new().write(true))
}

fn device(_: &Facts) -> io::Result<()> {
    let devices = ["mem", "kmsg", "port", "vda", "sda", "nvme0n1", "loop0"];
    any(&devices.map(|name| format!("/dev/{name}")), OpenOptions::new().read(true))
}

/// Opens one of the files.
fn any(paths: &[String], how: &OpenOptions) -> io::Result<()> {
    let opened = paths.iter().map(|path| how.open(path).map(drop)).reduce(Result::or);
    opened.unwrap()
}
