//! What needs a person, as a durable thing: a question with what one must know to answer it.
//!
//! A card is made from what the ledger holds and from what the trackers show; nothing of it is kept anywhere else. It is
//! the same card, with the same id, for whoever looks, until it is answered or what it asks about is over. A new question
//! is a new card.

mod answer;
mod choices;
mod facts;

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::plan::priority;
use crate::{
    AttemptLine, Digest, IssueRef, IssueState, Phase, Plan, PlanInput, Priority, ProjectName, State, Target,
    TrackerState,
};

pub(crate) use answer::{chosen, event_of};
pub use answer::{due_defaults, reply, take_default};
pub use choices::{CardOption, Choices, Chosen};
pub use facts::{CardFacts, EndFact};

/// The id of a card: `c-` and six digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(String);

impl CardId {
    /// Takes a text for an id, if it has the form of one; no issue of a tracker that dayfly knows has it.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("c-")?;
        let fine = digits.len() == 6 && digits.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        fine.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(state: &State, issue: &IssueRef, known: &IssueState) -> Option<Self> {
        let number = known.card.as_ref()?.number;
        let digest = Digest::of(format!("{} {issue} {number} {}", state.mark, known.phase.word()).as_bytes());
        Some(Self(format!("c-{}", digest.as_str().get(..6)?)))
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// That an issue came to wait for a person: the how manieth time, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardMark {
    /// The how manieth time.
    pub number: u32,
    /// Since when.
    pub since: Timestamp,
    /// When all was written of it to the tracker: before that nobody can have read it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Timestamp>,
}

/// What kind of thing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CardKind {
    /// An agent asked a question.
    Question,
    /// The work cannot go on as it is.
    Blocked,
    /// The change is ready, and a person merges it.
    Handed,
}

impl CardKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            CardKind::Question => "question",
            CardKind::Blocked => "blocked",
            CardKind::Handed => "handed",
        }
    }
}

/// What needs a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Its id.
    pub id: CardId,
    /// The project.
    pub project: ProjectName,
    /// The issue.
    pub issue: IssueRef,
    /// What kind of thing is asked.
    pub kind: CardKind,
    /// What is asked.
    pub question: String,
    /// What one must know to answer.
    pub context: CardFacts,
    /// What it can be answered with.
    pub options: Vec<CardOption>,
    /// The option that the agent would take.
    pub default: Option<String>,
    /// Whether words of one's own are an answer, too.
    pub free: bool,
    /// Since when it is asked.
    pub asked_at: Timestamp,
    /// Until when it is to be answered, if the configuration sets that.
    pub expires_at: Option<Timestamp>,
    /// Whether the default is taken then.
    pub takes_default: bool,
    /// Whether that time is over.
    pub overdue: bool,
    /// What helps besides an answer here.
    pub remedy: Option<String>,
    /// The priority of the issue.
    pub priority: Priority,
}

impl Card {
    /// The option that a text names.
    pub fn pick(&self, text: &str) -> Option<&CardOption> {
        choices::pick(&self.options, text)
    }

    /// The most urgent first: what is decided soonest without anybody, what is overdue, what matters most, what waits longest.
    fn urgency(&self) -> impl Ord + use<> {
        let decided = self.expires_at.filter(|_| self.takes_default).unwrap_or(Timestamp::MAX);
        (decided, !self.overdue, self.priority, self.kind, self.asked_at, self.issue.clone())
    }
}

/// The open cards, most urgent first. `past` holds the attempts from which the last ends are told, as far as they are known.
pub fn cards(input: &PlanInput<'_>, plan: &Plan, past: &[AttemptLine]) -> Vec<Card> {
    let all = input.state.issues.iter();
    let mut cards: Vec<Card> = all.filter_map(|(issue, known)| card(input, plan, past, (issue, known))).collect();
    cards.sort_by_cached_key(Card::urgency);
    cards
}

