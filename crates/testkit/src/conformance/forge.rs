//! What every forge keeps to.

use std::fmt;

use dayfly_core::{
    Commit, Forge, MergeMethod, NewPull, ProjectName, Pull, PullApplied, PullState, PullWrite, TrackerError,
};
use jiff::Timestamp;

use super::drop_at;

/// A forge to be tried, and what the suite cannot do by the trait.
pub struct ForgeBench<F> {
    /// The forge.
    pub forge: F,
    /// A project without pull requests, whose base branch is `main`.
    pub project: ProjectName,
    /// Pushes a new commit to a branch, which is made from `main` if it is not there, and gives the commit.
    pub push: Box<dyn Fn(&str) -> Commit>,
    /// Closes a pull request without merging it.
    pub close: Box<dyn Fn(u64)>,
    /// Lets the time come.
    pub until: Box<dyn Fn(Timestamp)>,
}

impl<F: fmt::Debug> fmt::Debug for ForgeBench<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgeBench").field("forge", &self.forge).field("project", &self.project).finish_non_exhaustive()
    }
}

/// How often a forge is looked at until a merge that was asked for is done.
const MOST_LOOKS: usize = 50;
/// At how many places where it waits a write is dropped.
const MOST_PLACES: usize = 60;

/// Checks that the forges which `make` gives keep the contract of [`Forge`].
///
/// `make` is called several times. What happens across restarts is checked by [`forge_reopened`].
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn forge<F: Forge>(make: impl AsyncFn() -> ForgeBench<F>) {
    make().await.each_branch_has_its_own().await;
    make().await.a_key_opens_once().await;
    make().await.the_open_one_is_given_or_else_the_last().await;
    make().await.a_draft_is_made_ready().await;
    make().await.a_merge_is_seen_when_it_is_done().await;
    make().await.only_the_commit_that_was_judged_is_merged().await;
    make().await.a_branch_is_removed_when_it_is_done_with().await;
    make().await.a_dropped_write_is_done_or_not().await;
}

/// Checks that keys are remembered across restarts: `open` opens the same forge, empty at first, each time.
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn forge_reopened<F: Forge>(open: impl AsyncFn() -> ForgeBench<F>) {
    let first = open().await;
    let write = first.new_pull("work/1");
    let number = first.opened("a", write.clone()).await;
    drop(first);
    let second = open().await;
    let again = second.apply("a", PullWrite::Open(write)).await;
    assert_eq!(
        again,
        PullApplied::Already(Some(number)),
        "`apply` twice with the same key does it once, across restarts"
    );
    assert_eq!(second.look("work/1").await.number, number, "there is one pull request after a restart");
}

impl<F: Forge> ForgeBench<F> {
    async fn each_branch_has_its_own(self) {
        let none = self.forge.pulls(&self.project, &["work/1".to_owned()]).await;
        assert_eq!(none.expect("a forge can be asked"), [], "a branch without a pull request has none");
        let (one, two) = (self.new_pull("work/1"), self.new_pull("work/2"));
        let number = self.opened("a", one.clone()).await;
        let other = self.opened("b", two).await;
        assert_ne!(number, other, "each branch has a pull request of its own");
        let pull = self.look("work/1").await;
        assert_eq!((pull.number, &pull.head, pull.branch.as_str()), (number, &one.head, "work/1"), "`pulls` shows it");
        assert_eq!((pull.base.as_str(), &pull.state), ("main", &PullState::Open), "`pulls` shows it");
        let both = ["work/1", "work/2", "work/none"].map(str::to_owned);
        let both = self.forge.pulls(&self.project, &both).await.expect("a forge can be asked");
        let mut numbers: Vec<u64> = both.iter().map(|pull| pull.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [number.min(other), number.max(other)], "`pulls` gives one for each branch that has one");
    }

    async fn a_key_opens_once(self) {
        let new = self.new_pull("work/1");
        let number = self.opened("a", new.clone()).await;
        let again = self.apply("a", PullWrite::Open(new.clone())).await;
        assert_eq!(again, PullApplied::Already(Some(number)), "`apply` twice with the same key does it once");
        let newer = NewPull { title: "Another title".into(), ..new };
        let taken = self.apply("b", PullWrite::Open(newer)).await;
        assert_eq!(taken, PullApplied::Done(Some(number)), "one that is open already is taken");
        let say = |body: &str| PullWrite::Say { branch: "work/1".into(), topic: "t".into(), body: body.into() };
        assert_eq!(self.apply("c", say("one")).await, PullApplied::Done(Some(number)), "it is said");
        assert_eq!(self.apply("c", say("one")).await, PullApplied::Already(Some(number)), "it is said once");
    }

    async fn the_open_one_is_given_or_else_the_last(self) {
        let new = self.new_pull("work/1");
        let first = self.opened("a", new.clone()).await;
        (self.close)(first);
        let pull = self.look("work/1").await;
        assert_eq!((pull.number, pull.state), (first, PullState::Closed), "the last one there was is given");
        let again = self.apply("a", PullWrite::Open(new)).await;
        assert_eq!(again, PullApplied::Already(Some(first)), "the second answers with the same pull request");
        let second = self.opened("b", self.new_pull("work/1")).await;
        assert_eq!(self.look("work/1").await.number, second, "the open one is given");
    }

