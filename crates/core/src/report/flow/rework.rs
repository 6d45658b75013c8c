//! What came back, and what led nowhere.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::{End, StageName, Verdict};

use super::Window;
use super::course::{Courses, Led};

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rework {
    /// The changes that were accepted on these days. What is split counts by its children.
    pub accepted: usize,
    /// How often the work of these was sent back to an earlier stage, on earlier days too.
    pub rounds: u32,
    /// The same for each of them; none if there was none.
    pub rounds_per_change: Option<f64>,
    /// Those of them whose work was never sent back, and no stage of which failed.
    pub straight: usize,
    /// Issues that were opened again after they had been done.
    pub reopened: usize,
    /// Landings that were refused because the base branch had moved.
    pub overtaken: usize,
    /// Attempts that ended.
    pub attempts: usize,
    /// Those of them that led nowhere: the same stage had to be tried again, or somebody had to mend something.
    pub nowhere: usize,
    /// How long those worked, as far as that is known.
    pub nowhere_time: Duration,
    /// The stages, the one with most attempts first.
    pub stages: Vec<StageEnds>,
    /// The gates, the one that failed most first.
    pub gates: Vec<GateLine>,
}

/// How the attempts at a stage ended, and what followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageEnds {
    /// The stage.
    pub stage: StageName,
    /// Attempts that ended.
    pub attempts: usize,
    /// How many by their end, in a word.
    pub ends: BTreeMap<String, usize>,
    /// After so many the issue went on to another stage or to its end.
    pub forward: usize,
    /// After so many a person was asked.
    pub asked: usize,
    /// After so many the work went back to an earlier stage.
    pub back: usize,
    /// After so many the same stage was to be tried again.
    pub again: usize,
    /// After so many somebody had to mend something.
    pub stuck: usize,
}

impl StageEnds {
    /// Attempts that led nowhere.
    pub fn nowhere(&self) -> usize {
        self.again + self.stuck
    }
}

/// How often a gate was checked, and failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateLine {
    /// The gate.
    pub gate: String,
    /// How often it was checked.
    pub checked: usize,
    /// How often it failed.
    pub failed: usize,
}

pub(super) fn rework(window: &Window, courses: &Courses<'_>) -> Rework {
    let mut rework = Rework::default();
    for (_, _, life) in courses.lives().filter(|(issue, ..)| window.wants(&issue.project)) {
        if life.accepted().is_some_and(|at| window.holds(at)) {
            rework.accepted += 1;
            rework.rounds += life.rounds;
            rework.straight += usize::from(life.rounds == 0 && life.failed == 0);
        }
    }
    rework.rounds_per_change = (rework.accepted > 0).then(|| f64::from(rework.rounds) / rework.accepted as f64);
    for (issue, course) in &courses.issues {
        if window.wants(&issue.project) {
            rework.reopened += course.reopened.iter().filter(|at| window.holds(**at)).count();
            rework.overtaken += course.overtaken.iter().filter(|at| window.holds(**at)).count();
        }
    }
    attempts(window, courses, &mut rework);
    rework
}

fn attempts(window: &Window, courses: &Courses<'_>, rework: &mut Rework) {
    let mut stages: BTreeMap<&StageName, StageEnds> = BTreeMap::new();
    let mut gates: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (n, line) in courses.lines.iter().enumerate() {
        let ended = line.ended.is_some_and(|at| window.holds(at)) && window.wants(&line.issue.project);
        let (true, Some(outcome)) = (ended, &line.outcome) else { continue };
        let stage = stages.entry(&line.stage).or_insert_with(|| StageEnds {
            stage: line.stage.clone(),
            attempts: 0,
            ends: BTreeMap::new(),
            forward: 0,
            asked: 0,
            back: 0,
            again: 0,
            stuck: 0,
        });
        stage.attempts += 1;
        *stage.ends.entry(line.end.clone()).or_default() += 1;
        let led = courses.led.get(&n).copied().unwrap_or(Led::Forward);
        match led {
            Led::Forward => stage.forward += 1,
            Led::Asked => stage.asked += 1,
            Led::Back => stage.back += 1,
            Led::Again => stage.again += 1,
            Led::Stuck => stage.stuck += 1,
        }
        rework.attempts += 1;
        if matches!(led, Led::Again | Led::Stuck) {
            rework.nowhere += 1;
            rework.nowhere_time = rework.nowhere_time.saturating_add(line.took.unwrap_or_default());
        }
        for result in &outcome.receipt.gates {
            let (checked, failed) = gates.entry(&result.gate).or_default();
            *checked += 1;
            *failed += usize::from(matches!(result.verdict, Verdict::Fail { .. }));
        }
        // What stops a landing, such as a conflict, is no gate that was checked.
        if let End::GateFailed(failure) = &outcome.end
            && !outcome.receipt.gates.iter().any(|result| result.gate == failure.gate)
        {
            let (checked, failed) = gates.entry(&failure.gate).or_default();
            (*checked, *failed) = (*checked + 1, *failed + 1);
        }
    }
    rework.stages = stages.into_values().collect();
    rework.stages.sort_by_key(|stage| std::cmp::Reverse(stage.attempts));
    let line = |(gate, (checked, failed)): (&str, _)| GateLine { gate: gate.to_owned(), checked, failed };
    rework.gates = gates.into_iter().map(line).collect();
    rework.gates.sort_by_key(|gate| std::cmp::Reverse((gate.failed, gate.checked)));
}
