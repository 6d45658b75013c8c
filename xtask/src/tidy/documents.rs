//! The documents: there, linked rightly, and of the agreed form.

use crate::tree::{File, Tree};

use super::Problem;

const REQUIRED: [&str; 16] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "STYLE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "AGENTS.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "deny.toml",
    "docs/guide.md",
    "docs/configuration.md",
    "docs/outcomes.md",
    "docs/troubleshooting.md",
    "docs/states.md",
    "docs/sandbox.md",
];

const GLOSSARY: &str = "docs/glossary.md";

/// The words of the design, one for one thing.
const WORDS: [&str; 21] = [
    "portfolio",
    "project",
    "tracker",
    "issue",
    "milestone",
    "stage",
    "job",
    "attempt",
    "agent",
    "runner",
    "gate",
    "verdict",
    "outcome",
    "effect",
    "outbox",
    "ledger",
    "capacity",
    "plan",
    "reason",
    "cycle",
    "engine",
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in REQUIRED.into_iter().chain([GLOSSARY]) {
        if tree.file(path).is_none_or(|f| f.text.trim().is_empty()) {
            problems.push(Problem::new(path, 1, "the document is missing", "write it"));
        }
    }
    if let Some(glossary) = tree.file(GLOSSARY) {
        for word in WORDS.iter().filter(|word| !glossary.text.contains(&format!("\n| {word} |"))) {
            let remedy = format!("add a row `| {word} | what it means |`");
            problems.push(Problem::new(GLOSSARY, 1, format!("the word `{word}` is missing"), remedy));
        }
    }
    let decisions: Vec<&File> = tree.ending(&[".md"]).filter(|f| f.path.starts_with("docs/decisions/")).collect();
    for (n, file) in decisions.iter().enumerate() {
        problems.extend(decision(file, n + 1));
    }
    let paths = tree.paths();
    for file in tree.ending(&[".md"]).filter(|f| !f.is_sample()) {
        for (line, target) in links(&file.text) {
            if resolve(&file.path, &target).is_none_or(|path| !paths.contains(path.as_str())) {
                let what = format!("the link to `{target}` leads nowhere");
                problems.push(Problem::new(&file.path, line, what, "mend the path"));
            }
        }
    }
    problems
}

fn decision(file: &File, number: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !file.name().starts_with(&format!("{number:04}-")) {
        let remedy = format!("begin its name with {number:04}-");
        problems.push(Problem::new(&file.path, 1, "decisions are numbered without gaps", remedy));
    }
    for heading in ["## Context", "## Decision", "## Consequences"] {
        if !file.text.lines().any(|l| l == heading) {
            problems.push(Problem::new(&file.path, 1, format!("the heading `{heading}` is missing"), "add it"));
        }
    }
    problems
}

/// The relative links of a text, with their lines; what stands in code is none.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for part in prose.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !outside {
                found.push((n + 1, target.to_owned()));
            }
        }
    }
    found
}

/// The path a link means, from the root; none if it leads out of the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    fn full() -> Vec<(String, String)> {
        let glossary: String = WORDS.iter().map(|word| format!("\n| {word} | x |")).collect();
        let mut files: Vec<(String, String)> = REQUIRED.iter().map(|p| ((*p).to_owned(), "x\n".to_owned())).collect();
        files.push((GLOSSARY.to_owned(), glossary));
        files
    }

    fn check_with(changes: &[(&str, &str)]) -> Vec<String> {
        let mut files = full();
        for (path, text) in changes {
            files.retain(|(p, _)| p != path);
            files.push(((*path).to_owned(), (*text).to_owned()));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        shown(&check(&Tree::of(&files)))
    }

    #[test]
    fn a_missing_document_is_found() {
        assert_eq!(check_with(&[]), [""; 0]);
        assert_eq!(check_with(&[("SECURITY.md", "")]), ["SECURITY.md:1: the document is missing"]);
    }

    #[test]
    fn a_missing_word_is_found() {
        let found = check_with(&[(GLOSSARY, "| portfolio | x |\n| job | y |\n")]);
        assert!(found.contains(&"docs/glossary.md:1: the word `engine` is missing".to_owned()), "{found:?}");
        assert!(!found.iter().any(|f| f.contains("`job`")), "{found:?}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let text = "[a](../README.md#x) [b](gone.md) `[c](code.md)` [d](https://example.org) [e](#here)\n\
                    ```\n[f](code.md)\n```\n[g](../../out.md) [h](.)\n";
        assert_eq!(
            check_with(&[("docs/guide.md", text)]),
            [
                "docs/guide.md:1: the link to `gone.md` leads nowhere",
                "docs/guide.md:5: the link to `../../out.md` leads nowhere",
            ]
        );
    }

    #[test]
    fn a_decision_of_another_form_is_found() {
        assert_eq!(
            check_with(&[("docs/decisions/0002-x.md", "# X\n\n## Context\n\n## Decision\n")]),
            [
                "docs/decisions/0002-x.md:1: decisions are numbered without gaps",
                "docs/decisions/0002-x.md:1: the heading `## Consequences` is missing",
            ]
        );
    }
}
