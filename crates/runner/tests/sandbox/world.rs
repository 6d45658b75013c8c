//! A machine with secrets: a user's home, an engine at work, servers, and the attempt that is to be held.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Access, SandboxSpec};
use dayfly_runner::{CgroupBase, Ladder, Place, Wrapped, find_program, wrap};

use crate::attack::CANARY;

/// The globs that are protected.
const PROTECTED: [&str; 3] = [".github/**", "**/AGENTS.md", "missing/**"];

/// The message after which the server that answers messages ends.
const END: &[u8] = b"end";

#[derive(Debug)]
pub(crate) struct World {
    dir: tempfile::TempDir,
    daemon: Child,
    _tcp: TcpListener,
    udp: UdpSocket,
    answers: Option<JoinHandle<()>>,
    _socket: UnixListener,
    _abstract: UnixListener,
    facts: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        // Never below `/dev`, as a `TMPDIR` in memory is: what is there in a sandbox is the sandbox's own.
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
        for path in [
            "user/.ssh/id_ed25519",
            "user/notes.txt",
            "user/tools/tool",
            "user/.cargo/bin/tool",
            "user/.cargo/registry/crate",
            "user/.cargo/credentials.toml",
            "user/.rustup/toolchains/compiler",
            "engine/open",
            "state/ledger.db",
            "state/attempts/a0/output.log",
            "state/attempts/a1/output.log",
            "state/attempts/a1/status.json",
            "state/attempts/a1/home/.keep",
            "state/attempts/a1/tmp/.keep",
            "state/attempts/a1/answer/.keep",
            "state/trees/a1/.github/workflows/ci.yml",
            "state/trees/a1/AGENTS.md",
            "state/trees/a1/src/main.rs",
            "state/git/web.git/config",
            "state/git/web.git/hooks/.keep",
            "run/.keep",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, CANARY).unwrap();
        }
        let shm = format!("/dev/shm/dayfly-{}", root.file_name().unwrap());
        fs::write(&shm, CANARY).unwrap();
        let (daemon, own) = daemon(&root);
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let name = format!("dayfly-{}", root.file_name().unwrap());
        let socket = UnixListener::bind(root.join("run/control.sock")).unwrap();
        let hidden = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let tmux = root.join("run/tmux.sock");
        if find("tmux").is_some() {
            let mut server = Command::new("tmux");
            server.args(["-S", tmux.as_str(), "-f", "/dev/null", "new-session", "-d", "cat"]).env("LC_ALL", "C.UTF-8");
            assert!(server.status().unwrap().success());
        }
        let cgroup = CgroupBase::find().map_or("/none".into(), |base| base.path().join("cgroup.procs").into_string());
        let mut facts = vec![
            format!("key={}", root.join("user/.ssh/id_ed25519")),
            format!("registry={}", root.join("user/.cargo/credentials.toml")),
            format!("notes={}", root.join("user/notes.txt")),
            format!("ledger={}", root.join("state/ledger.db")),
            format!("other={}", root.join("state/attempts/a0/output.log")),
            format!("status={}", root.join("state/attempts/a1/status.json")),
            format!("log={}", root.join("state/attempts/a1/output.log")),
            format!("git={}", root.join("state/git/web.git")),
            format!("copy={}", root.join("state/trees/a1")),
            format!("tcp={}", tcp.local_addr().unwrap()),
            format!("udp={}", udp.local_addr().unwrap()),
            format!("socket={}", root.join("run/control.sock")),
            format!("abstract={name}"),
            format!("tmux={tmux}"),
            format!("shm={shm}"),
            format!("cgroup={cgroup}"),
        ];
        facts.extend(own);
        let server = udp.try_clone().unwrap();
        let answers = std::thread::spawn(move || {
            let mut bytes = [0; 16];
            while let Ok((n, from)) = server.recv_from(&mut bytes)
                && &bytes[..n] != END
            {
                server.send_to(b"heard", from).unwrap();
            }
        });
        Self { dir, daemon, _tcp: tcp, udp, answers: Some(answers), _socket: socket, _abstract: hidden, facts }
    }

    pub(crate) fn root(&self) -> Utf8PathBuf {
        Utf8Path::from_path(self.dir.path()).unwrap().canonicalize_utf8().unwrap()
    }

    pub(crate) fn facts(&self) -> &[String] {
        &self.facts
    }

    pub(crate) fn place(&self) -> Place {
        let root = self.root();
        let attempt = root.join("state/attempts/a1");
        Place {
            cwd: root.join("state/trees/a1"),
            access: Access::Write,
            home: attempt.join("home"),
            tmp: attempt.join("tmp"),
            proposal: attempt.join("answer"),
            read: ["state/git/web.git", "user/.cargo/bin", "user/.cargo/registry"].map(|path| root.join(path)).into(),
            sockets: Vec::new(),
            bridge: None,
            protected: PROTECTED.map(str::to_owned).into(),
            state: root.join("state"),
            user_home: Some(root.join("user")),
            launcher: vec![me(), "@launch".into()],
            cgroup: None,
        }
    }

    /// Runs a command line in a sandbox; what it printed, and its exit code.
    pub(crate) fn run(&self, spec: &SandboxSpec, place: &Place, argv: &[&str]) -> (String, Option<i32>) {
        let argv: Vec<String> = argv.iter().map(|w| (*w).to_owned()).collect();
        let wrapped = wrap(spec, ladder(), place, &argv).unwrap();
        let mut child = start(&wrapped, place).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        let mut pipe = child.stderr.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| pipe.read_to_string(&mut err).unwrap());
            child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        });
        let status = child.wait().unwrap();
        if !err.is_empty() {
            out.push_str(&format!("\n[stderr] {err}"));
        }
        (out, status.code())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let root = self.root();
        if find("tmux").is_some() {
            let _ = Command::new("tmux").args(["-S", root.join("run/tmux.sock").as_str(), "kill-server"]).status();
        }
        let _ = fs::remove_file(format!("/dev/shm/dayfly-{}", root.file_name().unwrap()));
        let _ = self.udp.send_to(END, self.udp.local_addr().unwrap());
        let _ = self.answers.take().unwrap().join();
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// The command that starts a wrapped command line as a keeper would: with the environment that the program is to have.
pub(crate) fn start(wrapped: &Wrapped, place: &Place) -> Command {
    let mut command = Command::new(&wrapped.argv[0]);
    command.args(&wrapped.argv[1..]).current_dir(&place.cwd).env_clear().stdin(Stdio::null());
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &place.home)
        .env("TMPDIR", &place.tmp);
    command
}

