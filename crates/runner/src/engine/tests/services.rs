//! Services that hang, effects that may have been sent, and what an engine does about both.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use dayfly_core::{Applied, Fate, Milestone, TrackerError, TrackerWrite};
use jiff::SignedDuration;
use tokio::sync::Notify;

use super::outbox::Crashing;
use super::*;

/// What becomes of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comments {
    /// It is not answered before the tracker is let go on.
    Held,
    /// The first is written, and never answered.
    FirstUnanswered,
    /// The client of the first has given it up.
    FirstLost,
    /// It cannot be found out whether it was written.
    InDoubt,
    /// It is written.
    Written,
}

/// A tracker over the Markdown folder that does with comments what it is told, and notes when it was asked for one.
#[derive(Debug)]
struct Strange {
    inner: MarkdownTracker,
    comments: Comments,
    guards: bool,
    /// Whether it holds the comments of `web`, too.
    everywhere: bool,
    open: Notify,
    opened: AtomicBool,
    asked: AtomicUsize,
    clock: Arc<dyn Clock>,
    times: Mutex<Vec<i64>>,
}

impl Strange {
    fn of(world: &mut World, comments: Comments, guards: bool) -> Arc<Self> {
        let tracker = Arc::new(Self {
            inner: world.markdown(),
            comments,
            guards,
            everywhere: !world.config.contains("[projects.far]"),
            open: Notify::new(),
            opened: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            clock: Arc::clone(&world.clock),
            times: Mutex::default(),
        });
        world.tracker = Some(Arc::clone(&tracker) as Arc<dyn Tracker>);
        tracker
    }

    fn let_go(&self) {
        self.opened.store(true, Ordering::SeqCst);
        self.open.notify_waiters();
    }

    async fn opened(&self) {
        loop {
            let turned = self.open.notified();
            if self.opened.load(Ordering::SeqCst) {
                return;
            }
            turned.await;
        }
    }
}

#[async_trait]
impl Tracker for Strange {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.inner.issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.inner.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        if !matches!(write, TrackerWrite::Comment { .. }) {
            return self.inner.apply(project, key, write).await;
        }
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        self.times.lock().unwrap().push(self.clock.now().duration_since(now()).as_secs());
        match self.comments {
            Comments::Held if project.as_str() != "web" || self.everywhere => self.opened().await,
            Comments::FirstUnanswered if before == 0 => {
                self.inner.apply(project, key, write).await?;
                std::future::pending::<()>().await;
            }
            Comments::FirstLost if before == 0 => {
                return Err(TrackerError::Unavailable { project: project.clone(), source: "timed out".into() });
            }
            Comments::InDoubt => {
                let reason = "the far side lost its memory; look at the issue".to_owned();
                return Err(TrackerError::InDoubt { project: project.clone(), reason });
            }
            _ => {}
        }
        self.inner.apply(project, key, write).await
    }

    fn guards_writes(&self, _: &ProjectName) -> bool {
        self.guards
    }
}

/// A world whose project is a plain folder, so that nothing needs real time, with a pipeline that comments at its end.
fn plain(more: &str) -> World {
    let mut world = World::new(&["exec", "merge"]);
    let root = world.repo.root.clone();
    world.config = format!(
        "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\npipeline = [\"triage\"]\n\
         [stages.triage]\ngates = []\n{more}[agents.script]\nkind = \"command\"\nargv = [\"script\"]\n\
         [projects.web]\npath = \"{root}\"\nrepository = false\n"
    );
    world.clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
    world
}

