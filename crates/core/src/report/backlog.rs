//! A portfolio in which nothing is prepared: an engine has nothing to do there, and only people can change that.

use std::fmt;

use serde::Serialize;

use crate::{Plan, PlanInput, Wait, Waiting};

/// What waits where nothing is prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// How many open issues wait.
    pub issues: usize,
    /// For what, the most frequent first.
    pub waits: Vec<BacklogLine>,
    /// Projects in which nothing is started as a whole: they are paused, or cannot be read.
    pub projects: usize,
}

/// Issues that wait for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BacklogLine {
    /// What they wait for, in words.
    pub awaits: &'static str,
    /// How many.
    pub issues: usize,
    /// What would prepare them.
    pub remedy: Option<&'static str>,
}

/// What waits, if nothing is ready, nothing runs, and nothing becomes ready by itself.
pub fn backlog(input: &PlanInput<'_>, plan: &Plan) -> Option<Backlog> {
    let moves = plan.waiting.iter().any(goes_on_by_itself);
    if !plan.ready.is_empty() || !input.state.live.is_empty() || moves {
        return None;
    }
    let mut backlog = Backlog { issues: 0, waits: Vec::new(), projects: 0 };
    for waiting in &plan.waiting {
        if waiting.issue.is_none() {
            backlog.projects += 1;
            continue;
        }
        backlog.issues += 1;
        let (awaits, remedy) = awaits(&waiting.why);
        match backlog.waits.iter_mut().find(|line| line.awaits == awaits) {
            Some(line) => line.issues += 1,
            None => backlog.waits.push(BacklogLine { awaits, issues: 1, remedy }),
        }
    }
    backlog.waits.sort_by_key(|line| std::cmp::Reverse(line.issues));
    Some(backlog)
}

/// Whether what waits goes on without a person.
pub(super) fn goes_on_by_itself(waiting: &Waiting) -> bool {
    let wait = &waiting.why;
    let moves = matches!(wait, Wait::Running { .. } | Wait::Effects { .. } | Wait::Landing | Wait::HadTurn);
    let comes = matches!(wait, Wait::Slot { .. } | Wait::Backoff | Wait::Capacity { .. } | Wait::Budget { .. });
    waiting.until.is_some() || moves || comes
}

/// What an issue waits for that only people can bring, and what helps.
fn awaits(wait: &Wait) -> (&'static str, Option<&'static str>) {
    match wait {
        Wait::Answer { .. } => ("an answer", Some("`dayfly issue answer ISSUE TEXT`")),
        Wait::Label { .. } => ("a label to be taken away", Some("`dayfly issue retry ISSUE`")),
        Wait::Author { .. } => {
            ("somebody with write permission", Some("who puts a label such as `ready-for-prep` on them"))
        }
        Wait::Blocked { .. } | Wait::Children { .. } => ("other issues", None),
        Wait::Ordered { .. } => ("somebody to let them go on", Some("`dayfly resume`")),
        Wait::Merge { .. } | Wait::Pull { .. } => ("a merge", None),
        Wait::Lifetime { .. } => ("higher bounds", Some("`[limits]` in dayfly.toml")),
        Wait::Account { .. } => ("an account", Some("`dayfly capacity`")),
        _ => ("a person", None),
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is prepared: ")?;
        match self.issues {
            0 => f.write_str("no issue is open")?,
            1 => f.write_str("1 issue waits")?,
            n => write!(f, "{n} issues wait")?,
        }
        for (n, line) in self.waits.iter().enumerate() {
            match (self.waits.len(), n) {
                (1, _) => write!(f, " for {}", line.awaits)?,
                (_, 0) => write!(f, ": {} for {}", line.issues, line.awaits)?,
                _ => write!(f, ", {} for {}", line.issues, line.awaits)?,
            }
            if let Some(remedy) = line.remedy {
                write!(f, " ({remedy})")?;
            }
        }
        match self.projects {
            0 => Ok(()),
            1 => f.write_str("; 1 project is paused, or cannot be read"),
            n => write!(f, "; {n} projects are paused, or cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(awaits: &'static str, issues: usize, remedy: Option<&'static str>) -> BacklogLine {
        BacklogLine { awaits, issues, remedy }
    }

    #[test]
    fn what_is_said_of_it() {
        let none = Backlog { issues: 0, waits: vec![], projects: 0 };
        assert_eq!(none.to_string(), "nothing is prepared: no issue is open");
        let one = Backlog { issues: 1, waits: vec![line("other issues", 1, None)], projects: 1 };
        assert_eq!(
            one.to_string(),
            "nothing is prepared: 1 issue waits for other issues; 1 project is paused, or cannot be read"
        );
        let two = vec![line("an answer", 8, Some("`a`")), line("a merge", 4, None)];
        let many = Backlog { issues: 12, waits: two, projects: 0 };
        assert_eq!(many.to_string(), "nothing is prepared: 12 issues wait: 8 for an answer (`a`), 4 for a merge");
    }
}
