//! Nothing that a repository's owner or an agent has set up is run by our git.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

const HOOKS: [&str; 14] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "reference-transaction",
    "update",
];

/// Puts a program in the way that leaves a sign when it runs.
fn trap(repo: &Repo, place: &Utf8Path) {
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(place, format!("#!/bin/sh\necho {place} >>{}/signs\n", repo.root)).unwrap();
    std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn signs(repo: &Repo) -> String {
    std::fs::read_to_string(repo.root.join("signs")).unwrap_or_default()
}

/// Everything we ask of git, once.
async fn everything(repo: &Repo) {
    let git = open(repo).await;
    let base = git.branch("main").await.unwrap().unwrap();
    let tree = repo.root.join("tree");
    git.add_worktree(&tree, &base).await.unwrap();
    std::fs::write(tree.join("dirty"), "").unwrap();
    git.inspect(&tree, &base, &base).await.unwrap();
    git.clean(&tree, &base).await.unwrap();
    let made = repo.git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "tip"]);
    let tip = ready_tip(&git, &base, &Commit(made)).await;
    git.keep("attempts/x", &tip).await.unwrap();
    git.set_branch("dayfly/x", &tip).await.unwrap();
    git.is_dirty().await.unwrap();
    let squash = git.candidate(&base, &tip, Some("squashed\n")).await.unwrap();
    assert!(matches!(squash, Candidate::Ready(_)), "{squash:?}");
    assert_eq!(git.land("main", &base, &tip).await.unwrap(), Landed::Moved);
    git.remove_worktree(&tree).await.unwrap();
}

/// A commit on top of `parent` that changes a file.
async fn ready_tip(git: &Git, base: &Commit, parent: &Commit) -> Commit {
    let tree = git.checkout().parent().unwrap().join("made");
    git.add_worktree(&tree, parent).await.unwrap();
    std::fs::write(tree.join("a"), "2\n").unwrap();
    for args in [&["add", "a"][..], &["commit", "--quiet", "--no-verify", "-m", "change"]] {
        let off = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false"];
        let quiet = [&off, args].concat();
        git_in(&tree, &quiet);
    }
    let tip = Commit(git_in(&tree, &["rev-parse", "HEAD"]));
    let found = git.inspect(&tree, base, base).await.unwrap();
    assert_eq!(found.changed, ["a"]);
    tip
}

#[tokio::test]
async fn no_hook_of_the_repository_is_run() {
    let repo = Repo::new(&[("a", "1\n")]);
    for hook in HOOKS {
        trap(&repo, &repo.web.join(".git/hooks").join(hook));
    }
    everything(&repo).await;
    assert_eq!(signs(&repo), "");
    repo.git(&["checkout", "--quiet", "--detach"]);
    assert!(signs(&repo).contains("post-checkout"), "the trap works");
}

#[tokio::test]
async fn no_hooks_folder_monitor_or_pager_of_the_repositorys_settings_is_used() {
    let repo = Repo::new(&[("a", "1\n")]);
    let program = repo.root.join("trap");
    trap(&repo, &program);
    trap(&repo, &repo.root.join("hooks/post-checkout"));
    for (key, value) in [
        ("core.hooksPath", repo.root.join("hooks").as_str()),
        ("core.fsmonitor", program.as_str()),
        ("core.pager", program.as_str()),
        ("core.editor", program.as_str()),
        ("diff.external", program.as_str()),
        ("gpg.program", program.as_str()),
        ("commit.gpgSign", "true"),
        ("log.showSignature", "true"),
    ] {
        repo.git(&["config", key, value]);
    }
    everything(&repo).await;
    assert_eq!(signs(&repo), "");
    let _ = repo.git(&["-c", "commit.gpgSign=false", "diff", "HEAD~1"]);
    assert!(signs(&repo).contains("trap"), "the trap works");
}

#[tokio::test]
async fn a_differ_that_the_change_names_for_itself_is_not_run() {
    let repo = Repo::new(&[("a", "1\n"), (".gitattributes", "* diff=evil\n")]);
    let program = repo.root.join("trap");
    trap(&repo, &program);
    repo.git(&["config", "diff.evil.command", program.as_str()]);
    repo.git(&["config", "diff.evil.textconv", program.as_str()]);
    everything(&repo).await;
    assert_eq!(signs(&repo), "");
    repo.git(&["diff", "HEAD~1"]);
    assert!(signs(&repo).contains("trap"), "the trap works");
}

#[tokio::test]
async fn a_commit_replaced_by_another_is_seen_as_it_is() {
    let repo = Repo::new(&[("a", "1\n")]);
    let (base, tip) = (repo.at("main"), repo.commit(&[("a", "2\n"), (".dayfly/gates.toml", "")]));
    repo.git(&["checkout", "--quiet", "-b", "other", &base.0]);
    let harmless = repo.commit(&[("a", "2\n")]);
    repo.git(&["replace", &tip.0, &harmless.0]);
    let git = open(&repo).await;
    let tree = repo.root.join("tree");
    git.add_worktree(&tree, &tip).await.unwrap();
    assert_eq!(git.inspect(&tree, &base, &base).await.unwrap().changed, [".dayfly/gates.toml", "a"]);
}
