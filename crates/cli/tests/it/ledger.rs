//! The ledger as its owner sees it: proven, shown, copied, put back; and a disk that is full.

use std::fs;
use std::process::Command;

use dayfly_core::{Batch, Event, Record, State, Store as _};
use dayfly_runner::SqliteStore;
use insta::assert_snapshot;
use rusqlite::Connection;

use crate::world::{GOOD_AGENT, World};

fn worked() -> World {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    world
}

fn alter(world: &World, sql: &str) {
    Connection::open(world.path(".dayfly/ledger.sqlite")).unwrap().execute_batch(sql).unwrap();
}

/// Without what depends on how many events there were.
fn hidden(text: &str) -> String {
    let hex = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let word = |word: &str| if hex(word) { "[hash]".to_owned() } else { word.to_owned() };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn head(world: &World) -> String {
    world.json(&["audit", "verify"])["head"].as_str().unwrap().to_owned()
}

#[test]
fn a_whole_ledger_is_proven_and_the_first_record_that_is_wrong_is_named() {
    let world = worked();
    let verified = world.data(&["audit", "verify"]);
    assert!(verified.starts_with("the ledger is whole: "), "{verified}");
    let head = head(&world);
    assert!(hidden(&verified).ends_with(&format!("head {} [hash]", head.split_once(':').unwrap().0)), "{verified}");
    let log = world.data(&["worklog"]);
    assert!(log.contains(&format!("- ledger: {head}")), "{log}");
    world.write("log.md", &log);
    world.data(&["audit", "verify", "--head", &head, "--head", "log.md"]);

    alter(&world, "UPDATE ledger SET body = replace(body, 'web', 'wob') WHERE seq = 3");
    let altered = world.dayfly(&["audit", "verify"]);
    assert_eq!(altered.code, Some(1));
    let text = hidden(&altered.out);
    assert_snapshot!(text, @"
    the ledger is broken: record 3 was altered: it is not what its hash was made of
    2 records before it are in order
    head 2 [hash]
    what helps: `dayfly store restore FILE` puts a copy in its place; look first who or what changed it
    ");
    alter(
        &world,
        "UPDATE ledger SET body = replace(body, 'wob', 'web') WHERE seq = 3; DELETE FROM ledger WHERE seq = 4",
    );
    let missing = world.dayfly(&["audit", "verify"]);
    assert!(missing.out.contains("record 4 is missing: the next one that is there is 5"), "{missing:?}");
    alter(&world, "DELETE FROM ledger WHERE seq > 4");
    let cut = world.dayfly(&["audit", "verify"]);
    assert_eq!(cut.code, Some(0), "nothing within shows that its end was cut off: {cut:?}");
    let cut = world.dayfly(&["audit", "verify", "--head", "log.md"]);
    assert!(cut.code == Some(1) && cut.out.contains("record 4 is missing: the ledger ends at 3"), "{cut:?}");
    for (at, said) in [("nonsense", "SEQ:HASH"), ("dayfly.toml", "names no place of a ledger")] {
        let refused = world.dayfly(&["audit", "verify", "--head", at]);
        assert!(refused.code == Some(2) && refused.err.contains(said), "{refused:?}");
    }
}

#[test]
fn no_byte_of_a_record_is_changed_without_being_found() {
    let world = worked();
    let columns = ["seq", "format", "epoch", "at", "kind", "body", "prev", "hash"];
    let intact = fs::read(world.path(".dayfly/ledger.sqlite")).unwrap();
    for column in columns {
        let change = match column {
            "seq" => "seq = 1000000".to_owned(),
            "format" | "epoch" => format!("{column} = {column} + 1"),
            // The least there is: one letter in the other case, or its neighbour.
            "at" => "at = replace(at, 'T', 't')".to_owned(),
            "kind" => "kind = 'closed'".to_owned(),
            "body" => "body = body || ' '".to_owned(),
            _ => format!("{column} = upper({column})"),
        };
        alter(&world, &format!("UPDATE ledger SET {change} WHERE seq = 3"));
        let found = world.dayfly(&["audit", "verify"]);
        assert_eq!(found.code, Some(1), "{column}: {found:?}");
        assert!(found.out.contains("record 3"), "{column}: {found:?}");
        fs::write(world.path(".dayfly/ledger.sqlite"), &intact).unwrap();
    }
    world.data(&["audit", "verify"]);
}

#[test]
fn records_are_shown_by_what_they_are_about_and_exported_as_they_are() {
    let world = worked();
    world.data(&["issue", "new", "Another one", "--label", "ready-for-dev"]);
    world.dayfly(&["run", "--quiet"]);
    let lines = |args: &[&str]| world.data(&[&["audit", "show"], args].concat()).lines().count();
    let all = lines(&[]);
    let (first, second) = (lines(&["--issue", "web#1"]), lines(&["--issue", "web#2"]));
    assert_eq!(lines(&["--project", "web"]), first + second);
    let engines = ["engine-started", "booted", "engine-stopped"].map(|kind| lines(&["--kind", kind]));
    assert_eq!(engines.iter().sum::<usize>(), all - first - second);
    assert_eq!(lines(&["--attempt", "web.1.exec.1"]), 3, "it was started, its process ran, it ended");
    assert_eq!(
        (lines(&["--until", "2000-01-01"]), lines(&["--since", "2000-01-01", "--until", "2999-12-31"])),
        (0, all)
    );
    let ends = world.data(&["audit", "show", "--kind", "attempt-ended", "--issue", "web#1"]);
    assert!(ends.contains("attempt-ended     web.1.exec.1              succeeded"), "{ends}");
    let unknown = world.dayfly(&["audit", "show", "--kind", "nothing"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("attempt-ended"), "{unknown:?}");

    let export = world.command(&["audit", "show", "--json"]).output().unwrap();
    let export = String::from_utf8(export.stdout).unwrap();
    let records: Vec<Record> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let state = State::fold(&records).unwrap();
    assert_eq!(format!("{}:{}", state.head.0, state.hash), head(&world));
}

#[test]
fn a_copy_is_made_while_an_engine_writes_and_old_ones_go() {
    let world = worked();
    let info = world.json(&["store", "info"]);
    assert_eq!((info["head"].as_str().unwrap(), info["backups"].as_array().unwrap().len()), (head(&world).as_str(), 0));
    world.agent("echo up; while [ ! -e ../../../go ]; do sleep 0.05; done");
    world.data(&["issue", "new", "Slow", "--label", "ready-for-dev"]);
    let mut engine = world.start(&["run"]);
    engine.says("exec by script");
    let made = world.json(&["store", "backup"]);
    let nowhere = world.dayfly(&["store", "backup", "elsewhere/copy.sqlite"]);
    assert!(nowhere.code == Some(2) && nowhere.err.contains("there is no folder elsewhere"), "{nowhere:?}");
    fs::create_dir(world.path("elsewhere")).unwrap();
    world.data(&["store", "backup", "elsewhere/copy.sqlite"]);
    engine.signal("KILL");
    engine.ends();
    let path = made["path"].as_str().unwrap();
    assert!(path.contains("/.dayfly/backups/ledger-"), "{path}");
    let again = world.dayfly(&["store", "backup", "elsewhere/copy.sqlite"]);
    assert!(again.code == Some(2) && again.err.starts_with("error: elsewhere/copy.sqlite exists already"), "{again:?}");
    // The clock was ahead once.
    for old in ["20200101T000000Z", "20200102T000000Z", "29990101T000000Z"] {
        fs::copy(path, world.path(&format!(".dayfly/backups/ledger-{old}.sqlite"))).unwrap();
    }
    fs::remove_file(path).unwrap();
    let made = world.json(&["store", "backup", "--keep", "2"]);
    let left = world.json(&["store", "info"])["backups"].as_array().unwrap().clone();
    assert_eq!(left[0], made["path"], "{left:?}");
    assert!(left.len() == 2 && left[1].as_str().unwrap().ends_with("ledger-20200102T000000Z.sqlite"), "{left:?}");

    alter(&world, "UPDATE ledger SET body = '{}' WHERE seq = 2");
    let refused = world.dayfly(&["store", "backup"]);
    assert!(refused.code == Some(3) && refused.err.contains("is not in order"), "{refused:?}");
    let left = fs::read_dir(world.path(".dayfly/backups")).unwrap().count();
    assert_eq!(left, 2, "no part of a copy is left");
}

#[test]
fn old_records_move_into_archives_that_go_with_every_copy() {
    let world = World::with_agent(GOOD_AGENT);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ledger = world.path(".dayfly/ledger.sqlite");
    runtime.block_on(async {
        let store = SqliteStore::open(&ledger).unwrap();
        let epoch = store.take_over().await.unwrap();
        let events = vec![Event::EngineStarted { version: "1".into() }; 400];
        let at = "2001-01-01T00:00:00Z".parse().unwrap();
        store.append(&Batch { epoch, at, events, conditions: Vec::new() }).await.unwrap();
    });
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    let (export, verified) = (world.data(&["audit", "show", "--json"]), world.data(&["audit", "verify"]));
    let none = world.data(&["store", "archive", "--before", "2000-01-01"]);
    assert!(none.contains("nothing was moved"), "{none}");
    assert_eq!(world.dayfly(&["store", "archive"]).code, Some(2), "an age must be given");

    let made = world.json(&["store", "archive", "--older", "1y"]);
    let moved = made["records"].as_u64().unwrap();
    assert!(moved > 0 && made["files"].as_array().unwrap().len() == 1, "{made}");
    assert!(
        world.data(&["store", "archive", "--before", "2999-01-01"]).contains("nothing was moved"),
        "what is needed stays"
    );
    assert_eq!(world.data(&["audit", "show", "--json"]), export);
    assert_eq!(world.data(&["audit", "verify"]), verified);
    assert!(world.data(&["store", "rebuild"]).contains("it is what was stored"));
    let info = world.json(&["store", "info"]);
    assert_eq!((&info["archives"][0]["last"], &info["archives"][0]["missing"]), (&moved.into(), &false.into()));

    fs::create_dir(world.path("elsewhere")).unwrap();
    let copied = world.data(&["store", "backup", "elsewhere/copy.sqlite"]);
    assert!(copied.contains(", with 1 file in `archive` beside it"), "{copied}");
    fs::remove_dir_all(world.path(".dayfly/archive")).unwrap();
    let broken = world.dayfly(&["audit", "verify"]);
    assert!(broken.code == Some(1) && broken.out.contains("is missing; put it back"), "{broken:?}");
    let shown = world.data(&["store", "info"]);
    assert!(shown.contains("; missing: ledger-"), "{shown}");
    assert_eq!(world.dayfly(&["audit", "show"]).code, Some(3));
    let recent = world.data(&["audit", "show", "--json", "--since", "2001-01-02"]);
    assert!(recent.lines().count() > 3 && export.trim_end().ends_with(recent.trim_end()), "{recent}");
    let rehearsed = world.data(&["simulate", "--days", "1", "--issues", "0"]);
    let left_out = format!(" is missing or cannot be read: the records 1 to {moved} are left out.\n");
    assert!(rehearsed.starts_with("The archive ledger-") && rehearsed.contains(&left_out), "{rehearsed}");
    // Work goes on all the same.
    world.agent("echo more >more.txt\ngit add --all\ngit commit --quiet --message More\n");
    world.data(&["issue", "new", "Another one", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    assert!(world.data(&["status"]).contains("2 issues done"));

    world.data(&["store", "restore", "elsewhere/copy.sqlite"]);
    assert!(world.data(&["audit", "verify"]).starts_with("the ledger is whole"));
    assert!(world.data(&["audit", "show", "--json"]).starts_with(&export));
}

fn comments(world: &World) -> usize {
    world.json(&["issue", "show", "web#1"])["comments"].as_array().unwrap().len()
}

#[test]
fn a_copy_that_is_put_back_does_nothing_twice_and_leaves_what_is_in_doubt_to_a_person() {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--quiet"]).code, Some(0));
    world.data(&["store", "backup", "early.sqlite"]);
    let early = head(&world);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    world.data(&["issue", "new", "Not known then", "--label", "ready-for-dev"]);
    world.agent("exit 1");
    world.dayfly(&["run", "--quiet"]);
    let (late, landed) = (head(&world), world.subjects("web", "main"));

    let restored = world.data(&["store", "restore", "early.sqlite"]);
    assert!(restored.contains("made since then, and in doubt: web.1.merge.2, web.2.exec.1"), "{restored}");
    world.data(&["audit", "verify", "--head", &early]);
    let lost = world.dayfly(&["audit", "verify", "--head", &late]);
    let place = |anchor: &str| anchor.split_once(':').unwrap().0.to_owned();
    let said = format!("the ledger was put back to record {} on ", place(&early));
    assert!(lost.code == Some(1) && lost.out.contains(&said), "what was lost shows, and why: {lost:?}");
    assert!(lost.out.contains(&format!("does not go through record {} ", place(&late))), "{lost:?}");
    let kept = fs::read_dir(world.path(".dayfly")).unwrap().flatten().map(|entry| entry.path());
    let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains("/replaced-ledger-")).collect();
    assert_eq!(kept.len(), 1, "the replaced ledger is kept: {kept:?}");

    world.agent(GOOD_AGENT);
    let next = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(next.code, Some(1), "{next:?}");
    assert_eq!(world.subjects("web", "main"), landed, "nothing landed twice");
    let shown = world.json(&["issue", "show", "web#2"]);
    assert!(shown["labels"].as_array().unwrap().contains(&"human-needed".into()), "{shown}");
    assert_eq!(shown["comments"].as_array().unwrap().len(), 1, "{shown}");
    assert!(shown["comments"][0]["body"].as_str().unwrap().contains("web.2.exec.1"), "{shown}");
    let before = comments(&world);
    world.dayfly(&["run", "--until-idle", "--quiet"]);
    assert_eq!(comments(&world), before, "and nothing is told twice");
    world.data(&["issue", "retry", "web#2"]);
    let done = world.dayfly(&["run", "--until-idle"]);
    assert!(done.err.contains("web.2.triage.2"), "no name is given twice: {done:?}");
}

#[test]
fn nothing_is_put_back_that_is_no_whole_ledger_or_while_an_engine_works() {
    let world = worked();
    world.data(&["store", "backup", "copy.sqlite"]);
    let before = head(&world);
    world.write("text.sqlite", &"no database at all\n".repeat(300));
    fs::copy(world.path("copy.sqlite"), world.path("altered.sqlite")).unwrap();
    Connection::open(world.path("altered.sqlite")).unwrap().execute_batch("DELETE FROM ledger WHERE seq = 2").unwrap();
    fs::copy(world.path("copy.sqlite"), world.path("newer.sqlite")).unwrap();
    Connection::open(world.path("newer.sqlite")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for (file, said) in [
        ("text.sqlite", "is not a ledger"),
        ("altered.sqlite", "is not in order"),
        ("newer.sqlite", "was written by a newer dayfly"),
    ] {
        let refused = world.dayfly(&["store", "restore", file]);
        assert!(refused.code == Some(3) && refused.err.contains(said), "{refused:?}");
    }
    world.agent("while [ ! -e ../../../go ]; do sleep 0.05; done");
    world.data(&["issue", "new", "Slow", "--label", "ready-for-dev"]);
    let mut engine = world.start(&["run"]);
    engine.says("exec by script");
    let refused = world.dayfly(&["store", "restore", "copy.sqlite"]);
    assert!(refused.code == Some(3) && refused.err.contains("another dayfly"), "{refused:?}");
    world.write("go", "");
    engine.ends();
    assert_eq!(world.dayfly(&["audit", "verify", "--head", &before]).code, Some(0), "all of it is there");
    assert!(world.data(&["store", "rebuild"]).contains("it is what was stored"));
}

/// Runs the program in a state folder of 8 MB that the agent fills, if this machine lets us mount one.
#[test]
fn a_full_disk_holds_the_engine_up_and_loses_nothing() {
    let world = World::with_agent("echo x >>\"$SIGNS\"\n");
    let config =
        world.read("dayfly.toml").replace("\npipeline = [\"triage\", \"exec\", \"merge\"]", "\npipeline = [\"exec\"]");
    let config =
        config.replace("[projects.web]\n", "[stages.exec]\ngates = []\n\n[projects.web]\nrepository = false\n");
    world.write("dayfly.toml", &config);
    fs::create_dir(world.path(".dayfly")).unwrap();
    let fill = "dd if=/dev/zero of=\"$ROOT/.dayfly/fill\" bs=4096 2>/dev/null || true\n";
    world.agent(&format!(
        "ROOT={}\necho started >>\"$ROOT/starts\"\n[ -e \"$ROOT/filled\" ] || {{ : >\"$ROOT/filled\"; {fill} }}",
        world.root
    ));
    world.data(&["issue", "new", "Fill it", "--label", "ready-for-dev"]);
    world.data(&["issue", "new", "Then this", "--label", "ready-for-dev"]);
    let dayfly = world.command(&["run", "--until-idle"]);
    let program = dayfly.get_program().to_str().unwrap().to_owned();
    let script = format!(
        "mount -t tmpfs -o size=8m none .dayfly || exit 77\n\"{program}\" run --until-idle 2>talk & engine=$!\n\
         n=0; while ! grep -q 'the disk is full' talk && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done\n\
         sleep 1.5; wc -l <starts >starts-then; rm .dayfly/fill; wait $engine; echo $? >code\n\
         \"{program}\" audit verify --json >verified; \"{program}\" status >status"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &script]).current_dir(&world.root).env_clear();
    command.env("HOME", world.path("home")).env("PATH", std::env::var("PATH").unwrap()).env("TZ", "UTC");
    let ran = command.output();
    if !world.path("code").exists() {
        assert!(std::env::var_os("DAYFLY_REQUIRE_SANDBOX").is_none(), "nobody may mount a small disk: {ran:?}");
        println!("skipped: this machine lets nobody mount a small disk: {ran:?}");
        return;
    }
    let talk = world.read("talk");
    assert_eq!(world.read("code").trim(), "0", "{talk}");
    assert_eq!(world.read("starts-then").trim(), "1", "nothing new is begun: {talk}");
    assert_eq!(talk.matches("nothing new is begun").count(), 1, "it is told once: {talk}");
    assert!(talk.contains("the ledger can be written again; dayfly goes on"), "{talk}");
    assert_eq!(world.read("starts").lines().count(), 2, "each agent ran once: {talk}");
    assert!(world.read("verified").contains("\"broken\": null"), "{}", world.read("verified"));
    assert!(world.read("status").contains("2 issues done"), "{}", world.read("status"));
}
