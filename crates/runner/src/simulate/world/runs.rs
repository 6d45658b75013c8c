//! The attempts of a simulated world, which go on whether an engine follows them or not.

use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::{
    Access, AnswerRule, Attempt, AttemptId, Child, Commit, End, IssueRef, LimitNotice, LimitScope, LimitWhy, Opening,
    Outcome, Proposal, Proposed, ResetTime, Using, VerdictClaim,
};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::simulate::dice::Dice;
use crate::simulate::mutation::Mutation;
use crate::simulate::settings::{Habit, Kind};
use crate::simulate::time::later;

use super::vendors::{Asked, Grant, Refusal, Vendors};
use super::{FaultKind, Happening, Inner, World};

/// An attempt that was started.
#[derive(Debug)]
pub(in crate::simulate) struct Run {
    pub(in crate::simulate) issue: IssueRef,
    tree: Utf8PathBuf,
    began: Instant,
    /// When it was charged for what its receipt shows, and with whom.
    charged: (Timestamp, Option<Using>),
    /// For how long it uses that.
    busy: Duration,
    /// When it ends.
    pub(in crate::simulate) ends: Instant,
    /// Since when it shows no sign of life.
    pub(in crate::simulate) silent: Option<Instant>,
    /// Its commit, once it has made it.
    commit: Option<Commit>,
    /// How it ends, or ended.
    pub(in crate::simulate) outcome: Outcome,
    /// Whether its end has been seen to.
    pub(in crate::simulate) over: bool,
    /// Whether it is an attempt at an issue: a probe and a gate's command are none.
    pub(in crate::simulate) counts: bool,
    late: bool,
}

impl Run {
    /// Charges it for what it uses until it is cut short, and for no more.
    fn cut(&mut self, vendors: &mut Vendors, busy: Duration) {
        if busy >= self.busy {
            return;
        }
        let part = busy.as_secs_f64() / self.busy.as_secs_f64();
        self.busy = busy;
        let usage = &mut self.outcome.receipt.usage;
        let all = usage.tokens();
        for tokens in [&mut usage.input_tokens, &mut usage.cached_tokens, &mut usage.output_tokens] {
            *tokens = (*tokens as f64 * part) as u64;
        }
        usage.cost_usd = usage.cost_usd.map(|usd| usd * part);
        if let (since, Some(using)) = &self.charged {
            vendors.give_back(using, *since, all - usage.tokens());
        }
    }
}

/// What an attempt will do.
struct Script {
    took: Duration,
    end: End,
    /// Whether it gets as far as to commit and to answer.
    works: bool,
    part: f64,
    notice: Option<LimitNotice>,
}

impl World {
    /// Starts an attempt.
    pub(in crate::simulate) fn start(&self, attempt: &Attempt) {
        let job = &attempt.job;
        let mut dice = Dice::new(self.settings.seed, attempt.id.as_str());
        let counts = job.kind != "probe";
        let kind = Kind::of(job);
        let habit = self.settings.habit(job.agent.as_ref(), &job.stage, kind);
        let tokens = if counts { (habit.kilotokens.draw(&mut dice) * 1000.0) as u64 } else { 20 };
        let script = self.script(attempt, &habit, tokens, &mut dice);
        let (hangs, dies, late) = match counts && script.works {
            true => (self.fails(FaultKind::Hang), self.fails(FaultKind::AgentDied), self.fails(FaultKind::LateChild)),
            false => (false, false, false),
        };
        let began = Instant::now();
        let tokens = (tokens as f64 * script.part) as u64;
        let mut outcome = Outcome::new(script.end);
        outcome.receipt.took = script.took;
        outcome.receipt.usage = self.usage(job, tokens);
        outcome.receipt.model = job.model.clone();
        outcome.receipt.exit_code = Some(i32::from(outcome.end != End::Succeeded));
        outcome.receipt.limits.extend(script.notice);
        let skills = Some(job.skills.clone()).filter(|skills| !skills.is_empty());
        outcome.receipt.opening = Some(Box::new(Opening { skills, model: job.model.clone(), ..Opening::default() }));
        let mut run = Run {
            issue: job.issue.clone(),
            tree: attempt.cwd.clone(),
            began,
            charged: (self.time.true_now(), job.using()),
            busy: script.took,
            ends: began + script.took,
            silent: None,
            commit: None,
            outcome,
            over: false,
            counts,
            late,
        };
        if hangs {
            run.silent = Some(began + script.took / 2);
            run.ends = began + script.took / 2 + job.silence;
            run.cut(&mut self.look().vendors, script.took / 2);
            run.outcome.end = End::TimedOutSilence { limit: job.silence };
        } else if dies {
            run.ends = began + script.took / 3;
            run.cut(&mut self.look().vendors, script.took / 3);
            run.outcome.end = End::Host { reason: "its process was killed".into() };
            run.outcome.receipt.signal = Some(9);
        } else if script.took > job.wall {
            run.ends = began + job.wall;
            run.cut(&mut self.look().vendors, job.wall);
            run.outcome.end = End::TimedOutWall { limit: job.wall };
        } else if script.works && counts {
            self.does_its_work(attempt, (&habit, kind), &mut dice, &mut run);
        }
        run.outcome.receipt.took = run.ends.duration_since(began);
        self.begins(&attempt.id, run);
    }

