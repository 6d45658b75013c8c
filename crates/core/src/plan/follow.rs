//! What follows from what is seen of the pull request of an issue: one pure decision.

use jiff::Timestamp;

use crate::{
    Checks, Commit, Feedback, GitHubConfig, MergeBy, MergePolicy, Mergeable, Pull, PullRecord, PullState, PullStep,
    PullWrite, Review,
};

/// How often the merge of one commit is asked for before a person is.
const MOST_TRIES: u32 = 3;

/// The topic of the comment that says why a pull request is not merged yet.
const TOPIC: &str = "standing";

/// What the decision is made from.
#[derive(Debug)]
pub(super) struct FollowInput<'a> {
    /// What the ledger knows of the pull request.
    pub(super) known: Option<&'a PullRecord>,
    /// The commit that was judged and pushed.
    pub(super) commit: &'a Commit,
    /// The pull request as its forge shows it.
    pub(super) pull: &'a Pull,
    /// How it is to be merged.
    pub(super) policy: MergePolicy,
    /// How its forge is looked at.
    pub(super) forge: &'a GitHubConfig,
    /// A label with which a person holds it.
    pub(super) held: Option<&'a str>,
    /// The wall time.
    pub(super) now: Timestamp,
}

/// What follows.
#[derive(Debug, PartialEq)]
pub(super) enum Follow {
    /// Nothing has changed.
    Same,
    /// This is known now, and these writes follow.
    Seen(PullRecord, Vec<PullWrite>),
    /// It is merged.
    Merged(Vec<PullWrite>),
    /// It is made anew, on the base as it is now.
    Anew,
    /// The work goes back to be mended.
    Back(Feedback),
    /// A person must act: why, and what helps.
    Stopped(String, &'static str),
}

/// Why a pull request is not merged yet.
struct Standing {
    words: String,
    /// Whether what it waits for comes by itself.
    moving: bool,
    /// The write that brings it on.
    write: Option<PullWrite>,
}

/// Decides what follows.
pub(super) fn follow(input: &FollowInput<'_>) -> Follow {
    let pull = input.pull;
    match &pull.state {
        PullState::Merged(_) => return Follow::Merged(vec![PullWrite::RemoveBranch { branch: pull.branch.clone() }]),
        PullState::Closed => {
            let why = format!("its pull request #{} was closed without merging", pull.number);
            return Follow::Stopped(why, "open it again, or close the issue");
        }
        PullState::Open => {}
    }
    let same = input.known.filter(|known| known.number == pull.number && known.head == *input.commit);
    let mut record = same.cloned().unwrap_or_else(|| PullRecord {
        number: pull.number,
        url: pull.url.clone(),
        head: input.commit.clone(),
        standing: String::new(),
        moving: true,
        step: PullStep::Opened,
        tries: 0,
        since: input.now,
    });
    if pull.head != *input.commit {
        let words = "somebody pushed to its branch: it is for a person to merge".to_owned();
        return seen(input, record, Standing { words, moving: false, write: None });
    }
    if let Some(feedback) = refused(pull) {
        return Follow::Back(feedback);
    }
    if matches!(pull.mergeable, Mergeable::Conflict | Mergeable::Behind) && !pull.merging {
        return Follow::Anew;
    }
    if let Some(why) = pull.failed.as_ref().filter(|_| record.step == PullStep::Merging) {
        return Follow::Stopped(format!("the merge of its pull request #{} failed: {why}", pull.number), LOOK);
    }
    let standing = standing(input, &record);
    match &standing.write {
        Some(PullWrite::Ready { .. }) => record.step = PullStep::Ready,
        Some(PullWrite::Merge { .. }) if record.tries >= MOST_TRIES => {
            let why = format!("the merge of its pull request #{} was asked for and did not happen", pull.number);
            return Follow::Stopped(why, LOOK);
        }
        Some(PullWrite::Merge { .. }) => {
            record.step = PullStep::Merging;
            record.tries += 1;
        }
        _ => {}
    }
    seen(input, record, standing)
}

const LOOK: &str = "look at the pull request, merge it or mend what keeps it";

/// What its checks and reviewers have against it.
fn refused(pull: &Pull) -> Option<Feedback> {
    if let Checks::Failed(failed) = &pull.checks {
        let names: Vec<&str> = failed.iter().map(|check| check.name.as_str()).collect();
        let tails = failed.iter().map(|check| format!("{}:\n{}", check.name, check.tail));
        return Some(Feedback {
            gate: "checks".into(),
            reason: format!("checks of the pull request #{} failed: {}", pull.number, names.join(", ")),
            tail: tails.collect::<Vec<_>>().join("\n\n"),
        });
    }
    match &pull.review {
        Review::ChangesRequested { by, body } => Some(Feedback {
            gate: format!("review by {by}"),
            reason: format!("{by} asks for changes in the pull request #{}", pull.number),
            tail: body.clone(),
        }),
        _ => None,
    }
}

fn standing(input: &FollowInput<'_>, record: &PullRecord) -> Standing {
    let (pull, branch) = (input.pull, input.pull.branch.clone());
    let waits = |words: &str, moving| Standing { words: words.to_owned(), moving, write: None };
    if pull.merging {
        return waits("it is being merged", true);
    }
    let started = input.now.duration_since(record.since).unsigned_abs() >= input.forge.checks_start;
    match &pull.checks {
        Checks::Pending(_) => return waits("it waits for its checks", true),
        Checks::None if !started => return waits("it waits for checks to begin", true),
        _ => {}
    }
    if pull.draft {
        if !input.policy.draft || record.step >= PullStep::Ready {
            return waits("it is a draft", false);
        }
        let write = Some(PullWrite::Ready { branch });
        return Standing { words: "its checks have passed".into(), moving: true, write };
    }
    if pull.mergeable == Mergeable::Unknown {
        return waits("its forge finds out whether it can be merged", true);
    }
    if let Some(label) = input.held {
        return waits(&format!("it carries the label {label}"), false);
    }
    if pull.unresolved > 0 {
        return waits("it waits for conversations to be resolved", false);
    }
    if pull.review == Review::Wanted {
        return waits("it waits for a review", false);
    }
    if pull.mergeable == Mergeable::Blocked {
        return waits("a rule of its base branch is not met", false);
    }
    if input.policy.by == MergeBy::Person {
        return waits("it waits for a person to merge it", false);
    }
    let head = input.commit.clone();
    let write = PullWrite::Merge { branch, head, method: input.policy.method };
    Standing { words: "it is being merged".into(), moving: true, write: Some(write) }
}

/// Notes what is seen. The comment that tells people is written when the words change.
fn seen(input: &FollowInput<'_>, mut record: PullRecord, standing: Standing) -> Follow {
    let Standing { words, moving, write } = standing;
    let mut writes = Vec::from_iter(write);
    if record.standing != words {
        let body = format!("This pull request is not merged yet: {words}.");
        writes.insert(0, PullWrite::Say { branch: input.pull.branch.clone(), topic: TOPIC.into(), body });
    }
    record.standing = words;
    record.moving = moving;
    if writes.is_empty() && input.known == Some(&record) { Follow::Same } else { Follow::Seen(record, writes) }
}

#[cfg(test)]
mod tests;
