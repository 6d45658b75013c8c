//! Which event leads an issue from where to where: one table, and the diagram made from it.

use crate::EventKind::{self, *};

/// Where an issue may stand, in the order of the diagram; `new` stands before its first attempt.
const PHASES: [&str; 10] =
    ["new", "queued", "running", "asked", "split", "landing", "handed", "blocked", "done", "closed"];

/// The phases that an event may lead to from a phase; an empty list means that the event cannot happen there.
pub(super) fn targets(from: &str, event: EventKind) -> &'static [&'static str] {
    match (from, event) {
        ("new" | "queued", AttemptStarted) => &["running"],
        ("running", AttemptEnded) => &["queued", "asked", "split", "landing", "handed", "blocked", "done"],
        ("running", AttemptSpawned) => &["running"],
        ("landing", EffectDone) => &["landing", "done"],
        ("landing", EffectRefused) => &["landing", "queued", "blocked"],
        ("asked", Answered) => &["queued"],
        ("split", ChildrenClosed) => &["done"],
        ("handed", Merged) => &["done"],
        ("handed", PullSeen) => &["handed"],
        ("handed", SentBack) => &["queued"],
        ("handed", Stopped) => &["blocked"],
        ("blocked", Unblocked | Resumed) => &["queued"],
        ("queued" | "asked" | "split" | "handed" | "blocked", Closed) => &["closed"],
        ("done" | "closed", Reopened) => &["queued"],
        // Effects of an issue are applied after its attempt has ended, wherever that led.
        ("queued", EffectDone) => &["queued"],
        ("asked", EffectDone) => &["asked"],
        ("split", EffectDone) => &["split"],
        ("handed", EffectDone) => &["handed"],
        ("blocked", EffectDone) => &["blocked"],
        ("done", EffectDone) => &["done"],
        ("closed", EffectDone) => &["closed"],
        ("queued", EffectRefused) => &["queued", "blocked"],
        ("asked", EffectRefused) => &["asked", "blocked"],
        ("split", EffectRefused) => &["split", "blocked"],
        ("handed", EffectRefused) => &["handed", "blocked"],
        ("blocked", EffectRefused) => &["blocked"],
        ("done", EffectRefused) => &["done", "blocked"],
        ("closed", EffectRefused) => &["closed", "blocked"],
        (_, EffectDelayed | Triaged) if from != "new" && from != "running" => match from {
            "queued" => &["queued"],
            "asked" => &["asked"],
            "split" => &["split"],
            "landing" => &["landing"],
            "handed" => &["handed"],
            "blocked" => &["blocked"],
            "done" => &["done"],
            _ => &["closed"],
        },
        _ => &[],
    }
}

/// The kinds of event that are about one issue.
const EVENTS: [EventKind; 17] = [
    AttemptStarted,
    AttemptSpawned,
    AttemptEnded,
    EffectDone,
    EffectRefused,
    EffectDelayed,
    Answered,
    ChildrenClosed,
    Merged,
    PullSeen,
    SentBack,
    Stopped,
    Triaged,
    Unblocked,
    Resumed,
    Closed,
    Reopened,
];

/// Every transition there is: from, by which event, to.
pub fn transition_table() -> Vec<(&'static str, EventKind, &'static str)> {
    let mut table = Vec::new();
    for from in PHASES {
        for event in EVENTS {
            table.extend(targets(from, event).iter().map(|to| (from, event, *to)));
        }
    }
    table
}

/// The transitions that lead elsewhere, as a Mermaid state diagram.
pub fn transition_diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> new\n");
    for (from, event, to) in transition_table() {
        if from != to {
            let word = serde_json::to_string(&event).unwrap_or_default();
            text.push_str(&format!("    {from} --> {to}: {}\n", word.trim_matches('"')));
        }
    }
    text.push_str("    done --> [*]\n    closed --> [*]\n");
    text
}
