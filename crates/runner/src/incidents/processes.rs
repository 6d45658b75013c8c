//! Real processes: what an agent leaves behind, what is another's, and what is not there.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{AttemptId, End, Event, Runner};
use tokio::sync::mpsc;

use crate::engine::{Notice, Progress, RunOptions};
use crate::mock::MockScript;
use crate::process;
use crate::subprocess::SubprocessRunner;

use super::Wiring;
use super::naive::runners::RootAlone;
use super::tale::Tale;
use super::yard::{Trouble, Yard, count};

/// An agent behind a wrapper: it has a session of its own, and the wrapper waits for it.
const WRAPPED: &str = "setsid /bin/sh -c 'echo $$ >agent.pid; exec sleep 600' </dev/null >/dev/null 2>&1 &\nwait\n";

/// Whether a process with this number lives.
fn lives(pid: u32) -> bool {
    process::identity(pid).is_some_and(|it| process::is_alive(&it))
}

fn word(lives: bool) -> &'static str {
    if lives { "alive" } else { "gone" }
}

pub(super) async fn wrapper_kill(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "An agent's command is a wrapper; the agent itself runs in a session of its own. After two seconds its time is over.",
    );
    let mut yard =
        Yard::new(1, &[("app", "wrapper")], "[limits]\nwall = \"2s\"\ngrace = \"100ms\"\n[retry]\ntransient = 1")?;
    let program = yard.program("wrapper", WRAPPED)?;
    yard.set("argv = [\"wrapper\"]", &format!("argv = [\"{program}\"]"));
    yard.issues("app", [1])?;
    let runner: Arc<dyn Runner> = match wiring {
        Wiring::Whole => Arc::new(SubprocessRunner::new()),
        Wiring::WithoutDefence => Arc::new(RootAlone),
    };
    yard.run(runner, Duration::ZERO).await?;
    let ends = yard.ends().await?;
    let pid = std::fs::read_to_string(yard.root.join("app/agent.pid")).unwrap_or_default();
    let pid: Option<u32> = pid.trim().parse().ok();
    let left = pid.is_some_and(lives);
    for (attempt, _) in &ends {
        process::kill_attempt(yard.tag(), attempt, None);
    }
    let shown = ends.iter().map(|(_, end)| end.to_string()).collect::<Vec<_>>().join("; ");
    tale.tell(format!("The attempt ended: {shown}."));
    tale.tell(format!("The agent behind the wrapper is {}.", word(left)));
    tale.must("the agent had started", pid.is_some(), format!("{pid:?}"));
    tale.must("its time was over", matches!(ends[..], [(_, End::TimedOutWall { .. })]), shown);
    tale.must("nothing of it runs on", !left, word(left));
    Ok(tale)
}

/// A process that carries the mark of an installation, and is nobody's child but ours.
struct Marked(Child);

impl Marked {
    fn start(tag: &str, attempt: &AttemptId) -> Result<Self, Trouble> {
        let mut command = Command::new("sleep");
        command.arg("600").env(process::TAG_VARIABLE, tag).env(process::ATTEMPT_VARIABLE, attempt.as_str());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }

    fn lives(&self) -> bool {
        lives(self.0.id())
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        // It may be gone; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) async fn foreign_cleanup(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "Two installations work on this machine. The engine of one died, and starts again; an agent of each runs on.",
    );
    let yard = Yard::new(1, &[("app", "agent")], "")?;
    yard.issues("app", [1])?;
    let hangs: Arc<dyn Runner> = Arc::new(yard.mock(|_, _| MockScript::hangs()));
    let (tells, mut started) = mpsc::channel(1);
    let progress = Progress::new(move |notice| {
        if matches!(notice, Notice::Event(_, Event::AttemptStarted { .. })) {
            // A second one would tell nothing new.
            let _ = tells.try_send(());
        }
    });
    let engine = yard.engine(hangs)?.progress(progress).build();
    let (_keep, mut shutdown) = mpsc::channel(1);
    tokio::select! {
        ended = engine.run(RunOptions::default(), &mut shutdown) => drop(ended?),
        _ = started.recv() => {}
    }
    drop(engine);
    let attempt = yard.state().await?.live.into_keys().next();
    let attempt = attempt.ok_or_else(|| Trouble::Other("nothing was started".into()))?;
    let foreign_tag = match wiring {
        Wiring::Whole => format!("{}-other", yard.tag()),
        Wiring::WithoutDefence => yard.tag().to_owned(),
    };
    let (ours, foreign) = (Marked::start(yard.tag(), &attempt)?, Marked::start(&foreign_tag, &attempt)?);
    let summary = yard.run(Arc::new(yard.mock(|_, _| MockScript::succeeds())), Duration::ZERO).await?;
    let (ours, foreign) = (ours.lives(), foreign.lives());
    let ends = yard.ends().await?.iter().map(|(_, end)| end.word()).collect::<Vec<_>>().join(", ");
    tale.tell(format!("The engine settled what it had left: {ends}; {} done.", count(summary.done.len(), "issue")));
    tale.tell(format!(
        "Its own agent is {}; the other installation's, at an attempt of the same name, is {}.",
        word(ours),
        word(foreign)
    ));
    tale.must("what is left of our own attempt is ended", !ours, word(ours));
    tale.must("what carries another installation's mark is left alone", foreign, word(foreign));
    Ok(tale)
}

