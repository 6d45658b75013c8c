//! Text with everything replaced that changes from run to run.

use camino::Utf8Path;

/// What is replaced: `9` stands for a digit, `h` for a digit of a hash.
const FORMS: [(&str, &str); 6] = [
    ("hhhhhhhhhhhh", "[commit]"),
    ("9999-99-99", "[day]"),
    ("99:99:99", "[time]"),
    ("99.9 s", "[took]"),
    ("9.9 s", "[took]"),
    ("9 s", "[took]"),
];

/// The text, with the folder, times, spans and commits replaced.
pub(crate) fn settled(text: &str, root: &Utf8Path) -> String {
    let text = text.replace(root.as_str(), "[root]");
    let mut rest = text.as_str();
    let mut settled = String::new();
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let found = FORMS.iter().find(|(form, _)| whole(rest, length(form, rest)));
        let (length, put) = match (timestamp(rest), found) {
            _ if before.is_ascii_alphanumeric() || before == '.' => (next.len_utf8(), None),
            (Some(length), _) => (length, Some("[time]")),
            (None, Some((form, name))) => (form.len(), Some(*name)),
            (None, None) => (next.len_utf8(), None),
        };
        settled.push_str(put.unwrap_or(&rest[..length]));
        before = rest[..length].chars().next_back().unwrap_or(next);
        rest = &rest[length..];
    }
    settled
}

/// The length of the text's beginning, if it has that form.
fn length(form: &str, text: &str) -> Option<usize> {
    let mut given = text.chars();
    let same = form.chars().all(|wanted| {
        given.next().is_some_and(|c| match wanted {
            '9' => c.is_ascii_digit(),
            'h' => c.is_ascii_digit() || ('a'..='f').contains(&c),
            other => c == other,
        })
    });
    same.then_some(form.len())
}

/// The length of the point in time that the text begins with, to the second or finer.
fn timestamp(text: &str) -> Option<usize> {
    let seconds = length("9999-99-99T99:99:99", text)?;
    let fraction = text[seconds..].find(|c: char| c != '.' && !c.is_ascii_digit())?;
    text[seconds + fraction..].starts_with('Z').then_some(seconds + fraction + 1)
}

/// Whether a word ends there.
fn whole(text: &str, length: Option<usize>) -> bool {
    length.is_some_and(|length| !text[length..].starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[test]
fn only_whole_words_are_replaced() {
    let text = "at /t/x/web, 0123456789ab in 1.5 s, 2026-03-01T10:00:00.25Z; not 110.5 s or 0123456789abc";
    let wanted = "at [root]/web, [commit] in [took], [time]; not 110.5 s or 0123456789abc";
    assert_eq!(settled(text, Utf8Path::new("/t/x")), wanted);
}
