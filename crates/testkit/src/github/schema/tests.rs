//! What the checks of GraphQL catch: seeded faults, each of them once.

use serde_json::{Value, json};

use super::kinds::{Kind, bottom};
use super::{answer_problems, graphql_problems, schema};

const DOCUMENT: &str = "
query Pull($owner: String!, $name: String!, $number: Int!, $full: Boolean = true) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      id isDraft mergeable reviewDecision updatedAt
      author { login __typename }
      reviewThreads(first: 50) { totalCount nodes { ...Thread } }
      statusCheckRollup @include(if: $full) {
        state
        contexts(first: 100) {
          nodes {
            __typename
            ... on CheckRun { name status conclusion isRequired(pullRequestNumber: $number) detailsUrl databaseId }
            ... on StatusContext { context status: state isRequired(pullRequestNumber: $number) }
          }
        }
      }
    }
  }
}
fragment Thread on PullRequestReviewThread { id isResolved isOutdated }
";

fn variables() -> Value {
    json!({ "owner": "ann", "name": "web", "number": 7, "full": true })
}

fn good() -> Value {
    let run = json!({ "__typename": "CheckRun", "name": "build", "status": "COMPLETED", "conclusion": "SUCCESS",
        "isRequired": true, "detailsUrl": null, "databaseId": 12 });
    let status = json!({ "__typename": "StatusContext", "context": "ci", "status": "PENDING", "isRequired": false });
    json!({ "repository": { "pullRequest": {
        "id": "PR_1", "isDraft": false, "mergeable": "UNKNOWN", "reviewDecision": null,
        "updatedAt": "2026-03-02T09:00:00Z",
        "author": { "login": "ann", "__typename": "User" },
        "reviewThreads": { "totalCount": 1, "nodes": [{ "id": "T", "isResolved": false, "isOutdated": false }] },
        "statusCheckRollup": { "state": "SUCCESS", "contexts": { "nodes": [run, status] } },
    }}})
}

fn answered(document: &str, data: &Value) -> Vec<String> {
    answer_problems(&json!({ "query": document, "variables": variables(), "operationName": "Pull" }), data)
}

#[test]
fn a_good_document_and_a_good_answer_have_no_problems() {
    assert_eq!(graphql_problems(DOCUMENT), Vec::<String>::new());
    assert_eq!(answered(DOCUMENT, &good()), Vec::<String>::new());
    let mut without = good();
    without["repository"]["pullRequest"].as_object_mut().unwrap().remove("statusCheckRollup");
    let variables = json!({ "owner": "ann", "name": "web", "number": 7, "full": false });
    let asked = json!({ "query": DOCUMENT, "variables": variables });
    assert_eq!(answer_problems(&asked, &without), Vec::<String>::new());
}

#[test]
fn each_fault_in_a_document_is_caught() {
    let faults = [
        ("isDraft ", "isDrafty ", "repository.pullRequest.isDrafty: `PullRequest` has no such field"),
        ("$number: Int!", "$number: String!", "repository.pullRequest(number): $number is `String!`, not `Int!`"),
        ("$number: Int!", "$number: Int", "repository.pullRequest(number): $number is `Int`, not `Int!`"),
        ("(number: $number)", "", "repository.pullRequest: it needs `number`"),
        ("(first: 50)", "(first: \"50\")", "repository.pullRequest.reviewThreads(first): `\"50\"` is no `Int`"),
        ("(first: 50)", "", "repository.pullRequest.reviewThreads: a connection needs `first` or `last`"),
        ("(first: 50)", "(first: 50, top: 1)", "repository.pullRequest.reviewThreads: it takes no `top`"),
        ("author { login __typename }", "author", "repository.pullRequest.author: nothing is selected of `Actor`"),
        (" id isDraft", " id { x } isDraft", "repository.pullRequest.id: nothing can be selected of `ID`"),
        ("... on CheckRun", "... on Issue", "`StatusCheckRollupContext` is never `Issue`"),
        ("...Thread", "...Threads", "there is no fragment `Threads`"),
        ("$full: Boolean", "$unused: Int, $full: Boolean", "$unused is never used"),
        ("@include", "@includes", "there is no directive `includes`"),
        ("$owner: String!, ", "", "repository(owner): there is no variable $owner"),
        ("query Pull", "subscription Pull", "the schema has no `Subscription`"),
    ];
    for (was, fault, expected) in faults {
        assert!(DOCUMENT.contains(was), "{was}");
        let problems = graphql_problems(&DOCUMENT.replacen(was, fault, 1));
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{fault}: {problems:?}");
    }
    assert!(graphql_problems("query {").len() == 1);
    let itself = "query { viewer { ...U } } fragment U on User { login ...U }";
    assert_eq!(graphql_problems(itself), ["viewer: the fragment `U` holds itself"]);
}

