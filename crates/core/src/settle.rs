//! What follows an ended attempt: one pure decision.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Class, Commit, End, Feedback, GateFailure, IssueState, NewPull, Outcome, Pipeline, Proposed, Retry, Stage,
    StageName, VerdictClaim,
};

/// What follows an ended attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Next {
    /// The issue goes to a stage: the next one, the same one again, or one further back.
    Go {
        /// The stage.
        stage: StageName,
        /// Why the work came back, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feedback: Option<Feedback>,
        /// Not before this time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<Timestamp>,
    },
    /// It waits for a person's answer.
    Ask {
        /// The question.
        question: String,
    },
    /// It waits for its children.
    Split,
    /// A person must act.
    Block {
        /// Why.
        reason: String,
        /// What helps.
        remedy: String,
    },
    /// The change is put on the base branch; then the issue is done.
    Land {
        /// The branch.
        branch: String,
        /// Where it must stand.
        from: Commit,
        /// Where it is to stand.
        to: Commit,
    },
    /// The change is left on a branch for a person to merge.
    Hand {
        /// The branch.
        branch: String,
        /// Where it stands.
        commit: Commit,
        /// The pull request that is opened for it, where there is a forge.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pull: Option<Box<NewPull>>,
    },
    /// The issue is done.
    Finish,
}

/// What the decision is made from.
#[derive(Debug)]
pub struct SettleInput<'a> {
    /// The stages.
    pub pipeline: &'a Pipeline,
    /// The stage that ran.
    pub stage: &'a Stage,
    /// The issue as the ledger knows it, the ended attempt still running.
    pub known: &'a IssueState,
    /// How the attempt ended.
    pub outcome: &'a Outcome,
    /// How tries are spaced.
    pub retry: Retry,
    /// Whether what the attempt used is parked with it when its vendor refuses work: then the issue itself waits for
    /// nothing, because it is not started before its agent takes work.
    pub parked: bool,
    /// What a successful landing stage leads to.
    pub landing: Option<Next>,
    /// The wall time.
    pub now: Timestamp,
    /// Uniform in 0..1, for jitter.
    pub dice: f64,
}

/// Decides what follows. Pure: the same input gives the same answer.
pub fn next_step(input: &SettleInput<'_>) -> Next {
    let end = &input.outcome.end;
    match end.class() {
        Class::Good => after_success(input),
        Class::Charged => after_failure(input, feedback_of(&input.stage.name, input.outcome)),
        Class::Idle if input.known.idle_row == 0 => {
            go(&input.stage.name, Some(once_more(input, feedback_of(&input.stage.name, input.outcome))), None)
        }
        Class::Idle => block(
            format!("The agent says that stage `{}` is done, and changed nothing, twice in a row.", input.stage.name),
            "look at the attempt's log, make the issue clearer",
        ),
        Class::Transient => after_transient(input),
        Class::Person => match end {
            End::NeedsHuman { question } => Next::Ask { question: question.clone() },
            // It is the account that waits for a person, with all that needs it.
            End::Auth { .. } if input.parked => again(input, None),
            _ => block(format!("{end}."), remedy(end)),
        },
    }
}

fn go(stage: &StageName, feedback: Option<Feedback>, not_before: Option<Timestamp>) -> Next {
    Next::Go { stage: stage.clone(), feedback, not_before }
}

fn block(reason: String, remedy: &str) -> Next {
    Next::Block { reason, remedy: remedy.to_owned() }
}

fn after_success(input: &SettleInput<'_>) -> Next {
    for effect in input.outcome.proposal.iter().flat_map(|p| &p.effects) {
        match effect {
            Proposed::Ask { question } => return Next::Ask { question: question.clone() },
            Proposed::Split { .. } => return Next::Split,
            Proposed::Comment { .. } | Proposed::Label { .. } | Proposed::Create { .. } => {}
        }
    }
    if let Some(landing) = &input.landing {
        return landing.clone();
    }
    match input.pipeline.after(&input.stage.name) {
        Some(stage) => go(&stage.name, None, None),
        None => Next::Finish,
    }
}

