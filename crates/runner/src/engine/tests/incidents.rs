//! What happened to others, each under its name. Those about time are in `spaced`, those about two engines and
//! about crashes in `recovery` and `outbox`, those of one process beside the executor.

use dayfly_core::Usage;

use super::*;
use crate::SubprocessRunner;

/// A world whose agent is a shell script, run as a process.
async fn scripted(pipeline: &[&str], script: &str) -> World {
    let mut world = World::new(pipeline);
    let path = world.repo.root.join("agent.sh");
    fs::write(&path, script).unwrap();
    world.config = world.config.replace(r#"["script"]"#, &format!("[\"sh\", \"{path}\"]"));
    run_scripted(&world).await;
    world
}

async fn run_scripted(world: &World) -> Summary {
    let engine = world.builder(Arc::new(SubprocessRunner::new())).build();
    finish(&engine, idle(0)).await.unwrap()
}

#[tokio::test]
async fn silent_exit_0_is_no_success() {
    let world = scripted(&["exec", "merge"], "exit 0").await;
    assert_eq!(world.words().await, ["no-op", "no-op"]);
    assert!(world.block(1).await.contains("changed nothing, twice in a row"));
    assert_eq!(world.known(1).await.visit_attempts, 0, "it is charged to nobody");
    assert_eq!((world.comments(1).await.len(), world.shown(1).await.labels), (1, vec!["human-needed".to_owned()]));
}

#[tokio::test]
async fn silent_exit_0_of_a_stage_that_must_answer_is_no_success() {
    let world = scripted(&["triage", "exec", "merge"], "exit 0").await;
    assert_eq!(world.words().await, ["task-failed"; 3]);
    assert!(world.ends().await[0].to_string().contains("wrote no proposal"));
}

#[tokio::test]
async fn claimed_success_with_changes_that_were_not_committed_is_no_success() {
    let world = scripted(&["exec", "merge"], "echo half >a").await;
    let [End::GateFailed(failure), ..] = &world.ends().await[..] else { panic!("{:?}", world.ends().await) };
    assert_eq!((failure.gate.as_str(), failure.tail.as_str()), ("clean-tree", "a"));
}

#[tokio::test]
async fn quoted_rate_limit_is_no_rate_limit() {
    let script = r#"echo "Error: 429 rate limit reached, resets at 5am"; echo "quota exceeded" >&2
        echo "you've hit your session limit" >log.txt; git add --all; git commit --quiet -m "A log""#;
    let world = scripted(&["exec", "merge"], script).await;
    assert_eq!((world.words().await, world.phase(1).await), (vec!["succeeded"; 2], "done"));
    assert!(world.state().await.capacity.limits.is_empty());
}

#[tokio::test]
async fn cron_path_an_agent_that_is_not_found_is_told_once_and_charged_to_nobody() {
    let mut world = World::new(&["exec", "merge"]);
    world.config = world.config.replace(r#"["script"]"#, r#"["no-such-agent-1b9"]"#);
    let summary = run_scripted(&world).await;
    assert!(summary.has_trouble(), "{summary:?}");
    let mut told: Vec<String> = summary.held.into_iter().map(|(_, reason)| reason).collect();
    told.extend(world.comments(1).await);
    assert!(told.len() == 1 && told[0].contains("no-such-agent-1b9"), "{told:?}");
    let charged = world.ends().await.into_iter().filter(|end| end.class() == dayfly_core::Class::Charged).count();
    assert_eq!(charged, 0);
}

#[tokio::test]
async fn revoked_token_parks_the_account_and_no_issue_is_charged_blocked_or_tried_again() {
    let world = World::new(&["exec", "merge"]);
    world.run(|_| MockScript::ends(End::Auth { reason: "401".into() })).await;
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "queued"));
    assert!(world.comments(1).await.is_empty());
    let limits = world.state().await.capacity.limits;
    assert!(limits.len() == 1 && limits[0].needs_person() && limits[0].said.contains("401"), "{limits:?}");
}

#[tokio::test]
async fn denied_tools_and_what_nobody_knows_are_told_at_once_and_not_tried_again() {
    let ends = [
        (End::PermissionDenied { tools: vec!["Edit".into()] }, "allow the tools"),
        (End::Misconfigured { reason: "no such model".into() }, "mend the agent's section"),
        (End::Unknown { reason: "what?".into() }, "look at the attempt's log"),
    ];
    for (end, remedy) in ends {
        let world = World::new(&["exec", "merge"]);
        let given = end.clone();
        world.run(move |_| MockScript::ends(given.clone())).await;
        world.run(works).await;
        assert_eq!((world.attempts().len(), world.phase(1).await), (1, "blocked"), "{end}");
        let said = world.comments(1).await;
        assert!(said.len() == 1 && said[0].contains(&end.to_string()) && said[0].contains(remedy), "{said:?}");
        assert_eq!(world.known(1).await.visit_attempts, 0);
    }
}

