//! Writes to the outside: done once, kept when the outside fails, never in the way of what is local.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use dayfly_core::{Applied, EffectId, Milestone, Record, Seq, TrackerError, TrackerWrite};
use jiff::SignedDuration;

use super::*;

/// How a tracker fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It cannot be read.
    Reads,
    /// Writes do not happen.
    Writes,
    /// Writes happen, and their answers are lost.
    Answers,
}

/// A tracker that fails so often, and then no more.
#[derive(Debug)]
struct Failing {
    inner: MarkdownTracker,
    fault: Fault,
    left: AtomicUsize,
}

impl Failing {
    fn fails(&self, faults: &[Fault], project: &ProjectName) -> Result<(), TrackerError> {
        let one_less = |left: usize| left.checked_sub(1);
        let down = faults.contains(&self.fault)
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if down {
            Err(TrackerError::Unavailable { project: project.clone(), source: "no route".into() })
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl Tracker for Failing {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.fails(&[Fault::Reads], project)?;
        self.inner.issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.inner.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        self.fails(&[Fault::Writes], project)?;
        let applied = self.inner.apply(project, key, write).await?;
        self.fails(&[Fault::Answers], project)?;
        Ok(applied)
    }

    /// Engines that are given up in the middle of their tries do not wait for those.
    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}

fn failing(world: &mut World, fault: Fault, times: usize) -> Arc<Failing> {
    let tracker = Arc::new(Failing { inner: world.markdown(), fault, left: AtomicUsize::new(times) });
    world.tracker = Some(Arc::clone(&tracker) as Arc<dyn Tracker>);
    tracker
}

/// A store that loses the machine once, before it has written a kind of event.
#[derive(Debug)]
pub(super) struct Crashing {
    inner: Arc<MemoryStore>,
    at: fn(&Event) -> bool,
    left: AtomicUsize,
}

impl Crashing {
    pub(super) fn new(world: &World, at: fn(&Event) -> bool) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(&world.store), at, left: AtomicUsize::new(1) })
    }
}

#[async_trait]
impl Store for Crashing {
    async fn take_over(&self) -> Result<dayfly_core::Epoch, StoreError> {
        self.inner.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        if batch.events.iter().any(self.at) && self.left.swap(0, Ordering::SeqCst) > 0 {
            return Err(StoreError::Other { what: "the machine is gone".into(), source: "power".into() });
        }
        self.inner.append(batch).await
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(after, limit).await
    }
}

#[tokio::test]
async fn what_waits_for_a_tracker_is_written_once_when_it_is_back() {
    let mut world = World::new(&["exec", "merge"]);
    world.run_once(works).await;
    failing(&mut world, Fault::Writes, 3);
    for _ in 0..8 {
        run_until_delayed(&world, Filter::default(), works).await;
        world.fixed.advance(SignedDuration::from_mins(5));
    }
    assert_eq!((world.attempts().len(), world.comments(1).await.len()), (1, 1));
    assert_eq!(world.shown(1).await.state, TrackerState::Closed);
    assert!(world.state().await.outbox.is_empty());
}

