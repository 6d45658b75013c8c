//! The ladder: what holds attempts here, and what the projects ask for.

use dayfly_core::{Portfolio, Project, ProjectName, Sandbox, Trust};
use dayfly_runner::{Ladder, Rung};

use super::{Check, Finding};

/// What always helps against a limit that cannot be held.
const OR_WITHOUT: &str = "take `processes` out of `[sandbox]`";

/// A check for each rung of the ladder.
pub(super) fn checks(portfolio: Option<&Portfolio>) -> Vec<Check> {
    judge(&Ladder::probe(), portfolio)
}

fn judge(ladder: &Ladder, portfolio: Option<&Portfolio>) -> Vec<Check> {
    let projects: Vec<&Project> = portfolio.iter().flat_map(|p| p.projects.values()).collect();
    let limited = projects.iter().any(|p| p.sandbox.memory_bytes.is_some() || p.sandbox.processes.is_some());
    let unheld = projects.iter().flat_map(|p| ladder.unheld(&p.sandbox.spec(Trust::Writer))).next();
    let mut checks: Vec<Check> = [("landlock", Sandbox::Landlock), ("bubblewrap", Sandbox::Bubblewrap)]
        .into_iter()
        .filter_map(|(name, sandbox)| {
            let asking: Vec<&ProjectName> =
                projects.iter().filter(|p| p.sandbox.trusted == sandbox).map(|p| &p.name).collect();
            Some(sandbox_check(name, ladder.rung(sandbox)?, &asking))
        })
        .collect();
    let state = match &ladder.cgroup {
        // Every attempt would be refused.
        _ if unheld.is_some() => Finding::Bad,
        rung if !rung.there => Finding::Note,
        rung if rung.remedy.is_some() && limited => Finding::Note,
        _ => Finding::Good,
    };
    // Limits that nobody asks for need no remedy.
    let remedy = ladder.cgroup.remedy.clone().filter(|_| state != Finding::Good);
    let found = match unheld {
        Some(limit) => format!("{}; but {limit}", ladder.cgroup.found),
        None => ladder.cgroup.found.clone(),
    };
    let remedy = match state {
        Finding::Bad => Some(remedy.map_or(OR_WITHOUT.to_owned(), |remedy| format!("{remedy}; or {OR_WITHOUT}"))),
        _ => remedy,
    };
    checks.push(Check { what: "sandbox: control groups".into(), state, found, remedy, context: None });
    checks
}

fn sandbox_check(name: &str, rung: &Rung, asking: &[&ProjectName]) -> Check {
    let what = format!("sandbox: {name}");
    if rung.there {
        return Check::good(what, &rung.found);
    }
    let remedy = rung.remedy.clone().unwrap_or_default();
    if asking.is_empty() {
        return Check::note(what, format!("not there: {}", rung.found), remedy);
    }
    let names: Vec<&str> = asking.iter().map(|name| name.as_str()).collect();
    Check::bad(what, format!("not there, and asked for by {}: {}", names.join(", "), rung.found), remedy)
}

#[cfg(test)]
mod tests {
    use dayfly_core::{Config, SourceText};

    use super::*;

    fn portfolio(sandbox: &str) -> Portfolio {
        let text = format!(
            "version = 1\n[agents.a]\nkind = \"command\"\nargv = [\"a\"]\n[projects.web]\npath = \"web\"\n[sandbox]\n{sandbox}"
        );
        Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("none".into())).unwrap().portfolio
    }

    fn states(ladder: &Ladder, portfolio: &Portfolio) -> Vec<(String, Finding)> {
        judge(ladder, Some(portfolio)).into_iter().map(|c| (c.what, c.state)).collect()
    }

    #[test]
    fn what_is_missing_is_bad_only_where_a_project_asks_for_it() {
        let none = Ladder::none();
        let idle = states(&none, &portfolio(""));
        assert_eq!(idle.len(), 3);
        assert!(idle.iter().all(|(_, state)| *state == Finding::Note), "{idle:?}");
        let asked = judge(&none, Some(&portfolio("trusted = \"bubblewrap\"")));
        assert_eq!(asked[1].state, Finding::Bad);
        assert!(asked[1].found.contains("asked for by web"), "{:?}", asked[1]);
        assert!(asked[1].remedy.is_some());
    }

    #[test]
    fn limits_that_are_asked_for_and_cannot_be_held_are_bad() {
        let rung = Rung { there: true, found: "kills".into(), remedy: Some("delegate".into()) };
        let mut ladder = Ladder::none();
        ladder.cgroup = rung;
        assert_eq!(states(&ladder, &portfolio(""))[2].1, Finding::Good);
        let asked = judge(&ladder, Some(&portfolio("processes = 64"))).remove(2);
        assert_eq!(asked.state, Finding::Bad, "every attempt would be refused");
        assert!(asked.found.contains("`processes = 64` needs"), "{}", asked.found);
        assert!(
            asked.remedy.is_some_and(|remedy| remedy.contains("delegate") && remedy.contains("take `processes` out"))
        );
        // Memory is limited for each process where no group can do it.
        assert_eq!(states(&ladder, &portfolio("memory-bytes = 100_000_000"))[2].1, Finding::Note);
    }
}
