//! `dayfly audit`: the proof that the ledger is whole, and what it holds.

use std::io::{BufWriter, Write as _};

use camino::Utf8PathBuf;
use dayfly_core::{
    Anchor, AttemptId, Event, EventKind, IssueRef, OpenedBy, Order, ProjectName, Record, Seq, Store as _, StoreError,
    Target, Tracker as _,
};
use dayfly_runner::Audit;
use jiff::Timestamp;

use crate::args::{AuditCommand, AuditFilter};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::github::Access;
use crate::orders::names;
use crate::output::Output;
use crate::plain::plain;
use crate::tables::{count, cut, one_line};

/// How many records are read at once.
const PAGE: usize = 1024;

/// A kind of event by its name.
pub(crate) fn event_kind(name: &str) -> Result<EventKind, String> {
    serde_json::from_value(name.into()).map_err(|err| err.to_string().replace("variant", "kind"))
}

pub(crate) async fn run(output: &Output, context: &Context, command: AuditCommand) -> Result<Exit, CliError> {
    let ledger = context.made_ledger()?;
    match command {
        AuditCommand::Verify { head } => verify(output, ledger, &head).await,
        AuditCommand::Show(filter) => show(output, context, &filter).await,
    }
}

async fn verify(output: &Output, ledger: Utf8PathBuf, heads: &[String]) -> Result<Exit, CliError> {
    let mut anchors = Vec::new();
    for head in heads {
        anchors.extend(anchors_of(head)?);
    }
    let audit = tokio::task::spawn_blocking(move || dayfly_runner::audit(&ledger, anchors)).await;
    let audit = audit.map_err(|err| CliError::environment("the ledger was not looked at").with_source(err))??;
    output.data(&audit, || verdict(&audit))?;
    Ok(if audit.is_whole() { Exit::Good } else { Exit::Trouble })
}

/// The place that is named, or those that a file names.
fn anchors_of(head: &str) -> Result<Vec<Anchor>, CliError> {
    let wrong = match head.parse::<Anchor>() {
        Ok(anchor) => return Ok(vec![anchor]),
        Err(wrong) => wrong,
    };
    let text = match std::fs::read_to_string(head) {
        Ok(text) => text,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Err(CliError::usage(wrong.to_string())),
        Err(err) => return Err(CliError::files(head, err)),
    };
    let found = Anchor::find(&text);
    if found.is_empty() {
        return Err(CliError::usage(format!("{head} names no place of a ledger"))
            .hint("a work log has one in its line `ledger`: `dayfly worklog`"));
    }
    Ok(found)
}

fn verdict(audit: &Audit) -> String {
    let records = count(usize::try_from(audit.records).unwrap_or(usize::MAX), "record");
    let head = format!("head {} {}\n", audit.head.seq().0, audit.head.hash());
    let Some(broken) = &audit.broken else {
        return match &audit.damage {
            None if audit.put_back.is_some() => {
                format!("{}{records}, each follows from the one before it\n{head}", back(audit))
            }
            None => format!("the ledger is whole: {records}, each follows from the one before it\n{head}"),
            Some(damage) => {
                format!("{records} {} in order, and the file is damaged: {damage}\n{head}{HELP}", are(audit.records))
            }
        };
    };
    format!("the ledger is broken: {broken}\n{records} before it {} in order\n{head}{HELP}", are(audit.records))
}

/// That a place is not one of the ledger's own because it was put back.
fn back(audit: &Audit) -> String {
    let Some(back) = &audit.put_back else { return String::new() };
    let at = back.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "the ledger was put back to record {} on {at}, which explains why it does not go through record {} as it is known\n\
         what helps: if you did that, take a new place from a new work log; if not, look who did\n",
        back.to,
        back.known.seq().0
    )
}

fn are(records: u64) -> &'static str {
    if records == 1 { "is" } else { "are" }
}

const HELP: &str =
    "what helps: `dayfly store restore FILE` puts a copy in its place; look first who or what changed it";

