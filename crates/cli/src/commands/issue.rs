//! `dayfly issue`: issues, as people write and read them.

use std::io::Read as _;

use dayfly_core::{
    Ask, Clock as _, Filter, Issue, IssueRef, NewIssue, Phase, ProjectName, Target, Tracker as _, TrackerKind,
    TrackerState, TrackerWrite, why,
};
use dayfly_github::GitHub;
use dayfly_runner::{MarkdownTracker, Overview, Past, SystemClock};

use crate::args::IssueCommand;
use crate::context::{Context, issues_of, no_issue};
use crate::error::{CliError, Exit};
use crate::github::{self, Access};
use crate::orders::give;
use crate::output::Output;
use crate::tables::{columns, cut, one_line};

pub(crate) async fn run(output: &Output, context: &Context, command: IssueCommand) -> Result<Exit, CliError> {
    match command {
        IssueCommand::New { project, title, body, label, milestone } => {
            let project = context.project(project.as_deref())?;
            if title.trim().is_empty() || title.contains('\n') {
                return Err(CliError::usage("the title must be one line that is not empty"));
            }
            let new = NewIssue { title, body: text(body)?, labels: label, milestone, ..NewIssue::default() };
            create(output, context, &project, &new).await?;
        }
        IssueCommand::List { project, all } => list(output, context, project.as_deref(), all).await?,
        IssueCommand::Show { issue } => show(output, context, &context.issue(&issue).await?).await?,
        IssueCommand::Answer { issue, text: answer } => {
            let issue = context.issue(&issue).await?;
            reply(output, context, &issue, &text(answer)?).await?;
        }
        IssueCommand::Retry { issues } => {
            let mut named = Vec::new();
            for issue in issues {
                named.push(context.issue(&issue).await?);
            }
            retry(output, context, &named).await?;
        }
    }
    Ok(Exit::Good)
}

/// Answers the question of an issue, if it has one.
async fn reply(output: &Output, context: &Context, issue: &IssueRef, answer: &str) -> Result<(), CliError> {
    if answer.trim().is_empty() {
        return Err(CliError::usage("the answer is empty"));
    }
    let (overview, found) = look(context, issue).await?;
    let labels = &context.config.portfolio.labels;
    let asked = match overview.state.issues.get(issue).map(|known| &known.phase) {
        Some(phase) => matches!(phase, Phase::Asked { .. }),
        // The ledger may be gone while the tracker still shows the question.
        None => found.has_label(&labels.needs_clarification),
    };
    if !asked {
        return Err(stands(&overview, issue, "has asked nothing"));
    }
    let author = match home(context, &issue.project).await? {
        Home::Files(files) => {
            let (author, at) = (author(), SystemClock.now());
            files.comment_as(&issue.project, &issue.issue, &author, answer, at).await?;
            author
        }
        Home::GitHub(on) => {
            github::tracker(&context.config.portfolio, on.clone())
                .comment_as_person(&issue.project, &issue.issue, answer)
                .await?;
            on.identity().await.map(|own| own.login.clone()).unwrap_or_default()
        }
    };
    if !overview.state.issues.contains_key(issue) {
        release(context, issue, &[labels.needs_clarification.as_str()]).await?;
    }
    output.data(&serde_json::json!({ "issue": issue, "author": author }), || {
        format!("{issue}: answered as {author}; the next `dayfly run` goes on with it")
    })
}

/// Takes the labels away that hold issues. All are looked at before any is changed.
async fn retry(output: &Output, context: &Context, issues: &[IssueRef]) -> Result<(), CliError> {
    let labels = &context.config.portfolio.labels;
    let mut unlabelled = Vec::new();
    let holding = [labels.human_needed.as_str(), &labels.blocked, &labels.needs_clarification];
    for issue in issues {
        let (overview, found) = look(context, issue).await?;
        let known = overview.state.issues.get(issue);
        if known.is_some_and(|known| known.unlabelled) {
            unlabelled.push(Target::Issue(issue.clone()));
        }
        let waits = match known.map(|known| &known.phase) {
            Some(Phase::Asked { .. } | Phase::Split { .. }) => false,
            Some(Phase::Blocked { .. }) if known.is_some_and(|known| known.unlabelled) => true,
            _ => holding.iter().any(|label| found.has_label(label)),
        };
        if !waits {
            return Err(stands(&overview, issue, "carries no label that holds it"));
        }
    }
    for issue in issues {
        release(context, issue, &holding).await?;
    }
    // No label tells of these, and none that is gone can lift what holds them.
    if !unlabelled.is_empty() {
        give(context, "it goes on", Ask::Resume { what: unlabelled }).await?;
    }
    let names: Vec<String> = issues.iter().map(ToString::to_string).collect();
    output.data(&serde_json::json!({ "issues": issues }), || {
        format!("{}: the next `dayfly run` goes on", names.join(", "))
    })
}

async fn look(context: &Context, issue: &IssueRef) -> Result<(Overview, Issue), CliError> {
    let overview = context.overview_of(Filter::default(), &Past::Issue(issue.clone())).await?;
    let view = overview.views.get(&issue.project);
    if let Some(fault) = view.and_then(|v| v.fault.as_ref()) {
        return Err(CliError::environment(format!("the issues of {} cannot be read: {fault}", issue.project)));
    }
    let found = view.and_then(|v| v.issues.iter().find(|i| i.id == issue.issue)).cloned();
    let found = found.ok_or_else(|| no_issue(issue))?;
    Ok((overview, found))
}

