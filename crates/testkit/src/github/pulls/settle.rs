//! What GitHub does by itself once something changed: queues, and merges that waited for the rules.

use super::sync::open_pulls;
use crate::github::deeds::At;
use crate::github::state::State;

/// More rounds than any test can need; a world that never comes to rest is a mistake here.
const ROUNDS: usize = 100;

impl State {
    /// Lets everything happen that now may.
    pub(crate) fn settle(&mut self, repo: u64) {
        for _ in 0..ROUNDS {
            if !self.settle_once(repo) {
                return;
            }
        }
    }

    /// Whether anything happened.
    fn settle_once(&mut self, repo: u64) -> bool {
        let Some(home) = self.repos.get(&repo) else { return false };
        let queues: Vec<String> = home.pulls.queues.keys().cloned().collect();
        if queues.iter().any(|branch| self.advance_queue(repo, branch)) {
            return true;
        }
        open_pulls(self, repo).into_iter().any(|number| self.auto_merge(At { repo, number }))
    }

    fn auto_merge(&mut self, at: At) -> bool {
        let Some(auto) = self.pull(at).and_then(|pull| pull.auto_merge.clone()) else { return false };
        if self.queue_entry(at).is_some() {
            return false;
        }
        // Whoever enabled it saw a head; later pushes are theirs to watch, as on GitHub.
        let wish = super::MergeWish { sha: None, ..auto.wish };
        let base = self.pull(at).map(|pull| pull.base.clone()).unwrap_or_default();
        if self.rules_of(&self.repos[&at.repo], &base).merge_queue {
            return self.enqueue(at, auto.by, &wish).is_ok();
        }
        self.merge_pull(at, auto.by, &wish).is_ok()
    }
}
