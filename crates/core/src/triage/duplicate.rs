//! Of two issues that one effect or one part of a parent asked for, one is too many.

use std::collections::BTreeMap;

use super::{Finding, TriageInput, order};
use crate::{Issue, Phase, TrackerWrite};

const NAME: &str = "duplicate";

pub(super) fn rule(input: &TriageInput<'_>) -> Vec<Finding> {
    let mut same: BTreeMap<(&str, Option<&str>, &str), Vec<&Issue>> = BTreeMap::new();
    for issue in input.open() {
        let facts = &issue.facts;
        if let Some(part) = &facts.part {
            same.entry(("part", issue.parent.as_ref().map(|p| p.as_str()), part)).or_default().push(issue);
        }
        if let Some(key) = &facts.key {
            same.entry(("key", None, key)).or_default().push(issue);
        }
    }
    let mut others: BTreeMap<(u64, &str), (&Issue, &Issue)> = BTreeMap::new();
    for mut issues in same.into_values().filter(|issues| issues.len() > 1) {
        // The one that work was spent on, or else the oldest.
        issues.sort_by_key(|i| (!is_begun(input, i), order(&i.id)));
        for issue in &issues[1..] {
            others.entry(order(&issue.id)).or_insert((issue, issues[0]));
        }
    }
    let free = others.into_values().filter(|(issue, _)| !input.is_busy(issue));
    free.map(|(issue, of)| {
        let write = TrackerWrite::Duplicate { issue: issue.id.clone(), of: of.id.clone() };
        Finding::new(issue, NAME, format!("it was created for the same thing as #{}", of.id), vec![write])
    })
    .collect()
}

fn is_begun(input: &TriageInput<'_>, issue: &Issue) -> bool {
    input.known(issue).is_some_and(|known| !matches!(known.phase, Phase::Closed))
}
