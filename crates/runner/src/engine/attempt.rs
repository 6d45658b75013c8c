//! One attempt, from its working copy to its outcome.

use std::sync::Arc;

use camino::Utf8PathBuf;
use dayfly_core::{
    Access, Agent, AnswerBy, AnswerRule, Attempt, AttemptEvent, AttemptId, CommandLine, Commit, End, EventSink,
    GateFailure, GateResult, GateSpec, Issue, IssueState, JobSpec, Next, Outcome, Project, Proposal, Proposed, Receipt,
    RunnerError, Running, SettleInput, StageRun, Stop, Subject, Verdict, WorkFacts, next_step, parking_effects,
};

use crate::git::{GitError, Repo};
use crate::subprocess::{proposal_path, without_secrets};

use super::answer;
use super::brake::Ear;
use super::guard::Guard;
use super::house::House;
use super::key::HeldKey;
use super::land;
use super::model::Ended;
use super::recovery::{self, Shown, ended_at};

/// One attempt's own things.
pub(super) struct Work {
    pub(super) house: Arc<House>,
    pub(super) id: AttemptId,
    /// What the keys of its effects begin with.
    pub(super) scope: String,
    pub(super) job: JobSpec,
    pub(super) issue: Issue,
    /// Where the issue is looked up anew before it is judged; for one that was taken up.
    pub(super) shown: Option<Arc<Shown>>,
    /// The issue as the ledger knew it when the attempt was claimed.
    pub(super) known: IssueState,
    pub(super) project: Arc<Project>,
    /// What watches it, with the sink of its events.
    pub(super) guard: Arc<Guard>,
    pub(super) events: EventSink,
    /// Becomes `Some` when the attempt is to be stopped.
    pub(super) stop: Ear,
}

/// An ending before the gates, or an ending that needs none.
type Early = Box<Outcome>;

impl Work {
    /// Does the attempt and decides what follows. One that an earlier engine started goes on from where it is.
    pub(super) async fn perform(mut self, running: Option<Box<dyn Running>>) -> Ended {
        let start = tokio::time::Instant::now();
        let taken_up = running.is_some();
        let (mut outcome, landing) = match self.job.run {
            StageRun::Agent => (self.agent(running).await, None),
            StageRun::Land => land::attempt(&mut self).await,
        };
        self.excuse(&mut outcome);
        let took = start.elapsed();
        outcome.receipt.took = if taken_up { outcome.receipt.took.max(took) } else { took };
        if taken_up && let Some(at) = ended_at(&self.house.attempt_dir(&self.id)) {
            // It may have ended long before anybody looked, and `in two hours` was said then.
            outcome.resolve_times(at.min(self.house.now()), &self.house.zone);
        }
        self.settle(outcome, landing).await
    }

    /// Decides what follows and what is written outside.
    pub(super) async fn settle(&self, outcome: Outcome, landing: Option<Next>) -> Ended {
        let now = self.house.now();
        let Some(stage) = self.project.pipeline.stage(&self.job.stage) else {
            let reason = format!("the stage `{}` is no longer in the pipeline", self.job.stage);
            return self.park(outcome, reason, "put the stage back");
        };
        let input = SettleInput {
            pipeline: &self.project.pipeline,
            stage,
            known: &self.known,
            outcome: &outcome,
            retry: self.house.portfolio.retry,
            parked: self.house.parks(&self.job, stage),
            landing,
            now,
            dice: dice(&self.id),
        };
        let next = next_step(&input);
        let job = self.house.job(&self.job.stage);
        let effects = match job.settle(&self.job, &outcome, &next).await {
            Ok(effects) => effects,
            Err(err) => return self.park(outcome, format!("the job could not be settled: {err}"), "mend the job"),
        };
        let own = effects.into_iter().filter(|e| *e.project() == self.job.issue.project).collect();
        let effects = self.job.key_effects(&self.scope, own);
        Ended { outcome, next, effects }
    }

    /// Ends it with its issue waiting for a person. Without the label that says so it would go on by itself.
    pub(super) fn park(&self, outcome: Outcome, reason: String, remedy: &str) -> Ended {
        let effects = parking_effects(&self.house.portfolio.labels, &self.scope, &self.job.issue, &reason);
        Ended { outcome, next: Next::Block { reason, remedy: remedy.to_owned() }, effects }
    }

