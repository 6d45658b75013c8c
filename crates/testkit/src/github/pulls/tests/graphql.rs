//! What GraphQL alone tells and does.

use serde_json::{Value, json};

use super::client::{Scene, of, scene};
use crate::github::{Annotation, BranchRules, CheckState, GitHubServer, Permission, StatusState, graphql_problems};

const STATUS: &str = "
query PullStatus($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      id isDraft headRefOid mergeable mergeStateStatus reviewDecision isMergeQueueEnabled merged state
      mergeQueueEntry { state position }
      autoMergeRequest { enabledAt mergeMethod enabledBy { login } }
      reviewThreads(first: 100) { nodes { id isResolved isOutdated path line comments(first: 10) { nodes { body author { login } } } } }
      latestOpinionatedReviews(first: 50, writersOnly: true) {
        nodes { author { login } state body commit { oid } comments(first: 50) { nodes { path line body } } }
      }
      statusCheckRollup {
        state
        contexts(first: 100, after: $after) {
          pageInfo { hasNextPage endCursor }
          nodes {
            __typename
            ... on CheckRun {
              databaseId name status conclusion title summary detailsUrl isRequired(pullRequestNumber: $number)
              annotations(first: 10) { nodes { path message annotationLevel location { start { line } } } }
            }
            ... on StatusContext { context state description targetUrl isRequired(pullRequestNumber: $number) }
          }
        }
      }
    }
  }
}";

fn status(scene: &Scene, number: u64) -> Value {
    let told = scene.graphql(STATUS, &json!({ "owner": "ann", "name": "web", "number": number }));
    assert_eq!(told.get("errors"), None, "{told}");
    told["data"]["repository"]["pullRequest"].clone()
}

/// A mutation of a pull request by its id; what was answered, or the first error.
fn mutate(scene: &Scene, number: u64, mutation: &str) -> Result<Value, String> {
    let id = scene.get(&format!("/pulls/{number}")).body["node_id"].clone();
    let told = scene.graphql(&format!("mutation M($id: ID!) {{ {mutation} }}"), &json!({ "id": id }));
    match told["errors"][0]["message"].as_str() {
        Some(message) => Err(message.to_owned()),
        None => Ok(told["data"].clone()),
    }
}

#[test]
fn all_that_is_in_the_way_of_a_merge_is_told_at_once() {
    let scene = scene();
    scene.repo.protect("main", BranchRules { checks: vec!["ci".into()], approvals: 1, ..BranchRules::default() });
    let number = scene.opened("work");
    assert_eq!(status(&scene, number)["statusCheckRollup"], Value::Null);
    let head = scene.repo.pull(number).head_sha;
    let said = Annotation { path: "a.txt".into(), line: 7, level: "failure".into(), message: "bad".into() };
    scene.repo.failing_check(&head, "ci", "log", vec![said]);
    scene.repo.check(&head, "optional", CheckState::Success);
    scene.repo.status(&head, "deploy", StatusState::Pending);
    scene.ann.request_changes("ann/web", number, "Not yet.");
    scene.eve.approve("ann/web", number);
    scene.ann.remark("ann/web", number, ("a.txt", 1), "Why?");
    let told = status(&scene, number);
    assert_eq!((&told["mergeable"], &told["mergeStateStatus"]), (&json!("MERGEABLE"), &json!("BLOCKED")));
    assert_eq!((&told["reviewDecision"], &told["headRefOid"]), (&json!("CHANGES_REQUESTED"), &json!(head)));
    let reviews = told["latestOpinionatedReviews"]["nodes"].as_array().unwrap();
    assert_eq!((reviews.len(), &reviews[0]["author"]["login"]), (1, &json!("ann")));
    let rollup = &told["statusCheckRollup"];
    assert_eq!(rollup["state"], "FAILURE");
    let contexts = rollup["contexts"]["nodes"].as_array().unwrap().iter();
    let contexts: Vec<_> =
        contexts.map(|one| (one["__typename"].as_str().unwrap(), one["isRequired"] == true)).collect();
    assert_eq!(contexts, [("CheckRun", true), ("CheckRun", false), ("StatusContext", false)]);
    let ci = &rollup["contexts"]["nodes"][0];
    assert_eq!((&ci["status"], &ci["conclusion"]), (&json!("COMPLETED"), &json!("FAILURE")));
    assert_eq!(ci["annotations"]["nodes"][0]["location"]["start"]["line"], 7);
    let thread = &told["reviewThreads"]["nodes"][0];
    assert_eq!((&thread["isResolved"], &thread["comments"]["nodes"][0]["body"]), (&json!(false), &json!("Why?")));
}

