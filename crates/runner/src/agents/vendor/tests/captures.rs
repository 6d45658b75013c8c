//! What the real programs printed, and what it must mean.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dayfly_core::{AgentKind, Billing, End, Ending, ExitFacts, LimitScope, LimitWhy, ResetTime};
use serde::Deserialize;

use super::read;

/// One row of an `expected.toml`, of which there is a capture, or of an `unseen.toml`, which holds what is read itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    stdout: Option<String>,
    stderr: Option<String>,
    exit: Option<i32>,
    signal: Option<i32>,
    pub(super) end: String,
    reason: Option<String>,
    scope: Option<LimitScope>,
    why: Option<LimitWhy>,
    window: Option<String>,
    /// The windows of which something was said.
    windows: Option<Vec<String>>,
    /// The time at which the limit is over.
    resets: Option<jiff::Timestamp>,
    /// The seconds after which it is.
    after: Option<f64>,
    /// The words for that.
    says: Option<String>,
    usage: Option<[u64; 2]>,
    cost: Option<f64>,
    model: Option<String>,
    billing: Option<Billing>,
    answer: Option<String>,
    tools: Option<Vec<String>>,
}

fn folder(kind: AgentKind) -> PathBuf {
    PathBuf::from(format!("{}/tests/data/{}", env!("CARGO_MANIFEST_DIR"), kind.word()))
}

pub(super) fn expected(kind: AgentKind) -> BTreeMap<String, Expected> {
    let read = |file: &str| -> BTreeMap<String, Expected> {
        let file = folder(kind).join(file);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    };
    let mut rows = read("expected.toml");
    rows.extend(read("unseen.toml").into_iter().map(|(name, row)| (format!("unseen {name}"), row)));
    rows
}

pub(super) fn capture(kind: AgentKind, name: &str, row: &Expected) -> (Vec<u8>, Vec<u8>) {
    let part = |part| std::fs::read(folder(kind).join(format!("{name}.{part}"))).unwrap_or_default();
    match (&row.stdout, &row.stderr) {
        (None, None) => (part("stdout"), part("stderr")),
        (stdout, stderr) => (bytes(stdout), bytes(stderr)),
    }
}

fn bytes(text: &Option<String>) -> Vec<u8> {
    text.clone().unwrap_or_default().into_bytes()
}

impl Expected {
    pub(super) fn exit(&self) -> ExitFacts {
        assert!(self.exit.is_some() != self.signal.is_some(), "{self:?}");
        ExitFacts { code: self.exit, signal: self.signal, signalled_by_us: false }
    }

