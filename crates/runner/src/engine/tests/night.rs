//! A night with two vendors, on time that nobody waits for: limits that end early, late and without a word, and an outage.

use std::collections::BTreeMap;

use dayfly_core::{
    Agent, AgentError, AgentEvent, AttemptEvent, CommandLine, EventReader, JobSpec, LimitNotice, LimitScope, LimitWhy,
    ResetTime, Usage,
};
use jiff::SignedDuration;

use super::*;
use crate::agents::CommandAgent;

/// An agent that a trivial job can be asked of.
#[derive(Debug)]
pub(super) struct Vendor(pub(super) CommandAgent);

impl Agent for Vendor {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError> {
        self.0.command(job)
    }
    fn reader(&self) -> Box<dyn EventReader> {
        self.0.reader()
    }
    fn can_probe(&self) -> bool {
        true
    }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// How long one job takes.
const JOB: i64 = 50 * MINUTE;

/// A time in which a vendor takes no work, in seconds, and when it says that it will again.
struct Closed {
    vendor: &'static str,
    from: i64,
    to: i64,
    says: Says,
}

#[derive(Clone, Copy)]
enum Says {
    Reset(i64),
    Nothing,
    Overloaded,
}

const NIGHT: [Closed; 5] = [
    // It opens half an hour before it said.
    Closed { vendor: "claude", from: HOUR, to: 3 * HOUR + 30 * MINUTE, says: Says::Reset(4 * HOUR) },
    // Nobody says when.
    Closed { vendor: "codex", from: 2 * HOUR, to: 2 * HOUR + 41 * MINUTE, says: Says::Nothing },
    // It opens a quarter of an hour after it said.
    Closed { vendor: "claude", from: 5 * HOUR, to: 6 * HOUR, says: Says::Reset(5 * HOUR + 45 * MINUTE) },
    // An outage of an hour.
    Closed { vendor: "codex", from: 4 * HOUR, to: 5 * HOUR, says: Says::Overloaded },
    // On the minute.
    Closed { vendor: "codex", from: 6 * HOUR, to: 7 * HOUR, says: Says::Reset(7 * HOUR) },
];

/// What becomes of a request at a time: answered, or refused how.
fn refused(vendor: &str, at: i64) -> Option<End> {
    let closed = NIGHT.iter().find(|c| c.vendor == vendor && (c.from..c.to).contains(&at))?;
    Some(match closed.says {
        // What it said has passed: it says nothing new.
        Says::Reset(reset) if reset > at => End::Quota { resets_at: Some(now() + SignedDuration::from_secs(reset)) },
        Says::Reset(_) | Says::Nothing => End::Quota { resets_at: None },
        Says::Overloaded => End::ProviderDown { reason: "529".into() },
    })
}

fn script(vendor: &str, at: i64, takes: i64) -> MockScript {
    // Refused at once, or when the limit is met in the middle, or not at all.
    let met = (at..at + takes).find_map(|second| refused(vendor, second).map(|end| (second - at, end)));
    let (after, end) = met.unwrap_or((takes, End::Succeeded));
    MockScript { after: Duration::from_secs(after.max(2).unsigned_abs()), ..MockScript::ends(end) }
}

/// Every start: the attempt, its vendor, and when.
type Starts = Arc<Mutex<Vec<(String, String, i64)>>>;

fn world() -> World {
    let mut world = World::new(&["exec", "merge"]);
    let root = world.repo.root.clone();
    let mut config = format!(
        "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\npipeline = [\"exec\"]\n\
         concurrency = 8\n[stages.exec]\ngates = []\n\
         [agents.claude]\nkind = \"claude\"\n[agents.codex]\nkind = \"codex\"\n"
    );
    fs::remove_dir_all(root.join("issues")).unwrap();
    for number in 0..8 {
        let (name, agent) = (format!("p{number}"), ["claude", "codex"][number % 2]);
        fs::create_dir_all(root.join(&name)).unwrap();
        fs::create_dir_all(root.join("issues").join(&name)).unwrap();
        config.push_str(&format!(
            "[projects.{name}]\npath = \"{root}/{name}\"\nrepository = false\nagents = [\"{agent}\"]\n"
        ));
        for id in 1..=5 {
            let text = format!("+++\nid = \"{id}\"\ntitle = \"I\"\nstate = \"open\"\nauthor = \"ann\"\n+++\n");
            fs::write(root.join("issues").join(&name).join(format!("{id}.md")), text).unwrap();
        }
    }
    world.config = config;
    world.clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
    world
}

async fn spend_it(world: &World) -> (Summary, Starts) {
    let starts: Starts = Arc::default();
    let (told, clock) = (Arc::clone(&starts), Arc::clone(&world.clock));
    let runner = MockRunner::new(move |attempt| {
        let at = clock.now().duration_since(now()).as_secs();
        let vendor = attempt.job.vendor.as_ref().unwrap().to_string();
        told.lock().unwrap().push((attempt.id.to_string(), vendor.clone(), at));
        script(&vendor, at, if attempt.job.kind == "probe" { 2 } else { JOB })
    });
    let mut builder = world.builder(Arc::new(runner));
    for name in ["claude", "codex"] {
        let name = dayfly_core::AgentName::new(name).unwrap();
        let config = dayfly_core::AgentConfig::new(dayfly_core::AgentKind::Command, vec!["vendor".into()]);
        builder = builder.agent(name.clone(), Arc::new(Vendor(CommandAgent::new(name, config))));
    }
    let (_keep, mut shutdown) = mpsc::channel(1);
    let until = Until::Idle { patience: Duration::from_secs(300) };
    let options = RunOptions { until, filter: Filter::default() };
    let engine = builder.build();
    let run = tokio::time::timeout(Duration::from_secs(48 * 3600), engine.run(options, &mut shutdown));
    (run.await.expect("it ends").unwrap(), starts)
}

fn used(tokens: u64) -> AttemptEvent {
    let usage = Usage { output_tokens: tokens, ..Usage::default() };
    AttemptEvent::Agent(AgentEvent::Usage(usage))
}

fn tool() -> AttemptEvent {
    AttemptEvent::Agent(AgentEvent::Tool { name: "Bash".into(), detail: "cargo test".into() })
}

#[tokio::test(start_paused = true)]
async fn a_limit_met_in_the_middle_parks_the_siblings_at_once_and_an_answer_opens_it_for_all() {
    let mut world = world();
    world.config.push_str("[capacity]\nprobe = \"off\"\n");
    let refused = LimitNotice {
        scope: LimitScope::Account,
        why: LimitWhy::Quota,
        window: Some("five_hour".into()),
        used: Some(1.0),
        refused: true,
        resets: Some(ResetTime::At(now() + SignedDuration::from_hours(2))),
        said: "full".into(),
    };
    let refused = AttemptEvent::Agent(AgentEvent::RateLimit(refused));
    let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
    let script = move |attempt: &Attempt| match attempt.id.as_str() {
        // It meets the limit after a minute, tells what was under way and what it used, waits it out by itself, and is
        // answered after half an hour.
        "p0.1.exec.1" => MockScript {
            after: seconds(HOUR),
            later: vec![
                (seconds(5), used(5)),
                (seconds(MINUTE), refused.clone()),
                (seconds(MINUTE + 1), tool()),
                (seconds(5 * MINUTE), used(5000)),
                (seconds(30 * MINUTE), tool()),
            ],
            ..MockScript::succeeds()
        },
        _ => MockScript { after: seconds(90), ..MockScript::succeeds() },
    };
    let engine = world.builder(Arc::new(MockRunner::new(script))).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Idle { patience: seconds(300) }, filter: Filter::default() };
    engine.run(options, &mut shutdown).await.unwrap();
    let mut starts = BTreeMap::new();
    for record in read_all(&*world.store).await.unwrap() {
        if let Event::AttemptStarted { attempt, .. } = record.event().unwrap() {
            starts.insert(attempt.to_string(), record.at.duration_since(now()).as_secs());
        }
    }
    assert_eq!((starts["p2.1.exec.1"], starts["p2.2.exec.1"]), (0, 30 * MINUTE), "{starts:?}");
    assert_eq!(starts["p1.2.exec.1"], 90, "the other vendor goes on");
    assert_eq!(starts.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn early_reset_late_reset_no_reset_and_an_outage_cost_no_issue_anything() {
    let world = world();
    let (summary, starts) = spend_it(&world).await;
    let state = world.state().await;
    assert_eq!(summary.done.len(), 40, "{summary:?}");
    let morning = world.clock.now().duration_since(now());
    assert!(morning < SignedDuration::from_hours(10), "all is done by morning: {morning:?}");
    let charged: u32 = state.issues.values().map(|known| known.attempts - known.uncounted - 1).sum();
    assert_eq!(charged, 0, "nothing counts but the one attempt that did it");
    let starts = starts.lock().unwrap();
    for closed in &NIGHT {
        let mine = starts.iter().filter(|(id, vendor, _)| vendor == closed.vendor && !id.starts_with("probe"));
        let next = mine.clone().map(|(.., at)| *at).find(|at| *at >= closed.to).expect("work goes on");
        assert!(next - closed.to <= 60, "{} opened at {}, and work went on at {next}", closed.vendor, closed.to);
        // Two that ran when the limit was met, and now and then one that tried.
        let met = mine.filter(|(.., at)| (closed.from..closed.to).contains(at)).count();
        assert!(met <= 3, "{} issues ran into what one of them had met at {}", met, closed.from);
    }
    let probes = starts.iter().filter(|(id, ..)| id.starts_with("probe")).count();
    assert!((1..1000).contains(&probes), "{probes} probes");
    assert!(state.capacity.limits.is_empty(), "{:?}", state.capacity.limits);
}

#[tokio::test(start_paused = true)]
async fn revoked_token_a_new_run_asks_once_whether_the_login_is_mended() {
    let world = world();
    let refuses = |attempt: &Attempt| match attempt.job.vendor.as_ref().map(|vendor| vendor.as_str()) {
        Some("claude") => MockScript::ends(End::Auth { reason: "401".into() }),
        _ => MockScript::succeeds(),
    };
    let run = async |script: fn(&Attempt) -> MockScript| {
        let runner = MockRunner::new(script);
        let engine = world.builder(Arc::new(runner.clone())).build();
        let (_keep, mut shutdown) = mpsc::channel(1);
        let until = Until::Idle { patience: Duration::from_secs(1) };
        let summary = engine.run(RunOptions { until, filter: Filter::default() }, &mut shutdown).await.unwrap();
        // What one run leaves is older than the next one.
        tokio::time::advance(Duration::from_secs(60)).await;
        summary
    };
    let first = run(refuses).await;
    assert_eq!(first.done.len(), 20, "the other vendor's issues: {first:?}");
    assert!(first.has_trouble() && first.withheld.len() == 1 && first.withheld[0].issues.len() == 20, "{first:?}");
    let probes = async || {
        let records = read_all(&*world.store).await.unwrap();
        records.iter().filter(|r| matches!(r.event().unwrap(), Event::CapacityProbed { .. })).count()
    };
    let before = probes().await;
    let second = run(refuses).await;
    assert_eq!((second.ends.len(), probes().await - before), (0, 1), "asked once, and no issue is started: {second:?}");
    assert_eq!(run(|_| MockScript::succeeds()).await.done.len(), 20, "it is mended, and nobody had to say so");
}
