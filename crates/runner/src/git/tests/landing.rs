//! Landing: what a change would be on the base branch, and the move itself.

use super::*;

/// A base branch, and a change of one commit on top of its first commit.
struct Yard {
    repo: Repo,
    git: Git,
    base: Commit,
    tip: Commit,
}

impl Yard {
    async fn new() -> Self {
        Self::with(&[("mine", "1\n")]).await
    }

    async fn with(change: &[(&str, &str)]) -> Self {
        let repo = Repo::new(&[("a", "1\n")]);
        let git = open(&repo).await;
        let base = repo.at("main");
        let tree = repo.root.join("tree");
        git.add_worktree(&tree, &base).await.unwrap();
        let tip = commit_in(&tree, change);
        Self { repo, git, base, tip }
    }

    /// Somebody else's commit on the base branch.
    fn theirs(&mut self, files: &[(&str, &str)]) -> Commit {
        self.base = self.repo.commit(files);
        self.base.clone()
    }

    async fn candidate(&self) -> Candidate {
        self.git.candidate(&self.base, &self.tip, None).await.unwrap()
    }

    async fn squashed(&self) -> Candidate {
        self.git.candidate(&self.base, &self.tip, Some("One\n\nIssue: web#1\n")).await.unwrap()
    }

    async fn land(&self, to: &Commit) -> Landed {
        self.git.land("main", &self.base, to).await.unwrap()
    }

    fn file(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.repo.web.join(path)).ok()
    }

    fn status(&self) -> String {
        self.repo.git(&["status", "--porcelain"])
    }
}