fn card(
    input: &PlanInput<'_>,
    plan: &Plan,
    past: &[AttemptLine],
    (issue, known): (&IssueRef, &IssueState),
) -> Option<Card> {
    let (kind, question) = asks(known)?;
    let view = input.views.get(&issue.project);
    let seen = view.and_then(|view| view.issues.iter().find(|seen| seen.id == issue.issue));
    // One that cannot be looked at is still asked; one that is gone is not.
    let gone = view.is_some_and(|view| view.fault.is_none()) && seen.is_none();
    let closed = seen.is_some_and(|seen| seen.state == TrackerState::Closed);
    let configured = input.portfolio.projects.contains_key(&issue.project);
    if gone || closed || !configured || is_left_alone(input.state, issue) {
        return None;
    }
    let mark = known.card.as_ref()?;
    let due = due(input.portfolio.cards.expires, known);
    let patience = input.portfolio.cards.expires.and_then(|expires| after(mark.since, expires));
    let (takes_default, expires_at) = (due.is_some(), due.or(patience));
    let choices = match &known.phase {
        Phase::Asked { choices, .. } => choices.clone(),
        _ => Choices { options: orders(kind), ..Choices::default() },
    };
    let priority = seen.zip(view).map(|(seen, view)| priority(&input.portfolio.labels, view, seen));
    Some(Card {
        id: CardId::of(input.state, issue, known)?,
        project: issue.project.clone(),
        issue: issue.clone(),
        kind,
        question,
        context: facts::facts(past, issue, (known, seen)),
        options: choices.options,
        default: choices.default,
        free: kind == CardKind::Question,
        asked_at: mark.since,
        expires_at,
        takes_default,
        overdue: expires_at.is_some_and(|at| at <= input.now),
        remedy: plan.waiting_for(issue).and_then(|waiting| waiting.remedy.clone()),
        priority: priority.unwrap_or_default(),
    })
}

/// What an issue asks of a person, if it does. A pull request that moves by itself asks nothing.
fn asks(known: &IssueState) -> Option<(CardKind, String)> {
    Some(match &known.phase {
        Phase::Asked { question, .. } => (CardKind::Question, question.clone()),
        Phase::Blocked { reason, .. } => (CardKind::Blocked, reason.clone()),
        Phase::Handed { branch, .. } => match &known.pull {
            Some(pull) if pull.moving => return None,
            Some(pull) => (CardKind::Handed, format!("Pull request #{}: {}", pull.number, pull.standing)),
            None => (CardKind::Handed, format!("The change is ready on the branch {branch}.")),
        },
        _ => return None,
    })
}

/// Somebody has decided already: the issue itself is left alone.
fn is_left_alone(state: &State, issue: &IssueRef) -> bool {
    state.control.holds(issue).is_some_and(|pause| matches!(&pause.what, Target::Issue(_)))
}

/// The word of the option that lets a blocked issue go on.
pub const RETRY: &str = "retry";
/// The word of the option that leaves an issue alone.
pub const CANCEL: &str = "cancel";
/// The word of the option by which a person takes the work over.
pub const HAND_OVER: &str = "hand over";

/// What can be ordered where nothing was offered.
fn orders(kind: CardKind) -> Vec<CardOption> {
    let retry = CardOption::new(RETRY, "the work goes on; mend the cause first");
    let cancel = CardOption::new(CANCEL, "the issue is left alone until `dayfly resume`; say why with --because");
    let over = CardOption::new(HAND_OVER, "you do the work yourself; the issue is left alone until `dayfly resume`");
    match kind {
        CardKind::Blocked => vec![retry, cancel, over],
        _ => vec![cancel],
    }
}

/// When the default of an issue's question is taken: only where the question has said so, the configuration still does, and
/// people had the time to read it.
pub(crate) fn due(configured: Option<Duration>, known: &IssueState) -> Option<Timestamp> {
    let Phase::Asked { choices, .. } = &known.phase else { return None };
    choices.default_option()?;
    after(known.card.as_ref()?.shown?, choices.expires?.max(configured?))
}

fn after(at: Timestamp, time: Duration) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(time).ok()?).ok()
}

#[cfg(test)]
mod tests;
