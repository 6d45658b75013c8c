//! `dayfly simulate --scenario`: incidents that happened to others, rehearsed.

use dayfly_runner::EngineError;
use dayfly_runner::incidents::{Incident, IncidentError, Rehearsal, Wiring, incidents};
use serde::Serialize;

use crate::args::Simulate;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::columns;

/// A line of the list.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    happened: &'static str,
    defence: &'static str,
    without: &'static str,
}

pub(crate) async fn run(output: &Output, asked: &Simulate) -> Result<Exit, CliError> {
    let wiring = if asked.without_defence { Wiring::WithoutDefence } else { Wiring::Whole };
    match &asked.scenario {
        Some(name) => rehearse(output, name, wiring).await,
        None => list(output),
    }
}

/// Lists the scenarios.
fn list(output: &Output) -> Result<Exit, CliError> {
    let listed =
        |it: &Incident| Listed { name: it.name, happened: it.happened, defence: it.defence, without: it.instead };
    let all: Vec<Listed> = incidents().iter().map(listed).collect();
    let row = |it: &Listed| vec![it.name.to_owned(), it.happened.to_owned()];
    output.data(&all, || columns(&all.iter().map(row).collect::<Vec<_>>()))?;
    Ok(Exit::Good)
}

/// Rehearses the scenario of that name, or all of them.
async fn rehearse(output: &Output, name: &str, wiring: Wiring) -> Result<Exit, CliError> {
    let all = name == "all";
    let chosen: Vec<&'static Incident> =
        if all { incidents().iter().collect() } else { vec![Incident::named(name).map_err(refused)?] };
    let mut played = Vec::new();
    for incident in chosen {
        if all {
            output.say(&format!("{} ...", incident.name));
        }
        // It has a runtime of its own, and blocks.
        let rehearsed = tokio::task::spawn_blocking(move || incident.rehearse(wiring)).await;
        let bug = || IncidentError::Bug(incident.name);
        played.push((incident, rehearsed.unwrap_or_else(|_| Err(bug())).map_err(refused)?));
    }
    let passed = played.iter().all(|(_, rehearsal)| rehearsal.passed);
    let text = || if all { table(&played) } else { played.iter().map(|(it, played)| story(it, played)).collect() };
    if all {
        let rehearsals: Vec<&Rehearsal> = played.iter().map(|(_, rehearsal)| rehearsal).collect();
        output.data(&rehearsals, text)?;
    } else if let Some((_, rehearsal)) = played.first() {
        output.data(rehearsal, text)?;
    }
    Ok(if passed { Exit::Good } else { Exit::Trouble })
}

fn refused(err: IncidentError) -> CliError {
    match err {
        IncidentError::Unknown(_) => CliError::usage(err.to_string()),
        IncidentError::Bug(_) => EngineError::Bug(err.to_string()).into(),
        _ => {
            let said = err.to_string();
            CliError::environment(said).with_source(err).hint("it needs git, /bin/sh and a folder for temporary files")
        }
    }
}

/// One scenario, as it went.
fn story(incident: &Incident, rehearsal: &Rehearsal) -> String {
    let mut text = format!("{}: {}.\n\n", incident.name, incident.happened);
    for line in &rehearsal.story {
        text.push_str(&format!("  {line}\n"));
    }
    text.push('\n');
    for check in &rehearsal.checks {
        let (word, seen) = if check.holds { ("holds", String::new()) } else { ("fails", format!(": {}", check.seen)) };
        text.push_str(&format!("  {word}  {}{seen}\n", check.what));
    }
    let (word, what) = match rehearsal.wiring {
        Wiring::Whole => ("What protects", incident.defence),
        Wiring::WithoutDefence => ("In its place", incident.instead),
    };
    let verdict = if rehearsal.passed { "passed" } else { "failed" };
    text.push_str(&format!("\n{word}: {what}.\n{verdict}\n"));
    text
}

fn table(played: &[(&Incident, Rehearsal)]) -> String {
    let row = |(incident, rehearsal): &(&Incident, Rehearsal)| {
        let failed = rehearsal.checks.iter().find(|check| !check.holds);
        let said = failed.map_or(incident.defence.to_owned(), |check| format!("{}: {}", check.what, check.seen));
        let verdict = if rehearsal.passed { "passed" } else { "failed" };
        vec![incident.name.to_owned(), verdict.to_owned(), said.lines().next().unwrap_or_default().to_owned()]
    };
    let passed = played.iter().filter(|(_, rehearsal)| rehearsal.passed).count();
    format!("{}\n{passed} of {} passed", columns(&played.iter().map(row).collect::<Vec<_>>()), played.len())
}
