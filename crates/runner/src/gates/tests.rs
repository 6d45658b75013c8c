//! Gates on facts, and the order in which gates are asked. Those that run something are in `commands`.

mod commands;

use dayfly_core::{Author, Commit, Issue, IssueId, JobSpec, Proposal, TrackerState, Trust, gate_fn};

use super::*;
use crate::subprocess::test_job;

fn commit(name: &str) -> Commit {
    Commit(name.into())
}

/// Work that every gate lets pass: one commit that changes `src/a.rs`.
fn work() -> WorkFacts {
    WorkFacts {
        tree: "/nowhere".into(),
        base: commit("base"),
        start: commit("base"),
        commit: commit("tip"),
        descends: true,
        dirty: vec![],
        changed: vec!["src/a.rs".into()],
        diff_lines: 2,
        proposal: Some(Proposal {
            version: 1,
            summary: "read it".into(),
            verdict: Some(VerdictClaim::Pass),
            effects: vec![],
        }),
    }
}

fn subject(work: WorkFacts) -> Subject {
    let job = JobSpec { diff_lines: 10, protected: vec![".dayfly/**".into(), "CI*".into()], ..test_job() };
    let issue = Issue {
        id: IssueId::new("7").unwrap(),
        title: "a title".into(),
        body: String::new(),
        labels: vec!["approved".into()],
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("ann", Trust::Writer),
        parent: None,
        comments: vec![],
        facts: dayfly_core::IssueFacts::default(),
    };
    Subject { job, issue, work: Some(work) }
}

/// What a gate says of work that is good but for a change.
async fn said(gate: &str, change: impl FnOnce(&mut WorkFacts)) -> Verdict {
    let mut work = work();
    change(&mut work);
    FactGate::new(&gate.parse().unwrap()).unwrap().check(&subject(work)).await.unwrap()
}

async fn passes(gate: &str, change: impl FnOnce(&mut WorkFacts)) {
    assert_eq!(said(gate, change).await, Verdict::Pass);
}

/// The reason and the tail of a gate that fails.
async fn failed(gate: &str, change: impl FnOnce(&mut WorkFacts)) -> (String, String) {
    match said(gate, change).await {
        Verdict::Fail { reason, tail } => (reason, tail),
        other => panic!("{gate}: {other:?}"),
    }
}

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn good_work_passes_every_gate() {
    for gate in ["clean-tree", "new-commits", "protected-paths", "diff-size", "verdict", "label:approved"] {
        passes(gate, |_| {}).await;
    }
    passes("untouched", |work| work.commit = work.start.clone()).await;
}

#[tokio::test]
async fn what_is_not_committed_is_listed() {
    let (reason, tail) = failed("clean-tree", |work| work.dirty = paths(&["a", "b c"])).await;
    assert!(reason.contains("not committed"), "{reason}");
    assert_eq!(tail, "a\nb c");
}

#[tokio::test]
async fn a_long_list_is_cut_and_says_by_how_much() {
    let (reason, tail) =
        failed("clean-tree", |work| work.dirty = (0..1000).map(|n| format!("file {n}")).collect()).await;
    assert!(reason.contains("not committed") && reason.len() < 100, "{reason}");
    assert_eq!(tail.lines().count(), 21);
    assert!(tail.ends_with("file 19\nand 980 more"), "{tail}");
}

#[tokio::test]
async fn commits_must_be_there_descend_and_change_something() {
    let told = failed("new-commits", |work| work.commit = work.base.clone()).await.0;
    assert_eq!(told, "there is no commit");
    let told = failed("new-commits", |work| work.descends = false).await.0;
    assert_eq!(told, "the commit tip does not descend from base");
    let told = failed("new-commits", |work| work.changed.clear()).await.0;
    assert_eq!(told, "the commits change nothing");
}

#[tokio::test]
async fn commits_of_earlier_attempts_count_as_commits() {
    passes("new-commits", |work| work.start = work.commit.clone()).await;
}

#[tokio::test]
async fn a_stage_that_may_only_read_may_neither_commit_nor_leave_anything() {
    let told = failed("untouched", |_| {}).await.0;
    assert_eq!(told, "this stage may only read, and there are new commits");
    let left = |work: &mut WorkFacts| {
        work.commit = work.start.clone();
        work.dirty = paths(&["notes.txt"]);
    };
    let (reason, tail) = failed("untouched", left).await;
    assert!(reason.starts_with("this stage may only read"), "{reason}");
    assert_eq!(tail, "notes.txt");
}

