//! Looking for drift: what stands outside is read, and held against the ledger. Nothing is written.

mod migrations;
mod moved;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dayfly_core::{
    Account, Baseline, BranchSeen, Commit, DriftInput, DriftKind, DriftRecord, DriftReport, Event, GatePolicy, Issue,
    IssueRef, Looked, Next, Phase, Portfolio, Project, ProjectDrift, ProjectName, Record, Seq, Service, State,
    StateError, Store, StoreError, Tracker, Verdict, baseline_of, drift,
};
use futures_util::stream::{self, StreamExt as _};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::Timestamp;

use crate::engine::git_dir;
use crate::git::{Git, GitError, Walked};

pub use migrations::Migrations;
pub use moved::moved_since;

/// The most commits of a branch that are looked at.
const MOST_COMMITS: usize = 2000;

/// The most commits whose changes are compared with those that were handed over.
const MOST_COMPARED: usize = 100;

/// The most projects that are looked at together.
const TOGETHER: usize = 8;

/// How long a look waits for a tracker.
const LOOK: Duration = Duration::from_secs(60);

/// Where drift is looked for.
#[derive(Debug)]
pub struct DriftSources<'a> {
    /// The configuration.
    pub portfolio: &'a Portfolio,
    /// The ledger; `None` before the first run.
    pub store: Option<&'a dyn Store>,
    /// The issues.
    pub tracker: &'a dyn Tracker,
    /// What runs the projects' commands that check their migrations; without it they are not run.
    pub migrations: Option<&'a Migrations>,
    /// Who looks.
    pub by: &'a str,
}

/// What was seen.
#[derive(Debug)]
pub struct Drifted {
    /// The report.
    pub report: DriftReport,
    /// How the projects stand, to be accepted.
    pub baselines: BTreeMap<ProjectName, Baseline>,
    /// Where their base branches stand, as far as that was seen.
    pub tips: BTreeMap<ProjectName, Commit>,
    /// The state that they were held against.
    pub state: State,
}

/// Holds projects against their record. One that was never looked at is held against how it stands.
///
/// # Errors
/// If the store does not serve. What else could not be looked at is named in the report.
pub async fn look_for_drift(
    from: &DriftSources<'_>,
    projects: &[ProjectName],
    now: Timestamp,
) -> Result<Drifted, StoreError> {
    let state = match from.store {
        Some(store) => store.load().await?,
        None => State::default(),
    };
    let since = projects.iter().filter_map(|name| state.drift.get(name)).map(|record| record.baseline.at).min();
    let records = match (from.store, since) {
        (Some(store), Some(since)) => records(store, &state, since).await?,
        _ => Vec::new(),
    };
    let account = Account::of(&records).map_err(StateError::from)?;
    let wanted = projects.iter().filter_map(|name| from.portfolio.projects.get(name));
    let looks = stream::iter(wanted.map(|project| one(from, project, (&state, &account), now)));
    let mut seen: Vec<One> = looks.buffer_unordered(TOGETHER).collect().await;
    seen.sort_by(|a, b| a.drift.project.cmp(&b.drift.project));
    let named = |one: &One| one.drift.project.clone();
    Ok(Drifted {
        baselines: seen.iter().map(|one| (named(one), one.baseline.clone())).collect(),
        tips: seen.iter().filter_map(|one| Some((named(one), one.tip.clone()?))).collect(),
        report: DriftReport { version: 1, at: now, projects: seen.into_iter().map(|one| one.drift).collect() },
        state,
    })
}

