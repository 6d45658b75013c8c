//! What no text of this repository may hold.

use crate::rust::is_word;
use crate::tree::Tree;

use super::Problem;

/// Marks of unfinished work, in two halves so that this file does not hold them itself.
const MARKS: [(&str, &str); 4] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")];

/// Folders of one machine, in two halves for the same reason.
const MACHINE: [(&str, &str); 2] = [("/wo", "rk/"), ("/ro", "ot/")];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files.iter().filter(|f| !f.is_sample()) {
        let plain = [".rs", ".md", ".toml"].iter().any(|end| file.path.ends_with(end));
        for (n, line) in file.text.lines().enumerate() {
            let mut found = |what: String, remedy: &str| problems.push(Problem::new(&file.path, n + 1, what, remedy));
            if let Some(mark) = mark(line) {
                found(format!("the mark `{mark}`"), "do it, or open an issue");
            }
            if let Some(path) = machine_path(line) {
                found(format!("`{path}` names a folder of one machine"), "use a relative path");
            }
            if plain && line.ends_with([' ', '\t', '\r']) {
                found("white space at the end of the line".into(), "take it out");
            }
            if plain && line.contains('\t') {
                found("a tab".into(), "use spaces, or `\\t` in a string");
            }
        }
        if plain && !file.text.is_empty() && !file.text.ends_with('\n') {
            let line = file.text.lines().count();
            problems.push(Problem::new(&file.path, line, "no line end at the end of the file", "add one"));
        }
    }
    problems
}

fn mark(line: &str) -> Option<String> {
    MARKS.iter().map(|(a, b)| format!("{a}{b}")).find(|mark| {
        line.match_indices(mark.as_str())
            .any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + mark.len()..].starts_with(is_word))
    })
}

/// A path that begins at such a folder; one in the middle of another path is fine.
fn machine_path(line: &str) -> Option<String> {
    let in_path = |c: char| is_word(c) || matches!(c, '.' | '-' | '}' | ')' | '*' | '>' | '~');
    MACHINE
        .iter()
        .map(|(a, b)| format!("{a}{b}"))
        .find(|folder| line.match_indices(folder.as_str()).any(|(at, _)| !line[..at].ends_with(in_path)))
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    #[test]
    fn what_does_not_belong_is_found() {
        let (todo, path) = (["TO", "DO"].concat(), ["/wo", "rk/x"].concat());
        let text = format!("// {todo}: later\nlet a = \"{path}\"; \n\tlet b;\nend");
        let tree = Tree::of(&[("a.rs", &text)]);
        assert_eq!(
            shown(&check(&tree)),
            [
                format!("a.rs:1: the mark `{todo}`"),
                format!("a.rs:2: `{}` names a folder of one machine", &path[..6]),
                "a.rs:2: white space at the end of the line".to_owned(),
                "a.rs:3: a tab".to_owned(),
                "a.rs:4: no line end at the end of the file".to_owned(),
            ]
        );
    }

    #[test]
    fn words_and_paths_that_only_look_alike_are_fine() {
        let text = format!("mktemp a.{}\n.dayfly{}x\n", "X".repeat(6), ["/wo", "rk/"].concat());
        assert_eq!(check(&Tree::of(&[("a.md", &text), ("crates/a/tests/data/b.md", "x \n")])), []);
    }
}
