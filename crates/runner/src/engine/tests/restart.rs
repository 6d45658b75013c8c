//! An engine that dies at any append, whatever the pipeline: the next one goes on where it stood, and comes to the same end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use dayfly_core::{Epoch, Record, Seq};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

use super::*;

/// A store that is gone at its `left`th append: before it is written, or after.
#[derive(Debug)]
struct Dying {
    inner: Arc<MemoryStore>,
    left: AtomicUsize,
    written: bool,
    gone: AtomicBool,
}

impl Dying {
    fn new(inner: &Arc<MemoryStore>, left: usize, written: bool) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), left: AtomicUsize::new(left), written, gone: AtomicBool::new(false) })
    }

    fn serves(&self) -> Result<(), StoreError> {
        let gone = || StoreError::Other { what: "the machine is gone".into(), source: "power".into() };
        if self.gone.load(Ordering::SeqCst) { Err(gone()) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Dying {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.inner.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        self.serves()?;
        if self.left.fetch_sub(1, Ordering::SeqCst) > 1 {
            return self.inner.append(batch).await;
        }
        self.gone.store(true, Ordering::SeqCst);
        if self.written {
            self.inner.append(batch).await?;
        }
        self.serves().map(|()| Vec::new())
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.serves()?;
        self.inner.read(after, limit).await
    }
}

/// A pipeline, and how the tries at each of its stages go until one succeeds.
#[derive(Debug, Clone)]
struct Case {
    stages: Vec<(&'static str, Vec<Kind>)>,
    issues: u32,
    concurrency: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fails,
    Host,
    NoOp,
}

fn cases() -> impl Strategy<Value = Case> {
    let kind = prop_oneof![Just(Kind::Fails), Just(Kind::Host), Just(Kind::NoOp)];
    let tries = || prop::collection::vec(kind.clone(), 0..3);
    // What a review sends back goes to exec.
    let others = prop::sample::subsequence(vec!["triage", "prep", "review"], 0..=3);
    let stages = others.prop_map(|others| {
        let at = others.iter().position(|stage| *stage == "review").unwrap_or(others.len());
        [&others[..at], &["exec"], &others[at..]].concat()
    });
    (stages, [tries(), tries(), tries(), tries()], 1..4_u32, 1..4_u32).prop_map(
        |(stages, tries, issues, concurrency)| Case {
            stages: stages.into_iter().zip(tries).collect(),
            issues,
            concurrency,
        },
    )
}

fn world(case: &Case) -> World {
    let mut world = World::new(&["exec", "merge"]);
    let root = world.repo.root.clone();
    let names: Vec<&str> = case.stages.iter().map(|(name, _)| *name).collect();
    let stages: String = names.iter().map(|name| format!("[stages.{name}]\ngates = []\nanswer = \"none\"\n")).collect();
    let most = case.concurrency;
    world.config = format!(
        "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\nconcurrency = {most}\n\
         pipeline = {names:?}\n{stages}[agents.script]\nkind = \"command\"\nargv = [\"script\"]\n\
         [projects.web]\npath = \"{root}\"\nrepository = false\nconcurrency = {most}\n"
    );
    world.clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
    for id in 2..=case.issues {
        world.issue(id, &[]);
    }
    world
}

/// How many attempts at an issue's stage have ended, as the ledger has it; those that were lost are no tries.
type Tried = Arc<Mutex<BTreeMap<(String, String), usize>>>;

async fn run(world: &World, case: &Case, store: Arc<dyn Store>) -> Result<Summary, EngineError> {
    let tried: Tried = Arc::default();
    let mut stages = BTreeMap::new();
    for event in world.events().await {
        match event {
            Event::AttemptStarted { attempt, job, .. } => drop(stages.insert(attempt, job)),
            Event::AttemptEnded { attempt, outcome, .. } if outcome.end != End::Lost => {
                let job = &stages[&attempt];
                *tried.lock().unwrap().entry((job.issue.to_string(), job.stage.to_string())).or_default() += 1;
            }
            _ => {}
        }
    }
    let kinds: BTreeMap<String, Vec<Kind>> =
        case.stages.iter().map(|(name, kinds)| ((*name).to_owned(), kinds.clone())).collect();
    let runner = world.mock(move |attempt| {
        let (issue, stage) = (attempt.job.issue.to_string(), attempt.job.stage.to_string());
        let mut tried = tried.lock().unwrap();
        let n = tried.entry((issue, stage.clone())).or_default();
        *n += 1;
        let reason = || "as the story has it".to_owned();
        let end = match kinds[&stage].get(*n - 1) {
            None => End::Succeeded,
            Some(Kind::Fails) => End::TaskFailed { reason: reason() },
            Some(Kind::Host) => End::Host { reason: reason() },
            Some(Kind::NoOp) => End::NoOp { reason: reason() },
        };
        MockScript { after: Duration::from_secs(60), ..MockScript::ends(end) }
    });
    let engine = world.builder(runner).store(store).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Idle { patience: Duration::from_secs(3600) }, filter: Filter::default() };
    let month = Duration::from_secs(30 * 24 * 3600);
    tokio::time::timeout(month, engine.run(options, &mut shutdown)).await.expect("it ends")
}

/// What the end of a run is judged by: for each issue where it stands, what it was charged, what its tracker shows, and how
/// its attempts ended at each stage, in order, but for those that were lost.
async fn end(world: &World, case: &Case) -> (Vec<String>, usize) {
    let (mut stages, mut ends, mut lost) = (BTreeMap::new(), BTreeMap::<String, Vec<String>>::new(), 0);
    for event in world.events().await {
        match event {
            Event::AttemptStarted { attempt, job, .. } => drop(stages.insert(attempt, job)),
            Event::AttemptEnded { attempt, outcome, .. } => {
                let job = &stages[&attempt];
                lost += usize::from(outcome.end == End::Lost);
                if outcome.end != End::Lost {
                    let end = format!("{} {}", job.stage, outcome.end.word());
                    ends.entry(job.issue.to_string()).or_default().push(end);
                }
            }
            _ => {}
        }
    }
    let state = world.state().await;
    let mut told = Vec::new();
    for id in 1..=case.issues {
        let known = &state.issues[&issue(id)];
        let shown = world.shown(id).await;
        let stands = (known.phase.word(), known.stage.as_str(), known.visit_attempts, &known.rounds);
        let comments = shown.comments.len();
        told.push(format!(
            "{stands:?} {:?} {comments} {:?} {:?}",
            shown.state,
            shown.labels,
            ends.get(&issue(id).to_string())
        ));
    }
    assert!(state.live.is_empty() && state.outbox.is_empty() && state.at_rest);
    (told, lost)
}

async fn holds(case: &Case, places: &[(u16, bool)]) {
    let undisturbed = world(case);
    let counting = Dying::new(&undisturbed.store, usize::MAX, false);
    run(&undisturbed, case, Arc::clone(&counting) as Arc<dyn Store>).await.unwrap();
    let appends = usize::MAX - counting.left.load(Ordering::SeqCst);
    let (expected, _) = end(&undisturbed, case).await;
    for (place, written) in places {
        let world = world(case);
        // The last append says that the engine is at rest, and changes nothing.
        let left = 1 + usize::from(*place) % (appends - 1);
        let dying = Dying::new(&world.store, left, *written);
        let ended = run(&world, case, Arc::clone(&dying) as Arc<dyn Store>).await;
        // What happens together may come into one batch or into two: at times the run is over before that append.
        assert!(ended.is_err() || !dying.gone.load(Ordering::SeqCst) || left + 4 > appends, "{ended:?}");
        run(&world, case, Arc::clone(&world.store) as Arc<dyn Store>).await.unwrap();
        let (told, lost) = end(&world, case).await;
        assert_eq!(told, expected, "gone at append {left} of {appends}, written: {written}");
        assert!(lost <= case.concurrency as usize, "{lost} attempts were lost");
    }
}

#[test]
fn whatever_the_pipeline_an_engine_that_dies_at_any_append_is_followed_by_one_that_comes_to_the_same_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let places = prop::collection::vec((any::<u16>(), any::<bool>()), 4);
    let cases_wanted = std::env::var("DAYFLY_RESTARTS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let mut runner = TestRunner::new(Cases { cases: cases_wanted, failure_persistence: None, ..Cases::default() });
    let held = runner.run(&(cases(), places), |(case, places)| {
        runtime.block_on(holds(&case, &places));
        Ok(())
    });
    held.unwrap_or_else(|err| panic!("{err}"));
}
