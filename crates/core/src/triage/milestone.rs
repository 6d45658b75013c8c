//! Milestones: how far they are, and which of them are months.

use std::fmt;

use jiff::civil::Date;

use crate::{Counts, Issue, Milestone, TrackerState};

const NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How many issues of a milestone are open and closed: as its tracker counts them, or else as they are shown.
pub(crate) fn counts(milestone: &Milestone, issues: &[Issue]) -> Counts {
    milestone.counts.unwrap_or_else(|| {
        let mut counts = Counts::default();
        for issue in issues.iter().filter(|i| i.milestone.as_deref() == Some(milestone.title.as_str())) {
            match issue.state {
                TrackerState::Open => counts.open += 1,
                TrackerState::Closed => counts.closed += 1,
            }
        }
        counts
    })
}

/// How far a milestone is, on one line, such as `March 2026: 23 closed / 1 open, due 2026-03-30`.
pub fn progress(milestone: &Milestone, issues: &[Issue]) -> String {
    let Counts { open, closed } = counts(milestone, issues);
    let due = milestone.due.map_or_else(String::new, |due| format!(", due {due}"));
    format!("{}: {closed} closed / {open} open{due}", milestone.title)
}

/// A month, as the title of a milestone names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// Reads a title such as `March 2026`, in small or capital letters.
    pub(super) fn of_title(title: &str) -> Option<Self> {
        let mut words = title.split_whitespace();
        let (name, year) = (words.next()?, words.next()?);
        let digits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
        let at = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        if !digits || words.next().is_some() {
            return None;
        }
        Some(Self { year: year.parse().ok()?, month: i8::try_from(at + 1).ok()? })
    }

    /// The month after it; the calendar ends with the year 9999.
    pub(super) fn next(self) -> Option<Self> {
        match (self.year, self.month) {
            (9999, 12) => None,
            (year, 12) => Some(Self { year: year + 1, month: 1 }),
            (year, month) => Some(Self { year, month: month + 1 }),
        }
    }

    pub(super) fn last_day(self) -> Date {
        Date::constant(self.year, self.month, 1).last_of_month()
    }

    /// The word for it in a topic, such as `2026-03`.
    pub(super) fn word(self) -> String {
        format!("{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.month - 1).ok().and_then(|at| NAMES.get(at)).unwrap_or(&NAMES[0]);
        write!(f, "{name} {:04}", self.year)
    }
}