#[tokio::test]
async fn nothing_is_sent_again_before_its_time() {
    let mut world = World::new(&["exec", "merge"]);
    let tracker = failing(&mut world, Fault::Writes, 1000);
    world.run(works).await;
    let tried = 1000 - tracker.left.load(Ordering::SeqCst);
    world.fixed.advance(SignedDuration::from_secs(59));
    world.run(works).await;
    assert_eq!((tried, 1000 - tracker.left.load(Ordering::SeqCst)), (1, 1));
    world.fixed.advance(SignedDuration::from_secs(1));
    world.run(works).await;
    assert_eq!(1000 - tracker.left.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_written_twice() {
    let mut world = World::new(&["exec", "merge"]);
    world.run_once(works).await;
    failing(&mut world, Fault::Answers, 2);
    for _ in 0..8 {
        run_until_delayed(&world, Filter::default(), works).await;
        world.fixed.advance(SignedDuration::from_mins(5));
    }
    assert_eq!((world.phase(1).await, world.comments(1).await.len()), ("done", 1));
    let adopted = |event: &Event| matches!(event, Event::EffectDone { adopted: true, .. });
    assert!(world.events().await.iter().any(adopted));
}

#[tokio::test]
async fn the_same_landing_is_not_done_twice_after_a_crash() {
    let world = World::new(&["exec", "merge"]);
    let store = Crashing::new(&world, |event| matches!(event, Event::EffectDone { landed: Some(_), .. }));
    let engine = world.builder(world.mock(works)).store(store).build();
    let err = finish(&engine, idle(0)).await.unwrap_err();
    assert_eq!(err.to_string(), "the machine is gone");
    let landed = world.repo.at("main");
    assert!(world.repo.web.join("done.txt").exists() && world.phase(1).await == "landing");
    // Somebody goes on from there meanwhile.
    let later = world.repo.commit(&[("later", "")]);
    world.run(works).await;
    assert_eq!((world.repo.at("main"), world.known(1).await.landed), (later, Some(landed)));
    assert_eq!((world.attempts().len(), world.comments(1).await.len(), world.phase(1).await), (1, 1, "done"));
}

/// Whether an effect is that one of an attempt, whatever ledger it is in.
fn is_of(effect: &EffectId, attempt: &str, number: usize) -> bool {
    effect.0.starts_with(&format!("{attempt}@")) && effect.0.ends_with(&format!("/{number}"))
}

#[tokio::test]
async fn a_comment_sent_before_a_crash_is_found_and_not_sent_again() {
    let world = World::new(&["exec", "merge"]);
    // The landing is the first effect of its attempt, the comment the second.
    let store =
        Crashing::new(&world, |e| matches!(e, Event::EffectDone { effect, .. } if is_of(effect, "web.1.merge.2", 1)));
    let engine = world.builder(world.mock(works)).store(store).build();
    finish(&engine, idle(0)).await.unwrap_err();
    assert_eq!((world.comments(1).await.len(), world.state().await.outbox.len()), (1, 3));
    world.run(works).await;
    assert_eq!((world.comments(1).await.len(), world.state().await.outbox.len()), (1, 0));
}

#[tokio::test]
async fn renamed_repo_a_tracker_that_cannot_be_read_is_told_and_is_no_idleness() {
    let mut world = World::new(&["exec", "merge"]);
    failing(&mut world, Fault::Reads, 1000);
    world.run(works).await;
    assert!(world.attempts().is_empty());
    let tracker = world.tracker.clone().unwrap();
    let seen =
        overview(world.portfolio(), Sources { store: None, tracker: &*tracker, forge: None }, Filter::default(), now())
            .await
            .unwrap();
    let told = seen.plan.waiting[0].why.to_string();
    assert_eq!(told, "its tracker cannot be read: the tracker of project `web` does not answer: no route");
}

#[tokio::test]
async fn a_file_that_a_person_has_broken_delays_what_is_written_and_nothing_is_lost() {
    let world = World::new(&["exec", "merge"]);
    let file = world.issue_file(1);
    let before = fs::read_to_string(&file).unwrap();
    let script = move |attempt: &Attempt| {
        fs::write(&file, "+++\nid = \n+++\n").unwrap();
        works(attempt)
    };
    world.run(script).await;
    let (reason, _) = world.state().await.outbox[0].delayed.clone().unwrap();
    assert!(reason.contains("1.md:2"), "{reason}");
    fs::write(world.issue_file(1), before).unwrap();
    world.fixed.advance(SignedDuration::from_mins(5));
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "done"));
}

/// Runs an engine until a write is put off, or to its end. Gives the reason and the time of what was put off.
async fn run_until_delayed(
    world: &World,
    filter: Filter,
    script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static,
) -> Option<(String, Timestamp)> {
    let (tells, mut told) = mpsc::channel(8);
    let progress = Progress::new(move |notice| {
        if let Notice::Event(_, Event::EffectDelayed { reason, until, .. }) = notice {
            let _ = tells.try_send((reason.clone(), *until));
        }
    });
    let engine = world.builder(world.mock(script)).progress(progress).build();
    tokio::select! {
        delayed = told.recv() => delayed,
        end = finish(&engine, RunOptions { filter, ..idle(0) }) => end.map(|_| told.try_recv().ok()).unwrap(),
    }
}

