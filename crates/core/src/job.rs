//! Frozen, content-addressed descriptions of work.

mod proposed;
mod restored;
mod spec;

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::text::{harmless, shown_issue};
use crate::{
    AccountName, AgentName, AnswerBy, Commit, Effect, EffectEntry, EffectId, EffectKind, Issue, IssueId, IssueRef,
    IssueState, Labels, NewPull, Next, Outcome, Project, PromptContext, PromptError, PullWrite, Stage, StageName,
    StageRun, TrackerState, TrackerWrite, VendorName,
};

pub use restored::restoration;
pub use spec::{JobSpec, Profile, Spend};

/// Why work came back to a stage; the next attempt is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The gate that failed, or the stage whose agent said no.
    pub gate: String,
    /// Why.
    pub reason: String,
    /// The last lines of what it printed.
    pub tail: String,
    /// Why it came back to the stage at first, where the stage then failed by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Feedback>>,
}

impl Feedback {
    /// All of it as one, for a prompt: what came first is the end of its tail.
    pub(crate) fn whole(&self) -> Feedback {
        let Some(before) = &self.before else { return self.clone() };
        let mut tail = self.tail.clone();
        if !tail.is_empty() {
            tail.push_str("\n\n");
        }
        tail.push_str(&format!("Before that it came back for this. `{}` says: {}", before.gate, before.reason));
        if !before.tail.is_empty() {
            tail.push_str(&format!("\n\n{}", before.tail));
        }
        Feedback { tail, before: None, ..self.clone() }
    }
}

/// What a job is frozen from.
#[derive(Debug, Clone)]
pub struct JobContext {
    /// The project.
    pub project: Project,
    /// The issue, as the tracker shows it.
    pub issue: Issue,
    /// The stage.
    pub stage: Stage,
    /// What the ledger knows of the issue; `None` before its first attempt.
    pub known: Option<IssueState>,
    /// The agent the plan chose.
    pub agent: Option<AgentName>,
    /// The agent's vendor.
    pub vendor: Option<VendorName>,
    /// The account it is to work with.
    pub account: Option<AccountName>,
    /// How it gives a structured answer.
    pub answer_by: AnswerBy,
    /// The model.
    pub model: Option<String>,
    /// The base branch's commit.
    pub base: Option<Commit>,
    /// The commit to start from.
    pub start: Option<Commit>,
}

/// Why a job could not be frozen or settled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The prompt could not be made.
    #[error("the prompt of stage `{stage}` cannot be made")]
    Prompt {
        /// The stage.
        stage: StageName,
        /// Why.
        #[source]
        source: PromptError,
    },
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What failed.
        what: String,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// A kind of work: it can freeze one piece of it, and say what is written outside when that has ended.
///
/// # Contract
/// - `freeze` with an equal context gives an equal job.
/// - `settle` proposes; what is not in the stage's allow-list, or is not an effect of that issue's
///   project, is not applied. It is called once per ended attempt, after what follows was decided.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Job: Debug + Send + Sync + 'static {
    /// The kind's name.
    fn kind(&self) -> &str;
    /// Freezes the work.
    async fn freeze(&self, context: &JobContext) -> Result<JobSpec, JobError>;
    /// The effects of an ended attempt, in order.
    async fn settle(&self, job: &JobSpec, outcome: &Outcome, next: &Next) -> Result<Vec<Effect>, JobError>;
}

/// The built-in kind: a stage of an issue.
#[derive(Debug, Clone)]
pub struct StageJob {
    /// The labels that carry meaning.
    pub labels: Labels,
    /// The label of each stage that has one.
    pub stage_labels: BTreeMap<StageName, String>,
}

#[async_trait]
impl Job for StageJob {
    fn kind(&self) -> &str {
        "stage"
    }

    async fn freeze(&self, context: &JobContext) -> Result<JobSpec, JobError> {
        freeze_stage(context)
    }

    async fn settle(&self, job: &JobSpec, outcome: &Outcome, next: &Next) -> Result<Vec<Effect>, JobError> {
        Ok(self.effects(job, outcome, next))
    }
}