/// Refuses, and says where the issue stands instead.
fn stands(overview: &Overview, issue: &IssueRef, what: &str) -> CliError {
    let report = why(&overview.input(), &overview.plan, &overview.past, issue).ok().flatten();
    let err = CliError::usage(match &report {
        Some(report) => format!("{issue} {what}: {}", report.verdict),
        None => format!("{issue} {what}"),
    });
    match report.and_then(|r| r.remedy) {
        Some(remedy) => err.hint(remedy),
        None => err.hint(format!("`dayfly why {issue}` says where it stands")),
    }
}

async fn release(context: &Context, issue: &IssueRef, labels: &[&str]) -> Result<(), CliError> {
    let remove = labels.iter().map(|&l| l.to_owned()).collect();
    let write = TrackerWrite::Labels { issue: issue.issue.clone(), add: vec![], remove };
    context.outside(Access::Read).await.tracker.apply(&issue.project, "", &write).await?;
    Ok(())
}

/// Where a person writes an issue of a project.
enum Home {
    Files(MarkdownTracker),
    GitHub(GitHub),
}

async fn home(context: &Context, project: &ProjectName) -> Result<Home, CliError> {
    let kind = context.config.portfolio.projects.get(project).map(|project| project.tracker).unwrap_or_default();
    if kind == TrackerKind::Markdown {
        return Ok(Home::Files(context.files()));
    }
    let on = github::connect(&context.config.portfolio, Access::Read).await;
    on.map(Home::GitHub).map_err(|why| CliError::environment(why.to_string()))
}

/// A text of the command line, or standard input for `-`.
fn text(argument: String) -> Result<String, CliError> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|err| CliError::files("standard input", err))?;
    Ok(text)
}

/// The name under which a person writes here.
fn author() -> String {
    crate::orders::person()
}

async fn create(output: &Output, context: &Context, project: &ProjectName, new: &NewIssue) -> Result<(), CliError> {
    let (issue, path) = match home(context, project).await? {
        Home::Files(files) => {
            let issue = IssueRef::new(project.clone(), files.create(project, &author(), new).await?);
            let path = files.path_of(&issue.project, &issue.issue).await?.into_string();
            (issue, path)
        }
        Home::GitHub(on) => {
            let tracker = github::tracker(&context.config.portfolio, on);
            let id = tracker.create_as_person(project, new).await?;
            let found = tracker.issues(project).await?.into_iter().find(|i| i.id == id);
            (IssueRef::new(project.clone(), id), found.and_then(|i| i.facts.url).unwrap_or_default())
        }
    };
    let facts = serde_json::json!({ "issue": issue, "path": path });
    output.data(&facts, || format!("{issue}  {path}"))
}

async fn list(output: &Output, context: &Context, project: Option<&str>, all: bool) -> Result<(), CliError> {
    let only = project.map(|p| context.project(Some(p))).transpose()?;
    let tracker = context.outside(Access::Read).await.tracker;
    let mut found: Vec<(IssueRef, Issue)> = Vec::new();
    let mut faults = Vec::new();
    let asked = context.config.portfolio.projects.keys().filter(|p| only.as_ref().is_none_or(|o| o == *p));
    for (project, issues) in issues_of(&tracker, asked).await {
        let issues = match issues {
            Ok(issues) => issues,
            Err(err) => {
                faults.push(err);
                continue;
            }
        };
        let wanted = issues.into_iter().filter(|i| all || i.state == TrackerState::Open);
        found.extend(wanted.map(|i| (IssueRef::new(project.clone(), i.id.clone()), i)));
    }
    let json: Vec<_> = found.iter().map(|(issue, i)| serde_json::json!({ "issue": issue, "content": i })).collect();
    output.data(&json, || {
        if found.is_empty() && faults.is_empty() {
            return "There is no open issue. `dayfly issue new TITLE` writes one.".into();
        }
        let rows = found.iter().map(|(issue, i)| {
            let state = if i.state == TrackerState::Open { "open" } else { "closed" };
            let milestone = i.milestone.clone().unwrap_or_default();
            vec![issue.to_string(), state.to_owned(), cut(&i.title, 60), i.labels.join(", "), milestone]
        });
        columns(&rows.collect::<Vec<_>>())
    })?;
    let mut faults = faults.into_iter();
    let Some(first) = faults.next() else { return Ok(()) };
    Err(faults.fold(CliError::from(first), |err, other| err.hint(other.to_string())))
}

async fn show(output: &Output, context: &Context, issue: &IssueRef) -> Result<(), CliError> {
    let issues = context.outside(Access::Read).await.tracker.issues(&issue.project).await?;
    let found = issues.iter().find(|i| i.id == issue.issue).ok_or_else(|| no_issue(issue))?;
    let path = match &found.facts.url {
        Some(url) => url.clone(),
        None => context.files().path_of(&issue.project, &issue.issue).await?.into_string(),
    };
    output.data(&found, || {
        let state = if found.state == TrackerState::Open { "open" } else { "closed" };
        let facts: Vec<&str> = [state].into_iter().chain(found.labels.iter().map(String::as_str)).collect();
        let mut text = format!("{issue} {}\n{}\n{path}\n", one_line(&found.title), facts.join(", "));
        if !found.body.trim().is_empty() {
            text.push_str(&format!("\n{}\n", found.body.trim()));
        }
        for comment in &found.comments {
            let at = comment.at.map(|at| format!(", {at}")).unwrap_or_default();
            text.push_str(&format!("\n-- {}{at}\n{}\n", comment.author.name, comment.body.trim()));
        }
        text
    })
}
