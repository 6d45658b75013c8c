//! What befalls the machine and the vendors, at times that were drawn before.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::VendorName;
use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::settings::Settings;
use super::time::later;
use super::world::{FaultKind, World};

/// One of them.
#[derive(Debug, Clone)]
pub(super) enum Weather {
    /// The clock is set by so much.
    Set(SignedDuration),
    /// The clock is set right.
    Right,
    /// The machine sleeps for so long.
    Sleep(Duration),
    /// A vendor takes nothing for so long.
    Down(VendorName, Duration),
}

/// All of it, in order.
pub(super) type Forecast = BTreeMap<(Timestamp, u32), Weather>;

/// Draws it.
pub(super) fn forecast(settings: &Settings, vendors: &[VendorName]) -> Forecast {
    let mut dice = Dice::new(settings.seed, "weather");
    let faults = settings.faults;
    let mut all = Forecast::new();
    let mut number = 0;
    let mut add = |at: Timestamp, weather: Weather| {
        number += 1;
        all.insert((at, number), weather);
    };
    for day in 0..settings.days {
        let begin = later(settings.start, Duration::from_secs(u64::from(day) * 86_400));
        for _ in 0..dice.count(faults.clock) {
            let at = later(begin, Duration::from_secs(dice.below(86_400)));
            let by = SignedDuration::from_secs(i64::try_from(dice.below(7200)).unwrap_or_default() - 3600);
            add(at, Weather::Set(by));
            add(later(at, Duration::from_secs(60 + dice.below(1800))), Weather::Right);
        }
        for _ in 0..dice.count(faults.suspend) {
            let at = later(begin, Duration::from_secs(dice.below(86_400)));
            add(at, Weather::Sleep(Duration::from_secs(60 + dice.below(4 * 3600))));
        }
        for _ in 0..dice.count(faults.outage) {
            let at = later(begin, Duration::from_secs(dice.below(86_400)));
            let which = usize::try_from(dice.below(vendors.len() as u64)).unwrap_or_default();
            if let Some(vendor) = vendors.get(which) {
                add(at, Weather::Down(vendor.clone(), Duration::from_secs(300 + dice.below(3 * 3600))));
            }
        }
    }
    all
}

impl World {
    /// Lets it come.
    pub(super) fn befalls(&self, weather: &Weather) {
        let now = self.time.true_now();
        match weather {
            Weather::Set(by) => {
                self.count(FaultKind::ClockSet);
                self.time.jump(*by);
            }
            Weather::Right => self.time.set_right(),
            Weather::Sleep(long) => {
                self.count(FaultKind::Suspend);
                self.tell(format!("the machine sleeps for {} min", long.as_secs() / 60));
                self.time.sleep(*long);
            }
            Weather::Down(vendor, long) => {
                self.count(FaultKind::Outage);
                self.tell(format!("{vendor} takes nothing for {} min", long.as_secs() / 60));
                self.look().vendors.down.insert(vendor.clone(), later(now, *long));
            }
        }
    }
}
