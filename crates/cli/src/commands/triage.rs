//! `dayfly triage`: keeps issues in order, and starts nothing.

use dayfly_core::{Filter, Finding, IssueRef, ProjectName, TrackerWrite};
use dayfly_runner::{RunOptions, Summary, Until};
use serde::Serialize;

use crate::args::Scope;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, cut};

use super::run::work;

/// What would be written.
#[derive(Debug, Serialize)]
struct Wanted {
    project: ProjectName,
    #[serde(flatten)]
    finding: Finding,
}

pub(crate) async fn run(output: &Output, context: &Context, scope: &Scope, dry: bool) -> Result<Exit, CliError> {
    let filter = context.filter(scope).await?;
    if dry {
        return show(output, context, filter).await;
    }
    let summary = work(output, context, RunOptions { until: Until::Triage, filter }, false).await?;
    output.data(&summary, || text(&summary))?;
    let trouble = !(summary.put_off.is_empty() && summary.unread.is_empty() && summary.failed.is_empty());
    Ok(match trouble {
        _ if summary.stopped => Exit::Interrupted,
        true => Exit::Trouble,
        false => Exit::Good,
    })
}

async fn show(output: &Output, context: &Context, filter: Filter) -> Result<Exit, CliError> {
    let overview = context.overview(filter).await?;
    let found: Vec<Wanted> =
        overview.input().findings().into_iter().map(|(project, finding)| Wanted { project, finding }).collect();
    let faults: Vec<String> = overview
        .views
        .iter()
        .filter_map(|(project, view)| Some(format!("project {project} cannot be read: {}", view.fault.as_ref()?)))
        .collect();
    output.data(&found, || {
        let rows = found.iter().map(|wanted| {
            let writes: Vec<String> = wanted.finding.writes.iter().map(words).collect();
            vec![
                IssueRef::new(wanted.project.clone(), wanted.finding.issue.clone()).to_string(),
                wanted.finding.rule.to_owned(),
                cut(&wanted.finding.why, 70),
                writes.join("; "),
            ]
        });
        let rows: Vec<_> = rows.collect();
        match (rows.is_empty(), faults.is_empty()) {
            (false, _) => columns(&rows),
            (true, true) => "All issues are in order; nothing would be written.\n".into(),
            (true, false) => "Nothing would be written.\n".into(),
        }
    })?;
    for fault in &faults {
        output.say(fault);
    }
    Ok(if faults.is_empty() { Exit::Good } else { Exit::Trouble })
}

/// A write in a few words.
fn words(write: &TrackerWrite) -> String {
    match write {
        TrackerWrite::Comment { body, .. } => format!("comment: {}", cut(body, 40)),
        TrackerWrite::Sticky { topic, .. } => format!("keep a comment about {topic}"),
        TrackerWrite::Labels { add, remove, .. } => {
            let add = add.iter().map(|label| format!("+{label}"));
            add.chain(remove.iter().map(|label| format!("-{label}"))).collect::<Vec<_>>().join(" ")
        }
        TrackerWrite::State { state, .. } => format!("state: {state:?}").to_lowercase(),
        TrackerWrite::Create(new) => format!("new issue: {}", cut(&new.title, 40)),
        TrackerWrite::Duplicate { of, .. } => format!("close as a duplicate of #{of}"),
        TrackerWrite::BlockedBy { by, .. } => {
            format!("blocked by {}", by.iter().map(|id| format!("#{id}")).collect::<Vec<_>>().join(", "))
        }
        TrackerWrite::SetMilestone { milestone, .. } => {
            milestone.as_ref().map_or("no milestone".into(), |title| format!("milestone {title}"))
        }
        TrackerWrite::Milestone { title, state, .. } => format!("milestone {title}: {state:?}").to_lowercase(),
    }
}

fn text(summary: &Summary) -> String {
    let rows: Vec<_> = summary
        .triaged
        .iter()
        .map(|line| vec![line.issue.to_string(), line.rule.clone(), cut(&line.why, 90)])
        .collect();
    let calm = summary.unread.is_empty() && summary.put_off.is_empty() && summary.failed.is_empty() && !summary.stopped;
    let mut text = if rows.is_empty() && calm { "All issues are in order.\n".to_owned() } else { columns(&rows) };
    for (project, reason) in &summary.unread {
        text.push_str(&format!("nothing done for project {project}: {reason}\n"));
    }
    for (issue, reason) in &summary.put_off {
        text.push_str(&format!("put off: {issue}: {reason}\n"));
    }
    text
}