#[tokio::test]
async fn a_protected_path_may_not_be_changed_whether_committed_or_not() {
    for name in [".dayfly/gates.toml", ".dayfly/deep/er", "CI.yml", ".Dayfly/gates.toml"] {
        let (reason, tail) = failed("protected-paths", |work| work.changed = paths(&["src/a.rs", name])).await;
        assert!(reason.contains("protected paths are changed"), "{reason}");
        assert_eq!(tail, name);
        assert_eq!(failed("protected-paths", |work| work.dirty = paths(&[name])).await.1, name);
    }
    for name in ["dayfly/gates.toml", "src/CI.yml", "x.dayfly/y"] {
        passes("protected-paths", |work| work.changed = paths(&[name])).await;
    }
}

#[tokio::test]
async fn a_pattern_that_cannot_be_read_is_an_error_and_no_pass() {
    let mut subject = subject(work());
    subject.job.protected = paths(&["a[b"]);
    let err = FactGate::new(&GateSpec::ProtectedPaths).unwrap().check(&subject).await.unwrap_err();
    assert_eq!(err.gate, "protected-paths");
    assert!(err.reason.contains("a[b"), "{err}");
}

#[tokio::test]
async fn a_change_may_be_as_large_as_the_limit_and_no_larger() {
    passes("diff-size", |work| work.diff_lines = 10).await;
    let told = failed("diff-size", |work| work.diff_lines = 11).await.0;
    assert_eq!(told, "the change has 11 lines, at most 10 are allowed");
}

#[tokio::test]
async fn a_review_that_asks_for_changes_fails_with_its_words() {
    let says_no = |work: &mut WorkFacts| work.proposal.as_mut().unwrap().verdict = Some(VerdictClaim::Fail);
    assert_eq!(failed("verdict", says_no).await, ("the review asks for changes".into(), "read it".into()));
    assert_eq!(failed("verdict", |work| work.proposal = None).await.0, "there is no verdict");
    let silent = |work: &mut WorkFacts| work.proposal.as_mut().unwrap().verdict = None;
    assert_eq!(failed("verdict", silent).await.0, "there is no verdict");
}

#[tokio::test]
async fn a_label_that_is_missing_holds_and_is_no_failure() {
    let held = said("label:signed-off", |_| {}).await;
    assert_eq!(held, Verdict::Hold { reason: "the issue does not carry the label signed-off".into(), until: None });
}

#[tokio::test]
async fn a_gate_on_work_cannot_judge_before_there_is_work() {
    let before = Subject { work: None, ..subject(work()) };
    for gate in ["clean-tree", "new-commits", "untouched", "protected-paths", "diff-size", "verdict"] {
        let err = FactGate::new(&gate.parse().unwrap()).unwrap().check(&before).await.unwrap_err();
        assert_eq!((err.gate.as_str(), err.reason.as_str()), (gate, "it judges work, and is listed before the work"));
    }
    Gates::default().check(&[GateSpec::Commands], &before, None).await.unwrap_err();
}

#[tokio::test]
async fn gates_are_asked_in_order_up_to_the_first_that_does_not_pass() {
    let mut gates = Gates::default();
    gates.add(Arc::new(gate_fn("no", |_| Verdict::Fail { reason: "because".into(), tail: "t".into() })));
    gates.add(Arc::new(gate_fn("never", |_| panic!("it is not asked"))));
    let specs = ["new-commits", "custom:no", "custom:never"].map(|name| name.parse().unwrap());
    let results = gates.check(&specs, &subject(work()), None).await.unwrap();
    let shown: Vec<&str> = results.iter().map(|result| result.gate.as_str()).collect();
    assert_eq!(shown, ["new-commits", "custom:no"]);
    assert_eq!(results[1].verdict, Verdict::Fail { reason: "because".into(), tail: "t".into() });
}

#[tokio::test]
async fn a_gate_that_nobody_registered_is_an_error_and_no_pass() {
    let specs = [GateSpec::Custom("unknown".into())];
    let err = Gates::default().check(&specs, &subject(work()), None).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        "the gate `unknown` could not be checked: no gate of that name was registered with the engine"
    );
}

#[tokio::test]
async fn a_protected_path_in_another_case_is_protected() {
    for (pattern, path) in [("CLAUDE.md", "claude.md"), ("secrets/**", "Secrets/key")] {
        let mut s = subject(work());
        s.job.protected = vec![pattern.into()];
        s.work.as_mut().unwrap().changed = vec![path.into()];
        let verdict = FactGate::new(&GateSpec::ProtectedPaths).unwrap().check(&s).await.unwrap();
        assert_ne!(verdict, Verdict::Pass, "{pattern}");
    }
}
