use super::*;

fn stranger(world: &mut World, name: &str) {
    world.issue(name).author = author("mallory", Trust::Stranger);
}

#[test]
fn a_strangers_issue_is_begun_when_somebody_with_write_permission_asks_for_it() {
    let mut world = World::new();
    stranger(&mut world, "web#1");
    world.labelled("web#1", "ready-for-dev");
    world.issue("web#1").facts.unproven = vec!["ready-for-dev".into()];
    let plan = world.plan();
    let waiting = plan.waiting_for(&issue_ref("web#1")).unwrap();
    insta::assert_snapshot!(format!("{}\n{}", waiting.why, waiting.remedy.as_deref().unwrap()), @"
    its author mallory may not trigger work, and nobody with write permission put `ready-for-dev` on its present text
    someone with write permission puts a label such as `ready-for-prep` on it, or opens it anew
    ");
    let facts = &mut world.issue("web#1").facts;
    (facts.unproven, facts.approved_by) = (vec![], Some("bob".into()));
    assert_eq!(world.ready(), ["web#1 exec"]);
    world.known("web#1", "exec", queued());
    world.issue("web#1").facts.approved_by = None;
    assert_eq!(world.ready(), [""; 0], "the text was changed since: nobody asked for that one");
}

#[test]
fn a_label_that_nobody_with_write_permission_put_on_leads_nowhere() {
    let mut world = World::new();
    world.labelled("web#1", "ready-for-dev");
    world.labelled("web#2", "needs-decompose");
    world.issue("web#1").facts.unproven = vec!["Ready-for-dev".into()];
    world.issue("web#2").facts.unproven = vec!["needs-decompose".into()];
    let plan = world.plan();
    let whys: Vec<String> = plan.ready.iter().map(|r| format!("{} {} {:?}", r.issue, r.stage, r.why)).collect();
    assert_eq!(whys, ["web#1 triage Untriaged", "web#2 triage Untriaged"], "a writer's issue begins where all do");
}

#[test]
fn an_issue_is_begun_when_what_blocks_it_is_closed() {
    let mut world = World::new();
    world.labelled("web#1", "ready-for-dev");
    world.labelled("web#2", "ready-for-dev");
    world.issue("web#2").facts.blocked_by = vec!["1".into()];
    assert_eq!(world.ready(), ["web#1 exec"]);
    let plan = world.plan();
    let waiting = plan.waiting_for(&issue_ref("web#2")).unwrap();
    assert_eq!((waiting.why.to_string().as_str(), &waiting.remedy), ("it is blocked by #1", &None));
    world.known("web#1", "exec", Phase::Done);
    assert_eq!(world.ready(), ["web#2 exec"], "done, although the tracker still shows it open");
    world.state.issues.clear();
    world.issue("web#1").state = TrackerState::Closed;
    assert_eq!(world.ready(), ["web#2 exec"]);
}

#[test]
fn an_issue_that_was_begun_goes_on() {
    let mut world = World::new();
    world.issue("web#1").facts.blocked_by = vec!["9".into()];
    world.known("web#1", "exec", queued());
    assert_eq!(world.ready(), ["web#1 exec"]);
}

#[test]
fn what_nothing_here_will_free_says_what_helps() {
    let mut world = World::new();
    world.issue("web#1").facts.blocked_by = vec!["2".into()];
    world.issue("web#2").facts.blocked_by = vec!["1".into()];
    world.issue("web#3").facts.blocked_by = vec!["2".into(), "ann/other#4".into()];
    let plan = world.plan();
    let line = |name: &str| {
        let waiting = plan.waiting_for(&issue_ref(name)).unwrap();
        format!("{}: {}", waiting.why, waiting.remedy.as_deref().unwrap_or_default())
    };
    let lines = ["web#1", "web#2", "web#3"].map(line).join("\n");
    insta::assert_snapshot!(lines, @"
    it is blocked by #2: the issues block each other: take one of the links away
    it is blocked by #1: the issues block each other: take one of the links away
    it is blocked by #2, ann/other#4: close what blocks it, or take the link away
    ");
}

#[test]
fn an_asked_issue_goes_on_when_its_label_is_taken_away() {
    let mut world = World::new();
    world.known("web#1", "triage", asked());
    world.labelled("web#1", "needs-clarification");
    world.issue("web#1").comments = vec![own("web.1.triage.1/0")];
    assert_eq!(world.seen(), []);
    world.issue("web#1").labels.clear();
    world.pending("web#1", None);
    assert_eq!(world.seen(), [], "the label may not be there yet");
    world.state.outbox.clear();
    let [Event::Answered { by, .. }] = &world.seen()[..] else { panic!("{:?}", world.seen()) };
    assert_eq!(by, "whoever took the label needs-clarification away");
}

#[test]
fn findings_are_of_the_projects_and_the_issue_that_are_asked_for() {
    let mut world = World::new();
    for name in ["web#1", "web#2", "api#1"] {
        world.labelled(name, "ready-for-dev");
        world.labelled(name, "ready-for-prep");
    }
    let found = |world: &World| {
        let found = world.input().findings();
        found.iter().map(|(project, f)| format!("{project}#{} {}", f.issue, f.rule)).collect::<Vec<_>>()
    };
    assert_eq!(found(&world), ["api#1 route", "web#1 route", "web#2 route"]);
    world.filter.project = Some(project("web"));
    assert_eq!(found(&world), ["web#1 route", "web#2 route"]);
    world.filter.issue = Some(issue_ref("web#2"));
    assert_eq!(found(&world), ["web#2 route"]);
    world.filter.unsettled.insert(project("web"));
    assert_eq!(found(&world), [""; 0], "what is being read anew is not judged");
}
