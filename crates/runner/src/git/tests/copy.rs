//! Working copies: made, looked at, put back, removed.

use super::*;

/// A repository with a working copy at its first commit.
struct Yard {
    repo: Repo,
    git: TrustedGit,
    tree: Utf8PathBuf,
    start: Commit,
}

impl Yard {
    async fn new(files: &[(&str, &str)]) -> Self {
        let repo = Repo::new(files);
        let git = open(&repo).await;
        let (tree, start) = (repo.root.join("state").join("work").join("tree"), repo.at("main"));
        git.add_copy(&tree, &start).await.unwrap();
        Self { repo, git, tree, start }
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.tree.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    async fn found(&self) -> Found {
        self.git.inspect(&self.tree, &self.start, &self.start).await.unwrap()
    }
}

#[tokio::test]
async fn a_fresh_working_copy_is_clean_and_stands_at_its_commit_on_no_branch() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    let found = yard.found().await;
    assert_eq!(
        found,
        Found {
            commit: yard.start.clone(),
            descends: true,
            dirty: vec![],
            changed: vec![],
            diff_lines: 0,
            commits: vec![]
        }
    );
    assert_eq!(git_in(&yard.tree, &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
    assert_eq!(yard.repo.git(&["status", "--porcelain"]), "", "the user's checkout does not see it");
}

#[tokio::test]
async fn a_working_copy_is_not_made_over_what_is_there_already() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    let said = yard.git.add_copy(&yard.tree, &yard.start).await.unwrap_err().to_string();
    assert!(said.contains(yard.tree.as_str()), "{said}");
}

#[tokio::test]
async fn a_removed_working_copy_can_be_made_again_and_removing_it_twice_is_no_error() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    yard.write("left", "");
    yard.git.remove_copy(&yard.tree).await.unwrap();
    assert!(!yard.tree.exists());
    assert_eq!(yard.repo.git(&["worktree", "list"]).lines().count(), 1);
    yard.git.remove_copy(&yard.tree).await.unwrap();
    yard.git.add_copy(&yard.tree, &yard.start).await.unwrap();
    assert!(!yard.tree.join("left").exists());
}

#[tokio::test]
async fn a_working_copy_whose_files_are_gone_can_be_made_again() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    std::fs::remove_dir_all(&yard.tree).unwrap();
    yard.git.remove_copy(&yard.tree).await.unwrap();
    yard.git.add_copy(&yard.tree, &yard.start).await.unwrap();
    assert_eq!(yard.found().await.commit, yard.start);
}

#[tokio::test]
async fn every_kind_of_change_that_is_not_committed_is_dirty() {
    let yard = Yard::new(&[("changed", "1\n"), ("gone", "1\n"), ("staged", "1\n"), (".gitignore", "ignored\n")]).await;
    yard.write("changed", "2\n");
    yard.write("staged", "2\n");
    git_in(&yard.tree, &["add", "staged"]);
    std::fs::remove_file(yard.tree.join("gone")).unwrap();
    yard.write("new/deep", "");
    yard.write("ignored", "");
    let mut dirty = yard.found().await.dirty;
    dirty.sort();
    assert_eq!(dirty, ["changed", "gone", "new/deep", "staged"]);
}

#[tokio::test]
async fn paths_are_told_as_they_are() {
    let strange = ["with space", "line\nend", "tab\there", "\u{fc}bel/\u{1f41b}", "\"quoted\"", "-dash", "a -> b"];
    let yard = Yard::new(&[("a", "1\n")]).await;
    for path in strange {
        yard.write(path, "one\n");
    }
    let mut expected = strange.map(str::to_owned);
    expected.sort();
    let mut dirty = yard.found().await.dirty;
    dirty.sort();
    assert_eq!(dirty, expected);
    commit_in(&yard.tree, &[]);
    let found = yard.found().await;
    let mut changed = found.changed;
    changed.sort();
    assert_eq!(changed, expected);
    assert_eq!((found.diff_lines, found.dirty.len()), (7, 0));
}

#[tokio::test]
async fn a_rename_counts_as_both_of_its_paths() {
    let yard = Yard::new(&[("dir/old", "one\ntwo\nthree\n")]).await;
    git_in(&yard.tree, &["mv", "dir/old", "new"]);
    assert_eq!(sorted(yard.found().await.dirty), ["dir/old", "new"]);
    commit_in(&yard.tree, &[]);
    let found = yard.found().await;
    assert_eq!((sorted(found.changed), found.diff_lines), (vec!["dir/old".to_owned(), "new".to_owned()], 6));
}

fn sorted(mut paths: Vec<String>) -> Vec<String> {
    paths.sort();
    paths
}

#[tokio::test]
async fn lines_added_and_removed_are_counted_and_a_file_put_back_is_not_changed() {
    let yard = Yard::new(&[("a", "1\n2\n3\n"), ("b", "1\n")]).await;
    commit_in(&yard.tree, &[("a", "1\n2\n4\n5\n"), ("b", "2\n")]);
    commit_in(&yard.tree, &[("b", "1\n")]);
    let found = yard.found().await;
    assert_eq!((found.changed.as_slice(), found.diff_lines), (["a".to_owned()].as_slice(), 3));
    let subjects: Vec<&str> = found.commits.iter().map(|c| c.split_once(' ').unwrap().1).collect();
    assert_eq!(subjects, ["Change a b", "Change b"], "oldest first");
}

