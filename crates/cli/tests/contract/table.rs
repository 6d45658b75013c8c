//! The page that says what was seen.

use std::time::Duration;

use crate::cases::CASES;
use crate::clis::Cli;
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

/// The whole page.
pub(crate) fn page(clis: &[Cli], seen: &[Seen]) -> String {
    let mut page = String::from(HEAD);
    page.push_str("\n| case | what the server does |\n|---|---|\n");
    for case in &CASES {
        page.push_str(&format!("| {} | {} |\n", case.name, case.what));
    }
    page.push_str(
        "\nThe end is one of [these](outcomes.md). Requests are those for an answer of a model, as the server saw them: what \
         is more than one is the command line's own trying again, or a question on the side.\n",
    );
    for cli in clis {
        let rows: Vec<&Seen> = seen.iter().filter(|seen| seen.cli == cli.name).collect();
        if rows.is_empty() {
            continue;
        }
        page.push_str(&format!("\n## {} {}\n\n{COLUMNS}", cli.name, cli.version));
        for seen in rows {
            let (requests, time) = (requests(seen.requests), time(seen.took()));
            page.push_str(&format!(
                "| {} | {} | {} | {} | {requests} | {} | {time} |\n",
                seen.case,
                seen.end(),
                seen.limited.word(),
                seen.next,
                seen.exit()
            ));
        }
    }
    page
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
fn time(took: Duration) -> &'static str {
    match took.as_secs() {
        0..=9 => "under 10 s",
        10..=29 => "10 to 30 s",
        30..=59 => "30 to 60 s",
        _ => "over 60 s",
    }
}
