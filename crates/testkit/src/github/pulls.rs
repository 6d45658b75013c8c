//! What makes an issue a pull request, and what a repository keeps for them.

/// The side of a pull request that is no issue.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) draft: bool,
    pub(crate) head: String,
    pub(crate) base: String,
}

/// What a repository keeps for its pull requests: checks, rules, queues.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulls {}

/// What an issue says beyond an issue if it is a pull request.
pub(crate) fn issue_side(
    view: super::wire::View<'_>,
    repo: &super::state::Repo,
    issue: &super::state::Issue,
    pull: &Pull,
) -> serde_json::Value {
    let page = format!("{}/pull/{}", view.page_url(repo), issue.number);
    serde_json::json!({
        "draft": pull.draft,
        "pull_request": {
            "url": format!("{}/pulls/{}", view.repo_url(repo), issue.number),
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "merged_at": null,
        },
    })
}
