use super::*;

/// A bot once went round in circles: its own comment counted as the answer to its own question.
#[test]
fn only_a_persons_comment_after_the_question_sends_it_on() {
    let mut world = World::new();
    world.known("web#1", "triage", asked());
    world.labelled("web#1", "needs-clarification");
    let question = || own("web.1.triage.1/0");
    let stories: [(&str, Vec<Comment>, bool); 9] = [
        ("nothing was said", vec![], false),
        ("only the question", vec![question()], false),
        ("dayfly's next comment", vec![question(), own("web.1.triage.1/1"), own("web#1.answered.1/0")], false),
        ("a stranger", vec![question(), said("mallory", Trust::Stranger)], false),
        ("a person, before the question", vec![said("bob", Trust::Writer), question()], false),
        ("a person, before the question was written", vec![said("bob", Trust::Writer)], false),
        ("after a question of another attempt", vec![own("web.1.triage.10/0"), said("bob", Trust::Writer)], false),
        ("a person", vec![question(), said("bob", Trust::Writer)], true),
        (
            "a person among others",
            vec![question(), said("bob", Trust::Writer), own("x/0"), said("m", Trust::Stranger)],
            true,
        ),
    ];
    for (story, comments, goes_on) in stories {
        world.issue("web#1").comments = comments;
        let by = world.seen().into_iter().map(|e| match e {
            Event::Answered { by, .. } => by,
            other => panic!("{story}: {other:?}"),
        });
        assert_eq!(by.collect::<Vec<_>>(), if goes_on { vec!["bob"] } else { vec![] }, "{story}");
        assert!(world.ready().is_empty(), "{story}: the plan itself never takes an asked issue");
    }
}

#[test]
fn an_answered_issue_gets_its_label_back_under_a_key_of_its_own() {
    let mut world = World::new();
    world.known("web#1", "triage", asked());
    world.issue("web#1").comments = vec![own("web.1.triage.1/0"), said("bob", Trust::Writer)];
    let [Event::Answered { effects, .. }] = &world.seen()[..] else { panic!("{:?}", world.seen()) };
    assert_eq!(effects[0].id.to_string(), "web#1.answered.1/0");
    let Effect::Tracker { write: TrackerWrite::Labels { add, remove, .. }, .. } = &effects[0].effect else {
        panic!("{effects:?}")
    };
    assert_eq!(add, &["in-progress"]);
    assert!(remove.contains(&"needs-clarification".to_owned()) && !remove.contains(&"in-progress".to_owned()));
    world.known("web#1", "triage", asked()).attempts = 2;
    let [Event::Answered { effects, .. }] = &world.seen()[..] else { panic!("{:?}", world.seen()) };
    assert_eq!(effects[0].id.to_string(), "web#1.answered.2/0", "the next answer is another effect");
}

