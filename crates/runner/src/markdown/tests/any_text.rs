use proptest::prelude::*;

use super::*;

/// The text as it is kept: line ends alike, no blank lines around it.
fn kept(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
    lines[blank..].join("\n")
}

fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("## Comment by ".to_owned()),
        Just("## Comment by".to_owned()),
        Just("<!-- dayfly: k -->".to_owned()),
        Just("+++".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("  ".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_as_it_was_written(
        title in any::<String>(),
        body in any_text(),
        said in proptest::collection::vec((any_text(), any::<String>()), 0..4),
        words in proptest::collection::vec("[a-z\"\\\\#\u{7f}\n é]{1,6}", 0..4),
        crlf in any::<bool>(),
    ) {
        let wanted = NewIssue { labels: words.clone(), ..new(&title, &body) };
        let mut whole = text::file(&id(1), &wanted, "ann", Some(&title), &[]);
        if crlf {
            whole = whole.replace('\n', "\r\n");
        }
        let before = whole.clone();
        for (text, key) in &said {
            whole = text::with_comment(&whole, &text::comment(key, Timestamp::UNIX_EPOCH, Some(key), text));
        }
        prop_assert!(whole.starts_with(&before));
        if crlf {
            prop_assert_eq!(whole.matches('\n').count(), whole.matches("\r\n").count());
        }
        let parsed = parse::issue(&whole, "1").unwrap();
        prop_assert_eq!(&parsed.issue.title, &title);
        prop_assert_eq!(parsed.issue.facts.key.as_ref(), Some(&title));
        prop_assert_eq!(&parsed.issue.body, &kept(&body));
        prop_assert_eq!(&parsed.issue.labels, &words);
        prop_assert_eq!(parsed.issue.comments.len(), said.len());
        for (comment, (text, key)) in parsed.issue.comments.iter().zip(&said) {
            prop_assert_eq!(&comment.body, &kept(text));
            prop_assert_eq!(comment.key.as_ref(), Some(key));
            prop_assert_eq!(comment.at, Some(Timestamp::UNIX_EPOCH));
        }

        // Labels and state change their own line only.
        let labelled = text::with_labels(&whole, &["new".to_owned()], &words).unwrap();
        let changed = text::with_state(&labelled, "closed").unwrap();
        let again = parse::issue(&changed, "1").unwrap().issue;
        prop_assert_eq!(again.labels, vec!["new".to_owned()]);
        let differ = whole.lines().zip(changed.lines()).filter(|(a, b)| a != b).count();
        prop_assert_eq!(whole.lines().count(), changed.lines().count());
        prop_assert_eq!(differ, 2);
        let back = text::with_state(&changed, "open").unwrap();
        prop_assert_eq!(back, labelled);
    }

    #[test]
    fn no_text_makes_the_reader_panic(whole in any_text()) {
        drop(parse::issue(&whole, "1"));
        drop(parse::issue(&format!("+++\ntitle = \"x\"\n+++\n{whole}"), "1"));
        drop(parse::milestones(&whole));
    }
}
