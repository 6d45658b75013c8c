//! The trusted git directory: how it is made and mended, and what it borrows.

use std::fs;

use super::*;

fn dir(repo: &Repo) -> Utf8PathBuf {
    repo.root.join("git/web.git")
}

/// An attempt from its working copy to the base branch.
async fn lands(git: &TrustedGit, repo: &Repo, name: &str) -> Commit {
    let (tree, base) = (repo.root.join("work").join(name), repo.at("main"));
    git.add_copy(&tree, &base).await.unwrap();
    let tip = commit_in(&tree, &[(name, "1\n")]);
    let found = git.inspect(&tree, &base, &base).await.unwrap();
    assert_eq!((found.commit, found.dirty, found.changed), (tip.clone(), vec![], vec![name.to_owned()]));
    git.keep(&format!("attempts/{name}"), &tip).await.unwrap();
    git.remove_copy(&tree).await.unwrap();
    assert_eq!(git.land("main", &base, &tip).await.unwrap(), Landed::Moved);
    assert_eq!(fs::read_to_string(repo.web.join(name)).unwrap(), "1\n");
    repo.git(&["fsck", "--strict", "--connectivity-only"]);
    tip
}

#[tokio::test]
async fn what_is_missing_or_was_changed_of_the_trusted_git_directory_is_written_anew_and_work_stays() {
    let repo = Repo::new(&[("a", "1\n")]);
    let tip = lands(&open(&repo).await, &repo, "one").await;
    let dir = dir(&repo);
    for (path, text) in [
        ("config", Some("[core]\n\tfsmonitor = /bin/false\n")),
        ("config", Some("[co")),
        ("config", None),
        ("HEAD", None),
        ("HEAD", Some("")),
        ("objects/info/alternates", None),
        ("objects/info/alternates", Some("/nowhere\n")),
    ] {
        match text {
            Some(text) => fs::write(dir.join(path), text).unwrap(),
            None => fs::remove_file(dir.join(path)).unwrap(),
        }
        let git = open(&repo).await;
        assert_eq!(git.work().resolve("refs/dayfly/attempts/one").await.unwrap(), Some(tip.clone()), "{path} {text:?}");
        assert!(!fs::read_to_string(dir.join("config")).unwrap().contains("fsmonitor"));
    }
    fs::remove_dir_all(&dir).unwrap();
    fs::create_dir(&dir).unwrap();
    lands(&open(&repo).await, &repo, "two").await;
}

#[tokio::test]
async fn locks_and_unfinished_packs_of_a_killed_engine_stop_nothing_and_are_removed() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let (tree, base, dir) = (repo.root.join("tree"), repo.at("main"), dir(&repo));
    git.add_copy(&tree, &base).await.unwrap();
    let tip = commit_in(&tree, &[("b", "1\n")]);
    let left = ["HEAD.lock", "refs/dayfly/attempts/x.lock", "trees/tree/index.lock", "objects/pack/tmp_pack_x", "new"];
    for path in left {
        fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        fs::write(dir.join(path), "").unwrap();
    }
    fs::create_dir_all(dir.join("trees/tree/taken/pack")).unwrap();
    git.keep("attempts/x", &base).await.unwrap_err();
    let git = open(&repo).await;
    assert_eq!(git.inspect(&tree, &base, &base).await.unwrap().commit, tip);
    git.keep("attempts/x", &tip).await.unwrap();
    for path in &left[..4] {
        assert!(!dir.join(path).exists(), "{path}");
    }
}

#[tokio::test]
async fn many_packs_become_one_and_nothing_is_lost() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let (tree, base) = (repo.root.join("tree"), repo.at("main"));
    git.add_copy(&tree, &base).await.unwrap();
    let mut made = Vec::new();
    for number in 0..50 {
        let tip = work(&git, &tree, &[("b", &number.to_string())]).await;
        if number % 2 == 0 {
            git.keep(&format!("attempts/{number}"), &tip).await.unwrap();
        }
        made.push(tip);
        git_in(&tree, &["reset", "--quiet", "--hard", &base.0]);
    }
    let packs = || fs::read_dir(dir(&repo).join("objects/pack")).unwrap().count();
    let before = packs();
    let git = open(&repo).await;
    assert!(before >= 100 && packs() <= 3, "{before}, then {}", packs());
    for tip in made {
        assert_eq!(git.work().resolve(&tip.0).await.unwrap(), Some(tip));
    }
}

