//! A ledger that cannot be used: what is said, with which exit code, and that nothing is begun or lost.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use camino::Utf8PathBuf;
use rusqlite::Connection;

use crate::world::{World, is_there, wait_until};

const LEDGER: &str = ".dayfly/ledger.sqlite";
const PAGE: usize = 4096;

/// A portfolio with one issue done and one to do, and the bytes of its ledger.
fn with_a_past() -> (World, Vec<u8>) {
    let world = World::waiting();
    world.write("go", "");
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    world.data(&["issue", "new", "And this", "--label", "ready-for-dev"]);
    let ledger = fs::read(world.path(LEDGER)).unwrap();
    (world, ledger)
}

#[test]
fn a_file_that_is_no_ledger_of_this_program_is_refused_by_every_command_and_left_alone() {
    let (world, ledger) = with_a_past();
    let changed = |sql: &str| {
        let path = world.path("changed.sqlite");
        fs::write(&path, &ledger).unwrap();
        let changed = Connection::open(&path).unwrap();
        changed.execute_batch(&format!("PRAGMA journal_mode = DELETE; {sql}")).unwrap();
        drop(changed);
        fs::read(path).unwrap()
    };
    let cases = [
        (
            b"no database at all\n".repeat(300),
            "is not a ledger; put a copy back with `dayfly store restore FILE`; there is none in `backups`, or name another",
        ),
        (changed("PRAGMA user_version = 99"), "was written by a newer dayfly; use that one, or a newer one still"),
        (changed("PRAGMA application_id = 7"), "is an SQLite file of another program, not a ledger; move it away"),
    ];
    for (file, said) in cases {
        fs::write(world.path(LEDGER), &file).unwrap();
        for command in [["run"].as_slice(), &["status"], &["plan"], &["audit", "verify"], &["pause", "--reason", "x"]] {
            let refused = world.dayfly(command);
            assert!(refused.code == Some(3) && refused.err.contains(said), "{command:?}: {refused:?}");
        }
        let doctor = world.dayfly(&["doctor"]);
        assert!(doctor.code == Some(3) && doctor.out.contains(said), "{doctor:?}");
        assert!(fs::read(world.path(LEDGER)).unwrap() == file, "{said}: it was changed");
    }
    assert_eq!(world.starts().len(), 1, "nothing was begun");
    fs::write(world.path(LEDGER), &ledger).unwrap();
    assert_eq!(world.dayfly(&["run", "--until-idle"]).code, Some(0), "put back, it serves");
}

/// Whichever page of the file it is.
#[test]
fn a_damaged_page_is_found_by_the_audit_and_never_taken_for_a_ledger() {
    let (world, ledger) = with_a_past();
    let pages = ledger.len() / PAGE;
    assert!(pages > 8, "{pages}");
    let issue = fs::read_dir(world.path("issues/web")).unwrap().map(|entry| entry.unwrap().path());
    let issues: Vec<_> = issue.map(|path| (fs::read(&path).unwrap(), path)).collect();
    for page in 0..pages {
        let mut damaged = ledger.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xaa);
        fs::write(world.path(LEDGER), &damaged).unwrap();
        let audit = world.dayfly(&["audit", "verify"]);
        assert!(matches!(audit.code, Some(1 | 3)), "page {page}: {audit:?}");
        let run = world.dayfly(&["run", "--until-idle"]);
        assert_eq!(run.code, Some(3), "page {page}: {run:?}");
        assert!(run.err.contains("store restore") || run.err.contains("is not a ledger"), "page {page}: {run:?}");
        // It may be a page that is not read before the agent has begun: the next engine settles that.
        fs::remove_file(world.path(format!("{LEDGER}-wal").as_str())).ok();
        fs::remove_file(world.path(format!("{LEDGER}-shm").as_str())).ok();
        fs::write(world.path(LEDGER), &ledger).unwrap();
        issues.iter().for_each(|(text, path)| fs::write(path, text).unwrap());
    }
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert!(ran.code == Some(0) && ran.out.contains("done: web#2"), "{ran:?}");
}

#[test]
fn a_page_that_is_damaged_while_the_engine_works_ends_it_and_not_what_it_runs() {
    let world = World::waiting();
    let mut run = world.start(&["run", "--until-idle"]);
    run.says("exec by script");
    wait_until(|| world.starts().len() == 1);
    let agent = world.starts()[0].clone();
    let ledger = Connection::open(world.path(LEDGER)).unwrap();
    // Somebody writes, so that the engine reads anew, and all of it is in the file itself.
    ledger.execute_batch("UPDATE meta SET epoch = epoch; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(ledger);
    let whole = fs::read(world.path(LEDGER)).unwrap();
    let file = fs::File::options().write(true).open(world.path(LEDGER)).unwrap();
    file.write_all_at(&vec![0xaa; whole.len() - PAGE], PAGE as u64).unwrap();
    world.dayfly(&["pause", "web", "--reason", "look here"]);
    let ran = run.ends();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("is damaged; put a copy back with `dayfly store restore FILE`"), "{ran:?}");
    assert!(is_there(&agent), "its keeper holds it");

    file.write_all_at(&whole, 0).unwrap();
    world.data(&["resume", "web"]);
    let mut next = world.start(&["run", "--until-idle"]);
    next.says("web.1.exec.1  is taken up from an earlier engine");
    world.write("go", "");
    let ran = next.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 1 succeeded\ndone: web#1\n"), "{ran:?}");
    assert_eq!(world.starts().len(), 1);
}

