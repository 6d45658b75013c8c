//! The steps an issue goes through, as data.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AgentName, GateSpec, PromptTemplate, ProposalCaps, StageName};

/// The stages of a project, in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pipeline {
    /// The stages; an issue enters at the first, or where a label says.
    pub stages: Vec<Stage>,
    /// How often a failure of a stage after review may lead back, over an issue's life.
    pub loop_backs: u32,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: StageName,
    /// What it runs.
    pub run: StageRun,
    /// What its job may do to the working copy.
    pub access: Access,
    /// The agents, most wanted first.
    pub agents: Vec<Choice>,
    /// What happens when the first agent has no capacity.
    pub fallback: Fallback,
    /// Whether the agent must write a proposal.
    pub answer: AnswerRule,
    /// The effects its agent may propose: `ask`, `split`, `comment`, `label`, `create`.
    pub effects: Vec<String>,
    /// How much of them.
    pub caps: ProposalCaps,
    /// What the agent is told.
    pub prompt: PromptTemplate,
    /// Skills of the repository that its agent must have found.
    pub skills: Vec<String>,
    /// The checks before it starts.
    pub admission: Vec<GateSpec>,
    /// The checks before its work counts.
    pub gates: Vec<GateSpec>,
    /// Where a failed gate or verdict leads; the stage itself if none is named.
    pub on_fail: StageName,
    /// How often a failed gate or verdict may lead back to an earlier stage, over an issue's life.
    pub rounds: u32,
    /// How many charged attempts one visit to the stage may use.
    pub attempts: u32,
    /// The label with which a person may send an issue straight to this stage.
    pub entry_label: Option<String>,
    /// The label an issue carries while it is at this stage.
    pub label: Option<String>,
    /// Overrides the project's wall-clock limit.
    pub wall: Option<Duration>,
    /// Overrides the project's silence limit.
    pub silence: Option<Duration>,
}

/// An agent that a stage may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The agent.
    pub agent: AgentName,
    /// The model; without one it is the agent's own.
    pub model: Option<String>,
}

impl Choice {
    /// An agent with its own model.
    pub fn of(agent: AgentName) -> Self {
        Self { agent, model: None }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}:{model}", self.agent),
            None => write!(f, "{}", self.agent),
        }
    }
}

/// What a stage runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageRun {
    /// An agent.
    Agent,
    /// The engine's own landing of the change on the base branch.
    Land,
}

/// What a job may do to the working copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It may only read; a change fails the attempt.
    Read,
    /// It may change and commit.
    Write,
}

/// What happens when the first agent of a stage has no capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// The issue waits until it has.
    Strict,
    /// The next agent of the list is used, and the substitution is recorded.
    Chain,
}

/// Whether an agent must write a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerRule {
    /// A proposal is not read.
    None,
    /// It is read if it is there.
    Optional,
    /// Without it the attempt has failed.
    Required,
    /// It must be there and carry a verdict.
    Verdict,
}

/// How many stage executions an issue may cause at the worst, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstCase {
    /// The sum.
    pub total: u32,
    /// Its parts, for a message.
    pub parts: Vec<String>,
}

impl WorstCase {
    /// A pipeline over this many stage executions for one issue is refused.
    pub const MOST: u32 = 48;
}

impl Pipeline {
    /// The stage of that name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|s| s.name == *name)
    }

    /// The place of the stage of that name.
    pub fn position(&self, name: &StageName) -> Option<usize> {
        self.stages.iter().position(|s| s.name == *name)
    }

    /// The stage after that one.
    pub fn after(&self, name: &StageName) -> Option<&Stage> {
        self.stages.get(self.position(name)? + 1)
    }

    /// The last stage whose change would be on no branch: it writes, and no stage lands what it wrote.
    pub fn unlanded(&self) -> Option<&Stage> {
        let lands = self.stages.iter().any(|s| s.run == StageRun::Land);
        self.stages.iter().rfind(|s| !lands && s.run == StageRun::Agent && s.access == Access::Write)
    }

    /// The most stage executions one issue can cause, every charged attempt and loop-back used.
    ///
    /// The count of loop-backs of a stage holds for the life, so the parts add up: one pass
    /// with all attempts, and for each loop-back one more pass from where it leads.
    pub fn worst_case(&self) -> WorstCase {
        let attempts = |range: &[Stage]| range.iter().fold(0, |sum: u32, stage| sum.saturating_add(stage.attempts));
        let once = attempts(&self.stages);
        let mut total = once;
        let mut parts = vec![format!("one pass with all attempts: {once}")];
        for (at, stage) in self.stages.iter().enumerate() {
            let Some(to) = self.position(&stage.on_fail).filter(|to| *to < at) else { continue };
            let pass = attempts(&self.stages[to..=at]);
            let sum = stage.rounds.saturating_mul(pass);
            total = total.saturating_add(sum);
            parts.push(format!("{} back to {}: {} × {pass} = {sum}", stage.name, stage.on_fail, stage.rounds));
        }
        WorstCase { total, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_case_of_absurd_bounds_is_absurd_and_no_overflow() {
        let stage = |name: &str, on_fail: &str| Stage {
            name: StageName::new(name).unwrap(),
            run: StageRun::Agent,
            access: Access::Write,
            agents: vec![],
            fallback: Fallback::Strict,
            answer: AnswerRule::None,
            effects: vec![],
            caps: ProposalCaps::default(),
            prompt: PromptTemplate::new("").unwrap(),
            skills: vec![],
            admission: vec![],
            gates: vec![],
            on_fail: StageName::new(on_fail).unwrap(),
            rounds: u32::MAX,
            attempts: u32::MAX,
            entry_label: None,
            label: None,
            wall: None,
            silence: None,
        };
        let stages = vec![stage("exec", "exec"), stage("review", "exec")];
        assert_eq!(Pipeline { stages, loop_backs: u32::MAX }.worst_case().total, u32::MAX);
    }
}