pub(crate) fn ladder() -> &'static Ladder {
    static LADDER: std::sync::LazyLock<Ladder> = std::sync::LazyLock::new(Ladder::probe);
    &LADDER
}

pub(crate) fn me() -> String {
    std::env::current_exe().unwrap().into_os_string().into_string().unwrap()
}

pub(crate) fn find(program: &str) -> Option<std::path::PathBuf> {
    find_program(program, std::env::var_os("PATH").as_deref())
}

/// Starts something like an engine: it holds a secret in its environment, in its memory and in an open file. What is
/// known of it.
fn daemon(root: &Utf8Path) -> (Child, Vec<String>) {
    let mut daemon = Command::new(me())
        .args(["@daemon", root.join("engine/open").as_str()])
        .env("SECRET", CANARY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let facts = line.split_whitespace().map(str::to_owned).chain([format!("pid={}", daemon.id())]).collect();
    (daemon, facts)
}

/// The engine's side of [`daemon`].
pub(crate) fn be_daemon(path: &str) {
    use std::os::fd::AsRawFd as _;

    let file = fs::File::open(path).unwrap();
    let memory = CANARY.to_owned();
    // Its folder goes, so that the open file is the only way to it.
    fs::remove_file(path).unwrap();
    println!("address={} fd={}", memory.as_ptr() as usize, file.as_raw_fd());
    // Until whoever started it ends.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop((file, memory));
}