fn freeze_stage(context: &JobContext) -> Result<JobSpec, JobError> {
    let JobContext { project, issue, stage, known, .. } = context;
    let nothing = BTreeMap::new();
    let shown = shown_issue(issue);
    let feedback = known.as_ref().and_then(|known| known.feedback.as_ref()).map(Feedback::whole);
    let prompt_context = PromptContext {
        project: BTreeMap::from([
            ("name", project.name.as_str()),
            ("kind", project.kind.word()),
            ("base", project.base.as_str()),
            ("focus", project.focus.as_deref().unwrap_or("")),
        ]),
        issue: &shown,
        stage: stage.name.as_str(),
        answer: context.answer_by,
        notes: known.as_ref().map_or(&nothing, |k| &k.notes),
        feedback: feedback.as_ref(),
        child_limit: project.limits.children,
    };
    let prompt = match stage.run {
        StageRun::Agent => stage
            .prompt
            .render(&prompt_context)
            .map_err(|source| JobError::Prompt { stage: stage.name.clone(), source })?,
        StageRun::Land => String::new(),
    };
    let limits = &project.limits;
    Ok(JobSpec {
        kind: "stage".into(),
        issue: IssueRef::new(project.name.clone(), issue.id.clone()),
        trust: issue.least_trust(),
        title: issue.title.clone(),
        milestone: issue.milestone.clone(),
        stage: stage.name.clone(),
        run: stage.run,
        agent: context.agent.clone(),
        vendor: context.vendor.clone(),
        account: context.account.clone(),
        model: context.model.clone(),
        profile: project.profile(issue.least_trust()),
        answer_by: context.answer_by,
        skills: stage.skills.clone(),
        spend: Spend::left(limits, known.as_ref()),
        prompt,
        access: stage.access,
        answer: stage.answer,
        effects: stage.effects.clone(),
        children: limits.children,
        caps: stage.caps.clone(),
        base: context.base.clone(),
        start: context.start.clone(),
        admission: stage.admission.clone(),
        gates: stage.gates.clone(),
        protected: project.protected.clone(),
        diff_lines: limits.diff_lines,
        wall: stage.wall.unwrap_or(limits.wall),
        silence_report: limits.silence_report.min(stage.silence.unwrap_or(limits.silence)),
        silence: stage.silence.unwrap_or(limits.silence),
        grace: limits.grace,
        gate_timeout: limits.gate_timeout,
        sandbox: project.sandbox.spec(issue.least_trust()),
    })
}

impl StageJob {
    fn effects(&self, job: &JobSpec, outcome: &Outcome, next: &Next) -> Vec<Effect> {
        let mut effects = Vec::new();
        let issue = &job.issue.issue;
        let mut tracker = |write| effects.push(Effect::Tracker { project: job.issue.project.clone(), write });
        for write in proposed::writes(job, &self.labels, outcome, next) {
            tracker(write);
        }
        if let Some((label, say)) = self.follow_up(next) {
            if let Some(body) = say {
                tracker(TrackerWrite::Comment { issue: issue.clone(), body });
            }
            tracker(self.move_label(issue, label));
        }
        match next {
            Next::Land { branch, from, to } => {
                effects.insert(
                    0,
                    Effect::Land {
                        project: job.issue.project.clone(),
                        branch: branch.clone(),
                        from: from.clone(),
                        to: to.clone(),
                    },
                );
                effects.extend(self.finish(job, Some(to)));
            }
            Next::Hand { branch, commit, pull } => {
                let (project, branch, commit) = (job.issue.project.clone(), branch.clone(), commit.clone());
                match pull {
                    Some(pull) => {
                        let open = PullWrite::Open(NewPull::clone(pull));
                        let first = [
                            Effect::Push { project: project.clone(), branch, commit },
                            Effect::Pull { project, write: open },
                        ];
                        effects.splice(0..0, first);
                    }
                    None => effects.insert(0, Effect::Branch { project, branch, commit }),
                }
            }
            Next::Finish => effects.extend(self.finish(job, None)),
            _ => {}
        }
        effects
    }

