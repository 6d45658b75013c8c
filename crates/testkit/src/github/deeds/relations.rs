//! Parts of issues, and what comes before what.

use super::{At, By};
use crate::github::reply::Reply;
use crate::github::state::{Happened, State};

/// How many parts an issue can have; closed ones count.
const SUB_ISSUES: usize = 100;

/// How deep parts of parts can go.
const DEPTH: usize = 8;

impl State {
    fn place(&self, id: u64) -> Result<At, Reply> {
        let (repo, number) = *self.issues.get(&id).ok_or_else(Reply::not_found)?;
        Ok(At { repo, number })
    }

    /// Makes one issue a part of another.
    pub(crate) fn add_part(&mut self, parent: At, by: By, child: u64, replace: bool) -> Result<(), Reply> {
        let (parent_id, parts) = self.at(parent).map(|issue| (issue.id, issue.children.len()))?;
        let place = self.place(child)?;
        let refuse = |message: &str| Reply::custom("Issue", "sub_issue_id", message);
        if self.repos[&place.repo].owner != self.repos[&parent.repo].owner {
            return Err(refuse("Sub-issues must be in a repository of the same owner"));
        }
        let had = self.at(place)?.parent;
        if had == Some(parent_id) {
            return Err(refuse("Issue may not contain duplicate sub-issues"));
        }
        if had.is_some() && !replace {
            return Err(refuse("Sub issue may only have one parent"));
        }
        if parts >= SUB_ISSUES {
            return Err(refuse("Parent cannot have more than 100 sub-issues"));
        }
        let above = self.above(parent_id);
        if above.contains(&child) || above.len() >= DEPTH {
            return Err(refuse("Sub-issue would make a circle, or lie too deep"));
        }
        if let Some(old) = had {
            let old = self.place(old)?;
            self.remove_part(old, by, child)?;
        }
        self.at_mut(parent)?.children.push(child);
        self.at_mut(place)?.parent = Some(parent_id);
        self.happened(parent, by, Happened::Related("sub_issue_added", child));
        self.happened(place, by, Happened::Related("parent_issue_added", parent_id));
        Ok(())
    }

    /// An issue, what it is a part of, and so on.
    fn above(&self, id: u64) -> Vec<u64> {
        let mut above = vec![id];
        while let Some(parent) = above.last().and_then(|id| self.issue(*id)).and_then(|(_, issue)| issue.parent) {
            if above.contains(&parent) {
                break;
            }
            above.push(parent);
        }
        above
    }

    /// Makes an issue no part of another any more.
    pub(crate) fn remove_part(&mut self, parent: At, by: By, child: u64) -> Result<(), Reply> {
        let issue = self.at_mut(parent)?;
        if !issue.children.contains(&child) {
            return Err(Reply::not_found());
        }
        issue.children.retain(|known| *known != child);
        let parent_id = issue.id;
        let place = self.place(child)?;
        self.at_mut(place)?.parent = None;
        self.happened(parent, by, Happened::Related("sub_issue_removed", child));
        self.happened(place, by, Happened::Related("parent_issue_removed", parent_id));
        Ok(())
    }

    /// Makes an issue wait for another.
    pub(crate) fn block(&mut self, at: At, by: By, blocker: u64) -> Result<(), Reply> {
        let id = self.at(at)?.id;
        let place = self.place(blocker)?;
        if id == blocker || self.at(at)?.blocked_by.contains(&blocker) || self.at(place)?.blocked_by.contains(&id) {
            return Err(Reply::custom("Issue", "issue_id", "Dependency is there already, or would make a circle"));
        }
        self.at_mut(at)?.blocked_by.push(blocker);
        self.at_mut(place)?.blocks.push(id);
        self.happened(at, by, Happened::Related("blocked_by_added", blocker));
        self.happened(place, by, Happened::Related("blocking_added", id));
        Ok(())
    }

    /// Makes an issue wait for another no more.
    pub(crate) fn unblock(&mut self, at: At, by: By, blocker: u64) -> Result<(), Reply> {
        let issue = self.at_mut(at)?;
        if !issue.blocked_by.contains(&blocker) {
            return Err(Reply::not_found());
        }
        issue.blocked_by.retain(|known| *known != blocker);
        let id = issue.id;
        let place = self.place(blocker)?;
        self.at_mut(place)?.blocks.retain(|known| *known != id);
        self.happened(at, by, Happened::Related("blocked_by_removed", blocker));
        self.happened(place, by, Happened::Related("blocking_removed", id));
        Ok(())
    }
}
