//! `dayfly issue`: issues of the Markdown tracker.

use std::io::Read as _;

use dayfly_core::{Clock as _, Issue, IssueRef, NewIssue, ProjectName, Tracker as _, TrackerState};
use dayfly_runner::SystemClock;

use crate::args::IssueCommand;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, cut};

pub(crate) async fn run(output: &Output, context: &Context, command: IssueCommand) -> Result<Exit, CliError> {
    match command {
        IssueCommand::New { project, title, body, label, milestone } => {
            let project = context.project(project.as_deref())?;
            if title.trim().is_empty() || title.contains('\n') {
                return Err(CliError::usage("the title must be one line that is not empty"));
            }
            let new = NewIssue { title, body: text(body)?, labels: label, milestone, parent: None };
            create(output, context, &project, &new).await?;
        }
        IssueCommand::List { project, all } => list(output, context, project.as_deref(), all).await?,
        IssueCommand::Show { issue } => show(output, context, &context.issue(&issue).await?).await?,
        IssueCommand::Answer { issue, text: answer } => {
            let issue = context.issue(&issue).await?;
            let (author, at) = (author(), SystemClock.now());
            let answer = text(answer)?;
            context.tracker().comment_as(&issue.project, &issue.issue, &author, &answer, at).await?;
            output.say(&format!("{issue}: answered as {author}; the next `dayfly run` goes on with it"));
        }
    }
    Ok(Exit::Good)
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
    ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "you".into())
}

async fn create(output: &Output, context: &Context, project: &ProjectName, new: &NewIssue) -> Result<(), CliError> {
    let tracker = context.tracker();
    let id = tracker.create(project, &author(), new).await?;
    let issue = IssueRef::new(project.clone(), id);
    let path = tracker.path_of(&issue.project, &issue.issue).await?;
    let facts = serde_json::json!({ "issue": issue, "path": path });
    output.data(&facts, || format!("{issue}  {path}"))
}

async fn list(output: &Output, context: &Context, project: Option<&str>, all: bool) -> Result<(), CliError> {
    let only = project.map(|p| context.project(Some(p))).transpose()?;
    let tracker = context.tracker();
    let mut found: Vec<(IssueRef, Issue)> = Vec::new();
    for project in context.config.portfolio.projects.keys().filter(|p| only.as_ref().is_none_or(|o| o == *p)) {
        let issues = tracker.issues(project).await?;
        let wanted = issues.into_iter().filter(|i| all || i.state == TrackerState::Open);
        found.extend(wanted.map(|i| (IssueRef::new(project.clone(), i.id.clone()), i)));
    }
    let json: Vec<_> = found.iter().map(|(issue, i)| serde_json::json!({ "issue": issue, "content": i })).collect();
    output.data(&json, || {
        if found.is_empty() {
            return "There is no open issue. `dayfly issue new TITLE` writes one.".into();
        }
        let rows = found.iter().map(|(issue, i)| {
            let state = if i.state == TrackerState::Open { "open" } else { "closed" };
            let milestone = i.milestone.clone().unwrap_or_default();
            vec![issue.to_string(), state.to_owned(), cut(&i.title, 60), i.labels.join(", "), milestone]
        });
        columns(&rows.collect::<Vec<_>>())
    })
}

async fn show(output: &Output, context: &Context, issue: &IssueRef) -> Result<(), CliError> {
    let tracker = context.tracker();
    let issues = tracker.issues(&issue.project).await?;
    let Some(found) = issues.iter().find(|i| i.id == issue.issue) else {
        return Err(
            CliError::usage(format!("there is no issue {issue}")).hint("`dayfly issue list` shows those there are")
        );
    };
    let path = tracker.path_of(&issue.project, &issue.issue).await?;
    output.data(&found, || {
        let state = if found.state == TrackerState::Open { "open" } else { "closed" };
        let facts: Vec<&str> = [state].into_iter().chain(found.labels.iter().map(String::as_str)).collect();
        let mut text = format!("{issue} {}\n{}\n{path}\n", found.title, facts.join(", "));
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
