use super::*;
use crate::{Checks, FailedCheck, MergeBy, PullState, PullWrite};

/// A project whose engine merges, with a pull request that is ready for it.
fn world() -> World {
    let mut world = World::new();
    let web = world.portfolio.projects.get_mut(&project("web")).unwrap();
    web.merge.by = MergeBy::Engine;
    let base = web.base.clone();
    let (branch, commit) = ("dayfly/web-1".to_owned(), Commit("a".repeat(40)));
    world.known("web#1", "merge", Phase::Handed { branch: branch.clone(), commit: commit.clone() });
    let pull = Pull { branch, head: commit, base, ..pull() };
    world.views.get_mut(&project("web")).unwrap().pulls.insert(issue_ref("web#1").issue, pull);
    world
}

fn merges(world: &World) -> bool {
    let writes = world.seen().into_iter().flat_map(|event| match event {
        Event::PullSeen { effects, .. } => effects,
        other => panic!("{other:?}"),
    });
    let mut writes = writes.map(|entry| entry.effect);
    writes.any(|effect| matches!(effect, Effect::Pull { write: PullWrite::Merge { .. }, .. }))
}

#[test]
fn what_holds_an_issue_holds_its_merge() {
    let mut world = world();
    assert!(merges(&world));
    world.labelled("web#1", "Human-Needed");
    assert!(!merges(&world));
}

#[test]
fn nothing_is_merged_in_a_project_that_is_paused_and_what_people_merge_is_seen() {
    let mut world = world();
    world.portfolio.projects.get_mut(&project("web")).unwrap().paused = true;
    assert_eq!(world.seen(), []);
    let pulls = &mut world.views.get_mut(&project("web")).unwrap().pulls;
    pulls.values_mut().for_each(|pull| pull.state = PullState::Merged(None));
    assert!(matches!(&world.seen()[..], [Event::Merged { .. }]), "{:?}", world.seen());
}

/// Whoever changes a workflow in a pull request chooses the names of its checks.
#[test]
fn the_name_of_a_check_calls_nobody_and_closes_nothing() {
    let mut world = world();
    world.known("web#1", "merge", world.state.issues[&issue_ref("web#1")].phase.clone()).rounds =
        BTreeMap::from([(stage("merge"), 100)]);
    let name = "@everyone fixes #3".to_owned();
    let failed = Checks::Failed(vec![FailedCheck { name, required: true, url: None, tail: String::new() }]);
    let pulls = &mut world.views.get_mut(&project("web")).unwrap().pulls;
    pulls.values_mut().for_each(|pull| pull.checks = failed.clone());
    let seen = world.seen();
    let [Event::Stopped { effects, .. }] = &seen[..] else { panic!("{seen:?}") };
    let Effect::Tracker { write: TrackerWrite::Comment { body, .. }, .. } = &effects[0].effect else {
        panic!("{effects:?}")
    };
    assert!(body.contains("`@everyone`") && body.contains("fixes `#3`"), "{body}");
}
