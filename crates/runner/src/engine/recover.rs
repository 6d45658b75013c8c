//! Recovery: what an engine that died left behind is taken up, or ended, settled once, and cleaned away.

use std::sync::Arc;

use dayfly_core::{
    AttemptId, Batch, Condition, End, Epoch, Event, EventSink, Issue, IssueRef, LiveAttempt, Outcome, Receipt, Record,
    Running, Seq, State, Store, StoreError, TrackerState,
};

use crate::git::GitError;

use super::attempt::{Work, chain};
use super::brake::Brake;
use super::guard::Guard;
use super::hold;
use super::house::House;
use super::progress::Progress;

/// How many records are read at once.
const PAGE: usize = 4096;

/// Takes those issues back that a state does not hold because they were set aside.
///
/// # Errors
/// If the store does not serve.
pub(super) async fn recall(
    store: &dyn Store,
    state: &mut State,
    issues: impl IntoIterator<Item = IssueRef>,
) -> Result<(), StoreError> {
    if state.aside.is_empty() {
        return Ok(());
    }
    let missing: Vec<IssueRef> = issues.into_iter().filter(|issue| !state.issues.contains_key(issue)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (issue, known) in store.recall(&missing).await? {
        state.recall(issue, known);
    }
    Ok(())
}

/// Reads the whole ledger.
///
/// # Errors
/// If the store does not serve.
pub async fn read_all(store: &dyn Store) -> Result<Vec<Record>, StoreError> {
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

/// An attempt of an earlier engine that goes on under this one.
pub(super) struct TakenUp {
    pub(super) work: Work,
    pub(super) running: Box<dyn Running>,
}

/// What this engine needs to deal with what it finds.
pub(super) struct Recovery<'a> {
    pub(super) house: &'a Arc<House>,
    pub(super) epoch: Epoch,
    /// Where the events of an attempt go.
    pub(super) sink: &'a (dyn Fn(&AttemptId) -> EventSink + Sync),
    /// How attempts are told to stop.
    pub(super) brake: &'a Brake,
    pub(super) progress: &'a Progress,
}

impl Recovery<'_> {
    /// Takes up what an earlier engine left running, or left with its result, where the executor can. The rest is
    /// ended, and settled once as lost.
    pub(super) async fn run(&self, state: &mut State) -> Result<Vec<TakenUp>, StoreError> {
        let live: Vec<(AttemptId, LiveAttempt)> = state.live.iter().map(|(id, l)| (id.clone(), l.clone())).collect();
        let mut taken_up = Vec::new();
        for (id, attempt) in live {
            let Some((job, known)) =
                started_job(self.house, &attempt).await?.zip(state.issues.get(&attempt.issue).cloned())
            else {
                continue;
            };
            let project = self.house.project(&attempt.issue.project).cloned();
            let guard = Guard::new(&job, self.house.portfolio.billing(job.account.as_ref()));
            let work = project.map(|project| Work {
                house: Arc::clone(self.house),
                scope: state.scope(&id),
                id: id.clone(),
                issue: issue_of(&job),
                job,
                known,
                project,
                events: guard.sink((self.sink)(&id)),
                guard,
                stop: self.brake.ear(Some(&id)),
            });
            let work = match work {
                Some(mut work) => match work.find().await {
                    Some(running) => {
                        self.house.end_gates(&work.project, &id).await;
                        work.issue = self.shown(&work).await.unwrap_or(work.issue);
                        self.progress.taken_up(&id);
                        taken_up.push(TakenUp { work, running });
                        continue;
                    }
                    None => Some(work),
                },
                None => None,
            };
            self.lost(&id, &attempt, work, state).await?;
        }
        self.house.clean_leftovers(state).await?;
        Ok(taken_up)
    }

    /// The issue as its tracker shows it now; a tracker that does not answer keeps nothing waiting.
    async fn shown(&self, work: &Work) -> Option<Issue> {
        let view = self.house.read(&work.project.name, Vec::new()).await;
        view.issues.into_iter().find(|issue| issue.id == work.job.issue.issue)
    }

    /// Ends what may be left of an attempt, and settles it as lost.
    async fn lost(
        &self,
        id: &AttemptId,
        attempt: &LiveAttempt,
        work: Option<Work>,
        state: &mut State,
    ) -> Result<(), StoreError> {
        // Whatever keeps the commands of its gates ends them now, and is not to be killed in the middle of that.
        self.house.wait_for_gates(id).await;
        self.house.ground.kill_attempt(&self.house.tag, id, attempt.process.as_ref()).await;
        let event = match work {
            Some(work) => settle(work, attempt).await,
            // The project left the configuration: the attempt is over all the same.
            None => Event::AttemptEnded {
                attempt: id.clone(),
                token: attempt.token,
                outcome: Box::new(outcome()),
                next: dayfly_core::Next::Go { stage: attempt.stage.clone(), feedback: None, not_before: None },
                effects: Vec::new(),
            },
        };
        let batch = Batch {
            epoch: self.epoch,
            at: self.house.now(),
            events: vec![event],
            conditions: vec![Condition::Holder(id.clone(), attempt.token)],
        };
        for record in hold::once(&*self.house.store, state.head, &batch).await? {
            state.apply(&record)?;
        }
        self.progress.recovered(id);
        Ok(())
    }
}

fn outcome() -> Outcome {
    Outcome { end: End::Lost, proposal: None, commit: None, answer: None, receipt: Receipt::default() }
}

async fn settle(work: Work, attempt: &LiveAttempt) -> Event {
    let id = work.id.clone();
    let mut outcome = outcome();
    keep(&work, &mut outcome).await;
    let ended = work.settle(outcome, None).await;
    Event::AttemptEnded {
        attempt: id,
        token: attempt.token,
        outcome: Box::new(ended.outcome),
        next: ended.next,
        effects: ended.effects,
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
        author: dayfly_core::Author::person(String::new(), dayfly_core::Trust::Stranger),
        parent: None,
        comments: Vec::new(),
        facts: dayfly_core::IssueFacts::default(),
    }
}