#[tokio::test]
async fn hook_hostage_a_tracker_that_is_down_keeps_no_change_from_the_base_branch() {
    let mut world = World::new(&["exec", "merge"]);
    world.run_once(works).await;
    failing(&mut world, Fault::Writes, 1000);
    let delayed = run_until_delayed(&world, Filter::default(), works).await.unwrap();
    let reason = "the tracker of project `web` does not answer: no route";
    assert_eq!(delayed, (reason.to_owned(), now() + SignedDuration::from_mins(1)));
    assert!(world.repo.web.join("done.txt").exists());
    assert_eq!((world.phase(1).await, world.state().await.outbox.len()), ("done", 3), "comment, labels, state wait");
    assert_eq!(world.shown(1).await.state, TrackerState::Open);
    world.tracker = None;
    world.fixed.advance(SignedDuration::from_mins(5));
    world.run(works).await;
    assert_eq!((world.comments(1).await.len(), world.shown(1).await.state), (1, TrackerState::Closed));
}

#[tokio::test]
async fn a_checkout_in_the_way_delays_the_landing_until_it_is_out_of_the_way() {
    let world = World::new(&["exec", "merge"]);
    fs::write(world.repo.web.join("done.txt"), "mine").unwrap();
    let (reason, _) = run_until_delayed(&world, Filter::default(), works).await.unwrap();
    assert!(reason.contains("is in the way") && reason.contains("done.txt"), "{reason}");
    assert_eq!(world.phase(1).await, "landing");
    fs::remove_file(world.repo.web.join("done.txt")).unwrap();
    // Whoever starts a run waits for nothing that an earlier one put off.
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "done"));
}

#[tokio::test]
async fn a_split_whose_answers_are_lost_makes_no_child_twice() {
    let mut world = World::new(&["triage", "exec", "merge"]);
    failing(&mut world, Fault::Answers, 3);
    let json = r#"{"version":1,"effects":[{"split":{"children":[{"key":"a","title":"A"},{"key":"b","title":"B"}]}}]}"#;
    for _ in 0..5 {
        let only = Filter { issue: Some(issue(1)), ..Filter::default() };
        run_until_delayed(&world, only, move |_| proposes(json)).await;
        world.fixed.advance(SignedDuration::from_mins(5));
    }
    assert_eq!(world.markdown().issues(&web()).await.unwrap().len(), 3);
    let Phase::Split { children } = world.known(1).await.phase else { panic!() };
    assert_eq!(children.iter().map(IssueId::as_str).collect::<Vec<_>>(), ["2", "3"]);
}

/// A refusal that no label tells of was once taken for a block that a person had lifted: round and round it went.
#[tokio::test]
async fn a_refused_write_holds_the_issue_and_tells_why_until_a_person_lets_it_go_on() {
    let mut world = World::new(&["exec", "merge"]);
    world.config.push_str("landing = \"pull-request\"\n");
    world.repo.git(&["checkout", "--quiet", "-b", "dayfly/web-1"]);
    world.repo.commit(&[("theirs", "")]);
    world.repo.git(&["checkout", "--quiet", "main"]);
    world.run(works).await;
    assert_eq!(world.words().await, ["succeeded", "succeeded"]);
    assert_eq!((world.phase(1).await, world.shown(1).await.labels), ("blocked", vec!["human-needed".to_owned()]));
    let said = world.comments(1).await.pop().unwrap();
    assert!(said.contains("the branch dayfly/web-1 stands at"), "{said}");
    world.run(works).await;
    assert_eq!(world.words().await.len(), 2, "nothing goes on by itself");
}

#[tokio::test]
async fn an_issue_that_is_reopened_may_hand_its_branch_over_anew() {
    let mut world = World::new(&["exec", "merge"]);
    world.config.push_str("landing = \"pull-request\"\n");
    world.run(works).await;
    let first = world.repo.at("dayfly/web-1");
    world.edit(1, "\"open\"", "\"closed\"");
    world.run(works).await;
    world.repo.commit(&[("more", "")]);
    world.edit(1, "\"closed\"", "\"open\"");
    world.run(works).await;
    assert_eq!((world.words().await.len(), world.phase(1).await), (4, "handed"));
    assert_ne!(world.repo.at("dayfly/web-1"), first);
}
