//! The job as which a project's check of its migrations is run.

use crate::{
    Access, AnswerBy, AnswerRule, IssueId, IssueRef, JobSpec, Profile, Project, ProposalCaps, Spend, StageName,
    StageRun, Trust,
};

/// A job of no issue, without an agent, within the limits of the project and in its sandbox for work of that trust.
pub fn check_job(project: &Project, trust: Trust) -> JobSpec {
    let limits = &project.limits;
    JobSpec {
        kind: "check".into(),
        issue: IssueRef::new(project.name.clone(), IssueId::new("drift").expect("a good id")),
        trust,
        title: format!("whether the migrations of {} are as their record says", project.name),
        milestone: None,
        stage: StageName::new("drift").expect("a good name"),
        run: StageRun::Agent,
        agent: None,
        vendor: None,
        account: None,
        model: None,
        profile: Profile::Untrusted,
        answer_by: AnswerBy::File,
        skills: Vec::new(),
        spend: Spend::default(),
        prompt: String::new(),
        access: Access::Write,
        answer: AnswerRule::None,
        effects: Vec::new(),
        children: 0,
        caps: ProposalCaps::default(),
        base: None,
        start: None,
        admission: Vec::new(),
        gates: Vec::new(),
        protected: Vec::new(),
        diff_lines: 0,
        wall: limits.gate_timeout,
        silence_report: limits.gate_timeout,
        silence: limits.gate_timeout,
        grace: limits.grace,
        gate_timeout: limits.gate_timeout,
        sandbox: project.sandbox.spec(trust),
    }
}
