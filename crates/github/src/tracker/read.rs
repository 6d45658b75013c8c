//! Reading what changed in one repository. There is one way, whoever said that something changed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::fault::Fault;
use super::house::House;
use super::prints::Sighting;
use super::seen::SeenIssue;
use super::slot::Slot;
use super::wire::{self, State};
use super::{details, milestones, people};
use crate::{Call, GitHubError, segment};

/// So far each reading goes back before the newest change that is known: GitHub's machines do not agree on the time.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);
/// Issues that were closed longer ago are not read.
const CLOSED: SignedDuration = SignedDuration::from_hours(24 * 90);
/// So many issues are read whole: they fit into a page.
const FEW: u64 = 100;
/// The most issues whose comments are listed one by one in a reading; the next one goes on.
const MOST_LISTED: usize = 100;

/// Reads what changed since the last time, and puts it down.
pub(crate) async fn read(house: &House, slot: &Slot, seen: &Sighting) -> Result<(), Fault> {
    let now = house.now();
    let own = house.github.identity().await?;
    let hints = slot.hints();
    let changed = issues(house, slot, seen, now).await?;
    let complete = comments(house, slot, &changed, now).await?;
    slot.with(now, |snapshot| snapshot.doubt_own_writes(now));
    details::read(&house.github, slot, &house.interesting, own, now).await?;
    details::read_blockers(&house.github, slot, now).await?;
    let pending = slot.with(now, |snapshot| snapshot.pending.clone());
    people::ask(&house.github, slot, &pending, own, now).await?;
    milestones_if_changed(house, slot, seen, now).await?;
    slot.with(now, |snapshot| {
        // What a replica does not show yet is read the next time.
        if changed.steady && snapshot.has_all_of(&seen.print, now) {
            snapshot.arrive(now);
            if complete {
                snapshot.believe(&seen.print, now);
            }
        }
    });
    slot.save().await;
    slot.took_hints(hints);
    Ok(())
}

/// What a reading of issues showed.
struct Issues {
    /// Before what time nothing changed.
    since: Option<Timestamp>,
    /// Whether all that is open was listed.
    whole: bool,
    /// Whether the list stood still while its pages were read.
    steady: bool,
}

async fn issues(house: &House, slot: &Slot, seen: &Sighting, now: Timestamp) -> Result<Issues, Fault> {
    let since = slot.with(now, |snapshot| snapshot.unread_since());
    let since = since.and_then(|since| since.checked_sub(OVERLAP).ok());
    let mut steady = true;
    if let Some(since) = since {
        let list = list(house, slot, &changed_path(since)).await?;
        steady = is_steady(&list);
        slot.with(now, |snapshot| snapshot.merge(list, now));
        if slot.with(now, |snapshot| snapshot.agrees_with(&seen.print)) {
            return Ok(Issues { since: Some(since), whole: false, steady });
        }
    }
    // Nothing is known, or something is gone that no list of changes shows.
    let all = if seen.print.all <= FEW {
        list(house, slot, "/issues?state=all&sort=created&direction=asc").await?
    } else {
        let mut open = list(house, slot, "/issues?state=open&sort=created&direction=asc").await?;
        let closed = now.checked_sub(CLOSED).unwrap_or(now);
        let path = format!("/issues?state=closed&sort=updated&direction=asc&since={}", segment(&time(closed)));
        open.extend(list(house, slot, &path).await?);
        open
    };
    steady &= is_steady(&all);
    slot.with(now, |snapshot| snapshot.replace(all, now));
    Ok(Issues { since, whole: true, steady })
}

/// Whether nothing moved to the end of the list while its pages were read: another one may have slipped from the page to
/// come to one that was read.
fn is_steady(list: &[wire::Issue]) -> bool {
    list.iter().map(|issue| issue.number).collect::<BTreeSet<_>>().len() == list.len()
}

async fn list(house: &House, slot: &Slot, path: &str) -> Result<Vec<wire::Issue>, Fault> {
    house.github.pages(Call::get(slot.path(path))).await.map_err(|error| match error {
        GitHubError::NotFoundOrNoAccess { .. } => Fault::hidden(&slot.repo(), &error.to_string()),
        error => error.into(),
    })
}

/// Reads the comments of what changed. Says whether all are there.
async fn comments(house: &House, slot: &Slot, changed: &Issues, now: Timestamp) -> Result<bool, Fault> {
    let any = slot.with(now, |snapshot| {
        let issues = snapshot.pending.iter().filter_map(|number| snapshot.issues.get(number));
        issues.clone().any(|issue| issue.count > 0 || !issue.comments.is_empty())
    });
    if any {
        let since = changed.since.or_else(|| now.checked_sub(CLOSED).ok()).unwrap_or(now);
        let path = format!("/issues/comments?sort=updated&direction=asc&since={}", segment(&time(since)));
        match house.github.pages::<wire::Comment>(Call::get(slot.path(&path))).await {
            Ok(list) => slot.with(now, |snapshot| snapshot.merge_comments(list)),
            // Where there are as many as that, they are read issue by issue.
            Err(GitHubError::TooLarge { .. }) if changed.since.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The numbers tell of what was deleted, and of what is older than was read.
    let mut missing = slot.with(now, |snapshot| {
        let counts = |issue: &&SeenIssue| {
            issue.state != State::Closed || (snapshot.pending.contains(&issue.number) && !changed.whole)
        };
        let interesting = |issue: &SeenIssue| house.interesting.iter().any(|label| issue.has_label(label));
        let missing = snapshot.incomplete(now).filter(counts);
        missing.map(|issue| (!interesting(issue), std::cmp::Reverse(issue.updated), issue.number)).collect::<Vec<_>>()
    });
    missing.sort();
    for (_, _, number) in missing.iter().take(MOST_LISTED) {
        let path = slot.path(&format!("/issues/{number}/comments"));
        match house.github.pages::<wire::Comment>(Call::get(path)).await {
            Ok(list) => slot.with(now, |snapshot| snapshot.replace_comments(*number, list, now)),
            // It was deleted meanwhile; the next look at the repository shows that.
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error.into()),
        }
        slot.with(now, |snapshot| snapshot.pending.insert(*number));
    }
    Ok(missing.len() <= MOST_LISTED)
}

/// Reads the milestones if they changed.
async fn milestones_if_changed(house: &House, slot: &Slot, seen: &Sighting, now: Timestamp) -> Result<(), Fault> {
    let same = slot.with(now, |snapshot| {
        snapshot.print.as_ref().is_some_and(|known| known.sure && known.same_milestones(&seen.print))
    });
    if !same && seen.print.milestones > 0 {
        let list = milestones::list(&house.github, slot).await?;
        slot.with(now, |snapshot| snapshot.take_milestones(list, now));
    } else if seen.print.milestones == 0 {
        slot.with(now, |snapshot| snapshot.take_milestones(Vec::new(), now));
    }
    Ok(())
}

/// The path of all that changed since then, the oldest change first: what changes meanwhile comes at the end.
fn changed_path(since: Timestamp) -> String {
    format!("/issues?state=all&sort=updated&direction=asc&since={}", segment(&time(since)))
}

/// The path of all that changed since a little before the newest change that is known.
pub(crate) fn newer_path(cursor: Option<Timestamp>, now: Timestamp) -> String {
    let since = cursor.unwrap_or(now).checked_sub(OVERLAP).unwrap_or(now);
    changed_path(since)
}

/// A time as GitHub takes it.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
