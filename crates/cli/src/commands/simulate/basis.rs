//! What the figures of a rehearsal rest on, as text.

use std::collections::BTreeMap;

use dayfly_runner::simulate::{Basis, Money, SimReport};

use super::shown::section;

/// A line for each agent and stage: whether its times, tokens and money are its own or guessed.
pub(super) fn text<'a>(reports: impl Iterator<Item = &'a SimReport> + Clone) -> String {
    let limits = reports.clone().any(|report| !report.windows.is_empty());
    // A what-if may have more agents than there are now, and seeds may not all come to the same stages.
    let bases: BTreeMap<_, &Basis> = reports
        .flat_map(|report| &report.bases)
        .map(|basis| ((&basis.agent, &basis.model, &basis.stage), basis))
        .collect();
    let mut text = section("What this rests on", bases.into_values().map(row).collect());
    if limits {
        text = format!("{}\n  the limits of vendors: guessed, they do not say\n\n", text.trim_end());
    }
    text
}

fn row(basis: &Basis) -> Vec<String> {
    let work = match basis.attempts {
        0 => "times and tokens: guessed".to_owned(),
        some => format!("times and tokens: {some} attempts in your ledger"),
    };
    let money = match basis.money {
        Money::Ledger(some) => format!("money: {some} attempts in your ledger"),
        Money::Prices => "money: the prices in dayfly.toml".to_owned(),
        _ => "money: guessed".to_owned(),
    };
    vec![basis.agent.clone(), basis.model.clone().unwrap_or_default(), basis.stage.clone(), work, money]
}
