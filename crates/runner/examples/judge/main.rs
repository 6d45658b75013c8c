//! Throwaway.
use dayfly_core::{AgentKind, End, ExitFacts};
use dayfly_runner::{Printed, classify};
use std::io::Write;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut out = std::io::stdout().lock();
    for (kind, name) in [
        (AgentKind::Claude, "claude"),
        (AgentKind::Codex, "codex"),
        (AgentKind::OpenCode, "opencode"),
        (AgentKind::Gemini, "gemini"),
        (AgentKind::Copilot, "copilot"),
    ] {
        let Ok(entries) = std::fs::read_dir(format!("{dir}/{name}")) else { continue };
        let mut files: Vec<_> =
            entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|f| f.ends_with(".exit")).collect();
        files.sort();
        for file in files {
            let base = format!("{dir}/{name}/{}", file.trim_end_matches(".exit"));
            let facts: serde_json::Value =
                serde_json::from_slice(&std::fs::read(format!("{base}.exit")).unwrap()).unwrap_or_default();
            let code = facts["exit"].as_i64().unwrap_or(-99) as i32;
            let exit = ExitFacts {
                code: (code >= 0).then_some(code),
                signal: (code < 0).then_some(-code),
                signalled_by_us: false,
            };
            let stdout = std::fs::read(format!("{base}.stdout")).unwrap_or_default();
            let stderr = std::fs::read(format!("{base}.stderr")).unwrap_or_default();
            let ending = classify(kind, None, Printed { stdout: &stdout, stderr: &stderr }, exit).unwrap();
            let args = facts["argv"]
                .as_array()
                .map(|a| a.iter().filter_map(|x| x.as_str()).collect::<Vec<_>>().join(" "))
                .unwrap_or_default();
            let has = |w: &str| args.contains(w);
            let form = match name {
                "claude" => {
                    if has("stream-json") {
                        "stream"
                    } else if has("json") {
                        "json"
                    } else {
                        "text"
                    }
                }
                "codex" => {
                    if has("--json") {
                        "json"
                    } else {
                        "text"
                    }
                }
                "opencode" => {
                    if has("--format json") {
                        "json"
                    } else {
                        "text"
                    }
                }
                "gemini" => {
                    if has("stream-json") {
                        "stream"
                    } else if has("json") {
                        "json"
                    } else {
                        "text"
                    }
                }
                _ => {
                    if has("json") {
                        "json"
                    } else {
                        "text"
                    }
                }
            };
            let limits: Vec<String> = ending
                .limits
                .iter()
                .filter(|l| l.refused)
                .map(|l| format!("{:?}/{:?}/{:?}/{:?}", l.scope, l.why, l.window, l.resets))
                .collect();
            let _ = &End::Succeeded;
            let told: String = ending.end.to_string().chars().take(150).collect();
            writeln!(
                out,
                "{name:9}{:28} exit={code:4} {form:6} {told} {} sig={} answer={:?}",
                file.trim_end_matches(".exit"),
                limits.join(" ; "),
                facts["signals"],
                ending.answer.map(|a| a.len())
            )
            .unwrap();
        }
    }
}
