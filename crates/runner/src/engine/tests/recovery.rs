//! Engines that end in the middle, and two at once.

use std::process::{Command, Stdio};

use camino::Utf8Path;
use dayfly_core::Fate;

use super::outbox::Crashing;
use super::*;
use crate::process;

fn is_end(event: &Event) -> bool {
    matches!(event, Event::AttemptEnded { outcome, .. } if outcome.end != End::Lost)
}

/// Runs an engine that is gone before it has written how its first attempt ended.
async fn lose_one(world: &World) {
    let engine = world.builder(world.mock(works)).store(Crashing::new(world, is_end)).build();
    finish(&engine, idle(0)).await.unwrap_err();
    assert_eq!(world.state().await.live.len(), 1);
}

#[tokio::test]
async fn a_lost_attempt_is_settled_once_and_charged_to_nobody() {
    let world = World::new(&["exec", "merge"]);
    for _ in 0..3 {
        lose_one(&world).await;
    }
    world.run(works).await;
    assert_eq!(world.words().await, ["lost", "lost", "lost", "succeeded", "succeeded"]);
    assert_eq!((world.known(1).await.visit_attempts, world.phase(1).await), (0, "done"));
}

#[tokio::test]
async fn the_working_copy_of_a_lost_attempt_is_removed() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let left = world.repo.root.join("state").join("work").join("web.1.exec.1");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("leftover"), "").unwrap();
    world.run(|_| failed("no")).await;
    assert!(!left.exists());
    assert_eq!(world.repo.git(&["worktree", "list"]).lines().count(), 1);
}

#[tokio::test]
async fn what_a_lost_attempt_committed_does_not_land() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let base = world.repo.at("main");
    world.run(works).await;
    assert_eq!(world.seen.lock().unwrap()[1].1.start, Some(base));
    assert_eq!(world.repo.git(&["rev-list", "--count", "main"]), "2");
}

#[tokio::test]
async fn what_a_lost_attempt_committed_is_kept_and_named_though_its_working_copy_goes() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let tree = world.repo.root.join("state").join("work").join("web.1.exec.1");
    let trusted = world.trusted().await;
    trusted.remove_copy(&tree).await.unwrap();
    trusted.add_copy(&tree, &world.repo.at("main")).await.unwrap();
    let made = commit_in(&tree, &[("half", "done\n")]);
    world.run(|_| failed("no")).await;
    assert!(!tree.exists());
    assert_eq!(trusted.work().resolve("refs/dayfly/attempts/web.1.exec.1").await.unwrap(), Some(made.clone()));
    let lost = world.events().await.into_iter().find_map(|event| match event {
        Event::AttemptEnded { outcome, .. } => Some(*outcome),
        _ => None,
    });
    let lost = lost.unwrap();
    assert_eq!((lost.end, lost.commit), (End::Lost, None));
    assert_eq!(lost.receipt.commits, [format!("{} Change half", &made.0[..7])]);
}

/// Exchanges the repository's `HEAD` for something that our git would have to follow.
fn spoil(tree: &Utf8Path) {
    fs::rename(tree.join(".git/HEAD"), tree.join(".git/THERE")).unwrap();
    std::os::unix::fs::symlink("THERE", tree.join(".git/HEAD")).unwrap();
}

/// All that recovery found, in the order in which it tells it.
async fn found(world: &World) -> Vec<(String, Fate)> {
    let found = world.events().await.into_iter().filter_map(|event| match event {
        Event::Recovered { found } => Some(found),
        _ => None,
    });
    found.flatten().map(|found| (found.what, found.fate)).collect()
}

async fn tails(world: &World) -> Vec<String> {
    let ended = |event| match event {
        Event::AttemptEnded { outcome, .. } => Some(outcome.receipt.tail),
        _ => None,
    };
    world.events().await.into_iter().filter_map(ended).collect()
}