/// What happened since, and all about the issues whose change came onto a branch since or may have: it was made before.
async fn records(store: &dyn Store, state: &State, since: Timestamp) -> Result<Vec<Record>, StoreError> {
    let mut all: BTreeMap<Seq, Record> = store.since(since).await?.into_iter().map(|r| (r.seq, r)).collect();
    let handed = state.issues.iter().filter(|(_, known)| matches!(known.phase, Phase::Handed { .. }));
    let mut about: BTreeSet<IssueRef> = handed.map(|(issue, _)| issue.clone()).collect();
    let mut made: BTreeSet<Commit> = BTreeSet::new();
    for record in all.values() {
        match record.event().map_err(StateError::from)? {
            Event::AttemptEnded { next: Next::Land { to, .. }, .. } => drop(made.insert(to)),
            Event::EffectDone { issue, landed: Some(to), .. } if !made.contains(&to) => drop(about.insert(issue)),
            Event::Merged { issue, .. } => drop(about.insert(issue)),
            _ => {}
        }
    }
    for issue in about {
        all.extend(store.about(&issue).await?.into_iter().map(|record| (record.seq, record)));
    }
    Ok(all.into_values().collect())
}

/// One project, as it was seen.
struct One {
    drift: ProjectDrift,
    baseline: Baseline,
    tip: Option<Commit>,
}

async fn one(from: &DriftSources<'_>, project: &Project, (state, account): (&State, &Account), now: Timestamp) -> One {
    let known = state.drift.get(&project.name);
    let first = known.is_none();
    let record = known.cloned().unwrap_or_else(|| unknown(from, project, now));
    let issues = issues(from, project).await;
    let branch = branch(from.portfolio, project, &record, account).await;
    let tip = branch.as_ref().ok().map(|seen| seen.tip.clone());
    let migrations = migrations(from, project, tip.as_ref()).await;
    let issues = issues.as_deref().map_err(Clone::clone);
    let input =
        DriftInput { portfolio: from.portfolio, project, record: &record, account, state, branch, issues, migrations };
    let mut baseline = baseline_of(&input, now);
    let mut drift = drift(&input);
    if first {
        // What was there before anybody looked is how it is.
        drift.findings.retain(|finding| finding.kind == DriftKind::Migrations);
        drift.first = true;
        // A check of migrations has a record of its own: that is not accepted unasked.
        for finding in &drift.findings {
            baseline.accepted.remove(&finding.key());
        }
    }
    One { drift, baseline, tip }
}

/// What a project is held against that nobody has looked at.
fn unknown(from: &DriftSources<'_>, project: &Project, now: Timestamp) -> DriftRecord {
    let policy = GatePolicy::of(from.portfolio, project);
    let baseline = Baseline { at: now, tip: None, policy, pinned: BTreeMap::new(), accepted: BTreeSet::new() };
    DriftRecord { baseline, by: from.by.to_owned(), reason: String::new(), look: None, expected: None }
}

async fn issues(from: &DriftSources<'_>, project: &Project) -> Looked<Vec<Issue>> {
    let limit = Service::of_issues(&project.name, from.portfolio).reading_deadline().min(LOOK);
    match tokio::time::timeout(limit, from.tracker.issues(&project.name)).await {
        Ok(read) => read.map_err(|err| told(&err)),
        Err(_) => Err(format!("its tracker did not answer within {} s", limit.as_secs())),
    }
}

async fn migrations(from: &DriftSources<'_>, project: &Project, tip: Option<&Commit>) -> Option<Looked<Verdict>> {
    let check = project.migrations.as_ref()?;
    Some(match (from.migrations, tip) {
        (None, _) => Err("its command is not run here".to_owned()),
        (_, None) => Err("there is no commit to run its command on".to_owned()),
        (Some(runs), Some(tip)) => runs.check(from.portfolio, project, check, tip).await,
    })
}