    fn begins(&self, id: &AttemptId, run: Run) {
        let now = self.time.true_now();
        let mut inner = self.look();
        let other = inner.runs.iter().find(|(_, other)| other.counts && !other.over && other.issue == run.issue);
        if let Some((other, _)) = other.filter(|_| run.counts) {
            let what = format!("{id} was started while {other} ran at the same issue");
            inner.violated(now, what);
        }
        if inner.runs.contains_key(id) && run.counts {
            inner.violated(now, format!("{id} was started twice"));
        }
        inner.runs.insert(id.clone(), run);
    }

    /// How far its vendor lets it come.
    fn script(&self, attempt: &Attempt, habit: &Habit, tokens: u64, dice: &mut Dice) -> Script {
        let job = &attempt.job;
        let minutes = Duration::from_secs((habit.minutes.draw(dice) * 60.0) as u64);
        let took = if job.kind == "probe" { Duration::from_secs(4) } else { minutes };
        let whole = Script { took, end: End::Succeeded, works: true, part: 1.0, notice: None };
        let Some(using) = job.using() else { return whole };
        let agent = job.agent.as_ref().and_then(|name| self.portfolio.agents.get(name));
        let own = agent.is_none_or(|agent| agent.kind == dayfly_core::AgentKind::Command);
        let flat = self.portfolio.billing(job.account.as_ref()) != dayfly_core::Billing::ApiKey && !own;
        let soon = Duration::from_secs(5 + dice.below(20));
        let now = self.time.true_now();
        match self.look().vendors.ask(Asked { using: &using, tokens, flat, works: job.kind != "probe" }, now) {
            Grant::Whole => whole,
            // What is not understood as a limit is held against the issue.
            Grant::Part(..) | Grant::Refused(_) if self.mutation == Some(Mutation::Capacity) => {
                let reason = "you have hit your limit".to_owned();
                Script { took: soon, end: End::TaskFailed { reason }, works: false, part: 0.0, notice: None }
            }
            Grant::Part(part, refusal) => Script { took: took.mul_f64(part) + soon, part, ..refused(refusal) },
            Grant::Refused(refusal) => Script { took: soon, ..refused(refusal) },
            Grant::Down => {
                let reason = "the vendor answered with status 529".to_owned();
                Script { took: soon, end: End::ProviderDown { reason }, works: false, part: 0.0, notice: None }
            }
        }
    }