#[tokio::test]
async fn a_repository_that_cannot_be_taken_fails_the_task_and_stays_for_a_person() {
    let world = World::new(&["exec", "merge"]);
    let summary = world
        .run(|attempt| {
            let script = works(attempt);
            if attempt.id.as_str() == "web.1.exec.1" {
                spoil(&attempt.cwd);
            }
            script
        })
        .await;
    assert_eq!((world.words().await, summary.done.len()), (vec!["task-failed", "succeeded", "succeeded"], 1));
    let End::TaskFailed { reason } = &world.ends().await[0] else { panic!() };
    assert!(reason.contains("cannot be taken: `HEAD` is a symbolic link"), "{reason}");
    let left = world.repo.root.join("state/work/web.1.exec.1.left");
    assert!(tails(&world).await[0].contains(&format!("stays in {left}")));
    assert_eq!(fs::read_to_string(left.join("done.txt")).unwrap(), "web.1.exec.1");
}

#[tokio::test]
async fn what_a_lost_attempt_left_that_cannot_be_taken_stays_for_a_person() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let tree = world.repo.root.join("state/work/web.1.exec.1");
    let trusted = world.trusted().await;
    trusted.remove_copy(&tree).await.unwrap();
    trusted.add_copy(&tree, &world.repo.at("main")).await.unwrap();
    commit_in(&tree, &[("half", "done\n")]);
    spoil(&tree);
    world.run(|_| failed("no")).await;
    let left = tree.with_file_name("web.1.exec.1.left");
    assert!(tails(&world).await[0].contains(&format!("stays in {left}")));
    assert!(!tree.exists() && left.join("half").exists());
}

#[tokio::test]
async fn what_an_engine_that_died_did_not_come_to_remove_is_removed_by_the_next() {
    let world = World::new(&["exec", "merge"]);
    world.run(|_| failed("no")).await;
    let work = world.repo.root.join("state/work");
    let trusted = world.trusted().await;
    for (name, stays) in [("web.1.exec.1", false), ("web.1.exec.1.gates", false), ("web.1.exec.9.left", true)] {
        trusted.add_copy(&work.join(name), &world.repo.at("main")).await.unwrap();
        fs::create_dir_all(world.repo.root.join("state/attempts/web.1.exec.1/home/cache")).unwrap();
        world.run(|_| failed("no")).await;
        assert_eq!(work.join(name).exists(), stays, "{name}");
        assert!(stays || !world.repo.root.join("state/attempts/web.1.exec.1/home").exists());
    }
}

#[tokio::test]
async fn an_issue_whose_attempts_are_always_lost_is_not_tried_for_ever() {
    let world = World::with(&["exec", "merge"], "[limits]\nissue-attempts = 4");
    for _ in 0..4 {
        lose_one(&world).await;
    }
    world.run(works).await;
    world.run(works).await;
    assert_eq!(world.attempts().len(), 4);
    let store = Arc::clone(&world.store);
    let seen = overview(
        world.portfolio(),
        Sources { store: Some(&*store), tracker: &world.markdown(), forge: None },
        Filter::default(),
        now(),
    )
    .await
    .unwrap();
    assert_eq!(seen.plan.waiting[0].why.to_string(), "its bounds are used up: 4 of 4 attempts");
}

