//! What an agent may offer, and how it is posted.

use insta::assert_snapshot;

use super::*;

fn offered(words: &[(&str, &str)]) -> Vec<CardOption> {
    words.iter().map(|(word, follows)| CardOption::new(word, *follows)).collect()
}

#[test]
fn what_is_offered_is_bounded() {
    let check =
        |words: &[(&str, &str)], default: &str| Choices::check(&offered(words), default).err().unwrap_or_default();
    assert_eq!(check(&[("yes", "it goes"), ("no", "")], "no"), "");
    assert_eq!(check(&[], ""), "");
    let seven: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(|word| (word, "")).into();
    let long = "x".repeat(41);
    let said = [
        check(&seven, ""),
        check(&[("", "")], ""),
        check(&[("two\nlines", "")], ""),
        check(&[(" yes", "")], ""),
        check(&[(&long, "")], ""),
        check(&[("\u{1b}[31mred", "")], ""),
        check(&[("y\u{202e}es", "")], ""),
        check(&[("yes", "a\nb")], ""),
        check(&[("yes", ""), ("YES", "")], ""),
        check(&[("yes", "")], "no"),
        check(&[], "yes"),
    ];
    assert_snapshot!(said.join("\n"), @r"
    `ask` offers 7 options, at most 6 are allowed
    the option `` is not one line of 1 to 40 characters
    the option `two\nlines` is not one line of 1 to 40 characters
    the option ` yes` is not one line of 1 to 40 characters
    the option `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is not one line of 1 to 40 characters
    the option `\u{1b}[31mred` is not one line of 1 to 40 characters
    the option `y\u{202e}es` is not one line of 1 to 40 characters
    what follows from `yes` is not one line of up to 200 characters
    `ask` offers `YES` twice
    the default `no` is none of the options of `ask`
    the default `yes` is none of the options of `ask`
    ");
}

#[test]
fn a_question_is_posted_with_its_options_and_what_becomes_of_it() {
    assert_snapshot!(choices(Some("keep"), Some(72)).posted("Keep it, @bob?"), @"
    Keep it, `@bob`?

    1. keep: the old form stays
    2. drop

    Answer with one of these words or its number, or in your own words. If nobody does within 3 days, `keep` is taken.
    ");
    assert_eq!(Choices::default().posted("Which?"), "Which?");
    let tricky = Choices { options: offered(&[("/close", "as @ann says, fixes #3 <b>")]), ..Choices::default() };
    assert_snapshot!(tricky.posted("Which?"), @r"
    Which?

    1. \/close: as `@ann` says, fixes `#3` &lt;b>

    Answer with one of these words or its number, or in your own words.
    ");
}

#[test]
fn a_card_says_how_long_a_time_is() {
    let spans = [259_200, 86_400, 5400, 90].map(|secs| crate::card::choices::span(Duration::from_secs(secs)));
    assert_eq!(spans, ["3 days", "24 hours", "90 minutes", "90 seconds"]);
}
