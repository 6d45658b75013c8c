//! The writes by which issues are kept in order.

use dayfly_core::{IssueId, Milestone, NewIssue, ProjectName, Tracker, TrackerState, TrackerWrite};
use jiff::civil::Date;

use super::{TRICKY, Try, new};

pub(super) async fn all<T: Tracker>(make: &impl AsyncFn() -> (T, ProjectName)) {
    Try::new(&make().await).a_topic_has_one_comment().await;
    Try::new(&make().await).a_part_is_created_once().await;
    Try::new(&make().await).a_part_comes_after_others().await;
    Try::new(&make().await).blockers_are_shown_until_they_are_closed().await;
    Try::new(&make().await).a_duplicate_is_closed().await;
    Try::new(&make().await).a_milestone_stands_as_it_was_set().await;
    Try::new(&make().await).an_issue_moves_between_milestones().await;
}

fn sticky(issue: &IssueId, topic: &str, body: &str) -> TrackerWrite {
    TrackerWrite::Sticky { issue: issue.clone(), topic: topic.to_owned(), body: body.to_owned() }
}

fn part(parent: &IssueId, part: &str) -> NewIssue {
    NewIssue { parent: Some(parent.clone()), part: Some(part.to_owned()), ..new(&format!("part {part}"), "") }
}

fn closed(issue: &IssueId) -> TrackerWrite {
    TrackerWrite::State { issue: issue.clone(), state: TrackerState::Closed }
}

