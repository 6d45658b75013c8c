//! The bridge: a port inside that leads to a socket outside, and to nothing else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use dayfly_core::{Network, Sandbox, SandboxSpec};
use dayfly_runner::{LAUNCH_FAILED, Place, wrap};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::checks::{rungs, spec, walls};
use crate::world::{World, ladder, me, start};

/// Being the program inside: calls the port, says its word, and prints what it hears. If there is another port, that one
/// must not be reached.
pub(crate) fn call(port: &str, word: &str, other: Option<&str>) -> ExitCode {
    let reach = |port: &str| TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap()));
    if other.is_some_and(|other| reach(other).is_ok()) {
        println!("another port was reached");
        return ExitCode::FAILURE;
    }
    let mut stream = reach(port).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(word.replace("\\r\\n", "\r\n").as_bytes()).unwrap();
    let mut heard = String::new();
    match stream.read_to_string(&mut heard) {
        Ok(_) => println!("{heard}"),
        Err(err) => println!("{heard} and then {err}"),
    }
    ExitCode::SUCCESS
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn socket(world: &World) -> Utf8PathBuf {
    let path = world.root().join("run/proxy/sock");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}

/// The spec of a rung, without a network where the rung can hold that.
fn lonely(rung: Sandbox) -> SandboxSpec {
    let network = if rung == Sandbox::None { Network::Host } else { Network::None };
    SandboxSpec { network, ..spec(rung) }
}

/// More than all buffers between the two hold.
const MUCH: usize = 3 << 20;

/// Says back what it is told, many times over, once it has been told all.
fn echo(listener: &UnixListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut told = [0; 5];
    stream.read_exact(&mut told).unwrap();
    let said = told.repeat(MUCH / told.len());
    stream.write_all(&said).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
}

pub(crate) fn leads() {
    for rung in rungs() {
        let world = World::new();
        let path = socket(&world);
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || echo(&listener));
        let port = free_port();
        let place = Place { bridge: Some((port, path)), ..world.place() };
        let other = world.facts().iter().find_map(|fact| fact.strip_prefix("tcp=127.0.0.1:")).unwrap().to_owned();
        let (me, port) = (me(), port.to_string());
        let mut argv = vec![me.as_str(), "@call", &port, "hello"];
        argv.extend(walls().contains(&rung).then_some(other.as_str()));
        let (said, code) = world.run(&lonely(rung), &place, &argv);
        let right = said.trim_end() == "hello".repeat(MUCH / 5);
        assert!(right && code == Some(0), "{rung:?}: {code:?} {} bytes: {:.200}", said.len(), said);
        server.join().unwrap();
    }
}

/// The process at the other end, as this one knows it.
fn peer(stream: &UnixStream) -> i32 {
    getsockopt(stream, PeerCredentials).unwrap().pid()
}

fn is_gone(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

pub(crate) fn ends() {
    for rung in rungs() {
        let world = World::new();
        let path = socket(&world);
        let listener = UnixListener::bind(&path).unwrap();
        let port = free_port();
        let place = Place { bridge: Some((port, path)), ..world.place() };
        let argv = [me(), "@call".into(), port.to_string(), "hello".into()];
        let wrapped = wrap(&lonely(rung), ladder(), &place, &argv).unwrap();
        let mut child = start(&wrapped, &place).stdout(Stdio::null()).spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let bridge = peer(&stream);
        assert!(!is_gone(bridge), "{rung:?}: the bridge {bridge} is not there");
        let mut told = [0; 5];
        stream.read_exact(&mut told).unwrap();
        // The program is gone without a word. With it goes the bridge, and what it held.
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!((&told, said.as_str()), (b"hello", ""), "{rung:?}");
        let end = Instant::now() + Duration::from_secs(20);
        while !is_gone(bridge) {
            assert!(Instant::now() < end, "{rung:?}: the bridge {bridge} is still there");
            std::thread::yield_now();
        }
    }
    taken();
}

/// A port that somebody has already is told of, and the program does not start.
fn taken() {
    let world = World::new();
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let place = Place { bridge: Some((port, socket(&world))), ..world.place() };
    let (said, code) = world.run(&spec(Sandbox::None), &place, &["/bin/sh", "-c", "echo started"]);
    assert!(said.contains(&format!("open port {port}")) && !said.contains("started"), "{said}");
    assert_eq!(code, Some(i32::from(LAUNCH_FAILED)));
}

#[cfg(not(feature = "proxy"))]
pub(crate) fn proxied() {
    println!("  not tried: built without the feature `proxy`");
}

/// The whole way: a program without a network, the bridge, the proxy, a vendor.
#[cfg(feature = "proxy")]
pub(crate) fn proxied() {
    use dayfly_runner::proxy::{Protocol, Proxy, ProxyBudget, ProxyLimits, ProxySpec, SecretKey, Spent};

    const KEY: &str = "sk-real-key-0123456789";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for rung in rungs() {
        let world = World::new();
        let vendor = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let token = SecretKey::token().unwrap();
        let protocol = Protocol::Anthropic;
        let spec = ProxySpec {
            socket: socket(&world),
            upstream: format!("http://{}", vendor.local_addr().unwrap()),
            protocol,
            key: SecretKey::new(KEY),
            sent: protocol.key_sent(),
            token: token.clone(),
            allow: protocol.paths(),
            budget: ProxyBudget { tokens: Some(5), ..ProxyBudget::default() },
            spent: Spent::default(),
            limits: ProxyLimits::default(),
        };
        let guard = runtime.enter();
        let proxy = Proxy::start(spec).unwrap();
        drop(guard);
        let server = std::thread::spawn(move || answer(&vendor));
        let ask = |key: &str| {
            // One of its own each time: a bridge that was killed may still hold the last one for a moment.
            let port = free_port();
            let place = Place { bridge: Some((port, proxy.socket().to_owned())), ..world.place() };
            let word = format!(
                "POST /v1/messages HTTP/1.1\\r\\nhost: x\\r\\nx-api-key: {key}\\r\\nconnection: close\\r\\ncontent-length: 0\\r\\n\\r\\n"
            );
            let argv = [me(), "@call".into(), port.to_string(), word];
            world.run(&lonely(rung), &place, &argv.each_ref().map(String::as_str)).0
        };
        let guessed = ask("dayfly-guessed");
        assert!(guessed.starts_with("HTTP/1.1 401 "), "{rung:?}: {guessed}");
        let good = ask(token.reveal());
        assert!(good.starts_with("HTTP/1.1 200 ") && good.contains("hello"), "{rung:?}: {good}");
        assert!(!good.contains(KEY), "{good}");
        let asked = server.join().unwrap();
        assert!(asked.contains(KEY) && !asked.contains(token.reveal()), "{asked}");
        let over = ask(token.reveal());
        assert!(over.contains("budget_exhausted"), "{rung:?}: {over}");
        assert_eq!(proxy.spent().tokens(), 7);
    }
}

/// A vendor that answers once. What it was asked.
#[cfg(feature = "proxy")]
fn answer(vendor: &TcpListener) -> String {
    let (mut stream, _) = vendor.accept().unwrap();
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        asked.push(byte[0]);
    }
    let body = r#"{"content":"hello","usage":{"input_tokens":3,"output_tokens":4}}"#;
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    String::from_utf8(asked).unwrap()
}
