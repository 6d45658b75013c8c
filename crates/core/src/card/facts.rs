//! What one must know to answer a card, from ledger facts.

use std::time::Duration;

use serde::Serialize;

use crate::{AttemptId, AttemptLine, Feedback, Issue, IssueRef, IssueState, Phase, StageName};

/// How many of the last attempts a card tells of.
const LAST: usize = 3;

/// What one must know to answer a card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardFacts {
    /// The issue's title.
    pub title: String,
    /// Where a person reads the issue, if that is a page.
    pub url: Option<String>,
    /// The stage it is at.
    pub stage: StageName,
    /// The branch on which its change waits.
    pub branch: Option<String>,
    /// The commit at which its change stands, shortened.
    pub commit: Option<String>,
    /// Where a person reads its pull request.
    pub pull: Option<String>,
    /// Why the work came back the last time, if it did.
    pub feedback: Option<Feedback>,
    /// Attempts so far.
    pub attempts: u32,
    /// Tokens so far.
    pub tokens: u64,
    /// Money so far, in millionths of a US dollar, where it was paid for by the token.
    pub usd_micros: u64,
    /// Agent time so far.
    pub agent_time: Duration,
    /// The last attempts, the latest first.
    pub ends: Vec<EndFact>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndFact {
    /// The attempt. `dayfly logs` shows what it printed.
    pub attempt: AttemptId,
    /// How it ended, in a word.
    pub end: String,
    /// How it ended, in words.
    pub detail: String,
}

pub(super) fn facts(past: &[AttemptLine], issue: &IssueRef, (known, seen): (&IssueState, Option<&Issue>)) -> CardFacts {
    let of = past.iter().rev().filter(|line| line.issue == *issue && line.ended.is_some());
    let ends = of.take(LAST).map(|line| EndFact {
        attempt: line.attempt.clone(),
        end: line.end.clone(),
        detail: line.detail.clone(),
    });
    let branch = match &known.phase {
        Phase::Handed { branch, .. } => Some(branch.clone()),
        _ => None,
    };
    CardFacts {
        title: seen.map_or_else(|| known.title.clone(), |seen| seen.title.clone()),
        url: seen.and_then(|seen| seen.facts.url.clone()),
        stage: known.stage.clone(),
        branch,
        commit: known.tip.as_ref().map(|tip| tip.short().to_owned()),
        pull: known.pull.as_ref().map(|pull| pull.url.clone()),
        feedback: known.feedback.clone(),
        attempts: known.attempts,
        tokens: known.tokens,
        usd_micros: known.usd_micros,
        agent_time: known.agent_time,
        ends: ends.collect(),
    }
}