/// A charged failure goes back to where the stage says, as long as its bounds last.
fn after_failure(input: &SettleInput<'_>, feedback: Feedback) -> Next {
    let SettleInput { stage, known, pipeline, .. } = input;
    let back = pipeline.position(&stage.on_fail) < pipeline.position(&stage.name);
    let gate = matches!(input.outcome.end, End::GateFailed(_));
    if back && gate {
        let used = known.rounds.get(&stage.name).copied().unwrap_or(0);
        if used < stage.rounds {
            return go(&stage.on_fail, Some(feedback), None);
        }
        return block(
            format!("`{}` sent the work back {used} times: {}: {}", stage.name, feedback.gate, feedback.reason),
            "look at the change, or make the issue smaller",
        );
    }
    if known.visit_attempts + 1 < stage.attempts {
        return go(&stage.name, Some(once_more(input, feedback)), None);
    }
    block(
        format!("Stage `{}` failed {} times: {}: {}", stage.name, stage.attempts, feedback.gate, feedback.reason),
        "look at the attempts' logs, mend what keeps failing",
    )
}

fn after_transient(input: &SettleInput<'_>) -> Next {
    let SettleInput { stage, known, retry, now, .. } = input;
    let end = &input.outcome.end;
    if let End::Cancelled = end {
        return again(input, None);
    }
    let row = known.transient_row + 1;
    let stuck = known.stuck_row + 1;
    if stuck >= retry.transient && end.is_counted() && *end != End::Lost {
        return block(
            format!("Stage `{}` ended {stuck} times in a row without a result: {end}.", stage.name),
            "look at the attempt's log, or raise the limit",
        );
    }
    // The agent's capacity is waited for where agents are chosen; another may go on at once.
    if input.parked && matches!(end, End::Quota { .. } | End::ProviderDown { .. }) {
        return again(input, None);
    }
    let delay = match end {
        End::Lost => std::time::Duration::ZERO,
        _ => retry.delay(row, input.dice),
    };
    let mut at = now.checked_add(SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX)).unwrap_or(*now);
    if let End::Quota { resets_at: Some(reset) } = end {
        at = at.max(believed(*reset, *now));
    }
    again(input, Some(at))
}

/// The same once more, with what was said of it before.
fn again(input: &SettleInput<'_>, not_before: Option<Timestamp>) -> Next {
    go(&input.stage.name, input.known.feedback.clone(), not_before)
}

/// The time at which a quota is said to come back, as far as it is believed: no vendor's quota is longer than a week,
/// and a wrong word must not keep an agent idle for good.
pub fn believed(reset: Timestamp, now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(8 * 24)).map_or(reset, |most| reset.min(most))
}

/// What is said of the same stage once more, with why the work had come back to it at first: that is not mended yet.
fn once_more(input: &SettleInput<'_>, feedback: Feedback) -> Feedback {
    let known = input.known;
    let first = known.visit_attempts == 0 && known.idle_row == 0;
    let before = known.feedback.as_ref().and_then(|told| match &told.before {
        Some(before) => Some(before.clone()),
        None => first.then(|| Box::new(told.clone())),
    });
    Feedback { before, ..feedback }
}

/// What an attempt that did not go well says to the next one.
pub(crate) fn feedback_of(stage: &StageName, outcome: &Outcome) -> Feedback {
    match &outcome.end {
        End::GateFailed(GateFailure { gate, reason, tail }) => {
            let said = outcome.proposal.as_ref().filter(|p| p.verdict == Some(VerdictClaim::Fail)).map(|p| &p.summary);
            let tail = said.map_or(tail, |summary| if tail.is_empty() { summary } else { tail });
            Feedback { gate: gate.clone(), reason: reason.clone(), tail: tail.clone(), before: None }
        }
        end => Feedback {
            gate: stage.to_string(),
            reason: end.to_string(),
            tail: outcome.receipt.tail.clone(),
            before: None,
        },
    }
}

fn remedy(end: &End) -> &'static str {
    match end {
        End::Auth { .. } => "log the agent in again",
        End::Misconfigured { .. } => "mend the agent's section in dayfly.toml",
        End::PermissionDenied { .. } => "allow the tools to the agent, or give the stage another agent",
        End::Environment { .. } => "run `dayfly doctor`, mend what it lists",
        _ => "look at the attempt's log",
    }
}

#[cfg(test)]
mod tests;