#[test]
fn a_draft_becomes_ready_and_a_draft_again() {
    let scene = scene();
    scene.branch("work");
    let told = scene.post("/pulls", &json!({ "title": "d", "head": "work", "base": "main", "draft": true }));
    let number = told.body["number"].as_u64().unwrap();
    let ready = "markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { isDraft } }";
    let told = mutate(&scene, number, ready).unwrap();
    assert_eq!(told["markPullRequestReadyForReview"]["pullRequest"]["isDraft"], false);
    assert!(!scene.repo.pull(number).draft);
    let draft = "convertPullRequestToDraft(input: { pullRequestId: $id }) { clientMutationId pullRequest { isDraft } }";
    assert!(mutate(&scene, number, draft).is_ok());
    assert!(scene.repo.pull(number).draft);
    // A read-only stranger cannot.
    scene.repo.grant(&scene.bot, Permission::Read);
    assert!(mutate(&scene, number, ready).unwrap_err().contains("correct permissions"));
}

#[test]
fn a_merge_waits_for_the_rules_and_then_comes_by_itself() {
    let scene = scene();
    let number = scene.opened("work");
    let enable = "enablePullRequestAutoMerge(input: { pullRequestId: $id, mergeMethod: SQUASH, commitHeadline: \"One\" }) \
                  { pullRequest { autoMergeRequest { mergeMethod } } }";
    assert_eq!(mutate(&scene, number, enable).unwrap_err(), "Pull request is in clean status");
    scene.repo.protect("main", BranchRules { checks: vec!["ci".into()], ..BranchRules::default() });
    let told = mutate(&scene, number, enable).unwrap();
    assert_eq!(told["enablePullRequestAutoMerge"]["pullRequest"]["autoMergeRequest"]["mergeMethod"], "SQUASH");
    assert_eq!(status(&scene, number)["autoMergeRequest"]["enabledBy"]["login"], "dayfly-bot");
    let disable = "disablePullRequestAutoMerge(input: { pullRequestId: $id }) { pullRequest { id } }";
    assert!(mutate(&scene, number, disable).is_ok());
    assert_eq!(mutate(&scene, number, disable).unwrap_err(), "Pull request does not have auto merge enabled");
    assert!(mutate(&scene, number, enable).is_ok());
    let head = scene.repo.pull(number).head_sha;
    scene.repo.check(&head, "ci", CheckState::InProgress);
    assert!(scene.repo.pull(number).open);
    scene.repo.check(&head, "ci", CheckState::Success);
    assert!(scene.repo.pull(number).merged.is_some());
    assert_eq!(scene.repo.git().log("main"), ["One", "start"]);
    assert_eq!(status(&scene, number)["state"], "MERGED");
    scene.repo.without_auto_merge();
    let other = scene.opened("other");
    assert_eq!(mutate(&scene, other, enable).unwrap_err(), "Auto merge is not allowed for this repository");
}

#[test]
fn a_pull_request_enters_a_queue_and_leaves_it() {
    let scene = of(GitHubServer::start_enterprise("3.19.0"));
    let number = scene.opened("work");
    let head = scene.repo.pull(number).head_sha;
    let enqueue = |head: &str| {
        let input = format!("{{ pullRequestId: $id, expectedHeadOid: \"{head}\" }}");
        mutate(
            &scene,
            number,
            &format!("enqueuePullRequest(input: {input}) {{ mergeQueueEntry {{ state position }} }}"),
        )
    };
    assert_eq!(enqueue(&head).unwrap_err(), "The branch main has no merge queue");
    scene.repo.protect("main", BranchRules { merge_queue: true, checks: vec!["ci".into()], ..BranchRules::default() });
    assert_eq!(enqueue(&head).unwrap_err(), "Required status check \"ci\" is expected.");
    scene.repo.check(&head, "ci", CheckState::Success);
    assert_eq!(enqueue(&"0".repeat(40)).unwrap_err(), "Head branch was modified. Review and try the merge again.");
    let entry = enqueue(&head).unwrap()["enqueuePullRequest"]["mergeQueueEntry"].clone();
    assert_eq!(entry, json!({ "state": "AWAITING_CHECKS", "position": 1 }));
    assert_eq!(status(&scene, number)["mergeQueueEntry"]["position"], 1);
    let dequeue = "dequeuePullRequest(input: { id: $id }) { mergeQueueEntry { position } }";
    assert!(mutate(&scene, number, dequeue).is_ok());
    assert_eq!(mutate(&scene, number, dequeue).unwrap_err(), "Pull request is not in the merge queue");
    assert!(scene.repo.git().branches().keys().all(|branch| !branch.starts_with("gh-readonly-queue")));
}

