//! All public examples of what GitHub sends, and what is left of each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use dayfly_github::{Hint, HintReason, parse_webhook};
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::Value;

const EXAMPLES: &[u8] = include_bytes!("../data/webhooks/examples.jsonl.gz");

/// What each event asks to be looked at; an event that is not here asks for nothing.
const EVENTS: [(&str, &str); 30] = [
    ("branch_protection_rule", "repository"),
    ("check_run", "checks"),
    ("check_suite", "checks"),
    ("create", "pushed"),
    ("delete", "pushed"),
    ("deployment_status", "checks"),
    ("github_app_authorization", "access"),
    ("installation", "access"),
    ("installation_repositories", "access"),
    ("issue_comment", "issue"),
    ("issues", "issue"),
    ("label", "labels"),
    ("member", "repository"),
    ("membership", "access"),
    ("merge_group", "merge-queue"),
    ("milestone", "milestones"),
    ("organization", "access"),
    ("ping", "ping"),
    ("public", "repository"),
    ("pull_request", "pull"),
    ("pull_request_review", "pull"),
    ("pull_request_review_comment", "pull"),
    ("pull_request_review_thread", "pull"),
    ("push", "pushed"),
    ("repository", "repository"),
    ("status", "checks"),
    ("team", "access"),
    ("team_add", "repository"),
    ("workflow_job", "checks"),
    ("workflow_run", "checks"),
];

struct Example {
    event: String,
    payload: Value,
}

fn examples() -> Vec<Example> {
    let mut text = String::new();
    GzDecoder::new(EXAMPLES).read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            Example { event: value["event"].as_str().unwrap().to_owned(), payload: value["payload"].take() }
        })
        .collect()
}

fn hint(event: &str, payload: &Value) -> Hint {
    let body = serde_json::to_vec(payload).unwrap();
    parse_webhook(event, "d-1", &body).unwrap_or_else(|err| panic!("{event} {}: {err}", payload["action"]))
}

fn word(reason: &HintReason) -> &'static str {
    match reason {
        HintReason::Issue => "issue",
        HintReason::IssueGone { .. } => "issue-gone",
        HintReason::Pull => "pull",
        HintReason::Checks => "checks",
        HintReason::Pushed { .. } => "pushed",
        HintReason::MergeQueue => "merge-queue",
        HintReason::Milestones => "milestones",
        HintReason::Labels => "labels",
        HintReason::Repository => "repository",
        HintReason::RepositoryGone => "repository-gone",
        HintReason::Access => "access",
        HintReason::Ping => "ping",
        HintReason::Ignored => "ignored",
        other => panic!("no word for {other:?}"),
    }
}

#[test]
fn all_329_examples_of_58_events_become_hints() {
    let examples = examples();
    let events: BTreeSet<&str> = examples.iter().map(|e| e.event.as_str()).collect();
    assert_eq!((events.len(), examples.len()), (58, 329));
    for Example { event, payload } in &examples {
        let hint = hint(event, payload);
        assert_eq!(hint.event, *event);
        assert_eq!(hint.action.as_deref(), payload["action"].as_str(), "{event}");
        assert_eq!(hint.sender.as_deref(), payload["sender"]["login"].as_str(), "{event}");
        let id = hint.repo.as_ref().map(|r| r.id);
        assert_eq!(id, payload["repository"]["id"].as_u64(), "{event}");
        let name = hint.repo.as_ref().map(|r| r.full_name.as_str());
        assert_eq!(name, payload["repository"]["full_name"].as_str(), "{event}");
    }
}

#[test]
fn each_event_and_action_asks_for_what_it_is_about() {
    let events = BTreeMap::from(EVENTS);
    for Example { event, payload } in examples() {
        let action = payload["action"].as_str().unwrap_or_default();
        let pull = payload["issue"]["pull_request"].is_object();
        let branch = payload["ref_type"] == "branch";
        let wanted = match (event.as_str(), action) {
            ("issues", "deleted" | "transferred") => "issue-gone",
            ("issues" | "issue_comment", _) if pull => "pull",
            ("create" | "delete", _) if !branch => "ignored",
            (event, _) => events.get(event).copied().unwrap_or("ignored"),
        };
        assert_eq!(word(&hint(&event, &payload).reason), wanted, "{event} {action}");
    }
}

