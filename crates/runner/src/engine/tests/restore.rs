//! Going back to a backup that is cut short: what an attempt in doubt left is kept, whichever ledger is in force then.

use super::super::restore::{Step, restore_in_steps};
use super::*;
use crate::sqlite::{SqliteStore, audit, backup};

/// The folder of a ledger that has a backup, and of an attempt of which neither knows and whose result nobody has kept.
fn left_behind() -> (World, Utf8PathBuf, Utf8PathBuf) {
    let world = World::new(&["exec", "merge"]);
    let state = world.portfolio().state_dir;
    let (ledger, copy) = (state.join("ledger.sqlite"), state.join("copy.sqlite"));
    fs::create_dir_all(&state).unwrap();
    drop(SqliteStore::open(&ledger).unwrap());
    backup(&ledger, &copy).unwrap();
    for folder in ["attempts", "work"] {
        fs::create_dir_all(state.join(folder).join("web.1.exec.1")).unwrap();
    }
    fs::write(state.join("work/web.1.exec.1/result"), "what it made").unwrap();
    (world, ledger, copy)
}

/// Restores up to a step, and tells whether the backup is in force and where the result of the attempt is.
async fn cut_at(last: Option<Step>) -> (bool, Vec<&'static str>) {
    let (world, ledger, copy) = left_behind();
    let portfolio = world.portfolio();
    let lock = StateLock::take(&portfolio.state_dir).unwrap();
    let mut step = |step| {
        let killed = StoreError::Other { what: "killed".into(), source: "here".into() };
        if Some(step) == last { Err(killed) } else { Ok(()) }
    };
    let done = restore_in_steps((&lock, &portfolio), &ledger, &copy, now(), &mut step).await;
    assert_eq!(done.is_ok(), last.is_none(), "{done:?}");
    let places = ["web.1.exec.1", "web.1.exec.1.left-1"];
    let there = places.into_iter().filter(|name| portfolio.state_dir.join("work").join(name).join("result").exists());
    // The backup itself has no record: the first one says that it took the place.
    (audit(&ledger, Vec::new()).unwrap().records > 0, there.collect())
}

#[tokio::test]
async fn no_backup_is_in_force_before_what_attempts_in_doubt_left_is_out_of_reach() {
    let (own, aside) = (vec!["web.1.exec.1"], vec!["web.1.exec.1.left-1"]);
    assert_eq!(cut_at(Some(Step::Written)).await, (false, own));
    assert_eq!(cut_at(Some(Step::PutAside)).await, (false, aside.clone()));
    assert_eq!(cut_at(Some(Step::Replaced)).await, (true, aside.clone()));
    assert_eq!(cut_at(None).await, (true, aside));
}

#[tokio::test]
async fn a_restore_that_fails_leaves_the_ledger_and_what_belongs_to_it() {
    let (world, ledger, copy) = left_behind();
    let portfolio = world.portfolio();
    let lock = StateLock::take(&portfolio.state_dir).unwrap();
    let own = || {
        let state = &portfolio.state_dir;
        audit(&ledger, Vec::new()).unwrap().records == 0 && state.join("work/web.1.exec.1/result").exists()
    };
    // There is no room in a name of the file system for what is to be added to this one.
    let long = format!("web.2.exec.{:0>241}", 1);
    for folder in ["attempts", "work"] {
        fs::create_dir(portfolio.state_dir.join(folder).join(&long)).unwrap();
    }
    let refused = crate::restore(&lock, &portfolio, &ledger, &copy, now()).await.unwrap_err();
    assert!(refused.to_string().contains("and try again") && own(), "{refused}");
    fs::remove_dir(portfolio.state_dir.join("attempts").join(&long)).unwrap();

    // Where the replaced ledger is to be kept stands what cannot be written over.
    let kept = portfolio.state_dir.join(format!("replaced-{}", crate::backup_name(now())));
    fs::create_dir(&kept).unwrap();
    let refused = crate::restore(&lock, &portfolio, &ledger, &copy, now()).await.unwrap_err();
    assert!(own(), "{refused}");
    fs::remove_dir(&kept).unwrap();
    let restored = crate::restore(&lock, &portfolio, &ledger, &copy, now()).await.unwrap();
    assert_eq!(restored.in_doubt.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["web.1.exec.1"]);
}