/// An agent that asks a person, which is told by a comment.
fn asks(_: &Attempt) -> MockScript {
    proposes(r#"{"version":1,"effects":[{"ask":{"question":"Which?"}}]}"#)
}

async fn run_for(world: &World, store: Arc<dyn Store>, patience: u64) -> Result<Summary, EngineError> {
    let engine = world.builder(world.mock(asks)).store(store).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    let day = Duration::from_secs(24 * 3600);
    tokio::time::timeout(day, engine.run(idle(patience), &mut shutdown)).await.expect("it ends")
}

/// More calls than one service has slots hang in one project; those of another go on to their end.
#[tokio::test]
async fn writes_that_hang_keep_no_change_of_another_project_from_its_base_branch() {
    let mut world = World::with(&["exec", "merge"], "concurrency = 12\n[stages.triage]\ngates = []\n");
    let root = world.repo.root.clone();
    world.config.push_str(&format!(
        "[projects.far]\npath = \"{root}\"\nrepository = false\nconcurrency = 12\npipeline = [\"triage\"]\n"
    ));
    fs::create_dir_all(root.join("issues/far")).unwrap();
    for id in 1..=10 {
        let text = fs::read_to_string(world.issue_file(1)).unwrap().replace("\"1\"", &format!("\"{id}\""));
        fs::write(root.join(format!("issues/far/{id}.md")), text).unwrap();
    }
    world.issue(2, &[]);
    let tracker = Strange::of(&mut world, Comments::Held, true);
    let closed = Arc::new(AtomicUsize::new(0));
    let (count, letting) = (Arc::clone(&closed), Arc::clone(&tracker));
    let progress = Progress::new(move |notice| {
        // The last write of an issue of `web`.
        if let Notice::Event(state, Event::EffectDone { issue, .. }) = notice
            && issue.project == web()
            && state.issues[issue].phase == Phase::Done
            && !state.has_pending(issue)
            && count.fetch_add(1, Ordering::SeqCst) == 1
        {
            letting.let_go();
        }
    });
    let script = |a: &Attempt| match a.id.as_str().starts_with("far") {
        true => asks(a),
        false => commits(a, &[(a.id.as_str(), "done")]),
    };
    let engine = world.builder(world.mock(script)).progress(progress).build();
    finish(&engine, idle(60)).await.unwrap();
    assert_eq!(closed.load(Ordering::SeqCst), 2, "all of one project was done before the other's tracker answered");
    assert!(world.state().await.outbox.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_in_doubt_and_looked_up_when_it_cannot_be_under_way() {
    for (guards, again) in [(false, 180), (true, 180)] {
        let mut world = plain("");
        let tracker = Strange::of(&mut world, Comments::FirstUnanswered, guards);
        run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 3600).await.unwrap();
        assert_eq!(*tracker.times.lock().unwrap(), [0, again], "guards: {guards}");
        assert_eq!((world.comments(1).await.len(), world.phase(1).await), (1, "asked"));
        let adopted = |event: &Event| matches!(event, Event::EffectDone { adopted: true, .. });
        assert!(world.events().await.iter().any(adopted));
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_whose_place_was_taken_while_it_waited_writes_nothing() {
    let mut world = plain("");
    let tracker = Strange::of(&mut world, Comments::FirstLost, false);
    let taken = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        world.store.take_over().await.unwrap();
    };
    let (ended, ()) = tokio::join!(run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 3600), taken);
    assert!(matches!(ended, Err(EngineError::Store(StoreError::Superseded { .. }))), "{ended:?}");
    assert_eq!(*tracker.times.lock().unwrap(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_engine_that_died_may_have_sent_waits_until_it_cannot_be_under_way() {
    for (guards, again) in [(false, 61), (true, 1)] {
        let mut world = plain("");
        let tracker = Strange::of(&mut world, Comments::Written, guards);
        let store = Crashing::new(&world, |event| matches!(event, Event::EffectDone { .. }));
        run_for(&world, store, 3600).await.unwrap_err();
        tokio::time::advance(Duration::from_secs(1)).await;
        run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 3600).await.unwrap();
        assert_eq!(*tracker.times.lock().unwrap(), [0, again], "guards: {guards}");
        assert_eq!(world.comments(1).await.len(), 1);
        let looked = |event: &Event| matches!(event, Event::Recovered { found } if found[0].fate == Fate::LookedUp);
        assert_eq!(world.events().await.iter().any(looked), !guards);
    }
}

/// What was put off is sent long after the last record: the next engine once took that record's age for the request's.
#[tokio::test(start_paused = true)]
async fn what_an_engine_that_died_may_have_sent_is_not_judged_by_its_last_record() {
    let mut world = plain("");
    let tracker = Strange::of(&mut world, Comments::Written, false);
    let store = Crashing::new(&world, |event| matches!(event, Event::EffectDone { .. }));
    run_for(&world, store, 3600).await.unwrap_err();
    tokio::time::advance(Duration::from_secs(7200)).await;
    run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 3600).await.unwrap();
    assert_eq!(*tracker.times.lock().unwrap(), [0, 7260]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_answered_is_looked_up_when_it_cannot_be_under_way_however_soon_tries_follow() {
    for (guards, again) in [(false, 60), (true, 5)] {
        let mut world = plain("[retry]\nmax = \"5s\"\nbase = \"1s\"\n");
        let tracker = Strange::of(&mut world, Comments::FirstLost, guards);
        run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 3600).await.unwrap();
        assert_eq!(*tracker.times.lock().unwrap(), [0, again], "guards: {guards}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_engine_that_ended_in_order_nothing_is_waited_for() {
    let mut world = plain("");
    Strange::of(&mut world, Comments::FirstUnanswered, false);
    // Its comment is put off, and the run has no patience.
    run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 0).await.unwrap();
    assert_eq!(world.events().await.last(), Some(&Event::EngineStopped));
    let before = world.state().await;
    assert!(before.at_rest && before.outbox.len() == 2);
    tokio::time::advance(Duration::from_secs(61)).await;
    run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 0).await.unwrap();
    assert!(world.state().await.outbox.is_empty());
    assert!(!world.events().await.iter().any(|event| matches!(event, Event::Recovered { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_can_look_up_is_a_persons_to_decide_and_is_never_sent() {
    let mut world = plain("");
    let tracker = Strange::of(&mut world, Comments::InDoubt, true);
    for _ in 0..2 {
        run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 3600).await.unwrap();
    }
    assert_eq!((tracker.asked.load(Ordering::SeqCst), world.comments(1).await.len()), (1, 0));
    assert_eq!((world.attempts().len(), world.shown(1).await.labels), (1, vec!["human-needed".to_owned()]));
    let reason = world.block(1).await;
    assert!(reason.contains("cannot be found out whether this was written"), "{reason}");
}

/// A service that is down for hours was once asked for every write that waited, each minute.
#[tokio::test(start_paused = true)]
async fn a_tracker_that_hangs_for_hours_is_asked_less_and_less_and_its_return_is_noticed() {
    let mut world = plain("[github]\npoll = \"1m\"\n");
    for id in 2..=6 {
        world.issue(id, &[]);
    }
    let tracker = Strange::of(&mut world, Comments::Held, true);
    let letting = Arc::clone(&tracker);
    let waits = async move {
        tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
        letting.let_go();
    };
    let run = run_for(&world, Arc::clone(&world.store) as Arc<dyn Store>, 24 * 3600);
    let (ended, ()) = tokio::join!(run, waits);
    ended.unwrap();
    let asked = tracker.asked.load(Ordering::SeqCst);
    assert!(asked < 40, "{asked} calls in three hours");
    for id in 1..=6 {
        assert_eq!(world.comments(id).await.len(), 1, "issue {id}");
    }
    let state = world.state().await;
    assert!(state.services.is_empty() && state.outbox.is_empty());
    let late = state.last.unwrap().duration_since(now());
    assert!(late < SignedDuration::from_mins(3 * 60 + 15), "its return was noticed after {late:#}");
}
