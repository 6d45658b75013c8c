//! Why the work had come back to a stage is said until the stage has gone well.

use super::*;

fn told(case: &Case) -> Feedback {
    let Next::Go { feedback: Some(feedback), .. } = case.next() else { panic!("{:?}", case.next()) };
    feedback
}

#[test]
fn a_stage_that_fails_by_itself_does_not_forget_why_the_work_came_back_to_it() {
    for end in [End::TaskFailed { reason: "out of words".into() }, End::NoOp { reason: "nothing".into() }] {
        let first = told(&case("exec", end.clone()));
        assert_eq!(first.before.as_deref(), Some(&earlier()), "{end}");
        // The next failure is told, the one before it no more, and why the work came back still.
        let rows = u32::from(matches!(end, End::NoOp { .. }));
        let second = case("exec", gate_failed()).knowing(|known| {
            (known.visit_attempts, known.idle_row) = (1 - rows, rows);
            known.feedback = Some(first.clone());
        });
        let second = told(&second);
        assert_eq!((second.gate.as_str(), second.before.as_deref()), ("commands", Some(&earlier())), "{end}");
        let whole = second.whole();
        assert_eq!(
            (whole.tail.as_str(), whole.before),
            ("line\n\nBefore that it came back for this. `commands` says: from before\n\nold tail", None)
        );
    }
}

#[test]
fn what_a_stage_said_of_itself_before_is_not_why_the_work_came_back() {
    let own = Feedback { gate: "exec".into(), reason: "by itself".into(), tail: String::new(), before: None };
    let second = case("exec", gate_failed()).knowing(|known| {
        known.visit_attempts = 1;
        known.feedback = Some(own);
    });
    assert_eq!(told(&second).before, None);
}
