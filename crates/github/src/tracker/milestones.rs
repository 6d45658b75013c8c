//! Milestones, and how far they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dayfly_core::ForgeRepo;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fault::Fault;
use super::prints::{Count, batches};
use super::seen::SeenMilestone;
use super::slot::Slot;
use super::wire::{self, State};
use crate::{Call, GitHub, GitHubError};

/// How many repositories are asked for at once. Each costs as much as its milestones are many.
const BATCH: usize = 20;

/// How many issues of a milestone are open, and how many closed, by its number.
pub(crate) type Counted = BTreeMap<u64, (u32, u32)>;

/// All milestones of a repository.
pub(crate) async fn list(github: &GitHub, slot: &Slot) -> Result<Vec<SeenMilestone>, GitHubError> {
    let list: Vec<wire::Milestone> = github.pages(Call::get(slot.path("/milestones?state=all"))).await?;
    Ok(list.into_iter().map(SeenMilestone::from_wire).collect())
}

impl SeenMilestone {
    pub(crate) fn from_wire(milestone: wire::Milestone) -> Self {
        Self {
            number: milestone.number,
            title: milestone.title,
            due: milestone.due_on.map(due_day),
            closed: milestone.state == State::Closed,
            counts: None,
        }
    }
}

/// The day a milestone is due. GitHub keeps midnight at the Pacific coast, which is the same day's morning in UTC.
fn due_day(due: Timestamp) -> Date {
    due.to_zoned(TimeZone::UTC).date()
}

/// The time that makes it due on this day: noon in UTC is the same day at the Pacific coast.
pub(crate) fn due_on(day: Date) -> String {
    format!("{day}T12:00:00Z")
}

/// Counts the issues of the open milestones of these repositories, in the order given. Pull requests do not count, as they
/// do in the numbers that come with a milestone.
pub(crate) async fn count(github: &GitHub, repos: &[ForgeRepo]) -> Vec<Result<Counted, Fault>> {
    let mut counted: BTreeMap<usize, Result<Counted, Fault>> = BTreeMap::new();
    for batch in batches(github, repos, BATCH) {
        let names: Vec<ForgeRepo> = batch.iter().map(|at| repos[*at].clone()).collect();
        let asked = github
            .graphql_partial::<BTreeMap<String, serde_json::Value>>(&document(&names), &(), names.first())
            .await
            .map_err(Fault::from);
        for (n, at) in batch.iter().enumerate() {
            let one = match &asked {
                Ok(answer) => {
                    let repo = answer.data.get(&format!("r{n}")).and_then(|repo| Milestones::deserialize(repo).ok());
                    repo.as_ref().map(counts).ok_or_else(|| Fault::Unavailable("its milestones were left out".into()))
                }
                Err(fault) => Err(fault.clone()),
            };
            counted.insert(*at, one);
        }
    }
    (0..repos.len()).map(|at| counted.remove(&at).unwrap_or_else(|| Ok(Counted::new()))).collect()
}

#[derive(Debug, Deserialize)]
struct Milestones {
    milestones: Nodes,
}

#[derive(Debug, Deserialize)]
struct Nodes {
    #[serde(default)]
    nodes: Vec<Option<Node>>,
}

#[derive(Debug, Deserialize)]
struct Node {
    number: u64,
    open: Count,
    closed: Count,
}

fn counts(repo: &Milestones) -> Counted {
    let small = |count: &Count| u32::try_from(count.total_count).unwrap_or(u32::MAX);
    repo.milestones.nodes.iter().flatten().map(|m| (m.number, (small(&m.open), small(&m.closed)))).collect()
}

fn document(repos: &[ForgeRepo]) -> String {
    let mut text = String::from("query MilestoneCounts {\n");
    for (n, repo) in repos.iter().enumerate() {
        writeln!(
            text,
            "  r{n}: repository(owner: \"{}\", name: \"{}\") {{ \
             milestones(first: 20, states: OPEN, orderBy: {{field: DUE_DATE, direction: ASC}}) {{ nodes {{ number \
             open: issues(states: OPEN) {{ totalCount }} closed: issues(states: CLOSED) {{ totalCount }} }} }} }}",
            repo.owner(),
            repo.name()
        )
        .expect("a string takes all");
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_day_comes_back_from_winter_and_summer() {
        for (stored, day) in [("2026-03-31T07:00:00Z", "2026-03-31"), ("2026-12-31T08:00:00Z", "2026-12-31")] {
            assert_eq!(due_day(stored.parse().unwrap()).to_string(), day);
        }
        assert_eq!(due_on("2026-03-31".parse().unwrap()), "2026-03-31T12:00:00Z");
    }
}
