//! Milestones, and which one an issue is under.

use dayfly_core::{Applied, IssueId, TrackerState};
use jiff::civil::Date;

use super::Desk;
use crate::Call;
use crate::tracker::fault::Fault;
use crate::tracker::laid::Fact;
use crate::tracker::milestones::{due_on, list};
use crate::tracker::seen::SeenMilestone;
use crate::tracker::wire;

impl Desk<'_> {
    pub(super) async fn set_milestone(&self, id: &IssueId, title: Option<&str>) -> Result<Applied, Fault> {
        let issue = self.issue(id).await?;
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let already = match (issue.milestone.as_deref(), title) {
            (Some(now), Some(title)) => same(now, title),
            (None, None) => true,
            _ => false,
        };
        if already {
            return Ok(Applied::Already(None));
        }
        let wanted = match title {
            Some(title) => Some(self.milestone_titled(title).await?),
            None => None,
        };
        let body = serde_json::json!({ "milestone": wanted.as_ref().map(|milestone| milestone.number) });
        let changed = self.patch(issue.number, &body).await?.milestone;
        let wanted = wanted.map(|milestone| milestone.title);
        if changed != wanted {
            let reason = format!("GitHub left issue {id} under its milestone; give the token write access");
            return Err(Fault::Refused(reason));
        }
        self.lay(issue.number, Fact::Milestone(wanted));
        Ok(Applied::Done(None))
    }

    /// The milestone of that title, which is made if there is none. What was seen of it may be over: a person may have
    /// renamed or deleted it since.
    pub(super) async fn milestone_titled(&self, title: &str) -> Result<SeenMilestone, Fault> {
        match self.find_milestone(title).await? {
            Some(known) => Ok(known),
            None => self.make_milestone(title, None, TrackerState::Open).await,
        }
    }

    pub(super) async fn milestone(
        &self,
        title: &str,
        due: Option<Date>,
        state: TrackerState,
    ) -> Result<Applied, Fault> {
        let Some(known) = self.find_milestone(title).await? else {
            self.make_milestone(title, due, state).await?;
            return Ok(Applied::Done(None));
        };
        let close = state == TrackerState::Closed;
        let due = due.filter(|due| known.due != Some(*due));
        if known.closed == close && due.is_none() {
            return Ok(Applied::Already(None));
        }
        let mut body = serde_json::json!({ "state": word(state) });
        if let Some(due) = due {
            body["due_on"] = due_on(due).into();
        }
        let call = Call::patch(self.slot.path(&format!("/milestones/{}", known.number))).json(&body)?;
        let changed: wire::Milestone = self.house.github.send(call).await?;
        self.put_down(SeenMilestone::from_wire(changed));
        Ok(Applied::Done(None))
    }

    async fn find_milestone(&self, title: &str) -> Result<Option<SeenMilestone>, Fault> {
        let listed = list(&self.house.github, self.slot).await?;
        Ok(self.slot.with(self.now(), |snapshot| {
            snapshot.take_milestones(listed, self.now());
            snapshot.milestone(title).cloned()
        }))
    }

    async fn make_milestone(
        &self,
        title: &str,
        due: Option<Date>,
        state: TrackerState,
    ) -> Result<SeenMilestone, Fault> {
        let mut body = serde_json::json!({ "title": title, "state": word(state) });
        if let Some(due) = due {
            body["due_on"] = due_on(due).into();
        }
        // Titles are unique: a second one is refused.
        let call = Call::post(self.slot.path("/milestones")).repeatable().json(&body)?;
        let made: SeenMilestone = match self.house.github.send::<wire::Milestone>(call).await {
            Ok(made) => SeenMilestone::from_wire(made),
            Err(error) if error.already_exists() => {
                let known = self.find_milestone(title).await?;
                known.ok_or_else(|| Fault::Unavailable(error.to_string()))?
            }
            Err(error) => return Err(error.into()),
        };
        self.put_down(made.clone());
        Ok(made)
    }

    fn put_down(&self, milestone: SeenMilestone) {
        let now = self.now();
        self.slot.with(now, |snapshot| snapshot.lay_milestone(milestone, now));
    }
}

fn word(state: TrackerState) -> &'static str {
    match state {
        TrackerState::Open => "open",
        TrackerState::Closed => "closed",
    }
}
