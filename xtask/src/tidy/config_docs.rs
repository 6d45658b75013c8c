//! The reference pages name everything that the code reads and says.

use crate::tree::Tree;

use super::Problem;

const RAW: &str = "crates/core/src/config/raw.rs";
const OUTCOME: &str = "crates/core/src/outcome.rs";
/// The structs whose fields are keys of the configuration file.
const SECTIONS: [&str; 8] = ["Root", "Limits", "Retry", "Sandbox", "Agent", "Stage", "Project", "Session"];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let text = |path: &str| tree.file(path).map_or("", |f| f.text.as_str());
    let mut problems = missing(text("docs/configuration.md"), "docs/configuration.md", RAW, keys(text(RAW)));
    problems.extend(missing(text("docs/outcomes.md"), "docs/outcomes.md", OUTCOME, ends(text(OUTCOME))));
    problems
}

/// A word that the source has several times, such as `concurrency`, needs as many rows.
fn missing(page: &str, path: &str, source: &str, mut words: Vec<String>) -> Vec<Problem> {
    words.sort();
    let rows = |word: &str| page.matches(&format!("\n| `{word}` |")).count();
    let missing = words.chunk_by(|a, b| a == b).filter(|same| rows(&same[0]) < same.len());
    let problem = |same: &[String]| {
        let word = &same[0];
        let what = format!("`{word}` of {source} has {} of {} rows", rows(word), same.len());
        Problem::new(path, 1, what, format!("add a row beginning with | `{word}` |"))
    };
    missing.map(problem).collect()
}

/// The keys, from the fields of the file's form.
fn keys(source: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut inside = false;
    for line in source.lines() {
        if let Some(header) = line.strip_prefix("pub(super) struct ") {
            let name = header.split([' ', '<']).next().unwrap_or_default();
            inside = SECTIONS.contains(&name);
        } else if line == "}" {
            inside = false;
        } else if let Some((field, _)) = line.trim().strip_prefix("pub(super) ").and_then(|l| l.split_once(':'))
            && inside
        {
            keys.push(field.replace('_', "-"));
        }
    }
    keys
}

/// The words of the ends, from the function that gives them.
fn ends(source: &str) -> Vec<String> {
    let arms = source.lines().map(str::trim).filter(|line| line.starts_with("End::"));
    arms.filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    #[test]
    fn a_key_or_an_end_without_its_row_is_found() {
        let raw = "pub(super) struct Section<T> {\n    pub(super) span: u8,\n}\n\
                   pub(super) struct Root {\n    pub(super) state_dir: u8,\n    pub(super) version: u8,\n}\n\
                   pub(super) struct Agent {\n    pub(super) version: u8,\n}\npub(super) fn read(a: u8) {}\n";
        let outcome = "            End::Lost => \"lost\",\n            End::NoOp { .. } => \"no-op\",\n";
        let tree = Tree::of(&[
            (RAW, raw),
            (OUTCOME, outcome),
            ("docs/configuration.md", "\n| `version` | 1 |\n"),
            ("docs/outcomes.md", "\n| `lost` | x |\n"),
        ]);
        assert_eq!(
            shown(&check(&tree)),
            [
                "docs/configuration.md:1: `state-dir` of crates/core/src/config/raw.rs has 0 of 1 rows",
                "docs/configuration.md:1: `version` of crates/core/src/config/raw.rs has 1 of 2 rows",
                "docs/outcomes.md:1: `no-op` of crates/core/src/outcome.rs has 0 of 1 rows",
            ]
        );
    }
}