/// An error with its causes, in one line.
fn told(err: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(err.source(), |err| err.source());
    causes.fold(err.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn branch(
    portfolio: &Portfolio,
    project: &Project,
    record: &DriftRecord,
    account: &Account,
) -> Looked<BranchSeen> {
    if !project.repository {
        return Err("a plain folder has no history".into());
    }
    let (git, name) = match &project.forge {
        Some(_) => (git_dir(portfolio, &project.name), format!("refs/dayfly/remote/{}", project.base)),
        None => (project.path.clone(), format!("refs/heads/{}", project.base)),
    };
    let git = Git::open(&git).await.map_err(|err| match &project.forge {
        Some(_) => "no engine has fetched it yet; `dayfly run` does".to_owned(),
        None => told(&err),
    })?;
    let tip = git.resolve(&name).await.map_err(|err| told(&err))?;
    let tip = tip.ok_or_else(|| match &project.forge {
        Some(_) => "no engine has fetched it yet; `dayfly run` does".to_owned(),
        None => format!("there is no branch `{}`", project.base),
    })?;
    let mut seen = seen(portfolio, &git, (record, account, &project.name), tip).await.map_err(|err| told(&err))?;
    let work = match Git::open(&git_dir(portfolio, &project.name)).await {
        Ok(work) => work,
        // Nothing was made there yet.
        Err(_) => git,
    };
    compare(&work, account, &project.name, &mut seen).await;
    Ok(seen)
}

async fn seen(
    portfolio: &Portfolio,
    git: &Git,
    (record, account, project): (&DriftRecord, &Account, &ProjectName),
    tip: Commit,
) -> Result<BranchSeen, GitError> {
    let mut seen = BranchSeen {
        pinned: pinned(portfolio, git, &tip).await?,
        tip,
        commits: Vec::new(),
        more: false,
        holds_baseline: true,
        knows_baseline: true,
        gone: Vec::new(),
    };
    let Some(before) = &record.baseline.tip else { return Ok(seen) };
    seen.knows_baseline = git.resolve(&before.0).await?.is_some();
    seen.holds_baseline = seen.knows_baseline && git.is_ancestor(before, &seen.tip).await?;
    if *before != seen.tip && seen.knows_baseline {
        let history = git.history(Walked { after: before, tip: &seen.tip, most: MOST_COMMITS }).await?;
        (seen.commits, seen.more) = (history.commits, history.more);
    }
    let since = |reach: &&dayfly_core::Reach| {
        reach.issue.project == *project && reach.landed.is_some_and(|at| at >= record.baseline.at)
    };
    for reach in account.reaches.iter().filter(since) {
        let walked = reach.to == *before || seen.commits.iter().any(|commit| commit.commit == reach.to);
        let there =
            walked || (git.resolve(&reach.to.0).await?.is_some() && git.is_ancestor(&reach.to, &seen.tip).await?);
        if !there {
            seen.gone.push(reach.to.clone());
        }
    }
    Ok(seen)
}

async fn pinned(portfolio: &Portfolio, git: &Git, tip: &Commit) -> Result<BTreeMap<String, String>, GitError> {
    if portfolio.drift.pinned.is_empty() {
        return Ok(BTreeMap::new());
    }
    let globs = globs(&portfolio.drift.pinned);
    let all = git.contents_at(tip).await?;
    Ok(all.into_iter().filter(|(path, _)| globs.is_match(path)).collect())
}

fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in patterns.iter().filter_map(|pattern| GlobBuilder::new(pattern).case_insensitive(true).build().ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

/// Finds commits that make the change of one that was handed over, as a forge does when it squashes or rebases. Whatever
/// cannot be compared stays unaccounted for: a person is told of it, and no drift is hidden.
async fn compare(work: &Git, account: &Account, project: &ProjectName, seen: &mut BranchSeen) {
    let own: BTreeSet<Commit> = account.covers(&seen.commits).into_iter().cloned().collect();
    let handed = account.reaches.iter().filter(|reach| reach.issue.project == *project && reach.landed.is_none());
    let handed: Vec<_> = handed.filter_map(|reach| Some((reach.from.as_ref()?, &reach.to))).collect();
    if handed.is_empty() || seen.commits.iter().all(|commit| own.contains(&commit.commit)) {
        return;
    }
    let mut changes = BTreeSet::new();
    for (from, to) in handed.into_iter().rev().take(MOST_COMPARED) {
        if let Ok(made) = work.changes(from, to, MOST_COMPARED).await {
            changes.extend(made);
        }
    }
    let open = seen.commits.iter_mut().filter(|commit| !own.contains(&commit.commit)).take(MOST_COMPARED);
    for commit in open {
        let [parent] = commit.parents.as_slice() else { continue };
        if let Ok(Some(change)) = work.change(parent, &commit.commit).await {
            commit.same_change = changes.contains(&change);
        }
    }
}

#[cfg(test)]
mod tests;