async fn show(output: &Output, context: &Context, filter: &AuditFilter) -> Result<Exit, CliError> {
    let wanted = Wanted::of(context, filter).await?;
    let Some(store) = context.read_store()? else { return Ok(Exit::Good) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut after, mut heard) = (Seq(0), false);
    // What is older may be in archives that are missing. Only a name must be looked for in all there is.
    let recent = filter.since.is_some() && !wanted.has_names();
    loop {
        let page = match recent {
            true => store.between(wanted.since, wanted.until).await?,
            false => store.read(after, PAGE).await?,
        };
        for record in &page {
            let event = record.event().map_err(|err| StoreError::Ledger(err.into()))?;
            if !wanted.names(&event) {
                continue;
            }
            heard = true;
            if !wanted.takes(record, &event) {
                continue;
            }
            if output.json {
                serde_json::to_writer(&mut out, record)?;
                out.write_all(b"\n")?;
            } else {
                writeln!(out, "{}", line(record, &event))?;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE && !recent => after = last.seq,
            _ => break,
        }
    }
    out.flush()?;
    if heard { Ok(Exit::Good) } else { wanted.is_known(context).await }
}

/// Which records are asked for.
struct Wanted<'a> {
    project: Option<ProjectName>,
    issue: Option<IssueRef>,
    attempt: Option<AttemptId>,
    kinds: &'a [EventKind],
    since: Timestamp,
    until: Timestamp,
}

impl<'a> Wanted<'a> {
    async fn of(context: &Context, filter: &'a AuditFilter) -> Result<Self, CliError> {
        let zone = context.config.portfolio.zone().unwrap_or_else(jiff::tz::TimeZone::system);
        // A project may have left the configuration, and its records have not left the ledger.
        let project = filter.project.as_deref().map(ProjectName::new).transpose();
        let issue = match &filter.issue {
            Some(issue) => Some(context.issue(issue).await?),
            None => None,
        };
        Ok(Self {
            project: project.map_err(|err| CliError::usage(err.to_string()))?,
            issue,
            attempt: filter.attempt.as_deref().map(AttemptId::from_text),
            kinds: &filter.kind,
            since: filter.since.map_or(Timestamp::MIN, |since| since.begin(&zone)),
            until: filter.until.map_or(Timestamp::MAX, |until| until.end(&zone)),
        })
    }

    fn has_names(&self) -> bool {
        self.attempt.is_some() || self.issue.is_some() || self.project.is_some()
    }

    /// Whether an event is about what is named.
    fn names(&self, event: &Event) -> bool {
        let about = About::of(event);
        self.attempt.as_ref().is_none_or(|attempt| about.attempts.contains(attempt))
            && self.issue.as_ref().is_none_or(|issue| about.issues.contains(issue))
            && self.project.as_ref().is_none_or(|project| {
                about.projects.contains(project) || about.issues.iter().any(|issue| issue.project == *project)
            })
    }

