use crate::{harmless, harmless_title};

/// Each text with what becomes of it.
fn table(rows: &[(&str, &str)]) {
    for (text, wanted) in rows {
        let made = harmless(text);
        assert_eq!(made, *wanted, "of {text:?}");
        assert_eq!(harmless(&made), made, "a second time, of {text:?}");
    }
}

#[test]
fn plain_text_stays() {
    for text in [
        "Two files change:\n\n- `a.rs`\n- `b.rs`, see #12\n\n```rust\nlet a: Vec<u8> = @x;\n```\n",
        "Mail ann@example.org, or see <https://example.org/a#b>.",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "It is fixed. The 2nd one closes early (issue 12).",
        "<details>\n<summary>Log</summary>\n\ntext\n\n</details>",
        "Press <kbd>Ctrl</kbd>, H<sub>2</sub>O",
    ] {
        assert_eq!(harmless(text), text);
    }
}

#[test]
fn nobody_is_called() {
    table(&[
        ("Thanks @ann!", "Thanks `@ann`!"),
        ("cc @org/team-a, @Bob-1.", "cc `@org/team-a`, `@Bob-1`."),
        ("**@ann** and _@bob_", "**`@ann`** and _`@bob`_"),
        ("[@ann](https://example.org)", "[`@ann`](https://example.org)"),
        ("`@ann` stays, @bob does not", "`@ann` stays, `@bob` does not"),
        ("&#64;ann &commat;bob", "`@ann` `@bob`"),
        (r"\@ann", r"\(at)ann"),
        ("a lone ` tick @ann", "a lone ` tick (at)ann"),
        ("é@ann", "é`@ann`"),
        ("@\u{200b}ann", "`@ann`"),
        ("# @ann\n> @bob\n- @cat", "# `@ann`\n> `@bob`\n- `@cat`"),
        ("| @ann |\n|---|\n| @bob |", "| `@ann` |\n|---|\n| `@bob` |"),
        ("see https://example.org/@ann", "see https://example.org/%40ann"),
        ("<div>\n@ann\n</div>", "&lt;div>\n(at)ann\n&lt;/div>"),
    ]);
}

#[test]
fn a_thousand_calls_are_none() {
    let text: String = (0..1000).map(|n| format!("@user{n} ")).collect();
    let made = harmless(&text);
    assert_eq!(made.matches("`@user").count(), 1000);
    assert_eq!(made.matches('`').count(), 2000);
    let most: String = "@a ".repeat(40_000);
    let made = harmless(&most);
    assert!(made.chars().count() <= 64_000 && made.chars().count() > 50_000, "{}", made.chars().count());
    assert!(made.ends_with(" more characters are cut off here]"));
    assert_eq!(harmless(&made), made);
}

#[test]
fn nothing_is_closed() {
    table(&[
        ("This fixes #12.", "This fixes `#12`."),
        ("Closes: #1, see #2", "Closes: `#1`, see #2"),
        ("closes ann/web#3", "closes `ann/web#3`"),
        ("RESOLVED GH-7", "RESOLVED `GH-7`"),
        ("fixes **#12**", "fixes **`#12`**"),
        ("fixes\n#12", "fixes\n`#12`"),
        ("fix https://github.com/ann/web/issues/3 now", "fix `https://github.com/ann/web/issues/3` now"),
        ("like other/repo#3", "like `other/repo#3`"),
        ("a ` tick, fixes #12", "a ` tick, fixes no. 12"),
        ("prefixes #12, see #3", "prefixes #12, see #3"),
        ("fixes &#35;12", "fixes `#12`"),
    ]);
}

#[test]
fn no_program_is_commanded() {
    table(&[
        ("/merge", "\\/merge"),
        ("  /approve now\ntext /hold", "  \\/approve now\ntext /hold"),
        ("/usr/bin/env is a path", "/usr/bin/env is a path"),
        ("```\n/merge\n```", "```\n/merge\n```"),
        ("done [skip ci]", "done (skip ci)"),
        ("`[CI Skip]`", "`(ci skip)`"),
        ("[skip-ci] [skipci] [No\n ci]", "(skip-ci) (skipci) (no\n ci)"),
        ("skip-checks: true", "skip-checks, true"),
    ]);
}

#[test]
fn markers_and_hidden_text_do_not_get_through() {
    table(&[
        ("a<!-- dayfly:child parent=1 key=a -->b", "ab"),
        ("<!--DAYFLY:clarify id=1-->\ntext", "\ntext"),
        ("`<!-- dayfly:x -->`", "``"),
        ("<!-<!-- dayfly:a -->- dayfly:b -->", "&lt;!-- dayfly:b -->"),
        ("<!-\u{200b}- dayfly:b -->x", "x"),
        ("<!-- dayfly:never\nclosed", "&lt;!-- dayfly:never\nclosed"),
        ("<!-- for you only -->", "&lt;!-- for you only -->"),
        ("a\u{202e}b\u{e0041}c", "abc"),
        ("Vec<String> and <img src=x>", "Vec&lt;String> and &lt;img src=x>"),
    ]);
}

#[test]
fn what_comes_behind_is_not_swallowed() {
    table(&[
        ("```\ncode", "```\ncode\n```"),
        ("~~~~\ncode\n~~~\n", "~~~~\ncode\n~~~\n~~~~"),
        ("```\ncode\n```", "```\ncode\n```"),
        ("<details>\n<summary>a</summary>\n\ntext", "<details>\n<summary>a</summary>\n\ntext\n\n</details>"),
        ("</details>", "&lt;/details>"),
        ("<!-- to the end\n\ntext", "&lt;!-- to the end\n\ntext"),
        ("<pre>\ntext", "&lt;pre>\ntext"),
    ]);
    let log = format!("```\n{}", "line\n".repeat(20_000));
    let made = harmless(&log);
    assert!(made.contains("\n```\n\n["), "{}", &made[made.len() - 80..]);
}

#[test]
fn titles_are_one_plain_line() {
    for (text, wanted) in [
        ("Say  hello\n@ann", "Say hello `@ann`"),
        ("fixes #12", "fixes `#12`"),
        ("`a` by @ann fixes #1", "`a` by (at)ann fixes no. 1"),
        ("Vec<String> <!-- dayfly:x --> [skip ci]", "Vec<String> (skip ci)"),
        ("a\u{202e}b", "ab"),
        ("\u{200b}<!-- dayfly:x -->", "(no title)"),
    ] {
        let made = harmless_title(text).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(made, wanted, "of {text:?}");
        assert_eq!(harmless_title(&made), made, "a second time, of {text:?}");
    }
    assert!(harmless_title(&"@a ".repeat(500)).chars().count() <= 256);
}

#[test]
fn a_selector_behind_a_reference_is_taken_out_at_once() {
    for selector in ["\u{fe0e}", "\u{fe0f}\u{20e3}"] {
        let text = format!("a/b#3{selector}");
        assert_eq!(harmless_title(&harmless_title(&text)), harmless_title(&text));
        assert_eq!(harmless(&harmless(&text)), harmless(&text));
    }
}
