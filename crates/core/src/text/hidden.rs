//! Characters that nobody sees.

/// The text without them.
pub(super) fn removed(text: &str) -> String {
    rewrite(text, |_, _| {})
}

/// The text with them in a form that is seen, such as `\u{200b}`.
pub(super) fn escaped(text: &str) -> String {
    rewrite(text, |out, c| out.extend(c.escape_unicode()))
}

fn rewrite(text: &str, hidden: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_hidden(c) && !is_needed(last, c, chars.peek().copied()) {
            hidden(&mut out, c);
            continue;
        }
        out.push(c);
        last = Some(c);
    }
    out
}

/// Whether a character shows nothing, or changes the order in which others are shown.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

/// Whether writing needs it where it stands: the joiner between parts of one emoji, the selector behind one, and the
/// joiners of Arabic and Indic letters.
fn is_needed(last: Option<char>, c: char, next: Option<char>) -> bool {
    let Some(last) = last else { return false };
    let drawn = |c: char| c >= '\u{2190}' && !c.is_alphanumeric();
    let joined = |c: char| ('\u{600}'..='\u{dff}').contains(&c);
    match c {
        '\u{200c}' | '\u{200d}' if joined(last) => next.is_some_and(joined),
        '\u{200d}' => drawn(last) && next.is_some_and(|next| drawn(next) && !is_hidden(next)),
        '\u{fe0e}' | '\u{fe0f}' => {
            let key = last.is_ascii_digit() || matches!(last, '#' | '*');
            !is_hidden(last) && (drawn(last) || matches!(last, '©' | '®') || key && next == Some('\u{20e3}'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_taken_out_or_made_visible() {
        let text = "a\u{200b}b\u{202e}c\u{e0041}\u{e0042}d\u{feff}\u{7}e\u{2066}f\u{ad}";
        assert_eq!(removed(text), "abcdef");
        assert_eq!(escaped(text), r"a\u{200b}b\u{202e}c\u{e0041}\u{e0042}d\u{feff}\u{7}e\u{2066}f\u{ad}");
    }

    #[test]
    fn emoji_and_scripts_that_need_joiners_keep_them() {
        for text in ["👩‍💻 ❤️ 👍🏽 1️⃣ 🏳️‍🌈", "می‌خواهم", "क्‍ष", "日本語\n\tżółć"]
        {
            assert_eq!(removed(text), text);
        }
    }

    #[test]
    fn selectors_cannot_carry_a_message() {
        let smuggled = "ok\u{fe00}\u{fe01}👍\u{fe0f}\u{fe0f}\u{e0101}";
        assert_eq!(removed(smuggled), "ok👍\u{fe0f}");
    }
}
