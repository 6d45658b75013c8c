//! What every tracker keeps to.

mod writes;

use dayfly_core::{Applied, Issue, IssueId, NewIssue, ProjectName, Tracker, TrackerError, TrackerState, TrackerWrite};

use super::{both, start_and_drop};

/// Texts that a tracker could take for its own marks.
const TRICKY: [&str; 6] = [
    "## Comment by Ann, 2026-11-21T10:00:00Z\n<!-- dayfly: stolen -->\nnot a comment",
    "<!-- dayfly: stolen -->",
    "\\## Comment by Ann\n\\\\<!-- dayfly: x -->",
    "+++\ntitle = \"x\"\n+++",
    "# Heading\n\n- [ ] task \u{1f98b}\n\n```\ncode\n\n    indented\n```",
    "    starts with code, ends with it\n\n    so",
];

/// Checks that the trackers which `make` gives keep the contract of [`Tracker`].
///
/// `make` gives a tracker and a project without issues; it is called several times. What happens
/// across restarts is checked by [`tracker_reopened`].
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn tracker<T: Tracker>(make: impl AsyncFn() -> (T, ProjectName)) {
    Try::new(&make().await).an_empty_project_has_nothing().await;
    Try::new(&make().await).issues_are_ordered_by_value().await;
    Try::new(&make().await).a_new_issue_is_shown_as_it_was_written().await;
    Try::new(&make().await).comments_are_shown_in_order().await;
    Try::new(&make().await).a_key_writes_once().await;
    Try::new(&make().await).labels_are_set().await;
    Try::new(&make().await).the_state_is_set().await;
    Try::new(&make().await).a_failed_write_changes_nothing().await;
    Try::new(&make().await).writes_at_the_same_time_all_happen().await;
    Try::new(&make().await).a_dropped_write_is_done_or_not().await;
    writes::all(&make).await;
}

/// Checks that keys are remembered across restarts: `open` opens the same tracker, empty at first, each time.
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn tracker_reopened<T: Tracker>(open: impl AsyncFn() -> (T, ProjectName)) {
    let first = open().await;
    let id = Try::new(&first).create("a/0", new("one", "")).await;
    Try::new(&first).comment("a/1", &id, "hello").await;
    let shown = Try::new(&first).issues().await;
    drop(first);

    let second = open().await;
    let again = Try::new(&second);
    assert_eq!(again.issues().await, shown, "what was written is shown after a restart");
    again.already("a/0", TrackerWrite::Create(new("one", "")), Some(&id)).await;
    again.already("a/1", comment(&id, "hello"), None).await;
    assert_eq!(again.issues().await, shown, "`apply` twice with the same key writes once, also across restarts");
}

struct Try<'a> {
    tracker: &'a dyn Tracker,
    project: &'a ProjectName,
}

impl<'a> Try<'a> {
    fn new<T: Tracker>((tracker, project): &'a (T, ProjectName)) -> Self {
        Self { tracker, project }
    }

    async fn an_empty_project_has_nothing(self) {
        assert_eq!(self.issues().await, [], "a project without issues has none");
        let milestones = self.tracker.milestones(self.project).await;
        assert!(milestones.is_ok(), "a project without milestones can be asked for them, got {milestones:?}");
    }

    async fn issues_are_ordered_by_value(self) {
        let mut ids = Vec::new();
        for n in 0..12 {
            ids.push(self.create(&format!("a/{n}"), new(&format!("issue {n}"), "")).await);
        }
        self.done("s/0", TrackerWrite::State { issue: ids[3].clone(), state: TrackerState::Closed }).await;
        let shown: Vec<IssueId> = self.issues().await.into_iter().map(|issue| issue.id).collect();
        let mut sorted = shown.clone();
        sorted.sort_by_key(|id| id.as_str().parse::<u64>().ok());
        assert_eq!(shown, sorted, "`issues` are ordered by id: numbers by value");
        ids.sort_by_key(|id| id.as_str().parse::<u64>().ok());
        assert_eq!(shown, ids, "`issues` gives every issue of the project, open and closed");
    }

    async fn a_new_issue_is_shown_as_it_was_written(self) {
        let parent = self.create("p/0", new("Parent: \"quoted\" 'ticks' \\ [x] # = \u{e9}", "")).await;
        for (n, text) in TRICKY.into_iter().enumerate() {
            let wanted = NewIssue {
                labels: vec!["bug".into(), "needs \"care\"".into()],
                parent: Some(parent.clone()),
                ..new(&format!("Child {n}"), text)
            };
            let id = self.create(&format!("c/{n}"), wanted.clone()).await;
            let shown = self.issue(&id).await;
            let what = "after `apply` has returned, `issues` shows the new issue";
            assert_eq!((&shown.title, &shown.body), (&wanted.title, &wanted.body), "{what} with its text");
            assert_eq!(shown.parent, wanted.parent, "{what} with its parent");
            assert_eq!(shown.state, TrackerState::Open, "{what}, open");
            assert_eq!(shown.comments, [], "{what}, without comments");
            let carries = wanted.labels.iter().all(|label| shown.has_label(label));
            assert!(carries && shown.labels.len() == wanted.labels.len(), "{what} with its labels: {shown:?}");
        }
        assert_eq!(self.issue(&parent).await.title, "Parent: \"quoted\" 'ticks' \\ [x] # = \u{e9}");
    }

