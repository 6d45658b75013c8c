//! Changes to a list of labels or issues that keep how people wrote the rest of it.

use std::ops::Range;

use toml_edit::Document;

use super::text::basic;

/// An element of a list, and the place of the comma after it.
struct Element {
    label: String,
    span: Range<usize>,
    comma: Option<usize>,
}

/// `list`, a TOML array, without `remove` and with `add`; the list may be empty.
pub(super) fn changed(list: &str, add: &[String], remove: &[String]) -> String {
    let mut list = present(list).to_owned();
    loop {
        let elements = elements(&list);
        let goes = |element: &Element| remove.iter().any(|label| label.eq_ignore_ascii_case(&element.label));
        let Some(at) = elements.iter().position(goes) else { break };
        list = without(&list, &elements, at);
    }
    let add: Vec<String> = add.iter().map(|label| basic(label)).collect();
    with_values(&list, &add)
}

/// `list`, a TOML array, with `values` at its end, as they are; the list may be empty.
pub(super) fn with_values(list: &str, values: &[String]) -> String {
    values.iter().fold(present(list).to_owned(), |list, value| with(&list, &elements(&list), value))
}

fn present(list: &str) -> &str {
    if list.is_empty() { "[]" } else { list }
}

fn elements(list: &str) -> Vec<Element> {
    let prefix = "x = ";
    let document = Document::parse(format!("{prefix}{list}")).ok();
    let array = document.as_ref().and_then(|document| document.get("x")).and_then(|item| item.as_array());
    let text = |value: &toml_edit::Value| {
        value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|number| number.to_string()))
    };
    let spanned = array.into_iter().flatten().filter_map(|value| Some((text(value)?, value.span()?)));
    spanned
        .map(|(label, span)| {
            let span = span.start - prefix.len()..span.end - prefix.len();
            Element { label, comma: comma_after(list, span.end), span }
        })
        .collect()
}

fn comma_after(list: &str, from: usize) -> Option<usize> {
    let mut in_comment = false;
    for (at, c) in list[from..].char_indices() {
        match c {
            '\n' => in_comment = false,
            '#' => in_comment = true,
            ',' if !in_comment => return Some(from + at),
            ']' if !in_comment => return None,
            _ => {}
        }
    }
    None
}

/// What stands before `at` on its line, if it is blank.
fn indent(list: &str, at: usize) -> Option<&str> {
    let (_, before) = list[..at].rsplit_once('\n')?;
    before.trim().is_empty().then_some(before)
}

/// The place of the line's own end, if there is nothing between it and `from` but a comment.
fn line_end(list: &str, from: usize) -> Option<Range<usize>> {
    let end = from + list[from..].find('\n')?;
    let start = end - usize::from(list[from..end].ends_with('\r'));
    let rest = list[from..start].trim();
    (rest.is_empty() || rest.starts_with('#')).then_some(start..end + 1)
}

fn without(list: &str, elements: &[Element], at: usize) -> String {
    let Element { span, comma, .. } = &elements[at];
    let end = comma.map_or(span.end, |comma| comma + 1);
    let cut = match (indent(list, span.start), line_end(list, end)) {
        // Alone on its line: the line goes, with the comment on it.
        (Some(indent), Some(line_end)) => span.start - indent.len()..line_end.end,
        _ if comma.is_some() => {
            let rest = &list[end..];
            span.start..end + (rest.len() - rest.trim_start_matches([' ', '\t']).len())
        }
        _ => {
            let before = at.checked_sub(1).map(|before| elements[before].span.end);
            let only_comma = |from: &usize| list[*from..span.start].trim() == ",";
            before.filter(only_comma).unwrap_or(span.start)..end
        }
    };
    let left = format!("{}{}", &list[..cut.start], &list[cut.end..]);
    let inner = left.trim_start_matches('[').trim_end_matches(']');
    if inner.trim().is_empty() { "[]".to_owned() } else { left }
}

fn with(list: &str, elements: &[Element], value: &str) -> String {
    let Some(Element { span, comma, .. }) = elements.last() else {
        let inner = list.trim_end_matches(']');
        return format!("{inner}{value}]");
    };
    let end = comma.map_or(span.end, |comma| comma + 1);
    match (indent(list, span.start), line_end(list, end)) {
        (Some(indent), Some(line_end)) => {
            let comma = if comma.is_some() { "" } else { "," };
            let (before, after) = (&list[..end], &list[end..line_end.start]);
            let (eol, rest) = (&list[line_end.clone()], &list[line_end.start..]);
            format!("{before}{comma}{after}{eol}{indent}{value},{rest}")
        }
        _ => format!("{}, {value}{}", &list[..span.end], &list[span.end..]),
    }
}
