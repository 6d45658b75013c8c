//! Which backups stay, and which is the newest.

use super::*;

#[tokio::test]
async fn a_backup_that_has_just_been_made_stays_though_the_clock_was_ahead() {
    let (_folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    let copies = path.with_file_name("backups");
    let make = |at: &str| {
        let at: Timestamp = at.parse().unwrap();
        let made = crate::sqlite::backup(&path, &copies.join(backup_name(at))).unwrap().path;
        (prune_backups(&made, 2, at).unwrap(), made)
    };
    let names = |now: &str| backups(&copies, now.parse().unwrap());
    let (_, old) = make("2026-01-01T00:00:00Z");
    // The clock is years ahead for a moment.
    let (gone, ahead) = make("2931-01-01T00:00:00Z");
    assert!(gone.is_empty(), "{gone:?}");
    let (gone, further) = make("2931-01-02T00:00:00Z");
    assert_eq!(gone, [old]);

    let (gone, now) = make("2026-01-02T00:00:00Z");
    assert_eq!((gone, names("2026-01-02T00:00:00Z")), (vec![ahead], vec![now.clone(), further.clone()]));
    assert_eq!(crate::sqlite::backup::newest(&path), Some(now.clone()), "of which the advice is given");
    // It is behind now: none that it finds is as new as what it makes.
    let (gone, behind) = make("1970-01-01T00:00:00Z");
    assert_eq!((gone, names("1970-01-01T00:00:00Z")), (vec![now], vec![behind, further]));
}
