//! A ledger that is moved, lost or damaged: what each command says, and that a copy is named where there is one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rusqlite::Connection;

use crate::world::{GOOD_AGENT, World, is_there, wait_until};

const LEDGER: &str = ".dayfly/ledger.sqlite";

fn worked() -> World {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    world
}

/// The only copy, and as what it is shown.
fn copied(world: &World) -> (String, String) {
    let copy = world.json(&["store", "backup"])["path"].as_str().unwrap().to_owned();
    let shown = copy.replace(world.root.as_str(), "[root]");
    (copy, shown)
}

#[test]
fn an_engine_whose_ledger_is_moved_ends_and_the_next_one_takes_up_what_runs() {
    let world = World::waiting();
    let mut run = world.start(&["run", "--until-idle"]);
    run.says("exec by script");
    wait_until(|| world.starts().len() == 1);
    let agent = world.starts()[0].clone();
    fs::rename(world.path(LEDGER), world.path("moved")).unwrap();
    let lost = world.dayfly(&["status"]);
    assert!(lost.code == Some(3) && lost.err.contains("there is no ledger at"), "{lost:?}");
    world.write("go", "");
    let ran = run.ends();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("was moved, removed or replaced while it was open; put back what was moved"), "{ran:?}");
    wait_until(|| !is_there(&agent));

    let again = world.dayfly(&["run", "--until-idle"]);
    assert!(again.code == Some(3) && again.err.contains("there are attempts and records in its log;"), "{again:?}");
    fs::rename(world.path("moved"), world.path(LEDGER)).unwrap();
    let next = world.dayfly(&["run", "--until-idle"]);
    assert_eq!((next.code, next.out.as_str()), (Some(0), "attempts: 1 succeeded\ndone: web#1\n"), "{next:?}");
    assert_eq!(world.starts().len(), 1, "the one attempt was enough");
    assert!(world.data(&["audit", "verify"]).starts_with("the ledger is whole"));
}

#[test]
fn a_lost_ledger_is_not_begun_anew_and_the_newest_copy_is_named() {
    let world = worked();
    let (copy, shown) = copied(&world);
    let restore = format!("dayfly store restore {shown}");
    for empty in [false, true] {
        for end in ["", "-wal", "-shm"] {
            fs::remove_file(world.path(&format!("{LEDGER}{end}"))).ok();
        }
        if empty {
            world.write(LEDGER, "");
        }
        for command in
            [["run"].as_slice(), &["status"], &["plan"], &["store", "backup"], &["audit", "verify"], &["doctor"]]
        {
            let ran = world.dayfly(command);
            let said = format!("{}{}", ran.out, ran.err);
            assert!(ran.code == Some(3) && said.contains(&restore), "{command:?}: {ran:?}");
            assert!(said.contains("there are attempts and backups"), "{command:?}: {ran:?}");
        }
        assert_eq!(fs::read(world.path(LEDGER)).unwrap_or_default(), b"", "nothing was begun");
        let info = world.dayfly(&["store", "info"]);
        assert!(info.code == Some(3) && info.out.contains(&shown), "{info:?}");
    }
    world.data(&["store", "restore", &copy]);
    assert!(world.data(&["doctor"]).contains("all in order"));
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn what_is_wrong_in_the_middle_is_seen_by_doctor_and_by_the_next_run_and_leads_to_a_copy() {
    let world = worked();
    let (copy, shown) = copied(&world);
    let restore = format!("`dayfly store restore {shown}`");
    let whole = fs::read(world.path(LEDGER)).unwrap();
    Connection::open(world.path(LEDGER))
        .unwrap()
        .execute_batch("UPDATE ledger SET body = replace(body, 'web', 'wob') WHERE seq = 3")
        .unwrap();
    let doctor = world.dayfly(&["doctor"]);
    assert!(doctor.code == Some(3) && doctor.out.contains("is broken: record 3 was altered"), "{doctor:?}");
    assert!(doctor.out.contains(&restore), "{doctor:?}");
    let run = world.dayfly(&["run"]);
    assert!(run.code == Some(3) && run.err.contains(&restore), "{run:?}");

    // Half of the file is gone.
    fs::write(world.path(LEDGER), &whole[..whole.len() / 2]).unwrap();
    let info = world.dayfly(&["store", "info"]);
    assert!(info.code == Some(3) && info.out.contains("cannot be read") && info.out.contains(&shown), "{info:?}");
    assert!(info.err.contains(&restore), "{info:?}");
    let listed = world.command(&["store", "info", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed["backups"][0], &listed["records"]), (&copy.as_str().into(), &serde_json::Value::Null));
    let refused = world.dayfly(&["store", "backup", "other.sqlite"]);
    assert!(refused.code == Some(3) && refused.err.contains("ledger.sqlite` is damaged"), "{refused:?}");
    assert!(!refused.err.contains(".part"), "{refused:?}");
    assert!(!world.path("other.sqlite").exists());
}

#[test]
fn a_ledger_that_this_user_may_not_read_is_said_to_be_that() {
    let world = worked();
    fs::set_permissions(world.path(LEDGER), fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may read everything, but for one who has none of that power in a space of users of its own.
    let apart = fs::read(world.path(LEDGER)).is_ok();
    let as_user = |command: &Command| {
        let mut wrapped = match apart {
            true => Command::new("unshare"),
            false => Command::new("env"),
        };
        if apart {
            wrapped.args(["--user", "--map-user=1000", "--map-group=1000"]);
        }
        wrapped.arg(command.get_program()).args(command.get_args()).current_dir(&world.root).env_clear();
        wrapped.env("HOME", world.path("home")).env("PATH", std::env::var("PATH").unwrap()).env("TZ", "UTC");
        wrapped.output().unwrap()
    };
    let mut cat = Command::new("cat");
    cat.arg(world.path(LEDGER));
    let probe = as_user(&cat);
    if probe.status.success() || !String::from_utf8_lossy(&probe.stderr).contains("cat:") {
        println!("skipped: this machine lets nobody be an ordinary user: {probe:?}");
        return;
    }
    for command in [["run"].as_slice(), &["status"]] {
        let ran = as_user(&world.command(command));
        let err = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code() == Some(3) && err.contains("permission denied: the ledger"), "{err}");
        assert!(!err.contains("make sure that its folder exists"), "{err}");
    }
}
