//! Executors that break one sentence each, without processes: the suite must name it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Attempt, AttemptEvent, Capabilities, CommandLine, Containment, End, Outcome, Receipt, Runner, RunnerError, Running,
    Sandbox, Stop,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::{Report, runner_within};
use super::contract;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    RefusesCommands,
    WaitsOnce,
    AsksGates,
    IgnoresStop,
    ChangesTheEndByStop,
    TalksAfterTheEnd,
    FindsEverything,
    FindsNothing,
    FindsOnce,
    HasNoWallLimit,
    IsSilentAboutSilence,
    IsLateWithSilence,
}

/// An executor in which an attempt is an entry of a table, with one fault.
#[derive(Debug, Clone)]
struct Toy {
    fault: Fault,
    ends: Arc<Mutex<BTreeMap<String, watch::Sender<Option<End>>>>>,
}

#[derive(Debug)]
struct ToyRunning {
    fault: Fault,
    attempt: Attempt,
    end: watch::Sender<Option<End>>,
    started: Instant,
    waits: u32,
}

impl Toy {
    fn new(fault: Fault) -> Self {
        Self { fault, ends: Arc::default() }
    }

    fn running(&self, attempt: &Attempt, end: &watch::Sender<Option<End>>) -> Box<dyn Running> {
        let (attempt, end) = (attempt.clone(), end.clone());
        Box::new(ToyRunning { fault: self.fault, attempt, end, started: Instant::now(), waits: 0 })
    }
}

#[async_trait]
impl Runner for Toy {
    fn name(&self) -> &str {
        "toy"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            exit_status: false,
            reattach: true,
            containment: Containment::None,
            limits: true,
            sandbox: Sandbox::None,
        }
    }

    fn can_start(&self, _: &CommandLine) -> Result<(), String> {
        if self.fault == Fault::RefusesCommands { Err("not today".into()) } else { Ok(()) }
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let quick = attempt.job.stage.as_str() == "quick";
        let end = watch::Sender::new(quick.then_some(End::Succeeded));
        self.ends.lock().unwrap().insert(attempt.id.to_string(), end.clone());
        Ok(self.running(attempt, &end))
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        let known = self.ends.lock().unwrap().get(attempt.id.as_str()).cloned();
        Ok(match (self.fault, known) {
            (Fault::FindsNothing, _) => None,
            (Fault::FindsOnce, Some(end)) => {
                self.ends.lock().unwrap().remove(attempt.id.as_str());
                Some(self.running(attempt, &end))
            }
            (Fault::FindsEverything, None) => Some(self.running(attempt, &watch::Sender::new(None))),
            (_, known) => known.map(|end| self.running(attempt, &end)),
        })
    }
}

#[async_trait]
impl Running for ToyRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        let job = &self.attempt.job;
        let mut known = self.end.subscribe();
        let told = match self.fault {
            Fault::IsLateWithSilence => job.silence + Duration::from_secs(1),
            _ => job.silence_report,
        };
        if self.end.borrow().is_none() {
            let wall = if self.fault == Fault::HasNoWallLimit { Duration::from_secs(1 << 30) } else { job.wall };
            let events = self.attempt.events.clone();
            let silence = async {
                sleep_until(self.started + told.min(job.silence)).await;
                if self.fault != Fault::IsSilentAboutSilence && told < job.silence {
                    events.send(AttemptEvent::Silent(told));
                }
                sleep_until(self.started + job.silence).await;
            };
            tokio::select! {
                _ = known.wait_for(Option::is_some) => {}
                () = sleep_until(self.started + wall) => { self.end.send_replace(Some(End::TimedOutWall { limit: wall })); }
                () = silence => { self.end.send_replace(Some(End::TimedOutSilence { limit: job.silence })); }
            }
        }
        self.waits += 1;
        if self.waits > 1 && self.fault == Fault::TalksAfterTheEnd {
            self.attempt.events.send(AttemptEvent::Silent(told));
        }
        let late = if self.fault == Fault::WaitsOnce { self.waits } else { 0 };
        let receipt = Receipt { output_bytes: late.into(), ..Receipt::default() };
        let commit = (self.fault == Fault::AsksGates).then(|| dayfly_core::Commit("c0ffee".into()));
        let end = self.end.borrow().clone().unwrap_or(End::Lost);
        Ok(Outcome { commit, receipt, ..Outcome::new(end) })
    }

    async fn stop(&mut self, _: Stop) -> Result<(), RunnerError> {
        let over = self.end.borrow().is_some() && self.fault != Fault::ChangesTheEndByStop;
        if !over && self.fault != Fault::IgnoresStop {
            self.end.send_replace(Some(End::Cancelled));
        }
        Ok(())
    }
}

/// What the suite says of a toy with that fault.
fn judged(fault: Fault) -> Result<Report, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let toy = Toy::new(fault);
    let suite = runner_within(Duration::from_secs(2), async || toy.clone());
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite))).map_err(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn a_toy_without_a_fault_keeps_the_contract() {
    let report = judged(Fault::None).unwrap();
    assert_eq!(report.reasons(), ["it runs no processes, or cannot hold them"], "{report}");
    assert!(report.checked.contains(&contract::REATTACH) && report.checked.contains(&contract::WALL), "{report}");
}

#[test]
fn each_fault_is_named() {
    for (fault, sentence) in [
        (Fault::RefusesCommands, contract::CAN_START),
        (Fault::WaitsOnce, contract::WAIT),
        (Fault::AsksGates, contract::CLAIM),
        (Fault::IgnoresStop, contract::STOPS),
        (Fault::ChangesTheEndByStop, contract::STOP_AGAIN),
        (Fault::TalksAfterTheEnd, contract::QUIET_AFTER),
        (Fault::FindsEverything, contract::NOT_FOUND),
        (Fault::FindsNothing, contract::REATTACH),
        (Fault::FindsOnce, contract::REATTACH_ENDED),
        (Fault::HasNoWallLimit, contract::WALL),
        (Fault::IsSilentAboutSilence, contract::SILENCE),
        (Fault::IsLateWithSilence, contract::SILENCE),
    ] {
        let said = judged(fault).unwrap_err();
        assert!(said.contains(sentence), "{fault:?}: {said}");
    }
}
