//! Pushes that the rules of a branch do not allow, declined as GitHub does it: by git's own report.

use axum::body::Body;
use axum::response::Response;

/// One reference that a push would move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) reference: String,
    side_band: bool,
}

/// The references that a push would move, from the head of its body.
pub(super) fn commands(body: &[u8]) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    let mut rest = body;
    while let Some(length) =
        rest.get(..4).and_then(|hex| usize::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok())
    {
        let Some(line) = rest.get(4..length) else { break };
        rest = &rest[length..];
        let line = String::from_utf8_lossy(line).into_owned();
        let (line, abilities) = line.split_once('\0').unwrap_or((&line, ""));
        let side_band = abilities.contains("side-band-64k") || found.first().is_some_and(|first| first.side_band);
        if let Some(reference) = line.trim_end().splitn(3, ' ').nth(2) {
            found.push(Command { reference: reference.to_owned(), side_band });
        }
    }
    found
}

/// The report that nothing was taken, and why.
pub(super) fn declined(commands: &[Command], why: &str) -> Response {
    let mut report = packet(b"unpack ok\n");
    for command in commands {
        report.extend(packet(format!("ng {} {why}\n", command.reference).as_bytes()));
    }
    report.extend(b"0000");
    let body = if commands.iter().any(|command| command.side_band) {
        let said = format!("\u{2}error: GH013: Repository rule violations found: {why}\n");
        let mut body = packet(said.as_bytes());
        report.insert(0, 1);
        body.extend(packet(&report));
        body.extend(b"0000");
        body
    } else {
        report
    };
    let mut response = Response::new(Body::from(body));
    let kind = axum::http::HeaderValue::from_static("application/x-git-receive-pack-result");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
    response
}

fn packet(bytes: &[u8]) -> Vec<u8> {
    let mut packet = format!("{:04x}", bytes.len() + 4).into_bytes();
    packet.extend(bytes);
    packet
}
