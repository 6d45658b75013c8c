use proptest::prelude::*;

use super::*;
use crate::Priority;

#[test]
fn a_priority_goes_before_everything_else_that_orders_a_plan() {
    let mut world = World::new();
    world.known("web#1", "merge", queued());
    world.labelled("web#2", "ready-for-dev");
    world.issue("web#3");
    world.labelled("web#4", "Priority-Critical");
    world.labelled("api#5", "priority-high");
    world.labelled("web#6", "ready-for-dev");
    world.labelled("web#6", "priority-high");
    world.known("web#7", "exec", queued());
    world.labelled("web#7", "priority-low");
    let order: Vec<String> = world.plan().ready.iter().map(|r| format!("{} {}", r.issue, r.priority)).collect();
    assert_eq!(
        order,
        ["web#4 critical", "web#6 high", "api#5 high", "web#1 normal", "web#2 normal", "web#3 normal", "web#7 low"]
    );
}

#[test]
fn of_several_priorities_the_most_urgent_counts_and_by_the_users_own_name() {
    let mut world = World::with("[labels]\npriority-high = \"soon\"");
    world.issue("web#1");
    world.labelled("web#2", "priority-high");
    world.labelled("web#3", "priority-low");
    world.labelled("web#3", "Soon");
    assert_eq!(world.ready(), ["web#3 triage", "web#1 triage", "web#2 triage"]);
}

#[test]
fn a_priority_that_nobody_with_write_permission_gave_counts_for_nothing() {
    let mut world = World::new();
    world.issue("web#1");
    world.labelled("web#2", "priority-critical");
    world.issue("web#2").facts.unproven = vec!["Priority-Critical".into()];
    assert_eq!(world.ready(), ["web#1 triage", "web#2 triage"]);
    world.labelled("web#2", "priority-high");
    assert_eq!(world.ready(), ["web#2 triage", "web#1 triage"], "one beside it that counts");
}

#[test]
fn children_have_the_priority_of_their_parent_unless_they_have_one() {
    let mut world = World::new();
    let child = |world: &mut World, name: &str, parent: &str| {
        world.issue(name).parent = Some(issue_ref(parent).issue);
    };
    world.issue("web#1");
    world.labelled("web#2", "priority-high");
    world.issue("web#2").state = TrackerState::Closed;
    child(&mut world, "web#3", "web#2");
    child(&mut world, "web#4", "web#3");
    world.labelled("web#5", "priority-low");
    child(&mut world, "web#5", "web#2");
    child(&mut world, "web#6", "web#9");
    assert_eq!(world.ready(), ["web#3 triage", "web#4 triage", "web#1 triage", "web#6 triage", "web#5 triage"]);
    child(&mut world, "web#1", "web#6");
    child(&mut world, "web#6", "web#1");
    assert_eq!(world.plan().ready[2].priority, Priority::Normal, "a circle ends");
}

/// How the plan was ordered before there were priorities.
fn old_order(plan: &Plan) -> Vec<&Ready> {
    let mut ready: Vec<&Ready> = plan.ready.iter().collect();
    let stages = ["triage", "prep", "exec", "review", "merge"];
    let stage = |r: &Ready| std::cmp::Reverse(stages.iter().position(|s| *s == r.stage.as_str()));
    ready.sort_by_key(|r| (r.why, stage(r), r.issue.issue.as_str().parse::<u64>().unwrap(), r.issue.project.clone()));
    ready
}

proptest! {
    /// Without a priority nothing has changed; with some, the plan is the old one, once for each priority.
    #[test]
    fn a_plan_is_ordered_as_ever_among_those_of_one_priority(
        kinds in prop::collection::vec((0usize..5, 0usize..4), 1..16),
    ) {
        let mut plain = World::new();
        let mut ranked = World::new();
        for (n, (kind, rank)) in kinds.iter().enumerate() {
            let name = format!("{}#{}", if n % 3 == 0 { "api" } else { "web" }, n + 1);
            for world in [&mut plain, &mut ranked] {
                match kind {
                    0 => drop(world.issue(&name).title.clone()),
                    1 => world.labelled(&name, "ready-for-dev"),
                    2 => world.labelled(&name, "needs-decompose"),
                    3 => drop(world.known(&name, "exec", queued()).title.clone()),
                    _ => drop(world.known(&name, "merge", queued()).title.clone()),
                }
            }
            if let Some(label) = ["priority-critical", "priority-high", "priority-low"].get(*rank) {
                ranked.labelled(&name, label);
            }
        }
        let (plain, ranked) = (plain.plan(), ranked.plan());
        prop_assert_eq!(old_order(&plain), plain.ready.iter().collect::<Vec<_>>());
        let mut expected = old_order(&ranked);
        expected.sort_by_key(|ready| ready.priority);
        prop_assert_eq!(expected, ranked.ready.iter().collect::<Vec<_>>());
        let names = |plan: &Plan| plan.ready.iter().map(|r| r.issue.clone()).collect::<BTreeSet<_>>();
        prop_assert_eq!(names(&plain), names(&ranked), "a priority changes nothing but the order");
    }
}
