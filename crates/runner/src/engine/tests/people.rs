//! What people do while an engine works, and between its runs.

use jiff::SignedDuration;

use super::*;

const ASK: &str = r#"{"version":1,"summary":"unclear","effects":[{"ask":{"question":"Which of the two?"}}]}"#;
const CLEAR: &str = r#"{"version":1,"summary":"clear"}"#;
const SPLIT: &str = r#"{"version":1,"summary":"two changes","effects":[{"split":{"children":[
    {"key":"a","title":"First","body":"Do the first."},{"key":"b","title":"Second"}]}}]}"#;

fn asks_until_answered(attempt: &Attempt) -> MockScript {
    match attempt.job.stage.as_str() {
        "triage" if attempt.job.prompt.contains("The first, please.") => proposes(CLEAR),
        "triage" => proposes(ASK),
        _ => works(attempt),
    }
}

#[tokio::test]
async fn an_issue_that_is_closed_while_its_job_runs_goes_no_further() {
    let world = World::new(&["exec", "merge"]);
    let (file, clock) = (world.issue_file(1), Arc::clone(&world.fixed));
    let script = move |attempt: &Attempt| {
        let text = fs::read_to_string(&file).unwrap().replace("\"open\"", "\"closed\"");
        fs::write(&file, text).unwrap();
        clock.advance(SignedDuration::from_hours(1));
        works(attempt)
    };
    world.run(script).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "closed"));
    assert!(!world.repo.web.join("done.txt").exists(), "nothing of it landed");
}

#[tokio::test]
async fn the_next_stage_sees_the_issue_as_somebody_edited_it_meanwhile() {
    let world = World::new(&["triage", "exec", "merge"]);
    let (file, clock) = (world.issue_file(1), Arc::clone(&world.fixed));
    let script = move |attempt: &Attempt| {
        if attempt.job.stage.as_str() == "exec" {
            return works(attempt);
        }
        let text = fs::read_to_string(&file).unwrap().replace("Do 1.", "Do it otherwise.");
        fs::write(&file, text).unwrap();
        clock.advance(SignedDuration::from_hours(1));
        proposes(CLEAR)
    };
    world.run(script).await;
    assert!(world.prompt(0).contains("Do 1."));
    assert!(world.prompt(1).contains("Do it otherwise.") && !world.prompt(1).contains("Do 1."));
    assert!(fs::read_to_string(world.issue_file(1)).unwrap().contains("Do it otherwise."), "our writes kept the edit");
}

#[tokio::test]
async fn a_question_waits_for_an_answer_which_the_next_attempt_reads() {
    let world = World::new(&["triage", "exec", "merge"]);
    let summary = world.run(asks_until_answered).await;
    assert_eq!((world.phase(1).await, summary.person), ("asked", vec![issue(1)]));
    assert_eq!(world.comments(1).await, ["Which of the two?"]);
    assert_eq!(world.shown(1).await.labels, ["needs-clarification"]);
    world.run(asks_until_answered).await;
    assert_eq!(world.attempts().len(), 1, "nobody has answered");
    world.says(1, "The first, please.").await;
    world.run(asks_until_answered).await;
    assert_eq!(world.attempts(), ["web.1.triage.1", "web.1.triage.2", "web.1.exec.3"]);
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn an_agent_that_needs_a_person_asks_its_question() {
    let world = World::new(&["exec", "merge"]);
    world.run(|_| MockScript::ends(End::NeedsHuman { question: "May I?".into() })).await;
    assert_eq!((world.phase(1).await, world.comments(1).await), ("asked", vec!["May I?".to_owned()]));
    world.says(1, "You may.").await;
    world.run(works).await;
    assert!(world.prompt(1).contains("You may."));
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn what_was_said_before_the_question_is_no_answer() {
    let world = World::new(&["triage", "exec", "merge"]);
    world.says(1, "By the way.").await;
    world.run(asks_until_answered).await;
    world.run(asks_until_answered).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "asked"));
}

#[tokio::test]
async fn a_split_issue_waits_for_its_children_and_is_closed_with_them() {
    let world = World::new(&["triage", "exec", "merge"]);
    let script = |attempt: &Attempt| {
        let file = format!("{}.txt", attempt.job.issue.issue);
        if attempt.job.stage.as_str() == "triage" { proposes(SPLIT) } else { commits(attempt, &[(&file, "")]) }
    };
    let engine = world.builder(world.mock(script)).build();
    let only = Filter { issue: Some(issue(1)), ..Filter::default() };
    finish(&engine, RunOptions { filter: only, ..idle(0) }).await.unwrap();
    assert_eq!(world.phase(1).await, "split");
    let children = [world.shown(2).await, world.shown(3).await];
    for (child, (title, body)) in children.iter().zip([("First", "Do the first."), ("Second", "")]) {
        assert_eq!((child.title.as_str(), child.body.as_str()), (title, body));
        assert_eq!(child.parent.as_ref().unwrap().as_str(), "1");
        assert_eq!(child.labels, ["ready-for-dev"]);
    }
    assert_eq!(world.shown(1).await.labels, ["blocked"]);
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!(world.attempts(), ["web.1.triage.1", "web.2.exec.1", "web.3.exec.1"]);
    assert_eq!((world.phase(1).await, world.shown(1).await.state), ("done", TrackerState::Closed));
    assert_eq!(world.comments(1).await, ["All 2 children are closed.\n\n- [x] #2 First\n- [x] #3 Second"]);
}

