//! How each kind of effect is kept from being done twice when it is not known whether it was done.

use jiff::{SignedDuration, Timestamp};

use crate::{Effect, PullWrite, TrackerWrite};

/// How long a request may be under way after its sender is gone: as long as a client usually waits for an answer, and as
/// long again for the server to do what it has taken in.
pub const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(60);

/// How an effect is done again when it is not known whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// The effect, in words.
    pub what: &'static str,
    /// What keeps a second one from doing anything.
    pub idempotency: &'static str,
    /// What is looked at before it is done.
    pub look_up: &'static str,
    /// Whether a request that is still under way could make a second one, or undo a later one: then it is waited for before
    /// it is looked up.
    pub quarantine: bool,
}

/// One that comes late undoes what was set after it.
const fn set(what: &'static str) -> Again {
    Again { what, idempotency: "set, not added", look_up: "none needed", quarantine: true }
}

const COMMENT: Again = Again {
    what: "comment",
    idempotency: "none",
    look_up: "the marker with its key, in dayfly's own comments",
    quarantine: true,
};
const STICKY: Again = Again {
    what: "the one comment on a topic",
    idempotency: "none for the first, set afterwards",
    look_up: "the marker with its topic, in dayfly's own comments",
    quarantine: true,
};
const CREATE: Again = Again {
    what: "create an issue",
    idempotency: "none",
    look_up: "the marker with its key or part, in issues that dayfly wrote",
    quarantine: true,
};
const MILESTONE: Again = Again {
    what: "make or close a milestone",
    idempotency: "one of each title",
    look_up: "the milestones, by title",
    quarantine: true,
};
const DUPLICATE: Again = Again {
    what: "close as a duplicate",
    idempotency: "none for its comment, set afterwards",
    look_up: "the marker with its topic, in dayfly's own comments",
    quarantine: true,
};
const LAND: Again = Again {
    what: "land on the base branch",
    idempotency: "compare and set of the branch",
    look_up: "whether the branch holds the commit",
    quarantine: false,
};
const BRANCH: Again = Again {
    what: "leave a branch",
    idempotency: "compare and set of the branch",
    look_up: "where the branch stands",
    quarantine: false,
};
const PUSH: Again = Again {
    what: "push to a branch of dayfly's",
    idempotency: "a lease on the commit that was there",
    look_up: "where the branch stands on the forge",
    quarantine: false,
};
const OPEN: Again = Again {
    what: "open a pull request",
    idempotency: "one open for each branch",
    look_up: "the pull requests of the branch",
    quarantine: true,
};
const SAY: Again = Again { what: "the one comment on a topic, on a pull request", ..STICKY };
const MERGE: Again = Again {
    what: "ask for a merge",
    idempotency: "names the commit that was judged",
    look_up: "whether it is merged, or asked for",
    quarantine: false,
};
const REMOVE: Again = Again {
    what: "remove a branch of a closed pull request",
    idempotency: "gone, not removed",
    look_up: "whether it stands where the pull request left it",
    quarantine: false,
};

const LABELS: Again = set("labels");
const STATE: Again = set("open or close an issue");
const BLOCKED: Again = set("what comes before an issue");
const UNDER: Again = set("the milestone of an issue");
const READY: Again = Again { quarantine: false, ..set("make a pull request ready") };

impl Effect {
    /// How it is done again when it is not known whether it was done.
    pub fn again(&self) -> Again {
        match self {
            Effect::Tracker { write, .. } => match write {
                TrackerWrite::Comment { .. } => COMMENT,
                TrackerWrite::Sticky { .. } => STICKY,
                TrackerWrite::Create(_) => CREATE,
                TrackerWrite::Milestone { .. } => MILESTONE,
                TrackerWrite::Duplicate { .. } => DUPLICATE,
                TrackerWrite::Labels { .. } => LABELS,
                TrackerWrite::State { .. } => STATE,
                TrackerWrite::BlockedBy { .. } => BLOCKED,
                TrackerWrite::SetMilestone { .. } => UNDER,
            },
            Effect::Land { .. } => LAND,
            Effect::Branch { .. } => BRANCH,
            Effect::Push { .. } => PUSH,
            Effect::Pull { write, .. } => match write {
                PullWrite::Open(_) => OPEN,
                PullWrite::Ready { .. } => READY,
                PullWrite::Say { .. } => SAY,
                PullWrite::Merge { .. } => MERGE,
                PullWrite::RemoveBranch { .. } => REMOVE,
            },
        }
    }
}

impl Again {
    /// All there are.
    pub const ALL: [Again; 17] = [
        COMMENT, STICKY, CREATE, MILESTONE, DUPLICATE, LABELS, STATE, BLOCKED, UNDER, LAND, BRANCH, PUSH, OPEN, READY,
        SAY, MERGE, REMOVE,
    ];

    /// The table of all, for the documentation.
    pub fn table() -> String {
        let mut text = String::from(
            "| effect | what makes a second one harmless | look-up before it is done | waits for requests under way |\n\
             |---|---|---|---|\n",
        );
        for Again { what, idempotency, look_up, quarantine } in Self::ALL {
            let waits = if quarantine { "yes" } else { "no" };
            text.push_str(&format!("| {what} | {idempotency} | {look_up} | {waits} |\n"));
        }
        text
    }
}

/// When a boot of the machine began, by the wall clock as it is set now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Boot {
    /// Names the boot.
    pub id: String,
    /// The wall time less the time since the boot, suspends included.
    pub began: Timestamp,
}

/// Until when a request of an engine that died may be under way. Nobody knows when it was sent: what was put off is sent
/// long after the last record. So it is as if that had been now.
pub fn quarantine_until(now: Timestamp) -> Timestamp {
    now.checked_add(IN_FLIGHT).unwrap_or(now)
}

#[cfg(test)]
mod tests;
