//! Time that passes: quotas, providers that are down, spaced tries. Nobody waits for it.

use dayfly_core::{Standing, Using, VendorName};
use jiff::SignedDuration;

use super::*;

/// Two plain folders, each with an agent of its own and a pipeline of one stage, so that no process needs real time.
struct Night {
    world: World,
    /// Every start: which attempt, after how many seconds.
    starts: Arc<Mutex<Vec<(String, i64)>>>,
}

impl Night {
    fn new(more: &str) -> Self {
        let mut world = World::new(&["exec", "merge"]);
        let root = world.repo.root.clone();
        let project = |name: &str, agent: &str| {
            fs::create_dir(root.join(name)).unwrap();
            format!("[projects.{name}]\npath = \"{root}/{name}\"\nrepository = false\nagents = [\"{agent}\"]\n")
        };
        let agent = |name: &str| format!("[agents.{name}]\nkind = \"command\"\nargv = [\"{name}\"]\n");
        world.config = format!(
            "version = 1\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\npipeline = [\"exec\"]\n\
             [stages.exec]\ngates = []\n{}{}{}{}{more}",
            agent("fast"),
            agent("spare"),
            project("app", "fast"),
            project("docs", "spare"),
        );
        fs::remove_dir_all(root.join("issues")).unwrap();
        world.clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
        let night = Self { world, starts: Arc::default() };
        for id in 1..=2 {
            night.issue("app", id);
            night.issue("docs", id);
        }
        night
    }

    fn issue(&self, project: &str, id: u32) {
        let folder = self.world.repo.root.join("issues").join(project);
        fs::create_dir_all(&folder).unwrap();
        let text = format!("+++\nid = \"{id}\"\ntitle = \"Issue {id}\"\nstate = \"open\"\nauthor = \"ann\"\n+++\n");
        fs::write(folder.join(format!("{id}.md")), text).unwrap();
    }

    /// Runs an engine that waits as long as `patience` for what comes by itself.
    async fn run(&self, patience: Duration, script: impl Fn(&Attempt, i64) -> End + Send + Sync + 'static) -> Summary {
        let (starts, clock) = (Arc::clone(&self.starts), Arc::clone(&self.world.clock));
        let runner = MockRunner::new(move |attempt| {
            let after = clock.now().duration_since(now()).as_secs();
            starts.lock().unwrap().push((attempt.id.to_string(), after));
            MockScript { after: Duration::from_secs(60), ..MockScript::ends(script(attempt, after)) }
        });
        let engine = self.world.builder(Arc::new(runner)).build();
        let (_keep, mut shutdown) = mpsc::channel(1);
        let options = RunOptions { until: Until::Idle { patience }, filter: Filter::default() };
        let month = Duration::from_secs(30 * 24 * 3600);
        tokio::time::timeout(month, engine.run(options, &mut shutdown)).await.expect("it ends").unwrap()
    }

    /// When the attempts in a project were started, in seconds.
    fn starts(&self, project: &str) -> Vec<i64> {
        let starts = self.starts.lock().unwrap();
        starts.iter().filter(|(id, _)| id.starts_with(project)).map(|(_, at)| *at).collect()
    }

    async fn known(&self, issue: &str) -> IssueState {
        self.world.state().await.issues[&IssueRef::try_from(issue.to_owned()).unwrap()].clone()
    }
}

fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

fn is_app(attempt: &Attempt) -> bool {
    attempt.job.issue.project.as_str() == "app"
}

/// A used-up quota that comes back after so many hours.
fn quota(after: i64) -> End {
    End::Quota { resets_at: Some(now() + SignedDuration::from_hours(after)) }
}

