use super::*;

#[test]
fn work_in_progress_goes_first_and_what_nobody_has_looked_at_goes_last() {
    let mut world = World::new();
    world.issue("web#1");
    world.labelled("web#2", "needs-decompose");
    world.labelled("web#3", "ready-for-prep");
    world.labelled("web#4", "ready-for-dev");
    world.known("web#5", "triage", queued()).answered = true;
    world.known("web#6", "triage", queued());
    world.known("web#7", "merge", queued());
    let plan = world.plan();
    let order: Vec<String> = plan.ready.iter().map(|r| format!("{} {} {:?}", r.issue, r.stage, r.why)).collect();
    assert_eq!(
        order,
        [
            "web#7 merge InProgress",
            "web#6 triage InProgress",
            "web#5 triage Answered",
            "web#4 exec Labelled",
            "web#3 prep Labelled",
            "web#2 triage NeedsDecompose",
            "web#1 triage Untriaged",
        ]
    );
    assert!(plan.waiting.is_empty(), "{:?}", plan.waiting);
}

#[test]
fn among_equals_the_milestone_that_is_due_first_then_the_older_issue_then_the_project() {
    let mut world = World::new();
    for name in ["web#10", "web#9", "web#8", "web#7", "api#9"] {
        world.issue(name);
    }
    let milestone = |title: &str, due: Option<&str>| Milestone {
        title: title.into(),
        due: due.map(|d| d.parse().unwrap()),
        ..Milestone::default()
    };
    let milestones =
        vec![milestone("soon", Some("2026-02-01")), milestone("late", Some("2027-01-01")), milestone("none", None)];
    world.views.get_mut(&project("web")).unwrap().milestones = milestones;
    world.issue("web#10").milestone = Some("soon".into());
    world.issue("web#8").milestone = Some("late".into());
    world.issue("web#7").milestone = Some("none".into());
    let expected = ["web#10 triage", "web#8 triage", "web#7 triage", "api#9 triage", "web#9 triage"];
    assert_eq!(world.ready(), expected);
}

#[test]
fn a_landing_needs_no_agent_and_an_agent_brings_its_model() {
    let mut world = World::new();
    world.known("web#1", "merge", queued());
    world.known("web#2", "exec", queued());
    let ready = world.plan().ready;
    assert_eq!((ready[0].agent.clone(), ready[0].model.clone()), (None, None));
    assert_eq!((ready[1].agent.clone(), ready[1].model.as_deref()), (Some(agent("fast")), Some("large")));
    assert_eq!(ready[1].title, "Title of web#2");
}

#[test]
fn a_closed_issue_is_not_planned() {
    let mut world = World::new();
    world.issue("web#1").state = TrackerState::Closed;
    assert_eq!(world.plan(), Plan::default());
}

#[test]
fn the_host_has_so_many_slots_and_live_and_starting_jobs_take_them() {
    let mut world = World::new();
    world.portfolio.concurrency = 3;
    for name in ["web#1", "web#2", "api#3"] {
        world.issue(name);
    }
    assert_eq!(world.ready().len(), 3);
    world.running("api#9", Some("spare"));
    assert_eq!(world.ready(), ["web#1 triage", "web#2 triage"]);
    assert_eq!(world.wait("api#3"), slot("the host"));
    world.filter.starting = vec![world.plan().ready[0].clone()];
    assert_eq!(world.ready(), ["web#2 triage"], "what is starting is not started twice");
    assert_eq!(world.wait("api#3"), slot("the host"));
}

#[test]
fn a_full_project_leaves_the_slots_to_others() {
    let mut world = World::new();
    world.portfolio.projects.get_mut(&project("web")).unwrap().concurrency = 2;
    world.running("web#1", None);
    for name in ["web#2", "web#3", "api#4"] {
        world.issue(name);
    }
    assert_eq!(world.ready(), ["web#2 triage", "api#4 triage"]);
    assert_eq!(world.wait("web#3"), slot("project web"));
    world.filter.starting = vec![world.plan().ready[0].clone()];
    assert_eq!(world.ready(), ["api#4 triage"]);
}

#[test]
fn a_full_agent_leaves_the_slots_to_other_agents() {
    let mut world = World::new();
    world.portfolio.agents.get_mut(&agent("spare")).unwrap().concurrency = Some(1);
    world.issue("web#1");
    world.issue("web#2");
    world.labelled("web#3", "ready-for-dev");
    assert_eq!(world.ready(), ["web#3 exec", "web#1 triage"]);
    assert_eq!(world.wait("web#2"), slot("agent spare"));
    world.running("web#9", Some("spare"));
    assert_eq!(world.ready(), ["web#3 exec"]);
    assert_eq!(world.wait("web#1"), slot("agent spare"));
}

#[test]
fn a_spaced_try_waits_until_its_time_and_not_longer() {
    let mut world = World::new();
    world.known("web#1", "exec", Phase::Queued { not_before: Some(later(60)) });
    assert_eq!(world.wait("web#1"), (Wait::Backoff, Some(later(60))));
    world.known("web#2", "exec", Phase::Queued { not_before: Some(now()) });
    assert_eq!(world.ready(), ["web#2 exec"]);
    assert_eq!(world.plan().next_look(), Some(later(60)));
}

