//! What an issue carries and how it stands: it is set, so that a repetition changes nothing.

use dayfly_core::{Applied, IssueId, TrackerState};

use super::{Desk, number};
use crate::tracker::fault::Fault;
use crate::tracker::laid::Fact;
use crate::tracker::marker::Marker;
use crate::tracker::seen::{Doing, SeenIssue};
use crate::tracker::wire::{self, Label, Reason, State};
use crate::{Call, GitHubError, segment};

impl Desk<'_> {
    pub(super) async fn set_labels(&self, id: &IssueId, add: &[String], remove: &[String]) -> Result<Applied, Fault> {
        let issue = self.issue(id).await?;
        for label in remove.iter().filter(|label| !issue.has_label(label)) {
            self.lay(issue.number, Fact::Without(label.clone()));
        }
        let add: Vec<String> = add.iter().filter(|label| !issue.has_label(label)).cloned().collect();
        let remove: Vec<&String> = remove.iter().filter(|label| issue.has_label(label)).collect();
        if add.is_empty() && remove.is_empty() {
            return Ok(Applied::Already(None));
        }
        // An issue that has none for a moment would look as if nobody had ever seen it.
        self.add_labels(issue.number, &add).await?;
        self.remember(issue.number, remove.iter().map(|label| Doing::Unlabelled((*label).clone()))).await;
        for label in remove {
            let path = format!("/issues/{}/labels/{}", issue.number, segment(label));
            match self.house.github.run(Call::delete(self.slot.path(&path))).await {
                Err(error) if !error.is_absent() => return Err(error.into()),
                _ => self.lay(issue.number, Fact::Without(label.clone())),
            }
        }
        Ok(Applied::Done(None))
    }

    /// Puts labels on an issue, and sees that they are there.
    pub(super) async fn add_labels(&self, number: u64, add: &[String]) -> Result<(), Fault> {
        if add.is_empty() {
            return Ok(());
        }
        self.have_labels(add).await?;
        self.remember(number, add.iter().map(|label| Doing::Labelled(label.clone()))).await;
        let path = self.slot.path(&format!("/issues/{number}/labels"));
        // Putting on what is on changes nothing.
        let call = Call::post(path).repeatable().json(&serde_json::json!({ "labels": add }))?;
        let now_on: Vec<Label> = self.house.github.send(call).await?;
        let now_on: Vec<String> = now_on.into_iter().filter_map(Label::into_name).collect();
        kept(add, &now_on)?;
        for label in add {
            self.lay(number, Fact::With(label.clone()));
        }
        Ok(())
    }

    /// Puts down, before it is done, that it is dayfly that puts on or takes off a label which asks for work. A person may
    /// share its account.
    async fn remember(&self, number: u64, doings: impl Iterator<Item = Doing>) {
        // By the clock by which GitHub will tell of it.
        let (now, its_now) = (self.now(), self.house.github.its_now());
        let asks = |label: &str| self.house.entries.iter().any(|entry| entry.eq_ignore_ascii_case(label));
        let asking = |doing: &Doing| matches!(doing, Doing::Labelled(label) | Doing::Unlabelled(label) if asks(label));
        let doings: Vec<Doing> = doings.filter(asking).collect();
        if doings.is_empty() || !self.own.is_shared() {
            return;
        }
        self.slot.with(now, |snapshot| {
            for doing in doings {
                snapshot.remember_label(number, doing, its_now);
            }
        });
        self.slot.save().await;
    }

    pub(super) async fn set_state(&self, id: &IssueId, state: TrackerState) -> Result<Applied, Fault> {
        let issue = self.issue(id).await?;
        let (wanted, reason) = match state {
            TrackerState::Open => (State::Open, "reopened"),
            TrackerState::Closed => (State::Closed, "completed"),
        };
        if (issue.state == State::Closed) == (wanted == State::Closed) {
            // Somebody was faster, GitHub itself for instance when it merges: what was seen before that is old.
            self.lay(issue.number, Fact::State(wanted));
            return Ok(Applied::Already(None));
        }
        self.change_state(issue.number, wanted, reason).await?;
        Ok(Applied::Done(None))
    }

    async fn change_state(&self, number: u64, state: State, reason: &str) -> Result<(), Fault> {
        let word = if state == State::Closed { "closed" } else { "open" };
        let body = serde_json::json!({ "state": word, "state_reason": reason });
        let changed = self.patch(number, &body).await?;
        if (changed.state == State::Closed) != (state == State::Closed) {
            return Err(Fault::Refused(format!("GitHub left issue {number} as it was; give the token write access")));
        }
        self.lay(number, Fact::State(state));
        Ok(())
    }

    pub(super) async fn patch(&self, number: u64, body: &serde_json::Value) -> Result<SeenIssue, GitHubError> {
        let call = Call::patch(self.slot.path(&format!("/issues/{number}"))).json(body)?;
        self.house.github.send::<wire::Issue>(call).await.map(SeenIssue::from_wire)
    }

    pub(super) async fn duplicate(&self, id: &IssueId, of: &IssueId) -> Result<Applied, Fault> {
        let issue = self.issue(id).await?;
        let of = self.issue(of).await?.number;
        let text = format!("Duplicate of #{of}.");
        let said = self.sticky(id, &Marker::of_topic(self.key, "duplicate"), &text).await?;
        // A server that knows no duplicates keeps another reason, and the comment says it.
        if issue.state == State::Closed
            && (issue.reason == Some(Reason::Duplicate) || matches!(said, Applied::Already(_)))
        {
            return Ok(said);
        }
        match self.change_state(number(id)?, State::Closed, "duplicate").await {
            Err(Fault::Refused(_)) => self.change_state(number(id)?, State::Closed, "not_planned").await?,
            done => done?,
        }
        Ok(Applied::Done(None))
    }
}

/// Whether all that was asked for is there: without write access, GitHub leaves labels out and says nothing.
pub(super) fn kept(asked: &[String], there: &[String]) -> Result<(), Fault> {
    let lost = |label: &&String| !there.iter().any(|known| known.eq_ignore_ascii_case(label));
    let lost: Vec<String> = asked.iter().filter(lost).map(|label| format!("`{label}`")).collect();
    match lost.as_slice() {
        [] => Ok(()),
        _ => {
            Err(Fault::Refused(format!("GitHub left out the labels {}; give the token write access", lost.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::kept;
    use crate::tracker::fault::Fault;

    #[test]
    fn what_github_left_out_is_told() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(kept(&list(&["Bug"]), &list(&["a", "bug"])), Ok(()));
        let told = kept(&list(&["bug", "x"]), &list(&["bug"]));
        assert!(matches!(&told, Err(Fault::Refused(why)) if why.contains("`x`") && !why.contains("bug")), "{told:?}");
    }
}
