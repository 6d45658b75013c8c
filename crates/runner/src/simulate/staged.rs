//! What befalls the machine and the vendors, at times that were drawn before.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{ProjectName, VendorName};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::settings::Settings;
use super::time::later;
use super::world::{FaultKind, Happening, Strike, World};

/// One of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Staged {
    /// The clock is set by so much.
    Set(SignedDuration),
    /// The clock is set right.
    Right,
    /// The machine sleeps for so long.
    Sleep(Duration),
    /// A vendor takes nothing for so long.
    Down(VendorName, Duration),
    /// The tracker and the forge of a project do not answer for so long.
    Away(ProjectName, Duration),
    /// The engine dies.
    Crash,
    /// An issue is written in a project.
    Arrives(ProjectName),
}

/// All of it, in order.
pub(super) type Forecast = BTreeMap<(Timestamp, u32), Staged>;

/// Draws it.
pub(super) fn forecast(
    (settings, zone): (&Settings, &TimeZone),
    vendors: &[VendorName],
    projects: &[ProjectName],
) -> Forecast {
    let mut dice = Dice::new(settings.seed, "staged");
    let mut away = Dice::new(settings.seed, "away");
    let faults = settings.faults;
    let mut all = Forecast::new();
    let mut number = 0;
    let begin = settings.day(zone, 0);
    let mut add = |at: Timestamp, staged: Staged| {
        number += 1;
        all.insert((at, number), staged);
    };
    for (after, staged) in &settings.staged {
        add(later(begin, *after), staged.clone());
    }
    for day in 0..settings.days {
        let begin = settings.day(zone, day);
        for _ in 0..dice.count(faults.clock) {
            let at = later(begin, Duration::from_secs(dice.below(86_400)));
            let by = SignedDuration::from_secs(i64::try_from(dice.below(7200)).unwrap_or_default() - 3600);
            add(at, Staged::Set(by));
            add(later(at, Duration::from_secs(60 + dice.below(1800))), Staged::Right);
        }
        for _ in 0..dice.count(faults.suspend) {
            let at = later(begin, Duration::from_secs(dice.below(86_400)));
            add(at, Staged::Sleep(Duration::from_secs(60 + dice.below(4 * 3600))));
        }
        for _ in 0..dice.count(faults.outage) {
            let at = later(begin, Duration::from_secs(dice.below(86_400)));
            let which = usize::try_from(dice.below(vendors.len() as u64)).unwrap_or_default();
            if let Some(vendor) = vendors.get(which) {
                add(at, Staged::Down(vendor.clone(), Duration::from_secs(300 + dice.below(3 * 3600))));
            }
        }
        for _ in 0..away.count(faults.away) {
            let at = later(begin, Duration::from_secs(away.below(86_400)));
            let which = usize::try_from(away.below(projects.len() as u64)).unwrap_or_default();
            if let Some(project) = projects.get(which) {
                add(at, Staged::Away(project.clone(), Duration::from_secs(3600 + away.below(5 * 3600))));
            }
        }
    }
    all
}

impl World {
    /// Whether the services of a project do not answer now.
    pub(super) fn is_away(&self, project: &ProjectName) -> bool {
        let now = self.time.true_now();
        self.look().away.get(project).is_some_and(|until| *until > now)
    }

    /// Lets it come.
    pub(super) fn befalls(&self, staged: &Staged) {
        let now = self.time.true_now();
        match staged {
            Staged::Set(by) => {
                self.count(FaultKind::ClockSet);
                self.time.jump(*by);
            }
            Staged::Right => self.time.set_right(),
            Staged::Sleep(long) => {
                self.count(FaultKind::Suspend);
                self.tell(format!("the machine sleeps for {} min", long.as_secs() / 60));
                self.time.sleep(*long);
            }
            Staged::Down(vendor, long) => {
                self.count(FaultKind::Outage);
                self.tell(format!("{vendor} takes nothing for {} min", long.as_secs() / 60));
                self.look().vendors.down.insert(vendor.clone(), later(now, *long));
            }
            Staged::Away(project, long) => {
                self.count(FaultKind::ServiceDown);
                self.tell(format!("the services of {project} do not answer for {} min", long.as_secs() / 60));
                self.look().away.insert(project.clone(), later(now, *long));
            }
            Staged::Crash => {
                self.count(FaultKind::Crash);
                self.look().strike = Some(Strike::Dies);
                self.struck.notify_one();
            }
            Staged::Arrives(project) => self.look().plan(now, Happening::Arrives(project.clone())),
        }
    }
}
