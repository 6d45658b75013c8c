//! Sending a delivery.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long GitHub waits for a receiver.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn post(url: &str, headers: &[(&'static str, String)], body: &str) -> std::io::Result<u16> {
    let wrong = |text: &'static str| std::io::Error::new(std::io::ErrorKind::InvalidInput, text);
    let rest = url.strip_prefix("http://").ok_or_else(|| wrong("the address does not begin with http://"))?;
    let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let path = if path.is_empty() { "/" } else { path };
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| wrong("no status came"))
}
