//! How large files and functions may be, and how modules are laid out.

use crate::rust::Code;
use crate::tree::{File, Tree};

use super::Problem;

const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";
const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

/// A line of the exceptions: `path kind limit reason`.
struct Exception {
    line: usize,
    path: String,
    kind: String,
    limit: usize,
    used: bool,
}

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut exceptions = exceptions(tree, &mut problems);
    for file in tree.ending(&[".rs"]) {
        if file.name() == "mod.rs" {
            let remedy = "name it after its folder, beside the folder";
            problems.push(Problem::new(&file.path, 1, "a module in mod.rs", remedy));
        }
        if file.name() == "tests.rs" || file.is_under("tests") {
            continue;
        }
        let code = Code::of(&file.text);
        let limit = limit(&mut exceptions, file, "file-lines", code.lines, FILE_LINES);
        if code.lines > limit {
            let what = format!("{} lines without tests, more than {limit}", code.lines);
            problems.push(Problem::new(&file.path, 1, what, "part it by concept"));
        }
        problems.extend(functions(file, &code, &mut exceptions));
    }
    for unused in exceptions.iter().filter(|e| !e.used) {
        let what = format!("nothing needs the exception of {} for {}", unused.path, unused.kind);
        problems.push(Problem::new(EXCEPTIONS, unused.line, what, "take the line out"));
    }
    problems
}

fn functions(file: &File, code: &Code, exceptions: &mut [Exception]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for function in code.functions() {
        let (start, end) = (*function.lines.start(), *function.lines.end());
        let lines = end + 1 - start;
        let limit = limit(exceptions, file, "function-lines", lines, FUNCTION_LINES);
        if lines > limit {
            let what = format!("`{}` has {lines} lines, more than {limit}", function.name);
            problems.push(Problem::new(&file.path, start, what, "let it call functions that each do one thing"));
        }
    }
    problems
}

/// The limit that holds; an exception is used only where the usual limit would not do.
fn limit(exceptions: &mut [Exception], file: &File, kind: &str, size: usize, usual: usize) -> usize {
    if size <= usual {
        return usual;
    }
    let exception = exceptions.iter_mut().find(|e| e.path == file.path && e.kind == kind);
    exception.map_or(usual, |e| {
        e.used = true;
        e.limit
    })
}

fn exceptions(tree: &Tree, problems: &mut Vec<Problem>) -> Vec<Exception> {
    let text = tree.file(EXCEPTIONS).map_or("", |f| f.text.as_str());
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (path, kind, limit) = (words.next(), words.next(), words.next());
        let kind = kind.filter(|kind| ["file-lines", "function-lines"].contains(kind));
        let limit = limit.and_then(|limit| limit.parse().ok());
        match (path, kind, limit, words.next()) {
            (Some(path), Some(kind), Some(limit), Some(_)) => {
                found.push(Exception { line: n + 1, path: path.to_owned(), kind: kind.to_owned(), limit, used: false })
            }
            _ => {
                let remedy = "write: PATH file-lines|function-lines LIMIT REASON";
                problems.push(Problem::new(EXCEPTIONS, n + 1, "this is not an exception", remedy));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    fn long_file() -> String {
        "const A: u8 = 1;\n".repeat(401)
    }

    fn long_function() -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(70))
    }

    #[test]
    fn what_is_too_large_is_found() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    const A: u8 = 1;\n".repeat(500));
        let tree = Tree::of(&[
            ("crates/a/src/long.rs", &long_file()),
            ("crates/a/src/function.rs", &long_function()),
            ("crates/a/src/fine.rs", &tests),
            ("crates/a/src/b/tests.rs", &long_file()),
            ("crates/a/tests/it/main.rs", &long_function()),
            ("crates/a/src/b/mod.rs", ""),
        ]);
        assert_eq!(
            shown(&check(&tree)),
            [
                "crates/a/src/long.rs:1: 401 lines without tests, more than 400",
                "crates/a/src/function.rs:1: `f` has 72 lines, more than 70",
                "crates/a/src/b/mod.rs:1: a module in mod.rs",
            ]
        );
    }

    #[test]
    fn an_exception_holds_up_to_its_limit() {
        let list = "# why\na.rs file-lines 401 a table\nb.rs function-lines 71 one match\n";
        let tree = Tree::of(&[(EXCEPTIONS, list), ("a.rs", &long_file()), ("b.rs", &long_function())]);
        assert_eq!(shown(&check(&tree)), ["b.rs:1: `f` has 72 lines, more than 71"]);
    }

    #[test]
    fn an_exception_that_nothing_needs_or_that_has_no_reason_is_found() {
        let list = "a.rs file-lines 500 a table\na.rs file-lines 500\na.rs colour 5 green\n";
        let tree = Tree::of(&[(EXCEPTIONS, list), ("a.rs", "fn f() {}\n")]);
        assert_eq!(
            shown(&check(&tree)),
            [
                "xtask/tidy-exceptions.txt:2: this is not an exception",
                "xtask/tidy-exceptions.txt:3: this is not an exception",
                "xtask/tidy-exceptions.txt:1: nothing needs the exception of a.rs for file-lines",
            ]
        );
    }
}
