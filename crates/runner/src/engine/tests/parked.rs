//! What an engine left that the next one can neither go on with nor try again by itself, and what looks like that and is not.

use dayfly_core::{Capabilities, Effect, Job, JobContext, JobError, Next, Outcome, RunnerError, Running};

use super::outbox::Crashing;
use super::*;
use crate::WhenDropped;

/// Runs an engine that is gone before it has written how its first attempt ended.
async fn lose_one(world: &World) {
    let is_end = |event: &Event| matches!(event, Event::AttemptEnded { outcome, .. } if outcome.end != End::Lost);
    let engine = world.builder(world.mock(works)).store(Crashing::new(world, is_end)).build();
    finish(&engine, idle(0)).await.unwrap_err();
}

/// Puts the working copy of the first attempt where it was, with a commit.
async fn leaves_work(world: &World) -> (Utf8PathBuf, dayfly_core::Commit) {
    let tree = world.repo.root.join("state/work/web.1.exec.1");
    let trusted = world.trusted().await;
    trusted.remove_copy(&tree).await.unwrap();
    trusted.add_copy(&tree, &world.repo.at("main")).await.unwrap();
    let made = commit_in(&tree, &[("half", "done\n")]);
    (tree, made)
}

/// A block that no label told of was taken for one that a person had lifted, and the issue began anew.
async fn waits_for_a_person(world: &World, why: &str, runner: &Arc<dyn Runner>) {
    for _ in 0..2 {
        finish(&world.builder(Arc::clone(runner)).build(), idle(0)).await.unwrap();
        assert_eq!((world.phase(1).await, world.shown(1).await.labels), ("blocked", vec!["human-needed".to_owned()]));
        assert!(world.block(1).await.contains(why), "{}", world.block(1).await);
    }
    assert_eq!(world.attempts().len(), 1, "nothing is tried again");
    assert!(world.comments(1).await[0].contains(why));
}

#[tokio::test]
async fn an_attempt_at_a_stage_that_is_gone_waits_for_a_person() {
    let mut world = World::new(&["prep", "exec", "merge"]);
    lose_one(&world).await;
    assert_eq!(world.attempts(), ["web.1.prep.1"]);
    world.config = world.config.replace("\"prep\", ", "");
    waits_for_a_person(&world, "the stage `prep` is no longer in the pipeline", &world.mock(works)).await;
}

/// A kind of job that freezes as the built-in one does, and cannot be settled.
#[derive(Debug)]
struct Stubborn(dayfly_core::StageJob);

#[async_trait::async_trait]
impl Job for Stubborn {
    fn kind(&self) -> &str {
        "stubborn"
    }

    async fn freeze(&self, context: &JobContext) -> Result<JobSpec, JobError> {
        self.0.freeze(context).await
    }

    async fn settle(&self, _: &JobSpec, _: &Outcome, _: &Next) -> Result<Vec<Effect>, JobError> {
        Err(JobError::Other { what: "no".into(), source: None })
    }
}

#[tokio::test]
async fn an_attempt_whose_job_cannot_be_settled_waits_for_a_person() {
    let world = World::new(&["exec", "merge"]);
    for _ in 0..2 {
        let labels = world.portfolio().labels;
        let job = Arc::new(Stubborn(dayfly_core::StageJob { labels, stage_labels: Default::default() }));
        let engine = world.builder(world.mock(works)).job(dayfly_core::StageName::new("exec").unwrap(), job).build();
        finish(&engine, idle(0)).await.unwrap();
        assert_eq!(world.shown(1).await.labels, ["human-needed"]);
        assert_eq!(world.block(1).await, "the job could not be settled: no");
    }
    assert_eq!(world.attempts().len(), 1, "nothing is tried again");
}

/// An executor that cannot look for what was started, as with no file descriptor left.
#[derive(Debug)]
struct Blind(Arc<dyn Runner>);

#[async_trait::async_trait]
impl Runner for Blind {
    fn name(&self) -> &str {
        "blind"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        self.0.start(attempt).await
    }

    async fn reattach(&self, _: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        Err(RunnerError::Other { what: "too many open files".into(), source: None })
    }
}

/// It may have done all that it was to do. It was once thrown away and done twice.
#[tokio::test]
async fn an_attempt_that_cannot_be_looked_for_is_not_done_twice_and_waits_for_a_person() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let (_, made) = leaves_work(&world).await;
    let blind: Arc<dyn Runner> = Arc::new(Blind(world.mock(works)));
    waits_for_a_person(&world, "it could not be taken up: too many open files", &blind).await;
    let kept = world.trusted().await.work().resolve("refs/dayfly/attempts/web.1.exec.1").await.unwrap();
    assert_eq!(kept, Some(made), "what it committed is kept");
}

/// Whoever renames an agent while it is at work loses nothing of what it does.
#[tokio::test]
async fn an_attempt_whose_agent_left_the_configuration_is_taken_up() {
    let mut world = World::new(&["exec", "merge"]);
    let (begun, mut began) = mpsc::channel(1);
    let runner = MockRunner::new(move |attempt| {
        let _ = begun.try_send(());
        MockScript { after: Duration::from_hours(1), when_dropped: WhenDropped::Found, ..works(attempt) }
    });
    let mock = runner.with_reattach().checked_at_drop();
    let runner: Arc<dyn Runner> = Arc::new(mock.clone());
    let engine = world.builder(Arc::clone(&runner)).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    tokio::select! {
        ended = finish_with(&engine, once(), &mut shutdown) => panic!("it was to be given up before: {ended:?}"),
        _ = began.recv() => {}
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(2)).await;
    tokio::time::resume();
    world.config = world.config.replace("[agents.script]", "[agents.other]");
    finish(&world.builder(runner).build(), idle(0)).await.unwrap();
    assert_eq!((world.words().await, world.phase(1).await), (vec!["succeeded", "succeeded"], "done"));
    assert_eq!(mock.started().len(), 1);
}

#[tokio::test]
async fn what_an_attempt_committed_stays_though_its_project_left_the_configuration() {
    let mut world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let (tree, _) = leaves_work(&world).await;
    let left = tree.with_file_name("web.1.exec.1.left");
    let config = world.config.clone();
    world.config = config.replace("[projects.web]", "[projects.other]");
    world.run(works).await;
    let why = world.events().await.into_iter().find_map(|event| match event {
        Event::Recovered { found } => Some(found[0].why.clone()),
        _ => None,
    });
    let why = why.unwrap();
    assert!(why.contains("no longer in the configuration") && why.ends_with(&format!("stays in {left}")), "{why}");
    world.config = config;
    world.run(works).await;
    assert_eq!(world.phase(1).await, "done");
    assert_eq!(fs::read_to_string(left.join("half")).unwrap(), "done\n");
}
