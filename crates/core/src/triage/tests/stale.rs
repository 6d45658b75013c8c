use super::*;
use crate::Commit;

type Change = fn(&mut Issue);

/// An issue that a stranger opened, a maintainer answered on, and nobody touched for a month.
fn idle() -> World {
    let mut world = World::new();
    let issue = world.issue(1);
    issue.author = Author::person("carl", Trust::Stranger);
    issue.facts.opened = Some(at("2026-02-01T10:00:00Z"));
    issue.facts.active = Some(at("2026-03-01T10:00:00Z"));
    issue.comments = vec![said("ann", Trust::Writer, "2026-03-01T10:00:00Z")];
    world
}

fn said(name: &str, trust: Trust, when: &str) -> Comment {
    Comment { at: Some(at(when)), ..by(name, trust, "words") }
}

#[test]
fn an_issue_that_no_person_touched_for_long_is_stale_until_one_does() {
    let mut world = idle();
    world.now = at("2026-03-15T09:59:59Z");
    assert_eq!(world.found(), "", "a second short of two weeks");
    world.now = at("2026-03-15T10:00:00Z");
    insta::assert_snapshot!(world.settled(), @"
    #1 stale: no person has done anything to it since 2026-03-01
      label #1 +stale
      say #1 stale: No person has done anything here since 2026-03-01. If it still matters, say so here.
    ");
    world.issue(1).comments.push(said("carl", Trust::Stranger, "2026-03-16T10:00:00Z"));
    insta::assert_snapshot!(world.settled(), @"
    #1 stale: it is stale no longer
      label #1 -stale
      say #1 stale: Somebody is at it again.
    ");
    world.issue(1).comments.push(said("ann", Trust::Writer, "2026-03-17T10:00:00Z"));
    world.now = at("2026-04-01T10:00:00Z");
    assert!(world.settled().contains("+stale"), "and again");
    assert_eq!(world.issue(1).comments.iter().filter(|c| c.topic.is_some()).count(), 1, "one comment in all");
}

#[test]
fn people_have_the_last_word_on_the_label() {
    let mut world = idle();
    world.settled();
    world.labelled(1, &[]);
    assert_eq!(world.found(), "", "taken away without another trace");
    let mut world = idle();
    world.labelled(1, &["stale"]);
    world.now = at("2026-03-02T10:00:00Z");
    assert_eq!(world.found(), "", "put on by a person");
}

#[test]
fn killed_after_the_label_it_says_why_in_the_next_run() {
    let mut world = idle();
    let writes = world.triage().remove(0).writes;
    world.do_writes(&writes[..1]);
    assert_eq!(world.settled().lines().count(), 2, "the comment alone");
}

#[test]
fn what_programs_do_is_no_life_and_what_people_do_is() {
    let bot = Author { bot: true, ..Author::person("ci", Trust::Writer) };
    let late = "2026-03-31T10:00:00Z";
    let stories: [(&str, Change, bool); 8] = [
        ("nothing", |_| {}, true),
        ("our comment", |i| i.comments.push(Comment { at: Some(at("2026-03-31T10:00:00Z")), ..own("k/0", "x") }), true),
        ("a person's comment", |i| i.comments.push(said("ann", Trust::Writer, "2026-03-31T10:00:00Z")), false),
        ("a comment changed", |i| i.comments[0].edited = Some(at("2026-03-31T10:00:00Z")), false),
        ("a stranger's comment", |i| i.comments.insert(0, said("eve", Trust::Stranger, "2026-03-31T10:00:00Z")), false),
        ("something else by a person", |i| i.facts.active = Some(at("2026-03-31T10:00:00Z")), false),
        ("opened lately", |i| (i.facts.active, i.facts.opened) = (None, Some(at("2026-03-31T10:00:00Z"))), false),
        ("without times", |i| (i.facts.active, i.facts.opened) = (None, None), false),
    ];
    for (story, change, stale) in stories {
        let mut world = idle();
        change(world.issue(1));
        assert_eq!(world.settled().contains("+stale"), stale, "{story}");
    }
    let mut world = idle();
    world.issue(1).comments.push(Comment { author: bot.clone(), ..said("", Trust::Writer, late) });
    assert!(world.found().contains("+stale"), "a bot's comment");
    world.issue(1).facts.edited = Some(at(late));
    world.issue(1).facts.edited_by = Some(bot);
    assert!(world.found().contains("+stale"), "a bot's change of the text");
    world.issue(1).facts.edited_by = Some(Author::person("ann", Trust::Writer));
    assert_eq!(world.found(), "", "a person's");
}

#[test]
fn what_waits_for_us_is_never_stale() {
    for label in ["ready-for-prep", "ready-for-dev", "needs-decompose", "in-progress", "in-review", "pinned"] {
        let mut world = idle();
        world.labelled(1, &[label]);
        assert_eq!(world.found(), "", "{label}");
    }
    let stories: [(&str, Change); 4] = [
        ("nobody answered", |i| i.comments.clear()),
        ("the author spoke last", |i| i.comments.push(said("carl", Trust::Stranger, "2026-03-01T11:00:00Z"))),
        ("another stranger spoke last", |i| i.comments.push(said("eve", Trust::Stranger, "2026-03-01T11:00:00Z"))),
        ("somebody is at it", |i| i.facts.assignees = vec!["bob".into()]),
    ];
    for (story, change) in stories {
        let mut world = idle();
        change(world.issue(1));
        assert_eq!(world.found(), "", "{story}");
    }
    let mut world = idle();
    world.issue(1).comments =
        vec![Comment { at: Some(at("2026-02-02T10:00:00Z")), ..own("web.1.triage.1/0", "Which?") }];
    assert!(world.found().contains("+stale"), "our question is an answer, and waits for the author");
}

#[test]
fn a_milestone_that_is_still_to_come_keeps_its_issues() {
    let mut world = idle();
    world.issue(1).milestone = Some("v1".into());
    world.milestone("v1", Some("2026-04-01"));
    assert_eq!(world.found(), "", "due today");
    world.zone = TimeZone::get("Pacific/Kiritimati").unwrap();
    assert!(world.found().contains("+stale"), "where it is tomorrow already, it is past");
    world.view.milestones[0].due = None;
    world.zone = TimeZone::UTC;
    assert!(world.found().contains("+stale"), "without a date it keeps nothing");
}

#[test]
fn of_what_the_ledger_knows_only_that_is_stale_which_waits_for_a_person() {
    let attempt = AttemptId::from_text("web.1.exec.1");
    let handed = Phase::Handed { branch: "b".into(), commit: Commit("c".into()) };
    for (phase, stale) in [
        (Phase::Queued { not_before: None }, false),
        (Phase::Running { attempt: attempt.clone() }, false),
        (Phase::Landing { to: Commit("c".into()) }, false),
        (Phase::Split { children: vec![] }, false),
        (Phase::Done, false),
        (Phase::Asked { attempt, question: "?".into(), choices: Default::default() }, true),
        (Phase::Blocked { reason: "x".into(), remedy: "y".into() }, true),
        (handed, true),
    ] {
        let mut world = idle();
        world.known(1, phase.clone());
        assert_eq!(world.found().contains("+stale"), stale, "{phase:?}");
    }
}

#[test]
fn it_can_be_switched_off() {
    let mut world = idle();
    world.portfolio.triage.stale_after = None;
    assert_eq!(world.found(), "");
    world.portfolio.triage.stale_after = Some(Duration::MAX);
    assert_eq!(world.found(), "", "as good as never");
}
