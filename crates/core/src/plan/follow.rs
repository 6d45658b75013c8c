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
    /// The branch of the project that it is for.
    pub(super) base: &'a str,
    /// What carries a label with which a person holds it, and that label.
    pub(super) held: Option<(&'static str, &'a str)>,
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
    /// It is merged, as this commit if its forge says so.
    Merged(Vec<PullWrite>, Option<Commit>),
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
    let here = pull.head == *input.commit;
    // One that is over may be of an earlier life of the branch, as long as the forge does not show the new one.
    let ours = here || input.known.is_some_and(|known| known.number == pull.number && known.head == *input.commit);
    match &pull.state {
        PullState::Merged(_) | PullState::Closed if !ours => return Follow::Same,
        PullState::Merged(commit) => {
            let mut writes = vec![PullWrite::RemoveBranch { branch: pull.branch.clone() }];
            if input.known.is_some_and(|known| known.number == pull.number && !known.standing.is_empty()) {
                let (branch, body) = (pull.branch.clone(), "This pull request is merged.".to_owned());
                writes.insert(0, PullWrite::Say { branch, topic: TOPIC.into(), body });
            }
            return Follow::Merged(writes, commit.clone());
        }
        PullState::Closed => {
            let why = format!("its pull request #{} was closed without merging", pull.number);
            return Follow::Stopped(why, "open it again, or close the issue");
        }
        PullState::Open => {}
    }
    if !here && let Some(late) = late(input) {
        return late;
    }
    let mut record = record(input);
    let taken = if !here {
        Some("somebody pushed to its branch: it is for a person to merge")
    } else if pull.base != input.base {
        Some("somebody chose another branch to merge it into: it is for a person to merge")
    } else {
        None
    };
    if let Some(words) = taken {
        return seen(input, record, Standing { words: words.to_owned(), moving: false, write: None });
    }
    if let Some(feedback) = refused(pull) {
        return Follow::Back(feedback);
    }
    if pull.mergeable == Mergeable::Conflict && !pull.merging {
        return Follow::Anew;
    }
    if let Some(why) = pull.failed.as_ref().filter(|_| record.step == PullStep::Merging) {
        return Follow::Stopped(format!("the merge of its pull request #{} failed: {why}", pull.number), LOOK);
    }
    let standing = standing(input, &record);
    match &standing.write {
        Some(PullWrite::Ready { .. }) => record.step = PullStep::Ready,
        // Made anew last of all: people are asked for nothing twice because others were faster.
        Some(PullWrite::Merge { .. }) if pull.mergeable == Mergeable::Behind => return Follow::Anew,
        Some(PullWrite::Merge { .. }) if record.tries >= MOST_TRIES => {
            let why = format!("the merge of its pull request #{} was asked for and did not happen", pull.number);
            return Follow::Stopped(why, LOOK);
        }
        Some(PullWrite::Merge { .. }) => {
            record.step = PullStep::Merging;
            record.tries += 1;
            record.asked = Some(input.now);
        }
        _ => {}
    }
    seen(input, record, standing)
}

/// What is known of it at this commit.
fn record(input: &FollowInput<'_>) -> PullRecord {
    let known = input.known.filter(|known| known.number == input.pull.number);
    match known {
        Some(known) if known.head == *input.commit => known.clone(),
        _ => PullRecord {
            number: input.pull.number,
            url: input.pull.url.clone(),
            head: input.commit.clone(),
            standing: String::new(),
            moving: true,
            // Whoever makes it a draft again means it, also for what is pushed later.
            step: known.map_or(PullStep::Opened, |known| known.step.min(PullStep::Ready)),
            tries: 0,
            asked: None,
            since: input.now,
        },
    }
}

/// Waits for a forge that still shows the commit that was pushed before. After a while it is somebody's doing.
fn late(input: &FollowInput<'_>) -> Option<Follow> {
    let known = input.known.filter(|known| known.number == input.pull.number && known.head == input.pull.head)?;
    let since = if known.standing == LATE { known.since } else { input.now };
    if input.now.duration_since(since).unsigned_abs() > input.forge.checks_start {
        return None;
    }
    let record = PullRecord { standing: LATE.into(), moving: true, since, ..known.clone() };
    Some(if record == *known { Follow::Same } else { Follow::Seen(record, Vec::new()) })
}

const LATE: &str = "its forge does not show yet what was pushed";
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
            before: None,
        });
    }
    match &pull.review {
        Review::ChangesRequested { by, body } => Some(Feedback {
            gate: format!("review by {by}"),
            reason: format!("{by} asks for changes in the pull request #{}", pull.number),
            tail: body.clone(),
            before: None,
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
    if let Some((what, label)) = input.held {
        return waits(&format!("{what} carries the label {label}"), false);
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
    if input.policy.by == MergeBy::Person && pull.mergeable == Mergeable::Behind {
        return waits("its base has moved on: it waits for a person to update and merge it", false);
    }
    if input.policy.by == MergeBy::Person {
        return waits("it waits for a person to merge it", false);
    }
    let asked = record.asked.map(|at| input.now.duration_since(at).unsigned_abs());
    if asked.is_some_and(|ago| ago < input.forge.poll) {
        return waits("it is being merged", true);
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