    /// What is not as it should be.
    fn differs(&self, ending: &Ending) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut same = |what: &str, is: String, wanted: Option<String>| match wanted {
            Some(wanted) if wanted != is => wrong.push(format!("{what}: {is}, not {wanted}")),
            _ => {}
        };
        same("end", ending.end.word().into(), Some(self.end.clone()));
        let refused: Vec<_> = ending.limits.iter().filter(|limit| limit.refused).collect();
        same("refused limits", refused.len().to_string(), Some(usize::from(self.why.is_some()).to_string()));
        if let Some(limit) = refused.first() {
            same("scope", format!("{:?}", Some(limit.scope)), Some(format!("{:?}", self.scope)));
            same("why", format!("{:?}", limit.why), self.why.map(|why| format!("{why:?}")));
            same("window", format!("{:?}", limit.window), self.window.as_ref().map(|w| format!("{:?}", Some(w))));
            let resets = self.resets.map(ResetTime::At);
            let after = self.after.map(|seconds| ResetTime::After(std::time::Duration::from_secs_f64(seconds)));
            let wanted = resets.or(after).or(self.says.clone().map(ResetTime::Text));
            same("resets", format!("{:?}", limit.resets), Some(format!("{wanted:?}")));
        }
        if let End::Quota { resets_at } = &ending.end {
            same("resets at", format!("{resets_at:?}"), Some(format!("{:?}", self.resets)));
        }
        if let Some(windows) = &self.windows {
            let is: Vec<_> = ending.limits.iter().filter_map(|limit| limit.window.clone()).collect();
            same("windows", format!("{is:?}"), Some(format!("{windows:?}")));
        }
        if let End::PermissionDenied { tools } = &ending.end {
            same("tools", format!("{tools:?}"), self.tools.as_ref().map(|tools| format!("{tools:?}")));
        }
        let usage = [ending.usage.input_tokens, ending.usage.output_tokens];
        same("usage", format!("{usage:?}"), self.usage.map(|usage| format!("{usage:?}")));
        let cost = ending.usage.cost_usd.map(|cost| format!("{cost:.4}"));
        same("cost", format!("{cost:?}"), self.cost.map(|cost| format!("{:?}", Some(format!("{cost:.4}")))));
        same("model", format!("{:?}", ending.model), self.model.as_ref().map(|model| format!("{:?}", Some(model))));
        let billing = ending.opening.as_ref().map(|opening| opening.billing).unwrap_or_default();
        same("billing", format!("{billing:?}"), self.billing.map(|billing| format!("{billing:?}")));
        same("answer", format!("{:?}", ending.answer), Some(format!("{:?}", self.answer)));
        if let Some(reason) = &self.reason {
            same("reason", ending.end.to_string(), Some(format!("{}: {reason}", self.end)));
        }
        wrong
    }
}

fn check(kind: AgentKind, at_least: usize) {
    let expected = expected(kind);
    assert!(expected.len() >= at_least, "{} captures of {}", expected.len(), kind.word());
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let (stdout, stderr) = capture(kind, name, expected);
        let (_, ending) = read(kind, (&stdout, &stderr), expected.exit());
        let differs = expected.differs(&ending);
        if !differs.is_empty() {
            wrong.push(format!("{name}: {}\n    {}", differs.join("; "), ending.end));
        }
        // Ended by us it is cancelled, whatever it printed.
        let by_us = ExitFacts { signalled_by_us: true, ..expected.exit() };
        assert_eq!(read(kind, (&stdout, &stderr), by_us).1.end, End::Cancelled, "{name}");
    }
    assert!(wrong.is_empty(), "{}:\n{}", kind.word(), wrong.join("\n"));
}

#[test]
fn claude() {
    check(AgentKind::Claude, 60);
}

/// A run that was woken again has an end before its last one.
const SEVERAL_ENDS: [&str; 8] = [
    "bg-long",
    "old-bg",
    "streamin-two",
    "bash-timeout",
    "unseen result-after-a-result",
    "unseen good-result-after-a-bad-one",
    "unseen completed-then-failed",
    "unseen stop-and-then-an-error",
];

#[test]
fn a_run_that_is_cut_at_any_byte_is_no_success_and_nothing_panics() {
    for kind in AgentKind::ALL.into_iter().filter(|kind| *kind != AgentKind::Command) {
        for (name, row) in expected(kind) {
            let (stdout, _) = capture(kind, &name, &row);
            let whole = stdout.trim_ascii_end().len();
            // What comes after an end tells nothing.
            let last = stdout[..whole].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            for cut in [last / 3, last / 2, last + 1, whole.saturating_sub(1)] {
                let (_, ending) = read(kind, (&stdout[..cut.min(whole)], b""), super::exited(0));
                let several = SEVERAL_ENDS.contains(&name.as_str());
                assert!(ending.end != End::Succeeded || several, "{} {name} cut at {cut}", kind.word());
            }
        }
    }
}

#[test]
fn codex() {
    check(AgentKind::Codex, 30);
}

#[test]
fn gemini() {
    check(AgentKind::Gemini, 20);
}

#[test]
fn opencode() {
    check(AgentKind::OpenCode, 20);
}

#[test]
fn copilot() {
    check(AgentKind::Copilot, 10);
}
