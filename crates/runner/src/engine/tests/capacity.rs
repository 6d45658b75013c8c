//! What once kept work away for no reason, or let it through for none: probes, old words, kinds of jobs of one's own.

use std::collections::BTreeMap;
use std::time::SystemTime;

use async_trait::async_trait;
use dayfly_core::{
    AgentConfig, AgentEvent, AgentKind, AgentName, AttemptEvent, Billing, Effect, Job, JobContext, JobError,
    LimitNotice, LimitScope, LimitWhy, Next, Outcome, ResetTime, StageJob, StageName, Usage,
};
use jiff::SignedDuration;

use super::night::Vendor as Asking;
use super::*;
use crate::WhenDropped;
use crate::agents::CommandAgent;

/// A plain folder, so that no process needs real time, and an agent that can be asked for a word.
struct Asked {
    world: World,
    /// Every start, in seconds.
    starts: Arc<Mutex<Vec<(String, i64)>>>,
    /// How often it was told what is waited for.
    told: Arc<Mutex<usize>>,
}

impl Asked {
    fn new(more: &str) -> Self {
        let mut world = World::new(&["exec", "merge"]);
        let root = world.repo.root.clone();
        world.config = format!(
            "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\npipeline = [\"exec\"]\n\
             [stages.exec]\ngates = []\n[agents.claude]\nkind = \"claude\"\naccounts = [\"flat\"]\n\
             [accounts.flat]\nvendor = \"claude\"\nbilling = \"subscription\"\n\
             [projects.web]\npath = \"{root}/web\"\nrepository = false\n{more}"
        );
        world.clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
        Self { world, starts: Arc::default(), told: Arc::default() }
    }

    async fn run(
        &self,
        job: Option<Arc<dyn Job>>,
        script: impl Fn(&Attempt, i64) -> MockScript + Send + Sync + 'static,
    ) {
        let (starts, clock) = (Arc::clone(&self.starts), Arc::clone(&self.world.clock));
        let runner = MockRunner::new(move |attempt| {
            let at = clock.now().duration_since(now()).as_secs();
            starts.lock().unwrap().push((attempt.id.to_string(), at));
            script(attempt, at)
        });
        let name = AgentName::new("claude").unwrap();
        let config = AgentConfig::new(AgentKind::Command, vec!["vendor".into()]);
        let agent = Asking(CommandAgent::new(name.clone(), config));
        let mut builder = self.world.builder(Arc::new(runner)).agent(name, Arc::new(agent));
        if let Some(job) = job {
            builder = builder.job(StageName::new("exec").unwrap(), job);
        }
        let told = Arc::clone(&self.told);
        builder = builder.progress(Progress::new(move |notice| {
            *told.lock().unwrap() += usize::from(matches!(notice, Notice::Waiting(_)));
        }));
        let (_keep, mut shutdown) = mpsc::channel(1);
        let run =
            tokio::time::timeout(Duration::from_secs(86_400), builder.build().run(idle(3600), &mut shutdown)).await;
        run.expect("it ends").unwrap();
    }

    fn starts(&self, of: &str) -> Vec<i64> {
        let starts = self.starts.lock().unwrap();
        starts.iter().filter(|(id, _)| id.starts_with(of)).map(|(_, at)| *at).collect()
    }
}

fn quota() -> MockScript {
    MockScript { after: Duration::from_secs(1), ..MockScript::ends(End::Quota { resets_at: None }) }
}

