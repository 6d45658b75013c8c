//! The scenarios.

use super::{Incident, Time, silence};

macro_rules! act {
    ($($act:tt)*) => { |wiring| Box::pin($($act)*(wiring)) };
}

pub(super) static ALL: [Incident; 3] = [
    Incident {
        name: "serial-killer",
        happened: "a hang detector killed healthy, quiet agents",
        defence: "processor time, writes and programs count as signs of life, and silence is reported before it is stopped",
        instead: "a watchdog that counts lines of output alone",
        time: Time::Real,
        act: act!(silence::serial_killer),
    },
    Incident {
        name: "silence-cascade",
        happened: "a 120 s silence rule failed 141 of 192 runs and cooled all six agents at once",
        defence: "15 minutes of silence before a stop, and a stop for silence says nothing of the agent's capacity",
        instead: "silence is stopped after two minutes and taken for a limit of the agent",
        time: Time::Virtual,
        act: act!(silence::silence_cascade),
    },
    Incident {
        name: "laptop-sleep",
        happened: "suspend was charged as an agent hang",
        defence: "limits are measured on a clock that stands still while the machine sleeps",
        instead: "a watchdog that looks at the wall clock",
        time: Time::Virtual,
        act: act!(silence::laptop_sleep),
    },
];
