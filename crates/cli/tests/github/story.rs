//! An issue from its label to its milestone.

use dayfly_testkit::github::{BranchRules, CheckState};

use crate::yard::{REPO, Yard};

/// An issue that was asked about and answered, up to its pull request; its number.
async fn to_its_pull_request(yard: &Yard) -> u64 {
    let issue = yard.ann.open_issue(REPO, "Paint the door", "It is grey.");
    let milestone = yard.ann.make_milestone(REPO, "March 2026", Some("2026-03-31T12:00:00Z"));
    yard.ann.set_milestone(REPO, issue, Some(milestone));
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "asked");
    assert_eq!(yard.repo.issue(issue).labels, ["needs-clarification"]);
    let asked = yard.repo.take_comment(issue);
    assert!(asked.body.contains("Which door"), "{}", asked.body);
    assert!(!asked.body.contains(" @everyone"), "nobody is called by what an agent writes: {}", asked.body);
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "asked", "our own question answers nothing");
    yard.ann.comment(REPO, issue, &format!("> {}\n\nthe blue one", asked.body));
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "handed", "{}", yard.told().await);
    issue
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_asked_about_prepared_done_checked_merged_and_counted() {
    let yard = Yard::new("merge = \"engine\"");
    yard.repo.protect("main", BranchRules { checks: vec!["test".into()], ..BranchRules::default() });
    let issue = to_its_pull_request(&yard).await;
    let pull = yard.repo.pulls().pop().unwrap();
    assert!(pull.draft && pull.open && pull.title == "Paint the door", "{pull:?}");
    assert!(
        pull.body.contains(&format!("Closes #{issue}")) && pull.body.contains("| exec | script |"),
        "{}",
        pull.body
    );
    assert!(!pull.body.contains("Fixes #99") && !pull.body.contains(" @ann"), "{}", pull.body);
    assert_eq!(
        yard.repo.git().file(&pull.head, &format!("door-{issue}.txt")).as_deref(),
        Some("blue\n"),
        "{}",
        yard.told().await
    );
    assert_eq!(yard.repo.issue(issue).labels, ["in-review"]);

    yard.check(pull.number, CheckState::Success);
    yard.run().await;
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "done", "{}\n{}", yard.world.snapshot(), yard.server.journal());
    let shown = yard.repo.issue(issue);
    assert!(!shown.open && shown.labels.is_empty(), "{shown:?}");
    assert_eq!(yard.repo.git().file("main", &format!("door-{issue}.txt")).as_deref(), Some("blue\n"));
    assert!(yard.repo.pull(pull.number).merged.is_some());
    assert!(yard.repo.git().head(&pull.head).is_none(), "the branch is gone");
    let standing = yard.repo.take_comment(pull.number);
    assert!(standing.body.contains("This pull request"), "{}", standing.body);
    yard.world.assert_no_unexpected_comments();
    yard.server.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_checks_send_the_work_back_with_their_log() {
    let yard = Yard::new("merge = \"engine\"");
    yard.repo.protect("main", BranchRules { checks: vec!["test".into()], ..BranchRules::default() });
    let issue = to_its_pull_request(&yard).await;
    let pull = yard.repo.pulls().pop().unwrap();
    yard.repo.failing_check(&pull.head_sha, "test", "expected mended\n", vec![]);
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    let again = yard.repo.pull(pull.number);
    assert_ne!(again.head_sha, pull.head_sha, "{}", yard.world.snapshot());
    assert_eq!(yard.repo.git().file(&again.head, &format!("door-{issue}.txt")).as_deref(), Some("mended\n"));
    assert_eq!(yard.repo.pulls().len(), 1, "it is the same pull request");
    yard.server.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_merges_by_a_squash_and_the_issue_is_done() {
    let yard = Yard::new("");
    let issue = to_its_pull_request(&yard).await;
    let pull = yard.repo.pulls().pop().unwrap();
    yard.check(pull.number, CheckState::Success);
    let summary = yard.run().await;
    assert!(!yard.repo.pull(pull.number).draft, "it is ready");
    assert_eq!(summary.person.len(), 1, "it waits for a person: {summary:?}");
    yard.ann.merge_pull(REPO, pull.number);
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "done");
    yard.server.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_lands_on_the_base_of_the_forge_for_those_who_choose_it() {
    let yard = Yard::new("landing = \"direct\"");
    let issue = yard.ann.open_issue(REPO, "Paint the gate", "It needs no question.");
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "done", "{}", yard.world.snapshot());
    assert_eq!(yard.repo.git().file("main", &format!("door-{issue}.txt")).as_deref(), Some("blue\n"));
    assert!(yard.repo.pulls().is_empty());
    assert!(!yard.repo.issue(issue).open);
    yard.server.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_issue_is_split_and_closed_with_its_parts() {
    let yard = Yard::new("landing = \"direct\"");
    let parent = yard.ann.open_issue(REPO, "Paint the house", "SPLIT it.");
    yard.run().await;
    let shown = yard.repo.issue(parent);
    assert_eq!(shown.sub_issues.len(), 2, "{}", yard.world.snapshot());
    yard.world.advance(std::time::Duration::from_secs(60));
    yard.run().await;
    assert_eq!(yard.phase(parent).await, "done", "{}", yard.world.snapshot());
    let summary = yard.repo.take_comment(parent);
    assert!(summary.body.contains("[x]"), "{}", summary.body);
    yard.server.verify();
}
