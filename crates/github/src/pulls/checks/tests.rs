use super::*;

fn check(name: &str, end: End, required: bool) -> Check {
    Check { name: name.into(), end, required, url: None, found: vec!["it says why".into()] }
}

fn names(checks: &Checks) -> Vec<&str> {
    match checks {
        Checks::Failed(failed) => failed.iter().map(|f| f.name.as_str()).collect(),
        Checks::Pending(names) => names.iter().map(String::as_str).collect(),
        _ => vec![],
    }
}

#[test]
fn without_a_rule_all_count() {
    assert_eq!(judged(&[]), Checks::None);
    assert_eq!(judged(&[check("a", End::Passed, false)]), Checks::Passed);
    let failed = judged(&[check("a", End::Waiting, false), check("b", End::Failed, false)]);
    assert!(matches!(failed, Checks::Failed(_)) && names(&failed) == ["b"]);
    let waiting = judged(&[check("a", End::Waiting, false), check("b", End::Passed, false)]);
    assert!(matches!(waiting, Checks::Pending(_)) && names(&waiting) == ["a"]);
}

#[test]
fn with_a_rule_the_others_do_not_count() {
    let list = [check("must", End::Passed, true), check("may", End::Failed, false), check("late", End::Waiting, false)];
    assert_eq!(judged(&list), Checks::Passed);
    let list = [check("must", End::Failed, true), check("may", End::Failed, false)];
    assert_eq!(names(&judged(&list)), ["must"]);
    let list = [check("must", End::Waiting, true), check("may", End::Failed, false)];
    assert_eq!(names(&judged(&list)), ["must"]);
}

#[test]
fn an_end_that_says_nothing_of_the_change_sends_no_work_back() {
    for conclusion in ["CANCELLED", "stale", "action_required"] {
        assert_eq!(End::of_run("COMPLETED", Some(conclusion)), End::Waiting, "{conclusion}");
    }
    for conclusion in ["SUCCESS", "neutral", "skipped"] {
        assert_eq!(End::of_run("completed", Some(conclusion)), End::Passed, "{conclusion}");
    }
    for conclusion in ["FAILURE", "timed_out", "startup_failure", "something_new"] {
        assert_eq!(End::of_run("completed", Some(conclusion)), End::Failed, "{conclusion}");
    }
    assert_eq!(End::of_run("in_progress", None), End::Waiting);
    assert_eq!(End::of_run("SOMETHING_NEW", None), End::Waiting);
    let states = ["success", "FAILURE", "error", "pending", "EXPECTED"].map(End::of_status);
    assert_eq!(states, [End::Passed, End::Failed, End::Failed, End::Waiting, End::Waiting]);
}

#[test]
fn a_job_is_known_by_its_page() {
    assert_eq!(job_in("https://github.com/o/r/actions/runs/12/job/345"), Some(345));
    assert_eq!(job_in("https://github.com/o/r/actions/runs/12/job/345?pr=6"), Some(345));
    assert_eq!(job_in("https://ci.example/build/7"), None);
    assert_eq!(job_in("https://github.com/o/r/actions/runs/12"), None);
}

#[test]
fn what_a_check_says_is_bounded() {
    assert_eq!(cut(&"é".repeat(5000)).len(), 4000);
    assert_eq!(cut(" a\u{1b}[31mb "), "ab");
}