#[test]
fn a_thread_is_resolved_and_opened_again() {
    let scene = scene();
    let number = scene.opened("work");
    scene.ann.remark("ann/web", number, ("a.txt", 1), "Why?");
    let id = status(&scene, number)["reviewThreads"]["nodes"][0]["id"].clone();
    let set = |word: &str| {
        let query =
            format!("mutation R($id: ID!) {{ {word}(input: {{ threadId: $id }}) {{ thread {{ isResolved }} }} }}");
        scene.graphql(&query, &json!({ "id": id }))["data"][word]["thread"]["isResolved"].clone()
    };
    assert_eq!((set("resolveReviewThread"), set("unresolveReviewThread")), (json!(true), json!(false)));
    assert_eq!(set("resolveReviewThread"), json!(true));
    assert_eq!(status(&scene, number)["reviewThreads"]["nodes"][0]["isResolved"], true);
}

#[test]
fn contexts_are_read_page_by_page_and_pulls_found_by_branch() {
    let scene = scene();
    let number = scene.opened("work");
    let head = scene.repo.pull(number).head_sha;
    ["a", "b", "c"].iter().for_each(|name| scene.repo.check(&head, name, CheckState::Success));
    let query = "query P($after: String) { repository(owner: \"ann\", name: \"web\") { \
                 defaultBranchRef { name target { oid } } \
                 pullRequests(first: 5, headRefName: \"work\", states: [OPEN]) { nodes { number commits(last: 1) \
                 { nodes { commit { oid } } } closingIssuesReferences(first: 5) { totalCount } \
                 statusCheckRollup { contexts(first: 2, after: $after) { pageInfo { hasNextPage endCursor } \
                 nodes { ... on CheckRun { name } } } } } } } }";
    let page = |after: &Value| scene.graphql(query, &json!({ "after": after }))["data"]["repository"].clone();
    let first = page(&Value::Null);
    assert_eq!(first["defaultBranchRef"]["target"]["oid"], json!(scene.repo.git().head("main")));
    let pull = &first["pullRequests"]["nodes"][0];
    assert_eq!((&pull["number"], &pull["commits"]["nodes"][0]["commit"]["oid"]), (&json!(number), &json!(head)));
    let contexts = &pull["statusCheckRollup"]["contexts"];
    assert_eq!((contexts["nodes"].as_array().unwrap().len(), &contexts["pageInfo"]["hasNextPage"]), (2, &json!(true)));
    let second = page(&contexts["pageInfo"]["endCursor"]);
    assert_eq!(second["pullRequests"]["nodes"][0]["statusCheckRollup"]["contexts"]["nodes"], json!([{ "name": "c" }]));
    // A fork's branch, and one that has no pull request.
    let none = query.replace("\"work\"", "\"none\"");
    assert_eq!(scene.graphql(&none, &json!({}))["data"]["repository"]["pullRequests"]["nodes"], json!([]));
}

#[test]
fn a_document_that_github_would_refuse_is_a_violation() {
    let scene = scene();
    let number = scene.opened("work");
    let wrong = STATUS.replace("(first: 50, writersOnly: true)", "(first: \"50\")");
    assert!(graphql_problems(STATUS).is_empty());
    scene.graphql(&wrong, &json!({ "owner": "ann", "name": "web", "number": number }));
    let violations = scene.server.take_violations();
    assert!(violations.len() == 1 && violations[0].contains("`\"50\"` is no `Int`"), "{violations:?}");
}
