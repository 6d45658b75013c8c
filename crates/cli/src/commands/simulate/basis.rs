//! What the figures of a rehearsal rest on, as text.

use std::collections::BTreeMap;

use dayfly_runner::simulate::{Basis, Money, Other, SimReport};

use super::shown::section;

/// A line for each agent and stage: whether its times, tokens and money are its own or guessed.
pub(super) fn text<'a>(reports: impl Iterator<Item = &'a SimReport> + Clone) -> String {
    let limits = reports.clone().any(|report| !report.windows.is_empty());
    // A what-if may have more agents than there are now, and seeds may not all come to the same stages.
    let mut bases: BTreeMap<_, (&Basis, Vec<String>)> = BTreeMap::new();
    for basis in reports.flat_map(|report| &report.bases) {
        let (_, moneys) =
            bases.entry((&basis.agent, &basis.model, &basis.stage)).or_insert_with(|| (basis, Vec::new()));
        let money = money(basis.money);
        if !moneys.contains(&money) {
            moneys.push(money);
        }
    }
    let rows = bases.into_values().map(|(basis, moneys)| row(basis, &moneys));
    let mut text = section("What this rests on", rows.collect());
    if limits {
        text = format!("{}\n  the limits of vendors: guessed, they do not say\n\n", text.trim_end());
    }
    text
}

fn money(money: Money) -> String {
    match money {
        Money::Ledger(some) => format!("{some} attempts in your ledger"),
        Money::Prices => "the prices in dayfly.toml".to_owned(),
        _ => "guessed".to_owned(),
    }
}

/// A line. Where prices are set by a what-if, money rests on something else without it.
fn row(basis: &Basis, moneys: &[String]) -> Vec<String> {
    let work = match basis.attempts {
        0 => "times and tokens: guessed".to_owned(),
        some => format!("times and tokens: {some} attempts in your ledger{}", of_others(basis)),
    };
    let money = format!("money: {}", moneys.join("; with the change: "));
    vec![basis.agent.clone(), basis.model.clone().unwrap_or_default(), basis.stage.clone(), work, money]
}

/// With which other models those attempts were made: what they tell may not hold for this one.
fn of_others(basis: &Basis) -> String {
    let name = |other: &Other| other.model.clone().unwrap_or_else(|| "no named model".to_owned());
    match basis.others.as_slice() {
        [] => String::new(),
        [one] if one.attempts >= basis.attempts => format!(", of {}", name(one)),
        some => {
            let each = some.iter().map(|other| format!("{} of {}", other.attempts, name(other)));
            format!(", {}", each.collect::<Vec<_>>().join(" and "))
        }
    }
}
