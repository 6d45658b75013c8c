//! Where scenarios are played: a temporary folder with plain projects and their issues, a ledger and a clock.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Agent, AgentConfig, AgentError, AgentKind, AgentName, Attempt, AttemptId, Clock, CommandLine, Config, ConfigError,
    End, Event, EventReader, Filter, IssueRef, IssueState, JobSpec, MemoryStore, NameError, Portfolio, ProjectName,
    RecordError, Runner, SourceText, State, StateError, Store, StoreError, Tracker, TrackerError,
};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::agents::CommandAgent;
use crate::engine::{Engine, EngineBuilder, EngineError, RunOptions, Summary, Until, read_all};
use crate::markdown::MarkdownTracker;
use crate::mock::{MockRunner, MockScript};

/// Longer than any scenario lasts. One that takes so long does not come to its end.
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// What keeps a scenario from being played.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("this machine does not serve")]
    Machine(#[from] std::io::Error),
    #[error("its configuration is not right")]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("its engine stopped")]
    Engine(#[from] EngineError),
    #[error("its ledger does not serve")]
    Store(#[from] StoreError),
    #[error("its ledger cannot be folded")]
    State(#[from] StateError),
    #[error("its ledger cannot be read")]
    Record(#[from] RecordError),
    #[error("its issues cannot be read")]
    Tracker(#[from] TrackerError),
    #[error("{0}")]
    Other(String),
}

/// Shows the runtime's time, in a night of its own, and can be set.
#[derive(Debug)]
pub(super) struct YardClock {
    began: Instant,
    ahead: Mutex<SignedDuration>,
}

impl YardClock {
    fn start() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), ahead: Mutex::default() })
    }

    /// Lets wall time pass that the runtime does not see: the machine sleeps.
    pub(super) fn sleep(&self, span: SignedDuration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(span);
    }

    /// The seconds since the beginning.
    pub(super) fn seconds(&self) -> i64 {
        self.now().duration_since(evening()).as_secs()
    }
}

impl Clock for YardClock {
    fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let awake = SignedDuration::try_from(self.began.elapsed()).unwrap_or(SignedDuration::MAX);
        evening().checked_add(awake.saturating_add(ahead)).unwrap_or(Timestamp::MAX)
    }
}

/// When every scenario begins: 22:00 on a Monday in January.
pub(super) fn evening() -> Timestamp {
    Timestamp::from_second(1_767_650_400).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn hours(n: u64) -> Duration {
    minutes(60 * n)
}

pub(super) fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// An attempt that was started, and after how many seconds.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) attempt: AttemptId,
    /// Whether it is no work on an issue, but tries whether a vendor answers.
    pub(super) probe: bool,
    pub(super) at: i64,
}

/// The place of one scenario.
#[derive(Debug)]
pub(super) struct Yard {
    pub(super) root: Utf8PathBuf,
    config: String,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<YardClock>,
    /// In place of the Markdown tracker.
    pub(super) tracker: Option<Arc<dyn Tracker>>,
    /// Agents of whose vendors it can be asked whether they take work.
    vendors: Vec<AgentName>,
    starts: Arc<Mutex<Vec<Start>>>,
    _folder: TempDir,
}

