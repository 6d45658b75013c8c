//! What goes to the outside, service by service: one that hangs or is down keeps no other waiting.

use std::collections::BTreeSet;

use dayfly_core::{Effect, EffectEntry, Event, Outage, ProjectName, ProjectView, SERVICE_FAILURES, Service};
use jiff::Timestamp;

use super::super::model::{Command, Model};

/// What a call told of the service it went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Heard {
    /// It serves.
    Serves,
    /// It does not serve, and why.
    Fails(String),
    /// Neither: it asks to be left alone for a while, or was not asked at all.
    Nothing,
}

/// Begins effects. Each service has slots of its own, and where one is tried after an outage each project one at most.
pub(super) fn effects(model: &mut Model, now: Timestamp) -> Vec<Command> {
    // A view that was read before a write, and comes after it, would show the world as it was. A landing in the checkout
    // changes nothing that a tracker shows.
    let reading = |entry: &EffectEntry, service: &Service| {
        model.syncing.contains(&entry.issue.project) && !matches!(service, Service::Repository(_))
    };
    let mut under_way = under_way(model);
    let mut begun = Vec::new();
    for entry in model.due_effects(now) {
        let service = Service::of(&entry.effect, &model.portfolio);
        if !model.applying.contains(&entry.id)
            && !reading(entry, &service)
            && has_slot(model, &under_way, &service, entry.effect.project())
        {
            under_way.push((service, entry.effect.project().clone()));
            begun.push(entry.clone());
        }
    }
    model.applying.extend(begun.iter().map(|entry| entry.id.clone()));
    begun.into_iter().map(Command::Apply).collect()
}

/// The services of the effects being applied, each with its project.
fn under_way(model: &Model) -> Vec<(Service, ProjectName)> {
    let applying = model.state.outbox.iter().map(|p| &p.entry).filter(|e| model.applying.contains(&e.id));
    applying.map(|e| (Service::of(&e.effect, &model.portfolio), e.effect.project().clone())).collect()
}

fn has_slot(model: &Model, under_way: &[(Service, ProjectName)], service: &Service, project: &ProjectName) -> bool {
    let here = under_way.iter().filter(|(other, _)| other == service).count();
    let alike = under_way.iter().filter(|(other, _)| other.is_like(service)).count();
    // Until a service has shown that it serves again, it is not asked for more than that.
    let tried = model.state.services.contains_key(service)
        && (under_way.iter().any(|(other, of)| other == service && of == project) || model.syncing.contains(project));
    here < service.slots() && alike < service.slots_of_kind() && !tried
}

/// Reads views. One is read when no write to its tracker is under way, so that it shows all of our own writes. Writes that
/// are put off, and what waits behind them, keep nothing waiting.
pub(super) fn syncs(model: &mut Model, now: Timestamp) -> Vec<Command> {
    let due = model.due_effects(now).into_iter();
    let applying = model.state.outbox.iter().map(|p| &p.entry).filter(|e| model.applying.contains(&e.id));
    let writing: BTreeSet<&ProjectName> = due.chain(applying).map(|entry| &entry.issue.project).collect();
    let busy = |p: &ProjectName| model.syncing.contains(p) || writing.contains(p);
    let wanted: Vec<ProjectName> = model.stale.iter().filter(|p| !busy(p)).cloned().collect();
    let mut commands = Vec::new();
    for project in wanted {
        model.stale.remove(&project);
        let service = Service::of_issues(&project, &model.portfolio);
        // A folder that cannot be written may be read all the same: then work goes on. A reading that failed is not repeated,
        // and neither is one of a host, which would be asked for all of its projects.
        let local = matches!(service, Service::Tracker(_));
        let read = local && model.views.get(&project).is_some_and(|view| !view.passing);
        match model.outage(&service, now).filter(|_| !read) {
            Some(outage) => {
                let view = ProjectView { fault: Some(outage.told(&service)), passing: true, ..ProjectView::default() };
                model.read_at.insert(project.clone(), now);
                model.views.insert(project, view);
            }
            // Until it has shown that it serves again it is not asked for all at once.
            None if model.state.services.contains_key(&service) && readings(model, &service) >= service.slots() => {
                model.stale.insert(project);
            }
            None => {
                model.syncing.insert(project.clone());
                commands.push(Command::Sync(project));
            }
        }
    }
    commands
}

