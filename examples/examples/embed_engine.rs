//! Embeds the engine: a portfolio from text, issues, an agent, a listener, two runs, reports.
//!
//! The program makes a git repository with two issues, and has a shell script work on them. One change lands in
//! the first run. The other issue comes back with a question; the program answers it, and the second run, over the
//! same ledger, does the rest. Everything is in a temporary folder that is removed at the end.
//!
//! ```text
//! cargo run -p dayfly-examples --example embed_engine
//! ```
//!
//! It prints each step as it happens, the work log of the day, and the repository's history:
//!
//! ```text
//! app#2 triage starts: Paint the door
//! app.2.triage.1 ended: succeeded
//! app.2.triage.1 asks: Which colour?
//! ...
//! ada answers: green
//! ...
//! # Work log, 2026-03-01
//! ...
//! git log: Paint the door green | Greet the world | the beginning
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{Config, Event, Filter, IssueId, NewIssue, Next, ProjectName, SourceText, WorkLogQuery, work_log};
use dayfly_examples::{Failure, Scratch};
use dayfly_runner::{
    Engine, MarkdownTracker, Notice, Past, Progress, RunOptions, Sources, SqliteStore, StateLock, SystemClock, Until,
    overview_of,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

/// Plays a coding agent: it gets its prompt on standard input, works in its folder, and answers in one file.
const AGENT: &str = r#"
set -eu
prompt=$(cat)
title=$(printf '%s\n' "$prompt" | sed -n 's/^# //p')
answer=$(printf '%s\n' "$prompt" | sed -n '/^Comment by ada/,$p' | sed -n 2p)
case "$DAYFLY_STAGE $title $answer" in
'triage Paint the door ')
    effects='[{"ask": {"question": "Which colour?"}}]'
    echo '{"version": 1, "summary": "No colour is named.", "effects": '"$effects"'}' > "$DAYFLY_PROPOSAL" ;;
triage*)
    echo '{"version": 1, "summary": "Clear and small."}' > "$DAYFLY_PROPOSAL" ;;
exec*)
    echo "$title $answer" >> done.txt
    git add done.txt
    git commit --quiet --message "$title${answer:+ $answer}" ;;
esac
"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let agent = scratch.agent(AGENT)?;

    // 1. The portfolio. The path says from where relative paths are taken; no such file needs to be there.
    let text = format!(
        r#"
        version = 1
        pipeline = ["triage", "exec", "merge"]
        [agents.script]
        kind = "command"
        argv = ["sh", '{agent}']
        [projects.app]
        path = "app"
        "#
    );
    let source = SourceText::new(scratch.root().join("dayfly.toml"), text);
    let portfolio = Config::read(&source, &mut |file| Err(format!("{file} is not needed")))?.portfolio;

    // 2. The issues, as a person writes them.
    let app = ProjectName::new("app")?;
    let tracker = Arc::new(MarkdownTracker::new(portfolio.issues_dir.clone(), Arc::new(SystemClock)));
    for title in ["Greet the world", "Paint the door"] {
        let new = NewIssue {
            title: title.into(),
            body: String::new(),
            labels: vec![],
            milestone: None,
            parent: None,
            ..NewIssue::default()
        };
        tracker.create(&app, "ada", &new).await?;
    }

    // 3. The engine. The lock keeps a second one away from this ledger, and its tag marks our processes.
    let lock = StateLock::take(&portfolio.state_dir)?;
    let store = Arc::new(SqliteStore::open(&portfolio.state_dir.join("ledger.sqlite"))?);
    let engine = Engine::builder(portfolio.clone())
        .store(store.clone())
        .tracker(tracker.clone())
        .tag(lock.tag())
        .progress(Progress::new(show))
        .build();

    // 4. The runs. A value sent over `stop` would end one early, politely at first.
    let (_stop, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Idle { patience: Duration::ZERO }, filter: Filter::default() };
    let first = engine.run(options.clone(), &mut shutdown).await?;
    assert_eq!((first.done.len(), first.person.len()), (1, 1), "one lands, one asks: {first:?}");

    tracker.comment_as(&app, &IssueId::new("2")?, "ada", "green", Timestamp::now()).await?;
    println!("ada answers: green");
    let second = engine.run(options, &mut shutdown).await?;
    assert_eq!((second.done.len(), second.has_trouble()), (1, false), "the answer was enough: {second:?}");

    // 5. The reports. All of them are made from one look at the ledger and the tracker, which writes nothing.
    let now = Timestamp::now();
    let from = Sources { store: Some(&*store), tracker: &*tracker, forge: None };
    let (day, zone) = (now.to_zoned(TimeZone::system()).date(), TimeZone::system());
    let seen = overview_of(portfolio, from, Filter::default(), now, &Past::days(day, day, &zone)).await?;
    let query = WorkLogQuery { day, zone, project: None };
    let log = work_log(&query, &seen.input(), &seen.plan, &seen.past)?;
    println!("\n{}", log.to_markdown());
    assert!(seen.plan.waiting.is_empty() && seen.plan.ready.is_empty(), "nothing is left to do");

    let subjects = scratch.git(&["log", "--format=%s", "main"])?.trim().replace('\n', " | ");
    println!("git log: {subjects}");
    assert_eq!(subjects, "Paint the door green | Greet the world | the beginning");
    Ok(())
}

/// Tells what happens. The engine waits while this runs, so it must not block.
fn show(notice: Notice<'_>) {
    match notice {
        Notice::Event(_, Event::AttemptStarted { job, .. }) => {
            println!("{} {} starts: {}", job.issue, job.stage, job.title);
        }
        Notice::Event(_, Event::AttemptEnded { attempt, outcome, next, .. }) => {
            println!("{attempt} ended: {}", outcome.end);
            if let Next::Ask { question, .. } = next {
                println!("{attempt} asks: {question}");
            }
        }
        Notice::Event(_, Event::EffectDone { issue, landed: Some(_), .. }) => println!("{issue} is on the base branch"),
        Notice::Held(ready, reason) => println!("{} could not be started: {reason}", ready.issue),
        _ => {}
    }
}
