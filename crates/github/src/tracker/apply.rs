//! Writing: each write is looked for before it is done, and done once.

mod blockers;
mod comments;
mod create;
mod issue;
mod milestone;

use std::future::Future;
use std::sync::Arc;

use dayfly_core::{Applied, IssueId, NewIssue, TrackerWrite};
use jiff::Timestamp;

use super::fault::{Fault, chain};
use super::house::House;
use super::laid::Fact;
use super::mapping::is_own;
use super::marker::Marker;
use super::seen::{Seen, SeenIssue};
use super::slot::Slot;
use super::wire::{self, repository_in};
use crate::{Call, GitHubError, Identity};

/// Does one write.
pub(super) async fn apply(
    house: &Arc<House>,
    slot: &Arc<Slot>,
    key: &str,
    write: &TrackerWrite,
) -> Result<Applied, Fault> {
    slot.open(house.now()).await;
    // What is looked up stays so until it is written: no two writes to a repository at the same time.
    let _writing = slot.writing.lock().await;
    let own = house.github.identity().await?;
    let desk = Desk { house, slot, own, key };
    let applied = desk.write(write).await;
    // Where nothing is known, there is nothing to be kept: the first reading shows the write, or shows it late.
    if !matches!(applied, Ok(Applied::Already(_))) {
        slot.save().await;
    }
    applied
}

/// Where one write is done.
#[derive(Debug, Clone, Copy)]
struct Desk<'a> {
    house: &'a Arc<House>,
    slot: &'a Arc<Slot>,
    own: &'a Identity,
    key: &'a str,
}

/// What became of something that is done once.
#[derive(Debug)]
enum Once<T> {
    /// It was done now.
    Done(T),
    /// It was there.
    There(T),
}

impl<T> Once<T> {
    fn value(self) -> T {
        match self {
            Once::Done(value) | Once::There(value) => value,
        }
    }
}

