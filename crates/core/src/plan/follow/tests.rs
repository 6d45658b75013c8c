use std::time::Duration;

use crate::{FailedCheck, MergeMethod};

use super::*;
use crate::plan::tests::pull;

fn commit(letter: &str) -> Commit {
    Commit(letter.repeat(40))
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// What follows by itself from one look to the next, for an engine that merges.
struct Watch {
    known: Option<PullRecord>,
    by: MergeBy,
    now: Timestamp,
    commit: Commit,
}

impl Watch {
    fn new(by: MergeBy) -> Self {
        Self { known: None, by, now: at(0), commit: commit("a") }
    }

    fn look(&mut self, pull: &Pull) -> String {
        let forge = GitHubConfig {
            api: String::new(),
            app_id: None,
            app_key: None,
            poll: Duration::from_secs(30),
            checks_start: Duration::from_secs(60),
            wait: Duration::from_secs(60),
        };
        let policy = MergePolicy { by: self.by, method: MergeMethod::Squash, draft: true };
        let held = pull.labels.first().map(|label| ("it", label.as_str()));
        let (known, now, commit) = (self.known.as_ref(), self.now, self.commit.clone());
        let base = "main";
        let followed = follow(&FollowInput { known, commit: &commit, pull, policy, forge: &forge, base, held, now });
        match followed {
            Follow::Same => "same".into(),
            Follow::Seen(record, writes) => {
                let words: Vec<_> = writes
                    .iter()
                    .map(|write| match write {
                        PullWrite::Say { .. } => "say",
                        PullWrite::Ready { .. } => "ready",
                        PullWrite::Merge { head, .. } if *head == commit => "merge",
                        other => panic!("{other:?}"),
                    })
                    .collect();
                let text = format!("{}; {}", record.standing, words.join(", "));
                self.known = Some(record);
                text
            }
            Follow::Back(feedback) => format!("back: {}: {}", feedback.reason, feedback.tail),
            Follow::Stopped(why, _) => format!("stopped: {why}"),
            other => format!("{other:?}"),
        }
    }
}

#[test]
fn a_draft_becomes_ready_when_its_checks_have_passed_and_is_merged_at_the_commit_that_was_judged() {
    let mut watch = Watch::new(MergeBy::Engine);
    let draft = Pull { draft: true, checks: Checks::None, mergeable: Mergeable::Unknown, ..pull() };
    assert_eq!(watch.look(&draft), "it waits for checks to begin; say");
    assert_eq!(watch.look(&draft), "same");
    let pending = Pull { checks: Checks::Pending(vec!["test".into()]), ..draft.clone() };
    assert_eq!(watch.look(&pending), "it waits for its checks; say");
    let passed = Pull { checks: Checks::Passed, ..draft };
    assert_eq!(watch.look(&passed), "its checks have passed; say, ready");
    assert_eq!(
        watch.look(&Pull { mergeable: Mergeable::Unknown, ..pull() }).split(';').next(),
        Some("its forge finds out whether it can be merged")
    );
    assert_eq!(watch.look(&pull()), "it is being merged; say, merge");
    assert_eq!(watch.look(&Pull { merging: true, ..pull() }), "same");
    let merged = Pull { state: PullState::Merged(None), ..pull() };
    let said = watch.look(&merged);
    assert!(said.starts_with("Merged([Say") && said.contains("is merged.") && said.contains("RemoveBranch"), "{said}");
}

#[test]
fn checks_that_have_not_begun_are_waited_for_before_there_are_none() {
    let mut watch = Watch::new(MergeBy::Engine);
    let bare = Pull { checks: Checks::None, ..pull() };
    assert_eq!(watch.look(&bare), "it waits for checks to begin; say");
    watch.now = at(1);
    assert_eq!(watch.look(&bare), "it is being merged; say, merge");
}

#[test]
fn what_a_person_must_do_is_said_and_nothing_is_merged() {
    for (seen, words) in [
        (Pull { unresolved: 2, ..pull() }, "it waits for conversations to be resolved"),
        (Pull { review: Review::Wanted, ..pull() }, "it waits for a review"),
        (Pull { mergeable: Mergeable::Blocked, ..pull() }, "a rule of its base branch is not met"),
        (Pull { labels: vec!["human-needed".into()], ..pull() }, "it carries the label human-needed"),
        (
            Pull { base: "other".into(), ..pull() },
            "somebody chose another branch to merge it into: it is for a person to merge",
        ),
        (Pull { head: commit("b"), ..pull() }, "somebody pushed to its branch: it is for a person to merge"),
    ] {
        assert_eq!(Watch::new(MergeBy::Engine).look(&seen), format!("{words}; say"));
    }
    assert_eq!(Watch::new(MergeBy::Person).look(&pull()), "it waits for a person to merge it; say");
    let mut watch = Watch::new(MergeBy::Person);
    watch.look(&pull());
    assert_eq!(watch.look(&Pull { draft: true, ..pull() }), "its checks have passed; say, ready");
    assert_eq!(watch.look(&Pull { draft: true, ..pull() }), "it is a draft; say", "a person made it a draft again");
}

#[test]
fn failed_checks_and_asked_changes_go_back_with_what_they_say() {
    let check = FailedCheck { name: "test".into(), required: true, url: None, tail: "1 failed".into() };
    let failed = Pull { checks: Checks::Failed(vec![check]), ..pull() };
    let said = Watch::new(MergeBy::Engine).look(&failed);
    assert_eq!(said, "back: checks of the pull request #5 failed: test: test:\n1 failed");
    let review = Review::ChangesRequested { by: "ann".into(), body: "name it better".into() };
    let said = Watch::new(MergeBy::Person).look(&Pull { review, ..pull() });
    assert_eq!(said, "back: ann asks for changes in the pull request #5: name it better");
}

#[test]
fn a_base_that_moved_has_it_made_anew_but_not_while_it_is_being_merged() {
    for mergeable in [Mergeable::Behind, Mergeable::Conflict] {
        assert_eq!(Watch::new(MergeBy::Engine).look(&Pull { mergeable, ..pull() }), "Anew");
        assert_ne!(Watch::new(MergeBy::Engine).look(&Pull { mergeable, merging: true, ..pull() }), "Anew");
    }
}

#[test]
fn a_busy_base_does_not_have_it_made_anew_while_people_are_at_it() {
    let behind = Pull { mergeable: Mergeable::Behind, ..pull() };
    let wanted = Pull { review: Review::Wanted, ..behind.clone() };
    assert_eq!(Watch::new(MergeBy::Engine).look(&wanted), "it waits for a review; say");
    assert!(Watch::new(MergeBy::Person).look(&behind).starts_with("its base has moved on"));
}

#[test]
fn what_is_over_counts_only_for_the_commit_that_was_pushed() {
    for state in [PullState::Merged(None), PullState::Closed] {
        let earlier = Pull { number: 4, head: commit("b"), state: state.clone(), ..pull() };
        let mut watch = Watch::new(MergeBy::Engine);
        assert_eq!(watch.look(&earlier), "same", "the forge does not show the new one yet");
        watch.look(&pull());
        let pushed = Pull { head: commit("c"), state, ..pull() };
        assert_ne!(watch.look(&pushed), "same", "whoever merges or closes it may have pushed before");
    }
}

#[test]
fn a_forge_that_shows_an_old_commit_for_a_while_is_waited_for_and_a_person_that_puts_it_back_is_not() {
    let mut watch = Watch::new(MergeBy::Engine);
    watch.look(&Pull { draft: true, ..pull() });
    watch.commit = commit("b");
    assert_eq!(watch.look(&pull()), "its forge does not show yet what was pushed; ");
    assert_eq!(watch.look(&pull()), "same");
    let shown = Pull { head: commit("b"), ..pull() };
    assert_eq!(watch.look(&shown), "it is being merged; say, merge");
    watch.commit = commit("c");
    watch.look(&shown);
    watch.now = at(2);
    assert_eq!(watch.look(&shown), "somebody pushed to its branch: it is for a person to merge; say");
}

#[test]
fn a_person_that_made_it_a_draft_again_means_what_is_pushed_later_too() {
    let mut watch = Watch::new(MergeBy::Engine);
    let draft = Pull { draft: true, ..pull() };
    assert_eq!(watch.look(&draft), "its checks have passed; say, ready");
    assert_eq!(watch.look(&draft), "it is a draft; say");
    watch.commit = commit("b");
    assert_eq!(watch.look(&Pull { head: commit("b"), ..draft }), "it is a draft; say");
}

#[test]
fn a_merge_that_does_not_happen_is_asked_for_three_times_and_then_a_person_is() {
    let mut watch = Watch::new(MergeBy::Engine);
    assert_eq!(watch.look(&pull()), "it is being merged; say, merge");
    assert_eq!(watch.look(&pull()), "same", "not at once again");
    for minute in [1, 2] {
        watch.now = at(minute);
        assert_eq!(watch.look(&pull()), "it is being merged; merge");
    }
    watch.now = at(3);
    assert_eq!(watch.look(&pull()), "stopped: the merge of its pull request #5 was asked for and did not happen");
    let failed = Pull { failed: Some("the queue refused it".into()), ..pull() };
    assert_eq!(watch.look(&failed), "stopped: the merge of its pull request #5 failed: the queue refused it");
    let closed = Pull { state: PullState::Closed, ..pull() };
    assert_eq!(watch.look(&closed), "stopped: its pull request #5 was closed without merging");
}