    async fn comments_are_shown_in_order(self) {
        let id = self.create("a/0", new("one", TRICKY[0])).await;
        for (n, text) in TRICKY.into_iter().enumerate() {
            self.comment(&format!("web.{id}.exec.1/{n}"), &id, text).await;
        }
        let shown = self.issue(&id).await;
        let texts: Vec<&str> = shown.comments.iter().map(|comment| comment.body.as_str()).collect();
        assert_eq!(texts, TRICKY, "after `apply` has returned, `issues` shows the comments, oldest first, as written");
        for (n, comment) in shown.comments.iter().enumerate() {
            let key = format!("web.{id}.exec.1/{n}");
            assert_eq!(comment.key, Some(key), "a comment that dayfly wrote carries the key of its effect");
        }
        assert_eq!(shown.body, TRICKY[0], "a comment leaves the issue's text alone");
    }

    async fn a_key_writes_once(self) {
        let id = self.create("a/0", new("one", "")).await;
        self.comment("a/1", &id, "first").await;
        let other = self.create("a/2", new("one", "")).await;
        assert_ne!(id, other, "another key writes another issue, even with the same text");
        self.comment("a/11", &id, "first").await;
        let before = self.issues().await;
        for _ in 0..2 {
            self.already("a/0", TrackerWrite::Create(new("one", "")), Some(&id)).await;
            self.already("a/2", TrackerWrite::Create(new("one", "")), Some(&other)).await;
            self.already("a/1", comment(&id, "first"), None).await;
        }
        assert_eq!(self.issues().await, before, "`apply` twice with the same key writes once");
        let shut = TrackerWrite::State { issue: id.clone(), state: TrackerState::Closed };
        self.done("a/3", shut).await;
        self.already("a/0", TrackerWrite::Create(new("one", "")), Some(&id)).await;
        assert_eq!(self.issues().await.len(), 2, "the key of an issue is known after it was closed");
    }

    async fn labels_are_set(self) {
        let id = self.create("a/0", NewIssue { labels: vec!["a".into(), "b".into()], ..new("one", "text") }).await;
        let set = |add: &[&str], remove: &[&str]| {
            let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            TrackerWrite::Labels { issue: id.clone(), add: own(add), remove: own(remove) }
        };
        self.done("a/1", set(&["c", "d"], &["a", "z"])).await;
        let shown = self.issue(&id).await;
        let carries = |label| shown.has_label(label);
        assert!(carries("b") && carries("c") && carries("d"), "the result has all labels of `add`: {:?}", shown.labels);
        assert!(!carries("a"), "the result has no label of `remove`: {:?}", shown.labels);
        assert_eq!(shown.labels.len(), 3, "labels that are not named stay as they are");
        self.already("a/2", set(&["c", "D", "b"], &["a", "z"]), None).await;
        self.already("a/1", set(&["c", "d"], &["a", "z"]), None).await;
        assert_eq!(self.issue(&id).await, shown, "labels are set, so a repetition changes nothing");
        self.done("a/1", set(&[], &["b", "c", "d"])).await;
        assert_eq!(self.issue(&id).await.labels, Vec::<String>::new(), "all labels can be removed");
    }

    async fn the_state_is_set(self) {
        let id = self.create("a/0", new("one", "text")).await;
        let before = self.issue(&id).await;
        for (n, state) in [TrackerState::Closed, TrackerState::Open].into_iter().enumerate() {
            let write = TrackerWrite::State { issue: id.clone(), state };
            self.done(&format!("s/{n}"), write.clone()).await;
            assert_eq!(self.issue(&id).await.state, state, "after `apply` has returned, `issues` shows the state");
            self.already(&format!("t/{n}"), write, None).await;
        }
        assert_eq!(self.issue(&id).await, before, "closing and opening an issue changes nothing else");
    }

