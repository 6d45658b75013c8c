//! Work in a sandbox, from the issue to the base branch.

use dayfly_core::Sandbox;

use crate::rungs::is_there;
use crate::world::World;

/// An agent that looks around and does its work.
const AGENT: &str = "git log --oneline >log.txt; git rev-parse main >>log.txt; ls \"$HOME\"; touch \"$HOME/mine\"
    cat ../../ledger.sqlite >stolen.txt 2>/dev/null || rm -f stolen.txt
    echo done >done.txt; rm log.txt; git add --all; git commit --quiet --message \"Do it in a sandbox\"";

fn in_rung(rung: &str) -> World {
    let world = World::with_agent(AGENT);
    let config = world.read("dayfly.toml");
    world.write("dayfly.toml", &format!("{config}\n[sandbox]\ntrusted = \"{rung}\"\n"));
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    world
}

#[test]
fn an_issue_is_done_within_each_rung_that_is_there() {
    for rung in [Sandbox::Landlock, Sandbox::Bubblewrap].into_iter().filter(|rung| is_there(*rung)) {
        let rung = rung.word();
        let world = in_rung(rung);
        let ran = world.dayfly(&["run", "--until-idle"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 2 succeeded\ndone: web#1\n"), "{rung}: {ran:?}");
        assert_eq!(world.subjects("web", "main"), ["Do it in a sandbox", "the beginning"]);
        assert!(!world.git("web", &["ls-tree", "--name-only", "main"]).contains("stolen"), "{rung}");
    }
}
