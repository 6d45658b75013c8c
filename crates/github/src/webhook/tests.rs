use super::*;

fn parse(event: &str, body: &str) -> Hint {
    parse_webhook(event, "72d3162e", body.as_bytes()).unwrap()
}

#[test]
fn an_issue_that_was_moved_says_where_and_one_that_was_deleted_that_it_is_gone() {
    let repo = r#""repository":{"id":7,"full_name":"ann/web"}"#;
    let moved = r#"{"new_issue":{"number":3},"new_repository":{"id":8,"full_name":"ann/api"}}"#;
    let hint =
        parse("issues", &format!(r#"{{"action":"transferred","issue":{{"number":9}},"changes":{moved},{repo}}}"#));
    let to = Some(IssuePlace { full_name: "ann/api".into(), number: 3 });
    assert_eq!((hint.issue, hint.reason), (Some(9), HintReason::IssueGone { to }));
    let hint = parse("issues", &format!(r#"{{"action":"deleted","issue":{{"number":9}},{repo}}}"#));
    assert_eq!((hint.issue, hint.reason), (Some(9), HintReason::IssueGone { to: None }));
    let hint = parse("issue_comment", &format!(r#"{{"action":"deleted","issue":{{"number":9}},{repo}}}"#));
    assert_eq!(hint.reason, HintReason::Issue, "a deleted comment deletes no issue");
    assert_eq!(hint.to_string(), "issue_comment.deleted ann/web#9 (72d3162e)");
}

#[test]
fn events_without_examples_are_read_too() {
    let sub = r#""sub_issue":{"number":2},"parent_issue":{"number":1},"repository":{"id":7,"full_name":"ann/web"}"#;
    let of = |action: &str| parse("sub_issues", &format!(r#"{{"action":"{action}",{sub}}}"#)).issue;
    assert_eq!([of("sub_issue_added"), of("sub_issue_removed")], [Some(1), Some(1)]);
    assert_eq!([of("parent_issue_added"), of("parent_issue_removed")], [Some(2), Some(2)]);
    let pair =
        r#""blocked_issue":{"number":2},"blocking_issue":{"number":1},"repository":{"id":7,"full_name":"ann/web"}"#;
    let of = |action: &str| parse("issue_dependencies", &format!(r#"{{"action":"{action}",{pair}}}"#)).issue;
    assert_eq!([of("blocked_by_added"), of("blocking_removed")], [Some(2), Some(1)]);
    let gone = parse("repository", r#"{"action":"deleted","repository":{"id":7,"full_name":"ann/web"}}"#);
    assert_eq!(gone.reason, HintReason::RepositoryGone);
}

#[test]
fn accounts_that_are_gone_and_actions_nobody_knew_are_no_error() {
    let body = r#"{"action":"frobnicated","sender":null,"issue":{"number":1,"user":null,"pull_request":null},
        "repository":{"id":7,"full_name":"ann/web","owner":null}}"#;
    let hint = parse("issues", body);
    assert_eq!((hint.sender, hint.issue, hint.reason), (None, Some(1), HintReason::Issue));
    let unknown = parse("frobnication", body);
    assert_eq!((unknown.issue, unknown.reason), (None, HintReason::Ignored));
}

#[test]
fn parts_of_another_form_count_as_not_there() {
    for body in [
        r#"{"issue":"none","repository":{"id":7,"full_name":"ann/web"}}"#,
        r#"{"issue":{"number":-1},"repository":{"id":7,"full_name":"ann/web"},"sender":[]}"#,
        r#"{"issue":{"number":0},"action":7,"repository":{"id":7,"full_name":"ann/web"},"sender":{"login":"a b"}}"#,
    ] {
        let hint = parse("issues", body);
        assert_eq!(
            (hint.issue, hint.action, hint.sender, hint.reason),
            (None, None, None, HintReason::Issue),
            "{body}"
        );
    }
}

#[test]
fn a_repository_whose_name_would_lead_elsewhere_is_none() {
    for name in
        ["ann", "ann/../admin", "../web", "ann/..", "ann/we b", "ann/web?x", "/web", "ann/", "ann/w%2f", "ann/wéb"]
    {
        let hint =
            parse("push", &format!(r#"{{"ref":"refs/heads/main","repository":{{"id":7,"full_name":"{name}"}}}}"#));
        assert_eq!((hint.repo, hint.reason), (None, HintReason::Ignored), "{name}");
    }
}

#[test]
fn a_push_that_takes_a_branch_away_names_no_commit() {
    let zeros = "0".repeat(40);
    let hint = parse(
        "push",
        &format!(r#"{{"ref":"refs/heads/x","after":"{zeros}","repository":{{"id":7,"full_name":"ann/web"}}}}"#),
    );
    assert_eq!((hint.sha, hint.reason), (None, HintReason::Pushed { reference: "refs/heads/x".into() }));
}

#[test]
fn what_is_no_delivery_is_refused_with_the_remedy() {
    let said = |event: &str, delivery: &str, body: &str| parse_webhook(event, delivery, body.as_bytes()).unwrap_err();
    assert!(matches!(said("push", "d", "payload=%7B%7D"), WebhookError::Form));
    assert_eq!(said("", "d", "{}").to_string(), "the header `X-GitHub-Event` is missing or malformed");
    assert!(matches!(said("push", "", "{}"), WebhookError::Header { header: "X-GitHub-Delivery" }));
    assert!(matches!(said("push", "a\nb", "{}"), WebhookError::Header { .. }));
    let deep = format!(r#"{{"issue":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for body in ["", "{", "[]", "7", "null", "\u{feff}{}", deep.as_str()] {
        assert!(matches!(said("push", "d", body), WebhookError::Malformed(_)), "{}", &body[..body.len().min(40)]);
    }
}
