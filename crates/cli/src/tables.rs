//! Text for people: columns, times, spans.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::plain::plain;

/// Rows as columns, each as wide as its widest cell; empty columns are left out.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| on_a_line(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|r| r.get(at)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths).filter(|(_, w)| **w > 0) {
            let pad = width - cell.chars().count();
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', pad + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A cell as it can be shown in a column.
fn on_a_line(cell: &str) -> String {
    plain(cell).replace(['\n', '\t'], " ")
}

/// A time of day in the user's zone, with the date if it is not today's.
pub(crate) fn time(at: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::system();
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone));
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    at.strftime(form).to_string()
}

/// A span in its two largest units.
pub(crate) fn span(time: Duration) -> String {
    let secs = time.as_secs();
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, _) => format!("{:.1} s", time.as_secs_f64()),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// One character for each number, as high as it is large.
pub(crate) fn sparkline(numbers: &[u64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.iter().copied().max().unwrap_or(0).max(1);
    let height = |n: &u64| HEIGHTS.get((*n as f64 / most as f64 * 7.0).round() as usize).copied().unwrap_or('█');
    numbers.iter().map(height).collect()
}

/// A text on one line, whole.
pub(crate) fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A word that a shell takes as one, as it is.
pub(crate) fn shell_word(text: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), rest.as_str()))
}

/// `1 issue`, `2 issues`, `2 processes`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let end = match number {
        1 => "",
        _ if what.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {what}{end}")
}

/// A text cut to a width, on one line.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = plain(text);
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_word_as_it_is() {
        let words = ["/tmp/demo-1", "/tmp/my demo", "it's", "$HOME", ""].map(shell_word);
        assert_eq!(words, ["/tmp/demo-1", "'/tmp/my demo'", r"'it'\''s'", "'$HOME'", "''"]);
    }

    #[test]
    fn what_is_counted_has_its_plural() {
        let said = [(1, "process"), (3, "process"), (0, "issue")].map(|(number, what)| count(number, what));
        assert_eq!(said, ["1 process", "3 processes", "0 issues"]);
    }

    #[test]
    fn a_cell_is_one_line_as_wide_as_it_looks() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = columns(&[row(["\u{1b}[31mred\u{1b}[0m", "a\nb"]), row(["black", "c"])]);
        assert_eq!(text, "red    a b\nblack  c\n");
        assert_eq!(cut("\u{1b}]0;title\u{7}abcdef", 4), "abc…");
    }
}
