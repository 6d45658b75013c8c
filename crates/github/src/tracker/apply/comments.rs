//! Comments, and those that are the only one about their topic.

use std::collections::BTreeMap;

use dayfly_core::{Applied, IssueId};

use super::{Desk, Once, number};
use crate::tracker::fault::Fault;
use crate::tracker::laid::Fact;
use crate::tracker::marker::Marker;
use crate::tracker::seen::SeenComment;
use crate::tracker::wire;
use crate::{Call, GitHubError};

/// The longest text that GitHub takes, in characters.
const LONGEST: usize = 65_536;

impl Desk<'_> {
    pub(super) async fn comment(&self, issue: &IssueId, text: &str) -> Result<Applied, Fault> {
        let marker = Marker::of_key(self.key);
        let mine = |marker: &Marker| marker.key.as_deref() == Some(self.key);
        let at = number(issue)?;
        let find = || async move {
            let all = self.comments(issue, at).await?;
            Ok(self.first(all, mine))
        };
        let done = self.once(find, || self.post_comment(at, marker.before(text))).await?;
        Ok(match done {
            Once::Done(comment) => {
                self.lay(at, Fact::Comment(comment));
                Applied::Done(None)
            }
            Once::There(_) => Applied::Already(None),
        })
    }

    /// Sees to it that there is one comment about the marker's topic, and that it says this.
    pub(super) async fn sticky(&self, issue: &IssueId, marker: &Marker, text: &str) -> Result<Applied, Fault> {
        let at = number(issue)?;
        let about = |known: &Marker| known.topic.is_some() && known.topic == marker.topic;
        let find = || async move {
            let all = self.comments(issue, at).await?;
            let first = self.first(all.clone(), about);
            let Some(first) = first else { return Ok(None) };
            // A race of two may have made two of them: the oldest stays.
            for other in all.iter().filter(|c| c.id != first.id && self.is_twin(c, &first, about)) {
                self.remove_comment(at, other.id).await?;
            }
            Ok(Some(first))
        };
        let written = cut(&marker.before(text)).to_owned();
        let meant = Marker::split(&written).map_or(text, |(_, says)| says).to_owned();
        match self.once(find, || self.post_comment(at, written.clone())).await? {
            Once::Done(comment) => {
                self.lay(at, Fact::Comment(comment));
                Ok(Applied::Done(None))
            }
            Once::There(known) => {
                let (is, says) = self.own(&known.author, &known.body).unwrap_or_default();
                if says == meant && is.by == marker.by {
                    return Ok(Applied::Already(None));
                }
                let path = self.slot.path(&format!("/issues/comments/{}", known.id));
                let call = Call::patch(path).json(&serde_json::json!({ "body": written }))?;
                let changed: wire::Comment = self.house.github.send(call).await?;
                self.lay(at, Fact::Comment(SeenComment::from_wire(changed)));
                Ok(Applied::Done(None))
            }
        }
    }

    /// The comments of an issue, oldest first, with what dayfly has just written.
    pub(super) async fn comments(&self, issue: &IssueId, number: u64) -> Result<Vec<SeenComment>, Fault> {
        if self.slot.with(self.now(), |snapshot| snapshot.pulls.contains(&number)) {
            return Err(Fault::NoIssue(issue.clone()));
        }
        let call = Call::get(self.slot.path(&format!("/issues/{number}/comments")));
        let list: Vec<wire::Comment> = match self.house.github.pages(call).await {
            Ok(list) => list,
            // Whether it was just made, or is not there, is found out in one place.
            Err(error) if error.is_absent() => self.issue(issue).await.map(|_| Vec::new())?,
            Err(error) => return Err(error.into()),
        };
        let now = self.now();
        let (there, gone) = self.slot.with(now, |snapshot| snapshot.laid_comments(number, now));
        let mut all: BTreeMap<u64, SeenComment> =
            list.into_iter().map(|comment| (comment.id, SeenComment::from_wire(comment))).collect();
        for own in there {
            let newer = |known: &SeenComment| known.updated > own.updated;
            if !all.get(&own.id).is_some_and(newer) {
                all.insert(own.id, own);
            }
        }
        all.retain(|id, _| !gone.contains(id));
        Ok(all.into_values().collect())
    }

    /// Whether a comment is another of dayfly's own about the same. A key is written once: with another text, it is a copy
    /// that a person pasted who shares the account.
    fn is_twin(&self, other: &SeenComment, first: &SeenComment, about: impl Fn(&Marker) -> bool) -> bool {
        let Some((marker, says)) = self.own(&other.author, &other.body).filter(|(marker, _)| about(marker)) else {
            return false;
        };
        let first = self.own(&first.author, &first.body);
        first.is_none_or(|(known, said)| known.key != marker.key || said == says)
    }

    fn first(&self, all: Vec<SeenComment>, which: impl Fn(&Marker) -> bool) -> Option<SeenComment> {
        all.into_iter()
            .find(|comment| self.own(&comment.author, &comment.body).is_some_and(|(marker, _)| which(&marker)))
    }

    async fn post_comment(&self, number: u64, text: String) -> Result<SeenComment, GitHubError> {
        let call = Call::post(self.slot.path(&format!("/issues/{number}/comments"))).key(self.key);
        let call = call.json(&serde_json::json!({ "body": cut(&text) }))?;
        self.house.github.send::<wire::Comment>(call).await.map(SeenComment::from_wire)
    }

    async fn remove_comment(&self, number: u64, id: u64) -> Result<(), Fault> {
        let call = Call::delete(self.slot.path(&format!("/issues/comments/{id}")));
        match self.house.github.run(call).await {
            Err(error) if !error.is_absent() => return Err(error.into()),
            _ => self.lay(number, Fact::NoComment(id)),
        }
        Ok(())
    }
}

/// As much of a text as GitHub takes.
pub(super) fn cut(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}
