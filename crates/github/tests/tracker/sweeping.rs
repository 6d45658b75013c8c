//! What looking costs, and what is made of repositories that are gone, renamed or slow.

use std::time::Duration;

use dayfly_core::{ForgeRepo, Issue, ProjectName, Tracker, TrackerError, TrackerWrite};
use dayfly_testkit::github::{Fault, Match, Permission};

use crate::world::{Stage, WEB, Web, id};

/// What is read at first and once more: then nothing in the same second can have been missed.
async fn settled(web: &Web) -> Vec<Issue> {
    web.later().await;
    web.later().await
}

async fn all(web: &Web, names: &[String]) -> Vec<Result<Vec<Issue>, TrackerError>> {
    let mut tasks = tokio::task::JoinSet::new();
    for (n, name) in names.iter().enumerate() {
        let (tracker, project) = (web.tracker.clone(), ProjectName::new(name.clone()).unwrap());
        tasks.spawn(async move { (n, tracker.issues(&project).await) });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, issues)| issues).collect()
}

#[tokio::test]
async fn a_look_at_what_did_not_change_costs_one_question() {
    let stage = Stage::new();
    let web = stage.open();
    let number = stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    let before = settled(&web).await;
    let mark = stage.server.journal().len();
    assert_eq!(web.later().await, before);
    let cost = stage.server.journal().since(mark);
    assert_eq!((cost.graphql_calls(), cost.len()), (1, 1), "{cost}");

    let mark = stage.server.journal().len();
    web.issues().await;
    assert_eq!(stage.server.journal().len(), mark, "what was seen a moment ago is not asked for");

    web.tracker.hint(&ForgeRepo::new(WEB).unwrap());
    stage.person("ann", Permission::Write).comment(WEB, number, "hello");
    assert_eq!(web.issues().await[0].comments.len(), 1, "a hint makes it be read at once");
}

#[tokio::test]
async fn a_new_process_reads_only_what_changed() {
    let stage = Stage::new();
    let ann = stage.person("ann", Permission::Write);
    let numbers = [1, 2, 3].map(|n| ann.open_issue(WEB, &format!("issue {n}"), "text"));
    ann.comment(WEB, numbers[0], "hello");
    let before = settled(&stage.open()).await;
    let mark = stage.server.journal().len();
    assert_eq!(stage.open().later().await, before);
    let cost = stage.server.journal().since(mark);
    assert_eq!((cost.graphql_calls(), cost.paid_rest()), (1, 1), "the question, and who dayfly is: {cost}");
    std::fs::write(stage.folder().join("seen/acme+web.json"), "{\"version\":").unwrap();
    assert_eq!(stage.open().later().await, before, "what cannot be read is read anew");
}

#[tokio::test]
async fn all_who_ask_at_the_same_time_share_one_sweep() {
    let stage = Stage::new();
    let ann = stage.person("ann", Permission::Admin);
    let names: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    let repos: Vec<String> = names.iter().map(|name| format!("acme/{name}")).collect();
    for repo in &repos {
        stage.world.repo(repo);
        ann.open_issue(repo, repo, "");
    }
    let web = stage.open_for(&repos.iter().map(String::as_str).collect::<Vec<_>>());
    let seen = all(&web, &names).await;
    for (issues, repo) in seen.iter().zip(&repos) {
        assert_eq!(issues.as_ref().unwrap()[0].title, *repo);
    }
    assert_eq!(stage.server.journal().graphql_calls(), 1, "{}", stage.server.journal());
}

#[tokio::test]
async fn half_an_answer_is_none_and_half_a_question_is_asked() {
    let stage = Stage::new();
    let names: Vec<String> = (0..4).map(|n| format!("p{n}")).collect();
    let repos: Vec<String> = names.iter().map(|name| format!("acme/{name}")).collect();
    repos.iter().for_each(|repo| drop(stage.world.repo(repo)));
    let web = stage.open_for(&repos.iter().map(String::as_str).collect::<Vec<_>>());
    stage.server.fault(Match::graphql("PortfolioFingerprint"), Fault::GraphQlPartial);
    assert!(all(&web, &names).await.iter().all(Result::is_ok));
    assert_eq!(stage.server.journal().graphql_calls(), 3, "{}", stage.server.journal());
}

#[tokio::test]
async fn a_repository_that_cannot_be_seen_is_a_fault_and_the_others_are_shown() {
    let stage = Stage::new();
    stage.world.repo("acme/lib");
    let web = stage.open_for(&["acme/lib", "acme/gone"]);
    let seen = all(&web, &["lib".to_owned(), "gone".to_owned()]).await;
    assert!(seen[0].as_ref().unwrap().is_empty());
    let told = seen[1].as_ref().unwrap_err();
    assert!(matches!(told, TrackerError::Malformed { .. }) && !told.is_transient());
    let told = told.to_string();
    assert!(told.contains("acme/gone on GitHub") && told.contains("dayfly.toml"), "{told}");
}