    fn takes(&self, record: &Record, event: &Event) -> bool {
        (self.since..self.until).contains(&record.at) && (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
    }

    /// Refuses names of which the ledger holds nothing, unless they are known otherwise.
    async fn is_known(&self, context: &Context) -> Result<Exit, CliError> {
        let nothing = |what: &dyn std::fmt::Display| CliError::usage(format!("the ledger holds nothing about {what}"));
        if let Some(attempt) = &self.attempt {
            return Err(nothing(attempt).hint("`dayfly why ISSUE` lists the attempts of an issue"));
        }
        if let Some(issue) = &self.issue {
            let seen = context.outside(Access::Read).await.tracker.issues(&issue.project).await;
            if !seen.is_ok_and(|seen| seen.iter().any(|seen| seen.id == issue.issue)) {
                return Err(nothing(issue).hint("`dayfly issue list` shows the issues there are"));
            }
        }
        let configured = &context.config.portfolio.projects;
        match &self.project {
            Some(project) if !configured.contains_key(project) => {
                Err(nothing(project).hint("`dayfly status` shows the projects"))
            }
            _ => Ok(Exit::Good),
        }
    }
}

/// What an event is about, by its own name or by its attempt's.
#[derive(Default)]
struct About {
    projects: Vec<ProjectName>,
    issues: Vec<IssueRef>,
    attempts: Vec<AttemptId>,
}

impl About {
    fn of(event: &Event) -> Self {
        let mut about = Self::default();
        about.issues.extend(event.issue().cloned());
        about.attempts.extend(event.attempt().cloned());
        match event {
            Event::Paused { what, .. } | Event::Resumed { what, .. } => {
                for target in what {
                    match target {
                        Target::Project(project) => about.projects.push(project.clone()),
                        Target::Issue(issue) => about.issues.push(issue.clone()),
                        _ => {}
                    }
                }
            }
            Event::Recovered { found } => {
                about.attempts.extend(found.iter().map(|found| AttemptId::from_text(&found.what)));
            }
            Event::Restored { in_doubt, .. } => about.attempts.extend(in_doubt.iter().cloned()),
            _ => {}
        }
        about.issues.extend(about.attempts.iter().filter_map(AttemptId::issue));
        about
    }
}

/// A record as a line for people.
fn line(record: &Record, event: &Event) -> String {
    let at = record.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let kind = serde_json::to_value(event.kind()).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    let about = match event {
        Event::Paused { what, .. } | Event::Resumed { what, .. } => Some(names(what)),
        _ => event.attempt().map(ToString::to_string).or_else(|| event.issue().map(ToString::to_string)),
    };
    let words = one_line(&words(event));
    let whole = matches!(event.kind(), EventKind::Recovered | EventKind::Restored) || order(event).is_some();
    let text = format!(
        "{:>6}  {at}  {:<16}  {:<24}  {}",
        record.seq.0,
        kind.unwrap_or_default(),
        about.unwrap_or_default(),
        if whole { words } else { cut(&words, 100) }
    );
    plain(text.trim_end())
}

/// The order of a person that an event is.
fn order(event: &Event) -> Option<&Order> {
    match event {
        Event::Halted { order }
        | Event::Lifted { order }
        | Event::Paused { order, .. }
        | Event::Resumed { order, .. }
        | Event::Cancelled { order, .. }
        | Event::DriftAccepted { order, .. }
        | Event::DriftSeen { order, .. } => Some(order),
        _ => None,
    }
}

/// What an event says, in a few words.
fn words(event: &Event) -> String {
    if let Some(Order { by, reason, .. }) = order(event) {
        return format!("by {by}: {reason}");
    }
    match event {
        Event::Recovered { found } => found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Event::Restored { replaced, in_doubt, .. } => {
            let replaced = replaced.as_ref().map(|at| format!(" in the place of one that had come to {}", at.seq().0));
            let doubt: Vec<String> = in_doubt.iter().map(ToString::to_string).collect();
            let doubt = if doubt.is_empty() { String::new() } else { format!("; in doubt: {}", doubt.join(", ")) };
            format!("a copy{}{doubt}", replaced.unwrap_or_default())
        }
        Event::ServiceDown { service, reason, .. } => format!("{service}: {reason}"),
        Event::ServiceBack { service } => service.to_string(),
        Event::EngineStarted { version } => format!("dayfly {version}"),
        Event::AttemptStarted { job, .. } => {
            let by = job.agent.as_ref().map_or("the engine", |agent| agent.as_str());
            format!("{} by {by}: {}", job.stage, job.title)
        }
        Event::AttemptSpawned { process, .. } => format!("process {}", process.pid),
        Event::AttemptEnded { outcome, effects, .. } => {
            let effects =
                if effects.is_empty() { String::new() } else { format!(", {}", count(effects.len(), "effect")) };
            format!("{}{effects}", outcome.end.word())
        }
        Event::CapacityLimited { limit } => format!("{}: {}", limit.key, limit.said),
        Event::CapacityOpened { key, by, .. } => match by {
            OpenedBy::Attempt(_) => format!("{key}, by an attempt"),
            _ => key.to_string(),
        },
        Event::CapacityProbed { end, .. } => end.word().to_owned(),
        Event::EffectDone { effect, adopted, .. } => {
            format!("{effect}{}", if *adopted { ", found done" } else { "" })
        }
        Event::EffectRefused { effect, reason, .. } | Event::EffectDelayed { effect, reason, .. } => {
            format!("{effect}: {reason}")
        }
        Event::Answered { by, .. } => format!("by {by}"),
        Event::PullSeen { pull, .. } => format!("pull request {}: {}", pull.number, pull.standing),
        Event::SentBack { stage, .. } => format!("to {stage}"),
        Event::Stopped { reason, .. } => reason.clone(),
        Event::Triaged { rule, why, .. } => format!("{rule}: {why}"),
        _ => String::new(),
    }
}