#[tokio::test]
async fn denied_tools_that_still_claim_success_do_not_go_on_for_weeks() {
    let world = World::new(&["exec", "merge"]);
    for _ in 0..5 {
        world.run(|_| MockScript::succeeds()).await;
    }
    assert_eq!((world.attempts().len(), world.phase(1).await), (2, "blocked"));
}

#[tokio::test]
async fn runaway_issue_is_bounded_over_its_life_however_often_a_person_lifts_the_block() {
    let world = World::new(&["exec", "merge"]);
    for _ in 0..10 {
        world.run(|_| failed("no")).await;
        if world.shown(1).await.has_label("human-needed") {
            world.edit(1, "\"human-needed\"", "");
        }
    }
    assert_eq!(world.attempts().len(), 12);
    assert_eq!(waits(&world).await, "its bounds are used up: 12 of 12 attempts");
}

#[tokio::test]
async fn runaway_issue_is_bounded_in_tokens() {
    let world = World::with(&["exec", "merge"], "[limits]\nissue-tokens = 1000");
    let usage = Usage { input_tokens: 300, output_tokens: 300, ..Usage::default() };
    world.run(move |_| MockScript { usage, ..failed("no") }).await;
    assert_eq!(
        (world.attempts().len(), waits(&world).await.as_str()),
        (2, "its bounds are used up: 1200 of 1000 tokens")
    );
}

/// Why the first issue waits.
async fn waits(world: &World) -> String {
    let store = Arc::clone(&world.store);
    let seen = overview(
        world.portfolio(),
        Sources { store: Some(&*store), tracker: &world.markdown(), forge: None },
        Filter::default(),
        now(),
    )
    .await
    .unwrap();
    seen.plan.waiting_for(&issue(1)).unwrap().why.to_string()
}

#[tokio::test]
async fn mention_loop_and_bot_requeue_our_own_comments_are_no_answer() {
    let world = World::new(&["triage", "exec", "merge"]);
    let json = r#"{"version":1,"effects":[{"ask":{"question":"Which?"}},{"comment":{"body":"I looked at it."}}]}"#;
    for _ in 0..4 {
        world.run(move |_| proposes(json)).await;
    }
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "asked"));
    assert_eq!(world.comments(1).await, ["I looked at it.", "Which?"]);
}

#[tokio::test]
async fn renamed_repo_a_base_branch_that_is_gone_is_told_and_is_no_idleness() {
    let world = World::new(&["exec", "merge"]);
    world.repo.git(&["branch", "--quiet", "--move", "main", "trunk"]);
    let summary = world.run(works).await;
    assert!(summary.has_trouble() && world.attempts().is_empty());
    let (held, reason) = &summary.held[0];
    assert_eq!(*held, issue(1));
    assert!(reason.contains("has no branch `main`") && reason.contains("set `base` of project web"), "{reason}");
}

#[tokio::test]
async fn drifted_record_a_change_that_somebody_landed_by_hand_is_seen_as_landed() {
    let world = World::new(&["exec", "merge"]);
    let engine = world.builder(world.mock(works)).build();
    finish(&engine, once()).await.unwrap();
    let tip = world.known(1).await.tip.unwrap();
    let trusted = git_dir(&world.portfolio(), &web());
    world.repo.git(&["fetch", "--quiet", trusted.as_str(), "refs/dayfly/attempts/web.1.exec.1"]);
    world.repo.git(&["merge", "--quiet", &tip.0]);
    let by_hand = world.repo.at("main");
    world.run(works).await;
    assert_eq!((world.repo.at("main"), world.phase(1).await), (by_hand, "done"));
    assert_eq!(world.attempts().len(), 1);
}

#[tokio::test]
async fn a_gate_that_could_not_judge_is_charged_to_nobody() {
    let world = World::new(&["exec", "merge"]);
    world.repo.commit(&[(".dayfly/gates.toml", "[[command]]\nname = \"tests\"\nrun = [\"no-such-program-1b9\"]\n")]);
    world.run(works).await;
    assert_eq!((world.words().await, world.known(1).await.visit_attempts), (vec!["environment"], 0));
    assert!(world.block(1).await.contains("no-such-program-1b9"));
    world.repo.commit(&[(".dayfly/gates.toml", "")]);
    world.edit(1, "\"human-needed\"", "");
    world.run(works).await;
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn wrapper_kill_nothing_that_an_agent_left_running_outlives_its_attempt() {
    let script = "setsid sleep 600 >/dev/null 2>&1 & echo $! >pid; git add --all; git commit --quiet -m x";
    let world = scripted(&["exec", "merge"], script).await;
    assert_eq!(world.phase(1).await, "done");
    let pid = fs::read_to_string(world.repo.web.join("pid")).unwrap().trim().parse().unwrap();
    if cfg!(target_os = "linux") {
        assert!(crate::identity(pid).is_none_or(|left| !crate::is_alive(&left)));
    }
}
