//! The page that says what was seen.

use crate::cases::CASES;
use crate::clis::Cli;
use crate::hostile::Hostile;
use crate::seen::Seen;

const HEAD: &str = "\
# The contract with the command lines

Written by `cargo xtask contract --table`; change nothing here by hand. Each command line below was installed in just this
version and run by `dayfly` against a scripted model server, without a network, with an empty environment and a home of
its own. A version that is not named here has not been tried.
";

const COLUMNS: &str = "\
| case | end | capacity | what follows | requests | exit | time |
|---|---|---|---|---|---|---|
";

const HOSTILE: &str = "
## A hostile checkout

The repository holds files by which it would have something run when a command line starts in it, or have requests and
keys sent to an address of its own: hooks, helpers for keys, tool servers, plugins, base addresses, variables, and what
the programs' runtimes load. Each command line did the same work in it three times: started by hand in the folder as its
documentation says; by dayfly for a project that is trusted, where the vendor's own rules hold; and by dayfly with
`trusted = false`.

| command line | started | ran | left | the repository's key presented | told the model its instructions | end |
|---|---|---|---|---|---|---|
";

/// What the hostile checkout did.
fn hostile_page(hostile: &[Hostile]) -> String {
    let mut page = String::from(HOSTILE);
    for seen in hostile {
        let ran = if seen.ran.is_empty() { "nothing".into() } else { format!("{} of its things", seen.ran.len()) };
        let left = match (seen.left.is_empty(), seen.key_left) {
            (true, _) => "nothing",
            (false, false) => "requests",
            (false, true) => "requests with the user's key",
        };
        let word = |holds: bool| if holds { "yes" } else { "no" };
        let (planted, instructed) = (word(seen.planted), word(seen.instructed));
        page.push_str(&format!(
            "| {} | {} | {ran} | {left} | {planted} | {instructed} | {} |\n",
            seen.cli,
            seen.start.word(),
            seen.end
        ));
    }
    page.push_str("\nWhat ran, by name:\n\n");
    for seen in hostile.iter().filter(|seen| !seen.ran.is_empty()) {
        let names: Vec<String> = seen.ran.iter().map(|name| format!("`{name}`")).collect();
        page.push_str(&format!("- {}, {}: {}\n", seen.cli, seen.start.word(), names.join(", ")));
    }
    page
}

/// The whole page.
pub(crate) fn page(clis: &[Cli], seen: &[Seen], hostile: &[Hostile]) -> String {
    let mut page = String::from(HEAD);
    page.push_str("\n| case | what the server does |\n|---|---|\n");
    for case in &CASES {
        page.push_str(&format!("| {} | {} |\n", case.name, case.what));
    }
    page.push_str(
        "\nThe end is one of [these](outcomes.md). Requests are those for an answer of a model, as the server \
         saw them: what\nis more than the work needs is the command line's own trying again, or a question on the side.\n",
    );
    for cli in clis {
        let rows: Vec<&Seen> = seen.iter().filter(|seen| seen.cli == cli.name).collect();
        if rows.is_empty() {
            continue;
        }
        page.push_str(&format!("\n## {} {}\n\n{COLUMNS}", cli.name, cli.version));
        for seen in rows {
            let (requests, time) = (requests(seen.requests), time(seen));
            page.push_str(&format!(
                "| {} | {} | {} | {} | {requests} | {} | {time} |\n",
                seen.case,
                seen.end(),
                seen.capacity(),
                seen.follows(),
                seen.exit()
            ));
        }
    }
    page + &hostile_page(hostile)
}

/// A small number as it is; with many, a few more or less mean nothing.
fn requests(n: usize) -> String {
    match n {
        0..=6 => n.to_string(),
        7..=14 => "about 10".into(),
        _ => "more than 14".into(),
    }
}

/// Coarse, so that the page does not change with the weather.
fn time(seen: &Seen) -> &'static str {
    match seen.took().as_secs() {
        _ if seen.end().starts_with("timed-out") => "its limit",
        0..=9 => "seconds",
        10..=59 => "under a minute",
        _ => "minutes",
    }
}
