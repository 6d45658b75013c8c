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
    let base = git.user().branch("main").await.unwrap().unwrap();
    let tree = repo.root.join("tree");
    git.add_copy(&tree, &base).await.unwrap();
    std::fs::write(tree.join("dirty"), "").unwrap();
    git.inspect(&tree, &base, &base).await.unwrap();
    let made = repo.git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "tip"]);
    let tip = ready_tip(&git, &base, &Commit(made)).await;
    git.keep("attempts/x", &tip).await.unwrap();
    git.set_branch("dayfly/x", &tip).await.unwrap();
    git.user().is_dirty().await.unwrap();
    let squash = git.candidate(&base, &tip, Some("squashed\n")).await.unwrap();
    assert!(matches!(squash, Candidate::Ready(_)), "{squash:?}");
    assert_eq!(git.land("main", &base, &tip).await.unwrap(), Landed::Moved);
    git.remove_copy(&tree).await.unwrap();
}

/// A commit on top of `parent` that changes a file.
async fn ready_tip(git: &TrustedGit, base: &Commit, parent: &Commit) -> Commit {
    let tree = git.user().checkout().parent().unwrap().join("made");
    git.add_copy(&tree, parent).await.unwrap();
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
    git.add_copy(&tree, &tip).await.unwrap();
    assert_eq!(git.inspect(&tree, &base, &base).await.unwrap().changed, [".dayfly/gates.toml", "a"]);
}

/// A working copy below a repository that is not ours.
async fn below_another(repo: &Repo) -> (TrustedGit, Utf8PathBuf, Commit) {
    git_in(&repo.root, &["init", "--quiet"]);
    commit_in(&repo.root, &[("outer", "")]);
    let git = open(repo).await;
    let (tree, base) = (repo.root.join("tree"), repo.at("main"));
    git.add_copy(&tree, &base).await.unwrap();
    std::fs::remove_dir_all(tree.join(".git")).unwrap();
    (git, tree, base)
}

fn left(result: Result<Found, GitError>) -> String {
    match result {
        Err(GitError::Left { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_its_git_folder_a_working_copy_is_not_taken_for_a_part_of_another_repository() {
    let repo = Repo::new(&[("a", "1\n")]);
    let (git, tree, base) = below_another(&repo).await;
    std::fs::write(tree.join("left"), "").unwrap();
    assert!(left(git.inspect(&tree, &base, &base).await).contains("not there any more"));
    assert_eq!(git.take(&tree, &[&base]).await.unwrap(), None);
    git.remove_copy(&tree).await.unwrap();
    assert!(repo.root.join("outer").exists() && !tree.exists());
}

#[tokio::test]
async fn a_repository_that_an_agent_puts_in_place_of_its_working_copys_does_not_descend() {
    let repo = Repo::new(&[("a", "1\n")]);
    let (git, tree, base) = below_another(&repo).await;
    git_in(&tree, &["init", "--quiet"]);
    let made = commit_in(&tree, &[("b", "")]);
    let found = git.inspect(&tree, &base, &base).await.unwrap();
    assert_eq!((found.commit, found.descends), (made, false));
    std::fs::remove_dir_all(tree.join(".git")).unwrap();
    std::fs::write(tree.join(".git"), format!("gitdir: {}/.git\n", repo.root)).unwrap();
    assert!(
        left(git.inspect(&tree, &base, &base).await).contains("is no folder"),
        "nor is one followed that it points at"
    );
}

#[tokio::test]
async fn a_merge_program_of_the_repository_is_not_run_and_its_file_is_in_conflict() {
    let repo = Repo::new(&[("a", "1\n")]);
    let program = repo.root.join("trap");
    trap(&repo, &program);
    repo.git(&["config", "merge.evil=x.driver", program.as_str()]);
    repo.git(&["config", "merge.evil.driver", program.as_str()]);
    repo.git(&["config", "core.attributesFile", repo.root.join("attributes").as_str()]);
    std::fs::write(repo.root.join("attributes"), "a merge=evil\n").unwrap();
    let start = repo.at("main");
    repo.git(&["checkout", "--quiet", "-b", "change"]);
    let tip = repo.commit(&[("a", "2\n")]);
    repo.git(&["checkout", "--quiet", "main"]);
    let base = repo.commit(&[("a", "3\n")]);
    let git = open(&repo).await;
    for squash in [None, Some("squashed\n")] {
        assert_eq!(git.candidate(&base, &tip, squash).await.unwrap(), Candidate::Conflict(vec!["a".into()]));
    }
    assert_eq!(signs(&repo), "");
    repo.git(&["merge-tree", "--write-tree", "--merge-base", &start.0, &base.0, &tip.0]);
    assert!(signs(&repo).contains("trap"), "the trap works");
}

/// The tree chooses what is filtered, so none is: what git stores is what is there, and stays what it was.
#[tokio::test]
async fn no_filter_runs_in_a_working_copy() {
    let repo = Repo::new(&[("a", "stored\n"), ("pointer", "oid 1\n"), (".gitattributes", "* filter=evil\n")]);
    let program = repo.root.join("trap");
    trap(&repo, &program);
    for kind in ["smudge", "clean", "process"] {
        repo.git(&["config", &format!("filter.evil.{kind}"), program.as_str()]);
    }
    repo.git(&["config", "filter.evil.required", "true"]);
    let git = open(&repo).await;
    let (tree, base) = (repo.root.join("tree"), repo.at("main"));
    git.add_copy(&tree, &base).await.unwrap();
    std::fs::write(tree.join("a"), "stored\n").unwrap();
    assert!(git.inspect(&tree, &base, &base).await.unwrap().dirty.is_empty());
    let tip = commit_in(&tree, &[("b", "")]);
    assert_eq!(git.inspect(&tree, &base, &base).await.unwrap().changed, ["b"]);
    assert_eq!(signs(&repo), "");
    assert_eq!(git.work().file_at(&tip, "pointer").await.unwrap().as_deref(), Some("oid 1\n"));
    assert_eq!(git.user().filtered(&base).await.unwrap(), [".gitattributes"]);
    std::fs::write(repo.web.join("a"), "changed\n").unwrap();
    drop(std::process::Command::new("git").current_dir(&repo.web).args(["add", "a"]).output().unwrap());
    assert!(signs(&repo).contains("trap"), "the trap works");
}
