use crate::said;

#[test]
fn a_quote_alone_is_no_answer() {
    for text in [
        "> Which of the two?",
        "> a\n> b\n\n",
        ">no space",
        "   > indented",
        "> > nested\n> back",
        "> quote\r\n> with carriage returns\r\n",
        "- > in a list",
        "1. > in a list",
        "<blockquote>\nWhich?\n</blockquote>",
        "<blockquote>Which?</blockquote>",
        "> ```\n> code in a quote\n> ```",
        "> unterminated ```\n> fence",
    ] {
        assert_eq!(said(text), "", "{text:?}");
    }
}

#[test]
fn an_answer_behind_a_quote_is_the_answer() {
    assert_eq!(said("> Which of the two?\n\nThe first."), "The first.");
    assert_eq!(said("> Which of the two?\nThe first."), "The first.", "people leave the empty line out");
    assert_eq!(said("> > a\n> b\nThe first.\r\n> c\r\nAnd the other.\r\n"), "The first.\nAnd the other.");
    assert_eq!(said("- > a\n  The first."), "The first.");
}

#[test]
fn code_is_not_said() {
    assert_eq!(said("```\n/merge\n```"), "");
    assert_eq!(said("~~~~ text\nlog\n~~~\nstill\n~~~~\nSee above."), "See above.");
    assert_eq!(said("```\nnever closed\n\nuse port 80"), "", "the page shows it as code to the end");
    assert_eq!(said("Try `/merge` later"), "Try  later");
    assert_eq!(said("<pre>\nlog\n</pre>\nok then"), "ok then");
}

#[test]
fn a_word_in_ticks_is_an_answer_if_it_is_all_there_is() {
    assert_eq!(said("`main`"), "`main`");
    assert_eq!(said("> `main` or `next`?\n\n`next`"), "`next`");
}

#[test]
fn html_comments_are_not_said() {
    assert_eq!(said("<!-- dayfly:clarify id=web#7 -->"), "");
    assert_eq!(said("<!-- a\n\nb -->\nyes"), "yes");
    assert_eq!(said("<!-- never closed\n\nyes"), "", "the page shows nothing of it");
    assert_eq!(said("yes <!-- no"), "yes <!-- no", "the page shows all of it");
    assert_eq!(said("<!-->\n\nyes"), "yes");
    assert_eq!(
        said("<!-- dayfly:clarify id=web#7 -->\n> Which?\n\nThe first."),
        "The first.",
        "a reply with our marker"
    );
    assert_eq!(said("[//]: # (hidden)"), "");
}

#[test]
fn hidden_characters_are_not_said() {
    assert_eq!(said("\u{200b}\u{2060}\u{feff} \u{a0}\n"), "");
    assert_eq!(said("\u{200b}> Which?"), "");
    assert_eq!(said("&#8203;&nbsp;"), "");
    assert_eq!(said("\u{e0041}\u{e0042}"), "");
    assert_eq!(said("y\u{200b}es"), "yes");
}

#[test]
fn a_vote_is_no_answer() {
    for text in
        ["", " \n\t", "👍", "👍🏽 ❤️", "+1", "-1", ":+1:", ":thumbsup: :tada:", "...", "?", "---", "**+1**", "- [ ] "]
    {
        assert_eq!(said(text), "", "{text:?}");
    }
    for text in ["1", "yes 👍", "はい", "2.", "![screenshot](https://example.org/a.png)", "https://example.org"] {
        assert_ne!(said(text), "", "{text:?}");
    }
}
