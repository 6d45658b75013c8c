//! What holds of any text.

use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::super::markdown;
use crate::{harmless, harmless_title, said, shown};

/// Pieces of which hostile texts are made.
const PIECES: [&str; 44] = [
    "@",
    "ann",
    "@ann",
    "@org/team",
    "`",
    "``",
    "```",
    "\n```\n",
    "~~~",
    "<!--",
    "-->",
    "dayfly:",
    "<!-- dayfly:x -->",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "    ",
    "\\",
    "&#64;",
    "&lt;",
    "<",
    ">",
    "<details>",
    "</details>",
    "<div>",
    "<b>",
    "fixes ",
    "#12",
    "a/b#3",
    "https://a.b/",
    "/merge",
    "[skip ci]",
    "[",
    "](",
    ")",
    "]: ",
    "\u{200b}",
    "\u{202e}",
    "*",
    "_",
    "|",
    "text",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn quoted(text: &str) -> String {
    text.split(['\n', '\r']).map(|line| format!("> {line}\n")).collect()
}

/// The text that a page shows outside of code, by an independent look, block by block.
fn page(text: &str) -> Vec<String> {
    let (mut blocks, mut code) = (vec![String::new()], false);
    for event in Parser::new_ext(text, markdown::options()) {
        let last = blocks.last_mut().unwrap();
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(text) if !code => last.push_str(&text),
            Event::Html(html) => last.push_str(&html),
            _ => blocks.push(String::new()),
        }
    }
    blocks
}

/// Whether GitHub would call somebody: an `@` that is no part of a word, with a name behind it.
fn calls(block: &str) -> bool {
    let free = |at: usize| !block[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let named = |at: usize| block[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric());
    block.match_indices('@').any(|(at, _)| free(at) && named(at))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_harmless_text_calls_nobody_and_marks_nothing(text in hostile()) {
        let made = harmless(&text);
        for block in page(&made) {
            prop_assert!(!calls(&block), "{text:?} became {made:?}");
        }
        let lower = made.to_ascii_lowercase().replace([' ', '\t', '\n'], "");
        prop_assert!(!lower.contains("<!--dayfly") && !lower.contains("[skipci]"), "{text:?} became {made:?}");
        prop_assert!(!made.contains(['\u{200b}', '\u{202e}']), "{text:?} became {made:?}");
    }

    #[test]
    fn a_second_time_changes_nothing(text in hostile()) {
        let made = harmless(&text);
        prop_assert_eq!(harmless(&made), &made[..], "of {:?}", text);
        let made = shown(&text);
        prop_assert_eq!(shown(&made), &made[..], "of {:?}", text);
        let made = harmless_title(&text);
        prop_assert_eq!(harmless_title(&made), &made[..], "of {:?}", text);
    }

    #[test]
    fn what_is_appended_is_always_seen(text in hostile()) {
        let page = page(&format!("{}\n\nThe evidence.", harmless(&text)));
        prop_assert!(page.iter().any(|block| block.trim() == "The evidence."), "{:?} of {text:?}", page);
    }

    #[test]
    fn a_quote_says_nothing(text in hostile()) {
        let quoted = quoted(&text);
        prop_assert_eq!(said(&quoted), "", "of {:?}", text);
    }

    #[test]
    fn an_answer_behind_any_quote_is_heard(text in hostile()) {
        let quoted = quoted(&text);
        prop_assert_eq!(said(&format!("{quoted}\nThe first.")), "The first.", "of {:?}", text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_long(text in hostile(), times in 1_usize..20_000) {
        let long = text.repeat(times.min(300_000 / text.len().max(1)));
        prop_assert!(harmless(&long).chars().count() <= 64_000);
        prop_assert!(shown(&long).chars().count() <= 32_000);
        prop_assert!(harmless_title(&long).chars().count() <= 256);
        let _ = said(&long);
    }
}

/// Found by the properties above, and kept.
#[test]
fn what_once_changed_a_second_time_no_longer_does() {
    let text = "<details><!--\n\n!<!--";
    for defuse in [harmless, shown, harmless_title] {
        let made = defuse(text);
        assert_eq!(defuse(&made), made, "of {text:?}");
    }
}