    /// The label and the comment that go with what follows.
    fn follow_up(&self, next: &Next) -> Option<(Option<&str>, Option<String>)> {
        let labels = &self.labels;
        Some(match next {
            Next::Go { stage, .. } => {
                (Some(self.stage_labels.get(stage).map_or(labels.in_progress.as_str(), String::as_str)), None)
            }
            Next::Ask { question } => (Some(labels.needs_clarification.as_str()), Some(harmless(question))),
            Next::Split => (Some(labels.blocked.as_str()), None),
            Next::Block { reason, remedy } => {
                let label = labels.human_needed.as_str();
                let reason = harmless(reason);
                let body = format!("{reason}\n\nWhat helps: {remedy}, then take the label `{label}` away.");
                (Some(label), Some(body))
            }
            // The forge shows the pull request at the issue.
            Next::Hand { pull: Some(_), .. } => (Some(labels.in_review.as_str()), None),
            Next::Hand { branch, .. } => (
                Some(labels.in_review.as_str()),
                Some(format!("The change is ready on the branch `{branch}`. Merge it, or close the issue.")),
            ),
            Next::Land { .. } | Next::Finish => return None,
        })
    }

    fn finish(&self, job: &JobSpec, commit: Option<&Commit>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(commit) = commit {
            let body = format!("Landed as {}.", commit.short());
            effects.push(TrackerWrite::Comment { issue: job.issue.issue.clone(), body });
        }
        effects.extend(close(&self.labels, &job.issue.issue));
        effects.into_iter().map(|write| Effect::Tracker { project: job.issue.project.clone(), write }).collect()
    }

    fn move_label(&self, issue: &IssueId, to: Option<&str>) -> TrackerWrite {
        move_label(&self.labels, issue, to)
    }
}

/// What tells a person that an effect was refused: a comment and the label that holds the issue. After a comment only the
/// label: another comment would be refused, too. After labels nothing.
pub fn refusal_effects(labels: &Labels, entry: &EffectEntry, reason: &str) -> Vec<EffectEntry> {
    let kind = entry.effect.kind();
    if kind == EffectKind::Labels || entry.effect.is_aside() {
        return Vec::new();
    }
    let told = parking_effects(labels, &format!("{}/refused", entry.id), &entry.issue, reason);
    let silent = matches!(kind, EffectKind::Comment | EffectKind::State);
    told.into_iter().skip(usize::from(silent)).collect()
}

/// What tells a person that an issue waits for them: a comment and the label that holds it. Their keys begin with `scope`.
pub fn parking_effects(labels: &Labels, scope: &str, of: &IssueRef, reason: &str) -> Vec<EffectEntry> {
    let (issue, label) = (&of.issue, labels.human_needed.as_str());
    let body = format!("{}\n\nWhat helps: mend the cause, then take the label `{label}` away.", harmless(reason));
    let writes = [TrackerWrite::Comment { issue: issue.clone(), body }, move_label(labels, issue, Some(label))];
    let effects = writes.map(|write| Effect::Tracker { project: of.project.clone(), write });
    key_effects(scope, of, effects.into())
}

/// Takes the issue's exclusive label away and puts `to` in its place. A label that holds the issue stays: a person may
/// have put it on while an attempt ran, and only a person takes it away.
pub(crate) fn move_label(labels: &Labels, issue: &IssueId, to: Option<&str>) -> TrackerWrite {
    let holding = labels.holding();
    let away = labels.exclusive().into_iter().filter(|l| Some(*l) != to && !holding.contains(l));
    TrackerWrite::Labels {
        issue: issue.clone(),
        add: to.iter().map(|l| (*l).to_owned()).collect(),
        remove: away.map(str::to_owned).collect(),
    }
}

/// Closes an issue and takes all its exclusive labels away.
pub(crate) fn close(labels: &Labels, issue: &IssueId) -> [TrackerWrite; 2] {
    let remove = labels.exclusive().into_iter().map(str::to_owned).collect();
    [
        TrackerWrite::Labels { issue: issue.clone(), add: Vec::new(), remove },
        TrackerWrite::State { issue: issue.clone(), state: TrackerState::Closed },
    ]
}

/// Gives effects their keys: the same attempt and place give the same key, and a child has a key of its own.
pub(crate) fn key_effects(scope: &str, issue: &IssueRef, effects: Vec<Effect>) -> Vec<EffectEntry> {
    effects
        .into_iter()
        .enumerate()
        .map(|(n, effect)| EffectEntry { id: EffectId(format!("{scope}/{n}")), issue: issue.clone(), effect })
        .collect()
}

impl JobSpec {
    /// Gives the effects of an attempt their keys, which begin with `scope`: [`State::scope`](crate::State::scope).
    pub fn key_effects(&self, scope: &str, effects: Vec<Effect>) -> Vec<EffectEntry> {
        key_effects(scope, &self.issue, effects)
    }
}

#[cfg(test)]
mod tests;
