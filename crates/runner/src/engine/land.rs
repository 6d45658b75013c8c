//! The landing stage: the engine's own work, without an agent.

use dayfly_core::{
    Commit, End, GateFailure, GateResult, IssueRef, JobSpec, Landing, NewPull, Next, Outcome, Receipt, Subject,
    TrackerKind, TrackerState, WorkFacts, harmless_title, pull_text,
};

use crate::git::{Candidate, Repo};

use super::attempt::{Work, ended, git_end};

/// What the names of dayfly's own branches begin with.
pub(super) const OWN_BRANCHES: &str = "dayfly/";

/// Makes the commit that would land, and checks the gates on exactly that commit.
pub(super) async fn attempt(work: &mut Work) -> (Outcome, Option<Next>) {
    match prepare(work).await {
        Ok((outcome, landing)) => (outcome, landing),
        Err(early) => (*early, None),
    }
}

async fn prepare(work: &mut Work) -> Result<(Outcome, Option<Next>), Box<Outcome>> {
    let missing = |what: &str| ended(End::Environment { reason: what.to_owned() });
    let git = work.house.git(&work.project).await.map_err(git_end)?;
    let git = git.ok_or_else(|| missing("a plain folder has no base branch to land on"))?;
    let base = work.job.base.clone().ok_or_else(|| missing("the base branch is not there"))?;
    let Some(tip) = work.known.tip.clone() else {
        return Err(missing("no stage before this one left a commit to land"));
    };
    let message = work.project.squash.then(|| squash_message(&work.job));
    let candidate = match git.candidate(&base, &tip, message.as_deref()).await.map_err(git_end)? {
        Candidate::Ready(commit) => commit,
        // A forge opens no pull request for nothing.
        Candidate::Nothing if work.project.landing == Landing::PullRequest => return Ok((good(), Some(Next::Finish))),
        Candidate::Nothing => return Ok((good(), Some(landing(work, &base, &base, &[])))),
        Candidate::Conflict(paths) => return Err(ended(conflict(work, &paths))),
    };
    git.keep(&format!("attempts/{}", work.id), &candidate).await.map_err(git_end)?;
    let mut outcome = good();
    let subject = subject(work, &git, &base, &candidate).await?;
    let (results, end) = work.check(&subject, Some(git)).await;
    outcome.receipt.gates = results;
    if let Some(end) = end {
        outcome.end = end;
        return Ok((outcome, None));
    }
    if is_withdrawn(work).await {
        outcome.end = End::Cancelled;
        outcome.receipt.tail = "the issue was closed, held or taken away just before its change would land".into();
        return Ok((outcome, None));
    }
    let next = landing(work, &base, &candidate, &outcome.receipt.gates);
    Ok((outcome, Some(next)))
}

/// Whether a person has closed the issue, put a label on that holds it, or taken it away, while its gates ran. A tracker that does not
/// answer keeps no change from landing.
async fn is_withdrawn(work: &Work) -> bool {
    let Ok(issues) = work.house.tracker.issues(&work.project.name).await else { return false };
    let Some(issue) = issues.iter().find(|i| i.id == work.job.issue.issue) else { return true };
    let held = work.house.portfolio.labels.holding().iter().any(|label| issue.has_label(label));
    held || issue.state == TrackerState::Closed
}

async fn subject(work: &Work, git: &Repo, base: &Commit, candidate: &Commit) -> Result<Subject, Box<Outcome>> {
    let tree = work.house.tree(&work.id);
    git.add_copy(&tree, candidate).await.map_err(git_end)?;
    let found = git.inspect(&tree, base, base).await.map_err(git_end)?;
    let facts = WorkFacts {
        tree,
        base: base.clone(),
        start: base.clone(),
        commit: found.commit,
        descends: found.descends,
        dirty: found.dirty,
        changed: found.changed,
        diff_lines: found.diff_lines,
        proposal: None,
    };
    Ok(Subject { job: work.job.clone(), issue: work.issue.clone(), work: Some(facts) })
}

fn good() -> Outcome {
    Outcome { end: End::Succeeded, proposal: None, commit: None, answer: None, receipt: Receipt::default() }
}

fn landing(work: &Work, from: &Commit, to: &Commit, gates: &[GateResult]) -> Next {
    match work.project.landing {
        Landing::Direct => Next::Land { branch: work.project.base.clone(), from: from.clone(), to: to.clone() },
        Landing::PullRequest => {
            let branch = branch_name(&work.job.issue);
            let pull = work.house.forge_of(&work.project).map(|_| Box::new(pull(work, &branch, (to, gates))));
            Next::Hand { branch, commit: to.clone(), pull }
        }
    }
}

/// The pull request for a commit.
fn pull(work: &Work, branch: &str, (head, gates): (&Commit, &[GateResult])) -> NewPull {
    let issue = &work.job.issue.issue;
    let closes = (work.project.tracker == TrackerKind::GitHub).then(|| format!("#{issue}"));
    NewPull {
        branch: branch.to_owned(),
        head: head.clone(),
        base: work.project.base.clone(),
        title: harmless_title(&work.job.title),
        body: pull_text(&work.known, closes.as_deref(), gates),
        draft: work.project.merge.draft,
    }
}

fn conflict(work: &Work, paths: &[String]) -> End {
    let base = &work.project.base;
    let reason = format!("the change and the branch `{base}` touch the same lines");
    let tail = format!("Run `git merge {base}`, solve the conflicts, and commit. In conflict:\n{}", paths.join("\n"));
    End::GateFailed(GateFailure { gate: "conflict".into(), reason, tail })
}

fn squash_message(job: &JobSpec) -> String {
    format!("{}\n\nIssue: {}\n", harmless_title(&job.title), job.issue)
}

/// The branch on which an issue's change is left for a person.
pub(super) fn branch_name(issue: &IssueRef) -> String {
    format!("{OWN_BRANCHES}{}-{}", issue.project, issue.issue)
}
