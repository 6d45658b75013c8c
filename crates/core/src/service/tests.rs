use crate::{Commit, Config, IssueId, SourceText, TrackerWrite};

use super::*;

const CONFIG: &str = r#"
version = 1
pipeline = ["exec", "merge"]
[agents.script]
kind = "command"
argv = ["agent"]
[github]
api = "https://forge.example:8443/api/v3"
[projects.web]
path = "web"
[projects.app]
path = "app"
github = "me/app"
tracker = "github"
[projects.half]
path = "half"
github = "me/half"
tracker = "markdown"
"#;

fn portfolio() -> Portfolio {
    Config::read(&SourceText::new("dayfly.toml", CONFIG), &mut |_| Err("no files".into())).unwrap().portfolio
}

fn name(text: &str) -> ProjectName {
    ProjectName::new(text).unwrap()
}

#[test]
fn each_effect_belongs_to_a_service() {
    let portfolio = portfolio();
    let mut told = Vec::new();
    for project in ["web", "app", "half", "gone"].map(name) {
        let commit = || Commit("1".repeat(40));
        let issue = IssueId::new("1").unwrap();
        let effects = [
            Effect::Tracker { project: project.clone(), write: TrackerWrite::Comment { issue, body: String::new() } },
            Effect::Land { project: project.clone(), branch: "main".into(), from: commit(), to: commit() },
            Effect::Branch { project: project.clone(), branch: "b".into(), commit: commit() },
        ];
        told.push(effects.map(|effect| String::from(Service::of(&effect, &portfolio))).join(" "));
    }
    assert_eq!(
        told,
        [
            "tracker:web repository:web repository:web",
            "forge.example:8443 forge.example:8443 repository:app",
            "tracker:half forge.example:8443 repository:half",
            "tracker:gone repository:gone repository:gone",
        ]
    );
}

#[test]
fn a_service_is_known_again_by_its_text() {
    for text in ["repository:web", "tracker:web", "api.github.com", "[::1]:80"] {
        assert_eq!(String::from(Service::from(text.to_owned())), text);
    }
}

#[test]
fn each_pause_is_twice_as_long_up_to_ten_minutes() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let minutes = |pauses| Outage::next(pauses, now).duration_since(now).as_mins();
    assert_eq!([0, 1, 2, 3, 4, 5, 99].map(minutes), [1, 2, 4, 8, 10, 10, 10]);
}

/// A clock that was a day ahead once kept a service left alone for a day.
#[test]
fn an_outage_by_a_clock_that_was_ahead_is_over() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let lasts = |seconds| {
        let until = now + SignedDuration::from_secs(seconds);
        Outage { reason: String::new(), since: until, until, pauses: 1 }.lasts(now)
    };
    assert_eq!([0, 1, 600, 601, 86_400].map(lasts), [false, true, true, false, false]);
}
