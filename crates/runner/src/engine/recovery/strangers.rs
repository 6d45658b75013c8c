//! What carries this installation's mark or lies in its folders, and belongs to no attempt that runs.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AttemptId, Fate, Found, State};

use crate::process;
use crate::subprocess::{end_kept, is_kept};

use super::super::probe::is_probe;
use super::{Last, Recovery};

impl Recovery<'_> {
    /// Ends keepers and processes of attempts that the ledger does not know as running, and puts aside what attempts left
    /// that it does not know at all: a ledger that was restored has forgotten them, and will use their names again. An
    /// engine that ended in order has left none.
    pub(super) async fn strangers(&self, state: &State, last: &Last) -> Vec<Found> {
        let unknown = Unknown::new(self, state, last);
        let folders = ["attempts", "work"].into_iter().flat_map(|place| unknown.folders(place));
        let folders: Vec<(&str, Utf8PathBuf)> = folders.collect();
        let mut ended = BTreeSet::new();
        for (_, folder) in folders.iter().filter(|(_, folder)| is_kept(folder)) {
            end_kept(folder);
            ended.extend(folder.file_name().map(str::to_owned));
        }
        if last.under_way.is_some() {
            let tag = self.house.tag.clone();
            // Those of attempts that are live and gone are ended with their attempts.
            let known: BTreeSet<String> = state.live.keys().map(ToString::to_string).collect();
            let swept = tokio::task::spawn_blocking(move || process::kill_strangers(&tag, &known)).await;
            ended.extend(swept.unwrap_or_default());
        }
        ended.retain(|name| !is_probe(name));
        let ended = ended.into_iter().map(|what| Found { what, fate: Fate::Ended, why: String::new() });
        // What cannot be put aside is told by the attempt that finds it in its way.
        let put_aside = folders.iter().filter_map(|(place, folder)| {
            let (what, to) = (format!("{place}/{}", folder.file_name()?), aside(folder, self.epoch.0)?);
            Some(Found { what, fate: Fate::PutAside, why: format!("it is {to} now") })
        });
        ended.chain(put_aside).collect()
    }
}

/// Tells folders of attempts that the ledger has never heard of.
struct Unknown<'a> {
    recovery: &'a Recovery<'a>,
    state: &'a State,
    /// How many attempts each issue has had, by the name that folders bear.
    attempts: BTreeMap<String, u32>,
    /// Whether every folder ever made is looked at.
    thoroughly: bool,
}

impl<'a> Unknown<'a> {
    fn new(recovery: &'a Recovery<'a>, state: &'a State, last: &Last) -> Self {
        let issues = state.issues.iter();
        let attempts = issues.map(|(issue, known)| (format!("{}.{}", issue.project, issue.issue), known.attempts));
        Self { recovery, state, attempts: attempts.collect(), thoroughly: last.under_way.is_some() }
    }

    fn folders(&self, place: &'static str) -> Vec<(&'static str, Utf8PathBuf)> {
        // What attempts left for people is kept for ever, and may be much.
        if place == "attempts" && !self.thoroughly {
            return Vec::new();
        }
        let entries = self.recovery.house.portfolio.state_dir.join(place).read_dir_utf8();
        let entries = entries.into_iter().flatten().flatten();
        entries.filter(|entry| self.is_unknown(entry.file_name())).map(|entry| (place, entry.into_path())).collect()
    }

    fn is_unknown(&self, name: &str) -> bool {
        let name = name.strip_suffix(".gates").unwrap_or(name);
        let Some((rest, number)) = name.rsplit_once('.') else { return false };
        let (Some((issue, _)), Ok(number)) = (rest.rsplit_once('.'), number.parse::<u32>()) else { return false };
        let of_project = |name: &str| issue.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.recovery.house.projects.keys().any(|project| of_project(project.as_str()))
            && self.attempts.get(issue).is_none_or(|attempts| number > *attempts)
            && !self.state.live.contains_key(&AttemptId::from_text(name))
    }
}

fn aside(from: &Utf8Path, epoch: u64) -> Option<String> {
    let name = format!("{}.left-{epoch}", from.file_name()?);
    std::fs::rename(from, from.with_file_name(&name)).ok().map(|()| name)
}