#[test]
fn numbers_and_commits_are_those_of_the_payload() {
    for Example { event, payload } in examples() {
        let hint = hint(&event, &payload);
        let label = format!("{event} {}", payload["action"]);
        let text = |path: &str| payload.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let number = |path: &str| payload.pointer(path).and_then(Value::as_u64);
        let zeros = |sha: &Option<String>| sha.as_deref().is_some_and(|s| s.bytes().all(|b| b == b'0'));
        match word(&hint.reason) {
            "issue" | "issue-gone" => {
                assert_eq!((hint.issue, hint.pull), (number("/issue/number"), None), "{label}");
                assert!(hint.issue.is_some(), "{label}");
            }
            "pull" => {
                let wanted = number("/pull_request/number").or(number("/issue/number"));
                assert_eq!((hint.pull, hint.issue), (wanted, None), "{label}");
                assert_eq!(hint.sha, text("/pull_request/head/sha"), "{label}");
                assert!(hint.pull.is_some(), "{label}");
            }
            "checks" | "merge-queue" => {
                let places = ["check_run", "check_suite", "workflow_run", "workflow_job", "merge_group"];
                let of = places.iter().find_map(|place| text(&format!("/{place}/head_sha")));
                assert_eq!(hint.sha, of.or(text("/sha")).or(text("/deployment/sha")), "{label}");
                assert!(hint.sha.is_some(), "{label}");
            }
            "pushed" if event == "push" => {
                let after = text("/after");
                assert_eq!(hint.sha.is_none(), zeros(&after), "{label}");
                let reference = text("/ref").unwrap();
                assert_eq!(hint.reason, HintReason::Pushed { reference }, "{label}");
            }
            "pushed" => {
                let reference = format!("refs/heads/{}", text("/ref").unwrap());
                assert_eq!(hint.reason, HintReason::Pushed { reference }, "{label}");
            }
            _ => assert_eq!((hint.issue, hint.pull, hint.sha), (None, None, None), "{label}"),
        }
    }
}

#[test]
fn every_example_cut_anywhere_is_refused_and_nothing_worse() {
    for Example { event, payload } in examples() {
        let body = serde_json::to_vec(&payload).unwrap();
        for part in 0..40 {
            let cut = &body[..body.len() * part / 40];
            assert!(parse_webhook(&event, "d-1", cut).is_err(), "{event} cut to {} bytes", cut.len());
        }
    }
}

#[test]
fn every_part_of_every_example_may_be_missing_or_null() {
    for Example { event, payload } in examples() {
        let keys: Vec<String> = payload.as_object().unwrap().keys().cloned().collect();
        for key in keys {
            for odd in
                [None, Some(Value::Null), Some(Value::from("odd")), Some(Value::from(7)), Some(Value::Array(vec![]))]
            {
                let mut changed = payload.clone();
                let object = changed.as_object_mut().unwrap();
                match odd {
                    None => drop(object.remove(&key)),
                    Some(odd) => drop(object.insert(key.clone(), odd)),
                }
                let hint = hint(&event, &changed);
                if key == "repository" {
                    assert!(hint.repo.is_none() && hint.issue.is_none_or(|_| hint.reason.is_nothing()), "{event}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn changed_bytes_never_do_more_than_refuse(which in 0_usize..329, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        thread_local! {
            static BODIES: Vec<(String, Vec<u8>)> =
                examples().into_iter().map(|e| (e.event, serde_json::to_vec(&e.payload).unwrap())).collect();
        }
        let (event, mut body) = BODIES.with(|bodies| bodies[which].clone());
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(hint) = parse_webhook(&event, "d-1", &body) {
            prop_assert!(hint.repo.is_some() || matches!(hint.reason, HintReason::Ignored | HintReason::Ping | HintReason::Access));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(event in "[a-z_]{0,20}", body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_webhook(&event, "d-1", &body);
    }
}
