//! The words that close an issue when a change is merged.

/// The numbers of issues of this repository that a text closes.
pub(crate) fn closing_references(text: &str, full_name: &str) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if !is_keyword(word) {
            continue;
        }
        let number = words.peek().and_then(|next| reference(next, full_name));
        found.extend(number.filter(|number| !found.contains(number)));
    }
    found
}

fn is_keyword(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let word = word.strip_suffix(':').unwrap_or(word).to_ascii_lowercase();
    matches!(
        word.as_str(),
        "close" | "closes" | "closed" | "fix" | "fixes" | "fixed" | "resolve" | "resolves" | "resolved"
    )
}

/// `#5`, `owner/name#5` or the address of an issue.
fn reference(word: &str, full_name: &str) -> Option<u64> {
    let word = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let (place, number) = word.rsplit_once('#').or_else(|| word.rsplit_once("/issues/"))?;
    let here = place.is_empty() || place.to_lowercase().ends_with(&full_name.to_lowercase());
    number.parse().ok().filter(|_| here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_closes_what_it_names_and_nothing_else() {
        let closed = |text: &str| closing_references(text, "ann/web");
        assert_eq!(closed("Closes #5."), [5]);
        assert_eq!(
            closed("It fixes: ann/web#7 and resolves http://host/ann/web/issues/9, closes #5, fixed #5"),
            [7, 9, 5]
        );
        assert_eq!(closed("(close #3)"), [3]);
        assert_eq!(closed("See #5. Fixes bob/web#6. Closes five. Closing #8. Close the #9"), Vec::<u64>::new());
    }
}
