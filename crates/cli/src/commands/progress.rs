//! What a run tells while it works: a live line per attempt on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dayfly_core::{AgentEvent, AttemptEvent, AttemptId, Chosen, End, Event, IssueRef, Next, Outcome, State, Stop};
use dayfly_runner::{Notice, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::Write as _;

use crate::error::causes;
use crate::orders::names;
use crate::output::Output;
use crate::plain::plain;
use crate::tables::{cut, span};

/// Shows progress on standard error.
#[derive(Clone)]
pub(crate) struct Reporter {
    shared: Arc<Shared>,
}

struct Shared {
    bars: Option<MultiProgress>,
    verbose: bool,
    quiet: bool,
    live: Mutex<BTreeMap<AttemptId, ProgressBar>>,
}

impl Reporter {
    pub(crate) fn new(output: &Output, verbose: bool) -> Self {
        let bars = output.live.then(MultiProgress::new);
        let shared = Shared { bars, verbose, quiet: output.quiet, live: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The listener for an engine.
    pub(crate) fn progress(&self) -> Progress {
        let shared = Arc::clone(&self.shared);
        Progress::new(move |notice| shared.take(notice))
    }

    /// Takes the live lines away.
    pub(crate) fn finish(&self) {
        if let Some(bars) = &self.shared.bars {
            let _ = bars.clear();
        }
    }
}

impl Shared {
    fn say(&self, text: &str) {
        if self.quiet {
            return;
        }
        let text = plain(text);
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => {
                let _ = writeln!(anstream::stderr(), "{text}");
            }
        }
    }

    fn take(&self, notice: Notice<'_>) {
        match notice {
            Notice::Event(state, event) => self.event(state, event),
            Notice::Attempt(id, event) => self.attempt(id, event),
            Notice::Held(ready, reason) => self.say(&format!("{}  not started: {reason}", ready.issue)),
            Notice::Waiting(at) => self.say(&format!("nothing is ready before {}", crate::tables::time(at, at))),
            Notice::Recovered(found) => found.iter().for_each(|found| self.say(&found.to_string())),
            Notice::NotCleaned(id, why) => self.say(&format!("{id}  left files that cannot be removed now: {why}")),
            Notice::Draining => self.say("starting nothing more; this ends when what runs has ended"),
            Notice::Unavailable(err) => self.say(&format!(
                "nothing new is begun, and what runs goes on: {}; dayfly tries again, and goes on by itself",
                causes(err)
            )),
            Notice::Available => self.say("the ledger can be written again; dayfly goes on"),
            Notice::Stopping(Stop::Polite) => {
                self.say("stopping what runs; interrupt once more to kill it, a third time to leave at once");
            }
            Notice::Stopping(Stop::Kill) => self.say("killing what runs"),
            _ => {}
        }
    }

    fn event(&self, state: &State, event: &Event) {
        match event {
            Event::AttemptStarted { attempt, job, substitution, .. } => {
                let agent = job.agent.as_ref().map_or("the engine", |a| a.as_str());
                let because = substitution.as_ref().map(|s| format!(", because {s}")).unwrap_or_default();
                self.say(&format!("{}  {} by {agent}{because}: {}", job.issue, job.stage, cut(&job.title, 60)));
                self.add_bar(attempt, &format!("{} {}", job.issue, job.stage));
            }
            Event::AttemptEnded { attempt, outcome, next, .. } => {
                if let Some(bar) = self.lock().remove(attempt) {
                    bar.finish_and_clear();
                }
                self.say(&ended(attempt, outcome, next));
            }
            Event::EffectDone { issue, landed: Some(commit), .. } => {
                self.say(&format!("{issue}  landed as {}", commit.short()));
            }
            Event::EffectRefused { issue, reason, .. } | Event::EffectDelayed { issue, reason, .. } => {
                self.say(&format!("{issue}  {reason}"));
            }
            Event::CapacityLimited { limit } => {
                let until = limit.until.map(|at| format!(" until {}", crate::tables::time(at, at))).unwrap_or_default();
                self.say(&format!("{}  takes no work{until}: {}", limit.key, cut(&limit.said, 120)));
            }
            Event::CapacityOpened { key, .. } => self.say(&format!("{key}  takes work again")),
            // Told once: what follows is more of the same.
            Event::ServiceDown { service, .. }
                if let Some(outage) = state.services.get(service)
                    && outage.pauses == 1 =>
            {
                let until = crate::tables::time(outage.until, outage.since);
                self.say(&format!(
                    "{}; it is tried again at {until}, and then from time to time",
                    outage.told(service)
                ));
            }
            Event::ServiceBack { service } => self.say(&format!("{service} serves again")),
            Event::Answered { issue, by, chosen, .. } => self.say(&answered(issue, by, chosen.as_ref())),
            Event::ChildrenClosed { issue, .. } => self.say(&format!("{issue}  all its children are closed")),
            Event::Merged { issue, .. } => self.say(&format!("{issue}  was merged")),
            Event::PullSeen { issue, pull, .. } => {
                self.say(&format!("{issue}  pull request #{}: {}", pull.number, pull.standing));
            }
            Event::SentBack { issue, stage, feedback, .. } => {
                let why = feedback.as_ref().map_or("its base moved on", |f| f.reason.as_str());
                self.say(&format!("{issue}  goes back to {stage}: {}", cut(why, 120)));
            }
            Event::Stopped { issue, reason, .. } => self.say(&format!("{issue}  needs you: {reason}")),
            Event::Triaged { issue, rule, why, .. } => self.say(&format!("{issue}  {rule}: {}", cut(why, 120))),
            Event::Halted { order } => self.say(&format!("{} stopped everything: {}", order.by, order.reason)),
            Event::Paused { order, what } => {
                self.say(&format!("{} paused {}: {}", order.by, names(what), order.reason))
            }
            Event::Resumed { order, what } => self.say(&format!("{} lets {} go on", order.by, names(what))),
            Event::Cancelled { order, issue, .. } => {
                self.say(&format!("{issue}  was cancelled by {}: {}", order.by, order.reason));
            }
            Event::Unblocked { issue, .. } => self.say(&format!("{issue}  goes on")),
            Event::Reopened { issue, .. } => self.say(&format!("{issue}  was opened again")),
            Event::Closed { issue } => {
                let title = state.issues.get(issue).map(|k| k.title.as_str()).unwrap_or_default();
                self.say(&format!("{issue}  was closed: {title}"));
            }
            _ => {}
        }
    }

    fn attempt(&self, id: &AttemptId, event: AttemptEvent) {
        match event {
            AttemptEvent::Line { text, .. } => {
                if self.verbose {
                    self.say(&format!("{id} | {text}"));
                }
                self.message(id, &text);
            }
            AttemptEvent::Agent(AgentEvent::Text(text)) => self.message(id, &text),
            AttemptEvent::Agent(AgentEvent::Tool { name, detail }) => self.message(id, &format!("{name}: {detail}")),
            AttemptEvent::Agent(AgentEvent::Retry { reason, .. }) => self.say(&format!("{id}  retries: {reason}")),
            AttemptEvent::Silent(time) => self.say(&format!("{id}  has shown no sign of life for {}", span(time))),
            _ => {}
        }
    }

    fn add_bar(&self, id: &AttemptId, prefix: &str) {
        let Some(bars) = &self.bars else { return };
        let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {prefix}  {wide_msg}");
        let bar = bars.add(ProgressBar::new_spinner());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(prefix.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.lock().insert(id.clone(), bar);
    }

    fn message(&self, id: &AttemptId, text: &str) {
        if let Some(bar) = self.lock().get(id) {
            bar.set_message(cut(text, 200));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<AttemptId, ProgressBar>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line for a question that is answered.
fn answered(issue: &IssueRef, by: &str, chosen: Option<&Chosen>) -> String {
    match chosen {
        Some(chosen) if chosen.expired.is_some() => {
            format!("{issue}  nobody answered in time: {} is taken", cut(&chosen.option, 40))
        }
        Some(chosen) => format!("{issue}  answered by {by}: {}", cut(&chosen.option, 40)),
        None => format!("{issue}  answered by {by}"),
    }
}

/// One line for an ended attempt.
fn ended(attempt: &AttemptId, outcome: &Outcome, next: &Next) -> String {
    let next = match next {
        Next::Go { stage, not_before: Some(at), .. } => format!("{stage} again at {}", crate::tables::time(*at, *at)),
        Next::Go { stage, .. } => format!("goes to {stage}"),
        Next::Ask { question, .. } => format!("asks: {}", cut(question, 100)),
        Next::Split => "is split into children".into(),
        Next::Block { .. } => "needs you".into(),
        Next::Land { branch, .. } => format!("lands on {branch}"),
        Next::Hand { pull: Some(_), .. } => "goes to the forge".into(),
        Next::Hand { branch, .. } => format!("waits on the branch {branch}"),
        Next::Finish => "is done".into(),
        _ => String::new(),
    };
    let took = span(outcome.receipt.took);
    let left = match outcome.receipt.killed {
        0 => String::new(),
        1 => "; one process it left behind was ended".into(),
        n => format!("; {n} processes it left behind were ended"),
    };
    let end = match &outcome.end {
        End::Quota { resets_at: Some(at) } => format!("quota: comes back at {}", crate::tables::time(*at, *at)),
        end => cut(&end.to_string(), 120),
    };
    format!("{attempt}  {end} in {took}; {next}{left}")
}