    async fn agent(&mut self, running: Option<Box<dyn Running>>) -> Outcome {
        let ended = self.run_agent(running).await;
        self.look_again().await;
        match ended {
            Ok((outcome, git)) => self.judge(outcome, git).await.unwrap_or_else(|early| *early),
            Err(early) => *early,
        }
    }

    async fn run_agent(&mut self, running: Option<Box<dyn Running>>) -> Result<(Outcome, Option<Repo>), Early> {
        let (mut running, held) = match running {
            // It is followed first: a repository that cannot be opened now is no reason to end it.
            Some(running) => {
                // Without the proxy that it was started with its requests fail, and that is how it ends.
                let held = self.attempt(self.project.path.clone()).and_then(|mut attempt| self.hold_key(&mut attempt));
                (running, held.ok().flatten())
            }
            None => {
                self.house.put_aside(&self.id);
                let git = self.house.git(&self.project).await.map_err(git_end)?;
                let mut attempt = self.attempt(self.working_copy(git.as_ref()).await?)?;
                attempt.reads = git.as_ref().map(|git| git.lends()).unwrap_or_default();
                let held = self.hold_key(&mut attempt)?;
                if self.house.is_halted() {
                    return Err(ended(End::Cancelled));
                }
                (self.house.runner(&self.project.name).start(&attempt).await.map_err(runner_end)?, held)
            }
        };
        let (mut tripped, mut told) = (false, None);
        loop {
            // Others may be asked too, and it is told once.
            let asked = self.stop.hear();
            if let Some(how) = asked.filter(|_| asked != told) {
                told = asked;
                self.events.send(AttemptEvent::Stopping(how));
                running.stop(how).await.map_err(runner_end)?;
            }
            tokio::select! {
                biased;
                outcome = running.wait() => {
                    let mut outcome = outcome.map_err(runner_end)?;
                    self.complete(&mut outcome, held.as_ref());
                    return match self.house.git(&self.project).await {
                        Ok(git) => Ok((outcome, git)),
                        // It is not judged, and nothing of what it did is lost.
                        Err(err) => Err(Box::new(self.unjudged(outcome, *git_end(err)).await)),
                    };
                }
                () = self.guard.tripped(), if !tripped => {
                    tripped = true;
                    self.events.send(AttemptEvent::Stopping(Stop::Polite));
                    running.stop(Stop::Polite).await.map_err(runner_end)?;
                }
                // A sender that is gone means that the engine ends: dropping `running` kills it.
                changed = self.stop.changed() => if changed.is_err() { return Err(ended(End::Cancelled)) },
            }
        }
    }

    fn hold_key(&self, attempt: &mut Attempt) -> Result<Option<HeldKey>, Early> {
        self.house.hold_key(attempt).map_err(|reason| ended(End::Environment { reason }))
    }

    /// Adds what the executor cannot know: what the engine stopped it for, how it was billed, what it cost.
    fn complete(&self, outcome: &mut Outcome, held: Option<&HeldKey>) {
        if let Some(held) = held {
            held.complete(outcome);
        }
        // What the operator stopped was not stopped for what it did.
        if self.stop.asked().is_none() {
            self.guard.correct(outcome);
        }
        self.house.bill(&self.job, &mut outcome.receipt);
    }

    /// The attempt as the executor knows it.
    pub(super) fn attempt(&self, cwd: Utf8PathBuf) -> Result<Attempt, Early> {
        let name = self.job.agent.as_ref().ok_or_else(|| misconfigured("the stage has no agent"))?;
        let agent = self.house.agents.get(name).ok_or_else(|| misconfigured(&format!("there is no agent `{name}`")))?;
        let command = agent.command(&self.job).map_err(|err| misconfigured(&chain(&err)))?;
        Ok(self.attempt_of(agent, command, cwd))
    }

