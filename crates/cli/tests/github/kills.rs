//! An engine that is killed at every write, and continued.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_testkit::github::{BranchRules, CheckState, Fault, Match};
use tokio::sync::mpsc;

use dayfly_core::Filter;
use dayfly_runner::{RunOptions, Until};

use crate::yard::{REPO, Yard};

/// When the engine dies, seen from the write that it was at.
#[derive(Debug, Clone, Copy)]
enum When {
    /// The write was done, and nobody hears of it.
    After,
    /// The write never arrived.
    Before,
}

/// What must be there once at the end.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    pulls: usize,
    merged: usize,
    children: usize,
    doubled: Vec<String>,
    open: Vec<u64>,
}

/// A portfolio's whole work: an issue that is asked about, done, checked and merged, and one that is split.
async fn whole(yard: &Yard) {
    let door = yard.ann.open_issue(REPO, "Paint the door", "It is grey.");
    yard.ann.open_issue(REPO, "Paint the house", "SPLIT it.");
    let mut answered = false;
    for _ in 0..40 {
        run(yard).await;
        if !answered && yard.repo.issue(door).labels == ["needs-clarification"] {
            yard.ann.comment(REPO, door, "the blue one");
            answered = true;
        }
        for pull in yard.repo.pulls().iter().filter(|pull| pull.open) {
            yard.repo.check(&pull.head_sha, "test", CheckState::Success);
        }
        // Longer than a request may be under way.
        yard.world.advance(Duration::from_secs(60));
        if yard.repo.issues().values().all(|issue| !issue.open) && yard.state().await.outbox.is_empty() {
            return;
        }
    }
    panic!("it does not come to its end:\n{}\n{}", yard.world.snapshot(), yard.server.journal());
}

/// One run of an engine, which dies where a request of it meets its fault.
async fn run(yard: &Yard) {
    let before = yard.world.unmet_faults().len();
    let (_keep, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Idle { patience: Duration::ZERO }, filter: Filter::default() };
    let engine = yard.engine();
    let world = yard.world.clone();
    let killed = async move {
        while before == 0 || world.unmet_faults().len() == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::select! {
            ended = engine.run(options, &mut shutdown) => drop(ended.unwrap()),
            () = killed => {}
        }
    });
    assert!(ended.await.is_ok(), "it does not end:\n{}\n{}", yard.world.snapshot(), yard.server.journal());
}

fn found(yard: &Yard) -> Found {
    let issues = yard.repo.issues();
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for (number, issue) in &issues {
        for comment in issue.comments.iter().filter(|c| c.author.as_deref() == Some("dayfly-bot")) {
            *texts.entry(format!("#{number}: {}", comment.body)).or_default() += 1;
        }
    }
    let pulls = yard.repo.pulls();
    Found {
        pulls: pulls.len(),
        merged: pulls.iter().filter(|pull| pull.merged.is_some()).count(),
        children: issues.values().map(|issue| issue.sub_issues.len()).sum(),
        doubled: texts.into_iter().filter(|(_, n)| *n > 1).map(|(text, _)| text).collect(),
        open: issues.iter().filter(|(_, issue)| issue.open).map(|(number, _)| *number).collect(),
    }
}

fn yard() -> Yard {
    let yard = Yard::new("merge = \"engine\"");
    yard.repo.protect("main", BranchRules { checks: vec!["test".into()], ..BranchRules::default() });
    yard
}

async fn killed_at(when: When, from: usize, step: usize) {
    let undisturbed = yard();
    let mark = undisturbed.server.journal().len();
    whole(&undisturbed).await;
    let writes = undisturbed.server.journal().since(mark).writes();
    let wanted = found(&undisturbed);
    assert_eq!((wanted.pulls, wanted.merged, wanted.children), (3, 3, 2), "{wanted:?}");
    assert_eq!((&wanted.doubled, &wanted.open), (&vec![], &vec![]));
    let mut killed = 0;
    for nth in (from..=writes).step_by(step) {
        let yard = yard();
        let fault = match when {
            When::After => Fault::LostAfterWrite,
            When::Before => Fault::Reset,
        };
        yard.server.fault(Match::writes().by("dayfly-bot").nth(nth), fault);
        whole(&yard).await;
        assert_eq!(
            found(&yard),
            wanted,
            "killed at write {nth}:\n{}\n{}",
            yard.world.snapshot(),
            yard.server.journal()
        );
        killed += usize::from(yard.world.unmet_faults().is_empty());
        yard.server.verify();
    }
    assert!(killed > 0, "no engine was killed");
    println!("{writes} writes; killed {killed} times, {when:?}");
}

/// All of them with `DAYFLY_CRASH=both`; otherwise every fourth, in turns.
fn step() -> usize {
    if std::env::var("DAYFLY_CRASH").is_ok_and(|which| which == "both") { 1 } else { 4 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_dies_after_a_write_does_it_no_second_time() {
    killed_at(When::After, 1, step()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_dies_before_a_write_arrives_does_it_once() {
    killed_at(When::Before, 3.min(step()), step()).await;
}