/// How many views are being read from a service.
fn readings(model: &Model, service: &Service) -> usize {
    model.syncing.iter().filter(|project| Service::of_issues(project, &model.portfolio) == *service).count()
}

/// What a call told of its service, as an event if that changes how it is treated.
pub(super) fn heard(model: &mut Model, service: &Service, heard: Heard, now: Timestamp) -> Option<Event> {
    let outage = model.state.services.get(service);
    match heard {
        Heard::Nothing => None,
        // It is still read, and that says nothing of what could not be written.
        Heard::Serves if outage.is_some_and(|outage| outage.until > now) => None,
        Heard::Serves => {
            let back = outage.map(|_| Event::ServiceBack { service: service.clone() });
            model.failures.remove(service);
            if back.is_some() {
                // What was not read meanwhile is read now.
                let passing = model.views.iter().filter(|(_, view)| view.passing).map(|(project, _)| project);
                let here = passing.filter(|project| Service::of_issues(project, &model.portfolio) == *service);
                model.stale.extend(here.cloned());
            }
            back
        }
        // It was begun before the service was left alone, and says nothing new.
        Heard::Fails(_) if outage.is_some_and(|outage| outage.until > now) => None,
        Heard::Fails(reason) => {
            let row = model.failures.entry(service.clone()).or_default();
            *row += 1;
            let pauses = outage.map(|outage| outage.pauses);
            let down = pauses.is_some() || *row >= SERVICE_FAILURES;
            let until = Outage::next(pauses.unwrap_or_default(), now);
            down.then(|| Event::ServiceDown { service: service.clone(), reason, until })
        }
    }
}

/// What a view tells of the service it was read from.
pub(super) fn of_view(view: &ProjectView) -> Heard {
    match &view.fault {
        // What a tracker refuses, or a person is to mend, it has answered.
        Some(fault) if view.passing => Heard::Fails(fault.clone()),
        _ => Heard::Serves,
    }
}

impl Model {
    /// Why a service is left alone now, if it is.
    pub(in crate::engine) fn outage(&self, service: &Service, now: Timestamp) -> Option<&Outage> {
        self.state.services.get(service).filter(|outage| outage.until > now)
    }

    /// Why an effect is not to be tried now for the sake of its service.
    pub(in crate::engine) fn withheld_by(&self, effect: &Effect, now: Timestamp) -> Option<String> {
        let service = Service::of(effect, &self.portfolio);
        self.outage(&service, now).map(|outage| outage.told(&service))
    }

    /// The earliest time at which an effect comes due that was put off, or whose service is left alone. What is due and
    /// cannot begin, or is held, comes due by no clock.
    pub(in crate::engine) fn next_effect(&self, now: Timestamp) -> Option<Timestamp> {
        let idle = self.state.first_effects().filter(|pending| !self.applying.contains(&pending.entry.id));
        let due = idle.filter_map(|pending| {
            let service = Service::of(&pending.entry.effect, &self.portfolio);
            let back = self.state.services.get(&service).map(|outage| outage.until);
            let delayed = pending.delayed.as_ref().filter(|_| !self.anew.contains(&pending.entry.id));
            let again = delayed.map(|(_, until)| *until);
            [back, again].into_iter().flatten().max()
        });
        due.filter(|at| *at > now).min()
    }

    /// When a tracker that did not answer is asked again, unless it is being asked.
    pub(in crate::engine) fn next_reading(&self) -> Option<Timestamp> {
        let asked = |project: &ProjectName| self.stale.contains(project) || self.syncing.contains(project);
        let passing = self.views.iter().filter(|(project, view)| view.passing && !asked(project));
        let again = passing.filter_map(|(project, _)| {
            let again = self.read_at.get(project)?.checked_add(self.again()).ok()?;
            let back = self.state.services.get(&Service::of_issues(project, &self.portfolio));
            Some(back.map_or(again, |outage| outage.until.max(again)))
        });
        again.min()
    }
}

#[cfg(test)]
mod tests;