fn ready(candidate: Candidate) -> Commit {
    match candidate {
        Candidate::Ready(commit) => commit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_tip_itself_lands_where_the_base_has_not_moved() {
    let yard = Yard::new().await;
    assert_eq!(yard.candidate().await, Candidate::Ready(yard.tip.clone()));
}

#[tokio::test]
async fn a_change_is_put_on_top_of_a_base_that_has_moved_with_its_author_and_message() {
    let mut yard = Yard::new().await;
    let theirs = yard.theirs(&[("theirs", "1\n")]);
    let landed = ready(yard.candidate().await);
    assert_eq!(yard.repo.git(&["rev-parse", &format!("{landed}^")]), theirs.0);
    assert_eq!(
        yard.repo.git(&["show", "--format=%an <%ae> %s", "--name-only", &landed.0]).replace("\n\n", " | "),
        "Ann <ann@example.org> Change mine | mine"
    );
    let date = |commit: &Commit| yard.repo.git(&["log", "-1", "--format=%aI", &commit.0]);
    assert_eq!(date(&landed), date(&yard.tip));
}

#[tokio::test]
async fn a_squash_is_one_commit_with_the_message_given() {
    let mut yard = Yard::new().await;
    yard.tip = commit_in(&yard.repo.root.join("tree"), &[("more", "2\n")]);
    yard.theirs(&[("theirs", "1\n")]);
    let landed = ready(yard.squashed().await);
    assert_eq!(yard.repo.git(&["rev-list", "--count", &format!("{}..{landed}", yard.base)]), "1");
    assert_eq!(yard.repo.git(&["log", "-1", "--format=%B", &landed.0]).trim(), "One\n\nIssue: web#1");
    assert_eq!(yard.repo.git(&["diff", "--name-only", &yard.base.0, &landed.0]), "mine\nmore");
}

#[tokio::test]
async fn a_change_that_the_base_holds_already_is_nothing() {
    let mut yard = Yard::new().await;
    yard.theirs(&[("mine", "1\n")]);
    assert_eq!(yard.candidate().await, Candidate::Nothing, "the same change by another commit");
    assert_eq!(yard.squashed().await, Candidate::Nothing);
    yard.repo.git(&["merge", "--quiet", "--no-edit", &yard.tip.0]);
    yard.base = yard.repo.at("main");
    assert_eq!(yard.candidate().await, Candidate::Nothing, "the commit itself");
    assert_eq!(yard.squashed().await, Candidate::Nothing);
}

#[tokio::test]
async fn a_conflict_names_its_paths_and_touches_nothing() {
    let mut yard = Yard::with(&[("a", "mine\n"), ("fine", "")]).await;
    yard.theirs(&[("a", "theirs\n")]);
    let conflict = Candidate::Conflict(vec!["a".into()]);
    assert_eq!(yard.candidate().await, conflict);
    assert_eq!(yard.squashed().await, conflict);
    assert_eq!((yard.file("a").unwrap(), yard.status()), ("theirs\n".to_owned(), String::new()));
}

#[tokio::test]
async fn the_checkout_on_the_base_branch_moves_along() {
    let yard = Yard::new().await;
    assert_eq!(yard.land(&yard.tip).await, Landed::Moved);
    assert_eq!((yard.repo.at("main"), yard.file("mine").unwrap()), (yard.tip.clone(), "1\n".to_owned()));
    assert_eq!((yard.status(), yard.repo.git(&["symbolic-ref", "--short", "HEAD"])), (String::new(), "main".into()));
}

#[tokio::test]
async fn a_checkout_elsewhere_is_left_as_it_is() {
    for place in [["checkout", "--quiet", "-b", "feature"], ["checkout", "--quiet", "--detach", "HEAD"]] {
        let yard = Yard::new().await;
        yard.repo.git(&place);
        std::fs::write(yard.repo.web.join("a"), "in the middle of something\n").unwrap();
        assert_eq!(yard.land(&yard.tip).await, Landed::Moved);
        assert_eq!((yard.repo.at("main"), yard.repo.at("HEAD")), (yard.tip.clone(), yard.base.clone()));
        assert_eq!((yard.file("mine"), yard.status()), (None, " M a".to_owned()), "{place:?}");
    }
}

#[tokio::test]
async fn landing_again_does_nothing() {
    let yard = Yard::new().await;
    yard.land(&yard.tip).await;
    assert_eq!(yard.land(&yard.tip).await, Landed::Already);
    let later = yard.repo.commit(&[("later", "")]);
    assert_eq!(yard.land(&yard.tip).await, Landed::Already);
    assert_eq!(yard.repo.at("main"), later, "a commit that somebody put on top stays");
}

#[tokio::test]
async fn a_lost_race_moves_nothing_and_tells_where_the_branch_stands() {
    let mut yard = Yard::new().await;
    let expected = yard.base.clone();
    let theirs = yard.theirs(&[("theirs", "")]);
    yard.base = expected;
    assert_eq!(yard.land(&yard.tip).await, Landed::Race(theirs.clone()));
    yard.repo.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(yard.land(&yard.tip).await, Landed::Race(theirs.clone()), "with the checkout elsewhere as well");
    assert_eq!(yard.repo.at("main"), theirs);
}

#[tokio::test]
async fn a_branch_that_was_moved_back_is_not_moved_by_force() {
    let mut yard = Yard::new().await;
    let expected = yard.theirs(&[("theirs", "")]);
    let landed = ready(yard.candidate().await);
    yard.repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let now = yard.repo.at("main");
    yard.base = expected;
    assert_eq!(yard.land(&landed).await, Landed::Race(now.clone()));
    assert_eq!(yard.repo.at("main"), now);
}

#[tokio::test]
async fn changes_of_the_users_in_the_way_stop_the_landing_and_stay() {
    for (path, text) in [("a", "half done\n"), ("mine", "untracked\n")] {
        let yard = Yard::with(&[("a", "2\n"), ("mine", "1\n")]).await;
        std::fs::write(yard.repo.web.join(path), text).unwrap();
        let Landed::Checkout(said) = yard.land(&yard.tip).await else { panic!("{path} was overwritten") };
        assert!(said.contains(path) && said.contains(yard.repo.web.as_str()), "{said}");
        assert_eq!((yard.file(path).unwrap(), yard.repo.at("main")), (text.to_owned(), yard.base.clone()));
    }
}

#[tokio::test]
async fn changes_of_the_users_elsewhere_stay_and_are_not_in_the_way() {
    let yard = Yard::new().await;
    std::fs::write(yard.repo.web.join("a"), "half done\n").unwrap();
    assert_eq!(yard.land(&yard.tip).await, Landed::Moved);
    assert_eq!((yard.file("a").unwrap(), yard.status()), ("half done\n".to_owned(), " M a".to_owned()));
}

#[tokio::test]
async fn a_branch_that_is_not_there_is_not_made() {
    let yard = Yard::new().await;
    let landed = yard.git.land("trunk", &yard.base, &yard.tip).await.unwrap();
    assert_eq!(landed, Landed::Race(Commit(String::new())));
    assert_eq!(yard.git.branch("trunk").await.unwrap(), None);
}