#[test]
fn a_literal_input_is_held_against_its_type() {
    let asked = |input: &str| {
        graphql_problems(&format!("mutation {{ enablePullRequestAutoMerge(input: {input}) {{ clientMutationId }} }}"))
    };
    assert_eq!(asked("{ pullRequestId: \"x\", mergeMethod: SQUASH }"), Vec::<String>::new());
    assert_eq!(asked("{ mergeMethod: SQUASH }"), ["enablePullRequestAutoMerge(input): it needs `pullRequestId`"]);
    let wrong = "enablePullRequestAutoMerge(input)(mergeMethod): `FAST` is no `PullRequestMergeMethod`";
    assert_eq!(asked("{ pullRequestId: \"x\", mergeMethod: FAST }"), [wrong]);
}

#[test]
fn each_fault_in_an_answer_is_caught() {
    let pull = "/repository/pullRequest";
    let faults = [
        (format!("{pull}/id"), Value::Null, "`ID!` may not be null"),
        (format!("{pull}/id"), json!(7), "7 is no `ID`"),
        (format!("{pull}/mergeable"), json!("MAYBE"), "is no `MergeableState`"),
        (format!("{pull}/updatedAt"), json!("yesterday"), "is no `DateTime`"),
        (format!("{pull}/author/__typename"), json!("Issue"), "`Issue` is no `Actor`"),
        (format!("{pull}/reviewThreads/nodes"), json!({}), "is no list of `PullRequestReviewThread`"),
        (format!("{pull}/reviewThreads/nodes/0"), json!("x"), "is told as \"x\""),
        (format!("{pull}/statusCheckRollup/contexts/nodes/0/conclusion"), json!("success"), "CheckConclusionState"),
        (format!("{pull}/statusCheckRollup/contexts/nodes/0/databaseId"), json!(1_u64 << 40), "is no `Int`"),
        (format!("{pull}/reviewThreads/totalCount"), json!("1"), "is no `Int`"),
    ];
    for (at, fault, expected) in faults {
        let mut data = good();
        *data.pointer_mut(&at).unwrap() = fault;
        let problems = answered(DOCUMENT, &data);
        assert!(problems.len() == 1 && problems[0].contains(expected), "{at}: {problems:?}");
    }
}

#[test]
fn a_key_too_many_or_too_few_is_caught_wherever_it_is() {
    let mut places = Vec::new();
    objects("", &good(), &mut places);
    assert!(places.len() > 8, "{places:?}");
    for place in places {
        let mut data = good();
        let object = data.pointer_mut(&place).unwrap().as_object_mut().unwrap();
        object.insert("surplus".to_owned(), json!(1));
        assert!(!answered(DOCUMENT, &data).is_empty(), "a surplus key at {place}");
        let keys: Vec<String> = good().pointer(&place).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            let mut data = good();
            data.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(&key);
            assert!(!answered(DOCUMENT, &data).is_empty(), "{place} without {key}");
        }
    }
}

/// The places of all objects in a value.
fn objects(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.push(at.to_owned());
            map.iter().for_each(|(key, value)| objects(&format!("{at}/{key}"), value, found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| objects(&format!("{at}/{n}"), item, found));
        }
        _ => {}
    }
}

#[test]
fn the_cut_of_the_schema_is_whole_and_small() {
    assert!(super::CUT.len() < 60_000);
    let schema = schema();
    for (name, kind) in schema.names() {
        let fields = match kind {
            Kind::Object(fields, _) | Kind::Interface(fields) => fields,
            _ => continue,
        };
        for (field, known) in fields {
            assert!(schema.kind(bottom(&known.of)).is_some(), "{name}.{field} is of no known type");
            for (argument, known) in &known.arguments {
                assert!(schema.kind(bottom(&known.of)).is_some(), "{name}.{field}({argument}) is of no known type");
            }
        }
    }
}
