//! Check runs and statuses of commits.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::github::state::{Repo, State};

/// Where a check is, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It waits for a machine.
    Queued,
    /// It runs.
    InProgress,
    /// It went well.
    Success,
    /// It went wrong.
    Failure,
    /// It says neither, and is in nobody's way.
    Neutral,
    /// Somebody stopped it.
    Cancelled,
    /// It was not needed, and is in nobody's way.
    Skipped,
    /// It took too long.
    TimedOut,
    /// Somebody must do something first.
    ActionRequired,
}

impl CheckState {
    /// The words for its status and its conclusion.
    pub(crate) fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Queued => ("queued", None),
            Self::InProgress => ("in_progress", None),
            Self::Success => ("completed", Some("success")),
            Self::Failure => ("completed", Some("failure")),
            Self::Neutral => ("completed", Some("neutral")),
            Self::Cancelled => ("completed", Some("cancelled")),
            Self::Skipped => ("completed", Some("skipped")),
            Self::TimedOut => ("completed", Some("timed_out")),
            Self::ActionRequired => ("completed", Some("action_required")),
        }
    }

    /// The state that a status and a conclusion stand for.
    pub(crate) fn of(status: Option<&str>, conclusion: Option<&str>) -> Self {
        match (status, conclusion) {
            (_, Some("success")) => Self::Success,
            (_, Some("neutral")) => Self::Neutral,
            (_, Some("cancelled")) => Self::Cancelled,
            (_, Some("skipped")) => Self::Skipped,
            (_, Some("timed_out")) => Self::TimedOut,
            (_, Some("action_required")) => Self::ActionRequired,
            (_, Some(_)) => Self::Failure,
            (Some("in_progress"), None) => Self::InProgress,
            _ => Self::Queued,
        }
    }

    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Queued | Self::InProgress => Verdict::Pending,
            Self::Success | Self::Neutral | Self::Skipped => Verdict::Good,
            Self::Failure | Self::Cancelled | Self::TimedOut | Self::ActionRequired => Verdict::Bad,
        }
    }
}

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusState {
    /// It is not known yet.
    Pending,
    /// It went well.
    Success,
    /// It went wrong.
    Failure,
    /// It could not be found out.
    Error,
}

impl StatusState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Success, Self::Failure, Self::Error];
        all.into_iter().find(|state| state.word() == word)
    }

    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Pending => Verdict::Pending,
            Self::Success => Verdict::Good,
            Self::Failure | Self::Error => Verdict::Bad,
        }
    }
}

/// What a check says of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// The line.
    pub line: u64,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    /// What is said.
    pub message: String,
}

/// A check run.
#[derive(Debug, Clone)]
pub(crate) struct CheckRun {
    pub(crate) id: u64,
    pub(crate) sha: String,
    pub(crate) name: String,
    pub(crate) state: CheckState,
    pub(crate) app: Option<u64>,
    pub(crate) external_id: Option<String>,
    pub(crate) details_url: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) title: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) annotations: Vec<Annotation>,
    /// What its job printed, if it is one of Actions.
    pub(crate) log: Option<String>,
}

/// A status.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) sha: String,
    pub(crate) context: String,
    pub(crate) state: StatusState,
    pub(crate) description: Option<String>,
    pub(crate) target_url: Option<String>,
    pub(crate) creator: Option<u64>,
    pub(crate) at: Timestamp,
}

/// What checks and statuses come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Good,
    Pending,
    Bad,
}

/// The latest of each name for one commit, which is what counts.
#[derive(Debug, Clone)]
pub(crate) struct Rollup<'a> {
    pub(crate) checks: Vec<&'a CheckRun>,
    pub(crate) statuses: Vec<&'a Status>,
}

impl Rollup<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.statuses.is_empty()
    }

    /// What all of them come to; none if there are none.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let checks = self.checks.iter().map(|run| run.state.verdict());
        checks.chain(self.statuses.iter().map(|status| status.state.verdict())).max()
    }

    /// What the one of a name comes to; none if it has not been heard of.
    pub(crate) fn of(&self, name: &str) -> Option<Verdict> {
        let checks = self.checks.iter().filter(|run| run.name == name).map(|run| run.state.verdict());
        let statuses = self.statuses.iter().filter(|status| status.context == name);
        checks.chain(statuses.map(|status| status.state.verdict())).max()
    }
}