#[tokio::test]
async fn rewritten_history_does_not_descend_from_where_it_started() {
    let mut yard = Yard::new(&[("a", "1\n")]).await;
    let base = yard.start.clone();
    yard.start = work(&yard.git, &yard.tree, &[("b", "")]).await;
    git_in(&yard.tree, &["commit", "--quiet", "--amend", "--message", "another"]);
    let found = yard.git.inspect(&yard.tree, &base, &yard.start).await.unwrap();
    assert!(!found.descends);
    commit_in(&yard.tree, &[("c", "")]);
    assert!(!yard.found().await.descends);
}

#[tokio::test]
async fn a_history_without_a_common_commit_does_not_descend() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    git_in(&yard.tree, &["checkout", "--quiet", "--orphan", "fresh"]);
    commit_in(&yard.tree, &[("c", "1\n")]);
    let found = yard.found().await;
    assert!(!found.descends);
    assert_eq!(found.changed, ["c"]);
}

#[tokio::test]
async fn only_the_works_own_change_counts_when_the_base_has_moved_on() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    commit_in(&yard.tree, &[("mine", "1\n")]);
    let moved = yard.repo.commit(&[("theirs", "1\n2\n3\n")]);
    let found = yard.git.inspect(&yard.tree, &moved, &yard.start).await.unwrap();
    assert_eq!((found.changed, found.diff_lines, found.descends), (vec!["mine".to_owned()], 1, true));
}

#[tokio::test]
async fn a_commit_made_on_a_branch_in_the_working_copy_is_found_all_the_same() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    git_in(&yard.tree, &["checkout", "--quiet", "-b", "feature"]);
    let commit = commit_in(&yard.tree, &[("b", "")]);
    assert_eq!(yard.found().await.commit, commit);
}

#[tokio::test]
async fn a_binary_file_counts_as_one_line() {
    let repo = Repo::new(&[("a", "1\n")]);
    let base = repo.at("main");
    let tip = repo.commit(&[("b", "\0\0")]);
    let git = open(&repo).await;
    git.add_copy(&repo.root.join("t"), &tip).await.unwrap();
    assert_eq!(git.inspect(&repo.root.join("t"), &base, &base).await.unwrap().diff_lines, 1);
}

/// "There is no gates file" lets work pass; "it cannot be read" must not.
#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_one_that_is_not_there() {
    let repo = Repo::new(&[("a", "1\n"), ("folder/x", "1\n")]);
    let git = open(&repo).await;
    let gone = Commit("0123456789012345678901234567890123456789".into());
    assert!(git.work().file_at(&gone, "a").await.is_err());
    assert!(git.work().file_at(&repo.at("main"), "folder").await.is_err());
    assert_eq!(git.work().file_at(&repo.at("main"), "b").await.unwrap(), None);
    assert_eq!(git.work().file_at(&repo.at("main"), "a").await.unwrap().unwrap(), "1\n");
}

#[tokio::test]
async fn a_working_copy_made_before_the_repository_was_opened_is_found_and_removed() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    let commit = commit_in(&yard.tree, &[("b", "")]);
    let again = open(&yard.repo).await;
    assert_eq!(again.take(&yard.tree, &[&yard.start]).await.unwrap(), Some(commit.clone()));
    assert_eq!(again.inspect(&yard.tree, &yard.start, &yard.start).await.unwrap().commit, commit);
    again.remove_copy(&yard.tree).await.unwrap();
    assert_eq!(again.take(&yard.tree, &[&yard.start]).await.unwrap(), None);
    assert_eq!(yard.repo.git(&["worktree", "list"]).lines().count(), 1);
}

#[tokio::test]
async fn very_many_files_that_are_not_committed_are_counted_and_not_all_named() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    for number in 0..1003 {
        yard.write(&format!("left{number:04}"), "");
    }
    let dirty = yard.found().await.dirty;
    assert_eq!((dirty.len(), dirty[999].as_str(), dirty[1000].as_str()), (1001, "left0999", "and 3 more"));
}

#[tokio::test]
async fn of_very_many_commits_the_newest_are_listed_and_a_long_subject_is_cut() {
    let yard = Yard::new(&[("a", "1\n")]).await;
    let mut tip = yard.start.clone();
    for number in 1..=102 {
        let subject = format!("{number} {}", "long ".repeat(100));
        tip = Commit(yard.repo.git(&["commit-tree", "main^{tree}", "-p", &tip.0, "-m", &subject]));
    }
    let commits = yard.git.commits(&yard.start, &tip).await.unwrap();
    assert_eq!(commits.len(), 100);
    let subject = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    assert!(subject(&commits[0]).starts_with("3 long") && subject(&commits[99]).starts_with("102 long"));
    assert!(commits.iter().all(|line| subject(line).chars().count() <= 200), "{}", commits[0]);
}

#[tokio::test]
async fn more_than_is_read_of_git_is_an_error_that_says_so() {
    let repo = Repo::new(&[("large", &"x".repeat(17 << 20))]);
    let git = open(&repo).await;
    let err = git.work().file_at(&repo.at("main"), "large").await.unwrap_err();
    assert!(err.to_string().contains("more than 16 MiB"), "{err}");
}
