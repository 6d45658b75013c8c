//! What of a repository has to do with git and merging.

use serde_json::json;

use super::{Ask, Object, Selected, Told, connection, pull};
use crate::github::deeds::At;

/// A field of a repository that has to do with its branches.
pub(super) fn field(ask: &Ask<'_>, id: u64, field: &Selected) -> Told {
    let Some(repo) = ask.state.repos.get(&id) else { return Told::Unknown };
    let branch = |name: &str| repo.pulls.refs.get(name).map(|sha| pull::reference(name, sha));
    match field.name.as_str() {
        "defaultBranchRef" => Told::maybe(branch(&repo.default_branch)),
        "ref" => Told::maybe(branch(field.text("qualifiedName").trim_start_matches("refs/heads/"))),
        "autoMergeAllowed" => Told::value(repo.pulls.auto_merge_allowed),
        "deleteBranchOnMerge" => Told::value(repo.pulls.delete_merged_branches),
        "mergeCommitAllowed" | "squashMergeAllowed" | "rebaseMergeAllowed" => Told::value(true),
        "isEmpty" => Told::value(repo.pulls.refs.is_empty()),
        "mergeQueue" => {
            let name = if field.text("branch").is_empty() { &repo.default_branch } else { field.text("branch") };
            let queued = ask.state.rules_of(repo, name).merge_queue;
            Told::maybe(queued.then(|| Object::Queue(id, name.to_owned())))
        }
        _ => Told::Unknown,
    }
}

/// A field of a merge queue.
pub(super) fn queue(ask: &Ask<'_>, repo: u64, branch: &str, field: &Selected) -> Told {
    match field.name.as_str() {
        "id" => Told::value(json!(format!("MQ_{repo}_{branch}"))),
        "entries" => {
            let entries = ask.state.queue(repo, branch).iter();
            let all = entries.filter_map(|entry| pull::queue_entry(ask, At { repo, number: entry.number }));
            connection("MergeQueueEntryConnection", all.collect(), field)
        }
        _ => Told::Unknown,
    }
}
