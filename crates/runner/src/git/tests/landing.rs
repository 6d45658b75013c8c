//! Landing: what a change would be on the base branch, and the move itself.

use std::time::Duration;

use super::*;

/// A base branch, and a change of one commit on top of its first commit.
struct Yard {
    repo: Repo,
    git: TrustedGit,
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
        git.add_copy(&tree, &base).await.unwrap();
        let tip = work(&git, &tree, change).await;
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

    /// What git prints in the trusted git directory.
    fn trusted(&self, args: &[&str]) -> String {
        git_in(&self.repo.root.join("git/web.git"), args)
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
    assert_eq!(yard.trusted(&["rev-parse", &format!("{landed}^")]), theirs.0);
    assert_eq!(
        yard.trusted(&["show", "--format=%an <%ae> %s", "--name-only", &landed.0]).replace("\n\n", " | "),
        "Ann <ann@example.org> Change mine | mine"
    );
    let date = |commit: &Commit| yard.trusted(&["log", "-1", "--format=%aI", &commit.0]);
    assert_eq!(date(&landed), date(&yard.tip));
}

#[tokio::test]
async fn a_squash_is_one_commit_with_the_message_given() {
    let mut yard = Yard::new().await;
    yard.tip = work(&yard.git, &yard.repo.root.join("tree"), &[("more", "2\n")]).await;
    yard.theirs(&[("theirs", "1\n")]);
    let landed = ready(yard.squashed().await);
    assert_eq!(yard.trusted(&["rev-list", "--count", &format!("{}..{landed}", yard.base)]), "1");
    assert_eq!(yard.trusted(&["log", "-1", "--format=%B", &landed.0]).trim(), "One\n\nIssue: web#1");
    assert_eq!(yard.trusted(&["diff", "--name-only", &yard.base.0, &landed.0]), "mine\nmore");
}

#[tokio::test]
async fn a_change_that_the_base_holds_already_is_nothing() {
    let mut yard = Yard::new().await;
    yard.theirs(&[("mine", "1\n")]);
    assert_eq!(yard.candidate().await, Candidate::Nothing, "the same change by another commit");
    assert_eq!(yard.squashed().await, Candidate::Nothing);
    yard.git.give(&yard.tip).await.unwrap();
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
    assert_eq!(yard.git.user().branch("trunk").await.unwrap(), None);
}

#[tokio::test]
async fn what_a_merge_commit_of_the_change_holds_lands_with_it() {
    let mut yard = Yard::with(&[("a", "mine\n")]).await;
    let tree = yard.repo.root.join("tree");
    let merged = yard.theirs(&[("a", "theirs\n"), ("b", "1\n")]);
    git_in(&tree, &["merge", "--no-commit", "--quiet", "--strategy=ours", &merged.0]);
    yard.tip = work(&yard.git, &tree, &[("a", "both\n"), ("b", "1\n"), ("fix", "needed with b\n")]).await;
    let base = yard.theirs(&[("c", "1\n")]);
    let landed = ready(yard.candidate().await);
    assert_eq!(yard.trusted(&["ls-tree", "--name-only", &landed.0]), "a\nb\nc\nfix");
    assert_eq!(yard.trusted(&["show", &format!("{landed}:a")]), "both");
    assert_eq!(yard.trusted(&["log", "-1", "--format=%P", &landed.0]), format!("{base} {}", yard.tip));
    assert_eq!(yard.land(&landed).await, Landed::Moved);
    assert_eq!((yard.file("fix").unwrap(), yard.status()), ("needed with b\n".to_owned(), String::new()));
}

#[tokio::test]
async fn a_merge_that_is_in_conflict_with_the_base_names_the_paths() {
    let mut yard = Yard::with(&[("b", "mine\n")]).await;
    let merged = yard.theirs(&[("a", "2\n")]);
    git_in(&yard.repo.root.join("tree"), &["merge", "--quiet", "--no-edit", &merged.0]);
    yard.tip = work(&yard.git, &yard.repo.root.join("tree"), &[]).await;
    yard.theirs(&[("b", "theirs\n")]);
    assert_eq!(yard.candidate().await, Candidate::Conflict(vec!["b".into()]));
}

/// The user's main checkout elsewhere, and another one of theirs on the base branch.
fn other(yard: &Yard) -> Utf8PathBuf {
    yard.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let other = yard.repo.root.join("other");
    yard.repo.git(&["worktree", "add", "--quiet", other.as_str(), "main"]);
    other
}

#[tokio::test]
async fn another_checkout_on_the_base_branch_moves_along() {
    let yard = Yard::new().await;
    let other = other(&yard);
    assert_eq!(yard.land(&yard.tip).await, Landed::Moved);
    assert_eq!((yard.repo.at("main"), git_in(&other, &["status", "--porcelain"])), (yard.tip.clone(), String::new()));
    assert_eq!(std::fs::read_to_string(other.join("mine")).unwrap(), "1\n");
    assert_eq!((yard.file("mine"), yard.repo.at("HEAD")), (None, yard.base.clone()), "the main one stands elsewhere");
}

#[tokio::test]
async fn changes_in_another_checkout_that_are_in_the_way_stop_the_landing_and_stay() {
    let yard = Yard::new().await;
    let other = other(&yard);
    std::fs::write(other.join("mine"), "untracked\n").unwrap();
    let Landed::Checkout(said) = yard.land(&yard.tip).await else { panic!("it was overwritten") };
    assert!(said.contains(other.as_str()), "{said}");
    assert_eq!(yard.repo.at("main"), yard.base);
}

#[tokio::test]
async fn a_checkout_on_the_base_branch_that_is_not_there_now_stops_the_landing() {
    let yard = Yard::new().await;
    let other = other(&yard);
    std::fs::rename(&other, yard.repo.root.join("unmounted")).unwrap();
    let Landed::Checkout(said) = yard.land(&yard.tip).await else { panic!("it was moved beneath the checkout") };
    assert!(said.contains(other.as_str()) && said.contains("git worktree prune"), "{said}");
    assert_eq!(yard.repo.at("main"), yard.base);
}

#[tokio::test]
async fn a_base_branch_checked_out_twice_is_not_moved() {
    let yard = Yard::new().await;
    let other = other(&yard);
    yard.repo.git(&["checkout", "--quiet", "--ignore-other-worktrees", "main"]);
    let Landed::Checkout(said) = yard.land(&yard.tip).await else { panic!("it was moved beneath one of them") };
    assert!(said.contains(other.as_str()) && said.contains(yard.repo.web.as_str()), "{said}");
    assert_eq!(yard.repo.at("main"), yard.base);
}

#[tokio::test]
async fn what_an_attempt_does_to_branches_reaches_its_own_repository_alone() {
    let yard = Yard::new().await;
    let tree = yard.repo.root.join("tree");
    git_in(&tree, &["checkout", "--quiet", "main"]);
    let elsewhere = commit_in(&tree, &[("elsewhere", "")]);
    git_in(&tree, &["branch", "--quiet", "dayfly/web-2"]);
    git_in(&tree, &["config", "alias.st", "status"]);
    assert_eq!(
        yard.repo.git(&["for-each-ref", "--format=%(objectname) %(refname)"]),
        format!("{} refs/heads/main", yard.base)
    );
    assert_eq!(yard.land(&yard.tip).await, Landed::Moved, "and stands in nobody's way");
    assert_eq!(git_in(&tree, &["rev-parse", "main"]), elsewhere.0);
}

#[tokio::test]
async fn a_checkout_that_was_switched_meanwhile_is_a_lost_race_and_its_branch_stays() {
    let yard = Yard::new().await;
    let place = yard.git.user().standing_on("main").await.unwrap().remove(0);
    yard.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let landed = yard.git.user().fast_forward(&place, "main", &yard.base, &yard.tip).await.unwrap();
    assert_eq!(landed, Landed::Race(yard.base.clone()));
    assert_eq!(yard.repo.at("feature"), yard.base);
}

#[tokio::test]
async fn a_bare_repository_lands() {
    let repo = Repo::new(&[("a", "1\n")]);
    let bare = repo.root.join("bare.git");
    repo.git(&["clone", "--quiet", "--bare", repo.web.as_str(), bare.as_str()]);
    let git = open_at(&repo.root, &bare).await;
    assert!(!git.user().is_dirty().await.unwrap());
    assert_eq!(git.user().current_branch().await.unwrap().as_deref(), Some("main"));
    let base = git.user().branch("main").await.unwrap().unwrap();
    let tree = repo.root.join("tree");
    git.add_copy(&tree, &base).await.unwrap();
    let tip = work(&git, &tree, &[("b", "1\n")]).await;
    assert_eq!(git.inspect(&tree, &base, &base).await.unwrap().changed, ["b"]);
    assert_eq!(git.land("main", &base, &tip).await.unwrap(), Landed::Moved);
    assert_eq!(git.user().branch("main").await.unwrap(), Some(tip));
}

/// A filter of the repository's that says that it runs, and goes on when it is let.
struct Filter {
    began: tokio::sync::oneshot::Receiver<()>,
    ended: std::sync::mpsc::Receiver<()>,
    release: std::fs::File,
}

impl Filter {
    fn set(repo: &Repo, kind: &str) -> Self {
        let (says, waits) = (repo.root.join("says"), repo.root.join("waits"));
        for pipe in [&says, &waits] {
            nix::unistd::mkfifo(pipe.as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        let script = format!("exec 3>{says}; echo up >&3; read go <{waits}; cat");
        repo.git(&["config", &format!("filter.slow.{kind}"), &script]);
        repo.git(&["config", "core.attributesFile", repo.root.join("attributes").as_str()]);
        std::fs::write(repo.root.join("attributes"), "mine filter=slow\n").unwrap();
        let release = std::fs::File::options().read(true).write(true).open(&waits).unwrap();
        let (tell_began, began) = tokio::sync::oneshot::channel();
        let (tell_ended, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            use std::io::Read as _;
            let mut pipe = std::fs::File::open(says).unwrap();
            pipe.read_exact(&mut [0; 3]).unwrap();
            tell_began.send(()).unwrap();
            pipe.read_to_end(&mut Vec::new()).unwrap();
            tell_ended.send(()).unwrap();
        });
        Self { began, ended, release }
    }

    /// Does what runs the filter until the filter runs, and drops it then.
    async fn interrupt<T: std::fmt::Debug>(&mut self, doing: impl Future<Output = T>) {
        tokio::select! {
            done = doing => panic!("the filter does not wait: {done:?}"),
            began = &mut self.began => began.unwrap(),
            () = tokio::time::sleep(Duration::from_secs(60)) => panic!("the filter is not run"),
        }
    }
}

#[test]
fn a_merge_in_the_users_checkout_is_finished_though_nobody_waits_for_it_any_more() {
    use std::io::Write as _;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let yard = runtime.block_on(Yard::new());
    let mut filter = Filter::set(&yard.repo, "smudge");
    runtime.block_on(filter.interrupt(yard.land(&yard.tip)));
    filter.release.write_all(b"go\n").unwrap();
    filter.ended.recv_timeout(Duration::from_secs(60)).unwrap();
    drop(runtime);
    assert_eq!((yard.repo.at("main"), yard.status()), (yard.tip.clone(), String::new()));
    assert_eq!(yard.file("mine").unwrap(), "1\n");
    assert!(!yard.repo.web.join(".git/index.lock").exists());
}

#[tokio::test]
async fn what_a_git_command_started_ends_with_it() {
    let yard = Yard::with(&[("mine", "1\n")]).await;
    assert_eq!(yard.land(&yard.tip).await, Landed::Moved);
    let mut filter = Filter::set(&yard.repo, "clean");
    std::fs::write(yard.repo.web.join("mine"), "2\n").unwrap();
    filter.interrupt(yard.git.user().is_dirty()).await;
    filter.ended.recv_timeout(Duration::from_secs(60)).unwrap();
}
