//! From an issue to the base branch, and back from a gate.

use dayfly_core::{Verdict, gate_fn};

use super::*;

const NO: &str = r#"{"version":1,"verdict":"fail","summary":"src/a: no test"}"#;
const YES: &str = r#"{"version":1,"verdict":"pass","summary":"read it"}"#;

/// A command of the base branch that wants `done.txt` to hold the word `good`.
fn wants_good(world: &World) {
    let run = r#"echo "it holds $(cat done.txt)"; grep -q good done.txt"#;
    let gates = format!("[[command]]\nname = \"tests\"\nrun = [\"sh\", \"-c\", '''{run}''']\n");
    world.repo.commit(&[(".dayfly/gates.toml", &gates)]);
}

fn landed_text(world: &World) -> String {
    fs::read_to_string(world.repo.web.join("done.txt")).unwrap()
}

#[tokio::test]
async fn an_issue_goes_through_all_stages_and_lands() {
    let world = World::new(&["triage", "prep", "exec", "review", "merge"]);
    let script = |attempt: &Attempt| match attempt.job.stage.as_str() {
        "triage" => proposes(r#"{"version":1,"summary":"clear"}"#),
        "prep" => proposes(r#"{"version":1,"summary":"THE PLAN"}"#),
        "review" => proposes(YES),
        _ => works(attempt),
    };
    let summary = world.run(script).await;
    assert_eq!(world.attempts(), ["web.1.triage.1", "web.1.prep.2", "web.1.exec.3", "web.1.review.4"]);
    assert!(world.prompt(2).contains("THE PLAN"));
    assert_eq!(landed_text(&world), "web.1.exec.3");
    assert_eq!(summary.done, [issue(1)]);
    assert!(!summary.has_trouble() && !summary.stopped);
    let (shown, landed) = (world.shown(1).await, world.known(1).await.landed.unwrap());
    assert_eq!((shown.state, shown.labels.len()), (TrackerState::Closed, 0));
    assert_eq!(world.comments(1).await, [format!("Landed as {}.", landed.short())]);
    assert_eq!(landed, world.repo.at("main"));
}

#[tokio::test]
async fn agents_work_outside_the_users_checkout_and_their_working_copies_go() {
    let world = World::new(&["exec", "merge"]);
    fs::write(world.repo.web.join("mine"), "half done").unwrap();
    let web = world.repo.web.clone();
    world
        .run(move |attempt| {
            assert!(!attempt.cwd.starts_with(&web) && !attempt.cwd.join("mine").exists());
            works(attempt)
        })
        .await;
    assert_eq!(fs::read_dir(world.repo.root.join("state/work")).unwrap().count(), 0);
    assert_eq!(world.repo.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(world.repo.git(&["status", "--porcelain"]), "?? mine");
}

#[tokio::test]
async fn one_cycle_gives_each_issue_one_turn() {
    let world = World::new(&["exec", "merge"]);
    world.issue(2, &[]);
    let engine = world.builder(world.mock(works)).build();
    finish(&engine, once()).await.unwrap();
    assert_eq!(world.attempts(), ["web.1.exec.1", "web.2.exec.1"]);
    assert_eq!((world.phase(1).await, world.phase(2).await), ("queued", "queued"));
}

#[tokio::test]
async fn a_failing_gate_tells_the_next_attempt_its_name_its_reason_and_its_last_lines() {
    let world = World::new(&["exec", "merge"]);
    wants_good(&world);
    let script = |attempt: &Attempt| {
        let first = attempt.id.as_str().ends_with(".1");
        commits(attempt, &[("done.txt", if first { "bad words" } else { "good" })])
    };
    world.run(script).await;
    assert_eq!(world.words().await, ["gate-failed", "succeeded", "succeeded"]);
    let told = world.prompt(1);
    assert!(told.contains("`commands` says: `sh -c ") && told.contains("ended with exit code 1"), "{told}");
    assert!(told.contains("Its last lines:\nit holds bad words\n"), "{told}");
    assert_eq!(landed_text(&world), "good");
}

#[tokio::test]
async fn commits_outlive_a_failed_gate_and_not_a_failed_task() {
    let world = World::new(&["exec", "merge"]);
    wants_good(&world);
    let base = world.repo.at("main");
    let script = |attempt: &Attempt| match attempt.id.as_str() {
        "web.1.exec.1" => {
            commits(attempt, &[("thrown away", "")]);
            failed("out of ideas")
        }
        "web.1.exec.2" => commits(attempt, &[("done.txt", "bad")]),
        _ => commits(attempt, &[("done.txt", "good")]),
    };
    world.run(script).await;
    let starts: Vec<_> = world.seen.lock().unwrap().iter().map(|(_, job)| job.start.clone().unwrap()).collect();
    assert_eq!((&starts[0], &starts[1]), (&base, &base));
    assert_eq!(world.repo.git(&["ls-tree", "--name-only", &starts[2].0]), ".dayfly\na\ndone.txt");
    assert_eq!(landed_text(&world), "good");
}

#[tokio::test]
async fn a_review_that_always_says_no_ends_blocked_with_a_comment() {
    let world = World::new(&["exec", "review", "merge"]);
    let script = |attempt: &Attempt| if attempt.job.stage.as_str() == "review" { proposes(NO) } else { works(attempt) };
    let summary = world.run(script).await;
    assert_eq!(world.attempts().iter().filter(|id| id.contains("review")).count(), 4);
    assert!(world.prompt(2).contains("src/a: no test"), "{}", world.prompt(2));
    let reason = "`review` sent the work back 3 times: verdict: the review asks for changes";
    assert_eq!((world.block(1).await.as_str(), &summary.person), (reason, &vec![issue(1)]));
    let said = world.comments(1).await;
    assert!(said.len() == 1 && said[0].starts_with(reason) && said[0].contains("What helps: "), "{said:?}");
    assert_eq!(world.shown(1).await.labels, ["human-needed"]);
    assert!(!world.repo.web.join("done.txt").exists());
}

#[tokio::test]
async fn a_task_that_always_fails_is_tried_as_often_as_its_stage_says() {
    let world = World::new(&["exec", "merge"]);
    world.run(|_| failed("no idea")).await;
    assert_eq!(world.attempts().len(), 3);
    assert!(world.prompt(1).contains("no idea"));
    assert_eq!(world.block(1).await, "Stage `exec` failed 3 times: exec: task-failed: no idea");
}

#[tokio::test]
async fn a_conflict_goes_back_with_the_names_of_the_files_and_is_bounded() {
    let world = World::new(&["exec", "merge"]);
    let (web, root) = (world.repo.web.clone(), world.repo.root.clone());
    let script = move |attempt: &Attempt| {
        // Somebody changes the same line while the agent works.
        let number = attempt.id.as_str();
        let done = commits(attempt, &[("a", &format!("mine {number}\n"))]);
        assert!(web.starts_with(&root));
        commit_in(&web, &[("a", &format!("theirs {number}\n"))]);
        done
    };
    world.run(script).await;
    let told = world.prompt(1);
    assert!(told.contains("`conflict` says: the change and the branch `main` touch the same lines"), "{told}");
    assert!(told.contains("In conflict:\na\n"), "{told}");
    assert_eq!(world.attempts().len(), 3, "one and two loop-backs");
    assert!(world.block(1).await.starts_with("`merge` sent the work back 2 times: conflict: "));
}

#[tokio::test]
async fn work_is_judged_again_on_top_of_a_base_that_moved_and_no_agent_runs_for_it() {
    let world = World::new(&["exec", "merge"]);
    wants_good(&world);
    let engine = {
        let web = world.repo.web.clone();
        let races = Mutex::new(0);
        let progress = Progress::new(move |notice| {
            // Somebody is faster, between the verdict and the landing.
            if let Notice::Event(_, Event::AttemptEnded { attempt, .. }) = notice
                && attempt.as_str().contains("merge")
                && std::mem::replace(&mut *races.lock().unwrap(), 1) == 0
            {
                commit_in(&web, &[("theirs", "")]);
            }
        });
        let runner = world.mock(|attempt| commits(attempt, &[("done.txt", "good")]));
        world.builder(runner).progress(progress).build()
    };
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!((world.attempts().len(), world.words().await.len()), (1, 3), "one by an agent, two landings");
    let refused = |event: &Event| matches!(event, Event::EffectRefused { again: true, .. });
    assert_eq!(world.events().await.iter().filter(|e| refused(e)).count(), 1);
    assert_eq!(world.repo.git(&["log", "--format=%s", "-2"]), "Change done.txt\nChange theirs");
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn a_gate_that_only_fails_on_top_of_the_moved_base_stops_the_landing() {
    let world = World::new(&["exec", "merge"]);
    let web = world.repo.web.clone();
    let script = move |attempt: &Attempt| {
        let done = commits(attempt, &[("done.txt", "bad")]);
        // The gate reaches the base branch while the agent works.
        let gates = "[[command]]\nname = \"tests\"\nrun = [\"grep\", \"-q\", \"good\", \"done.txt\"]\n";
        commit_in(&web, &[(".dayfly/gates.toml", gates)]);
        done
    };
    let engine = world.builder(world.mock(script)).build();
    finish(&engine, once()).await.unwrap();
    finish(&engine, once()).await.unwrap();
    assert_eq!(world.words().await, ["succeeded", "gate-failed"]);
    assert!(!world.repo.web.join("done.txt").exists());
}

#[tokio::test]
async fn a_change_of_a_protected_path_never_lands() {
    let world = World::new(&["exec", "merge"]);
    world.run(|attempt| commits(attempt, &[(".dayfly/gates.toml", ""), ("done.txt", "")])).await;
    let [End::GateFailed(failure), ..] = &world.ends().await[..] else { panic!() };
    assert_eq!((failure.gate.as_str(), failure.tail.as_str()), ("protected-paths", ".dayfly/gates.toml"));
    assert_eq!((world.phase(1).await, world.repo.web.join("done.txt").exists()), ("blocked", false));
}

#[tokio::test]
async fn a_pull_request_is_left_on_a_branch_and_done_when_somebody_has_merged_it() {
    let mut world = World::new(&["exec", "merge"]);
    world.config.push_str("landing = \"pull-request\"\n");
    world.run(works).await;
    assert_eq!(world.phase(1).await, "handed");
    assert!(!world.repo.web.join("done.txt").exists(), "nobody has merged it");
    assert_eq!(
        world.comments(1).await,
        ["The change is ready on the branch `dayfly/web-1`. Merge it, or close the issue."]
    );
    world.repo.git(&["merge", "--quiet", "dayfly/web-1"]);
    let summary = world.run(works).await;
    assert_eq!((summary.done, world.attempts().len()), (vec![issue(1)], 1));
    assert_eq!(world.shown(1).await.state, TrackerState::Closed);
}

#[tokio::test]
async fn a_squash_lands_as_one_commit_that_names_the_issue() {
    let mut world = World::new(&["exec", "merge"]);
    world.config.push_str("squash = true\n");
    world
        .run(|attempt| {
            commit_in(&attempt.cwd, &[("b", "")]);
            works(attempt)
        })
        .await;
    assert_eq!(
        world.repo.git(&["log", "--format=%s | %b", "-2"]).replace('\n', ""),
        "Issue 1 | Issue: web#1Change a | "
    );
}

#[tokio::test]
async fn a_proposal_that_asks_for_more_than_the_stage_allows_is_refused_whole() {
    let world = World::new(&["exec", "merge"]);
    let json = r#"{"version":1,"effects":[{"comment":{"body":"hello"}},{"ask":{"question":"Which?"}}]}"#;
    world.run(move |attempt| MockScript { proposal_json: Some(json.into()), ..works(attempt) }).await;
    let refused = "task-failed: the proposal is refused: the stage does not allow `ask`";
    assert_eq!(world.ends().await[0].to_string(), refused);
    assert!(!world.comments(1).await.contains(&"hello".to_owned()));
}

#[tokio::test]
async fn a_gate_of_the_embedding_program_may_hold_a_job_and_nothing_is_charged() {
    let world = World::with(&["exec", "merge"], "[stages.exec]\nadmission = [\"custom:calm\"]");
    let storm = gate_fn("calm", |_| Verdict::Hold { reason: "a storm".into(), until: None });
    let engine = world.builder(world.mock(works)).gate(Arc::new(storm)).build();
    let summary = finish(&engine, idle(0)).await.unwrap();
    assert_eq!(summary.held, [(issue(1), "gate custom:calm: a storm".to_owned())]);
    assert!(summary.has_trouble() && world.attempts().is_empty());
    let calm = gate_fn("calm", |_| Verdict::Pass);
    finish(&world.builder(world.mock(works)).gate(Arc::new(calm)).build(), idle(0)).await.unwrap();
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn commits_of_an_attempt_whose_proposal_is_refused_are_not_built_upon() {
    let world = World::new(&["exec", "merge"]);
    let base = world.repo.at("main");
    world.run(|a| MockScript { proposal_json: Some("nonsense".into()), ..works(a) }).await;
    assert_eq!(world.words().await[0], "task-failed");
    assert_eq!(world.seen.lock().unwrap()[1].1.start, Some(base));
}

#[tokio::test]
async fn a_gate_that_the_embedding_program_forgot_is_told_before_anything_starts() {
    let world = World::with(&["exec", "merge"], "[stages.merge]\ngates = [\"custom:calm\"]");
    let err = finish(&world.builder(world.mock(works)).build(), idle(0)).await.unwrap_err().to_string();
    assert_eq!(err, "stage `merge` of project `web` lists the gate `custom:calm`, which this program does not have");
    assert!(world.attempts().is_empty());
}

/// Homes grow with what tools fetch: a year of nights must fit on the disk.
#[tokio::test]
async fn of_an_attempt_its_log_stays_and_its_homes_do_not() {
    let world = World::new(&["exec", "merge"]);
    world.repo.commit(&[(".dayfly/gates.toml", "[[command]]\nname = \"t\"\nrun = [\"sh\", \"-c\", \"echo $HOME\"]\n")]);
    world.run(works).await;
    let attempts = world.repo.root.join("state/attempts");
    let names = |dir: &Utf8PathBuf| -> Vec<String> {
        dir.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect()
    };
    let gate = attempts.join(names(&attempts).into_iter().find(|name| name.ends_with(".gates")).unwrap()).join("t");
    assert!(gate.join("output.log").exists() && !gate.join("home").exists() && !gate.join("tmp").exists());
}

#[tokio::test]
async fn a_gate_that_holds_finished_work_says_nothing_against_it_and_is_asked_again() {
    let mut world = World::with(&["exec", "merge"], "[stages.exec]\ngates = [\"new-commits\", \"custom:calm\"]");
    let storm = gate_fn("calm", |_| Verdict::Hold { reason: "a storm".into(), until: None });
    finish(&world.builder(world.mock(works)).gate(Arc::new(storm)).build(), idle(0)).await.unwrap();
    assert_eq!(world.ends().await[0].to_string(), "host: the gate custom:calm holds: a storm");
    assert_eq!((world.known(1).await.visit_attempts, world.phase(1).await), (0, "queued"));
    // That is so, too, when what came between was cut short or failed.
    world.config.push_str("[retry]\nbase = \"1ms\"\nmax = \"1ms\"\n");
    for end in [End::Lost, End::ProviderDown { reason: "busy".into() }, End::TaskFailed { reason: "no".into() }] {
        world.fixed.advance(jiff::SignedDuration::from_hours(1));
        let calm = gate_fn("calm", |_| Verdict::Pass);
        let short = move |_: &Attempt| MockScript::ends(end.clone());
        finish(&world.builder(world.mock(short)).gate(Arc::new(calm)).build(), once()).await.unwrap();
    }
    // The work is there: an agent that has nothing to add is not idle, and the gate is asked.
    world.fixed.advance(jiff::SignedDuration::from_hours(1));
    let calm = gate_fn("calm", |_| Verdict::Pass);
    let done = |_: &Attempt| MockScript::succeeds();
    finish(&world.builder(world.mock(done)).gate(Arc::new(calm)).build(), idle(0)).await.unwrap();
    let words = ["host", "lost", "provider-down", "task-failed", "succeeded", "succeeded"];
    assert_eq!((world.words().await, world.phase(1).await), (words.to_vec(), "done"));
}

#[tokio::test]
async fn a_job_whose_sandbox_is_not_there_is_not_started_with_less() {
    let world = World::with(&["exec", "merge"], "[sandbox]\ntrusted = \"bubblewrap\"");
    let summary = world.run(works).await;
    assert!(world.attempts().is_empty(), "{:?}", world.attempts());
    let told = format!("{summary:?}");
    assert!(told.contains("it must run in the sandbox `bubblewrap`, and the executor `mock` has `none`"), "{told}");
}