/// Files that not even their owner may write, as long as this is there.
struct Frozen(Vec<Utf8PathBuf>);

impl Frozen {
    /// None where the file system or the user cannot do that.
    fn new(files: Vec<Utf8PathBuf>) -> Option<Self> {
        let done = Command::new("chattr").arg("+i").args(&files).output();
        let frozen = Self(files);
        done.is_ok_and(|output| output.status.success()).then_some(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg("-i").args(&self.0).output();
    }
}

#[test]
fn a_ledger_that_cannot_be_written_for_a_while_holds_the_engine_up_and_what_ends_meanwhile_is_kept() {
    let world = World::waiting();
    world.data(&["issue", "new", "Then this", "--label", "ready-for-dev"]);
    let mut run = world.start(&["run", "--until-idle"]);
    wait_until(|| world.starts().len() == 1);
    run.says("exec by script");
    let Some(frozen) = Frozen::new(["", "-wal"].map(|end| world.path(&format!("{LEDGER}{end}"))).to_vec()) else {
        println!("skipped: nothing here keeps a file from being written");
        return;
    };
    world.write("go", "");
    let said = run.says("nothing new is begun, and what runs goes on: the ledger");
    assert!(said.contains("look at the disk it is on") || said.contains("may not be written"), "{said}");
    wait_until(|| world.path("ends").exists());
    let other = world.dayfly(&["run"]);
    assert!(other.code == Some(3) && other.err.contains("another dayfly"), "{other:?}");
    drop(frozen);
    run.says("the ledger can be written again; dayfly goes on");
    let ran = run.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 2 succeeded\ndone: web#1, web#2\n"), "{ran:?}");
    assert_eq!(world.starts().len(), 2, "each agent ran once");

    let Some(frozen) = Frozen::new(vec![world.path(LEDGER)]) else { panic!("it could be done before") };
    let refused = world.dayfly(&["run"]);
    drop(frozen);
    assert_eq!(refused.code, Some(3), "who starts is told at once: {refused:?}");
    assert!(refused.err.contains("may not be written; make the file and its folder writable"), "{refused:?}");
}

#[test]
fn a_stop_that_cannot_be_written_down_ends_all_the_same_and_says_that_it_is_not_in_force() {
    let world = World::waiting();
    let run = world.start(&["run", "--until-idle"]);
    wait_until(|| world.starts().len() == 1);
    let agent = world.starts()[0].clone();
    // Its name is taken by what is no file.
    std::os::unix::fs::symlink("nowhere", world.path(".dayfly/STOP")).unwrap();
    let stop = world.dayfly(&["stop", "--all", "--reason", "wrong key"]);
    assert_eq!(stop.code, Some(3), "{stop:?}");
    assert!(stop.err.contains("all that ran has ended, and the engine too, but nothing keeps it"), "{stop:?}");
    assert!(!is_there(&agent));
    assert_eq!(run.ends().code, None, "it was killed");
    fs::remove_file(world.path(".dayfly/STOP")).unwrap();
    world.write("go", "");
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert!(ran.code == Some(0) && ran.out.contains("done: web#1"), "{ran:?}");
}

/// Runs a script with the state folder on a disk of 8 MB of its own; false if this machine lets nobody mount one.
fn on_a_small_disk(world: &World, script: &str) -> bool {
    let program = world.installed("bin/dayfly");
    fs::create_dir_all(world.path(".dayfly")).unwrap();
    let script = format!("mount -t tmpfs -o size=8m none .dayfly || exit 77\ndayfly={program}\n{script}\necho >over");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &script]).current_dir(&world.root).env_clear();
    command.env("HOME", world.path("home")).env("PATH", std::env::var("PATH").unwrap()).env("TZ", "UTC");
    let ran = command.output();
    if world.path("over").exists() {
        return true;
    }
    assert!(std::env::var_os("DAYFLY_REQUIRE_SANDBOX").is_none(), "nobody may mount a small disk: {ran:?}");
    println!("skipped: this machine lets nobody mount a small disk: {ran:?}");
    false
}

const FILL: &str = "dd if=/dev/zero of=.dayfly/fill bs=4096 2>/dev/null";