#[tokio::test(start_paused = true)]
async fn quota_cascade_a_limited_agent_is_asked_once_and_again_at_its_time_and_the_others_go_on() {
    let night = Night::new("");
    let script = |attempt: &Attempt, at: i64| if is_app(attempt) && at < 3 * 3600 { quota(3) } else { End::Succeeded };
    let summary = night.run(hours(12), script).await;
    assert_eq!(night.starts("app"), [0, 3 * 3600, 3 * 3600 + 60], "the second issue does not find out for itself");
    assert_eq!(night.starts("docs"), [0, 60]);
    assert_eq!(summary.done.len(), 4);
    assert_eq!(night.known("app#1").await.visit_attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_quota_outlives_the_engine_that_met_it() {
    let night = Night::new("");
    night.run(Duration::ZERO, |attempt, _| if is_app(attempt) { quota(3) } else { End::Succeeded }).await;
    let using = Using::new(VendorName::new("fast").unwrap(), None, None);
    let state = night.world.state().await;
    let Standing::Closed(limit) = state.capacity.standing(&using, now()) else { panic!("{:?}", state.capacity) };
    assert_eq!(limit.until, Some(now() + SignedDuration::from_hours(3)));
    night.run(Duration::ZERO, |_, _| End::Succeeded).await;
    assert_eq!(night.starts("app"), [0]);
    tokio::time::advance(hours(3)).await;
    night.run(Duration::ZERO, |_, _| End::Succeeded).await;
    assert_eq!(night.starts("app").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_quota_met_again_and_again_never_blocks_an_issue() {
    let night = Night::new("");
    night
        .run(
            hours(12),
            |attempt, at| if is_app(attempt) && at < 8 * 3600 { quota(at / 3600 + 1) } else { End::Succeeded },
        )
        .await;
    assert!(night.starts("app").len() >= 9, "{:?}", night.starts("app"));
    assert_eq!(night.known("app#1").await.phase.word(), "done");
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_patience_ends_and_says_nothing_was_charged() {
    let night = Night::new("[capacity]\nwait = \"2h\"\n");
    let summary = night.run(hours(2), |attempt, _| if is_app(attempt) { quota(3) } else { End::Succeeded }).await;
    assert_eq!((summary.ends["quota"], summary.ends["succeeded"]), (1, 2));
    assert!(summary.person.is_empty());
}

#[tokio::test(start_paused = true)]
async fn dead_provider_is_asked_at_most_once_a_minute_by_all_issues_together() {
    let night = Night::new("[capacity]\nwait = \"1h\"\n");
    let down = || End::ProviderDown { reason: "503".into() };
    night.run(hours(1), move |attempt, _| if is_app(attempt) { down() } else { End::Succeeded }).await;
    let starts = night.starts("app");
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 90), "a minute of work, and a rest: {starts:?}");
    assert!(starts.windows(2).skip(4).all(|pair| pair[1] - pair[0] == 360), "the rests grow to 5 min: {starts:?}");
    assert!((10..=16).contains(&starts.len()), "as long as there is patience: {}", starts.len());
    let known = night.known("app#1").await;
    assert_eq!((known.visit_attempts, known.phase.word()), (0, "queued"));
    assert_eq!(night.starts("docs"), [0, 60], "another agent's issues go on");
}

#[tokio::test(start_paused = true)]
async fn silence_cascade_an_agent_stopped_for_silence_cools_nothing_but_its_own_issue() {
    let night = Night::new("");
    let silent = |attempt: &Attempt, _| match attempt.id.as_str() {
        "app.1.exec.1" => End::TimedOutSilence { limit: Duration::from_secs(900) },
        _ => End::Succeeded,
    };
    let summary = night.run(hours(1), silent).await;
    assert!(night.world.state().await.capacity.limits.is_empty());
    assert_eq!((summary.done.len(), night.known("app#1").await.visit_attempts), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_host_are_spaced_and_end_with_a_person() {
    let night = Night::new("[retry]\nbase = \"1h\"\nmax = \"2h\"\ntransient = 4\n");
    let host = |attempt: &Attempt, _| match attempt.job.issue.to_string().as_str() {
        "app#1" => End::Host { reason: "no memory".into() },
        _ => End::Succeeded,
    };
    let summary = night.run(hours(12), host).await;
    let starts: Vec<i64> = night.starts("app.1");
    assert_eq!(starts.len(), 4);
    for (n, pair) in starts.windows(2).enumerate() {
        let rest = pair[1] - pair[0] - 60;
        assert!((0..=3600 << n.min(1)).contains(&rest), "{starts:?}");
    }
    assert!(starts[3] > 600, "they are spaced: {starts:?}");
    let Phase::Blocked { reason, .. } = night.known("app#1").await.phase else { panic!() };
    assert_eq!(reason, "Stage `exec` ended 4 times in a row without a result: host: no memory.");
    assert_eq!((summary.done.len(), summary.person.len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn with_a_chain_even_the_issue_that_met_the_quota_goes_on_and_the_reason_is_recorded() {
    let mut night = Night::new("");
    night.world.config = night.world.config.replace("gates = []", "gates = []\nfallback = \"chain\"");
    night.world.config = night.world.config.replace("agents = [\"fast\"]", "agents = [\"fast\", \"spare\"]");
    night
        .run(Duration::ZERO, |attempt, _| match &attempt.job.agent {
            Some(agent) if agent.as_str() == "fast" => quota(3),
            _ => End::Succeeded,
        })
        .await;
    let substituted: Vec<_> = night
        .world
        .events()
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::AttemptStarted { job, substitution: Some(why), .. } => {
                Some((job.issue.to_string(), job.agent.unwrap().to_string(), why))
            }
            _ => None,
        })
        .collect();
    let spare = |issue: &str| (issue.to_owned(), "spare".to_owned(), "the capacity of fast is used up".to_owned());
    assert_eq!(substituted, [spare("app#1"), spare("app#2")]);
}

#[tokio::test(start_paused = true)]
async fn quotas_do_not_make_one_timeout_the_third_failure_in_a_row() {
    let night = Night::new("");
    night
        .run(hours(12), |attempt, at| match at / 3600 {
            _ if !is_app(attempt) => End::Succeeded,
            0 | 1 => quota(at / 3600 + 1),
            2 if attempt.id.as_str() == "app.1.exec.3" => End::TimedOutWall { limit: Duration::from_secs(60) },
            _ => End::Succeeded,
        })
        .await;
    assert_eq!(night.known("app#1").await.phase.word(), "done");
}
