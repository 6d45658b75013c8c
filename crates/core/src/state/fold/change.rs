//! What an event changes of what is known of an issue, besides its phase.

use crate::settle::feedback_of;
use crate::{Class, End, Feedback, JobSpec, Next, Outcome, Spent, StageName, TrackerKind};

use super::super::{IssueState, LiveAttempt, Phase, StageWork};

impl IssueState {
    pub(super) fn new(job: &JobSpec) -> Self {
        Self {
            title: job.title.clone(),
            milestone: job.milestone.clone(),
            stage: job.stage.clone(),
            phase: Phase::Queued { not_before: None },
            attempts: 0,
            visit_attempts: 0,
            rounds: std::collections::BTreeMap::new(),
            transient_row: 0,
            stuck_row: 0,
            uncounted: 0,
            unjudged: false,
            unlabelled: false,
            idle_row: 0,
            answered: false,
            tokens: 0,
            usd_micros: 0,
            agent_time: std::time::Duration::ZERO,
            feedback: None,
            notes: std::collections::BTreeMap::new(),
            tip: None,
            landed: None,
            work: Vec::new(),
            tracker: TrackerKind::default(),
            pull: None,
        }
    }
}

pub(super) fn start_anew(known: &mut IssueState) {
    known.visit_attempts = 0;
    known.transient_row = 0;
    known.stuck_row = 0;
    known.idle_row = 0;
    known.unlabelled = false;
}

pub(super) fn reopen(known: &mut IssueState, stage: StageName, tracker: Option<TrackerKind>) {
    start_anew(known);
    if let Some(tracker) = tracker {
        // The number is all that it shares with the one that was worked on.
        known.tracker = tracker;
        known.uncounted = known.attempts;
        (known.tokens, known.usd_micros, known.agent_time) = (0, 0, std::time::Duration::ZERO);
    }
    known.feedback = None;
    known.rounds.clear();
    known.notes.clear();
    known.tip = None;
    known.unjudged = false;
    known.landed = None;
    known.pull = None;
    known.work.clear();
    known.stage = stage;
}

/// A pull request that goes back to another stage than the one that made it has used one of that stage's rounds.
pub(super) fn sent_back(known: &mut IssueState, stage: StageName, feedback: Option<Feedback>) {
    known.visit_attempts = 0;
    known.feedback = feedback;
    if stage != known.stage {
        *known.rounds.entry(known.stage.clone()).or_default() += 1;
        known.stage = stage;
    }
}

/// Adds an ended attempt to what is known of who worked at the issue.
pub(super) fn share(known: &mut IssueState, live: &LiveAttempt, outcome: &Outcome) {
    let receipt = &outcome.receipt;
    let at = known.work.iter().position(|work| work.stage == live.stage).unwrap_or_else(|| {
        known.work.push(StageWork::new(live.stage.clone()));
        known.work.len() - 1
    });
    let Some(work) = known.work.get_mut(at) else { return };
    work.agent.clone_from(&live.agent);
    let asked = live.using.as_ref().and_then(|using| using.model.clone());
    work.model = receipt.model.clone().or(asked);
    work.substitution = live.substitution.clone().or(work.substitution.take());
    work.attempts += 1;
    work.tokens = work.tokens.saturating_add(receipt.usage.tokens());
    work.usd_micros = work.usd_micros.saturating_add(Spent::of(receipt).usd_micros);
    work.took = work.took.saturating_add(receipt.took);
}

impl StageWork {
    fn new(stage: StageName) -> Self {
        Self {
            stage,
            agent: None,
            model: None,
            substitution: None,
            attempts: 0,
            tokens: 0,
            usd_micros: 0,
            took: std::time::Duration::ZERO,
        }
    }
}

/// Whether the tip holds finished work that no gate has refused, and that has not gone on: there is nothing to add to it.
fn is_unjudged(known: &IssueState, outcome: &Outcome, next: &Next) -> bool {
    match outcome.end {
        // It stays at its stage all the same: somebody was asked, or the stage is not there any more.
        End::Succeeded => {
            matches!(next, Next::Ask { .. } | Next::Block { .. }) && (outcome.commit.is_some() || known.unjudged)
        }
        End::GateFailed(_) => false,
        End::Host { .. } | End::Environment { .. } => outcome.commit.is_some() || known.unjudged,
        // An attempt that came to no end of its own leaves the tip as it found it.
        _ => outcome.commit.is_none() && known.unjudged,
    }
}

/// What an ended attempt changes besides the phase.
pub(super) fn settle(known: &mut IssueState, outcome: &Outcome, next: &Next) {
    let class = outcome.end.class();
    known.tokens = known.tokens.saturating_add(outcome.receipt.usage.tokens());
    known.usd_micros = known.usd_micros.saturating_add(Spent::of(&outcome.receipt).usd_micros);
    known.agent_time = known.agent_time.saturating_add(outcome.receipt.took);
    let counted = outcome.end.is_counted();
    if !counted {
        known.uncounted += 1;
    }
    // An interrupt and a lost engine say nothing of the world the job ran in, and nothing of its agent.
    if !matches!(outcome.end, End::Cancelled | End::Lost) {
        known.transient_row = if class == Class::Transient { known.transient_row + 1 } else { 0 };
        known.idle_row = if class == Class::Idle { known.idle_row + 1 } else { 0 };
    }
    if counted && outcome.end != End::Lost {
        known.stuck_row = if class == Class::Transient { known.stuck_row + 1 } else { 0 };
    }
    if class == Class::Charged {
        known.visit_attempts += 1;
    }
    if let Some(proposal) = &outcome.proposal
        && !proposal.summary.is_empty()
        && class != Class::Transient
    {
        known.notes.insert(known.stage.to_string(), proposal.summary.clone());
    }
    if let Some(commit) = &outcome.commit {
        known.tip = Some(commit.clone());
    }
    known.unjudged = is_unjudged(known, outcome, next);
    let Next::Go { stage, feedback, .. } = next else {
        // Whoever is told to try again after a person has looked is told what was wrong last.
        if class == Class::Charged {
            known.feedback = Some(feedback_of(&known.stage, outcome));
        }
        return;
    };
    known.feedback.clone_from(feedback);
    if *stage != known.stage {
        if class == Class::Charged {
            *known.rounds.entry(known.stage.clone()).or_default() += 1;
        }
        known.visit_attempts = 0;
        known.stage = StageName::clone(stage);
    }
}
