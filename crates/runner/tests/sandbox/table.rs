//! The table of attacks and rungs, and the page that shows it.

use std::collections::BTreeMap;

use dayfly_core::{Network, Sandbox, SandboxSpec};

use crate::attack::ATTACKS;
use crate::world::{World, ladder, me};

/// The columns, in the order of each attack's marks.
fn rungs() -> [(&'static str, SandboxSpec); 4] {
    let spec = |least, network| SandboxSpec { least, network, ..SandboxSpec::default() };
    [
        ("none", spec(Sandbox::None, Network::Host)),
        ("landlock", spec(Sandbox::Landlock, Network::Host)),
        ("bubblewrap", spec(Sandbox::Bubblewrap, Network::Host)),
        ("bubblewrap, no network", spec(Sandbox::Bubblewrap, Network::None)),
    ]
}

/// Makes all attacks in each rung that is there, and holds what worked against what should.
pub(crate) fn attacks() {
    println!("{}", table());
    let mut wrong = Vec::new();
    for (column, (rung, spec)) in rungs().iter().enumerate() {
        if let Err(err) = ladder().holds(spec.least) {
            println!("not tried: {err}");
            continue;
        }
        // Attacks change what they reach, so each rung has a world of its own.
        let world = World::new();
        let results = results(&world, spec);
        let blocked = results.values().filter(|(worked, _)| !worked).count();
        println!("{rung}: {blocked} of {} attacks are blocked", results.len());
        for (name, _, marks, _) in ATTACKS {
            let (worked, why) = &results[name];
            let mark = marks.as_bytes()[column];
            if !fits(mark, *worked, name) {
                wrong.push(format!("{rung}: `{name}` {}: {why}", if *worked { "worked" } else { "was blocked" }));
            }
        }
    }
    assert!(wrong.is_empty(), "not as the table says:\n{}", wrong.join("\n"));
    let page = include_str!("../../../../docs/sandbox.md");
    assert!(page.contains(&table()), "docs/sandbox.md does not hold the table above");
}

fn fits(mark: u8, worked: bool, name: &str) -> bool {
    let root = nix::unistd::getuid().is_root();
    // Without bubblewrap's help an abstract socket is closed by Landlock alone.
    let scoped = name != "abstract-socket" || ladder().landlock.there;
    // The filter that refuses other sockets knows the calls of these machines alone.
    let filtered = name != "other-socket" || cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    let there = name != "tmux" || crate::world::find("tmux").is_some();
    match mark {
        b'W' => worked || !there,
        b'R' => worked || !root,
        b'-' => !worked || !scoped || !filtered,
        _ => true,
    }
}

fn results(world: &World, spec: &SandboxSpec) -> BTreeMap<String, (bool, String)> {
    let me = me();
    let mut argv = vec![me.as_str(), "@attacks"];
    argv.extend(world.facts().iter().map(String::as_str));
    let (printed, code) = world.run(spec, &world.place(), &argv);
    let results: BTreeMap<_, _> = printed
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once('\t')?;
            let (word, why) = rest.split_once('\t')?;
            Some((name.to_owned(), (word == "worked", why.to_owned())))
        })
        .collect();
    assert_eq!((results.len(), code), (ATTACKS.len(), Some(0)), "not all attacks were made: {printed}");
    results
}

/// The table as the page shows it.
fn table() -> String {
    let mut table =
        String::from("| attack | none | landlock | bubblewrap | bubblewrap, no network |\n|---|---|---|---|---|\n");
    for (_, what, marks, _) in ATTACKS {
        let words: Vec<&str> = marks.bytes().map(word).collect();
        table.push_str(&format!("| {what} | {} |\n", words.join(" | ")));
    }
    table
}

fn word(mark: u8) -> &'static str {
    match mark {
        b'W' => "works",
        b'R' => "works as root",
        b'?' => "may work",
        _ => "blocked",
    }
}
