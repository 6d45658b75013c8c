use proptest::prelude::*;

use super::*;

const LABELS: [&str; 10] = [
    "ready-for-prep",
    "ready-for-dev",
    "in-progress",
    "in-review",
    "needs-clarification",
    "needs-decompose",
    "blocked",
    "human-needed",
    "stale",
    "pinned",
];
const MONTHS: [&str; 5] = ["January 2026", "February 2026", "March 2026", "April 2026", "v1"];

fn when(day: u8) -> Timestamp {
    at("2026-01-01T00:00:00Z") + SignedDuration::from_hours(24 * i64::from(day))
}

fn any_comment() -> impl Strategy<Value = Comment> {
    let body = prop_oneof![Just("yes"), Just("> yes"), Just("\u{1f44d}"), Just("```\nyes\n```"), Just("Which?")];
    let who = (0_u8..4, any::<bool>(), any::<bool>());
    (who, body, 0_u8..90, prop::option::of(prop_oneof![Just("children"), Just("stale"), Just("answer")]), any::<bool>())
        .prop_map(|((who, writer, bot), body, day, topic, hidden)| {
            let trust = if writer { Trust::Writer } else { Trust::Stranger };
            let mut comment = by(["ann", "bob", "eve", "ghost"][usize::from(who)], trust, body);
            comment.author.bot = bot;
            (comment.at, comment.hidden) = (Some(when(day)), hidden);
            if topic.is_some() || body == "Which?" {
                comment.key = Some(if topic.is_some() { "web#1.x/0".into() } else { "web.1.triage.1/0".into() });
            }
            comment.topic = topic.map(str::to_owned);
            comment
        })
}

fn any_issue() -> impl Strategy<Value = Issue> {
    let facts = (0_u8..90, 0_u8..3, prop::collection::vec(1_u32..8, 0..3), any::<bool>());
    let labels = prop::collection::vec(0..LABELS.len(), 0..4);
    let comments = prop::collection::vec(any_comment(), 0..4);
    let place = (prop::option::of(0..MONTHS.len()), prop::option::of(1_u32..8), any::<bool>());
    (facts, labels, comments, place).prop_map(|((day, part, blockers, known), labels, comments, place)| {
        let (month, parent, open) = place;
        let mut issue = blank(1);
        issue.labels = labels.into_iter().map(|n| LABELS[n].to_owned()).collect();
        issue.labels.sort();
        issue.labels.dedup();
        // Of each topic there is one comment.
        for comment in comments {
            if comment.topic.is_none() || !issue.comments.iter().any(|c| c.topic == comment.topic) {
                issue.comments.push(comment);
            }
        }
        issue.milestone = month.map(|n| MONTHS[n].to_owned());
        issue.parent = parent.map(id);
        issue.state = if open { TrackerState::Open } else { TrackerState::Closed };
        issue.facts.part = (part > 0).then(|| format!("part-{part}"));
        issue.facts.active = known.then(|| when(day));
        issue.facts.blocked_by = blockers.iter().map(ToString::to_string).collect();
        issue
    })
}

fn any_world() -> impl Strategy<Value = World> {
    let busy = prop::collection::vec(0_u8..6, 8);
    (prop::collection::vec(any_issue(), 0..8), busy, prop::collection::vec(any::<bool>(), 5), 1_u32..40).prop_map(
        |(issues, busy, months, writes)| {
            let mut world = World::new();
            world.portfolio.triage.roll_over = RollOver::Month;
            world.portfolio.triage.writes = writes;
            for (n, mut issue) in (1..).zip(issues) {
                issue.id = id(n);
                issue.parent = issue.parent.filter(|parent| *parent != issue.id);
                world.view.issues.push(issue);
            }
            for (n, busy) in (1_u32..).zip(busy.into_iter().take(world.view.issues.len())) {
                match busy {
                    0 => world.known(n, Phase::Running { attempt: AttemptId::from_text("web.1.exec.1") }),
                    1 => world.known(n, Phase::Queued { not_before: None }),
                    2 => world.pending(n),
                    _ => {}
                }
            }
            for (title, there) in MONTHS.into_iter().zip(months) {
                if there {
                    world.milestone(title, None);
                }
            }
            world
        },
    )
}

/// Runs until nothing is found; gives the writes in the order in which they were done.
fn run_to_the_end(world: &mut World) -> Vec<TrackerWrite> {
    let mut done = Vec::new();
    for _ in 0..200 {
        let findings = world.triage();
        if findings.is_empty() {
            return done;
        }
        for finding in findings {
            world.do_writes(&finding.writes);
            done.extend(finding.writes);
        }
    }
    panic!("it never ends: {}", world.found());
}

