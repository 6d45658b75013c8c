//! Whether an attempt still shows signs of life. All times are given, counted from the attempt's start.

use std::time::Duration;

/// Clock ticks a second, as Linux counts them for programs on every common machine.
const TICKS_A_SECOND: f64 = 100.0;
/// Less of one processor than this is what an idle program uses for its own timers.
const BUSY_SHARE: f64 = 0.01;

/// What can be seen of one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Stands for the program's name.
    pub(crate) program: u64,
    pub(crate) cpu_ticks: u64,
    pub(crate) written_bytes: u64,
}

/// What can be seen of an attempt's processes besides their output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// Processor time of all of them, in clock ticks.
    pub(crate) cpu_ticks: u64,
    /// Bytes they caused to be written to disks.
    pub(crate) written_bytes: u64,
    /// Stands for which programs run. Not for which processes: one that waits in a loop starts `sleep` again and again.
    pub(crate) programs: u64,
}

impl Signs {
    /// What is seen of these processes together.
    pub(crate) fn of(processes: impl Iterator<Item = Seen>) -> Self {
        processes.fold(Self::default(), |signs, seen| Self {
            cpu_ticks: signs.cpu_ticks + seen.cpu_ticks,
            written_bytes: signs.written_bytes + seen.written_bytes,
            programs: signs.programs.wrapping_add(seen.program),
        })
    }

    /// Whether these show work since the earlier ones, `passed` ago.
    fn show_work_since(&self, earlier: &Signs, passed: Duration) -> bool {
        let idle = passed.as_secs_f64() * TICKS_A_SECOND * BUSY_SHARE;
        self.cpu_ticks.saturating_sub(earlier.cpu_ticks) as f64 > idle
            || self.written_bytes > earlier.written_bytes
            || self.programs != earlier.programs
    }
}

/// Measures one spell of silence after the other. Output ends a spell; so do other signs of life, which are
/// looked at only when a spell has lasted.
#[derive(Debug)]
pub(crate) struct Liveness {
    report: Duration,
    limit: Duration,
    last: Duration,
    step: Step,
    sample: (Duration, Signs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Listening,
    Sampled,
    Reported,
}

/// What a look at the silence says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Fine,
    Report(Duration),
    Stop,
}

impl Liveness {
    pub(crate) fn new(report: Duration, limit: Duration) -> Self {
        let sample = (Duration::ZERO, Signs::default());
        Self { report: report.min(limit), limit, last: Duration::ZERO, step: Step::Listening, sample }
    }

    /// Takes a sign of life.
    pub(crate) fn heard(&mut self, now: Duration) {
        self.last = now;
        self.step = Step::Listening;
    }

    /// When to look next.
    pub(crate) fn next(&self) -> Duration {
        self.last.saturating_add(match self.step {
            Step::Listening => self.report / 2,
            Step::Sampled => self.report,
            Step::Reported => self.limit,
        })
    }

    /// Looks, with what is seen of the processes now.
    pub(crate) fn look(&mut self, now: Duration, signs: Signs) -> Look {
        let (since, earlier) = std::mem::replace(&mut self.sample, (now, signs));
        let passed = now.saturating_sub(since);
        if self.step != Step::Listening && signs.show_work_since(&earlier, passed) {
            self.heard(now);
            return Look::Fine;
        }
        match self.step {
            Step::Listening => {
                self.step = Step::Sampled;
                Look::Fine
            }
            Step::Sampled => {
                self.step = Step::Reported;
                Look::Report(now.saturating_sub(self.last))
            }
            Step::Reported => Look::Stop,
        }
    }
}

/// Notices that the machine was suspended: the clock that goes on meanwhile has gained on the one that stands still.
#[derive(Debug, Default)]
pub(crate) struct Suspends {
    lead: Option<Duration>,
    total: Duration,
}

impl Suspends {
    /// Less than this is the difference between two readings, and no suspend.
    const LEAST: Duration = Duration::from_secs(2);

    /// Takes a reading of both clocks; gives how long a suspend was that has just ended.
    pub(crate) fn look(&mut self, awake: Duration, boot: Duration) -> Option<Duration> {
        let lead = boot.saturating_sub(awake);
        let gained = lead.saturating_sub(*self.lead.get_or_insert(lead));
        if gained < Self::LEAST {
            return None;
        }
        self.lead = Some(lead);
        self.total += gained;
        Some(gained)
    }

    /// How long all suspends together were.
    pub(crate) fn total(&self) -> Duration {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ticks(cpu_ticks: u64) -> Signs {
        Signs { cpu_ticks, ..Signs::default() }
    }

    #[test]
    fn silence_is_reported_once_and_then_stopped() {
        let mut liveness = Liveness::new(at(300), at(900));
        assert_eq!(liveness.next(), at(150));
        assert_eq!(liveness.look(at(150), ticks(5000)), Look::Fine);
        assert_eq!(liveness.next(), at(300));
        assert_eq!(liveness.look(at(300), ticks(5001)), Look::Report(at(300)));
        assert_eq!(liveness.next(), at(900));
        assert_eq!(liveness.look(at(900), ticks(5002)), Look::Stop);
    }

    #[test]
    fn work_without_output_is_a_sign_of_life_and_a_timer_is_not() {
        let signs = [ticks(5000), Signs { written_bytes: 4096, ..ticks(100) }, Signs { programs: 7, ..ticks(100) }];
        for signs in signs {
            let mut liveness = Liveness::new(at(300), at(900));
            liveness.look(at(150), ticks(0));
            assert_eq!(liveness.look(at(300), ticks(100)), Look::Report(at(300)));
            assert_eq!(liveness.look(at(900), signs), Look::Fine, "{signs:?}");
            assert_eq!(liveness.next(), at(900 + 150));
            liveness.heard(at(1000));
            assert_eq!(liveness.next(), at(1150));
        }
    }

    #[test]
    fn a_suspend_is_noticed_once_and_a_slow_reading_is_none() {
        let mut suspends = Suspends::default();
        assert_eq!(suspends.look(at(10), at(5010)), None, "what was before the start is not ours");
        assert_eq!(suspends.look(at(20), at(5021)), None);
        assert_eq!(suspends.look(at(30), at(12230)), Some(at(7200)));
        assert_eq!(suspends.look(at(31), at(12231)), None);
        assert_eq!(suspends.total(), at(7200));
    }
}