#[test]
fn an_engine_that_starts_on_a_full_disk_takes_up_what_ran_and_goes_on_once_there_is_room() {
    let world = World::waiting();
    world.data(&["issue", "new", "Then this", "--label", "ready-for-dev"]);
    let script = format!(
        "$dayfly run --until-idle 2>first & engine=$!\n\
         n=0; while [ ! -e starts ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done\n\
         kill -9 $engine; wait $engine; {FILL}\n: >go\n\
         $dayfly run --until-idle >out 2>talk & engine=$!\n\
         n=0; while ! grep -q 'is taken up' talk && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done\n\
         sleep 1; wc -l <starts >starts-then; rm .dayfly/fill; wait $engine; echo $? >code\n\
         $dayfly audit verify >verified"
    );
    if !on_a_small_disk(&world, &script) {
        return;
    }
    let talk = world.read("talk");
    assert_eq!(world.read("code").trim(), "0", "{talk}");
    assert_eq!(talk.matches("the disk is full").count(), 1, "it is told once: {talk}");
    assert_eq!(world.read("starts-then").trim(), "1", "nothing new is begun: {talk}");
    assert!(world.read("out").contains("done: web#1, web#2") && world.starts().len() == 2, "{talk}");
    assert!(world.read("verified").starts_with("the ledger is whole"));
}

#[test]
fn a_stop_on_a_full_disk_is_written_in_the_room_of_the_ballast_and_stays_in_force() {
    let world = World::waiting();
    let script = format!(
        "$dayfly run --until-idle 2>talk & engine=$!\n\
         n=0; while [ ! -e starts -o ! -e .dayfly/ballast ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done\n\
         {FILL}\n$dayfly stop --all --reason full >stop 2>&1; echo $? >code; wait $engine; echo $? >engine\n\
         $dayfly run >again 2>&1; echo $? >again-code"
    );
    if !on_a_small_disk(&world, &script) {
        return;
    }
    assert_eq!((world.read("code").trim(), world.read("engine").trim()), ("0", "130"), "{}", world.read("stop"));
    assert!(!is_there(&world.starts()[0]));
    assert_eq!(world.read("again-code").trim(), "1", "{}", world.read("again"));
    assert!(world.read("again").contains("stopped everything"), "{}", world.read("again"));
}

#[test]
fn an_engine_that_finds_no_room_for_its_ballast_begins_nothing_until_there_is() {
    let world = World::waiting();
    world.write("go", "");
    let script = "dd if=/dev/zero of=.dayfly/fill bs=1024 count=6500 2>/dev/null\n\
         $dayfly run --until-idle >out 2>talk & engine=$!\n\
         n=0; while ! grep -q 'nearly full' talk && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done\n\
         sleep 1; ls starts >starts-then 2>&1; rm .dayfly/fill; wait $engine; echo $? >code";
    if !on_a_small_disk(&world, script) {
        return;
    }
    let talk = world.read("talk");
    assert_eq!(talk.matches("nearly full").count(), 1, "it is told once: {talk}");
    assert!(world.read("starts-then").contains("No such file"), "nothing is begun: {talk}");
    assert_eq!((world.read("code").trim(), world.starts().len()), ("0", 1), "{talk}");
}

/// As on a disk on which an engine had no room for a ballast, or has given it up.
#[test]
fn a_stop_on_a_disk_without_any_room_ends_all_and_is_in_force() {
    let world = World::waiting();
    let script = format!(
        "$dayfly run --until-idle 2>talk & engine=$!\n\
         n=0; while [ ! -e starts -o ! -e .dayfly/ballast ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done\n\
         kill -9 $engine; wait $engine; rm .dayfly/ballast; {FILL}\n\
         $dayfly stop >plain 2>&1; $dayfly stop --all --reason full >stop 2>err; echo $? >code\n\
         ls .dayfly/STOP >there; $dayfly run >again 2>&1; echo $? >again-code"
    );
    if !on_a_small_disk(&world, &script) {
        return;
    }
    let plain = world.read("plain");
    assert!(plain.contains("1 attempt goes on without an engine; `dayfly stop --all --reason TEXT` ends"), "{plain}");
    let (stop, err) = (world.read("stop"), world.read("err"));
    assert!(stop.contains("Everything is stopped since") && stop.contains("1 process ended"), "{stop}{err}");
    assert!(!is_there(&world.starts()[0]));
    if world.read("code").trim() != "0" {
        assert!(err.contains("the ledger does not serve") && err.contains("the stop is in force"), "{err}");
    }
    assert_eq!(world.read("there").trim(), ".dayfly/STOP");
    assert_ne!(world.read("again-code").trim(), "0", "{}", world.read("again"));
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn on_a_disk_that_may_only_be_read_nothing_is_started_and_all_can_be_looked_at() {
    let world = World::waiting();
    world.write("go", "");
    let script = "$dayfly run --until-idle --quiet; mount -o remount,ro .dayfly\n\
         for word in run status plan 'audit verify' 'store info' why\\ web#1; do\n\
         $dayfly $word >\"$word.out\" 2>\"$word.err\"; echo \"$word $?\" >>codes; done";
    if !on_a_small_disk(&world, script) {
        return;
    }
    assert_eq!(world.read("codes"), "run 3\nstatus 0\nplan 0\naudit verify 0\nstore info 0\nwhy web#1 0\n");
    let err = world.read("run.err");
    assert!(err.contains("Read-only file system") && err.contains("permissions and free space"), "{err}");
    assert_eq!(world.starts().len(), 1);
}
