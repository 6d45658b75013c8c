//! Drift, from the first look to its acceptance.

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

/// What a person reads, with the hours replaced, too.
fn settled(text: &str) -> String {
    let hour = |word: &str| word.len() == 5 && word.as_bytes()[2] == b':';
    let words = |line: &str| {
        line.split(' ')
            .map(|word| if hour(word.trim_end_matches(',')) { "[hour]" } else { word }.to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_came_past_dayfly_is_told_until_a_person_accepts_it() {
    let world = World::with_agent(GOOD_AGENT);
    assert!(world.data(&["brief"]).contains("- never looked at: web. `dayfly drift` begins."));
    let first = world.dayfly(&["drift"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.out.contains("web: looked at for the first time"), "{first:?}");
    assert!(!world.data(&["brief"]).contains("## Drift"));

    // Its own work is no drift.
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    world.data(&["run", "--until-idle", "--quiet"]);
    assert!(!world.data(&["brief"]).contains("## Drift"));
    let own = world.dayfly(&["drift"]);
    assert_eq!(own.code, Some(0), "{own:?}");
    assert!(own.out.contains("commits accounted for: 1 by jobs, 0 by people"), "{own:?}");

    world.write("web/.dayfly/gates.toml", "");
    world.git("web", &["commit", "--quiet", "--all", "--author", "dayfly <dayfly@localhost>", "--message", "Loosen"]);
    let brief = world.data(&["brief"]);
    assert!(
        brief.contains("## Drift\n\n- moved since, past dayfly's own landings: web. `dayfly drift` looks.\n"),
        "{brief}"
    );
    let found = world.dayfly(&["drift", "--project", "web"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert_snapshot!(settled(&found.out), @"
    web: 2 findings since [day] [hour] as you accepted it; commits accounted for: 1 by jobs, 0 by people
      commit      a commit on `main` that no job and no person accounts for, by dayfly <dayfly@localhost>
                  [commit]  [day] [hour]  dayfly <dayfly@localhost>: Loosen
                  to look: you
                  what helps: look at the commits, revert what should not be there, or `dayfly drift accept web --because TEXT`
      gates       [commit] changed .dayfly/gates.toml, which guards `main`, by dayfly <dayfly@localhost>
                  [commit]  [day] [hour]  .dayfly/gates.toml  dayfly <dayfly@localhost>: Loosen
                  to look: you
                  what helps: look at what no longer guards the branch, restore it, or `dayfly drift accept web --because TEXT`
    ");
    let brief = world.data(&["brief"]);
    assert!(brief.contains("- web: 2 findings (1 commit, 1 gates) as of "), "{brief}");
    let json = world.command(&["drift", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["projects"][0]["findings"][1]["evidence"][0]["path"], ".dayfly/gates.toml");

    assert_eq!(world.dayfly(&["drift", "accept", "nowhere"]).code, Some(2));
    assert_eq!(world.dayfly(&["drift", "accept", "--because", " "]).code, Some(2));
    let accepted = world.data(&["drift", "accept", "web", "--because", "gates come back on Monday"]);
    assert!(accepted.contains("findings that are settled by it: 2"), "{accepted}");
    assert_eq!(world.dayfly(&["drift"]).code, Some(0));
    assert!(!world.data(&["brief"]).contains("## Drift"));
    let audit = world.data(&["audit", "show"]);
    assert!(audit.contains("drift-accepted") && audit.contains("gates come back on Monday"), "{audit}");
    world.data(&["audit", "verify"]);
}