fn milestone(title: &str, due: Option<&str>, state: TrackerState) -> TrackerWrite {
    TrackerWrite::Milestone { title: title.to_owned(), due: due.map(day), state }
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

impl Try<'_> {
    async fn a_topic_has_one_comment(self) {
        let id = self.create("a/0", new("one", "text")).await;
        self.done("s/0", sticky(&id, "children", "0 of 2")).await;
        self.comment("a/1", &id, "in between").await;
        self.done("s/1", sticky(&id, "stale", "since long")).await;
        let what = "a sticky comment is one for each issue and topic";
        for (n, text) in TRICKY.into_iter().chain(["2 of 2"]).enumerate() {
            let key = format!("s/2.{n}");
            self.done(&key, sticky(&id, "children", text)).await;
            self.already(&key, sticky(&id, "children", text), None).await;
            self.already(&format!("s/3.{n}"), sticky(&id, "children", text), None).await;
            let shown = self.issue(&id).await;
            let said: Vec<(Option<&str>, &str)> =
                shown.comments.iter().map(|c| (c.topic.as_deref(), c.body.as_str())).collect();
            let wanted = [(Some("children"), text), (None, "in between"), (Some("stale"), "since long")];
            assert_eq!(said, wanted, "{what}, whatever its key; a new text replaces the old, in its place");
            assert!(shown.comments.iter().all(|c| c.is_own()), "what dayfly wrote is its own: {:?}", shown.comments);
            assert_eq!(shown.body, "text", "a comment leaves the issue's text alone");
        }
        let other = self.create("a/2", new("two", "")).await;
        self.done("s/4", sticky(&other, "children", "2 of 2")).await;
        assert_eq!(self.issue(&other).await.comments.len(), 1, "{what}: another issue has one of its own");
    }

    async fn a_part_is_created_once(self) {
        let parent = self.create("p/0", new("parent", "")).await;
        let other = self.create("p/1", new("other", "")).await;
        let id = self.create("c/0", part(&parent, "a")).await;
        let shown = self.issue(&id).await;
        assert_eq!(shown.facts.part.as_deref(), Some("a"), "a child is shown with its part");
        assert_eq!(shown.facts.key.as_deref(), Some("c/0"), "an issue that dayfly created is shown with its key");
        assert_eq!(shown.parent.as_ref(), Some(&parent), "a child is shown with its parent");
        let what = "of two with the same parent and part, the second writes nothing";
        let again = TrackerWrite::Create(NewIssue { title: "otherwise".into(), ..part(&parent, "a") });
        self.already("c/1", again.clone(), Some(&id)).await;
        assert_eq!(self.issues().await.len(), 3, "{what}");
        self.done("c/2", closed(&id)).await;
        self.already("c/3", again, Some(&id)).await;
        let second = self.create("c/4", part(&parent, "b")).await;
        let cousin = self.create("c/5", part(&other, "a")).await;
        assert!(second != id && cousin != id, "another part, or the same of another parent, is another issue");
        let without = self.create("c/6", NewIssue { part: None, ..part(&parent, "a") }).await;
        assert_ne!(without, id, "without a part every key creates an issue");
    }

    async fn a_part_comes_after_others(self) {
        let parent = self.create("p/0", new("parent", "")).await;
        let first = self.create("c/0", part(&parent, "first")).await;
        let second = self.create("c/1", part(&parent, "second")).await;
        let after = vec!["first".to_owned(), "second".to_owned()];
        let last = self.create("c/2", NewIssue { after, ..part(&parent, "last") }).await;
        self.is_blocked(&last, &[&first, &second]).await;
        self.done("c/3", closed(&first)).await;
        self.is_blocked(&last, &[&second]).await;
        self.is_blocked(&second, &[]).await;
    }

    async fn blockers_are_shown_until_they_are_closed(self) {
        let id = self.create("a/0", new("one", "")).await;
        let (two, three) = (self.create("a/1", new("two", "")).await, self.create("a/2", new("three", "")).await);
        let block = |by: &[&IssueId]| TrackerWrite::BlockedBy {
            issue: id.clone(),
            by: by.iter().map(|id| (*id).clone()).collect(),
        };
        self.done("b/0", block(&[&two])).await;
        self.is_blocked(&id, &[&two]).await;
        self.done("b/1", block(&[&two, &three])).await;
        self.is_blocked(&id, &[&two, &three]).await;
        self.already("b/1", block(&[&two, &three]), None).await;
        self.already("b/2", block(&[&three]), None).await;
        self.done("b/3", closed(&two)).await;
        self.is_blocked(&id, &[&three]).await;
        self.done("b/4", TrackerWrite::State { issue: two.clone(), state: TrackerState::Open }).await;
        self.is_blocked(&id, &[&two, &three]).await;
    }

    async fn is_blocked(&self, id: &IssueId, by: &[&IssueId]) {
        let shown = self.issue(id).await.facts.blocked_by;
        let mut wanted: Vec<&str> = by.iter().map(|id| id.as_str()).collect();
        let mut names: Vec<&str> = shown.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, wanted, "an issue is shown with the open issues that block it");
    }

    async fn a_duplicate_is_closed(self) {
        let (one, two) = (self.create("a/0", new("one", "")).await, self.create("a/1", new("one", "")).await);
        let before = self.issue(&one).await;
        let write = TrackerWrite::Duplicate { issue: two.clone(), of: one.clone() };
        self.done("d/0", write.clone()).await;
        assert_eq!(self.issue(&two).await.state, TrackerState::Closed, "a duplicate is closed");
        assert_eq!(self.issue(&one).await.state, before.state, "what it is a duplicate of stays open");
        let shown = self.issue(&two).await;
        self.already("d/0", write.clone(), None).await;
        self.already("d/1", write, None).await;
        assert_eq!(self.issue(&two).await, shown, "a duplicate is set, so a repetition changes nothing");
    }

    async fn a_milestone_stands_as_it_was_set(self) {
        let (open, shut) = (TrackerState::Open, TrackerState::Closed);
        self.done("m/0", milestone("March 2026", Some("2026-03-31"), open)).await;
        self.stands("March 2026", Some("2026-03-31"), open).await;
        self.already("m/0", milestone("March 2026", Some("2026-03-31"), open), None).await;
        self.already("m/1", milestone("March 2026", None, open), None).await;
        self.done("m/2", milestone("March 2026", Some("2026-03-30"), open)).await;
        self.stands("March 2026", Some("2026-03-30"), open).await;
        self.done("m/3", milestone("later: \"some\" day", None, open)).await;
        self.stands("later: \"some\" day", None, open).await;
        self.done("m/4", milestone("March 2026", None, shut)).await;
        self.stands("March 2026", Some("2026-03-30"), shut).await;
        self.already("m/5", milestone("March 2026", None, shut), None).await;
        assert_eq!(self.milestones().await.len(), 2, "a milestone is there once");
        self.done("m/6", milestone("March 2026", None, open)).await;
        self.stands("March 2026", Some("2026-03-30"), open).await;
    }

    async fn an_issue_moves_between_milestones(self) {
        for title in ["March 2026", "April 2026"] {
            self.done(&format!("m/{title}"), milestone(title, None, TrackerState::Open)).await;
        }
        let id = self.create("a/0", new("one", "text")).await;
        let inside = NewIssue { milestone: Some("March 2026".into()), ..new("two", "") };
        let other = self.create("a/1", inside).await;
        let put =
            |title: Option<&str>| TrackerWrite::SetMilestone { issue: id.clone(), milestone: title.map(str::to_owned) };
        self.already("s/0", put(None), None).await;
        for (n, title) in [Some("March 2026"), Some("April 2026"), None].into_iter().enumerate() {
            self.done(&format!("s/1.{n}"), put(title)).await;
            self.already(&format!("s/2.{n}"), put(title), None).await;
            let shown = self.issue(&id).await;
            assert_eq!(shown.milestone.as_deref(), title, "an issue is shown under the milestone it was put under");
            assert_eq!((shown.body.as_str(), shown.state), ("text", TrackerState::Open), "and is the same otherwise");
        }
        let shown = self.issue(&other).await.milestone;
        assert_eq!(shown.as_deref(), Some("March 2026"), "an issue can be created under a milestone");
    }

    async fn milestones(&self) -> Vec<Milestone> {
        self.tracker.milestones(self.project).await.unwrap_or_else(|err| panic!("`milestones` failed: {err}"))
    }

    async fn stands(&self, title: &str, due: Option<&str>, state: TrackerState) {
        let shown = self.milestones().await;
        let found = shown.iter().find(|m| m.title == title);
        let found = found.map(|m| (m.due, m.state));
        assert_eq!(found, Some((due.map(day), state)), "a milestone is shown as it was set: {shown:?}");
    }
}
