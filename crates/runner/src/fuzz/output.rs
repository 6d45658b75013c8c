use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use dayfly_core::{Agent, AgentConfig, AgentKind, AgentName, End, EventSink, ExitFacts, OutputLimits, Stream};
use serde::{Serialize, de::DeserializeOwned};

use super::parts;
use crate::keeper::{Identity, Spec, Status, Told};
use crate::subprocess::{Output, for_display};
use crate::{Redactor, Secret, agent_for, check_catalog, gate_commands};

/// The adapter of each kind, as configured with nothing but a program.
static AGENTS: LazyLock<Vec<(AgentKind, Arc<dyn Agent>)>> = LazyLock::new(|| {
    let name = AgentName::new("agent").expect("a good name");
    let agent = |kind| agent_for(&name, &AgentConfig::new(kind, vec!["agent".into()]), &BTreeMap::new());
    AgentKind::ALL.into_iter().map(|kind| (kind, agent(kind))).collect()
});

/// What agents print, by each built-in adapter: no bytes make a failed or killed process one that succeeded, and what is
/// kept has bounds and means the same wherever the chunks end.
pub(super) fn streams(data: &[u8]) {
    let exit = |code, signal, ours| ExitFacts { code, signal, signalled_by_us: ours };
    for (kind, agent) in AGENTS.iter() {
        let limits = OutputLimits { line_bytes: 1000, log_bytes: 1 << 20 };
        let told = |chunks: &mut dyn Iterator<Item = &[u8]>, stream, exit| {
            let mut output = Output::new(limits, agent.reader(), EventSink::none());
            chunks.for_each(|chunk| output.take(stream, chunk));
            let (ending, tail) = output.finish(exit);
            (ending.end, tail)
        };
        let (end, tail) = told(&mut std::iter::once(data), Stream::Stdout, exit(Some(0), None, false));
        let cut = told(&mut parts(data), Stream::Stdout, exit(Some(0), None, false));
        assert_eq!((&end, &tail), (&cut.0, &cut.1), "{kind:?} depends on where the chunks end");
        assert!(tail.lines().count() <= 100 && tail.lines().all(|line| line.chars().count() <= 450), "{tail:?}");
        // One bad end for each input: to try all of them takes most of the time, and shows no more.
        let (facts, stream) = match data.len() % 4 {
            0 => (exit(Some(1), None, false), Stream::Stdout),
            1 => (exit(None, Some(9), false), Stream::Stdout),
            2 => (exit(None, Some(15), true), Stream::Stdout),
            _ => (exit(Some(1), None, false), Stream::Stderr),
        };
        let (end, _) = told(&mut parts(data), stream, facts);
        assert_ne!(end, End::Succeeded, "{kind:?} went well with {facts:?} and {stream:?}");
    }
    let shown = for_display(&String::from_utf8_lossy(data), 100);
    assert!(shown.chars().count() <= 101 && !shown.contains(['\u{1b}', '\n', '\u{202e}', '\u{200b}']), "{shown:?}");
    assert_eq!(for_display(&shown, 101), shown, "what is shown changes a second time");
}

/// A secret, which is the first line, in the text behind it: it is never shown, wherever the chunks end.
pub(super) fn redact(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (secret, text) = (data[..at].trim_ascii(), data.get(at + 1..).unwrap_or_default());
    let secrets = [Secret::new("KEY", secret)];
    let masked = |chunks: &mut dyn Iterator<Item = &[u8]>, pauses| {
        let (mut redactor, mut out) = (Redactor::new(&secrets), Vec::new());
        for chunk in chunks {
            redactor.push(chunk, &mut out);
            if pauses {
                redactor.flush_partial(&mut out);
            }
        }
        redactor.finish(&mut out);
        (out, redactor.is_empty())
    };
    let (whole, idle) = masked(&mut std::iter::once(text), false);
    assert_eq!(masked(&mut parts(text), false).0, whole, "it depends on where the chunks end");
    let paused = masked(&mut parts(text), true).0;
    for out in [&whole, &paused] {
        assert_eq!(out.len(), text.len(), "bytes are lost or added");
        assert!(text.iter().zip(out).all(|(was, is)| was == is || *is == b'*'), "something else is changed");
        // A secret of stars, or one that is shorter than is looked for, is no secret.
        let hidden = idle || secret.contains(&b'*') || !out.windows(secret.len()).any(|part| part == secret);
        assert!(hidden, "the secret is shown");
    }
}

/// The file that names a repository's gates, and a user's catalog of a vendor's records.
pub(super) fn gates(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    match gate_commands(text) {
        Ok(commands) => assert!(commands.iter().all(|gate| !gate.name.is_empty() && !gate.program.is_empty())),
        Err(why) => assert!(why.contains("mend it") && why.lines().count() <= 10, "{why}"),
    }
    if let Err(why) = check_catalog(text, AgentKind::Claude) {
        assert!(!why.to_string().is_empty());
    }
}

/// What a keeper leaves in an attempt's folder and tells its engine: read again as it is written.
pub(super) fn kept(data: &[u8]) {
    same::<Spec>(data);
    same::<Status>(data);
    same::<Identity>(data);
    same::<Told>(data);
}

fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    let written = serde_json::to_vec(&read).expect("it holds nothing that JSON cannot");
    assert_eq!(serde_json::from_slice::<T>(&written).ok(), Some(read));
}
