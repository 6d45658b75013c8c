//! The domain does no I/O and asks for no time.

use crate::rust::{Code, line_of};
use crate::tree::Tree;

use super::Problem;

/// Paths that the domain's code may not name.
const FORBIDDEN: [&str; 8] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let core = tree.ending(&[".rs"]).filter(|f| f.path.starts_with("crates/core/src/") && f.name() != "tests.rs");
    for file in core.filter(|f| !f.is_under("tests")) {
        let code = Code::of(&file.text).text;
        let mut found = |at: usize, what: &str| {
            let remedy = "take it as an argument from the caller";
            problems.push(Problem::new(&file.path, line_of(&code, at), format!("the domain uses `{what}`"), remedy));
        };
        for what in FORBIDDEN {
            for (at, _) in code.match_indices(what) {
                found(at, what);
            }
        }
        for (at, _) in code.match_indices("use std::{") {
            let group = code[at..].split(';').next().unwrap_or_default();
            let names = group.split(|c: char| !crate::rust::is_word(c));
            for name in names.filter(|name| FORBIDDEN.contains(&format!("std::{name}").as_str())) {
                found(at, &format!("std::{name}"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    #[test]
    fn reading_the_world_in_the_domain_is_found() {
        let text =
            "// std::fs is only named.\nuse std::{env, fmt};\nfn f() {\n    let now = jiff::Timestamp::now();\n}\n";
        let tree = Tree::of(&[("crates/core/src/a.rs", text), ("crates/runner/src/a.rs", text)]);
        assert_eq!(
            shown(&check(&tree)),
            [
                "crates/core/src/a.rs:4: the domain uses `Timestamp::now`",
                "crates/core/src/a.rs:2: the domain uses `std::env`",
            ]
        );
    }

    #[test]
    fn tests_may_read_files() {
        let inside = "#[cfg(test)]\nmod tests {\n    fn f() { std::fs::read(\"x\"); }\n}\n";
        let tree = Tree::of(&[("crates/core/src/a.rs", inside), ("crates/core/src/a/tests.rs", "use std::fs;\n")]);
        assert_eq!(check(&tree), []);
    }
}
