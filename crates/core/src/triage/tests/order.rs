use super::*;
use crate::{Commit, Labels};

#[test]
fn of_several_labels_that_say_where_it_stands_one_stays() {
    for (labels, removed) in [
        (&["ready-for-dev"][..], &[][..]),
        (&["bug", "in-progress", "stale"], &[]),
        (&["ready-for-prep", "ready-for-dev"], &["ready-for-prep"]),
        (&["Ready-For-Prep", "READY-FOR-DEV"], &["ready-for-prep"]),
        (&["ready-for-dev", "needs-decompose"], &["ready-for-dev"]),
        (&["ready-for-dev", "needs-clarification"], &["ready-for-dev"]),
        (&["in-progress", "in-review", "ready-for-prep"], &["in-progress", "ready-for-prep"]),
        (&["needs-clarification", "in-progress", "bug"], &["in-progress"]),
        // A label that holds it lies over what it will be when it is taken away.
        (&["blocked", "ready-for-dev"], &[]),
        (&["human-needed", "blocked"], &[]),
        (&["blocked", "ready-for-dev", "ready-for-prep"], &["ready-for-prep"]),
    ] {
        let mut world = World::new();
        world.labelled(1, labels);
        let gone: Vec<String> = world
            .triage()
            .into_iter()
            .flat_map(|f| f.writes)
            .flat_map(|w| match w {
                TrackerWrite::Labels { remove, .. } => remove,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(gone, removed, "{labels:?}");
        world.settled();
    }
}

#[test]
fn a_label_that_nobody_with_write_permission_put_on_goes_before_others() {
    let mut world = World::new();
    world.labelled(1, &["ready-for-prep", "ready-for-dev"]).facts.unproven = vec!["Ready-for-dev".into()];
    insta::assert_snapshot!(world.settled(), @"
    #1 route: it carries 2 labels of which one counts: `ready-for-prep` stays
      label #1 -ready-for-dev
    ");
}

#[test]
fn what_the_ledger_is_at_work_on_is_left_alone() {
    let queued = Phase::Queued { not_before: None };
    let running = Phase::Running { attempt: AttemptId::from_text("web.1.exec.1") };
    for (what, phase) in [("queued", queued), ("running", running)] {
        let mut world = World::new();
        world.labelled(1, &["ready-for-prep", "ready-for-dev"]);
        world.known(1, phase);
        assert_eq!(world.found(), "", "{what}: the ledger moves the label");
    }
    let mut world = World::new();
    world.labelled(1, &["ready-for-prep", "ready-for-dev"]);
    world.pending(1);
    assert_eq!(world.found(), "", "what is seen may be half of a write of ours");
    world.state.outbox.clear();
    world.close(1);
    assert_eq!(world.found(), "", "closed");
}

#[test]
fn a_project_that_is_paused_or_not_read_whole_is_left_alone() {
    let mut world = World::new();
    world.labelled(1, &["ready-for-prep", "ready-for-dev"]);
    world.view.fault = Some("1.md:3: no".into());
    assert_eq!(world.found(), "");
    world.view.fault = None;
    world.portfolio.projects.values_mut().next().unwrap().paused = true;
    assert_eq!(world.found(), "");
}

#[test]
fn of_two_for_the_same_thing_the_older_stays() {
    let mut world = World::new();
    for n in [10, 9, 11] {
        world.child(n, 1, "login");
    }
    world.child(12, 2, "login");
    world.child(13, 1, "logout");
    for n in [20, 21] {
        world.issue(n).facts.key = Some("web.5.scout.1/0".into());
    }
    for n in [30, 31] {
        world.issue(n).facts.part = Some("scout-7".into());
    }
    world.child(40, 1, "login").state = TrackerState::Closed;
    insta::assert_snapshot!(world.settled(), @"
    #10 duplicate: it was created for the same thing as #9
      close #10 as #9
    #11 duplicate: it was created for the same thing as #9
      close #11 as #9
    #21 duplicate: it was created for the same thing as #20
      close #21 as #20
    #31 duplicate: it was created for the same thing as #30
      close #31 as #30
    ");
}

#[test]
fn of_two_for_the_same_thing_the_one_that_work_was_spent_on_stays() {
    let mut world = World::new();
    world.child(2, 1, "login");
    world.child(3, 1, "login");
    world.known(3, Phase::Queued { not_before: None });
    assert!(world.found().contains("close #2 as #3"), "{}", world.found());
    world.known(2, Phase::Landing { to: Commit("b".into()) });
    world.known(3, Phase::Running { attempt: AttemptId::from_text("web.3.exec.1") });
    assert_eq!(world.found(), "", "what runs is not closed under its feet");
}

#[test]
fn one_run_writes_no_more_than_it_may() {
    let mut world = World::new();
    for n in 1..=5 {
        world.labelled(n, &["ready-for-prep", "ready-for-dev"]);
    }
    world.portfolio.triage.writes = 2;
    for left in [3, 1, 0] {
        let findings = world.triage();
        assert_eq!(findings.iter().map(|f| f.writes.len()).sum::<usize>(), if left == 0 { 1 } else { 2 });
        for finding in findings {
            world.do_writes(&finding.writes);
        }
        assert_eq!(world.view.issues.iter().filter(|i| i.labels.len() == 2).count(), left);
    }
    assert_eq!(world.found(), "");
}

#[test]
fn what_does_not_fit_waits_for_the_next_run_but_a_roll_over_goes_as_far_as_it_can() {
    let mut world = World::new();
    for n in [1, 2] {
        let answered = vec![own("web.1.triage.1/0", "Which?"), by("bob", Trust::Writer, "This.")];
        world.labelled(n, &["needs-clarification"]).comments = answered;
    }
    world.portfolio.triage.writes = 3;
    assert_eq!(world.triage().len(), 1, "an answer is taken up whole");
    world.portfolio.triage.writes = 1;
    assert_eq!(world.triage()[0].writes.len(), 1, "or else it could never be");

    let mut world = World::new();
    world.portfolio.triage.roll_over = RollOver::Month;
    world.portfolio.triage.writes = 20;
    world.milestone("March 2026", None);
    for n in 1..=50 {
        world.issue(n).milestone = Some("March 2026".into());
    }
    for left in [32, 12, 0] {
        let findings = world.triage();
        assert!(findings.iter().all(|f| f.issue == id(1)), "one issue carries it, so that its writes keep their order");
        for finding in findings {
            world.do_writes(&finding.writes);
        }
        let stays = world.view.issues.iter().filter(|i| i.milestone.as_deref() == Some("March 2026"));
        assert_eq!(stays.count(), left);
        assert_eq!(world.view.milestones[0].state == TrackerState::Closed, left == 0);
    }
    assert_eq!(world.found(), "");
    assert_eq!(world.view.issues.iter().flat_map(|i| &i.comments).count(), 1, "one summary");
}

#[test]
fn whose_word_is_enough() {
    let labels = Labels::default();
    let mut issue = blank(1);
    assert_eq!(may_trigger(&issue, &labels), Trigger::Author);
    issue.author = Author::person("mallory", Trust::Stranger);
    issue.labels = vec!["ready-for-dev".into(), "bug".into()];
    let why = |issue: &Issue| match may_trigger(issue, &Labels::default()) {
        Trigger::No { why } => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&issue), "its author mallory may not trigger work", "a label alone is nobody's word");
    issue.facts.unproven = vec!["Ready-For-Dev".into(), "bug".into()];
    insta::assert_snapshot!(why(&issue), @"its author mallory may not trigger work, and nobody with write permission put `ready-for-dev` on its present text");
    issue.facts.approved_by = Some("bob".into());
    assert_eq!(may_trigger(&issue, &labels), Trigger::Approved { by: "bob".into() });
    assert_eq!(issue.least_trust(), Trust::Stranger, "its text stays a stranger's");
}

#[test]
fn a_finding_has_a_key_of_its_own_that_the_next_run_gives_it_too() {
    let mut world = World::new();
    world.labelled(1, &["ready-for-prep", "ready-for-dev"]);
    world.labelled(2, &["ready-for-prep", "ready-for-dev"]);
    let keys = |world: &World| world.triage().into_iter().map(|f| f.key).collect::<Vec<_>>();
    let first = keys(&world);
    assert_eq!(keys(&world), first);
    assert!(first[0].starts_with("web#1.route.") && first[1].starts_with("web#2.route."), "{first:?}");
    world.labelled(1, &["in-progress", "in-review"]);
    assert_ne!(keys(&world)[0], first[0], "other writes have another key");
    assert_eq!(keys(&world)[1], first[1]);
}