    async fn a_draft_is_made_ready(self) {
        let new = NewPull { draft: true, ..self.new_pull("work/1") };
        let number = self.opened("a", new).await;
        assert!(self.look("work/1").await.draft, "a draft is shown as one");
        let ready = || PullWrite::Ready { branch: "work/1".into() };
        assert_eq!(self.apply("b", ready()).await, PullApplied::Done(Some(number)), "it is made ready");
        assert!(!self.look("work/1").await.draft, "after `apply` has returned, `pulls` shows its effect");
        assert_eq!(self.apply("b", ready()).await, PullApplied::Already(Some(number)), "it is made ready once");
    }

    async fn a_merge_is_seen_when_it_is_done(self) {
        let (number, merged) = self.merged("work/1").await;
        assert!(matches!(merged.state, PullState::Merged(_)), "a merge is seen when it is done, got {merged:?}");
        let merge = self.merge("work/1", &merged.head);
        assert_eq!(self.apply("m", merge).await, PullApplied::Already(Some(number)), "it is merged once");
    }

    async fn only_the_commit_that_was_judged_is_merged(self) {
        let new = self.new_pull("work/1");
        self.opened("a", new.clone()).await;
        let pushed = (self.push)("work/1");
        let applied = self.apply("m", self.merge("work/1", &new.head)).await;
        assert!(
            matches!(applied, PullApplied::NotNow(_)),
            "if the branch stands elsewhere, nothing is merged: {applied:?}"
        );
        let pull = self.look("work/1").await;
        assert_eq!(
            (pull.state, pull.head),
            (PullState::Open, pushed),
            "if the branch stands elsewhere, nothing is merged"
        );
    }

    async fn a_branch_is_removed_when_it_is_done_with(self) {
        self.opened("a", self.new_pull("work/1")).await;
        let remove = |branch: &str| PullWrite::RemoveBranch { branch: branch.into() };
        let applied = self.apply("r", remove("work/1")).await;
        assert!(matches!(applied, PullApplied::NotNow(_)), "the branch of an open one stays: {applied:?}");
        let (number, _) = self.merged("work/2").await;
        let applied = self.apply("s", remove("work/2")).await;
        assert!(
            matches!(applied, PullApplied::Done(Some(n)) | PullApplied::Already(Some(n)) if n == number),
            "the branch of a merged one is removed: {applied:?}"
        );
        assert_eq!(self.apply("s", remove("work/2")).await, PullApplied::Already(Some(number)), "it is removed once");
    }

    /// Drops an opening at each place where it waits: the next with the same key finds out what became of it.
    async fn a_dropped_write_is_done_or_not(self) {
        for place in 1..=MOST_PLACES {
            let branch = format!("work/{place}");
            let (key, write) = (format!("k{place}"), PullWrite::Open(self.new_pull(&branch)));
            let whole = drop_at(place, self.forge.apply(&self.project, &key, &write)).await.is_some();
            let applied = self.apply(&key, write).await;
            let (PullApplied::Done(Some(number)) | PullApplied::Already(Some(number))) = applied else {
                panic!("dropped at {place}, the next with the same key finds out which: {applied:?}");
            };
            assert_eq!(self.look(&branch).await.number, number, "dropped at {place}, there is one pull request");
            if whole {
                return;
            }
        }
    }

    fn new_pull(&self, branch: &str) -> NewPull {
        NewPull {
            branch: branch.into(),
            head: (self.push)(branch),
            base: "main".into(),
            title: format!("Work on {branch}"),
            body: "What was done.".into(),
            draft: false,
        }
    }

    fn merge(&self, branch: &str, head: &Commit) -> PullWrite {
        PullWrite::Merge { branch: branch.into(), head: head.clone(), method: MergeMethod::Merge }
    }

    async fn opened(&self, key: &str, new: NewPull) -> u64 {
        match self.apply(key, PullWrite::Open(new)).await {
            PullApplied::Done(Some(number)) => number,
            other => panic!("a pull request is opened, got {other:?}"),
        }
    }

    async fn merged(&self, branch: &str) -> (u64, Pull) {
        let new = self.new_pull(branch);
        let number = self.opened(&format!("open {branch}"), new.clone()).await;
        let asked = self.apply("m", self.merge(branch, &new.head)).await;
        assert_eq!(asked, PullApplied::Done(Some(number)), "a merge is asked for");
        for _ in 0..MOST_LOOKS {
            let pull = self.look(branch).await;
            if pull.state != PullState::Open {
                return (number, pull);
            }
            assert!(pull.merging, "a merge that was asked for is under way until it is done: {pull:?}");
        }
        panic!("the merge was not done after {MOST_LOOKS} looks");
    }

    async fn look(&self, branch: &str) -> Pull {
        let mut pulls = self.forge.pulls(&self.project, &[branch.to_owned()]).await.expect("a forge can be asked");
        assert_eq!(pulls.len(), 1, "`pulls` gives the pull request of {branch}");
        pulls.remove(0)
    }

    /// Applies a write, and comes back when the forge says.
    async fn apply(&self, key: &str, write: PullWrite) -> PullApplied {
        let mut times = 0;
        loop {
            match self.forge.apply(&self.project, key, &write).await {
                Ok(applied) => return applied,
                Err(TrackerError::Limited { until, .. }) if times < 5 => (self.until)(until),
                Err(error) => panic!("a write is applied, got {error:?}"),
            }
            times += 1;
        }
    }
}
