//! Who may do what: asked of GitHub for each login, and kept for a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::fault::Fault;
use super::house::House;
use super::seen::{Permitted, Seen, SeenIssue};
use super::slot::Slot;
use super::snapshot::Snapshot;
use super::wire::{Association, Permission, State};
use crate::{Call, GitHub, GitHubError, Identity, segment};

/// So long an answer is good for those who just did something, and for those who may write.
const SHORT: SignedDuration = SignedDuration::from_mins(10);
/// So long it is good for everybody else.
const LONG: SignedDuration = SignedDuration::from_hours(24);
/// So long the permission of whoever asked for work is believed where nothing changes.
const IDLE: SignedDuration = SignedDuration::from_hours(1);
/// The most outsiders who are asked for in one reading. The others are strangers until the next.
const MOST_OUTSIDERS: usize = 50;

/// Asks for those whose permission is not known, or not any more. `changed` are the issues at which something just changed.
pub(crate) async fn ask(
    github: &GitHub,
    slot: &Slot,
    changed: &BTreeSet<u64>,
    own: &Identity,
    now: Timestamp,
) -> Result<(), Fault> {
    let logins = slot.with(now, |snapshot| unknown(snapshot, changed, own, now));
    for login in logins {
        let path = slot.path(&format!("/collaborators/{}/permission", segment(&login)));
        let writer = match github.send::<Permission>(Call::get(path)).await {
            Ok(permission) => matches!(permission.permission.as_str(), "admin" | "maintain" | "write"),
            // Nobody of that name: an account that is gone, or is no account.
            Err(GitHubError::NotFoundOrNoAccess { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        slot.with(now, |snapshot| snapshot.people.insert(login, Permitted { writer, asked: now }));
    }
    Ok(())
}

/// Whether work is asked for by somebody whose permission should be looked at again, though nothing changed.
pub(crate) fn is_due(snapshot: &Snapshot, house: &House, now: Timestamp) -> bool {
    let open = snapshot.issues.values().filter(|issue| issue.state != State::Closed);
    let asking = open.filter(|issue| house.proven().any(|label| issue.has_label(label)));
    let permitted =
        asking.flat_map(everybody).filter_map(|(who, _)| snapshot.people.get(&who.login()?.to_ascii_lowercase()));
    permitted.into_iter().any(|permitted| permitted.writer && now.duration_since(permitted.asked) > IDLE)
}

/// Whose permission must be asked, those first who are said to belong to the repository.
fn unknown(snapshot: &Snapshot, changed: &BTreeSet<u64>, own: &Identity, now: Timestamp) -> Vec<String> {
    let mut insiders: BTreeSet<String> = BTreeSet::new();
    // By the newest issue on which they wrote.
    let mut outsiders: BTreeMap<String, u64> = BTreeMap::new();
    for issue in snapshot.issues.values().filter(|issue| issue.state != State::Closed) {
        for (who, at) in everybody(issue) {
            let Some(login) = who.login().filter(|_| !who.is_program()) else { continue };
            if login.eq_ignore_ascii_case(&own.login) {
                continue;
            }
            let login = login.to_ascii_lowercase();
            let known = snapshot.people.get(&login);
            let good = known.is_some_and(|permitted| {
                // Who did something since may have been given permission to.
                let acted = changed.contains(&issue.number) && at.is_none_or(|at| at > permitted.asked);
                let acted = acted || permitted.writer;
                now.duration_since(permitted.asked) < if acted { SHORT } else { LONG }
            });
            match who.association {
                _ if good => {}
                Association::Other if known.is_none() => drop(outsiders.insert(login, issue.number)),
                _ => drop(insiders.insert(login)),
            }
        }
    }
    outsiders.retain(|login, _| !insiders.contains(login));
    let mut outsiders: Vec<_> = outsiders.into_iter().collect();
    outsiders.sort_by_key(|(_, newest)| std::cmp::Reverse(*newest));
    insiders.into_iter().chain(outsiders.into_iter().map(|(login, _)| login).take(MOST_OUTSIDERS)).collect()
}

/// Everybody whose word may count on an issue, with when they said it.
fn everybody(issue: &SeenIssue) -> impl Iterator<Item = (&Seen, Option<Timestamp>)> {
    let details = issue.details.iter();
    let done = details.flat_map(|details| {
        let events = details.events.iter().map(|event| (&event.actor, Some(event.at)));
        events.chain(details.edited.iter().map(|(at, who)| (who, Some(*at))))
    });
    let said = issue.comments.values().map(|comment| (&comment.author, comment.updated.max(comment.at)));
    std::iter::once((&issue.author, issue.opened)).chain(said).chain(done)
}

#[cfg(test)]
mod tests;