#[tokio::test]
async fn a_block_holds_until_its_label_is_taken_away() {
    let world = World::new(&["exec", "merge"]);
    world.run(|_| failed("no")).await;
    world.says(1, "Try again.").await;
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (3, "blocked"), "a comment lifts no block");
    world.edit(1, "\"human-needed\"", "");
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (4, "done"));
    assert!(world.prompt(3).contains("Try again."));
}

#[tokio::test]
async fn a_person_may_hold_an_issue_before_it_begins() {
    let world = World::new(&["exec", "merge"]);
    for (id, label) in [(1, "human-needed"), (2, "blocked"), (3, "needs-clarification")] {
        world.issue(id, &[label]);
    }
    world.run(works).await;
    assert!(world.attempts().is_empty());
    world.edit(2, "blocked", "ready-for-dev");
    world.run(works).await;
    assert_eq!((world.attempts(), world.phase(2).await), (vec!["web.2.exec.1".to_owned()], "done"));
}

#[tokio::test]
async fn a_reopened_issue_starts_anew_from_the_present_base() {
    let world = World::new(&["exec", "merge"]);
    world.run(works).await;
    let base = world.repo.commit(&[("more", "")]);
    world.edit(1, "\"closed\"", "\"open\"");
    world.run(works).await;
    assert_eq!(world.attempts(), ["web.1.exec.1", "web.1.exec.3"]);
    assert_eq!(world.seen.lock().unwrap()[1].1.start, Some(base));
    assert_eq!(fs::read_to_string(world.repo.web.join("done.txt")).unwrap(), "web.1.exec.3");
    assert_eq!(world.comments(1).await.len(), 2, "both landings are told");
}

#[tokio::test]
async fn a_handed_over_issue_that_is_closed_is_left_alone() {
    let mut world = World::new(&["exec", "merge"]);
    world.config.push_str("landing = \"pull-request\"\n");
    world.run(works).await;
    world.edit(1, "\"open\"", "\"closed\"");
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "closed"));
    assert!(!world.repo.web.join("done.txt").exists());
}

#[tokio::test]
async fn a_label_with_which_a_person_holds_an_issue_while_it_is_worked_on_stays() {
    let world = World::new(&["exec", "merge"]);
    let file = world.issue_file(1);
    let progress = Progress::new(move |notice| {
        if matches!(notice, Notice::Event(_, Event::AttemptStarted { .. })) {
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replace("labels = [", "labels = [\"blocked\", ")).unwrap();
        }
    });
    let engine = world.builder(world.mock(works)).progress(progress).build();
    finish(&engine, RunOptions::default()).await.unwrap();
    world.run(works).await;
    assert_eq!((world.words().await, world.phase(1).await), (vec!["succeeded"], "queued"));
    assert!(world.shown(1).await.labels.contains(&"blocked".to_owned()));
}

#[tokio::test]
async fn what_a_person_closes_or_holds_while_it_is_judged_for_the_last_time_does_not_land() {
    for (from, to) in [("state = \"open\"", "state = \"closed\""), ("labels = [", "labels = [\"blocked\", ")] {
        let world = World::new(&["exec", "merge"]);
        let file = world.issue_file(1);
        let progress = Progress::new(move |notice| {
            if let Notice::Event(_, Event::AttemptStarted { attempt, .. }) = notice
                && attempt.as_str().contains("merge")
            {
                let text = fs::read_to_string(&file).unwrap();
                fs::write(&file, text.replace(from, to)).unwrap();
            }
        });
        let engine = world.builder(world.mock(works)).progress(progress).build();
        finish(&engine, RunOptions::default()).await.unwrap();
        finish(&engine, RunOptions::default()).await.unwrap();
        finish(&engine, RunOptions::default()).await.unwrap();
        assert_eq!(world.words().await, ["succeeded", "cancelled"], "{to}");
        assert!(!world.repo.web.join("done.txt").exists());
    }
}

/// Takes its time to write comments that are kept up to date.
#[derive(Debug)]
struct SlowToSay(MarkdownTracker);

#[async_trait::async_trait]
impl Tracker for SlowToSay {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, dayfly_core::TrackerError> {
        self.0.issues(project).await
    }

    async fn milestones(
        &self,
        project: &ProjectName,
    ) -> Result<Vec<dayfly_core::Milestone>, dayfly_core::TrackerError> {
        self.0.milestones(project).await
    }

    async fn apply(
        &self,
        project: &ProjectName,
        key: &str,
        write: &dayfly_core::TrackerWrite,
    ) -> Result<dayfly_core::Applied, dayfly_core::TrackerError> {
        if matches!(write, dayfly_core::TrackerWrite::Sticky { .. }) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        self.0.apply(project, key, write).await
    }
}

/// It was started once as soon as its label had changed, and the end of the second write was impossible then.
#[tokio::test]
async fn an_issue_that_no_ledger_knows_is_not_started_before_triage_has_written_all_that_it_has_to() {
    let mut world = World::new(&["exec", "merge"]);
    world.issue(1, &["needs-clarification"]);
    let question = dayfly_core::TrackerWrite::Comment { issue: IssueId::new("1").unwrap(), body: "Which?".into() };
    world.markdown().apply(&web(), "web.1.exec.1@0123/0", &question).await.unwrap();
    world.says(1, "The first.").await;
    world.tracker = Some(Arc::new(SlowToSay(world.markdown())));
    let working = |attempt: &Attempt| MockScript { after: Duration::from_millis(600), ..works(attempt) };
    let summary = world.run(working).await;
    assert_eq!((summary.triaged.len(), summary.done), (1, vec![issue(1)]));
    let said = world.comments(1).await;
    assert!(said.iter().any(|said| said.contains("is taken up")), "{said:?}");
}