#[test]
fn a_strict_stage_waits_for_its_agent() {
    let mut world = World::new();
    world.labelled("web#1", "ready-for-dev");
    world.limited("fast", later(60));
    assert_eq!(
        world.wait("web#1"),
        (Wait::Capacity { of: "the capacity of claude (large) is used up".into() }, Some(later(60)))
    );
    world.limited("fast", now());
    assert_eq!(world.ready(), ["web#1 exec"], "the capacity is back");
}

#[test]
fn a_limit_of_one_model_is_not_one_of_another() {
    let mut world = World::new();
    world.labelled("web#1", "ready-for-dev");
    let key = CapacityKey { model: Some("small".into()), ..world.using("fast").account_key() };
    world.limit(key, Some(later(60)), LimitWhy::Quota);
    assert_eq!(world.plan().ready[0].agent, Some(agent("fast")));
}

#[test]
fn a_chain_takes_the_next_agent_and_says_why() {
    let mut world = World::new();
    let web = world.portfolio.projects.get_mut(&project("web")).unwrap();
    web.pipeline.stages.iter_mut().for_each(|s| s.fallback = crate::Fallback::Chain);
    world.labelled("web#1", "ready-for-dev");
    assert_eq!(world.plan().ready[0].substitution, None);
    world.limited("fast", later(60));
    let ready = &world.plan().ready[0];
    assert_eq!((&ready.agent, &ready.model), (&Some(agent("spare")), &None));
    assert_eq!(ready.substitution.as_deref(), Some("the capacity of claude (large) is used up"));
    world.limited("spare", later(30));
    assert_eq!(
        world.wait("web#1"),
        (Wait::Capacity { of: "the capacity of spare is used up".into() }, Some(later(30))),
        "the earliest of them"
    );
}

#[test]
fn an_issue_whose_life_is_used_up_waits_for_a_person() {
    type Change = fn(&mut IssueState);
    let rows: [(Change, &str); 3] = [
        (|k| k.attempts = 12, "12 of 12 attempts"),
        (|k| k.tokens = 20_000_001, "20000001 of 20000000 tokens"),
        (|k| k.agent_time = Duration::from_secs(6 * 3600), "360 of 360 minutes of agent time"),
    ];
    for (change, bound) in rows {
        let mut world = World::new();
        change(world.known("web#1", "exec", queued()));
        assert_eq!(world.wait("web#1"), (Wait::Lifetime { bound: bound.into() }, None));
    }
    let mut world = World::new();
    let known = world.known("web#1", "exec", queued());
    (known.attempts, known.tokens, known.agent_time) = (11, 19_999_999, Duration::from_secs(6 * 3600 - 1));
    assert_eq!(world.ready(), ["web#1 exec"], "one short of each bound");
}

#[test]
fn nothing_starts_for_an_author_without_write_permission() {
    let mut world = World::new();
    world.labelled("web#1", "ready-for-dev");
    world.issue("web#1").author = author("mallory", Trust::Stranger);
    let why = "its author mallory may not trigger work".to_owned();
    assert_eq!(world.wait("web#1"), (Wait::Author { name: "mallory".into(), why }, None));
    world.known("web#1", "exec", queued());
    assert_eq!(world.ready(), [""; 0], "not even if it was worked on before");
}

#[test]
fn a_paused_project_and_one_whose_tracker_fails_wait_as_a_whole() {
    let mut world = World::new();
    world.issue("web#1");
    world.issue("api#1");
    world.portfolio.projects.get_mut(&project("web")).unwrap().paused = true;
    world.views.get_mut(&project("api")).unwrap().fault = Some("no answer".into());
    let plan = world.plan();
    assert!(plan.ready.is_empty());
    let why: Vec<_> = plan.waiting.iter().map(|w| (w.project.as_str(), w.issue.clone(), w.why.clone())).collect();
    let fault = Wait::Tracker { reason: "no answer".into() };
    assert_eq!(why, [("api", None, fault), ("web", None, Wait::Paused)]);
}

#[test]
fn an_unsettled_project_is_neither_planned_nor_observed() {
    let mut world = World::new();
    world.issue("api#1");
    world.issue("web#1");
    world.known("web#2", "exec", queued());
    world.issue("web#2").state = TrackerState::Closed;
    assert_eq!(world.seen().len(), 1);
    world.filter.unsettled.insert(project("web"));
    assert_eq!(world.ready(), ["api#1 triage"]);
    assert!(world.plan().waiting.is_empty());
    assert_eq!(world.seen(), []);
}

#[test]
fn a_filter_leaves_what_was_asked_for() {
    let mut world = World::new();
    for name in ["web#1", "web#2", "api#1"] {
        world.issue(name);
    }
    world.filter.project = Some(project("web"));
    assert_eq!(world.ready(), ["web#1 triage", "web#2 triage"]);
    world.filter.issue = Some(issue_ref("web#2"));
    assert_eq!(world.ready(), ["web#2 triage"]);
}