    pub(super) fn attempt_of(&self, agent: &Arc<dyn Agent>, command: CommandLine, cwd: Utf8PathBuf) -> Attempt {
        Attempt {
            id: self.id.clone(),
            job: self.job.clone(),
            cwd,
            reads: Vec::new(),
            bridge: None,
            dir: self.house.attempt_dir(&self.id),
            command,
            agent: Arc::clone(agent),
            output: self.house.output(&self.project),
            tag: self.house.tag.clone(),
            events: self.events.clone(),
        }
    }

    async fn working_copy(&self, git: Option<&Repo>) -> Result<Utf8PathBuf, Early> {
        let (Some(git), Some(start)) = (git, &self.job.start) else { return Ok(self.project.path.clone()) };
        let tree = self.house.tree(&self.id);
        git.add_copy(&tree, start).await.map_err(git_end)?;
        Ok(tree)
    }

    /// Holds what the agent says against what it did.
    async fn judge(&mut self, mut outcome: Outcome, git: Option<Repo>) -> Result<Outcome, Early> {
        let facts = match self.facts(git.as_ref(), &mut outcome).await {
            Ok(facts) => facts,
            // What it cost, what it said and what it committed stays, whatever became of its working copy.
            Err(early) => return Ok(self.unjudged(outcome, *early).await),
        };
        if outcome.end != End::Succeeded {
            return Ok(outcome);
        }
        if let Err(reason) = self.read_proposal(&mut outcome).await {
            outcome.end = End::TaskFailed { reason };
            outcome.commit = None;
            return Ok(outcome);
        }
        let idle = self.job.access == Access::Write
            && self.job.gates.contains(&GateSpec::NewCommits)
            && facts.commit == facts.start
            && facts.dirty.is_empty()
            && !self.known.unjudged
            && !outcome.proposal.iter().flat_map(|p| &p.effects).any(leads_elsewhere);
        if idle && git.is_some() {
            outcome.end = End::NoOp { reason: "there is no new commit and no changed file".into() };
            return Ok(outcome);
        }
        let facts = WorkFacts { proposal: outcome.proposal.clone(), ..facts };
        let subject = Subject { job: self.job.clone(), issue: self.issue.clone(), work: Some(facts) };
        let (results, end) = self.check(&subject, git).await;
        outcome.receipt.gates = results;
        if let Some(end) = end {
            if end == End::Cancelled {
                outcome.commit = None;
            }
            outcome.receipt.unjudged = matches!(end, End::Environment { .. } | End::Host { .. });
            outcome.end = end;
        }
        Ok(outcome)
    }

    /// What cannot be looked at. How it ended stays, unless it ended well: that is not known then.
    async fn unjudged(&self, mut outcome: Outcome, early: Outcome) -> Outcome {
        recovery::keep(self, &mut outcome).await;
        outcome.receipt.unjudged = outcome.end == End::Succeeded;
        let end = if outcome.receipt.unjudged { early.end } else { outcome.end };
        Outcome { end, ..outcome }
    }

    /// Checks the job's gates; the end is set if one did not pass.
    pub(super) async fn check(&self, subject: &Subject, git: Option<Repo>) -> (Vec<GateResult>, Option<End>) {
        let commands = self.house.commands(&self.project, git, &self.id);
        let mut stop = self.stop.clone();
        let checked = tokio::select! { biased;
            // To drop the check ends its commands; they start over with the attempt.
            () = stop.told() => return (Vec::new(), Some(End::Cancelled)),
            checked = self.house.gates.check(&self.job.gates, subject, Some(&commands)) => checked,
        };
        match checked {
            Ok(results) => {
                let end = results.last().and_then(failure);
                (results, end)
            }
            Err(err) => (Vec::new(), Some(End::Environment { reason: chain(&err) })),
        }
    }

