use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::Standing::{Own, Program, Stranger, Writer};
use super::*;

const READY: &str = "ready-for-dev";
const SOON: &str = "priority-high";

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn on() -> Doing {
    Doing::Labelled("Ready-For-Dev".into())
}

fn off() -> Doing {
    Doing::Unlabelled(READY.into())
}

/// Who approved, and whether the label counts for nothing, of an issue of a stranger that has the label.
fn check(done: &[(Standing, Doing)], edited: Option<(i64, Standing)>) -> (bool, bool) {
    let deeds: Vec<Deed<'_>> = (1..)
        .zip(done)
        .map(|(n, (standing, what))| Deed { at: at(n), login: Some("ann"), standing: *standing, what })
        .collect();
    let found = approval(Question {
        deeds: &deeds,
        edited: edited.map(|(minute, standing)| (at(minute), standing)),
        author: Stranger,
        labels: &[READY.into(), "bug".into()],
        entries: &[READY.into()],
        ranks: &[SOON.into()],
    });
    (found.by.is_some(), !found.unproven.is_empty())
}

#[test]
fn an_approval_is_somebodys_who_may_give_it() {
    for (standing, approves, unproven) in
        [(Writer, true, false), (Own, false, false), (Program, false, true), (Stranger, false, true)]
    {
        assert_eq!(check(&[(standing, on())], None), (approves, unproven), "{standing:?}");
    }
    assert_eq!(check(&[], None), (false, true), "the label came with the issue");
    assert_eq!(
        check(&[(Writer, Doing::Labelled("bug".into()))], None),
        (false, true),
        "another label asks for nothing"
    );
}

#[test]
fn a_priority_is_somebodys_who_may_give_it_and_approves_nothing() {
    for (standing, unproven) in [(Some(Writer), false), (Some(Program), true), (Some(Stranger), true), (None, true)] {
        let what = Doing::Labelled(SOON.into());
        let deed = standing.map(|standing| Deed { at: at(1), login: Some("ann"), standing, what: &what });
        let deeds: Vec<Deed<'_>> = deed.into_iter().collect();
        let labels = ["Priority-High".to_owned()];
        let (entries, ranks) = ([READY.into()], [SOON.into()]);
        let question = Question {
            deeds: &deeds,
            edited: None,
            author: Stranger,
            labels: &labels,
            entries: &entries,
            ranks: &ranks,
        };
        let found = approval(question);
        assert_eq!((found.by, !found.unproven.is_empty()), (None, unproven), "{standing:?}");
    }
}

#[test]
fn an_approval_ends_with_what_was_approved() {
    let labelled = (Writer, on());
    for (then, holds) in [
        ((Own, off()), true),
        ((Program, off()), true),
        ((Writer, off()), false),
        ((Stranger, off()), false),
        ((Writer, Doing::Renamed), true),
        ((Own, Doing::Renamed), true),
        ((Stranger, Doing::Renamed), false),
        ((Program, Doing::Renamed), false),
        ((Stranger, Doing::Other), true),
    ] {
        assert_eq!(check(&[labelled.clone(), then.clone()], None).0, holds, "{then:?}");
    }
    for (edited, holds) in [
        ((0, Stranger), true),
        ((1, Stranger), false),
        ((2, Stranger), false),
        ((2, Program), false),
        ((2, Writer), true),
        ((2, Own), true),
    ] {
        assert_eq!(check(std::slice::from_ref(&labelled), Some(edited)).0, holds, "edited {edited:?}");
    }
}

fn standing() -> impl Strategy<Value = Standing> {
    prop::sample::select(vec![Own, Program, Writer, Stranger])
}

fn doing() -> impl Strategy<Value = Doing> {
    prop::sample::select(vec![on(), off(), Doing::Renamed, Doing::Other, Doing::Labelled("bug".into())])
}

proptest! {
    #[test]
    fn nobody_without_permission_brings_an_approval_about(
        done in prop::collection::vec((prop::sample::select(vec![Own, Program, Stranger]), doing()), 0..12),
        edited in prop::option::of((0_i64..12, standing())),
    ) {
        prop_assert!(!check(&done, edited).0);
    }

    #[test]
    fn whatever_went_before_a_strangers_last_word_on_the_text_counts_for_nothing(
        done in prop::collection::vec((standing(), doing()), 0..12),
    ) {
        let edited = (done.len() as i64 + 1, Stranger);
        prop_assert!(!check(&done, Some(edited)).0);
    }
}
