//! Recovery: what an engine that died left behind is ended, settled once, and cleaned away.

use std::sync::Arc;

use dayfly_core::{
    AttemptId, Batch, Condition, End, Epoch, Event, EventSink, Issue, LiveAttempt, Outcome, Receipt, Record, Seq,
    State, StoreError, TrackerState,
};
use tokio::sync::watch;

use crate::git::GitError;
use crate::process;

use super::attempt::{Work, chain};
use super::house::House;

/// How many records are read at once.
const PAGE: usize = 4096;

/// Folds the whole ledger.
///
/// # Errors
/// If the store does not serve, or the ledger cannot be folded.
pub(super) async fn load(house: &House) -> Result<State, StoreError> {
    let mut state = State::default();
    loop {
        let records = house.store.read(state.head, PAGE).await?;
        for record in &records {
            state.apply(record)?;
        }
        if records.len() < PAGE {
            return Ok(state);
        }
    }
}

/// Reads the whole ledger.
///
/// # Errors
/// If the store does not serve.
pub async fn read_all(store: &dyn dayfly_core::Store) -> Result<Vec<Record>, StoreError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(Seq(0), |r| r.seq);
        let page = store.read(after, PAGE).await?;
        let last = page.len() < PAGE;
        records.extend(page);
        if last {
            return Ok(records);
        }
    }
}

/// Ends what attempts of an earlier engine left running, and settles each once as lost.
pub(super) async fn lost(house: &Arc<House>, state: &mut State, epoch: Epoch) -> Result<Vec<AttemptId>, StoreError> {
    let live: Vec<(AttemptId, LiveAttempt)> = state.live.iter().map(|(id, l)| (id.clone(), l.clone())).collect();
    let mut settled = Vec::new();
    for (id, attempt) in live {
        let (tag, process, name) = (house.tag.clone(), attempt.process.clone(), id.clone());
        // A search that panicked found nothing to kill; the attempt is settled all the same.
        let _ = tokio::task::spawn_blocking(move || process::kill_attempt(&tag, &name, process.as_ref())).await;
        let job = started_job(house, &attempt).await?;
        let Some((job, known)) = job.zip(state.issues.get(&attempt.issue).cloned()) else { continue };
        let event = match house.project(&attempt.issue.project).cloned() {
            Some(project) => {
                let (_keep, stop) = watch::channel(None);
                let issue = issue_of(&job);
                let work = Work {
                    house: Arc::clone(house),
                    scope: state.scope(&id),
                    id: id.clone(),
                    job,
                    issue,
                    known,
                    project,
                    events: EventSink::none(),
                    stop,
                };
                settle(work, &attempt).await
            }
            // The project left the configuration: the attempt is over all the same.
            None => Event::AttemptEnded {
                attempt: id.clone(),
                token: attempt.token,
                outcome: Box::new(outcome()),
                next: dayfly_core::Next::Go { stage: attempt.stage.clone(), feedback: None, not_before: None },
                effects: Vec::new(),
                limited: None,
            },
        };
        let batch = Batch {
            epoch,
            at: house.now(),
            events: vec![event],
            conditions: vec![Condition::Holder(id.clone(), attempt.token)],
        };
        for record in house.store.append(&batch).await? {
            state.apply(&record)?;
        }
        settled.push(id);
    }
    Ok(settled)
}

fn outcome() -> Outcome {
    Outcome { end: End::Lost, proposal: None, commit: None, receipt: Receipt::default() }
}

async fn settle(work: Work, attempt: &LiveAttempt) -> Event {
    let id = work.id.clone();
    let mut outcome = outcome();
    keep(&work, &mut outcome).await;
    // Files that cannot be removed now are removed with the next attempt's.
    drop(work.clean_up().await);
    let ended = work.settle(outcome, None).await;
    Event::AttemptEnded {
        attempt: id,
        token: attempt.token,
        outcome: Box::new(ended.outcome),
        next: ended.next,
        effects: ended.effects,
        limited: None,
    }
}

/// Keeps what an attempt committed that could not be judged, and names it. It is work to be looked at, not a result: nothing
/// builds on it. What cannot be kept stays where it is, in a folder that nothing removes.
pub(super) async fn keep(work: &Work, outcome: &mut Outcome) {
    let Err(err) = try_keep(work, outcome).await else { return };
    let tree = work.house.tree(&work.id);
    let left = tree.with_file_name(format!("{}.left", work.id));
    let place = tokio::fs::rename(&tree, &left).await.map_or(tree, |()| left);
    let said = format!("\nwhat it committed could not be kept, and stays in {place}: {}", chain(&err));
    outcome.receipt.tail.push_str(&said);
}

async fn try_keep(work: &Work, outcome: &mut Outcome) -> Result<(), GitError> {
    let (Some(git), Some(start)) = (work.house.git(&work.project).await?, &work.job.start) else { return Ok(()) };
    let head = git.take(&work.house.tree(&work.id), &[start]).await?;
    let Some(head) = head.filter(|head| head != start) else { return Ok(()) };
    git.keep(&format!("attempts/{}", work.id), &head).await?;
    outcome.receipt.commits = git.commits(start, &head).await?;
    Ok(())
}

/// The job of a live attempt, from the record that claimed it.
async fn started_job(house: &House, attempt: &LiveAttempt) -> Result<Option<dayfly_core::JobSpec>, StoreError> {
    let before = Seq(attempt.token.0.saturating_sub(1));
    let records = house.store.read(before, 1).await?;
    let event = records.first().map(|r| r.event().map_err(dayfly_core::StateError::from)).transpose()?;
    Ok(match event {
        Some(Event::AttemptStarted { job, .. }) => Some(*job),
        _ => None,
    })
}

/// As much of the issue as settling a lost attempt looks at.
fn issue_of(job: &dayfly_core::JobSpec) -> Issue {
    Issue {
        id: job.issue.issue.clone(),
        title: job.title.clone(),
        body: String::new(),
        labels: Vec::new(),
        milestone: job.milestone.clone(),
        state: TrackerState::Open,
        author: dayfly_core::Author { name: String::new(), trust: dayfly_core::Trust::Stranger },
        parent: None,
        comments: Vec::new(),
    }
}