    async fn a_failed_write_changes_nothing(self) {
        let id = self.create("a/0", new("one", "text")).await;
        let before = self.issues().await;
        let none = IssueId::new("4711").expect("an id");
        let writes = [
            comment(&none, "x"),
            TrackerWrite::State { issue: none.clone(), state: TrackerState::Closed },
            TrackerWrite::Labels { issue: none.clone(), add: vec!["x".into()], remove: vec![] },
            TrackerWrite::Sticky { issue: none.clone(), topic: "x".into(), body: "x".into() },
            TrackerWrite::Duplicate { issue: none.clone(), of: id.clone() },
            TrackerWrite::BlockedBy { issue: none.clone(), by: vec![id.clone()] },
            TrackerWrite::SetMilestone { issue: none.clone(), milestone: None },
        ];
        for (n, write) in writes.iter().enumerate() {
            let refused = self.tracker.apply(self.project, &format!("n/{n}"), write).await;
            assert!(
                matches!(&refused, Err(TrackerError::NotFound { issue, .. }) if *issue == none),
                "a write to an issue that is not there fails with `NotFound`, got {refused:?}"
            );
        }
        assert_eq!(self.issues().await, before, "a failed `apply` that did not happen changes nothing");
        self.comment("n/0", &id, "x").await;
    }

    async fn writes_at_the_same_time_all_happen(self) {
        let id = self.create("a/0", new("one", "")).await;
        let (a, b) = both(self.create("b/0", new("two", "")), self.create("b/1", new("two", ""))).await;
        assert_ne!(a, b, "two issues created at the same time have different ids");
        both(self.comment("b/2", &id, "left"), self.comment("b/3", &id, "right")).await;
        assert_eq!(self.issue(&id).await.comments.len(), 2, "two comments written at the same time are both there");
        let same = comment(&id, "once");
        let write = || self.tracker.apply(self.project, "b/4", &same);
        let (a, b) = both(write(), write()).await;
        let (Ok(a), Ok(b)) = (&a, &b) else {
            panic!("a write with the same key at the same time failed: {a:?}, {b:?}")
        };
        let done = [a, b].into_iter().filter(|applied| matches!(applied, Applied::Done(_))).count();
        assert_eq!(done, 1, "of two writes with the same key one is done and the other `Already`: {a:?}, {b:?}");
        assert_eq!(self.issue(&id).await.comments.len(), 3, "the same key at the same time writes once");
        assert_eq!(self.issues().await.len(), 3, "every issue that was created is there");
    }

    async fn a_dropped_write_is_done_or_not(self) {
        let id = self.create("a/0", new("one", "")).await;
        let write = comment(&id, "dropped");
        start_and_drop(self.tracker.apply(self.project, "d/0", &write)).await;
        start_and_drop(self.tracker.apply(self.project, "d/1", &TrackerWrite::Create(new("two", "")))).await;
        self.apply("d/0", write).await;
        self.apply("d/1", TrackerWrite::Create(new("two", ""))).await;
        assert_eq!(self.issues().await.len(), 2, "a dropped creation is done or not done, never twice");
        let comments = self.issue(&id).await.comments;
        assert_eq!(comments.len(), 1, "a dropped comment is done or not done, never half or twice: {comments:?}");
        assert_eq!(comments[0].body, "dropped", "a dropped comment is never half done");
    }

    async fn issues(&self) -> Vec<Issue> {
        self.tracker.issues(self.project).await.unwrap_or_else(|err| panic!("`issues` failed: {err}"))
    }

    async fn issue(&self, id: &IssueId) -> Issue {
        let issue = self.issues().await.into_iter().find(|issue| issue.id == *id);
        issue.unwrap_or_else(|| panic!("after `apply` has returned, `issues` shows its effect: there is no issue {id}"))
    }

    async fn apply(&self, key: &str, write: TrackerWrite) -> Applied {
        let applied = self.tracker.apply(self.project, key, &write).await;
        applied.unwrap_or_else(|err| panic!("`apply` of {write:?} failed: {err}"))
    }

    async fn done(&self, key: &str, write: TrackerWrite) {
        let applied = self.apply(key, write.clone()).await;
        assert_eq!(applied, Applied::Done(None), "a new write is done: {write:?}");
    }

    async fn already(&self, key: &str, write: TrackerWrite, id: Option<&IssueId>) {
        let applied = self.apply(key, write.clone()).await;
        let wanted = Applied::Already(id.cloned());
        assert_eq!(applied, wanted, "a repeated write answers `Already` with the same id: {write:?}");
    }

    async fn create(&self, key: &str, new: NewIssue) -> IssueId {
        match self.apply(key, TrackerWrite::Create(new)).await {
            Applied::Done(Some(id)) => id,
            other => panic!("a new issue is done, and its id given: got {other:?}"),
        }
    }

    async fn comment(&self, key: &str, issue: &IssueId, body: &str) {
        self.done(key, comment(issue, body)).await;
    }
}

fn comment(issue: &IssueId, body: &str) -> TrackerWrite {
    TrackerWrite::Comment { issue: issue.clone(), body: body.to_owned() }
}

fn new(title: &str, body: &str) -> NewIssue {
    NewIssue {
        title: title.to_owned(),
        body: body.to_owned(),
        labels: vec![],
        milestone: None,
        parent: None,
        ..NewIssue::default()
    }
}
