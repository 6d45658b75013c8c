//! What repositories look like from afar: many of them in one question, so that only those that changed are read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dayfly_core::ForgeRepo;
use jiff::Timestamp;
use serde::Deserialize;

use super::fault::Fault;
use super::snapshot::Print;
use crate::{GitHub, GitHubError};

/// How many repositories are asked for at once.
const BATCH: usize = 100;

/// A repository from afar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) id: Option<u64>,
    /// Its name now.
    pub(crate) name: Option<String>,
    pub(crate) print: Print,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRepo {
    #[serde(default)]
    database_id: Option<u64>,
    #[serde(default)]
    name_with_owner: Option<String>,
    open: Count,
    issues: List,
    milestones: List,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Count {
    pub(super) total_count: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    total_count: u64,
    #[serde(default)]
    nodes: Vec<Option<Node>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    updated_at: Option<Timestamp>,
}

impl List {
    fn newest(&self) -> Option<Timestamp> {
        self.nodes.iter().flatten().filter_map(|node| node.updated_at).max()
    }
}

/// The question after these repositories.
fn document(repos: &[ForgeRepo]) -> String {
    let mut text = String::from("query PortfolioFingerprint {\n");
    for (n, repo) in repos.iter().enumerate() {
        // Names of repositories hold nothing that would end a string.
        writeln!(
            text,
            "  r{n}: repository(owner: \"{}\", name: \"{}\") {{ databaseId nameWithOwner \
             open: issues(states: OPEN) {{ totalCount }} \
             issues(first: 1, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{ totalCount nodes {{ updatedAt }} }} \
             milestones(first: 1, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{ totalCount nodes {{ updatedAt }} }} }}",
            repo.owner(),
            repo.name()
        )
        .expect("a string takes all");
    }
    text.push('}');
    text
}

/// Looks at the repositories, in the order given.
pub(crate) async fn look(github: &GitHub, repos: &[ForgeRepo]) -> Vec<Result<Sighting, Fault>> {
    let mut seen: BTreeMap<usize, Result<Sighting, Fault>> = BTreeMap::new();
    let mut work = batches(github, repos, BATCH);
    while let Some(batch) = work.pop() {
        let names: Vec<ForgeRepo> = batch.iter().map(|at| repos[*at].clone()).collect();
        let scope = names.first();
        let asked = github.graphql_partial::<BTreeMap<String, serde_json::Value>>(&document(&names), &(), scope).await;
        match asked {
            Ok(mut answer) => {
                for (n, at) in batch.iter().enumerate() {
                    let alias = format!("r{n}");
                    let said = answer.missing.iter().find(|problem| problem.path.first() == Some(&alias));
                    let said = said.map_or("GitHub does not say why", |problem| problem.message.as_str());
                    let repo =
                        answer.data.remove(&alias).and_then(|repo| serde_json::from_value::<WireRepo>(repo).ok());
                    seen.insert(*at, repo.map(Sighting::from).ok_or_else(|| Fault::hidden(&repos[*at], said)));
                }
            }
            // What is too much for one answer may be had in two.
            Err(error) if batch.len() > 1 && is_too_much(&error) => {
                let (left, right) = batch.split_at(batch.len() / 2);
                work.extend([right.to_vec(), left.to_vec()]);
            }
            Err(error) => {
                let fault = Fault::from(error);
                seen.extend(batch.iter().map(|at| (*at, Err(fault.clone()))));
                if matches!(fault, Fault::Limited { .. }) {
                    seen.extend(work.drain(..).flatten().map(|at| (at, Err(fault.clone()))));
                }
            }
        }
    }
    let missing = || Err(Fault::Unavailable("it was not asked for".into()));
    (0..repos.len()).map(|at| seen.remove(&at).unwrap_or_else(missing)).collect()
}

/// Which are asked for together. An App has a token for each owner.
pub(super) fn batches(github: &GitHub, repos: &[ForgeRepo], most: usize) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, repo) in repos.iter().enumerate() {
        let group = if github.is_app() { repo.owner().to_ascii_lowercase() } else { String::new() };
        groups.entry(group).or_default().push(at);
    }
    groups.into_values().flat_map(|group| group.chunks(most).map(<[usize]>::to_vec).collect::<Vec<_>>()).collect()
}

fn is_too_much(error: &GitHubError) -> bool {
    match error {
        GitHubError::GraphQl { .. } | GitHubError::TooLarge { .. } => true,
        GitHubError::Unavailable { status, .. } => matches!(status, Some(502 | 504)),
        _ => false,
    }
}

impl From<WireRepo> for Sighting {
    fn from(repo: WireRepo) -> Self {
        let print = Print {
            open: repo.open.total_count,
            all: repo.issues.total_count,
            issue: repo.issues.newest(),
            milestones: repo.milestones.total_count,
            milestone: repo.milestones.newest(),
            highest: 0,
            sure: false,
        };
        Self { id: repo.database_id, name: repo.name_with_owner, print }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_repositories_fit_into_one_question() {
        let repos: Vec<_> =
            (0..BATCH).map(|n| ForgeRepo::new(&format!("an-organisation/project-{n}")).unwrap()).collect();
        let text = document(&repos);
        assert_eq!(text.matches("repository(").count(), 100);
        assert!(text.len() < 40_000, "{}", text.len());
    }
}
