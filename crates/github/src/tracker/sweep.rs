//! Looking at all repositories that somebody waits for, at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::ForgeRepo;
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::fault::Fault;
use super::house::House;
use super::prints::{self, Sighting};
use super::read::read;
use super::slot::Slot;
use super::{details, milestones, people};

/// So long whoever comes first waits for others.
const GATHER: Duration = Duration::from_millis(10);
/// How many repositories are read at a time.
const AT_ONCE: usize = 6;

/// Sees to it that what is known of a repository is right. All who ask at about the same time share one sweep.
pub(crate) async fn refresh(house: &Arc<House>, slot: &Arc<Slot>) -> Result<(), Fault> {
    if slot.is_fresh(house.now(), house.fresh) {
        return Ok(());
    }
    slot.want();
    if house.slots.len() > 1 {
        tokio::time::sleep(GATHER).await;
    }
    let _turn = house.sweeping.lock().await;
    // Another's sweep may have been for this one too.
    if !slot.is_wanted() {
        return slot.result();
    }
    let wanted: Vec<Arc<Slot>> = house.slots.iter().filter(|slot| slot.is_wanted()).cloned().collect();
    sweep(house, wanted).await;
    slot.result()
}

async fn sweep(house: &Arc<House>, slots: Vec<Arc<Slot>>) {
    for slot in &slots {
        slot.open(house.now()).await;
    }
    let started = house.now();
    // By the name in the configuration: it leads to the present one, and shows when that leads elsewhere.
    let names: Vec<ForgeRepo> = slots.iter().map(|slot| slot.asked.clone()).collect();
    let seen = prints::look(&house.github, &names).await;
    let (mut work, mut fine) = (Vec::new(), Vec::new());
    for (slot, seen) in slots.into_iter().zip(seen) {
        match seen.and_then(|seen| identify(&slot, &seen, started).map(|()| seen)) {
            Ok(seen) if is_unchanged(house, &slot, &seen, started) => fine.push(slot),
            Ok(seen) => work.push((slot, seen)),
            Err(fault) => slot.settle(started, Err(fault)),
        }
    }
    fine.extend(read_all(house, work, started).await);
    count(house, &fine, started).await;
    for slot in fine {
        slot.settle(started, Ok(()));
    }
}

/// Reads what changed, some repositories at a time; gives those that were read.
async fn read_all(house: &Arc<House>, work: Vec<(Arc<Slot>, Sighting)>, started: Timestamp) -> Vec<Arc<Slot>> {
    let mut work = work.into_iter();
    let mut tasks = JoinSet::new();
    let mut under_way = HashMap::new();
    let mut fine = Vec::new();
    loop {
        while tasks.len() < AT_ONCE
            && let Some((slot, seen)) = work.next()
        {
            let (house, its) = (Arc::clone(house), Arc::clone(&slot));
            let task = tasks.spawn(async move { read(&house, &its, &seen).await });
            under_way.insert(task.id(), slot);
        }
        let Some(done) = tasks.join_next_with_id().await else { return fine };
        let (id, result) = match done {
            Ok(done) => done,
            Err(broken) => (broken.id(), Err(Fault::Unavailable(format!("reading it broke off: {broken}")))),
        };
        let Some(slot) = under_way.remove(&id) else { continue };
        match result {
            Ok(()) => fine.push(slot),
            Err(fault) => slot.settle(started, Err(fault)),
        }
    }
}

/// Counts the issues of milestones where something changed. Where that fails, what was counted before stays, and the
/// next sweep counts.
async fn count(house: &House, slots: &[Arc<Slot>], started: Timestamp) {
    let uncounted = |slot: &&Arc<Slot>| slot.with(started, |snapshot| snapshot.is_uncounted());
    let slots: Vec<&Arc<Slot>> = slots.iter().filter(uncounted).collect();
    if slots.is_empty() {
        return;
    }
    let names: Vec<ForgeRepo> = slots.iter().map(|slot| slot.repo()).collect();
    for (slot, counted) in slots.into_iter().zip(milestones::count(&house.github, &names).await) {
        let Ok(counted) = counted else { continue };
        slot.with(started, |snapshot| snapshot.take_counts(&counted));
        slot.save().await;
    }
}

/// Holds a repository against what is known of it: it may have a new name, but must be the same one.
fn identify(slot: &Slot, seen: &Sighting, now: Timestamp) -> Result<(), Fault> {
    slot.with(now, |snapshot| {
        if let (Some(known), Some(id)) = (snapshot.id, seen.id)
            && known != id
        {
            return Err(Fault::replaced(&slot.asked, known, id, slot.file()));
        }
        snapshot.id = snapshot.id.or(seen.id);
        let moved = seen.name.as_ref().filter(|name| !name.eq_ignore_ascii_case(&slot.asked.to_string()));
        snapshot.moved = moved.cloned();
        Ok(())
    })
}

fn is_unchanged(house: &House, slot: &Slot, seen: &Sighting, now: Timestamp) -> bool {
    !slot.is_dirty()
        && slot.with(now, |snapshot| {
            let same = snapshot.print.as_ref().is_some_and(|known| known.sure && known.looks_like(&seen.print));
            same && !details::waits_elsewhere(snapshot, now) && !people::is_due(snapshot, house, now)
        })
}
