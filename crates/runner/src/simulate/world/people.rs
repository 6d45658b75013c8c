//! The people of a simulated world: they write issues, answer, help and merge, in their working hours.

use std::time::Duration;

use dayfly_core::{Author, Comment, GateSpec, IssueId, NewIssue, ProjectName, TrackerState, TrackerWrite, Trust};
use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};

use crate::simulate::Spread;
use crate::simulate::dice::Dice;
use crate::simulate::time::later;

use super::{Happening, Inner, World};

impl World {
    /// Plans when issues are written.
    pub(super) fn arrivals(&self) {
        let mut inner = self.look();
        let settings = &self.settings;
        for project in self.portfolio.projects.keys() {
            let mut dice = Dice::new(settings.seed, &format!("arrivals/{project}"));
            for _ in 0..settings.backlog {
                inner.plan(settings.day(&self.zone, 0), Happening::Arrives(project.clone()));
            }
            for day in 0..settings.days {
                let begin = settings.day(&self.zone, day);
                if !self.is_working_day(begin) {
                    continue;
                }
                for _ in 0..dice.count(settings.issues_per_day) {
                    let at = later(begin, Duration::from_secs(dice.below(10 * 3600)));
                    inner.plan(at, Happening::Arrives(project.clone()));
                }
            }
        }
    }

    fn is_working_day(&self, at: Timestamp) -> bool {
        let day = at.to_zoned(self.zone.clone()).weekday();
        !matches!(day, Weekday::Saturday | Weekday::Sunday)
    }

    /// So much later, and then when people work.
    fn at_work(&self, dice: &mut Dice, after: Timestamp, delay: Spread) -> Timestamp {
        let mut at = later(after, Duration::from_secs_f64(delay.draw(dice) * 3600.0));
        let (from, to) = self.settings.people.hours;
        // Ten days of holidays are the longest there are.
        for _ in 0..240 {
            let hour = at.to_zoned(self.zone.clone()).hour();
            if self.is_working_day(at) && hour >= from && hour < to {
                break;
            }
            at = at.checked_add(SignedDuration::from_hours(1)).unwrap_or(at);
        }
        at
    }

    pub(super) fn issue_arrives(&self, inner: &mut Inner, project: &ProjectName, at: Timestamp) {
        let Some(place) = inner.places.get_mut(project) else { return };
        let stages = self.portfolio.projects.get(project).into_iter().flat_map(|p| &p.pipeline.stages);
        // Whoever writes an issue puts on what its stages wait for.
        let labels = stages.flat_map(|stage| &stage.admission).filter_map(|gate| match gate {
            GateSpec::Label(label) => Some(label.clone()),
            _ => None,
        });
        let new = NewIssue {
            title: format!("change number {}", place.issues.len() + 1),
            body: "What is to be done.".into(),
            labels: labels.collect(),
            ..NewIssue::default()
        };
        let id = place.create(&new, person(), None, at);
        inner.arrived.insert((project.clone(), id), at);
    }

    /// What people will do about what dayfly wrote.
    pub(super) fn people_react(&self, inner: &mut Inner, project: &ProjectName, write: &TrackerWrite, at: Timestamp) {
        let TrackerWrite::Labels { issue, add, .. } = write else { return };
        let labels = &self.portfolio.labels;
        let puts = |label: &str| add.iter().any(|l| l.eq_ignore_ascii_case(label));
        if puts(&labels.needs_clarification) {
            let at = self.at_work(&mut inner.people, at, self.settings.people.answer);
            inner.plan(at, Happening::Answers(project.clone(), issue.clone()));
        } else if labels.holding().iter().any(|label| puts(label)) {
            let at = self.at_work(&mut inner.people, at, self.settings.people.help);
            inner.plan(at, Happening::Helps(project.clone(), issue.clone()));
        }
    }

    /// Somebody will look at a branch that was left for them.
    pub(in crate::simulate) fn somebody_will_look(
        &self,
        inner: &mut Inner,
        project: &ProjectName,
        branch: &str,
        at: Timestamp,
    ) {
        let at = self.at_work(&mut inner.people, at, self.settings.people.merge);
        let same = |what: &Happening| matches!(what, Happening::Looks(p, b) if p == project && b == branch);
        if !inner.is_planned(same) {
            inner.plan(at, Happening::Looks(project.clone(), branch.to_owned()));
        }
    }

    /// Somebody has mended what an issue needed a person for, and takes the label away.
    pub(super) fn help(&self, inner: &mut Inner, project: &ProjectName, id: &IssueId, at: Timestamp) {
        let held = self.portfolio.labels.holding();
        let Some(issue) = inner.places.get_mut(project).and_then(|place| place.issue(id)) else { return };
        let before = issue.labels.len();
        issue.labels.retain(|label| !held.iter().any(|held| held.eq_ignore_ascii_case(label)));
        if issue.labels.len() == before {
            return;
        }
        issue.facts.active = Some(at);
        *inner.done.entry(format!("help for {project}#{id}")).or_default() += 1;
        // What needs a person again and again is given up.
        if inner.done.get(&format!("help for {project}#{id}")).is_some_and(|times| *times > 3)
            && let Some(issue) = inner.places.get_mut(project).and_then(|place| place.issue(id))
        {
            issue.state = TrackerState::Closed;
        }
    }
}

fn person() -> Author {
    Author::person("ann", Trust::Writer)
}

impl Inner {
    /// Somebody answers.
    pub(super) fn answer(&mut self, project: &ProjectName, id: &IssueId, at: Timestamp) {
        let Some(issue) = self.places.get_mut(project).and_then(|place| place.issue(id)) else { return };
        let body = "The first of the two.".to_owned();
        issue.comments.push(Comment { author: person(), at: Some(at), body, ..Comment::default() });
        issue.facts.active = Some(at);
    }
}
