//! What carries this installation's mark or lies in its folders, and belongs to no attempt that runs.

use std::collections::BTreeSet;

use camino::{Utf8DirEntry, Utf8Path};
use dayfly_core::{AttemptId, Fate, Found, State};

use crate::process;
use crate::subprocess::{end_kept, is_kept};

use super::super::probe::is_probe;
use super::{Recovery, TakenUp};

impl Recovery<'_> {
    /// Ends keepers and processes of attempts that the ledger does not know as running, and puts aside what attempts left
    /// that it does not know at all: a ledger that was restored has forgotten them, and will use their names again.
    pub(super) async fn strangers(&self, state: &State, taken_up: &[TakenUp]) -> Vec<Found> {
        let ours: BTreeSet<String> = taken_up.iter().map(|taken| taken.work.id.to_string()).collect();
        let live: BTreeSet<String> = state.live.keys().map(ToString::to_string).collect();
        let kept = self.folders("attempts").into_iter().filter(|folder| is_kept(folder.path()));
        let mut ended = BTreeSet::new();
        for folder in kept.filter(|folder| !live.contains(folder.file_name())) {
            end_kept(folder.path());
            ended.insert(folder.file_name().to_owned());
        }
        let tag = self.house.tag.clone();
        // Those that are live and gone are ended with their attempts.
        let known: BTreeSet<String> = ours.union(&live).cloned().collect();
        let swept = tokio::task::spawn_blocking(move || process::kill_strangers(&tag, &known)).await;
        ended.extend(swept.unwrap_or_default());
        ended.retain(|name| !is_probe(name));
        let ended = ended.into_iter().map(|what| Found { what, fate: Fate::Ended, why: String::new() });
        ended.chain(self.put_aside(state)).collect()
    }

    fn folders(&self, name: &str) -> Vec<Utf8DirEntry> {
        let entries = self.house.portfolio.state_dir.join(name).read_dir_utf8();
        entries.into_iter().flatten().flatten().collect()
    }

    /// What lies where an attempt to come would put its own.
    fn put_aside(&self, state: &State) -> Vec<Found> {
        let mut found = Vec::new();
        for (place, folder) in
            ["attempts", "work"].into_iter().flat_map(|p| self.folders(p).into_iter().map(move |f| (p, f)))
        {
            let name = folder.file_name();
            let attempt = name.strip_suffix(".gates").unwrap_or(name);
            if !self.is_unknown(state, attempt) {
                continue;
            }
            // What cannot be put aside is told by the attempt that finds it in its way.
            if let Some(to) = aside(folder.path(), self.epoch.0) {
                found.push(Found {
                    what: format!("{place}/{name}"),
                    fate: Fate::PutAside,
                    why: format!("it is {to} now"),
                });
            }
        }
        found
    }

    /// Whether that is the name of an attempt which the ledger has never heard of.
    fn is_unknown(&self, state: &State, name: &str) -> bool {
        let Some((rest, number)) = name.rsplit_once('.') else { return false };
        let (Some((issue, _)), Ok(number)) = (rest.rsplit_once('.'), number.parse::<u32>()) else { return false };
        let of_project = |name: &str| issue.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        if !self.house.projects.keys().any(|project| of_project(project.as_str())) {
            return false;
        }
        let known = state.issues.iter().find(|(known, _)| format!("{}.{}", known.project, known.issue) == issue);
        known.is_none_or(|(_, known)| number > known.attempts) && !state.live.contains_key(&AttemptId::from_text(name))
    }
}

fn aside(from: &Utf8Path, epoch: u64) -> Option<String> {
    let name = format!("{}.left-{epoch}", from.file_name()?);
    std::fs::rename(from, from.with_file_name(&name)).ok().map(|()| name)
}