#[test]
fn the_labels_of_a_person_hold_an_issue() {
    let mut world = World::new();
    let held = |label: &str| (Wait::Label { label: label.into() }, None);
    for (n, label) in ["blocked", "human-needed", "needs-clarification"].into_iter().enumerate() {
        let name = format!("web#{}", n + 1);
        world.labelled(&name, label);
        assert_eq!(world.wait(&name), held(label));
    }
    world.labelled("web#4", "Blocked");
    assert_eq!(world.wait("web#4"), held("blocked"), "without regard to case");
    world.known("web#5", "exec", queued());
    world.labelled("web#5", "blocked");
    assert_eq!(world.wait("web#5"), held("blocked"), "also work in progress");
    world.known("web#6", "exec", queued());
    world.labelled("web#6", "needs-clarification");
    assert_eq!(world.ready(), ["web#6 exec"], "the answered question's label is dayfly's own");
}

#[test]
fn a_stage_that_waits_for_a_label_says_which() {
    let mut world = World::with("[stages.merge]\nadmission = [\"label:approved\"]");
    world.known("web#1", "merge", queued());
    let reason = "stage `merge` waits for the label approved".to_owned();
    assert_eq!(world.wait("web#1"), (Wait::Held { reason }, None));
    world.labelled("web#1", "approved");
    assert_eq!(world.ready(), ["web#1 merge"]);
}

#[test]
fn an_issue_that_had_its_turn_is_left_alone_in_this_run() {
    let mut world = World::new();
    world.issue("web#1");
    world.filter.had_turn.insert(issue_ref("web#1"));
    assert_eq!(world.wait("web#1"), (Wait::HadTurn, None));
}

#[test]
fn an_issue_held_before_its_start_waits_until_the_time_it_was_given() {
    let mut world = World::new();
    for (name, until) in [("web#1", None), ("web#2", Some(later(60))), ("web#3", Some(now()))] {
        world.issue(name);
        world.filter.held.insert(issue_ref(name), ("a gate holds it".into(), until));
    }
    let held = || Wait::Held { reason: "a gate holds it".into() };
    assert_eq!(world.wait("web#1"), (held(), None));
    assert_eq!(world.wait("web#2"), (held(), Some(later(60))));
    assert_eq!(world.ready(), ["web#3 triage"], "its time has come");
}

#[test]
fn nothing_is_planned_while_writes_of_the_issue_are_under_way() {
    let mut world = World::new();
    world.known("web#1", "exec", queued());
    world.pending("web#1", None);
    world.pending("web#1", None);
    assert_eq!(world.wait("web#1"), (Wait::Effects { count: 2, delayed: None }, None));
    world.known("web#2", "exec", queued());
    world.pending("web#2", Some(("no answer".into(), later(60))));
    let delayed = Wait::Effects { count: 1, delayed: Some("no answer".into()) };
    assert_eq!(world.wait("web#2"), (delayed, Some(later(60))));
}

#[test]
fn each_phase_says_what_it_waits_for() {
    let branch = || "dayfly/web-1".to_owned();
    let attempt = AttemptId::from_text("web.1.exec.1");
    let rows = [
        (Phase::Running { attempt }, "attempt web.1.exec.1 runs", ""),
        (asked(), "it waits for an answer to: Which?", "`dayfly issue answer web#1 TEXT`"),
        (Phase::Landing { to: Commit("b".into()) }, "its change is on the way to the base branch", ""),
        (
            Phase::Handed { branch: branch(), commit: Commit("b".into()) },
            "the branch dayfly/web-1 waits to be merged",
            "`git -C web merge dayfly/web-1`, or close the issue",
        ),
        (blocked(), "a person must act: it broke", "mend it, then `dayfly issue retry web#1`"),
        (Phase::Done, "it has had its turn in this cycle", ""),
    ];
    for (phase, why, remedy) in rows {
        let mut world = World::new();
        world.known("web#1", "exec", phase);
        let plan = world.plan();
        assert!(plan.ready.is_empty(), "{why}");
        assert_eq!(
            (plan.waiting[0].why.to_string().as_str(), plan.waiting[0].remedy.as_deref().unwrap_or("")),
            (why, remedy)
        );
    }
}

#[test]
fn an_issue_whose_stage_is_gone_from_the_pipeline_starts_over() {
    let mut world = World::new();
    world.known("web#1", "translate", queued());
    assert_eq!(world.ready(), ["web#1 triage"]);
}

#[test]
fn the_same_input_gives_the_same_plan() {
    let mut world = World::new();
    world.portfolio.concurrency = 2;
    for n in 1..6 {
        world.issue(&format!("web#{n}"));
        world.known(&format!("api#{n}"), "exec", queued());
    }
    let plan = world.plan();
    assert_eq!(plan, world.plan());
    for view in world.views.values_mut() {
        view.issues.reverse();
    }
    assert_eq!(plan.ready, world.plan().ready, "whatever order the tracker lists them in");
}
