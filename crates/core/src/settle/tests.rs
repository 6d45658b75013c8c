mod once_more;
mod parked;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::{AttemptId, Child, Config, Phase, Proposal, Receipt, SourceText};

const CONFIG: &str = r#"
version = 1
[agents.script]
kind = "command"
argv = ["agent"]
[projects.web]
path = "web"
"#;

/// The end of a stage of the built-in pipeline, and what was known before.
struct Case {
    pipeline: Pipeline,
    stage: StageName,
    known: IssueState,
    outcome: Outcome,
    retry: Retry,
    parked: bool,
    landing: Option<Next>,
    dice: f64,
}

fn stage(name: &str) -> StageName {
    StageName::new(name).unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Option<Timestamp> {
    Some(now() + SignedDuration::from_secs(seconds))
}

fn earlier() -> Feedback {
    Feedback { gate: "commands".into(), reason: "from before".into(), tail: "old tail".into(), before: None }
}

fn case(at: &str, end: End) -> Case {
    let config = Config::read(&SourceText::new("dayfly.toml", CONFIG), &mut |_| Err("no files".into())).unwrap();
    let project = config.portfolio.projects.into_values().next().unwrap();
    let issue = crate::IssueRef::try_from("web#1".to_owned()).unwrap();
    let known = IssueState {
        title: "Issue 1".into(),
        milestone: None,
        stage: stage(at),
        phase: Phase::Running { attempt: AttemptId::new(&issue, &stage(at), 1) },
        attempts: 1,
        visit_attempts: 0,
        rounds: BTreeMap::new(),
        transient_row: 0,
        stuck_row: 0,
        uncounted: 0,
        unjudged: false,
        unlabelled: false,
        idle_row: 0,
        answered: false,
        tokens: 0,
        usd_micros: 0,
        agent_time: Duration::ZERO,
        feedback: Some(earlier()),
        notes: BTreeMap::new(),
        tip: None,
        landed: None,
        tracker: crate::TrackerKind::default(),
        pull: None,
        work: vec![],
    };
    let receipt = Receipt { tail: "last words".into(), ..Receipt::default() };
    Case {
        pipeline: project.pipeline,
        stage: stage(at),
        known,
        outcome: Outcome { end, proposal: None, commit: None, answer: None, receipt },
        retry: Retry { base: Duration::from_secs(10), max: Duration::from_secs(300), transient: 3 },
        parked: false,
        landing: None,
        dice: 0.5,
    }
}

impl Case {
    fn knowing(mut self, change: impl FnOnce(&mut IssueState)) -> Self {
        change(&mut self.known);
        self
    }

    fn proposing(mut self, effects: Vec<Proposed>) -> Self {
        self.outcome.proposal = Some(Proposal { version: 1, summary: "a summary".into(), verdict: None, effects });
        self
    }

    fn landing(mut self, landing: Next) -> Self {
        self.landing = Some(landing);
        self
    }

    fn next(&self) -> Next {
        next_step(&SettleInput {
            pipeline: &self.pipeline,
            stage: self.pipeline.stage(&self.stage).unwrap(),
            known: &self.known,
            outcome: &self.outcome,
            retry: self.retry,
            parked: self.parked,
            landing: self.landing.clone(),
            now: now(),
            dice: self.dice,
        })
    }

    /// What follows, in one line.
    fn shown(&self) -> String {
        match self.next() {
            Next::Go { stage, feedback, not_before } => {
                let told = feedback.map_or("nothing new".into(), |f| format!("{}: {}", f.gate, f.reason));
                let wait =
                    not_before.map_or(String::new(), |at| format!(", in {} s", at.duration_since(now()).as_secs()));
                format!("{stage}{wait}; told {told}")
            }
            Next::Block { reason, .. } => format!("block: {reason}"),
            Next::Ask { question } => format!("ask: {question}"),
            other => format!("{other:?}"),
        }
    }
}

fn gate_failed() -> End {
    End::GateFailed(GateFailure { gate: "commands".into(), reason: "`make` failed".into(), tail: "line".into() })
}

fn land() -> Next {
    Next::Land { branch: "main".into(), from: Commit("a".into()), to: Commit("b".into()) }
}

fn reason() -> String {
    "why".into()
}

/// Every end there is, with a fresh issue in the middle of the pipeline. The match makes a new end fail to compile
/// until it has its row.
#[test]
fn every_end_of_a_fresh_issue_leads_where_the_documents_say() {
    let hour = Duration::from_secs(3600);
    let rows = [
        (End::Succeeded, "review; told nothing new"),
        (End::NoOp { reason: reason() }, "exec; told exec: no-op: why"),
        (End::TaskFailed { reason: reason() }, "exec; told exec: task-failed: why"),
        (gate_failed(), "exec; told commands: `make` failed"),
        (End::NeedsHuman { question: "Which?".into() }, "ask: Which?"),
        (End::Quota { resets_at: None }, "exec, in 5 s; told commands: from before"),
        (End::ProviderDown { reason: reason() }, "exec, in 5 s; told commands: from before"),
        (End::Auth { reason: reason() }, "block: auth: why."),
        (End::Misconfigured { reason: reason() }, "block: misconfigured: why."),
        (End::PermissionDenied { tools: vec!["Bash".into()] }, "block: permission-denied: Bash."),
        (End::Environment { reason: reason() }, "block: environment: why."),
        (End::Host { reason: reason() }, "exec, in 5 s; told commands: from before"),
        (End::TimedOutWall { limit: hour }, "exec, in 5 s; told commands: from before"),
        (End::TimedOutSilence { limit: hour }, "exec, in 5 s; told commands: from before"),
        (End::Cancelled, "exec; told commands: from before"),
        (End::Lost, "exec, in 0 s; told commands: from before"),
        (End::Unknown { reason: reason() }, "block: unknown: why."),
    ];
    let mut words = std::collections::BTreeSet::new();
    for (end, expected) in rows {
        match &end {
            End::Succeeded
            | End::NoOp { .. }
            | End::TaskFailed { .. }
            | End::GateFailed(_)
            | End::NeedsHuman { .. }
            | End::Quota { .. }
            | End::ProviderDown { .. }
            | End::Auth { .. }
            | End::Misconfigured { .. }
            | End::PermissionDenied { .. }
            | End::Environment { .. }
            | End::Host { .. }
            | End::TimedOutWall { .. }
            | End::TimedOutSilence { .. }
            | End::Cancelled
            | End::Lost
            | End::Unknown { .. } => words.insert(end.word()),
        };
        assert_eq!(case("exec", end.clone()).shown(), expected, "{end}");
    }
    assert_eq!(words.len(), 17, "a row for each end");
}

#[test]
fn a_stage_has_as_many_charged_attempts_as_it_says() {
    for end in [End::TaskFailed { reason: reason() }, gate_failed()] {
        let used = |n| case("exec", end.clone()).knowing(|k| k.visit_attempts = n).shown();
        assert!(used(0).starts_with("exec; told"), "the second of three: {}", used(0));
        assert!(used(1).starts_with("exec; told"), "the third of three: {}", used(1));
        assert!(used(2).starts_with("block: Stage `exec` failed 3 times: "), "{}", used(2));
    }
}

#[test]
fn a_failed_gate_goes_back_as_often_as_its_rounds_last_whatever_the_visit_used() {
    for (at, rounds) in [("review", 3), ("merge", 2)] {
        for used in 0..=rounds {
            let case = case(at, gate_failed()).knowing(|k| {
                k.rounds.insert(stage(at), used);
                k.visit_attempts = 99;
            });
            let expected = if used < rounds {
                "exec; told commands: `make` failed".to_owned()
            } else {
                format!("block: `{at}` sent the work back {rounds} times: commands: `make` failed")
            };
            assert_eq!(case.shown(), expected, "{at} after {used} rounds");
        }
    }
}

#[test]
fn the_rounds_of_one_stage_are_not_those_of_another() {
    let case = case("review", gate_failed()).knowing(|k| {
        k.rounds.insert(stage("merge"), 99);
    });
    assert_eq!(case.shown(), "exec; told commands: `make` failed");
}

#[test]
fn a_reviewer_that_itself_fails_is_tried_again_and_sends_nothing_back() {
    let failed = |used| case("review", End::TaskFailed { reason: reason() }).knowing(|k| k.visit_attempts = used);
    assert_eq!(failed(0).shown(), "review; told review: task-failed: why");
    assert!(failed(2).shown().starts_with("block: Stage `review` failed 3 times"), "{}", failed(2).shown());
}

#[test]
fn only_failures_in_a_row_use_up_what_the_world_may_do() {
    let hour = Duration::from_secs(3600);
    let counted =
        [End::Host { reason: reason() }, End::TimedOutWall { limit: hour }, End::TimedOutSilence { limit: hour }];
    for end in counted {
        let rows = |k: &mut IssueState, n| (k.transient_row, k.stuck_row) = (n, n);
        let row = |n| case("exec", end.clone()).knowing(|k| rows(k, n)).shown();
        assert!(row(1).starts_with("exec, in 10 s"), "the second in a row: {}", row(1));
        assert!(row(2).starts_with("block: Stage `exec` ended 3 times in a row without a result"), "{}", row(2));
    }
    let never = [End::Quota { resets_at: None }, End::ProviderDown { reason: reason() }, End::Lost, End::Cancelled];
    for end in never {
        let shown = case("exec", end.clone()).knowing(|k| (k.transient_row, k.stuck_row) = (1000, 1000)).shown();
        assert!(shown.starts_with("exec"), "{end}: {shown}");
    }
}

#[test]
fn no_end_of_the_world_around_uses_up_attempts_or_loses_the_feedback() {
    for end in [End::Quota { resets_at: None }, End::Lost, End::Cancelled, End::Host { reason: reason() }] {
        let case = case("exec", end.clone()).knowing(|k| k.visit_attempts = 2);
        let Next::Go { stage, feedback, .. } = case.next() else { panic!("{end}: {:?}", case.next()) };
        assert_eq!((stage.as_str(), feedback), ("exec", Some(earlier())), "{end}");
    }
}

#[test]
fn a_quota_is_waited_out_until_the_vendor_said_and_not_less_than_the_spacing() {
    let at = |reset: i64| {
        let case = case("exec", End::Quota { resets_at: after(reset) });
        let Next::Go { not_before, .. } = case.next() else { panic!("{:?}", case.next()) };
        not_before
    };
    assert_eq!(at(7200), after(7200));
    assert_eq!(at(1), after(5), "the spacing is longer");
    assert_eq!(at(-500), after(5), "a reset that has passed");
}

#[test]
fn the_wait_grows_with_the_row_and_is_spread_by_the_dice() {
    let wait = |row, dice| {
        let mut case = case("exec", End::Quota { resets_at: None }).knowing(|k| k.transient_row = row);
        case.dice = dice;
        let Next::Go { not_before, .. } = case.next() else { panic!("{:?}", case.next()) };
        not_before
    };
    assert_eq!(wait(0, 0.0), after(0));
    assert_eq!(
        [wait(0, 1.0), wait(1, 1.0), wait(2, 1.0), wait(40, 1.0)],
        [after(10), after(20), after(40), after(300)]
    );
}

#[test]
fn idleness_is_told_once_and_then_asks_for_a_person() {
    let idle =
        |row| case("exec", End::NoOp { reason: reason() }).knowing(|k| (k.idle_row, k.visit_attempts) = (row, 2));
    assert_eq!(idle(0).shown(), "exec; told exec: no-op: why", "not charged, although the visit has one attempt left");
    assert!(idle(1).shown().ends_with("is done, and changed nothing, twice in a row."), "{}", idle(1).shown());
}

#[test]
fn a_success_goes_on_to_the_next_stage_and_after_the_last_the_issue_is_done() {
    let stages = ["triage", "prep", "exec", "review", "merge"];
    for pair in stages.windows(2) {
        assert_eq!(case(pair[0], End::Succeeded).shown(), format!("{}; told nothing new", pair[1]));
    }
    assert_eq!(case("merge", End::Succeeded).next(), Next::Finish);
}

#[test]
fn a_success_that_lands_leads_to_what_the_landing_says() {
    assert_eq!(case("merge", End::Succeeded).landing(land()).next(), land());
    let hand = Next::Hand { branch: "dayfly/web-1".into(), commit: Commit("b".into()), pull: None };
    assert_eq!(case("merge", End::Succeeded).landing(hand.clone()).next(), hand);
}

#[test]
fn only_a_success_lands() {
    for end in
        [gate_failed(), End::TaskFailed { reason: reason() }, End::Lost, End::Cancelled, End::Quota { resets_at: None }]
    {
        let next = case("merge", end.clone()).landing(land()).next();
        assert!(!matches!(next, Next::Land { .. } | Next::Finish), "{end}: {next:?}");
    }
}

#[test]
fn a_question_and_a_split_go_before_the_next_stage_and_before_the_landing() {
    let ask = || Proposed::Ask { question: "Which?".into() };
    let comment = || Proposed::Comment { body: "seen".into() };
    let split = || Proposed::Split { children: vec![Child { key: "a".into(), title: "A".into(), ..Child::default() }] };
    let with = |effects| case("triage", End::Succeeded).proposing(effects);
    assert_eq!(with(vec![comment(), ask()]).shown(), "ask: Which?");
    assert_eq!(with(vec![comment(), split()]).next(), Next::Split);
    assert_eq!(with(vec![comment()]).shown(), "prep; told nothing new", "a comment alone holds nothing up");
    let asked = case("merge", End::Succeeded).proposing(vec![ask()]).landing(land());
    assert_eq!(asked.shown(), "ask: Which?");
}

#[test]
fn what_an_attempt_proposed_counts_only_if_it_succeeded() {
    let ask = Proposed::Ask { question: "Which?".into() };
    let failed = case("triage", End::TaskFailed { reason: reason() }).proposing(vec![ask]);
    assert_eq!(failed.shown(), "triage; told triage: task-failed: why");
}

#[test]
fn the_next_attempt_is_told_the_last_lines() {
    let tail = |case: Case| {
        let Next::Go { feedback, .. } = case.next() else { panic!("{:?}", case.next()) };
        feedback.unwrap().tail
    };
    assert_eq!(tail(case("exec", gate_failed())), "line", "the gate's own");
    assert_eq!(tail(case("exec", End::TaskFailed { reason: reason() })), "last words", "the agent's");
}

#[test]
fn a_review_that_says_no_passes_its_words_on() {
    let end = End::GateFailed(GateFailure { gate: "verdict".into(), reason: "no".into(), tail: String::new() });
    let mut case = case("review", end).proposing(vec![]);
    case.outcome.proposal.as_mut().unwrap().verdict = Some(VerdictClaim::Fail);
    let Next::Go { stage, feedback: Some(feedback), .. } = case.next() else { panic!("{:?}", case.next()) };
    assert_eq!((stage.as_str(), feedback.tail.as_str()), ("exec", "a summary"));
}

#[test]
fn every_block_says_what_helps() {
    let ends = [
        End::Auth { reason: reason() },
        End::Misconfigured { reason: reason() },
        End::PermissionDenied { tools: vec![] },
        End::Environment { reason: reason() },
        End::Unknown { reason: reason() },
    ];
    let mut remedies = std::collections::BTreeSet::new();
    for end in ends {
        let Next::Block { remedy, .. } = case("exec", end.clone()).next() else { panic!("{end}") };
        assert!(remedies.insert(remedy), "{end}: a remedy of its own");
    }
}

#[test]
fn the_same_input_gives_the_same_step() {
    let case = case("exec", End::Quota { resets_at: None });
    assert_eq!(case.next(), case.next());
    let text = serde_json::to_string(&case.next()).unwrap();
    assert_eq!(serde_json::from_str::<Next>(&text).unwrap(), case.next(), "and survives the ledger");
}

#[test]
fn a_reset_beyond_any_quota_is_not_believed() {
    let case = case("exec", End::Quota { resets_at: after(400 * 24 * 3600) });
    let Next::Go { not_before, .. } = case.next() else { panic!("{:?}", case.next()) };
    assert_eq!(not_before, after(8 * 24 * 3600));
}
