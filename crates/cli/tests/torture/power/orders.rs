//! The same for the orders of people, which are files: one that was given is there after a power cut.

use std::fs::File;
use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Ask, Order, OrderId, Request};
use dayfly_runner::OrderFolder;
use jiff::Timestamp;

use super::disk::Trust;
use super::writer::ACKNOWLEDGED;
use super::{Cuts, record, restore};
use crate::dice::Dice;

/// How many orders are given, the last of which stops everything.
const ORDERS: u64 = 60;

fn order(number: u64) -> Order {
    let id = OrderId::new(format!("order-{number}")).unwrap();
    Order { id, by: "ann".into(), reason: "a test".repeat(usize::try_from(number).unwrap()), at: Timestamp::UNIX_EPOCH }
}

/// Gives the orders in `dir`, and says of each that it was taken.
pub(crate) fn put(dir: &Utf8Path) {
    let orders = OrderFolder::of(&dir.join("state"));
    std::fs::create_dir_all(dir.join("state")).unwrap();
    let mut acknowledged = File::create(dir.join(ACKNOWLEDGED)).unwrap();
    for number in 1..=ORDERS {
        if number < ORDERS {
            orders.put(&Request::new(order(number), Ask::Lift)).unwrap();
        } else {
            orders.stop(order(number)).unwrap();
        }
        acknowledged.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
}

/// A true disk keeps each order that was given; one that lies must be seen to lose some.
pub(super) fn recorded(dir: &Utf8Path, times: u64, seed: u64) -> Result<bool, String> {
    let recording = record(dir, &["orders"])?;
    let folder = crate::portfolio::folder();
    let after = Utf8PathBuf::from_path_buf(folder.path().join("after")).unwrap();
    let cuts = |trust| {
        let (mut dice, mut cuts) = (Dice::new(seed, 3), Cuts::default());
        for _ in 0..times {
            let at = usize::try_from(dice.below(recording.len() as u64 + 1)).unwrap();
            let (files, acknowledged) = recording.cut(at, &mut dice, trust);
            restore(&after, &files);
            let orders = OrderFolder::of(&after.join("state"));
            let (waiting, halted) = (orders.waiting(), orders.halt());
            let whole = |request: &Request| (1..ORDERS).any(|number| request.order == order(number));
            let there = waiting.len() as u64 + u64::from(halted.is_some());
            cuts.cuts += 1;
            cuts.lost += u64::from(there < acknowledged);
            cuts.worst = cuts.worst.max(acknowledged.saturating_sub(there));
            let broken = !waiting.iter().all(whole) || halted.is_some_and(|halt| halt != order(ORDERS));
            cuts.broken += u64::from(broken);
        }
        cuts
    };
    let (honest, none) = (cuts(Trust::Syncs), cuts(Trust::Nothing));
    println!("power: orders: {honest}");
    println!("power: orders, were nothing synced, which must lose: {none}");
    Ok(honest.lost + honest.broken == 0 && none.lost + none.broken > 0)
}
