//! Attempts that cannot be gone on with: ended, and settled once.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    AttemptId, Condition, End, Event, Fate, Found, Issue, LiveAttempt, Next, Outcome, Receipt, State, TrackerState,
    parking_effects,
};
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{self, StreamExt as _};

use crate::git::GitError;

use super::super::attempt::{Work, chain};
use super::{AT_ONCE, Recovery};

/// A live attempt of which nothing runs any more.
pub(super) struct Gone {
    pub(super) id: AttemptId,
    pub(super) attempt: LiveAttempt,
    /// What settles it; none if its project left the configuration.
    pub(super) work: Option<Box<Work>>,
    /// Whether the ledger does not tell what its job was.
    pub(super) unknown: bool,
    /// Why it could not be looked for.
    pub(super) why: Option<String>,
}

impl Recovery<'_> {
    /// Ends what may be left of attempts, and says how each is settled.
    pub(super) async fn lost(&self, state: &State, gone: Vec<Gone>) -> Vec<(Condition, Event, Found)> {
        if gone.is_empty() {
            return Vec::new();
        }
        // Whatever keeps the commands of their gates ends them now, and is not to be killed in the middle of that.
        let mut gates: Vec<BoxFuture<'_, ()>> = Vec::new();
        for gone in &gone {
            gates.push(Box::pin(self.house.wait_for_gates(&gone.id)));
        }
        join_all(gates).await;
        let leaders = gone.iter().map(|gone| (gone.id.clone(), gone.attempt.process.clone())).collect();
        self.house.ground.kill_attempts(&self.house.tag, leaders).await;
        let mut settled: Vec<BoxFuture<'_, _>> = Vec::new();
        for gone in gone {
            settled.push(Box::pin(self.settle(state, gone)));
        }
        stream::iter(settled).buffered(AT_ONCE).collect().await
    }

    async fn settle(&self, state: &State, gone: Gone) -> (Condition, Event, Found) {
        let Gone { id, attempt, work, unknown, why } = gone;
        let mut outcome = outcome();
        let mut found = Found { what: id.to_string(), fate: Fate::Settled, why: String::new() };
        let (outcome, next, effects) = match work {
            Some(work) => {
                keep(&work, &mut outcome).await;
                let ended = match why {
                    // It may have done all that it was to do, and to do it twice may be the worse.
                    Some(why) => {
                        let reason = format!("it could not be taken up: {why}");
                        outcome.receipt.tail.insert_str(0, &reason);
                        work.park(outcome, reason, "look at what it left, and mend the cause")
                    }
                    None => work.settle(outcome, None).await,
                };
                if let Next::Block { reason, .. } = &ended.next {
                    (found.fate, found.why) = (Fate::Parked, reason.clone());
                }
                (ended.outcome, ended.next, ended.effects)
            }
            None if unknown => {
                let reason = format!("the ledger does not tell what {id} was to do");
                (found.fate, found.why) = (Fate::Parked, reason.clone());
                let labels = &self.house.portfolio.labels;
                let effects = parking_effects(labels, &state.scope(&id), &attempt.issue, &reason);
                (outcome, Next::Block { reason, remedy: "look at what it left".into() }, effects)
            }
            // The project left the configuration: the attempt is over all the same.
            None => {
                found.why = "its project is no longer in the configuration".into();
                // Where its commits would be kept is not known, and with the project back the copy would be removed.
                if let Some(left) = leave(&self.house.tree(&id)).await {
                    found.why.push_str(&format!("; what it left stays in {left}"));
                }
                outcome.receipt.tail.clone_from(&found.why);
                let feedback = state.issues.get(&attempt.issue).and_then(|known| known.feedback.clone());
                let next = Next::Go { stage: attempt.stage.clone(), feedback, not_before: None };
                (outcome, next, Vec::new())
            }
        };
        let condition = Condition::Holder(id.clone(), attempt.token);
        let event =
            Event::AttemptEnded { attempt: id, token: attempt.token, outcome: Box::new(outcome), next, effects };
        (condition, event, found)
    }
}

fn outcome() -> Outcome {
    Outcome { end: End::Lost, proposal: None, commit: None, answer: None, receipt: Receipt::default() }
}

/// Keeps what an attempt committed that could not be judged, and names it. It is work to be looked at, not a result: nothing
/// builds on it. What cannot be kept stays where it is, in a folder that nothing removes.
pub(in crate::engine) async fn keep(work: &Work, outcome: &mut Outcome) {
    let Err(err) = try_keep(work, outcome).await else { return };
    let tree = work.house.tree(&work.id);
    let place = leave(&tree).await.unwrap_or(tree);
    let said = format!("\nwhat it committed could not be kept, and stays in {place}: {}", chain(&err));
    outcome.receipt.tail.push_str(&said);
}

/// Gives a working copy that is there a name under which nothing removes it.
async fn leave(tree: &Utf8Path) -> Option<Utf8PathBuf> {
    let names = std::iter::once(format!("{tree}.left")).chain((1..).map(|n| format!("{tree}.left-{n}")));
    let left = names.map(Utf8PathBuf::from).find(|name| name.symlink_metadata().is_err())?;
    tokio::fs::rename(tree, &left).await.ok().map(|()| left)
}

async fn try_keep(work: &Work, outcome: &mut Outcome) -> Result<(), GitError> {
    let (Some(git), Some(start)) = (work.house.git(&work.project).await?, &work.job.start) else { return Ok(()) };
    let head = git.take(&work.house.tree(&work.id), &[start]).await?;
    let Some(head) = head.filter(|head| head != start) else { return Ok(()) };
    git.keep(&format!("attempts/{}", work.id), &head).await?;
    outcome.receipt.commits = git.commits(start, &head).await?;
    Ok(())
}

/// As much of the issue as settling a lost attempt looks at.
pub(super) fn issue_of(job: &dayfly_core::JobSpec) -> Issue {
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
