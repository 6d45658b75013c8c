//! Watching an attempt while it runs: what it spends, what it said when it started, and what its vendor says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dayfly_core::{
    AgentEvent, AttemptEvent, AttemptId, Billing, End, EventSink, JobSpec, LimitNotice, Opening, Outcome, Usage,
};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::model::Input;

/// How long what was under way when a vendor refused may still be told.
const UNDER_WAY: Duration = Duration::from_secs(30);

/// Watches one attempt.
#[derive(Debug)]
pub(super) struct Guard {
    job: JobSpec,
    /// How its use is to be billed.
    billing: Billing,
    /// The end it is to have, once something has been seen that it must not go on with.
    tripped: watch::Sender<Option<End>>,
    /// Why it last tried a request again, as long as none was answered since.
    retries: Mutex<Option<String>>,
}

impl Guard {
    pub(super) fn new(job: &JobSpec, billing: Billing) -> Arc<Self> {
        Arc::new(Self { job: job.clone(), billing, tripped: watch::Sender::new(None), retries: Mutex::default() })
    }

    /// A sink that looks at everything on its way to `inner`.
    pub(super) fn sink(self: &Arc<Self>, inner: EventSink) -> EventSink {
        let guard = Arc::clone(self);
        EventSink::new(move |event| {
            if let AttemptEvent::Agent(told) = &event
                && let Some(end) = guard.judge(told)
            {
                // The first reason stands.
                guard.tripped.send_if_modified(|tripped| tripped.is_none() && tripped.replace(end).is_none());
            }
            inner.send(event);
        })
    }

    /// Ends when the attempt must not go on.
    pub(super) async fn tripped(&self) {
        // The sender is this very value.
        let _ = self.tripped.subscribe().wait_for(Option::is_some).await;
    }

    /// Puts the end in place that the attempt was stopped for, or that its success must not hide.
    pub(super) fn correct(&self, outcome: &mut Outcome) {
        let tripped = self.tripped.borrow().clone();
        let retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner).take();
        let timed_out = matches!(outcome.end, End::TimedOutWall { .. } | End::TimedOutSilence { .. });
        if let Some(end) = tripped {
            outcome.end = end;
        } else if let Some(reason) = retries.filter(|_| timed_out) {
            // It was not the work that took so long.
            outcome.end = End::ProviderDown { reason: format!("{}; it was still trying again: {reason}", outcome.end) };
        } else if outcome.end == End::Succeeded
            && !self.job.skills.is_empty()
            && outcome.receipt.opening.as_ref().is_none_or(|opening| opening.skills.is_none())
        {
            outcome.end = End::Misconfigured { reason: self.untold() };
        }
    }

    fn untold(&self) -> String {
        format!(
            "the agent does not tell which skills it found, and the stage relies on {}; use an agent that does",
            self.job.skills.join(", ")
        )
    }

    fn judge(&self, event: &AgentEvent) -> Option<End> {
        let retries = match event {
            AgentEvent::Retry { reason, .. } => Some(Some(reason.clone())),
            // What it says in words may be its own word for a refusal.
            AgentEvent::Tool { .. } | AgentEvent::FileChange { .. } | AgentEvent::Usage(_) => Some(None),
            _ => None,
        };
        if let Some(retries) = retries {
            *self.retries.lock().unwrap_or_else(PoisonError::into_inner) = retries;
        }
        match event {
            AgentEvent::Usage(usage) => self.spent(usage),
            AgentEvent::Started(opening) => self.opened(opening),
            _ => None,
        }
    }

    fn spent(&self, usage: &Usage) -> Option<End> {
        let spend = &self.job.spend;
        if let Some(most) = spend.tokens.filter(|most| usage.tokens() > *most) {
            let reason = format!("it used {} tokens, and {most} are left to it", usage.tokens());
            return Some(End::TaskFailed { reason });
        }
        let most = spend.usd_micros.filter(|_| self.billing != Billing::Subscription)? as f64 / 1e6;
        let usd = usage.cost_usd.filter(|usd| *usd > most)?;
        Some(End::TaskFailed { reason: format!("it used {usd:.2} US dollars, and {most:.2} are left to it") })
    }

    fn opened(&self, opening: &Opening) -> Option<End> {
        if self.billing == Billing::Subscription && opening.billing == Billing::ApiKey {
            let source = opening.key_source.as_deref().unwrap_or("an API key");
            let reason = format!(
                "its account is a subscription, and it started with {source}, which is billed by the token; take that \
                 variable out of `pass-env`, `env`, and the .env and settings files of the repository, or set `billing = \"api-key\"`"
            );
            return Some(End::Misconfigured { reason });
        }
        let found = opening.skills.as_ref()?;
        let missing: Vec<&str> = self.job.skills.iter().filter(|s| !found.contains(s)).map(String::as_str).collect();
        if missing.is_empty() {
            return None;
        }
        let reason = format!(
            "the agent did not find the skills {}; see that they are committed, and that the project is trusted",
            missing.join(", ")
        );
        Some(End::Misconfigured { reason })
    }
}

/// Tells the engine what an attempt's events say of its vendor.
#[derive(Debug)]
pub(super) struct Vendor {
    inputs: mpsc::Sender<Input>,
    attempt: AttemptId,
    /// Whether what it tells is new, and was not told to an earlier engine.
    hears: AtomicBool,
    /// Whether the vendor has been told to answer since it last refused.
    answered: AtomicBool,
    /// When it last refused.
    refused: Mutex<Option<Instant>>,
}

impl Vendor {
    pub(super) fn new(inputs: mpsc::Sender<Input>, attempt: AttemptId, taken_up: bool) -> Self {
        let (hears, answered) = (AtomicBool::new(!taken_up), AtomicBool::new(false));
        Self { inputs, attempt, hears, answered, refused: Mutex::default() }
    }

    pub(super) fn look(&self, event: &AttemptEvent) {
        let told = match event {
            AttemptEvent::Agent(told) if self.hears.load(Ordering::Relaxed) => told,
            AttemptEvent::CaughtUp => return self.hears.store(true, Ordering::Relaxed),
            _ => return,
        };
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match told {
            AgentEvent::RateLimit(notice) if notice.refused => self.refused(notice),
            // What it says in words may be its own word for a refusal, and what it began before may come after one.
            AgentEvent::Tool { .. } | AgentEvent::FileChange { .. }
                if refused.is_none_or(|at| at.elapsed() > UNDER_WAY) =>
            {
                self.answers();
            }
            // After a refusal a sum says nothing: it holds what was answered before.
            AgentEvent::Usage(usage) if usage.output_tokens > 0 && refused.is_none() => self.answers(),
            _ => {}
        }
    }

    fn answers(&self) {
        if !self.answered.swap(true, Ordering::Relaxed) {
            // A full channel costs a little time: the end of the attempt tells the same.
            let _ = self.inputs.try_send(Input::Answers(self.attempt.clone()));
        }
    }

    fn refused(&self, notice: &LimitNotice) {
        self.answered.store(false, Ordering::Relaxed);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let _ = self.inputs.try_send(Input::Refuses(self.attempt.clone(), Box::new(notice.clone())));
    }
}