impl Yard {
    /// With these projects, each a plain folder that is worked on by the agent of that name. `tables` are more sections of
    /// the configuration; an agent or a pipeline that is not told there is made up.
    pub(super) fn new(concurrency: u32, projects: &[(&str, &str)], tables: &str) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("dayfly-rehearsal-").tempdir()?;
        let root = Utf8Path::from_path(folder.path()).ok_or_else(|| Trouble::Other("a path is not UTF-8".into()))?;
        let root = root.canonicalize_utf8()?;
        let mut config = format!(
            "version = 1\ntime-zone = \"UTC\"\nstate-dir = \"{root}/state\"\nissues-dir = \"{root}/issues\"\n\
             concurrency = {concurrency}\npipeline = [\"exec\"]\n{tables}\n"
        );
        if !tables.contains("[stages.exec]") {
            config.push_str("[stages.exec]\ngates = []\n");
        }
        for (name, agent) in projects {
            fs::create_dir_all(root.join(name))?;
            fs::create_dir_all(root.join("issues").join(name))?;
            let header = format!("[agents.{agent}]\n");
            if !config.contains(&header) {
                config.push_str(&format!("{header}kind = \"command\"\nargv = [\"{agent}\"]\n"));
            }
            let header = format!("[projects.{name}]\n");
            if !config.contains(&header) {
                config.push_str(&header);
                config.push_str(&format!("path = \"{root}/{name}\"\nrepository = false\nagents = [\"{agent}\"]\n"));
            }
        }
        let clock = YardClock::start();
        let store = Arc::new(MemoryStore::new());
        Ok(Self {
            config,
            store,
            clock,
            tracker: None,
            vendors: Vec::new(),
            starts: Arc::default(),
            _folder: folder,
            root,
        })
    }

    /// The same, and it can be asked whether the vendors of these agents take work.
    pub(super) fn asked(mut self, agents: &[&str]) -> Result<Self, Trouble> {
        self.vendors = agents.iter().map(|name| AgentName::new(*name)).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Writes issues as a person does, of these numbers.
    pub(super) fn issues(&self, project: &str, numbers: impl IntoIterator<Item = u32>) -> Result<(), Trouble> {
        for number in numbers {
            self.issue(project, number, "")?;
        }
        Ok(())
    }

    /// Writes an issue with more lines in its head.
    pub(super) fn issue(&self, project: &str, number: u32, head: &str) -> Result<(), Trouble> {
        let text = format!(
            "+++\nid = \"{number}\"\ntitle = \"Issue {number}\"\nstate = \"open\"\nauthor = \"ann\"\n{head}+++\n\nDo it.\n"
        );
        Ok(fs::write(self.issue_file(project, number), text)?)
    }

    fn issue_file(&self, project: &str, number: u32) -> Utf8PathBuf {
        self.root.join("issues").join(project).join(format!("{number}.md"))
    }

    /// Changes an issue's file, as a person does; tells whether there was anything to change.
    pub(super) fn edit(&self, project: &str, number: u32, from: &str, to: &str) -> Result<bool, Trouble> {
        let file = self.issue_file(project, number);
        let text = fs::read_to_string(&file)?;
        fs::write(file, text.replace(from, to))?;
        Ok(text.contains(from))
    }

    /// Writes a file somewhere below the folder of the scenario.
    pub(super) fn file(&self, path: &str, text: &str) -> Result<Utf8PathBuf, Trouble> {
        let file = self.root.join(path);
        fs::create_dir_all(file.parent().unwrap_or(&self.root))?;
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Writes a program for `/bin/sh`.
    pub(super) fn program(&self, name: &str, text: &str) -> Result<Utf8PathBuf, Trouble> {
        let file = self.file(name, &format!("#!/bin/sh\n{text}"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(file)
    }

    /// Makes a repository of a project, with one commit on the branch `main`.
    pub(super) fn repository(&mut self, project: &str) -> Result<(), Trouble> {
        self.git(project, &["init", "--quiet", "--template=", "--initial-branch=main"])?;
        self.file(&format!("{project}/README"), "It is here.\n")?;
        self.git(project, &["add", "--all"])?;
        self.git(project, &["commit", "--quiet", "--message", "Begin"])?;
        let path = format!("path = \"{}/{project}\"\nrepository = false", self.root);
        self.set(&path, &path.replace("false", "true"));
        Ok(())
    }

    /// What git prints in a project, as a person uses it.
    pub(super) fn git(&self, project: &str, args: &[&str]) -> Result<String, Trouble> {
        let mut command = Command::new("git");
        command.current_dir(self.root.join(project)).stdin(Stdio::null());
        command.env("HOME", &self.root).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(variable);
        }
        command.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "gc.auto=0"]);
        let output = command.args(args).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Trouble::Other(format!("git {} failed: {said}", args.join(" "))));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Changes the configuration.
    pub(super) fn set(&mut self, from: &str, to: &str) {
        self.config = self.config.replace(from, to);
    }

    pub(super) fn portfolio(&self) -> Result<Portfolio, Trouble> {
        let source = SourceText::new("dayfly.toml", &self.config);
        Ok(Config::read(&source, &mut |_| Err("there are no files".into()))?.portfolio)
    }

    pub(super) fn markdown(&self) -> MarkdownTracker {
        MarkdownTracker::new(self.root.join("issues"), Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    pub(super) fn tracker(&self) -> Arc<dyn Tracker> {
        self.tracker.clone().unwrap_or_else(|| Arc::new(self.markdown()))
    }

    /// An engine on all this, to be changed.
    pub(super) fn engine(&self, runner: Arc<dyn Runner>) -> Result<EngineBuilder, Trouble> {
        let builder = Engine::builder(self.portfolio()?).store(Arc::clone(&self.store)).tracker(self.tracker());
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let mut builder = builder.clock(clock).runner(runner).tag(self.tag());
        for name in &self.vendors {
            let config = AgentConfig::new(AgentKind::Command, vec![name.to_string()]);
            builder = builder.agent(name.clone(), Arc::new(Asked(CommandAgent::new(name.clone(), config))));
        }
        Ok(builder)
    }

    /// Marks the processes of this scenario.
    pub(super) fn tag(&self) -> &str {
        self.root.file_name().unwrap_or("dayfly-rehearsal")
    }

    /// An executor that runs nothing; its attempts go as `script` says, which is told the seconds since the beginning.
    pub(super) fn mock(&self, script: impl Fn(&Attempt, i64) -> MockScript + Send + Sync + 'static) -> MockRunner {
        let (starts, clock) = (Arc::clone(&self.starts), Arc::clone(&self.clock));
        MockRunner::new(move |attempt| {
            let at = clock.seconds();
            let start = Start { attempt: attempt.id.clone(), probe: attempt.job.kind == "probe", at };
            starts.lock().unwrap_or_else(PoisonError::into_inner).push(start);
            script(attempt, at)
        })
    }

    /// What was started so far.
    pub(super) fn starts(&self) -> MutexGuard<'_, Vec<Start>> {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many attempts at issues were started so far.
    pub(super) fn attempts(&self) -> usize {
        self.starts().iter().filter(|start| !start.probe).count()
    }

    /// Runs an engine with that executor until nothing is left to do, or to wait for.
    pub(super) async fn run(&self, runner: Arc<dyn Runner>, patience: Duration) -> Result<Summary, Trouble> {
        finish(&self.engine(runner)?.build(), patience).await
    }

    pub(super) async fn events(&self) -> Result<Vec<Event>, Trouble> {
        let records = read_all(&*self.store).await?;
        records.iter().map(|record| record.event().map_err(Trouble::from)).collect()
    }

    pub(super) async fn state(&self) -> Result<State, Trouble> {
        Ok(State::fold(&read_all(&*self.store).await?)?)
    }

    /// How the attempts ended, in order.
    pub(super) async fn ends(&self) -> Result<Vec<(AttemptId, End)>, Trouble> {
        let ended = |event| match event {
            Event::AttemptEnded { attempt, outcome, .. } => Some((attempt, outcome.end)),
            _ => None,
        };
        Ok(self.events().await?.into_iter().filter_map(ended).collect())
    }

    /// What the ledger knows of every issue.
    pub(super) async fn known(&self) -> Result<BTreeMap<IssueRef, IssueState>, Trouble> {
        Ok(self.state().await?.issues)
    }

    /// How many attempts were charged to an issue that did nothing for it.
    pub(super) async fn charged(&self) -> Result<usize, Trouble> {
        let ends = self.ends().await?;
        Ok(ends.iter().filter(|(_, end)| end.class() == dayfly_core::Class::Charged).count())
    }

    /// The bodies of the comments on an issue.
    pub(super) async fn comments(&self, project: &str, number: u32) -> Result<Vec<String>, Trouble> {
        let issues = self.markdown().issues(&ProjectName::new(project)?).await?;
        let issue = issues.into_iter().find(|issue| issue.id.as_str() == number.to_string());
        Ok(issue.into_iter().flat_map(|issue| issue.comments).map(|comment| comment.body).collect())
    }
}

/// An agent of whose vendor it can be asked whether it takes work.
#[derive(Debug)]
struct Asked(CommandAgent);

impl Agent for Asked {
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

/// Runs an engine that nobody interrupts.
pub(super) async fn finish(engine: &Engine, patience: Duration) -> Result<Summary, Trouble> {
    let (_keep, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Idle { patience }, filter: Filter::default() };
    let run = timeout(MONTH, engine.run(options, &mut shutdown)).await;
    Ok(run.map_err(|_| Trouble::Other("its engine does not come to its end".into()))??)
}

/// How many there are, with the word for it.
pub(super) fn count(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}
