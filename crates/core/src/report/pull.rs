//! What a pull request says: what was done, by whom, and what shows that it is good.

use std::fmt::Write as _;

use crate::text::harmless;
use crate::{GateResult, IssueState, StageWork, Verdict};

/// The most characters of a note that a pull request repeats.
const MOST_NOTE: usize = 4000;

/// The text of a pull request, in Markdown. `closes` is the issue as its forge names it, such as `#12`.
pub fn pull_text(known: &IssueState, closes: Option<&str>, gates: &[GateResult]) -> String {
    let mut text = String::new();
    if let Some(issue) = closes {
        let _ = writeln!(text, "Closes {issue}.\n");
    }
    let said = ["exec", "prep", "review"].iter().filter_map(|stage| Some((stage, known.notes.get(*stage)?)));
    let others = known.notes.iter().filter(|(stage, _)| stage.as_str() == known.stage.as_str());
    for (stage, note) in said.map(|(stage, note)| (*stage, note)).chain(others.map(|(s, n)| (s.as_str(), n))) {
        let _ = writeln!(text, "### {stage}\n\n{}\n", brief(note));
    }
    let _ = writeln!(text, "### Receipt\n\n| stage | agent | model | attempts | tokens | paid | time |");
    let _ = writeln!(text, "|---|---|---|---|---|---|---|");
    for work in known.work.iter().filter(|work| work.agent.is_some()) {
        let _ = writeln!(text, "{}", row(work));
    }
    for work in &known.work {
        if let Some(why) = &work.substitution {
            let _ = writeln!(text, "\nStage {}: not its first choice: {}.", work.stage, cell(why));
        }
    }
    let passed: Vec<&str> = gates.iter().filter(|g| g.verdict == Verdict::Pass).map(|g| g.gate.as_str()).collect();
    if !passed.is_empty() {
        let _ = writeln!(text, "\nPassed on exactly this commit: {}.", passed.join(", "));
    }
    text
}

fn row(work: &StageWork) -> String {
    let StageWork { stage, agent, model, attempts, tokens, usd_micros, took, .. } = work;
    let agent = agent.as_ref().map_or("", |agent| agent.as_str());
    let paid = if *usd_micros == 0 { "-".to_owned() } else { format!("{:.2} US dollars", *usd_micros as f64 / 1e6) };
    let minutes = took.as_secs().div_ceil(60);
    let model = cell(model.as_deref().unwrap_or("-"));
    format!("| {stage} | {agent} | {model} | {attempts} | {tokens} | {paid} | {minutes} min |")
}

/// A text that stays in its cell: a vendor's program says what its model is called.
fn cell(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '|' | '`' | '<' | '>' | '@')).take(100).collect()
}

fn brief(note: &str) -> String {
    let note = note.trim();
    if note.chars().count() <= MOST_NOTE {
        return harmless(note);
    }
    let kept: String = note.chars().take(MOST_NOTE).collect();
    format!("{}\n\n(cut)", harmless(&kept))
}