fn copy(world: &World) -> World {
    let World { portfolio, state, view, now, zone } = world;
    World { portfolio: portfolio.clone(), state: state.clone(), view: view.clone(), now: *now, zone: zone.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_is_bounded_the_same_each_time_and_leaves_nothing_to_do(mut world in any_world()) {
        let findings = world.triage();
        prop_assert_eq!(&findings, &world.triage());
        let writes = findings.iter().map(|f| f.writes.len()).sum::<usize>();
        prop_assert!(writes <= world.portfolio.triage.writes as usize);
        prop_assert!(findings.iter().all(|f| !f.writes.is_empty() && !f.key.is_empty()));
        world.portfolio.triage.writes = 10_000;
        let found = world.found();
        for finding in world.triage() {
            world.do_writes(&finding.writes);
        }
        prop_assert_eq!(world.found(), "", "after {}", found);
    }

    #[test]
    fn what_is_busy_is_neither_written_to_nor_spoken_for(world in any_world()) {
        let is_busy = |issue: &IssueId| {
            let name = IssueRef::new(world.name(1).project, issue.clone());
            let running = |known: &IssueState| matches!(known.phase, Phase::Running { .. });
            world.state.issues.get(&name).is_some_and(running) || world.state.has_pending(&name)
        };
        for finding in world.triage() {
            prop_assert!(!is_busy(&finding.issue), "{:?}", finding);
            for write in &finding.writes {
                prop_assert!(write.issue().is_none_or(|issue| !is_busy(issue)), "{:?}", write);
            }
        }
    }

    #[test]
    fn what_waits_to_be_written_is_not_asked_for_again(mut world in any_world(), done in 0_usize..12) {
        world.portfolio.triage.writes = 10_000;
        let found = world.triage();
        for finding in &found {
            let (done, rest) = finding.writes.split_at(done.min(finding.writes.len()));
            world.do_writes(done);
            for write in rest {
                world.queue(&finding.issue, write.clone());
            }
        }
        let waits: Vec<&TrackerWrite> = found.iter().flat_map(|f| f.writes.iter().skip(done)).collect();
        // The month that comes next may be asked for by two months that are over.
        let next = |write: &TrackerWrite| matches!(write, TrackerWrite::Milestone { state: TrackerState::Open, .. });
        for write in world.triage().iter().flat_map(|f| &f.writes).filter(|w| !next(w)) {
            prop_assert!(!waits.contains(&write), "{:?}", write);
        }
    }

    #[test]
    fn killed_at_any_write_it_comes_to_the_same_end(world in any_world(), cuts in prop::collection::vec(0_usize..12, 0..6)) {
        let mut whole = copy(&world);
        run_to_the_end(&mut whole);
        let mut cut = world;
        for at in cuts {
            let writes: Vec<TrackerWrite> = cut.triage().into_iter().flat_map(|f| f.writes).collect();
            cut.do_writes(&writes[..at.min(writes.len())]);
        }
        run_to_the_end(&mut cut);
        for (one, other) in whole.view.issues.iter().zip(&cut.view.issues) {
            let sorted = |issue: &Issue| {
                let mut labels = issue.labels.clone();
                labels.sort();
                labels
            };
            prop_assert_eq!(sorted(one), sorted(other));
            prop_assert_eq!((&one.milestone, one.state), (&other.milestone, other.state));
            let topics = |issue: &Issue| issue.comments.iter().filter_map(|c| c.topic.clone()).collect::<Vec<_>>();
            let mut told = topics(other);
            told.sort();
            let all = told.len();
            told.dedup();
            prop_assert_eq!(told.len(), all, "one comment for each topic");
        }
        prop_assert_eq!(whole.view.milestones, cut.view.milestones);
        let summaries = cut.view.issues.iter().flat_map(|i| &i.comments).filter_map(|c| c.topic.as_deref());
        let mut summaries: Vec<&str> = summaries.filter(|topic| topic.starts_with("roll-over")).collect();
        summaries.sort_unstable();
        prop_assert!(summaries.windows(2).all(|two| two[0] != two[1]), "one summary of a month: {:?}", summaries);
    }

    #[test]
    fn an_answer_sends_an_issue_on_once_and_we_never_do(
        steps in prop::collection::vec((0_u8..6, any_comment()), 1..24)
    ) {
        let mut world = World::new();
        world.portfolio.triage.stale_after = None;
        world.portfolio.triage.answers = Answers::Anyone;
        world.labelled(1, &["needs-clarification"]).comments =
            vec![Comment { at: Some(when(0)), ..own("web.1.triage.1/0", "Which?") }];
        let (mut answers, mut sent_on, mut fresh) = (0, 0, false);
        for (n, (step, comment)) in (1_u8..).zip(steps) {
            let mut next = Comment { at: Some(when(n)), key: None, topic: None, ..comment };
            match step {
                // A person or a bot says something, or nothing but a quote.
                0 | 1 => {
                    if !next.author.bot && !next.hidden && !crate::text::said(&next.body).is_empty() {
                        answers += 1;
                        fresh = true;
                    }
                    world.issue(1).comments.push(next);
                }
                // We do, with a person's login.
                2 => {
                    next.key = Some(format!("web#1.other.{n}/0"));
                    world.issue(1).comments.push(next);
                }
                // A person puts the label back; then only what is said from now on counts.
                3 => {
                    world.labelled(1, &["needs-clarification"]);
                }
                _ => {
                    let found = world.found();
                    world.settled();
                    if found.contains("clarify") {
                        prop_assert!(fresh, "sent on without an answer: {}", found);
                        sent_on += 1;
                        fresh = false;
                    }
                }
            }
        }
        prop_assert!(sent_on <= answers, "{} answers, sent on {} times", answers, sent_on);
        world.labelled(1, &["needs-clarification"]);
        prop_assert_eq!(world.found().contains("clarify"), fresh, "the last answer is not lost");
    }
}
