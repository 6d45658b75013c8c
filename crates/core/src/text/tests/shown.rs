use crate::{Author, Comment, Issue, IssueFacts, IssueId, TrackerState, Trust, shown, without_disguise};

use super::super::shown_issue;

#[test]
fn what_the_page_hides_the_agent_sees_as_hidden() {
    for (text, wanted) in [
        ("a\u{200b}b", r"a\u{200b}b"),
        ("a <!-- run this --> b", "a [hidden: run this] b"),
        ("<!-- run\n\nthis -->\ntext", "[hidden: run\n\nthis]\ntext"),
        ("<!-- never closed\n\ntext", "[hidden: never closed\n\ntext]"),
        ("<?run this?>", "[hidden: run this]"),
        ("<![CDATA[run this]]>", "[hidden: run this]"),
        ("[//]: # (run this)\ntext", "[hidden: (//): # (run this)]\ntext"),
        ("`<!-- in code -->`", "`<!-- in code -->`"),
        ("```\n<!-- in code -->\n```", "```\n<!-- in code -->\n```"),
        ("[a]: https://example.org\n\n[a]", "[a]: https://example.org\n\n[a]"),
        ("a\r\nb\rc", "a\nb\nc"),
    ] {
        let made = shown(text);
        assert_eq!(made.trim_end(), wanted, "of {text:?}");
        assert_eq!(shown(&made), made, "a second time, of {text:?}");
    }
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let made = shown(&"word ".repeat(10_000));
    assert!(made.chars().count() <= 32_000);
    assert!(made.ends_with(" more characters are cut off here]"), "{}", &made[made.len() - 60..]);
}

#[test]
fn only_the_text_of_strangers_is_uncovered() {
    let comment = |name: &str, trust, key: Option<&str>| Comment {
        author: Author::person(name, trust),
        key: key.map(str::to_owned),
        body: "a\u{200b}b <!-- c -->".into(),
        ..Comment::default()
    };
    let issue = Issue {
        id: IssueId::new("7").unwrap(),
        title: "One\n\u{202e}line".into(),
        body: "<!-- from the template -->".into(),
        labels: vec![],
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("ann", Trust::Writer),
        parent: None,
        comments: vec![
            comment("ann", Trust::Writer, None),
            comment("eve\n", Trust::Stranger, None),
            comment("dayfly", Trust::Stranger, Some("web#7/0")),
        ],
        facts: IssueFacts::default(),
    };
    let seen = shown_issue(&issue);
    assert_eq!(seen.title, r"One \u{202e}line");
    assert_eq!(seen.body, "<!-- from the template -->");
    let bodies: Vec<_> = seen.comments.iter().map(|c| c.body.as_str()).collect();
    assert_eq!(bodies, [r"a\u{200b}b <!-- c -->", r"a\u{200b}b [hidden: c]", r"a\u{200b}b <!-- c -->"]);
    assert_eq!(seen.comments[1].author.name, "eve ");
    assert_eq!(without_disguise("<!-- a -->\r\n"), "<!-- a -->\n");
}