#[tokio::test]
async fn what_is_hidden_later_is_not_an_empty_portfolio() {
    let stage = Stage::new();
    let web = stage.open();
    stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    settled(&web).await;
    stage.world.repo(WEB).private().grant(&stage.bot, Permission::None);
    stage.world.advance(Duration::from_secs(60));
    let told = web.tracker.issues(&web.project).await.unwrap_err();
    assert!(matches!(told, TrackerError::Malformed { .. }), "{told}");
    let write = TrackerWrite::Comment { issue: id(1), body: "x".into() };
    let told = web.try_apply("k", write).await.unwrap_err();
    assert!(matches!(told, TrackerError::Malformed { .. }), "a write waits for somebody to mend it: {told}");
}

#[tokio::test]
async fn a_renamed_repository_is_followed_and_named() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    settled(&web).await;
    stage.world.repo(WEB).rename("acme/site");
    ann.comment("acme/site", number, "hello");
    assert_eq!(web.issue(number).await.comments.len(), 1);
    assert_eq!(web.tracker.moved(), [(web.project.clone(), ForgeRepo::new("acme/site").unwrap())]);
    web.apply("k/0", TrackerWrite::Comment { issue: id(number), body: "there".into() }).await;
    assert_eq!(stage.world.repo("acme/site").issue(number).comments.len(), 2);
}

#[tokio::test]
async fn another_repository_of_the_same_name_is_not_the_same() {
    let stage = Stage::new();
    let web = stage.open();
    stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    settled(&web).await;
    stage.world.repo(WEB).rename("acme/old");
    stage.world.repo(WEB);
    stage.world.advance(Duration::from_secs(60));
    let told = web.tracker.issues(&web.project).await.unwrap_err().to_string();
    assert!(told.contains("another one has its name now") && told.contains("acme+web.json"), "{told}");
}

#[tokio::test]
async fn a_limit_is_told_with_its_time() {
    let stage = Stage::new();
    let web = stage.open();
    stage.server.fault(Match::graphql("PortfolioFingerprint"), Fault::PrimaryLimit(Duration::from_secs(600)));
    let told = web.tracker.issues(&web.project).await.unwrap_err();
    assert!(matches!(told, TrackerError::Limited { .. }) && told.not_before().is_some(), "{told}");
    stage.world.advance(Duration::from_secs(700));
    assert!(web.issues().await.is_empty());
}

#[tokio::test]
async fn what_a_lagging_replica_hides_is_read_the_next_time() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    settled(&web).await;
    let comment = |text: &str| TrackerWrite::Comment { issue: id(number), body: text.into() };
    stage.server.fault(Match::post("/issues/*/comments"), Fault::Lag(8));
    web.apply("k/0", comment("hello")).await;
    for _ in 0..4 {
        stage.world.advance(Duration::from_secs(9));
        let issues = web.issues().await;
        assert_eq!(issues[0].comments.len(), 1, "an own write is laid over what lags");
    }
    assert_eq!(web.issue(number).await.comments.len(), 1);
}

#[tokio::test]
async fn pull_requests_are_no_issues() {
    let stage = Stage::new();
    let web = stage.open();
    let number = stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    let repo = stage.world.repo(WEB);
    repo.commit("main", "begin", &[("a", "1")]);
    repo.commit("change", "change", &[("a", "2")]);
    stage.person("ann", Permission::Write).open_pull(WEB, ("change", "main"), "Change", "");
    assert_eq!(web.issue(number).await.id, id(number));
    assert_eq!(web.later().await.len(), 1);
    let told = web.try_apply("k", TrackerWrite::Comment { issue: id(2), body: "x".into() }).await;
    assert!(matches!(told, Err(TrackerError::NotFound { .. })), "{told:?}");
}

#[tokio::test]
async fn five_hundred_idle_repositories_cost_five_questions() {
    let stage = Stage::new();
    let ann = stage.person("ann", Permission::Admin);
    let names: Vec<String> = (0..500).map(|n| format!("p{n}")).collect();
    let repos: Vec<String> = names.iter().map(|name| format!("acme/{name}")).collect();
    for repo in &repos {
        stage.world.repo(repo);
        ann.open_issue(repo, "one", "");
    }
    // Long ago: nothing of the same second can be missed.
    stage.world.advance(Duration::from_secs(3600));
    let web = stage.open_for(&repos.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(all(&web, &names).await.iter().all(Result::is_ok));

    stage.world.advance(Duration::from_secs(60));
    let mark = stage.server.journal().len();
    assert!(all(&web, &names).await.iter().all(Result::is_ok));
    let cost = stage.server.journal().since(mark);
    assert_eq!((cost.graphql_calls(), cost.paid_rest()), (5, 0));

    for repo in repos.iter().step_by(25) {
        ann.comment(repo, 1, "hello");
    }
    stage.world.advance(Duration::from_secs(60));
    let mark = stage.server.journal().len();
    let seen = all(&web, &names).await;
    let cost = stage.server.journal().since(mark);
    assert_eq!(seen.iter().flatten().filter(|issues| issues[0].comments.len() == 1).count(), 20);
    assert_eq!((cost.graphql_calls(), cost.paid_rest()), (5, 40), "issues and comments of each of the twenty");
}
