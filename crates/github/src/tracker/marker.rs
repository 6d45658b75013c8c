//! The marker at the start of every text that dayfly writes on GitHub, by which it finds again what it wrote.
//!
//! It is a comment of HTML, so nobody sees it. It counts only at the very start of a text whose author is dayfly's own
//! account: a quoted marker stands behind `> `, and one that a stranger pasted has another author.

use std::fmt::Write as _;

const START: &str = "<!-- dayfly:";
const END: &str = " -->";

/// What stands in a marker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The key of the effect that wrote the text.
    pub(crate) key: Option<String>,
    /// What the comment is the only one about.
    pub(crate) topic: Option<String>,
    /// The key among the children of the parent.
    pub(crate) part: Option<String>,
    /// The parent's number.
    pub(crate) parent: Option<u64>,
    /// The parts that must be closed before.
    pub(crate) after: Vec<String>,
    /// Whether those hold by this marker alone, because the host has no dependencies.
    pub(crate) noted: bool,
    /// The numbers of the issues that block this one.
    pub(crate) by: Vec<u64>,
    /// Whether a line for people, which is not part of the text, follows the marker.
    pub(crate) headed: bool,
}

impl Marker {
    /// The marker of an effect.
    pub(crate) fn of_key(key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::default() }
    }

    /// The marker of a comment that is the only one about its topic.
    pub(crate) fn of_topic(key: &str, topic: &str) -> Self {
        Self { topic: Some(topic.to_owned()), ..Self::of_key(key) }
    }

    /// The text with the marker before it.
    pub(crate) fn before(&self, text: &str) -> String {
        let head = match self.parent.filter(|_| self.headed) {
            Some(parent) => format!("{HEAD}{parent}.\n\n"),
            None => String::new(),
        };
        format!("{self}\n{head}{text}")
    }

    /// The marker at the start of a text, and the rest. What is there already must be told apart by its author.
    pub(crate) fn split(text: &str) -> Option<(Self, &str)> {
        let (inside, rest) = text.strip_prefix(START)?.split_once(END)?;
        let mut marker = Self::default();
        for field in inside.split(' ') {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            let value = decoded(value)?;
            match name {
                "key" => marker.key = Some(value),
                "topic" => marker.topic = Some(value),
                "part" => marker.part = Some(value),
                "parent" => marker.parent = value.parse().ok(),
                "after" => marker.after = listed(field)?,
                "by" => marker.by = listed(field)?.iter().filter_map(|n| n.parse().ok()).collect(),
                "noted" => marker.noted = true,
                "head" => marker.headed = true,
                // A later version may say more.
                _ => {}
            }
        }
        if marker.key.is_none() && marker.topic.is_none() {
            return None;
        }
        let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
        Some((marker.clone(), if marker.headed { without_head(rest) } else { rest }))
    }
}

/// The line for people, where the host knows no sub-issues.
const HEAD: &str = "Part of #";

fn without_head(text: &str) -> &str {
    let headless = text.strip_prefix(HEAD).and_then(|rest| rest.split_once(".\n\n"));
    match headless {
        Some((number, rest)) if number.parse::<u64>().is_ok() => rest,
        _ => text,
    }
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = Vec::new();
        let texts = [("key", &self.key), ("topic", &self.topic), ("part", &self.part)];
        fields.extend(texts.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?)))));
        fields.extend(self.parent.map(|parent| format!("parent={parent}")));
        if !self.after.is_empty() {
            let parts: Vec<_> = self.after.iter().map(|part| encoded(part)).collect();
            fields.push(format!("after={}", parts.join(",")));
        }
        if !self.by.is_empty() {
            let numbers: Vec<_> = self.by.iter().map(u64::to_string).collect();
            fields.push(format!("by={}", numbers.join(",")));
        }
        fields.extend(self.noted.then(|| "noted".to_owned()));
        fields.extend(self.headed.then(|| "head".to_owned()));
        write!(f, "{START}{}{END}", fields.join(" "))
    }
}

fn listed(field: &str) -> Option<Vec<String>> {
    let value = field.split_once('=').map_or("", |(_, value)| value);
    value.split(',').filter(|item| !item.is_empty()).map(decoded).collect()
}

/// The value without what could end the marker, or part its fields.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            // Two dashes would end a comment of HTML.
            b'-' if !out.ends_with('-') => out.push('-'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'/' | b':' | b'#' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a string takes all"),
        }
    }
    out
}

fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Marker;

    #[test]
    fn a_marker_is_read_as_it_was_written() {
        let marker = Marker {
            key: Some("web.3.exec.1/0".into()),
            topic: Some("children".into()),
            part: Some("a--> b, c".into()),
            parent: Some(3),
            after: vec!["x,y".into(), "z".into()],
            by: vec![4, 5],
            noted: true,
            headed: true,
        };
        let text = marker.before("## text\n");
        insta::assert_snapshot!(text, @"
        <!-- dayfly:key=web.3.exec.1/0 topic=children part=a-%2D%3E%20b%2C%20c parent=3 after=x%2Cy,z by=4,5 noted head -->
        Part of #3.

        ## text
        ");
        assert_eq!(Marker::split(&text), Some((marker, "## text\n")));
    }

    #[test]
    fn a_marker_counts_only_at_the_very_start() {
        let text = Marker::of_key("k").before("question?");
        assert!(Marker::split(&text).is_some());
        for other in [format!("> {text}"), format!(" {text}"), format!("\n{text}"), format!("yes\n{text}")] {
            assert_eq!(Marker::split(&other), None, "{other:?}");
        }
        assert_eq!(Marker::split("<!-- dayfly: stolen -->"), None, "it has neither key nor topic");
        assert_eq!(Marker::split("<!-- dayfly:key=a%zz -->"), None, "it cannot be read");
        assert_eq!(Marker::split("<!-- dayfly:key=a"), None, "it does not end");
    }

    #[test]
    fn what_a_later_version_says_does_no_harm() {
        let (marker, rest) = Marker::split("<!-- dayfly:key=a colour=red part=b -->\r\ntext").unwrap();
        assert_eq!((marker.part.as_deref(), rest), (Some("b"), "text"));
    }

    #[test]
    fn a_line_that_a_person_took_away_costs_no_text() {
        let headed = Marker { headed: true, parent: Some(3), ..Marker::of_key("k") };
        let text = headed.before("body").replace("Part of #3.\n\n", "");
        assert_eq!(Marker::split(&text).unwrap().1, "body");
    }

    proptest! {
        #[test]
        fn any_key_and_any_text_come_back(key in "\\PC{1,20}", part in "\\PC{0,20}", text in "(?s).{0,60}") {
            let marker = Marker { part: Some(part), after: vec![key.clone()], ..Marker::of_key(&key) };
            let written = marker.before(&text);
            prop_assert_eq!(Marker::split(&written), Some((marker, text.as_str())));
            prop_assert_eq!(written.matches("-->").count(), 1 + text.matches("-->").count());
        }

        #[test]
        fn no_text_makes_it_panic(text in "(<!-- dayfly:)?(?s).{0,60}( -->)?") {
            let _ = Marker::split(&text);
        }
    }
}