/// What an agent does that leaves its work to a task in the background, and ends.
const BACKGROUND: &str = "(sleep 600; echo done >result.txt; git add --all; git commit --quiet -m result) >/dev/null 2>&1 &\n\
     echo $! >\"$0.pid\"\nexit 0\n";

pub(super) async fn background_orphan(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "An agent starts its work in the background, says that all is well, and exits. The work would take ten minutes.",
    );
    let yard = claims(wiring, BACKGROUND).await?;
    let (ends, good) = succeeded(&yard).await?;
    let landed = yard.git("app", &["rev-list", "--count", "main"])? != "1";
    let pid = std::fs::read_to_string(yard.root.join("agent.pid"))?.trim().parse().unwrap_or_default();
    let left = pid == 0 || lives(pid);
    tale.tell(format!("Its attempts ended: {ends}."));
    tale.tell(format!(
        "{} taken for a success; {} reached the base branch.",
        count(good, "attempt"),
        if landed { "a change" } else { "nothing" }
    ));
    tale.must("work that is not there when the agent ends is no success", good == 0, ends);
    tale.must("what it had started ended with it", !left, if left { "it still runs" } else { "it is gone" });
    tale.must("nothing of it lands later", !landed, if landed { "it landed" } else { "nothing landed" });
    Ok(tale)
}

pub(super) async fn silent_exit_0(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin("An agent prints nothing, changes nothing, and exits with 0.");
    let yard = claims(wiring, "exit 0\n").await?;
    let (ends, good) = succeeded(&yard).await?;
    let said = yard.comments("app", 1).await?.pop().unwrap_or_default();
    let first = said.lines().next().unwrap_or("nothing").to_owned();
    tale.tell(format!("Its attempts ended: {ends}; {} taken for a success.", count(good, "attempt")));
    tale.tell(format!("On the issue it says: {first}"));
    tale.must("exit code 0 alone is no success", good == 0, ends);
    tale.must("a person is told after the second time", said.contains("twice in a row"), first);
    Ok(tale)
}

/// A repository whose agent does that, run until nothing is left to do. Without the defence no gate is asked.
async fn claims(wiring: Wiring, script: &str) -> Result<Yard, Trouble> {
    let gates = match wiring {
        Wiring::Whole => "[stages.exec]\n",
        Wiring::WithoutDefence => "[stages.exec]\ngates = []\n",
    };
    let mut yard = Yard::new(1, &[("app", "agent")], gates)?;
    let program = yard.program("agent", script)?;
    yard.set("argv = [\"agent\"]", &format!("argv = [\"{program}\"]"));
    yard.repository("app")?;
    yard.set("pipeline = [\"exec\"]", "pipeline = [\"exec\", \"merge\"]");
    yard.issues("app", [1])?;
    yard.run(Arc::new(SubprocessRunner::new()), Duration::ZERO).await?;
    Ok(yard)
}

/// How the attempts of agents ended, and how many of them were taken for a success.
async fn succeeded(yard: &Yard) -> Result<(String, usize), Trouble> {
    let ends = yard.ends().await?;
    let of_agents: Vec<&End> =
        ends.iter().filter(|(attempt, _)| attempt.as_str().contains(".exec.")).map(|(_, end)| end).collect();
    let good = of_agents.iter().filter(|end| ***end == End::Succeeded).count();
    Ok((of_agents.iter().map(|end| end.word()).collect::<Vec<_>>().join(", "), good))
}

pub(super) async fn cron_path(wiring: Wiring) -> Result<Tale, Trouble> {
    let name = "agent-that-is-not-on-this-path";
    let mut tale = Tale::begin("At night `PATH` does not lead to the agent's program. Three issues wait for it.");
    let mut yard = Yard::new(1, &[("app", "agent")], "")?;
    let argv = match wiring {
        Wiring::Whole => format!("argv = [\"{name}\"]"),
        Wiring::WithoutDefence => format!("argv = [\"/bin/sh\", \"-c\", \"{name}\"]"),
    };
    yard.set("argv = [\"agent\"]", &argv);
    yard.issues("app", 1..=3)?;
    let summary = yard.run(Arc::new(SubprocessRunner::new()), Duration::ZERO).await?;
    let (charged, ends) = (yard.charged().await?, yard.ends().await?.len());
    let told = summary.held.iter().map(|(_, reason)| reason.as_str()).find(|reason| reason.contains(name));
    let told = told.unwrap_or_default().to_owned();
    tale.tell(format!("{} made, and {} charged to the issues.", count(ends, "attempt"), count(charged, "failure")));
    tale.tell(if told.is_empty() { "The run names no program.".into() } else { format!("The run says: {told}") });
    tale.must("an agent that is not there fails no issue", charged == 0, count(charged, "charged failure"));
    tale.must("the run names the program", !told.is_empty(), told);
    tale.must("the run does not end as if all were well", summary.has_trouble(), format!("{:?}", summary.ends));
    Ok(tale)
}
