use super::*;

/// A project with two open issues and one closed in March's milestone.
fn march() -> World {
    let mut world = World::new();
    world.portfolio.triage.roll_over = RollOver::Month;
    world.portfolio.triage.stale_after = None;
    world.milestone("March 2026", Some("2026-03-30"));
    for n in [3, 7, 12] {
        world.issue(n).milestone = Some("March 2026".into());
    }
    world.close(3);
    world
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

#[test]
fn what_is_open_when_the_month_is_over_moves_to_the_next() {
    let mut world = march();
    insta::assert_snapshot!(world.settled(), @"
    #7 milestone: March 2026 is over: 2 open issues move to April 2026
      milestone April 2026, due 2026-04-30: Open
      say #7 roll-over-2026-03: March 2026 is over: 1 closed / 2 open. What is open moves on: /  / - #7 to April 2026 / - #12 to April 2026
      move #7 to April 2026
      move #12 to April 2026
      milestone March 2026: Closed
    ");
    let shown = |title: &str| world.view.milestones.iter().find(|m| m.title == title).unwrap();
    assert_eq!(
        milestone::progress(shown("March 2026"), &world.view.issues),
        "March 2026: 1 closed / 0 open, due 2026-03-30"
    );
    assert_eq!(
        milestone::progress(shown("April 2026"), &world.view.issues),
        "April 2026: 0 closed / 2 open, due 2026-04-30"
    );
}

#[test]
fn progress_is_as_the_tracker_counts_it() {
    let mut shown =
        Milestone { title: "March 2026".into(), due: Some("2026-03-30".parse().unwrap()), ..Milestone::default() };
    shown.counts = Some(crate::Counts { open: 1, closed: 23 });
    assert_eq!(milestone::progress(&shown, &[]), "March 2026: 23 closed / 1 open, due 2026-03-30");
    shown.due = None;
    assert_eq!(milestone::progress(&shown, &[]), "March 2026: 23 closed / 1 open");
}

#[test]
fn it_is_off_unless_it_is_asked_for() {
    let mut world = march();
    world.portfolio.triage.roll_over = RollOver::Off;
    assert_eq!(world.found(), "");
}

#[test]
fn a_month_ends_when_it_does_in_the_zone() {
    // Due on the 31st: over with the first moment of April.
    for (place, last, first) in [
        ("UTC", "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z"),
        ("Pacific/Kiritimati", "2026-03-31T09:59:59Z", "2026-03-31T10:00:00Z"),
        ("Pacific/Niue", "2026-04-01T10:59:59Z", "2026-04-01T11:00:00Z"),
        ("Europe/Berlin", "2026-03-31T21:59:59Z", "2026-03-31T22:00:00Z"),
        ("America/New_York", "2026-04-01T03:59:59Z", "2026-04-01T04:00:00Z"),
    ] {
        let mut world = march();
        world.view.milestones[0].due = Some("2026-03-31".parse().unwrap());
        world.zone = zone(place);
        world.now = at(last);
        assert_eq!(world.found(), "", "{place} {last}");
        world.now = at(first);
        assert!(world.found().contains("move #7 to April 2026"), "{place} {first}");
    }
}

#[test]
fn a_day_that_is_short_or_long_ends_like_any_other() {
    // The last day of March 2024 has 23 hours in Berlin; the 3rd of November 2024 has 25 in New York.
    for (place, title, due, last, first) in [
        ("Europe/Berlin", "March 2024", "2024-03-31", "2024-03-31T21:59:59Z", "2024-03-31T22:00:00Z"),
        ("America/New_York", "November 2024", "2024-11-03", "2024-11-04T04:59:59Z", "2024-11-04T05:00:00Z"),
    ] {
        let mut world = march();
        (world.view.milestones[0].title, world.view.milestones[0].due) = (title.into(), Some(due.parse().unwrap()));
        world.zone = zone(place);
        world.now = at(last);
        assert_eq!(world.found(), "", "{place}");
        world.now = at(first);
        assert!(world.found().contains("is over"), "{place}");
    }
}

#[test]
fn a_title_says_when_a_month_without_a_date_is_over() {
    for (title, today, next) in [
        ("March 2026", "2026-03-31", None),
        ("march 2026", "2026-04-01", Some("April 2026")),
        ("  DECEMBER   2025 ", "2026-01-01", Some("January 2026")),
        ("February 2024", "2024-02-29", None),
        ("February 2024", "2024-03-01", Some("March 2024")),
        ("March 2026", "2026-07-15", Some("July 2026")),
        ("December 9999", "9999-12-30", None),
        ("Mars 2026", "2026-07-15", None),
        ("March 26", "2026-07-15", None),
        ("March 2026 (late)", "2026-07-15", None),
        ("2026-03", "2026-07-15", None),
        ("March", "2026-07-15", None),
        ("", "2026-07-15", None),
    ] {
        let mut world = World::new();
        world.portfolio.triage.roll_over = RollOver::Month;
        world.portfolio.triage.stale_after = None;
        world.milestone(title, None);
        world.issue(1).milestone = Some(title.into());
        world.now = at(&format!("{today}T12:00:00Z"));
        world.settled();
        assert_eq!(world.issue(1).milestone.as_deref(), Some(next.unwrap_or(title)), "{title} on {today}");
    }
}

#[test]
fn an_early_due_date_ends_the_month_early_and_a_late_one_late() {
    let mut world = march();
    world.now = at("2026-03-31T12:00:00Z");
    assert!(world.found().contains("to April 2026"), "due on the 30th");
    world.view.milestones[0].due = Some("2026-04-03".parse().unwrap());
    world.now = at("2026-04-03T12:00:00Z");
    assert_eq!(world.found(), "");
}

#[test]
fn what_is_there_is_used_and_what_is_over_or_closed_is_passed_by() {
    let mut world = march();
    world.milestone("april 2026", Some("2026-04-28"));
    let found = world.settled();
    assert!(found.contains("move #12 to april 2026") && !found.contains("due 2026"), "{found}");
    let mut world = march();
    world.milestone("April 2026", None);
    world.view.milestones[1].state = TrackerState::Closed;
    assert!(world.settled().contains("move #12 to May 2026"));
    let mut world = march();
    world.milestone("April 2026", Some("2026-03-31"));
    assert!(world.settled().contains("move #12 to May 2026"), "due before the first of April");
}

#[test]
fn several_months_that_are_over_go_the_same_way() {
    let mut world = march();
    world.milestone("February 2026", None);
    world.issue(1).milestone = Some("February 2026".into());
    let found = world.settled();
    assert!(found.contains("move #1 to April 2026") && found.contains("move #7 to April 2026"), "{found}");
    assert_eq!(world.view.milestones.len(), 3);
}

#[test]
fn an_issue_with_an_exempt_label_stays() {
    let mut world = march();
    world.labelled(7, &["No-Rollover"]);
    let found = world.settled();
    assert!(found.contains("1 open issue moves") && found.contains("say #12"), "{found}");
    assert_eq!(world.issue(7).milestone.as_deref(), Some("March 2026"));
}

#[test]
fn a_month_that_was_finished_makes_way_for_the_next() {
    let mut world = march();
    world.close(7);
    world.close(12);
    insta::assert_snapshot!(world.settled(), @"
    #3 milestone: March 2026 is over, and nothing in it is left to move
      milestone April 2026, due 2026-04-30: Open
      milestone March 2026: Closed
    ");
}

#[test]
fn an_issue_that_an_attempt_runs_for_moves_when_it_has_ended() {
    let mut world = march();
    let running = Phase::Running { attempt: AttemptId::from_text("web.7.exec.1") };
    world.known(7, running);
    let found = world.settled();
    assert!(found.contains("say #12") && found.contains("- #7 to April"), "{found}");
    assert!(!found.contains("move #7") && !found.contains("Closed"), "{found}");
    world.known(7, Phase::Queued { not_before: None });
    let found = world.settled();
    assert_eq!(
        found.lines().skip(1).collect::<Vec<_>>(),
        ["  move #7 to April 2026", "  milestone March 2026: Closed"]
    );
    let mut world = march();
    world.close(12);
    world.pending(7);
    assert_eq!(world.found(), "", "the only one that moves is being written");
}

#[test]
fn while_its_writes_wait_it_is_not_begun_anew_on_another_issue() {
    let writes = march().triage().remove(0).writes;
    for done in 0..writes.len() {
        let mut world = march();
        world.do_writes(&writes[..done]);
        for write in &writes[done..] {
            world.queue(&id(7), write.clone());
        }
        assert_eq!(world.found(), "", "{done} are done");
        world.state.outbox.clear();
        world.settled();
        assert_eq!(world.view.issues.iter().flat_map(|i| &i.comments).count(), 1, "refused, and done by the next run");
    }
}

#[test]
fn an_issue_that_comes_late_to_a_summary_is_added() {
    let mut world = march();
    let writes = world.triage().remove(0).writes;
    world.do_writes(&writes[..3]);
    world.issue(5).milestone = Some("March 2026".into());
    world.now = at("2026-05-02T12:00:00Z");
    insta::assert_snapshot!(world.found().lines().take(3).collect::<Vec<_>>().join("\n"), @"
    #7 milestone: March 2026 is over: 2 open issues move to May 2026
      milestone May 2026, due 2026-05-31: Open
      say #7 roll-over-2026-03: March 2026 is over: 1 closed / 3 open. What is open moves on: /  / - #5 to May 2026 / - #7 to April 2026 / - #12 to May 2026
    ");
    world.settled();
    let summaries = world.view.issues.iter().flat_map(|i| &i.comments).filter(|c| c.topic.is_some()).count();
    assert_eq!(summaries, 2, "one for March, and one for April, which is over by now too");
}
