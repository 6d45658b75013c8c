//! New issues: one for each key, and one for each part of a parent.

use std::collections::BTreeMap;

use dayfly_core::{Applied, NewIssue};

use super::blockers::MISSING;
use super::comments::cut;
use super::{Desk, Once, id, marker_of};
use crate::tracker::fault::Fault;
use crate::tracker::laid::Fact;
use crate::tracker::marker::Marker;
use crate::tracker::read::newer_path;
use crate::tracker::seen::SeenIssue;
use crate::tracker::{sweep, wire};
use crate::{Call, Feature, GitHubError};

impl Desk<'_> {
    pub(super) async fn create(&self, new: &NewIssue) -> Result<Applied, Fault> {
        let parent = match &new.parent {
            Some(parent) => Some(self.issue(parent).await?.number),
            None => None,
        };
        self.have_labels(&new.labels).await?;
        let milestone = match &new.milestone {
            Some(title) => Some(self.milestone_titled(title).await?.number),
            None => None,
        };
        let depends = self.house.github.capabilities().await?.dependencies;
        let nests = self.house.github.capabilities().await?.sub_issues;
        let marker = Marker { noted: !depends, headed: parent.is_some() && !nests, ..marker_of(self.key, new) };
        let body = serde_json::json!({
            "title": new.title,
            "body": cut(&marker.before(&new.body)),
            "labels": new.labels,
            "milestone": milestone,
        });
        let find = || async move { self.find(new, parent).await };
        let done = self.once(find, || self.post_issue(&body)).await?;
        let fresh = matches!(done, Once::Done(_));
        let issue = done.value();
        let number = issue.number;
        if fresh {
            self.lay(number, Fact::Issue(Box::new(issue.clone())));
        }
        self.finish(new, &issue, parent).await?;
        let id = Some(id(number)?);
        Ok(if fresh { Applied::Done(id) } else { Applied::Already(id) })
    }

    async fn post_issue(&self, body: &serde_json::Value) -> Result<SeenIssue, GitHubError> {
        let call = Call::post(self.slot.path("/issues")).key(self.key).json(body)?;
        self.house.github.send::<wire::Issue>(call).await.map(SeenIssue::from_wire)
    }

    /// The issue that the same effect made, or one with the same part of the same parent.
    async fn find(&self, new: &NewIssue, parent: Option<u64>) -> Result<Option<SeenIssue>, Fault> {
        let same = |marker: &Marker| {
            let part = new.part.is_some() && marker.part == new.part && marker.parent == parent;
            part || marker.key.as_deref() == Some(self.key)
        };
        let all = self.own_issues(parent.filter(|_| new.part.is_some())).await?;
        Ok(all.into_iter().find(|issue| self.own(&issue.author, &issue.body).is_some_and(|(marker, _)| same(&marker))))
    }

    /// The issues that may be dayfly's own: all that are known, and what came since. Children of a parent are listed, in
    /// case they were closed long ago.
    async fn own_issues(&self, parent: Option<u64>) -> Result<Vec<SeenIssue>, Fault> {
        let now = self.now();
        if self.slot.with(now, |snapshot| snapshot.cursor.is_none()) {
            sweep::refresh(self.house, self.slot).await?;
        }
        let path = self.slot.with(now, |snapshot| newer_path(snapshot.cursor, now));
        let mut list: Vec<wire::Issue> = self.house.github.pages(Call::get(self.slot.path(&path))).await?;
        let repo = self.slot.repo().to_string();
        let here = |issue: &wire::Issue| {
            let there = issue.repository_url.as_deref().and_then(wire::repository_in);
            there.is_none_or(|there| there.eq_ignore_ascii_case(&repo))
        };
        if let Some(parent) = parent {
            match self.house.github.pages(Call::get(self.slot.path(&format!("/issues/{parent}/sub_issues")))).await {
                // A child may be of another repository.
                Ok::<Vec<wire::Issue>, _>(children) => list.extend(children.into_iter().filter(here)),
                // There are none, or the server knows none.
                Err(error) if error.is_absent() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut all: BTreeMap<u64, SeenIssue> = self.slot.with(now, |snapshot| snapshot.issues.clone());
        let listed = list.into_iter().filter(|issue| issue.pull_request.is_none()).map(SeenIssue::from_wire);
        all.extend(listed.map(|issue| (issue.number, issue)));
        all.retain(|_, issue| self.own(&issue.author, &issue.body).is_some());
        Ok(all.into_values().collect())
    }

    /// Does what belongs to an issue and cannot be written with it. If this is not reached, the next try does it.
    async fn finish(&self, new: &NewIssue, issue: &SeenIssue, parent: Option<u64>) -> Result<(), Fault> {
        let lacking: Vec<String> = new.labels.iter().filter(|label| !issue.has_label(label)).cloned().collect();
        // An issue that is found may have been moved on since.
        if !lacking.is_empty() && issue.comments.is_empty() && issue.updated == issue.opened {
            self.add_labels(issue.number, &lacking).await?;
        }
        let Some(parent) = parent else { return Ok(()) };
        if issue.parent != Some(parent) {
            self.attach(parent, issue).await?;
        }
        self.order(new, issue, parent).await
    }

    async fn attach(&self, parent: u64, issue: &SeenIssue) -> Result<(), Fault> {
        if !self.house.github.capabilities().await?.sub_issues {
            self.lay(issue.number, Fact::Parent(parent));
            return Ok(());
        }
        let path = self.slot.path(&format!("/issues/{parent}/sub_issues"));
        let call = Call::post(path.clone()).repeatable().json(&serde_json::json!({ "sub_issue_id": issue.id }))?;
        let refused = match self.house.github.run(call).await {
            Ok(()) => {
                self.lay(issue.number, Fact::Parent(parent));
                return Ok(());
            }
            Err(error @ GitHubError::Unprocessable { .. }) => {
                let children: Vec<wire::Issue> = self.house.github.pages(Call::get(path)).await?;
                if children.iter().any(|child| child.id == issue.id) {
                    return Ok(());
                }
                Fault::from(error)
            }
            Err(error @ GitHubError::NotFoundOrNoAccess { .. }) => self.without(Feature::SubIssues, error).await,
            Err(error) => return Err(error.into()),
        };
        // A parent has room for a hundred: then, as where there are no sub-issues, a line says whose part it is.
        if !matches!(refused, Fault::Refused(_)) {
            return Err(refused);
        }
        let Some((marker, text)) = self.own(&issue.author, &issue.body).filter(|(marker, _)| !marker.headed) else {
            return Ok(());
        };
        let headed = Marker { headed: true, ..marker };
        self.patch(issue.number, &serde_json::json!({ "body": cut(&headed.before(text)) })).await?;
        Ok(())
    }

    /// Puts a child behind the parts it comes after, and before those that come after it and were there first.
    async fn order(&self, new: &NewIssue, issue: &SeenIssue, parent: u64) -> Result<(), Fault> {
        if !self.house.github.capabilities().await?.dependencies || new.part.is_none() && new.after.is_empty() {
            return Ok(());
        }
        let all = self.own_issues(None).await?;
        let siblings: Vec<(Marker, &SeenIssue)> = all
            .iter()
            .filter(|sibling| sibling.number != issue.number)
            .filter_map(|sibling| Some((self.own(&sibling.author, &sibling.body)?.0, sibling)))
            .filter(|(marker, _)| marker.parent == Some(parent))
            .collect();
        let before = siblings.iter().filter(|(m, _)| m.part.as_ref().is_some_and(|part| new.after.contains(part)));
        let before: Vec<(u64, u64)> = before.map(|(_, sibling)| (sibling.number, sibling.id)).collect();
        let behind = siblings.iter().filter(|(m, _)| new.part.as_ref().is_some_and(|part| m.after.contains(part)));
        let mut pairs: Vec<(u64, Vec<(u64, u64)>)> =
            behind.map(|(_, sibling)| (sibling.number, vec![(issue.number, issue.id)])).collect();
        pairs.extend((!before.is_empty()).then_some((issue.number, before)));
        for (number, blockers) in pairs {
            match self.depend(number, &blockers).await {
                Err(Fault::Refused(missing)) if missing == MISSING => return Ok(()),
                done => done?,
            };
        }
        Ok(())
    }
}
