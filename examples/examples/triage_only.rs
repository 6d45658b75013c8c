//! The rules of triage by themselves: no agent, no git, no ledger on disk. An issue that was split, and one that is there
//! twice, are put in order on a GitHub of this program's own. With another address and token it is a job of a CI.

#![expect(clippy::print_stdout, reason = "the example shows what it does")]

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{Config, Filter, ForgeRepo, ProjectName, SourceText};
use dayfly_examples::Failure;
use dayfly_github::{Auth, GitHub, GitHubTracker, Pace, Token, TrackerSettings};
use dayfly_runner::{Engine, RunOptions, Until};
use dayfly_testkit::github::{GitHubServer, Permission};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // 1. A GitHub on loopback, and what people left there.
    let server = GitHubServer::start();
    let world = server.world();
    let ann = world.person("ann", Permission::Write);
    let bot = world.bot("triage-bot", Permission::Write);
    let repo = world.repo("ann/web");
    let month = ann.make_milestone("ann/web", "February 2026", Some("2026-02-28T12:00:00Z"));
    let late = ann.open_issue("ann/web", "Paint the door", "It is grey.");
    ann.set_milestone("ann/web", late, Some(month));
    ann.label("ann/web", late, "ready-for-dev");
    ann.label("ann/web", late, "ready-for-prep");

    // 2. The configuration: what is triaged, and how.
    let folder = tempfile::tempdir()?;
    let text = r#"
        version = 1
        pipeline = ["triage"]
        time-zone = "UTC"
        [triage]
        roll-over = "month"
        [agents.none]
        kind = "command"
        argv = ["true"]
        [projects.web]
        path = "."
        repository = false
        github = "ann/web"
        landing = "direct"
    "#;
    let place = folder.path().join("dayfly.toml").to_string_lossy().into_owned();
    let portfolio = Config::read(&SourceText::new(place, text), &mut |_| Err("no files".into()))?.portfolio;

    // 3. The tracker. A real one has no other pace than GitHub asks for, and a journal beside the ledger.
    let auth = Auth::Token(Token::new(bot.token())?);
    let client = GitHub::builder(auth, world.clock()).base(server.url()).pace(Pace::none()).build()?;
    let projects = BTreeMap::from([(ProjectName::new("web")?, ForgeRepo::new("ann/web")?)]);
    let seen = portfolio.state_dir.join("seen");
    let tracker = GitHubTracker::new(client, TrackerSettings::new(projects, portfolio.labels.clone(), seen));

    // 4. An engine that starts nothing: it looks, puts in order, and ends.
    let engine = Engine::builder(portfolio).tracker(Arc::new(tracker)).clock(world.clock()).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    let options = || RunOptions { until: Until::Triage, filter: Filter::default() };
    for line in engine.run(options(), &mut shutdown).await?.triaged {
        println!("{}  {}: {}", line.issue, line.rule, line.why);
    }
    let shown = repo.issue(late);
    println!("labels: {:?}; milestone: {:?}", shown.labels, shown.milestone);
    assert_eq!((shown.labels, shown.milestone.as_deref()), (vec!["ready-for-dev".to_owned()], Some("March 2026")));

    // 5. What is in order stays as it is.
    assert!(engine.run(options(), &mut shutdown).await?.triaged.is_empty(), "a second look finds nothing to do");
    Ok(())
}