#[tokio::test]
async fn a_lost_attempt_of_a_project_that_left_the_configuration_is_over_all_the_same() {
    let mut world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    world.config = world.config.replace("[projects.web]", "[projects.other]");
    world.run(works).await;
    assert_eq!((world.words().await, world.state().await.live.len()), (vec!["lost"], 0));
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_an_attempt_that_the_next_one_settles() {
    let world = World::new(&["exec", "merge"]);
    let (told, mut started) = mpsc::channel(8);
    let progress = Progress::new(move |notice| {
        if matches!(notice, Notice::Event(_, Event::AttemptStarted { .. })) {
            told.try_send(()).unwrap();
        }
    });
    let engine = world.builder(world.mock(|_| MockScript { after: Duration::MAX, ..MockScript::succeeds() }));
    let engine = engine.progress(progress).build();
    tokio::select! {
        end = finish(&engine, idle(0)) => panic!("{end:?}"),
        _ = started.recv() => {}
    }
    world.run(works).await;
    assert_eq!(world.words().await, ["lost", "succeeded", "succeeded"]);
}

#[tokio::test]
async fn duelling_recovery_the_older_of_two_engines_stops_and_changes_nothing() {
    let world = World::new(&["exec", "merge"]);
    let (tells, mut started) = mpsc::channel(8);
    let release = Arc::new(tokio::sync::Notify::new());
    let runner = Released { inner: world.mock(works), tells, release: Arc::clone(&release) };
    let old = world.builder(Arc::new(runner)).build();
    let both = async {
        started.recv().await.unwrap();
        let summary = world.run(works).await;
        release.notify_one();
        summary
    };
    let (old, summary) = tokio::join!(finish(&old, idle(0)), both);
    let err = old.unwrap_err();
    assert!(matches!(err, EngineError::Store(StoreError::Superseded { ours: 1, current: 2 })), "{err}");
    assert_eq!(summary.done, [issue(1)]);
    assert_eq!(world.words().await, ["lost", "succeeded", "succeeded"], "what the older one found out is not written");
}

/// Starts attempts, says so, and follows them only when it is let go.
#[derive(Debug)]
struct Released {
    inner: Arc<dyn Runner>,
    tells: mpsc::Sender<()>,
    release: Arc<tokio::sync::Notify>,
}

#[async_trait::async_trait]
impl Runner for Released {
    fn name(&self) -> &str {
        "released"
    }

    fn capabilities(&self) -> dayfly_core::Capabilities {
        self.inner.capabilities()
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn dayfly_core::Running>, dayfly_core::RunnerError> {
        let running = self.inner.start(attempt).await?;
        self.tells.try_send(()).unwrap();
        self.release.notified().await;
        Ok(running)
    }

    async fn reattach(
        &self,
        attempt: &Attempt,
    ) -> Result<Option<Box<dyn dayfly_core::Running>>, dayfly_core::RunnerError> {
        self.inner.reattach(attempt).await
    }
}

#[test]
fn a_second_engine_is_kept_out_of_the_state_directory_by_its_lock() {
    let world = World::new(&["exec", "merge"]);
    let dir = world.portfolio().state_dir;
    let first = StateLock::take(&dir).unwrap();
    assert!(matches!(StateLock::take(&dir), Err(LockError::Held { .. })));
    assert_ne!(StateLock::take(&world.repo.root.join("another")).unwrap().tag(), first.tag(), "one per directory");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn foreign_cleanup_only_processes_with_our_own_mark_are_ended() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let ours = world.repo.root.file_name().unwrap();
    let sleeper = |tag: &str, attempt: &str| {
        let mut command = Command::new("sleep");
        command
            .arg("600")
            .env("DAYFLY_TAG", tag)
            .env("DAYFLY_ATTEMPT", attempt)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut left = sleeper(ours, "web.1.exec.1");
    let mut others =
        [sleeper("another", "web.1.exec.1"), sleeper("another", "web.1.exec.10"), sleeper("", "web.2.exec.1")];
    // Of an attempt that the ledger has never heard of, as after a backup was restored.
    let mut unknown = sleeper(ours, "web.1.exec.10");
    world.run(works).await;
    let lives = |child: &std::process::Child| process::identity(child.id()).is_some_and(|it| process::is_alive(&it));
    let (gone, live) = ([&left, &unknown].map(|child| !lives(child)), others.each_ref().map(lives));
    for child in others.iter_mut().chain([&mut left, &mut unknown]) {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!((gone, live), ([true; 2], [true; 3]));
    let told = found(&world).await;
    assert_eq!(told, [("web.1.exec.1".into(), Fate::Settled), ("web.1.exec.10".into(), Fate::Ended)]);
}

#[tokio::test]
async fn the_commands_that_judged_a_lost_attempt_are_ended_too() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let mut left = Command::new("sleep")
        .arg("600")
        .env("DAYFLY_TAG", world.repo.root.file_name().unwrap())
        .env("DAYFLY_ATTEMPT", "web.1.exec.1.gate-tests")
        .spawn()
        .unwrap();
    let process = process::identity(left.id()).unwrap();
    world.run(works).await;
    let lives = process::is_alive(&process);
    left.kill().unwrap();
    left.wait().unwrap();
    assert!(!lives);
}
