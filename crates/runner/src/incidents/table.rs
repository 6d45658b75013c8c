//! The scenarios, in the order of the document.

use super::{Incident, Time, limits, records, silence};

macro_rules! act {
    ($act:path) => {
        |wiring| Box::pin($act(wiring))
    };
}

/// All of them.
pub(super) static ALL: [Incident; 10] = [
    Incident {
        name: "serial-killer",
        happened: "a hang detector killed healthy, quiet agents",
        defence: "processor time, writes and programs count as signs of life; silence is reported before it is stopped",
        instead: "a watchdog that counts output alone",
        time: Time::Real,
        act: act!(silence::serial_killer),
    },
    Incident {
        name: "silence-cascade",
        happened: "a silence rule of two minutes failed 141 of 192 runs and cooled all six agents at once",
        defence: "15 minutes of silence before a stop, and a stop for silence says nothing of the agent's capacity",
        instead: "silence is stopped after two minutes and taken for a limit of the agent",
        time: Time::Virtual,
        act: act!(silence::silence_cascade),
    },
    Incident {
        name: "laptop-sleep",
        happened: "the time in which a laptop slept was charged as an agent's hang",
        defence: "limits are measured on a clock that stands still while the machine sleeps",
        instead: "a watchdog that looks at the wall clock",
        time: Time::Virtual,
        act: act!(silence::laptop_sleep),
    },
    Incident {
        name: "quoted-rate-limit",
        happened: "an agent read a file that quotes a rate-limit message, and was classed as limited",
        defence: "how work ended is read from the vendor's own records in their frame, never from text",
        instead: "a reader that looks for words in the output",
        time: Time::Real,
        act: act!(records::quoted_rate_limit),
    },
    Incident {
        name: "subtype-success",
        happened: "a session that ended at its limit says `subtype: success`, and was taken for one",
        defence: "rules over the whole final record, tried on captures of the real programs",
        instead: "a reader that believes the word `success`",
        time: Time::Real,
        act: act!(records::subtype_success),
    },
    Incident {
        name: "quota-cascade",
        happened: "a quota was charged to the issue and not to the account; retries burned through the whole backlog",
        defence: "a quota is no failure of the issue: it closes the account, for all that would use it, until its reset",
        instead: "a quota is taken for a failed task",
        time: Time::Virtual,
        act: act!(limits::quota_cascade),
    },
    Incident {
        name: "dead-provider",
        happened: "19 hours of attempts went to a provider that was down",
        defence: "an outage closes the vendor; one small request at a time asks whether it is over",
        instead: "an outage is taken for a failed task",
        time: Time::Virtual,
        act: act!(limits::dead_provider),
    },
    Incident {
        name: "denied-tools",
        happened: "every call of a tool was denied, and weeks of `successful` runs did nothing",
        defence: "denials that nothing followed are an end of their own, and a person is told once",
        instead: "a reader that believes the exit code",
        time: Time::Real,
        act: act!(records::denied_tools),
    },
    Incident {
        name: "early-reset",
        happened: "a quota's window opened earlier than stated, and nobody looked",
        defence: "a small request asks every 45 seconds whether the account takes work again",
        instead: "the stated time is waited for: `probe = \"off\"`",
        time: Time::Virtual,
        act: act!(limits::early_reset),
    },
    Incident {
        name: "revoked-token",
        happened: "a 401 was retried as if it would pass",
        defence: "refused credentials close the account until a person has acted; no issue is charged or blocked",
        instead: "a 401 is taken for a fault of the host, which passes",
        time: Time::Virtual,
        act: act!(limits::revoked_token),
    },
];