#[tokio::test]
async fn a_repository_with_other_names_of_objects_and_another_form_of_references_lands() {
    for form in ["--object-format=sha256", "--ref-format=reftable"] {
        let repo = Repo::new(&[]);
        fs::remove_dir_all(repo.web.join(".git")).unwrap();
        repo.git(&["init", "--quiet", "--template=", "--initial-branch=main", form]);
        repo.commit(&[("a", "1\n")]);
        lands(&open(&repo).await, &repo, "one").await;
    }
}

#[tokio::test]
async fn a_repository_with_a_cut_history_lands_and_agents_see_it_cut() {
    let repo = Repo::new(&[("a", "1\n")]);
    repo.commit(&[("a", "2\n")]);
    let (whole, url) = (repo.root.join("whole"), format!("file://{}/whole", repo.root));
    fs::rename(&repo.web, &whole).unwrap();
    git_in(&repo.root, &["clone", "--quiet", "--depth=1", &url, "web"]);
    let git = open(&repo).await;
    lands(&git, &repo, "one").await;
    let tree = repo.root.join("tree");
    git.add_copy(&tree, &repo.at("main")).await.unwrap();
    assert_eq!(git_in(&tree, &["rev-list", "--count", "HEAD"]), "2");
}

#[tokio::test]
async fn an_agent_finds_the_users_branches_and_tags_and_ignored_paths_and_a_clean_index() {
    let repo = Repo::new(&[("a", "1\n")]);
    repo.git(&["tag", "--annotate", "--message=v1", "v1"]);
    repo.git(&["branch", "feature/x"]);
    repo.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    repo.git(&["update-ref", "refs/dayfly/hidden", "main"]);
    fs::create_dir_all(repo.web.join(".git/info")).unwrap();
    fs::write(repo.web.join(".git/info/exclude"), "scratch\n").unwrap();
    let git = open(&repo).await;
    let (tree, base) = (repo.root.join("tree"), repo.at("main"));
    git.add_copy(&tree, &base).await.unwrap();
    fs::write(tree.join("scratch"), "").unwrap();
    let refs = git_in(&tree, &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(
        refs.lines().collect::<Vec<_>>(),
        ["refs/heads/feature/x", "refs/heads/main", "refs/remotes/origin/main", "refs/tags/v1"]
    );
    assert_eq!(git_in(&tree, &["describe"]), "v1");
    assert_eq!(git_in(&tree, &["status", "--porcelain"]), "");
    assert_eq!(git_in(&tree, &["diff-files"]), "", "nothing in the index waits to be looked at");
    assert!(git.inspect(&tree, &base, &base).await.unwrap().dirty.is_empty());
    git_in(&tree, &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_commit_that_the_user_has_not_is_given_before_a_branch_stands_at_it() {
    let repo = Repo::new(&[("a", "1\n")]);
    let git = open(&repo).await;
    let (tree, base) = (repo.root.join("tree"), repo.at("main"));
    git.add_copy(&tree, &base).await.unwrap();
    let tip = work(&git, &tree, &[("b", "1\n")]).await;
    assert_eq!(git.user().resolve(&tip.0).await.unwrap(), None, "until then the user's repository knows nothing of it");
    git.set_branch("dayfly/web-1", &tip).await.unwrap();
    git.remove_copy(&tree).await.unwrap();
    fs::remove_dir_all(dir(&repo)).unwrap();
    assert_eq!(repo.git(&["show", "dayfly/web-1:b"]), "1");
    repo.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn the_folders_that_history_is_borrowed_from_are_told_as_far_as_git_follows_them() {
    let repo = Repo::new(&[("a", "1\n")]);
    let (whole, objects) = (repo.root.join("whole"), repo.web.join(".git/objects"));
    fs::rename(&repo.web, &whole).unwrap();
    git_in(&repo.root, &["clone", "--quiet", "--shared", "whole", "web"]);
    let lent = open(&repo).await.lends();
    assert_eq!(lent, [dir(&repo).join("objects"), objects, whole.join(".git/objects")]);
}

#[tokio::test]
async fn a_path_with_strange_signs_can_be_borrowed_from() {
    let repo = Repo::new(&[("a", "1\n")]);
    let odd = repo.root.join("a:b \"c\" #d\u{fc}");
    fs::create_dir(&odd).unwrap();
    fs::rename(&repo.web, odd.join("web")).unwrap();
    let git = TrustedGit::open(Git::open(&odd.join("web")).await.unwrap(), &odd.join("state/web.git")).await.unwrap();
    let (tree, base) = (odd.join("tree"), git.user().branch("main").await.unwrap().unwrap());
    git.add_copy(&tree, &base).await.unwrap();
    let tip = work(&git, &tree, &[("b", "1\n")]).await;
    assert_eq!(git.land("main", &base, &tip).await.unwrap(), Landed::Moved);
}
