use super::*;

/// A parent of three, of which the last comes after the others.
fn family() -> World {
    let mut world = World::new();
    world.labelled(1, &["blocked"]);
    world.child(2, 1, "c").facts.blocked_by = vec!["4".into(), "3".into()];
    world.child(3, 1, "a");
    world.child(4, 1, "b").facts.blocked_by = vec!["3".into(), "other/repo#3".into()];
    world
}

#[test]
fn a_parent_shows_its_children_in_the_order_in_which_they_can_be_done() {
    let mut world = family();
    insta::assert_snapshot!(world.settled(), @"
    #1 split: 3 of its 3 children are open, and it does not show that
      say #1 children: 0 of 3 children are closed. /  / - [ ] #3 Issue 3 / - [ ] #4 Issue 4, after #3 / - [ ] #2 Issue 2, after #4, #3
    ");
    world.close(3);
    world.issue(4).facts.blocked_by.clear();
    world.issue(2).facts.blocked_by = vec!["4".into()];
    insta::assert_snapshot!(world.settled(), @"
    #1 split: 2 of its 3 children are open, and it does not show that
      say #1 children: 1 of 3 children are closed. /  / - [x] #3 Issue 3 / - [ ] #4 Issue 4 / - [ ] #2 Issue 2, after #4
    ");
    assert_eq!(world.issue(1).comments.len(), 1, "one comment, kept up to date");
}

#[test]
fn a_parent_is_held_no_longer_when_the_last_child_is_closed() {
    let mut world = family();
    for n in 2..=4 {
        world.close(n);
    }
    insta::assert_snapshot!(world.settled(), @"
    #1 split: all its children are closed
      label #1 -blocked
      say #1 children: All 3 children are closed. /  / - [x] #2 Issue 2 / - [x] #3 Issue 3 / - [x] #4 Issue 4
    ");
    world.labelled(1, &["blocked"]);
    assert_eq!(world.found(), "", "who puts the label back has a reason");
    world.issue(3).state = TrackerState::Open;
    assert!(world.settled().contains("2 of 3 children are closed"), "a child may be opened again");
}

#[test]
fn killed_between_the_label_and_the_comment_it_says_the_rest() {
    let mut world = family();
    for n in 2..=4 {
        world.close(n);
    }
    let writes = world.triage().remove(0).writes;
    world.do_writes(&writes[..1]);
    assert_eq!(world.issue(1).labels, [""; 0]);
    assert!(world.settled().contains("say #1 children"));
}

#[test]
fn children_that_people_linked_are_theirs() {
    let mut world = World::new();
    world.labelled(1, &["blocked"]);
    world.issue(2).parent = Some(id(1));
    assert_eq!(world.found(), "");
    world.known(1, Phase::Split { children: vec![] });
    assert!(world.settled().contains("0 of 1 children"), "of an issue that dayfly split they are told");
    world.close(2);
    let found = world.settled();
    assert!(found.contains("say #1 children: All 1") && !found.contains("label"), "the ledger closes it: {found}");
}

#[test]
fn a_closed_parent_is_only_brought_up_to_date() {
    let mut world = family();
    world.close(1);
    assert_eq!(world.found(), "", "no comment appears on what is done");
    world.issue(1).state = TrackerState::Open;
    world.settled();
    world.close(1);
    for n in 2..=4 {
        world.close(n);
    }
    assert_eq!(world.settled().lines().count(), 2, "the comment alone, and no label");
}

#[test]
fn a_title_calls_nobody_and_hides_nothing() {
    let mut world = World::new();
    world.child(2, 1, "a").title = "Ask @everyone\nabout <!-- dayfly: x --> it".into();
    world.issue(1);
    let found = world.found();
    let line = found.lines().find(|line| line.contains("say #1")).unwrap();
    assert!(!line.contains("<!--") && !line.contains(" @everyone") && line.contains("about"), "{line}");
}

#[test]
fn children_that_block_each_other_are_shown_all_the_same() {
    let mut world = World::new();
    world.issue(1);
    world.child(2, 1, "a").facts.blocked_by = vec!["3".into()];
    world.child(3, 1, "b").facts.blocked_by = vec!["2".into(), "3".into()];
    assert!(world.settled().contains("- [ ] #2 Issue 2, after #3 / - [ ] #3 Issue 3, after #2"));
}

#[test]
fn a_blocker_counts_until_it_is_closed_or_done() {
    let mut world = World::new();
    world.issue(2);
    world.issue(3);
    world.issue(1).facts.blocked_by = vec!["2".into(), "3".into(), "9".into(), "other/repo#2".into()];
    let open = |world: &World| {
        let project = &world.name(1).project;
        blockers(&world.state, project, &world.view, &world.view.issues[2])
    };
    assert_eq!(world.view.issues[2].id, id(1));
    assert_eq!(open(&world), ["2", "3", "9", "other/repo#2"]);
    world.close(2);
    world.known(3, Phase::Done);
    assert_eq!(open(&world), ["9", "other/repo#2"], "the ledger may know earlier than the tracker shows");
    world.known(3, Phase::Closed);
    assert_eq!(open(&world).len(), 3, "it was opened again");
}

#[test]
fn issues_that_wait_for_each_other_are_noticed() {
    let mut world = World::new();
    for (n, by) in [(1, "2"), (2, "3"), (3, "1"), (4, "3"), (5, "6"), (6, "7"), (7, "8")] {
        world.issue(n).facts.blocked_by = vec![by.into()];
    }
    let circle: Vec<u64> =
        world.view.issues.iter().filter(|i| in_a_circle(&world.view, i)).map(|i| order(&i.id).0).collect();
    assert_eq!(circle, [1, 2, 3], "4 waits for the circle and 5 for what is not there, but not for themselves");
    world.close(2);
    assert!(!in_a_circle(&world.view, &world.view.issues[0]));
}
