//! `dayfly drift`: where projects and their record have come apart, and who is to look.

use std::collections::BTreeMap;

use dayfly_core::{Ask, Baseline, Clock as _, DriftLook, ProjectName, Store};
use dayfly_runner::{DriftSources, Drifted, Migrations, SystemClock, look_for_drift};
use jiff::{SignedDuration, Timestamp};

use crate::args::{Accept, Drift, DriftCommand};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::github::Access;
use crate::orders::{give, person};
use crate::output::Output;

/// A look that saw the same as the one before is kept again after this long.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

pub(crate) async fn run(output: &Output, context: &Context, asked: Drift) -> Result<Exit, CliError> {
    match asked.command {
        Some(DriftCommand::Accept(Accept { project, because })) => {
            accept(output, context, project.as_deref(), &because).await
        }
        None => show(output, context, asked.project.as_deref()).await,
    }
}

async fn show(output: &Output, context: &Context, project: Option<&str>) -> Result<Exit, CliError> {
    let now = SystemClock.now();
    let seen = look(context, project, now).await?;
    let report = &seen.report;
    output.data(report, || report.to_text(&context.zone()))?;
    // What was found is shown even where the ledger cannot be written.
    keep(context, &seen, now).await?;
    Ok(if report.findings() == 0 { Exit::Good } else { Exit::Trouble })
}

async fn accept(output: &Output, context: &Context, project: Option<&str>, because: &str) -> Result<Exit, CliError> {
    let seen = look(context, project, SystemClock.now()).await?;
    let baselines = seen.baselines;
    give(context, because, Ask::AcceptDrift { baselines: baselines.clone(), first: false }).await?;
    output.data(&baselines, || {
        let line = |(name, baseline): (&ProjectName, &Baseline)| {
            let at = baseline.tip.as_ref().map(|tip| format!(" at {}", tip.short())).unwrap_or_default();
            let found = seen.report.projects.iter().find(|drift| drift.project == *name);
            let found = found.map_or(0, |drift| drift.findings.len());
            let unseen = found_unseen(&seen.report, name);
            format!("{name}: accepted as it stands{at}; findings that are settled by it: {found}{unseen}")
        };
        baselines.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Good)
}

/// What could not be looked at was not accepted either.
fn found_unseen(report: &dayfly_core::DriftReport, name: &ProjectName) -> String {
    let project = report.projects.iter().find(|drift| drift.project == *name);
    let kinds: Vec<&str> = project.iter().flat_map(|drift| drift.unseen.keys()).map(|kind| kind.word()).collect();
    if kinds.is_empty() { String::new() } else { format!("; not looked at: {}", kinds.join(", ")) }
}

async fn look(context: &Context, project: Option<&str>, now: Timestamp) -> Result<Drifted, CliError> {
    let portfolio = &context.config.portfolio;
    let projects: Vec<ProjectName> = match project {
        Some(name) => vec![context.project(Some(name))?],
        None => portfolio.projects.keys().cloned().collect(),
    };
    let store = context.read_store()?;
    let outside = context.outside(Access::Read).await;
    let migrations = Migrations::kept(crate::keeper::keeper()?, portfolio);
    let from = DriftSources {
        portfolio,
        store: store.as_ref().map(|store| store as &dyn Store),
        tracker: &outside.tracker,
        migrations: Some(&migrations),
        by: &person(),
    };
    Ok(look_for_drift(&from, &projects, now).await?)
}

/// Has the ledger keep what was seen: how a project stood when it was first looked at, and what was found where that is
/// news.
async fn keep(context: &Context, seen: &Drifted, now: Timestamp) -> Result<(), CliError> {
    let first = seen.report.projects.iter().filter(|drift| drift.first).map(|drift| &drift.project);
    let baselines: BTreeMap<ProjectName, Baseline> =
        first.filter_map(|name| Some((name.clone(), seen.baselines.get(name)?.clone()))).collect();
    if !baselines.is_empty() {
        give(context, "the first look", Ask::AcceptDrift { baselines, first: true }).await?;
    }
    let looks = seen
        .report
        .projects
        .iter()
        .map(|drift| (drift.project.clone(), drift.look(now, seen.tips.get(&drift.project).cloned())));
    let is_news = |(name, look): &(ProjectName, DriftLook)| {
        let last = seen.state.drift.get(name).and_then(|record| record.look.as_ref());
        !last.is_some_and(|last| last.is_like(look) && now.duration_since(last.at) < AGAIN)
    };
    let looks: BTreeMap<ProjectName, DriftLook> = looks.filter(is_news).collect();
    if !looks.is_empty() {
        give(context, "a look", Ask::KeepDrift { looks }).await?;
    }
    Ok(())
}