#[test]
fn a_split_issue_is_done_when_the_last_child_is_closed() {
    let mut world = World::new();
    world.known("web#1", "triage", Phase::Split { children: vec![issue_ref("web#2").issue] });
    world.issue("web#2");
    world.issue("web#3").parent = Some(issue_ref("web#1").issue);
    let open = |world: &World| match world.wait("web#1").0 {
        Wait::Children { open } => open.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(open(&world), ["2", "3"], "also a child that a person added");
    assert_eq!(world.seen(), []);
    world.issue("web#2").state = TrackerState::Closed;
    assert_eq!(open(&world), ["3"]);
    assert_eq!(world.seen(), []);
    world.issue("web#3").state = TrackerState::Closed;
    let [Event::ChildrenClosed { issue, effects }] = &world.seen()[..] else { panic!("{:?}", world.seen()) };
    assert_eq!(issue, &issue_ref("web#1"));
    let Effect::Tracker { write, .. } = &effects.last().unwrap().effect else { panic!("{effects:?}") };
    assert_eq!(*write, TrackerWrite::State { issue: issue_ref("web#1").issue, state: TrackerState::Closed });
}

#[test]
fn a_handed_issue_is_done_when_its_branch_is_merged() {
    let mut world = World::new();
    world.known("web#1", "merge", Phase::Handed { branch: "dayfly/web-1".into(), commit: Commit("b".into()) });
    assert_eq!(world.seen(), []);
    world.views.get_mut(&project("api")).unwrap().merged.insert(issue_ref("api#1").issue);
    assert_eq!(world.seen(), [], "the same number in another project");
    world.views.get_mut(&project("web")).unwrap().merged.insert(issue_ref("web#1").issue);
    assert!(matches!(&world.seen()[..], [Event::Merged { effects, .. }] if effects.len() == 2), "{:?}", world.seen());
}

#[test]
fn a_block_is_lifted_by_taking_the_label_away() {
    let mut world = World::new();
    world.known("web#1", "exec", blocked());
    world.labelled("web#1", "human-needed");
    assert_eq!(world.seen(), []);
    world.issue("web#1").labels.clear();
    assert!(matches!(&world.seen()[..], [Event::Unblocked { .. }]), "{:?}", world.seen());
    world.pending("web#1", None);
    assert_eq!(world.seen(), [], "the label may not be there yet");
}

#[test]
fn an_issue_that_somebody_closes_is_closed_and_one_opened_again_starts_anew() {
    let phases = [queued(), asked(), blocked(), Phase::Split { children: vec![] }];
    for phase in phases {
        let mut world = World::new();
        world.known("web#1", "exec", phase.clone());
        world.issue("web#1").state = TrackerState::Closed;
        assert_eq!(world.seen(), [Event::Closed { issue: issue_ref("web#1") }], "{phase:?}");
    }
    for phase in [Phase::Done, Phase::Closed] {
        let mut world = World::new();
        world.known("web#1", "review", phase);
        world.issue("web#1").state = TrackerState::Closed;
        assert_eq!(world.seen(), [], "it is closed and stays so");
        world.issue("web#1").state = TrackerState::Open;
        assert_eq!(world.ready(), [""; 0], "not before the ledger says so");
        assert_eq!(
            world.seen(),
            [Event::Reopened { issue: issue_ref("web#1"), stage: stage("triage"), tracker: None }]
        );
        world.labelled("web#1", "ready-for-dev");
        assert_eq!(world.seen(), [Event::Reopened { issue: issue_ref("web#1"), stage: stage("exec"), tracker: None }]);
    }
}

#[test]
fn what_may_be_our_own_doing_is_not_observed() {
    let mut world = World::new();
    world.running("web#1", None);
    world.known("web#2", "merge", Phase::Landing { to: Commit("b".into()) });
    world.known("web#3", "exec", queued());
    world.pending("web#3", None);
    for name in ["web#1", "web#2", "web#3", "web#4"] {
        world.issue(name).state = TrackerState::Closed;
    }
    assert_eq!(world.seen(), [], "running, landing, being written, never worked on");
    world.state.outbox.clear();
    assert_eq!(world.seen(), [Event::Closed { issue: issue_ref("web#3") }]);
}

/// The number of an issue says nothing in another tracker. A finished issue of the folder was once taken for a new one of the
/// forge: it went on with the old one's change.
#[test]
fn an_issue_of_another_tracker_shares_nothing_but_its_number() {
    for (phase, state) in [(queued(), TrackerState::Open), (asked(), TrackerState::Closed)] {
        let mut world = World::new();
        world.known("web#1", "exec", phase).tracker = TrackerKind::GitHub;
        world.issue("web#1").state = state;
        assert_eq!(world.seen(), [Event::Closed { issue: issue_ref("web#1") }]);
    }
    let mut world = World::new();
    world.known("web#1", "exec", Phase::Done).tracker = TrackerKind::GitHub;
    let tracker = Some(TrackerKind::Markdown);
    assert_eq!(world.seen(), [Event::Reopened { issue: issue_ref("web#1"), stage: stage("triage"), tracker }]);
    world.issue("web#1").state = TrackerState::Closed;
    assert_eq!(world.seen(), []);
}