/// Each such probe once put the next try off by a minute and a half, and so did the next probe.
#[tokio::test(start_paused = true)]
async fn a_probe_that_finds_nothing_out_keeps_no_attempt_from_trying() {
    let strange: [fn() -> MockScript; 3] = [
        || MockScript::refused("it does not run there"),
        || MockScript::ends(End::Misconfigured { reason: "no such flag".into() }),
        || MockScript {
            after: Duration::from_secs(120),
            ..MockScript::ends(End::TimedOutWall { limit: Duration::ZERO })
        },
    ];
    for probe in strange {
        let asked = Asked::new("");
        let script = move |attempt: &Attempt, at| match attempt.job.kind.as_str() {
            "probe" => probe(),
            _ if at < 60 => quota(),
            _ => MockScript::succeeds(),
        };
        asked.run(None, script).await;
        let starts = asked.starts("web");
        assert!(starts.len() == 2 && starts[1] <= 120, "{starts:?}; probes {:?}", asked.starts("probe"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_guess_that_every_probe_moves_on_is_not_told_every_time() {
    let asked = Asked::new("");
    asked.run(None, |_, at| if at < 7200 { quota() } else { MockScript::succeeds() }).await;
    assert_eq!(asked.world.phase(1).await, "done");
    let (probes, told) = (asked.starts("probe").len(), *asked.told.lock().unwrap());
    assert!(probes > 100 && (1..=9).contains(&told), "{probes} probes, told {told} times");
}

#[tokio::test(start_paused = true)]
async fn what_a_probe_of_a_subscription_would_have_cost_is_no_money() {
    let asked = Asked::new("");
    let script = |attempt: &Attempt, at| match attempt.job.kind.as_str() {
        "probe" => {
            let usage = Usage { input_tokens: 900, output_tokens: 4, cost_usd: Some(0.03), ..Usage::default() };
            MockScript { usage, ..MockScript::succeeds() }
        }
        _ if at == 0 => quota(),
        _ => MockScript::succeeds(),
    };
    asked.run(None, script).await;
    let billed = asked.world.events().await.into_iter().filter_map(|event| match event {
        Event::CapacityProbed { billing, usage, .. } => Some((billing, usage.tokens())),
        _ => None,
    });
    assert_eq!(billed.collect::<Vec<_>>(), [(Billing::Subscription, 904)]);
    let spent = asked.world.state().await.capacity.spending.between(now(), jiff::Timestamp::MAX, None);
    assert_eq!((spent.usd_micros, spent.flat_usd_micros, spent.attempts), (0, 30_000, 2));
}

/// A kind of job that asks for a model of its own.
#[derive(Debug)]
struct OwnModel(StageJob);

#[async_trait]
impl Job for OwnModel {
    fn kind(&self) -> &str {
        "own"
    }
    async fn freeze(&self, context: &JobContext) -> Result<JobSpec, JobError> {
        Ok(JobSpec { model: Some("own".into()), ..self.0.freeze(context).await? })
    }
    async fn settle(&self, job: &JobSpec, outcome: &Outcome, next: &Next) -> Result<Vec<Effect>, JobError> {
        self.0.settle(job, outcome, next).await
    }
}

/// What is known of the model it asked for kept nothing waiting, and the issue waited for nothing: it spun.
#[tokio::test(start_paused = true)]
async fn a_kind_of_job_that_asks_for_another_model_is_spaced_when_that_is_limited() {
    let asked = Asked::new("");
    let job = OwnModel(StageJob { labels: asked.world.portfolio().labels, stage_labels: BTreeMap::new() });
    let script = |_: &Attempt, at| if at < 1800 { quota() } else { MockScript::succeeds() };
    asked.run(Some(Arc::new(job)), script).await;
    let starts = asked.starts("web");
    assert!((3..40).contains(&starts.len()), "{} starts: {starts:?}", starts.len());
    assert_eq!(asked.world.phase(1).await, "done");
}

#[tokio::test]
async fn what_probes_of_an_engine_that_died_left_is_removed_and_nothing_that_only_looks_like_it() {
    let world = World::new(&["exec", "merge"]);
    let state = world.repo.root.join("state");
    let left = ["work/probe.claude.3-1", "attempts/probe.claude.3-1", "attempts/probe.code-x.12-40"];
    let others = ["work/probe.1.exec.1", "attempts/probe.7.exec.2", "attempts/probe.1.exec.1.gates", "work/probe.x-y"];
    for folder in left.iter().chain(&others) {
        fs::create_dir_all(state.join(folder).join("tmp")).unwrap();
    }
    world.run(works).await;
    let there = |folders: &[&str]| folders.iter().filter(|folder| state.join(folder).exists()).count();
    assert_eq!((there(&left), there(&others)), (0, others.len()));
}

#[tokio::test]
async fn what_was_said_while_no_engine_listened_is_counted_from_when_it_was_said() {
    let world = World::new(&["exec", "merge"]);
    let notice = LimitNotice {
        scope: LimitScope::Account,
        why: LimitWhy::Quota,
        window: None,
        used: None,
        refused: true,
        resets: Some(ResetTime::After(Duration::from_secs(7200))),
        said: "try again in 2h".into(),
    };
    let (begun, mut began) = mpsc::channel(1);
    let runner = MockRunner::new(move |_| {
        let _ = begun.try_send(());
        MockScript {
            after: Duration::from_hours(1),
            limits: vec![notice.clone()],
            when_dropped: WhenDropped::Found,
            ..MockScript::ends(End::Quota { resets_at: None })
        }
    });
    let runner: Arc<dyn Runner> = Arc::new(runner.with_reattach());
    let engine = world.builder(Arc::clone(&runner)).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    tokio::select! {
        ended = finish_with(&engine, once(), &mut shutdown) => panic!("it was to be given up before: {ended:?}"),
        _ = began.recv() => {}
    }
    assert_eq!(world.state().await.live.len(), 1);
    // Nobody listens until it has ended for sure.
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(2)).await;
    tokio::time::resume();
    // It ended an hour and a half ago.
    let ended = now() - SignedDuration::from_mins(90);
    let dir = world.repo.root.join("state/attempts/web.1.exec.1");
    fs::create_dir_all(&dir).unwrap();
    let status = fs::File::create(dir.join("status.json")).unwrap();
    status.set_modified(SystemTime::from(ended)).unwrap();
    finish(&world.builder(runner).build(), once()).await.unwrap();
    let limits = world.state().await.capacity.limits;
    assert_eq!(limits.len(), 1);
    assert_eq!(limits[0].until, Some(now() + SignedDuration::from_mins(30)));
}

fn told(event: AgentEvent) -> AttemptEvent {
    AttemptEvent::Agent(event)
}

/// An attempt that was taken up told once more what it had met hours ago, and the account was closed again.
#[tokio::test]
async fn what_an_attempt_told_an_earlier_engine_is_no_news_of_its_vendor() {
    let refused = || {
        told(AgentEvent::RateLimit(LimitNotice {
            scope: LimitScope::Account,
            why: LimitWhy::Quota,
            window: None,
            used: None,
            refused: true,
            resets: None,
            said: "full".into(),
        }))
    };
    let tool = || told(AgentEvent::Tool { name: "Bash".into(), detail: String::new() });
    let (inputs, mut told) = mpsc::channel(8);
    let vendor = super::super::guard::Vendor::new(inputs, dayfly_core::AttemptId::from_text("web.1.exec.1"), true);
    vendor.look(&tool());
    vendor.look(&refused());
    assert!(told.try_recv().is_err());
    vendor.look(&AttemptEvent::CaughtUp);
    vendor.look(&tool());
    vendor.look(&refused());
    assert!(matches!(told.try_recv(), Ok(Input::Answers(_))));
    assert!(matches!(told.try_recv(), Ok(Input::Refuses(..))));
}

/// The runtime's time stands still while a machine sleeps: what was waited for five hours long was waited for five hours
/// of work.
#[tokio::test(start_paused = true)]
async fn laptop_sleep_a_time_that_comes_while_the_machine_sleeps_is_noticed_when_it_wakes() {
    let clock = dayfly_core::FixedClock::new(now());
    let began = tokio::time::Instant::now();
    let wait = super::super::sleep_until(&clock, Some(now() + SignedDuration::from_hours(5)));
    let sleep = async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        clock.advance(SignedDuration::from_hours(8));
    };
    tokio::join!(wait, sleep);
    assert!(began.elapsed() <= Duration::from_secs(3630), "{:?}", began.elapsed());
    // A clock that stands still keeps nobody waiting for ever.
    super::super::sleep_until(&clock, Some(clock.now() + SignedDuration::from_mins(1))).await;
}

/// The guess of an attempt that tried once shortened what probes had found, and so an attempt was spent every minute and a
/// half for as long as the outage lasted.
#[tokio::test(start_paused = true)]
async fn an_outage_in_which_every_answer_takes_its_time_is_found_out_by_probes_and_not_by_attempts() {
    let asked = Asked::new("");
    let script = |_: &Attempt, at| match at {
        ..7200 => MockScript {
            after: Duration::from_secs(30),
            ..MockScript::ends(End::ProviderDown { reason: "529".into() })
        },
        _ => MockScript::succeeds(),
    };
    asked.run(None, script).await;
    let (attempts, probes) = (asked.starts("web").len(), asked.starts("probe").len());
    assert!((2..=6).contains(&attempts) && probes > 50, "{attempts} attempts, {probes} probes");
    assert_eq!(asked.world.phase(1).await, "done");
}