    /// Looks at the working copy, and keeps the commit that was found from being pruned.
    async fn facts(&self, git: Option<&Repo>, outcome: &mut Outcome) -> Result<WorkFacts, Early> {
        let none = Commit(String::new());
        let (Some(git), Some(base), Some(start)) = (git, &self.job.base, &self.job.start) else {
            return Ok(WorkFacts {
                tree: self.project.path.clone(),
                base: none.clone(),
                start: none.clone(),
                commit: none,
                descends: true,
                dirty: vec![],
                changed: vec![],
                diff_lines: 0,
                proposal: None,
            });
        };
        let tree = self.house.tree(&self.id);
        let found = git.inspect(&tree, base, start).await.map_err(git_end)?;
        outcome.receipt.commits = found.commits;
        if found.commit != *start {
            git.keep(&format!("attempts/{}", self.id), &found.commit).await.map_err(git_end)?;
            if self.job.access == Access::Write && found.descends && outcome.end == End::Succeeded {
                outcome.commit = Some(found.commit.clone());
            }
        }
        Ok(WorkFacts {
            tree,
            base: base.clone(),
            start: start.clone(),
            commit: found.commit,
            descends: found.descends,
            dirty: found.dirty,
            changed: found.changed,
            diff_lines: found.diff_lines,
            proposal: None,
        })
    }

    async fn read_proposal(&self, outcome: &mut Outcome) -> Result<(), String> {
        let rule = self.job.answer;
        if rule == AnswerRule::None {
            return Ok(());
        }
        let path = proposal_path(&self.house.attempt_dir(&self.id));
        let bytes = answer::read(&self.house.ground, &path)
            .await
            .map_err(|err| format!("the proposal cannot be read: {err}"))?;
        let Some(bytes) = bytes.or_else(|| outcome.answer.take().map(String::into_bytes)) else {
            let needed = matches!(rule, AnswerRule::Required | AnswerRule::Verdict);
            let none = match self.job.answer_by {
                AnswerBy::File => "the agent wrote no proposal to $DAYFLY_PROPOSAL",
                AnswerBy::Structured => "the agent ended without the structured answer it was asked for",
            };
            return if needed { Err(none.into()) } else { Ok(()) };
        };
        // What it proposes is written where others read it.
        let (_, command) = self.reader().ok_or("the stage has no agent")?;
        let bytes = without_secrets(&command, &bytes);
        let read = Proposal::read(&bytes, &self.job.allowed());
        let proposal = read.map_err(|err| chain(&err))?;
        if rule == AnswerRule::Verdict && proposal.verdict.is_none() {
            return Err("the proposal holds no verdict".into());
        }
        outcome.proposal = Some(proposal);
        Ok(())
    }
}

/// Whether an effect is itself what the attempt was for. A comment is not: it leaves the work undone.
fn leads_elsewhere(effect: &Proposed) -> bool {
    matches!(effect, Proposed::Ask { .. } | Proposed::Split { .. })
}

fn failure(result: &GateResult) -> Option<End> {
    match &result.verdict {
        Verdict::Pass => None,
        // It says "not now", and nothing against the work.
        Verdict::Hold { reason, .. } => Some(End::Host { reason: format!("the gate {} holds: {reason}", result.gate) }),
        Verdict::Fail { reason, tail } => {
            Some(End::GateFailed(GateFailure { gate: result.gate.clone(), reason: reason.clone(), tail: tail.clone() }))
        }
    }
}

/// An outcome without a process behind it.
pub(super) fn ended(end: End) -> Early {
    Box::new(Outcome { end, proposal: None, commit: None, answer: None, receipt: Receipt::default() })
}

fn misconfigured(reason: &str) -> Early {
    ended(End::Misconfigured { reason: reason.to_owned() })
}

pub(super) fn git_end(err: GitError) -> Early {
    let reason = chain(&err);
    // What is wrong with the repository that it left is its own doing.
    ended(if matches!(err, GitError::Left { .. }) { End::TaskFailed { reason } } else { End::Environment { reason } })
}

#[expect(clippy::needless_pass_by_value, reason = "used in map_err")]
fn runner_end(err: RunnerError) -> Early {
    let reason = chain(&err);
    ended(if err.is_transient() { End::Host { reason } } else { End::Environment { reason } })
}

/// An error with its causes, in one line.
pub(crate) fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        text.push_str(&format!(": {err}"));
        source = err.source();
    }
    text
}

/// Spreads retries: uniform in 0..1, the same for the same attempt.
pub(super) fn dice(attempt: &AttemptId) -> f64 {
    let digest = dayfly_core::Digest::of(attempt.as_str().as_bytes());
    let digits = digest.as_str().get(..8).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    f64::from(digits.unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}