impl Desk<'_> {
    async fn write(&self, write: &TrackerWrite) -> Result<Applied, Fault> {
        match write {
            TrackerWrite::Comment { issue, body } => self.comment(issue, body).await,
            TrackerWrite::Sticky { issue, topic, body } => {
                self.sticky(issue, &Marker::of_topic(self.key, topic), body).await
            }
            TrackerWrite::Labels { issue, add, remove } => self.set_labels(issue, add, remove).await,
            TrackerWrite::State { issue, state } => self.set_state(issue, *state).await,
            TrackerWrite::Duplicate { issue, of } => self.duplicate(issue, of).await,
            TrackerWrite::Create(new) => self.create(new).await,
            TrackerWrite::BlockedBy { issue, by } => self.block(issue, by).await,
            TrackerWrite::SetMilestone { issue, milestone } => self.set_milestone(issue, milestone.as_deref()).await,
            TrackerWrite::Milestone { title, due, state } => self.milestone(title, *due, *state).await,
        }
    }

    fn now(&self) -> Timestamp {
        self.house.now()
    }

    fn lay(&self, number: u64, fact: Fact) {
        let now = self.now();
        self.slot.with(now, |snapshot| snapshot.lay(number, now, fact));
    }

    /// The marker of a text, if dayfly wrote it.
    fn own<'t>(&self, author: &Seen, text: &'t str) -> Option<(Marker, &'t str)> {
        if is_own(author, self.own) { Marker::split(text) } else { None }
    }

    /// Does something once that GitHub would do again. `find` looks whether it was done, `send` does it.
    ///
    /// A write whose answer is lost is looked for some times. If it does not show, nobody knows, and it is looked for
    /// again when it can no more be under way.
    async fn once<T, F, S>(&self, find: impl Fn() -> F, send: impl FnOnce() -> S) -> Result<Once<T>, Fault>
    where
        F: Future<Output = Result<Option<T>, Fault>> + Send,
        S: Future<Output = Result<T, GitHubError>> + Send,
    {
        let github = &self.house.github;
        let quiet = github.quiet_until(self.key);
        if let Some(found) = find().await? {
            self.settle().await?;
            return Ok(Once::There(found));
        }
        if let Some(until) = quiet {
            return Err(Fault::Limited { until, reason: "an earlier try may still be under way".into() });
        }
        self.settle().await?;
        let error = match send().await {
            Ok(value) => return Ok(Once::Done(value)),
            Err(error @ GitHubError::Indeterminate { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        for wait in &self.house.looks {
            tokio::time::sleep(*wait).await;
            if let Some(found) = find().await? {
                self.settle().await?;
                return Ok(Once::Done(found));
            }
        }
        match github.quiet_until(self.key) {
            Some(until) => Err(Fault::Limited { until, reason: chain(&error) }),
            None => Err(Fault::Unavailable(chain(&error))),
        }
    }

    async fn settle(&self) -> Result<(), Fault> {
        match self.house.github.unsettled(self.key) {
            Some(_) => Ok(self.house.github.settle(self.key).await?),
            None => Ok(()),
        }
    }

    /// An issue as it is now.
    async fn issue(&self, id: &IssueId) -> Result<SeenIssue, Fault> {
        let none = || Fault::NoIssue(id.clone());
        let number: u64 = id.as_str().parse().map_err(|_| none())?;
        let call = Call::get(self.slot.path(&format!("/issues/{number}")));
        let issue: wire::Issue = match self.house.github.send(call).await {
            Ok(issue) => issue,
            Err(error) if error.is_absent() => return self.absent(id, number, &error).await,
            Err(error) => return Err(error.into()),
        };
        // A pull request is none, nor is one that was moved to another repository, to which GitHub leads.
        if issue.pull_request.is_some() || issue.number != number || !self.is_here(&issue).await? {
            return Err(none());
        }
        let (mut seen, now) = (SeenIssue::from_wire(issue), self.now());
        self.slot.with(now, |snapshot| snapshot.lay_over(&mut seen, now));
        Ok(seen)
    }

    async fn is_here(&self, issue: &wire::Issue) -> Result<bool, Fault> {
        let Some(there) = issue.repository_url.as_deref().and_then(repository_in) else { return Ok(true) };
        if there.eq_ignore_ascii_case(&self.slot.repo().to_string()) {
            return Ok(true);
        }
        let repository: wire::Repository = self.house.github.get(self.slot.path("")).await?;
        Ok(repository.full_name.eq_ignore_ascii_case(&there))
    }

    /// An issue that is not found: one that dayfly has just made may not be everywhere yet.
    async fn absent(&self, id: &IssueId, number: u64, error: &GitHubError) -> Result<SeenIssue, Fault> {
        let now = self.now();
        let made = self.slot.with(now, |snapshot| {
            let made = snapshot.laid.iter().any(|laid| laid.number == number && laid.makes_issue(now));
            snapshot.issues.get(&number).filter(|_| made).cloned()
        });
        if let Some(made) = made {
            return Ok(made);
        }
        // A repository that cannot be seen has no issue either, but that is something else.
        match self.house.github.get::<wire::Repository>(self.slot.path("")).await {
            Ok(_) => Err(Fault::NoIssue(id.clone())),
            Err(gone) if gone.is_absent() => Err(Fault::hidden(&self.slot.repo(), &error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Sees to it that the repository has these labels.
    async fn have_labels(&self, labels: &[String]) -> Result<(), Fault> {
        if labels.iter().any(|label| self.slot.lacks_label(label).is_none()) {
            let known: Vec<wire::RepoLabel> = self.house.github.pages(Call::get(self.slot.path("/labels"))).await?;
            self.slot.learn_labels(known.into_iter().map(|label| label.name));
        }
        for label in labels.iter().filter(|label| self.slot.lacks_label(label) == Some(true)) {
            let body = serde_json::json!({ "name": label, "color": color(label) });
            let call = Call::post(self.slot.path("/labels")).repeatable().json(&body)?;
            match self.house.github.run(call).await {
                Ok(()) => {}
                Err(error) if error.already_exists() => {}
                Err(error) => return Err(error.into()),
            }
            self.slot.learn_labels([label.clone()]);
        }
        Ok(())
    }
}

/// The colour of a new label: the same for the same name, and none that cannot be read.
fn color(label: &str) -> &'static str {
    const COLORS: [&str; 8] = ["1d76db", "0e8a16", "5319e7", "b60205", "d93f0b", "006b75", "bfd4f2", "fbca04"];
    let sum: usize = label.bytes().map(usize::from).sum();
    COLORS[sum % COLORS.len()]
}

fn number(id: &IssueId) -> Result<u64, Fault> {
    id.as_str().parse().map_err(|_| Fault::NoIssue(id.clone()))
}

fn id(number: u64) -> Result<IssueId, Fault> {
    IssueId::new(number.to_string()).map_err(|error| Fault::Unavailable(error.to_string()))
}

/// The marker of an issue to be made.
fn marker_of(key: &str, new: &NewIssue) -> Marker {
    Marker {
        part: new.part.clone(),
        parent: new.parent.as_ref().and_then(|parent| parent.as_str().parse().ok()),
        after: new.after.clone(),
        ..Marker::of_key(key)
    }
}