    /// What it leaves: a commit, and an answer.
    fn does_its_work(&self, attempt: &Attempt, (habit, kind): (&Habit, Kind), dice: &mut Dice, run: &mut Run) {
        let job = &attempt.job;
        if dice.falls(habit.fails) {
            run.outcome.end = End::TaskFailed { reason: "the agent gave up".into() };
            return;
        }
        let may = |effect: &str| job.effects.iter().any(|e| e == effect);
        let mut proposal = Proposal { version: 1, summary: "done".into(), ..Proposal::default() };
        if may("ask") && dice.falls(habit.asks) {
            proposal.effects.push(Proposed::Ask {
                question: "Which of the two?".into(),
                options: Vec::new(),
                default: String::new(),
            });
        } else if may("split") && job.children >= 2 && !is_child(self, run) && dice.falls(habit.splits) {
            let child = |key: &str| Child { key: key.into(), title: format!("part {key}"), ..Child::default() };
            proposal.effects.push(Proposed::Split { children: vec![child("a"), child("b")] });
        }
        if kind == Kind::Judge {
            let rejects = dice.falls(habit.rejects);
            proposal.verdict = Some(if rejects { VerdictClaim::Fail } else { VerdictClaim::Pass });
        }
        if job.answer != AnswerRule::None {
            run.outcome.answer = serde_json::to_string(&proposal).ok();
        }
        let idle = dice.falls(habit.idle);
        if let Some(start) = job.start.as_ref().filter(|_| job.access == Access::Write && !idle) {
            let bad = dice.falls(habit.bad);
            let subject = format!("work on {}", job.issue);
            let mut inner = self.look();
            let place = inner.places.get_mut(&job.issue.project);
            run.commit = place.map(|place| place.repo.work(start, bad, &subject));
        }
    }

    /// Ends an attempt, if it runs.
    pub(in crate::simulate) fn stop(&self, id: &AttemptId, end: End, within: Duration) {
        let mut look = self.look();
        let inner = &mut *look;
        let Some(run) = inner.runs.get_mut(id).filter(|run| !run.over) else { return };
        let ends = Instant::now() + within;
        if ends < run.ends {
            run.ends = ends;
            run.outcome = Outcome { end, receipt: run.outcome.receipt.clone(), ..Outcome::new(End::Lost) };
            run.outcome.receipt.took = ends.duration_since(run.began);
            run.commit = None;
            run.cut(&mut inner.vendors, run.outcome.receipt.took);
        }
        drop(look);
        // What is to end at once ends now.
        drop(self.look());
    }

    /// What recovery does to what it does not take up.
    pub(in crate::simulate) fn kill(&self, id: &AttemptId) {
        if self.mutation != Some(Mutation::Recovery) {
            self.stop(id, End::Lost, Duration::ZERO);
        }
    }
}

fn is_child(world: &World, run: &Run) -> bool {
    let mut inner = world.look();
    let place = inner.places.get_mut(&run.issue.project);
    place.and_then(|place| place.issue(&run.issue.issue)).is_some_and(|issue| issue.parent.is_some())
}

fn refused(refusal: Refusal) -> Script {
    let Refusal { window, stated } = refusal;
    let notice = LimitNotice {
        scope: LimitScope::Account,
        why: LimitWhy::Quota,
        window: Some(window.into()),
        used: Some(1.0),
        refused: true,
        resets: Some(ResetTime::At(stated)),
        said: "you have hit your limit".into(),
    };
    let end = End::Quota { resets_at: Some(stated) };
    Script { took: Duration::ZERO, end, works: false, part: 0.0, notice: Some(notice) }
}

impl Inner {
    /// Sees to the attempts that have ended.
    pub(super) fn conclude(&mut self, now: Timestamp) {
        let at = Instant::now();
        let ended: Vec<AttemptId> =
            self.runs.iter().filter(|(_, run)| !run.over && run.ends <= at).map(|(id, _)| id.clone()).collect();
        for id in ended {
            let Some(run) = self.runs.get_mut(&id) else { continue };
            run.over = true;
            let (project, tree, commit) = (run.issue.project.clone(), run.tree.clone(), run.commit.clone());
            let late = run.late;
            if let (Some(place), Some(commit)) = (self.places.get_mut(&project), commit) {
                place.repo.stands(&tree, commit);
            }
            if late {
                let wait = Duration::from_millis(self.dice.below(120_000));
                self.plan(later(now, wait), Happening::LateChild(id));
            }
        }
    }

    /// What an attempt left behind writes into its working copy, if that is still there.
    pub(super) fn late_child(&mut self, id: &AttemptId) {
        let Some(run) = self.runs.get(id) else { return };
        let (project, tree) = (run.issue.project.clone(), run.tree.clone());
        if let Some(place) = self.places.get_mut(&project) {
            place.repo.dirties(&tree);
        }
    }
}

#[cfg(test)]
mod tests;
