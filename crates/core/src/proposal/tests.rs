use serde_json::json;

use super::*;

fn read(text: &str, allowed: &[&str]) -> Result<Proposal, String> {
    let allowed: Vec<String> = allowed.iter().map(|s| (*s).to_owned()).collect();
    let caps = ProposalCaps { labels: vec!["bug".into(), "Docs".into()], ..ProposalCaps::default() };
    let allowed = Allowed { effects: &allowed, children: 3, caps: &caps };
    Proposal::read(text.as_bytes(), &allowed).map_err(|e| e.to_string())
}

#[test]
fn an_allowed_effect_is_read() {
    let p = read(r#"{"version":1,"summary":"s","effects":[{"ask":{"question":"Which?"}}]}"#, &["ask"]).unwrap();
    assert_eq!(p.effects, vec![Proposed::Ask { question: "Which?".into(), options: vec![], default: String::new() }]);
}

#[test]
fn what_the_stage_does_not_allow_refuses_the_whole() {
    let text = r#"{"version":1,"effects":[{"comment":{"body":"hi"}},{"ask":{"question":"?"}}]}"#;
    assert_eq!(read(text, &["comment"]).unwrap_err(), "the proposal is refused: the stage does not allow `ask`");
}

#[test]
fn the_schema_is_strict_and_holds_what_the_stage_allows() {
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let words = words(&["ask", "split", "label", "create", "unheard-of"]);
    let caps = ProposalCaps { labels: vec!["bug".into()], ..ProposalCaps::default() };
    let schema = Proposal::schema(&Allowed { effects: &words, children: 3, caps: &caps }, VerdictRule::Required);
    assert_eq!(schema["required"], json!(["effects", "summary", "verdict", "version"]));
    let effects = schema["properties"]["effects"]["items"]["anyOf"].as_array().unwrap();
    assert_eq!(effects.len(), 4);
    let mut open = vec![&schema];
    while let Some(part) = open.pop() {
        if part["type"] == "object" {
            assert_eq!(part["additionalProperties"], json!(false), "{part}");
            let names: Vec<_> = part["properties"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(part["required"], json!(names), "{part}");
        }
        open.extend(part.as_object().into_iter().flat_map(|o| o.values()));
        open.extend(part.as_array().into_iter().flatten());
    }
    let none = ProposalCaps::default();
    let label = Allowed { effects: &words[2..3], children: 3, caps: &none };
    assert!(Proposal::schema(&label, VerdictRule::None)["properties"]["effects"].is_null(), "no label is allowed");
    let plain = Proposal::schema(&Allowed { effects: &[], children: 3, caps: &none }, VerdictRule::None);
    assert_eq!(plain["required"], json!(["summary", "version"]));
}

#[test]
fn hostile_proposals_are_refused() {
    let many = format!(r#"{{"version":1,"effects":[{}]}}"#, vec![r#"{"comment":{"body":"x"}}"#; 21].join(","));
    let long = format!(r#"{{"version":1,"effects":[{{"comment":{{"body":"{}"}}}}]}}"#, "x".repeat(70_000));
    let big = format!(r#"{{"version":1,"summary":"{}"}}"#, "x".repeat(300_000));
    for text in [
        "",
        "nonsense",
        r#"{"version":2}"#,
        r#"{"version":1,"merge":true}"#,
        r#"{"version":1,"effects":[{"merge":{}}]}"#,
        r#"{"version":1,"effects":[{"ask":{"question":"  "}}]}"#,
        r#"{"version":1,"effects":[{"split":{"children":[]}}]}"#,
        r#"{"version":1,"effects":[{"split":{"children":[{"key":"a","title":"t"},{"key":"a","title":"u"}]}}]}"#,
        r#"{"version":1,"effects":[{"split":{"children":[{"key":"a","title":"t\nu"}]}}]}"#,
        &many,
        &long,
        &big,
    ] {
        let shown: String = text.chars().take(80).collect();
        assert!(read(text, &["ask", "split", "comment"]).is_err(), "{shown}");
    }
}

#[test]
fn labels_are_those_that_the_stage_names() {
    let label = |add: &str, remove: &str| {
        read(&format!(r#"{{"version":1,"effects":[{{"label":{{"add":[{add}],"remove":[{remove}]}}}}]}}"#), &["label"])
    };
    assert!(label(r#""bug""#, r#""docs""#).is_ok(), "case makes no difference");
    let refused = label(r#""bug""#, r#""ready-for-dev""#).unwrap_err();
    assert_eq!(refused, "the proposal is refused: the stage does not allow the label `ready-for-dev`");
    assert!(label(r#""bu\u200bg""#, "").unwrap_err().contains(r"`bu\u{200b}g`"));
}

#[test]
fn issues_are_few_and_have_keys_of_their_own() {
    let create = |issues: &str| {
        read(&format!(r#"{{"version":1,"effects":[{{"create":{{"issues":[{issues}]}}}}]}}"#), &["create"])
    };
    let made = create(r#"{"key":"a.b-1","title":"A","labels":["bug"]},{"key":"c","title":"C","body":"text"}"#).unwrap();
    let Proposed::Create { issues } = &made.effects[0] else { panic!("{made:?}") };
    assert_eq!((issues.len(), issues[0].labels.as_slice()), (2, ["bug".to_owned()].as_slice()));
    let six: Vec<String> = (0..6).map(|n| format!(r#"{{"key":"k{n}","title":"t"}}"#)).collect();
    assert!(create(&six.join(",")).unwrap_err().contains("it creates 6 issues, 1 to 5 are allowed"));
    for (issue, why) in [
        ("", "it creates 0 issues"),
        (r#"{"key":"a","title":"t"},{"key":"a","title":"u"}"#, "two issues have the key `a`"),
        (r#"{"key":"a -->","title":"t"}"#, "the key `a -->` is not of the form"),
        (r#"{"key":"a","title":"t","labels":["in-progress"]}"#, "does not allow the label `in-progress`"),
        (r#"{"key":"a","title":"t","milestone":"m"}"#, "not of the documented form"),
    ] {
        let refused = create(issue).unwrap_err();
        assert!(refused.contains(why), "{issue}: {refused}");
    }
}

#[test]
fn children_come_after_children_before_them() {
    let split = |children: &str| {
        read(&format!(r#"{{"version":1,"effects":[{{"split":{{"children":[{children}]}}}}]}}"#), &["split"])
    };
    let (a, b) = (r#"{"key":"a","title":"A"}"#, r#"{"key":"b","title":"B","after":["a"]}"#);
    let made = split(&format!("{a},{b}")).unwrap();
    let Proposed::Split { children } = &made.effects[0] else { panic!("{made:?}") };
    assert_eq!(children[1].after, ["a"]);
    for (children, what) in [(format!("{b},{a}"), "one behind it"), (b.to_owned(), "one that is not there")] {
        let refused = split(&children).unwrap_err();
        assert!(refused.contains("the child `b` comes after `a`, which is no child before it"), "{what}: {refused}");
    }
    assert!(split(r#"{"key":"a","title":"A","after":["a"]}"#).is_err(), "itself");
}

#[test]
fn there_are_at_most_three_comments_and_one_of_the_rest() {
    let of = |effect: &str, count: usize| {
        let effects = vec![effect; count].join(",");
        read(&format!(r#"{{"version":1,"effects":[{effects}]}}"#), &["ask", "comment", "label", "create"])
    };
    let comment = r#"{"comment":{"body":"x"}}"#;
    assert!(of(comment, 3).is_ok());
    assert!(of(comment, 4).unwrap_err().contains("it makes 4 comments, at most 3 are allowed"));
    let single = [
        r#"{"label":{"add":["bug"]}}"#,
        r#"{"create":{"issues":[{"key":"a","title":"t"}]}}"#,
        r#"{"ask":{"question":"?"}}"#,
    ];
    for effect in single {
        assert!(of(effect, 1).is_ok(), "{effect}");
        assert!(of(effect, 2).unwrap_err().contains("more than once"), "{effect}");
    }
}
