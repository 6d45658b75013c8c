//! Which crate may depend on which.

use crate::tree::{File, Tree, cargo};

use super::Problem;

/// Each package's folder, and the packages of this workspace it may depend on.
const DIRECTIONS: [(&str, &[&str]); 8] = [
    ("crates/core", &[]),
    ("crates/runner", &["dayfly-core"]),
    ("crates/github", &["dayfly-core"]),
    ("crates/cli", &["dayfly-runner", "dayfly-github", "dayfly-core"]),
    ("crates/testkit", &["dayfly-core"]),
    ("examples", &["dayfly-core", "dayfly-runner", "dayfly-github", "dayfly-cli", "dayfly-testkit"]),
    ("fuzz", &["dayfly-core", "dayfly-runner", "dayfly-github"]),
    ("xtask", &[]),
];

/// Runtimes and HTTP clients; the domain names none of them.
const OUTSIDE: [&str; 13] = [
    "tokio",
    "tokio-util",
    "mio",
    "async-std",
    "smol",
    "reqwest",
    "hyper",
    "ureq",
    "curl",
    "isahc",
    "attohttpc",
    "octocrab",
    "h2",
];

/// A dependency with the line that names it.
struct Dependency {
    name: String,
    line: usize,
}

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files.iter().filter(|f| f.name() == "Cargo.toml" && f.path != "Cargo.toml") {
        let folder = file.path.trim_end_matches("/Cargo.toml");
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(f, _)| *f == folder) else {
            let remedy = "add it to the table in xtask/src/tidy/crates.rs";
            problems.push(Problem::new(&file.path, 1, "a package without a direction", remedy));
            continue;
        };
        for dependency in dependencies(file) {
            problems.extend(judge(file, folder, allowed, &dependency));
        }
    }
    problems
}

fn judge(file: &File, folder: &str, allowed: &[&str], dependency: &Dependency) -> Option<Problem> {
    let Dependency { name, line } = dependency;
    let (what, remedy) = if folder == "xtask" {
        (format!("xtask depends on `{name}`"), "use the standard library alone")
    } else if name.starts_with("dayfly-") && !allowed.contains(&name.as_str()) {
        (format!("{folder} depends on `{name}`"), "turn the dependency round, or move the code")
    } else if folder == "crates/core" && OUTSIDE.contains(&name.as_str()) {
        (format!("the domain names `{name}`"), "take what comes from outside as an argument")
    } else {
        return None;
    };
    Some(Problem::new(&file.path, *line, what, remedy))
}

/// The normal and build dependencies of a manifest, read line by line.
fn dependencies(file: &File) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut inside = false;
    for (n, line) in file.text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let header = header.rsplit_once("'.").map_or(header, |(_, rest)| rest);
            let (table, name) = header.split_once('.').unwrap_or((header, ""));
            let normal = matches!(table, "dependencies" | "build-dependencies");
            inside = normal && name.is_empty();
            if normal && !name.is_empty() {
                found.push(Dependency { name: name.to_owned(), line: n + 1 });
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
        let name = key.trim().split('.').next().unwrap_or_default().trim_matches('"');
        found.push(Dependency { name: name.to_owned(), line: n + 1 });
        let renamed = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
        found.extend(renamed.map(|name| Dependency { name: name.to_owned(), line: n + 1 }));
    }
    found
}

/// Asks cargo what the domain really pulls in.
pub(super) fn check_core_tree() -> Vec<Problem> {
    let output = cargo()
        .args(["tree", "-p", "dayfly-core", "-e", "normal", "--all-features", "--prefix", "none", "--locked"])
        .output();
    let problem =
        |what: String| vec![Problem::new("crates/core/Cargo.toml", 1, what, "run `cargo tree -p dayfly-core`")];
    match output {
        Ok(output) if output.status.success() => pulled_in(&String::from_utf8_lossy(&output.stdout)),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            problem(format!("cargo tree failed: {}", said.lines().next().unwrap_or_default()))
        }
        Err(err) => problem(format!("cargo tree cannot be run: {err}")),
    }
}

fn pulled_in(listing: &str) -> Vec<Problem> {
    let names = listing.lines().filter_map(|line| line.split_whitespace().next());
    let bad = names.filter(|name| OUTSIDE.contains(name) || (name.starts_with("dayfly-") && *name != "dayfly-core"));
    let problem = |name| {
        let what = format!("the domain pulls in `{name}`");
        Problem::new("crates/core/Cargo.toml", 1, what, "drop the dependency, or the feature that brings it")
    };
    bad.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let tree = Tree::of(&[
            ("Cargo.toml", "[workspace.dependencies]\ntokio = \"1\"\n"),
            (
                "crates/core/Cargo.toml",
                "[dependencies]\ndayfly-runner.workspace = true\ntokio = \"1\"\nserde = \"1\"\n",
            ),
            (
                "crates/runner/Cargo.toml",
                "[dependencies]\ndayfly-core.workspace = true\n[dependencies.dayfly-github]\n",
            ),
            ("crates/cli/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nkit = { package = \"dayfly-testkit\" }\n"),
            ("crates/new/Cargo.toml", ""),
            ("xtask/Cargo.toml", "[dependencies]\nserde = \"1\"\n"),
        ]);
        assert_eq!(
            shown(&check(&tree)),
            [
                "crates/core/Cargo.toml:2: crates/core depends on `dayfly-runner`",
                "crates/core/Cargo.toml:3: the domain names `tokio`",
                "crates/runner/Cargo.toml:3: crates/runner depends on `dayfly-github`",
                "crates/cli/Cargo.toml:2: crates/cli depends on `dayfly-testkit`",
                "crates/new/Cargo.toml:1: a package without a direction",
                "xtask/Cargo.toml:2: xtask depends on `serde`",
            ]
        );
    }

    #[test]
    fn dev_dependencies_are_free() {
        let tree =
            Tree::of(&[("crates/core/Cargo.toml", "[dev-dependencies]\ntokio = \"1\"\ndayfly-testkit = \"0\"\n")]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn what_comes_in_by_the_way_is_found() {
        let listing = "dayfly-core v0.1.0 (somewhere)\nserde v1.0.0\ntokio v1.0.0\n";
        assert_eq!(shown(&pulled_in(listing)), ["crates/core/Cargo.toml:1: the domain pulls in `tokio`"]);
    }
}
