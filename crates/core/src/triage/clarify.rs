//! A person's answer to a question sends an issue on, and nothing else does.

use jiff::Timestamp;

use super::{Finding, TriageInput, say, says, sticky};
use crate::job::move_label;
use crate::text::said;
use crate::{Answers, Author, Comment, Issue, Portfolio, Trust};

const NAME: &str = "clarify";
/// What the comment is about that says which answer was taken up.
const TOPIC: &str = "answer";

/// What a person did after a question.
struct Answer<'a> {
    by: &'a Author,
    at: Option<Timestamp>,
    /// The place of their comment; none if they changed the title or the text, and said nothing.
    place: Option<usize>,
}

/// Who answered the question whose key `asked` knows: the last person who spoke after it, with what they said, or changed
/// the issue's text, or took the label away with which it waits.
pub(crate) fn answered(
    portfolio: &Portfolio,
    issue: &Issue,
    asked: impl Fn(&str) -> bool,
) -> Option<(String, Option<String>)> {
    if let Some(answer) = answer(portfolio.triage.answers, issue, asked) {
        let text = answer.place.and_then(|place| issue.comments.get(place)).map(|comment| said(&comment.body));
        return Some((answer.by.name.clone(), text));
    }
    let label = &portfolio.labels.needs_clarification;
    (!issue.has_label(label)).then(|| (format!("whoever took the label {label} away"), None))
}

/// For an issue that the ledger does not know: its labels and our own comments are all there is.
pub(super) fn rule(input: &TriageInput<'_>) -> Vec<Finding> {
    let label = &input.portfolio.labels.needs_clarification;
    let waits = |issue: &&Issue| issue.has_label(label) && input.known(issue).is_none();
    let open = input.open().into_iter().filter(waits);
    let found = open.filter_map(|issue| Some((issue, requeue(input, issue)?)));
    found.filter(|(issue, _)| !input.is_busy(issue)).map(|(_, finding)| finding).collect()
}

fn requeue(input: &TriageInput<'_>, issue: &Issue) -> Option<Finding> {
    // Attempts ask; what observations and rules write has the issue's own name in its key.
    let asked = |key: &str| !key.contains('#');
    let answer = answer(input.portfolio.triage.answers, issue, asked)?;
    let (by, to) = (&answer.by.name, &input.portfolio.labels.ready_for_prep);
    let which = match (answer.at, answer.place) {
        (Some(at), Some(_)) => format!("answer of {by} of {at}"),
        (Some(at), None) => format!("change of {by} of {at}"),
        // A comment without a time is told from others by its place.
        (None, place) => format!("answer of {by}, comment {},", place.unwrap_or_default() + 1),
    };
    let body = format!("The {which} is taken up: the issue is `{to}`.");
    // Who puts the label back wants another answer.
    let later = |written: &Comment| written.edited.or(written.at).zip(answer.at).is_some_and(|(w, a)| w >= a);
    if says(issue, TOPIC, &body) || sticky(issue, TOPIC).is_some_and(later) {
        return None;
    }
    // The label first: cut off here, the issue is on its way, and at worst one answer counts twice.
    let writes = vec![move_label(&input.portfolio.labels, &issue.id, Some(to)), say(issue, TOPIC, body)];
    Some(Finding::new(issue, NAME, format!("{by} answered the question"), writes))
}

fn answer(who: Answers, issue: &Issue, asked: impl Fn(&str) -> bool) -> Option<Answer<'_>> {
    let is_question = |c: &Comment| c.topic.is_none() && c.key.as_deref().is_some_and(&asked);
    let at = issue.comments.iter().rposition(is_question)?;
    let question = &issue.comments[at];
    let counts =
        |c: &Comment| !c.is_own() && !c.hidden && may_answer(who, issue, &c.author) && !said(&c.body).is_empty();
    if let Some(place) = (at + 1..issue.comments.len()).rfind(|&place| counts(&issue.comments[place])) {
        let comment = &issue.comments[place];
        return Some(Answer { by: &comment.author, at: comment.at, place: Some(place) });
    }
    let (edited, by) = (issue.facts.edited?, issue.facts.edited_by.as_ref()?);
    (edited > question.at? && may_answer(who, issue, by)).then_some(Answer { by, at: Some(edited), place: None })
}

fn may_answer(who: Answers, issue: &Issue, author: &Author) -> bool {
    // Accounts that were deleted share a name.
    let named = !author.name.is_empty() && author.name != "ghost";
    let allowed = match who {
        Answers::Writers => false,
        Answers::Author => named && author.name.eq_ignore_ascii_case(&issue.author.name),
        Answers::Anyone => true,
    };
    !author.bot && (allowed || author.trust >= Trust::Writer)
}
