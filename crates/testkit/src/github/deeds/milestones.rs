//! Milestones.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{At, By};
use crate::github::reply::Reply;
use crate::github::state::{Happened, Milestone, State};

/// What is to be different in a milestone. The inner `None` takes a value away.
#[derive(Debug, Clone, Default)]
pub(crate) struct MilestoneChange {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<Option<String>>,
    pub(crate) open: Option<bool>,
    pub(crate) due_on: Option<Option<Timestamp>>,
}

/// The midnight, Pacific time, at which the day of a moment began. GitHub keeps due dates so.
fn midnight_pacific(moment: Timestamp) -> Timestamp {
    let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
    moment.to_zoned(zone).start_of_day().map_or(moment, |midnight| midnight.timestamp())
}

impl State {
    /// Makes a milestone, and gives its number.
    pub(crate) fn make_milestone(&mut self, repo: u64, by: By, change: MilestoneChange) -> Result<u64, Reply> {
        let title = change.title.clone().unwrap_or_default();
        self.check_title(repo, &title, None)?;
        let (id, now) = (self.next_id(), self.now());
        let home = self.repos.get_mut(&repo).ok_or_else(Reply::not_found)?;
        home.last_milestone += 1;
        let number = home.last_milestone;
        let milestone = Milestone {
            id,
            number,
            title,
            description: None,
            open: true,
            due_on: None,
            creator: by.user,
            created_at: now,
            updated_at: now,
            closed_at: None,
        };
        home.milestones.insert(number, milestone);
        self.alter_milestone(repo, number, change)?;
        self.announce_milestone("created", repo, number, by);
        Ok(number)
    }

    /// Changes a milestone.
    pub(crate) fn change_milestone(
        &mut self,
        repo: u64,
        number: u64,
        by: By,
        change: MilestoneChange,
    ) -> Result<(), Reply> {
        let action = match change.open {
            Some(true) => "opened",
            Some(false) => "closed",
            None => "edited",
        };
        self.alter_milestone(repo, number, change)?;
        self.announce_milestone(action, repo, number, by);
        Ok(())
    }

    fn alter_milestone(&mut self, repo: u64, number: u64, change: MilestoneChange) -> Result<(), Reply> {
        if let Some(title) = &change.title {
            self.check_title(repo, title, Some(number))?;
        }
        let now = self.now();
        let known = self.repos.get_mut(&repo).and_then(|repo| repo.milestones.get_mut(&number));
        let milestone = known.ok_or_else(Reply::not_found)?;
        if let Some(title) = change.title {
            milestone.title = title;
        }
        if let Some(description) = change.description {
            milestone.description = description;
        }
        if let Some(due_on) = change.due_on {
            milestone.due_on = due_on.map(midnight_pacific);
        }
        if let Some(open) = change.open.filter(|open| *open != milestone.open) {
            milestone.open = open;
            milestone.closed_at = (!open).then_some(now);
        }
        milestone.updated_at = now;
        Ok(())
    }

    /// Deletes a milestone; its issues lose it.
    pub(crate) fn delete_milestone(&mut self, repo: u64, number: u64, by: By) -> Result<(), Reply> {
        self.announce_milestone("deleted", repo, number, by);
        let home = self.repos.get_mut(&repo).ok_or_else(Reply::not_found)?;
        home.milestones.remove(&number).ok_or_else(Reply::not_found)?;
        for issue in home.issues.values_mut().filter(|issue| issue.milestone == Some(number)) {
            issue.milestone = None;
        }
        Ok(())
    }

    /// Puts an issue into a milestone, or takes it out.
    pub(crate) fn set_milestone(&mut self, at: At, by: By, milestone: Option<u64>) -> Result<(), Reply> {
        let present = self.at(at)?.milestone;
        if present == milestone {
            return Ok(());
        }
        let title = |number: u64| self.repos[&at.repo].milestones.get(&number).map(|known| known.title.clone());
        let left = present.and_then(title);
        let entered = match milestone {
            Some(number) => Some(title(number).ok_or_else(|| Reply::invalid("Issue", "milestone", "invalid"))?),
            None => None,
        };
        self.at_mut(at)?.milestone = milestone;
        if let Some(title) = left {
            self.happened(at, by, Happened::Demilestoned(title));
        }
        if let Some(title) = entered {
            self.happened(at, by, Happened::Milestoned(title));
        }
        Ok(())
    }

    fn check_title(&self, repo: u64, title: &str, of: Option<u64>) -> Result<(), Reply> {
        if title.trim().is_empty() {
            return Err(Reply::invalid("Milestone", "title", "missing_field"));
        }
        let mut others = self.repos[&repo].milestones.values().filter(|known| Some(known.number) != of);
        if others.any(|known| known.title == title) {
            return Err(Reply::invalid("Milestone", "title", "already_exists"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::midnight_pacific;

    #[test]
    fn a_due_date_is_the_midnight_at_which_its_day_began_by_the_pacific() {
        let floored = |text: &str| midnight_pacific(text.parse().unwrap()).to_string();
        assert_eq!(floored("2020-09-24T06:59:00Z"), "2020-09-23T07:00:00Z");
        assert_eq!(floored("2020-09-24T12:00:00Z"), "2020-09-24T07:00:00Z");
        assert_eq!(floored("2026-01-31T12:00:00Z"), "2026-01-31T08:00:00Z");
    }
}
