//! Real git in folders of its own.

mod copy;
mod hostile;
mod landing;
mod sealed;
mod trusted;

use crate::test_repo::{Repo, commit_in, git_in};

use super::*;

async fn open(repo: &Repo) -> TrustedGit {
    open_at(&repo.root, &repo.web).await
}

async fn open_at(root: &Utf8Path, path: &Utf8Path) -> TrustedGit {
    TrustedGit::open(Git::open(path).await.unwrap(), &root.join("git/web.git")).await.unwrap()
}

/// Commits files in a working copy, as an agent does, and takes the commit.
async fn work(git: &TrustedGit, tree: &Utf8Path, files: &[(&str, &str)]) -> Commit {
    let made = commit_in(tree, files);
    assert_eq!(git.take(tree, &[]).await.unwrap().as_ref(), Some(&made));
    made
}

#[tokio::test]
async fn a_folder_without_a_repository_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
    let said = Git::open(&path).await.unwrap_err().to_string();
    assert!(said.contains(path.as_str()) && said.contains("not a git repository"), "{said}");
    let said = Git::open(&path.join("nowhere")).await.unwrap_err().to_string();
    assert!(said.contains("nowhere"), "{said}");
}

#[tokio::test]
async fn a_branch_and_a_commit_are_found_and_what_is_not_there_is_none() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let head = repo.at("HEAD");
    assert_eq!(git.user().branch("main").await.unwrap(), Some(head.clone()));
    assert_eq!(git.user().branch("other").await.unwrap(), None);
    assert_eq!(git.work().resolve(&head.0).await.unwrap(), Some(head));
    assert_eq!(git.work().resolve("0123456789012345678901234567890123456789").await.unwrap(), None);
    assert_eq!(git.work().resolve("--all").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_is_read_as_it_is_at_the_commit_and_not_as_it_lies_there() {
    let repo = Repo::new(&[("a", "old\n")]);
    let old = repo.at("HEAD");
    repo.commit(&[("a", "new\n")]);
    fs_write(&repo, "a", "not committed\n");
    let git = open(&repo).await;
    assert_eq!(git.work().file_at(&old, "a").await.unwrap().as_deref(), Some("old\n"));
    assert_eq!(git.work().file_at(&repo.at("HEAD"), "a").await.unwrap().as_deref(), Some("new\n"));
    assert_eq!(git.work().file_at(&old, "b").await.unwrap(), None);
}

fn fs_write(repo: &Repo, path: &str, text: &str) {
    std::fs::write(repo.web.join(path), text).unwrap();
}

#[tokio::test]
async fn only_changes_of_tracked_files_make_the_users_checkout_dirty() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    fs_write(&repo, "untracked", "");
    assert!(!git.user().is_dirty().await.unwrap());
    fs_write(&repo, "a", "2\n");
    assert!(git.user().is_dirty().await.unwrap());
}

#[tokio::test]
async fn the_current_branch_is_none_where_the_checkout_stands_on_no_branch() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    assert_eq!(git.user().current_branch().await.unwrap().as_deref(), Some("main"));
    repo.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(git.user().current_branch().await.unwrap(), None);
}

#[tokio::test]
async fn a_kept_commit_outlives_its_working_copy_and_the_collection_of_garbage() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let tree = repo.root.join("tree");
    git.add_copy(&tree, &repo.at("main")).await.unwrap();
    let kept = work(&git, &tree, &[("kept", "")]).await;
    let dropped = commit_in(&tree, &[("dropped", "")]);
    git.keep("attempts/web.1.exec.1", &kept).await.unwrap();
    git.remove_copy(&tree).await.unwrap();
    repo.git(&["-c", "gc.reflogExpireUnreachable=now", "gc", "--quiet", "--prune=now"]);
    git_in(&repo.root.join("git/web.git"), &["gc", "--quiet", "--prune=now"]);
    assert_eq!(git.work().resolve(&kept.0).await.unwrap(), Some(kept));
    assert_eq!(git.work().resolve(&dropped.0).await.unwrap(), None, "this test would pass with nothing kept");
    assert_eq!(repo.git(&["branch", "--list"]), "* main", "a kept commit is on no branch");
}

#[tokio::test]
async fn a_branch_left_for_a_person_moves_forward() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let first = repo.at("main");
    git.set_branch("dayfly/web-1", &first).await.unwrap();
    let second = repo.commit(&[("b", "")]);
    git.set_branch("dayfly/web-1", &second).await.unwrap();
    git.set_branch("dayfly/web-1", &second).await.unwrap();
    assert_eq!(git.user().branch("dayfly/web-1").await.unwrap(), Some(second));
}

#[tokio::test]
async fn a_branch_at_something_the_change_does_not_hold_is_left_there() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let change = repo.commit(&[("b", "")]);
    repo.git(&["checkout", "--quiet", "-b", "dayfly/web-1", "HEAD~1"]);
    let theirs = repo.commit(&[("theirs", "")]);
    let said = git.set_branch("dayfly/web-1", &change).await.unwrap_err().to_string();
    assert!(said.contains(theirs.short()) && said.contains("dayfly/web-1"), "{said}");
    assert_eq!(git.user().branch("dayfly/web-1").await.unwrap(), Some(theirs));
}

#[tokio::test]
async fn an_older_commit_does_not_move_a_branch_back() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let old = repo.at("main");
    let new = repo.commit(&[("b", "")]);
    git.set_branch("dayfly/web-1", &new).await.unwrap();
    git.set_branch("dayfly/web-1", &old).await.unwrap_err();
    assert_eq!(git.user().branch("dayfly/web-1").await.unwrap(), Some(new));
}

#[tokio::test]
async fn remotes_are_listed_with_their_addresses() {
    let repo = Repo::new(&[]);
    let git = open(&repo).await;
    assert!(git.user().remotes().await.unwrap().is_empty());
    repo.git(&["remote", "add", "origin", "https://example.org/a b.git"]);
    assert_eq!(git.user().remotes().await.unwrap()["origin"], "https://example.org/a b.git");
}

#[tokio::test]
async fn a_linked_working_copy_of_the_users_opens_the_same_repository() {
    let repo = Repo::new(&[("a", "1\n")]);
    let linked = repo.root.join("linked");
    repo.git(&["worktree", "add", "--quiet", "-b", "side", linked.as_str()]);
    let commit = commit_in(&linked, &[("b", "")]);
    let git = Git::open(&linked).await.unwrap();
    assert_eq!(git.branch("side").await.unwrap(), Some(commit));
    assert_eq!(git.current_branch().await.unwrap().as_deref(), Some("side"));
    assert_eq!(git_in(&linked, &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_branch_that_somebody_has_checked_out_is_not_moved_beneath_them() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    git.set_branch("dayfly/web-1", &repo.at("main")).await.unwrap();
    let change = repo.commit(&[("b", "")]);
    let reviewers = repo.root.join("reviewers");
    repo.git(&["worktree", "add", "--quiet", reviewers.as_str(), "dayfly/web-1"]);
    for place in [&reviewers, &repo.web] {
        let err = git.set_branch("dayfly/web-1", &change).await.unwrap_err();
        assert!(matches!(&err, GitError::InUse { place: there, .. } if there == place), "{err}");
        assert_eq!(git_in(place, &["status", "--porcelain"]), "");
        git_in(place, &["checkout", "--quiet", "--detach"]);
        if place == &reviewers {
            repo.git(&["checkout", "--quiet", "dayfly/web-1"]);
        }
    }
    git.set_branch("dayfly/web-1", &change).await.unwrap();
    assert_eq!(git.user().branch("dayfly/web-1").await.unwrap(), Some(change));
}
