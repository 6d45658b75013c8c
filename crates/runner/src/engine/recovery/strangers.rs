//! What carries this installation's mark, and belongs to no attempt that runs.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use dayfly_core::{Fate, Found, State};

use crate::subprocess::{end_kept, is_kept};

use super::super::house::attempt_dir;
use super::super::probe::is_probe;
use super::{Last, Recovery};

impl Recovery<'_> {
    /// Ends keepers and processes of attempts that the ledger does not know as running. An engine that ended in order has
    /// left none, and looking into every process of the machine takes its time.
    pub(super) async fn strangers(&self, state: &State, last: &Last) -> Vec<Found> {
        if !last.under_way || !self.house.ground.is_there() {
            return Vec::new();
        }
        let known: BTreeSet<String> = state.live.keys().map(ToString::to_string).collect();
        let mut ended = BTreeSet::new();
        for (name, folder) in self.kept().into_iter().filter(|(name, _)| !known.contains(name)) {
            end_kept(&folder);
            ended.insert(name);
        }
        ended.extend(self.house.ground.kill_strangers(&self.house.tag, known).await);
        ended.retain(|name| !is_probe(name));
        ended.into_iter().map(|what| Found { what, fate: Fate::Ended, why: String::new() }).collect()
    }

    /// The attempts with a working copy and a keeper that lives.
    fn kept(&self) -> Vec<(String, Utf8PathBuf)> {
        let portfolio = &self.house.portfolio;
        let copies = portfolio.state_dir.join("work").read_dir_utf8().into_iter().flatten().flatten();
        let names = copies.map(|copy| copy.file_name().to_owned());
        let folders = names.map(|name| {
            let folder = attempt_dir(portfolio, &dayfly_core::AttemptId::from_text(name.clone()));
            (name, folder)
        });
        folders.filter(|(_, folder)| is_kept(folder)).collect()
    }
}