/// What is known of a commit.
pub(crate) fn rollup<'a>(repo: &'a Repo, sha: &str) -> Rollup<'a> {
    // Later ones have greater ids, and take the place of those before.
    let checks = repo.pulls.checks.values().filter(|run| run.sha == sha);
    let checks: BTreeMap<&str, &CheckRun> = checks.map(|run| (run.name.as_str(), run)).collect();
    let statuses = repo.pulls.statuses.iter().filter(|status| status.sha == sha);
    let statuses: BTreeMap<&str, &Status> = statuses.map(|status| (status.context.as_str(), status)).collect();
    Rollup { checks: checks.into_values().collect(), statuses: statuses.into_values().collect() }
}

impl State {
    /// Starts a check run of a name, as the newest one, and gives its id.
    pub(crate) fn add_check(&mut self, repo: u64, sha: &str, name: &str, app: Option<u64>) -> u64 {
        self.suite(repo, sha);
        let (id, now) = (self.next_id(), self.now());
        let run = CheckRun {
            id,
            sha: sha.to_owned(),
            name: name.to_owned(),
            state: CheckState::Queued,
            app,
            external_id: None,
            details_url: None,
            started_at: now,
            completed_at: None,
            title: None,
            summary: None,
            text: None,
            annotations: Vec::new(),
            log: None,
        };
        if let Some(repo) = self.repos.get_mut(&repo) {
            repo.pulls.checks.insert(id, run);
        }
        id
    }

    /// Says where a check run is. The run is changed by `more` in the same moment.
    pub(crate) fn set_check(&mut self, repo: u64, id: u64, state: CheckState, more: impl FnOnce(&mut CheckRun)) {
        let now = self.now();
        let run = self.repos.get_mut(&repo).and_then(|repo| repo.pulls.checks.get_mut(&id));
        let Some(run) = run else { return };
        run.state = state;
        run.completed_at = state.words().1.is_some().then_some(now);
        more(run);
        self.settle(repo);
    }

    /// The run that is told of a name: the newest one, or a new one if that has ended.
    pub(crate) fn check_of(&mut self, repo: u64, sha: &str, name: &str) -> u64 {
        let known = rollup(&self.repos[&repo], sha).checks.into_iter().find(|run| run.name == name);
        match known.filter(|run| run.completed_at.is_none()).map(|run| run.id) {
            Some(id) => id,
            None => self.add_check(repo, sha, name, None),
        }
    }

    /// Adds a status, which takes the place of an earlier one of its context.
    pub(crate) fn add_status(&mut self, repo: u64, status: Status) {
        if let Some(repo) = self.repos.get_mut(&repo) {
            repo.pulls.statuses.push(status);
        }
        self.settle(repo);
    }

    /// The check suite and the run of Actions of a commit.
    pub(crate) fn suite(&mut self, repo: u64, sha: &str) -> (u64, u64) {
        if let Some(known) = self.repos.get(&repo).and_then(|repo| repo.pulls.suites.get(sha)) {
            return *known;
        }
        let ids = (self.next_id(), self.next_id());
        if let Some(repo) = self.repos.get_mut(&repo) {
            repo.pulls.suites.insert(sha.to_owned(), ids);
        }
        ids
    }

    /// Starts the failed jobs of a run of Actions again; false if there is no such run.
    pub(crate) fn rerun_failed(&mut self, repo: u64, run: u64) -> bool {
        let home = &self.repos[&repo];
        let Some(sha) = home.pulls.suites.iter().find(|(_, ids)| ids.1 == run).map(|(sha, _)| sha.clone()) else {
            return false;
        };
        let failed = rollup(home, &sha).checks.into_iter().filter(|run| run.state.verdict() == Verdict::Bad);
        let names: Vec<String> = failed.map(|run| run.name.clone()).collect();
        for name in names {
            self.add_check(repo, &sha, &name, None);
        }
        true
    }
}
