//! Starts of agents, for people.

use dayfly_core::{Access, Trust};

use super::launch::Launch;
use super::{Shown, Start, Use};
use crate::tables::{cut, one_line, shell_word};

/// The most characters of a long value, such as a schema. `--json` has all of it.
const WIDTH: usize = 100;

/// What stands in a command line for what is known only when an attempt is started.
const PLACES: [(&str, &str); 4] = [
    ("@DAYFLY_DIR@", "the attempt's own folder"),
    ("@DAYFLY_CWD@", "its working copy"),
    ("@DAYFLY_PROPOSAL@", "the file for its answer"),
    ("@DAYFLY_SESSION@", "a UUID of its own"),
];

pub(super) fn text(shown: &Shown) -> String {
    let mut text = format!("{} ({})", shown.agent, shown.kind);
    let accounts: Vec<&str> = shown.accounts.iter().map(|account| account.as_str()).collect();
    if accounts.len() > 1 {
        text.push_str(&format!(", shown with the first of its accounts {}", accounts.join(", ")));
    }
    text.push('\n');
    for start in &shown.starts {
        text.push_str(&format!("\n{}", of_start(start)));
    }
    let has: Vec<&[String]> = shown.starts.iter().map(|start| start.launch.has.as_slice()).collect();
    if let [first, rest @ ..] = has.as_slice()
        && rest.iter().all(|other| other == first)
    {
        text.push_str(&format!("\nBesides, it has {}.\n", first.join(", ")));
    }
    let legend: Vec<String> = PLACES
        .iter()
        .filter(|(place, _)| text.contains(place))
        .map(|(place, means)| format!("{place} is {means}"))
        .collect();
    if !legend.is_empty() {
        text.push_str(&format!("{}.\n", legend.join(", ")));
    }
    if text.contains('…') {
        text.push_str("What ends with … is cut here; `--json` has all of it.\n");
    }
    text
}

fn of_start(start: &Start) -> String {
    let launch = &start.launch;
    let access = match launch.access {
        Access::Read => "may read",
        Access::Write => "may write",
    };
    let mut about = vec![format!("profile {}", launch.profile.word()), access.into()];
    about.push(format!("sandbox {}", launch.sandbox.word()));
    about.extend(launch.account.iter().map(|account| format!("account {account}")));
    about.extend(launch.model.iter().map(|model| format!("model {model}")));
    let mut text = format!("{}: {}\n", places(&start.uses), about.join(", "));
    let mut row = |what: &str, found: &str| text.push_str(&format!("  {what:<9}{found}\n"));
    if let Some(wrapper) = &launch.wrapper {
        row("instead", &format!("of {wrapper}, which only starts the program:"));
    }
    let mut lines = command(launch).into_iter();
    row("runs", &lines.next().unwrap_or_default());
    lines.for_each(|line| row("", &format!("  {line}")));
    row("prompt", launch.prompt);
    if let Some(folder) = &launch.starts_in {
        row("in", folder);
    }
    if launch.proxy {
        row("key", "held by a proxy of its own, whose port stands as 0 here");
    }
    for (at, (name, value)) in launch.sets.iter().enumerate() {
        row(if at == 0 { "sets" } else { "" }, &format!("{name}={}", cut(&one_line(value), WIDTH)));
    }
    let passed: Vec<String> =
        launch.passes.iter().map(|(name, set)| format!("{name}{}", if *set { "" } else { " (not set)" })).collect();
    if !passed.is_empty() {
        row("passes", &passed.join(", "));
    }
    for (at, (path, text)) in launch.files.iter().enumerate() {
        row(if at == 0 { "files" } else { "" }, &format!("{path}: {}", cut(&one_line(text), WIDTH)));
    }
    text
}

/// `web: triage, prep; book: triage; for strangers' text`.
fn places(uses: &[Use]) -> String {
    let mut told: Vec<(String, Vec<Trust>)> = Vec::new();
    for place in uses {
        let name = format!("{} of {}", place.stage, place.project);
        match told.iter_mut().find(|(known, _)| *known == name) {
            Some((_, trusts)) => trusts.push(place.trust),
            None => told.push((name, vec![place.trust])),
        }
    }
    if told.is_empty() {
        return "at no stage".into();
    }
    let texts: Vec<String> = told
        .into_iter()
        .map(|(name, trusts)| match trusts.as_slice() {
            [Trust::Writer] => format!("{name} (issues of writers)"),
            [Trust::Stranger] => format!("{name} (issues of strangers)"),
            _ => name,
        })
        .collect();
    texts.join(", ")
}

/// The command line as a shell would take it, an option a line.
fn command(launch: &Launch) -> Vec<String> {
    let mut lines = vec![shell_word(&launch.program)];
    for arg in &launch.args {
        let word = if arg.chars().count() > WIDTH { cut(&one_line(arg), WIDTH) } else { arg.clone() };
        let word = shell_word(&word);
        match lines.last_mut().filter(|_| !arg.starts_with('-')) {
            Some(line) if lines_fit(line, &word) => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

fn lines_fit(line: &str, word: &str) -> bool {
    line.chars().count() + word.chars().count() <= WIDTH + 20
}
