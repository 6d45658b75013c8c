//! Whether an attempt still shows signs of life.

use std::time::Duration;

use tokio::time::Instant;

/// Clock ticks a second, as Linux counts them for programs on every common machine.
const TICKS_A_SECOND: f64 = 100.0;
/// Less of one processor than this is what an idle program uses for its own timers.
const BUSY_SHARE: f64 = 0.01;

/// Measures one spell of silence after the other. Output ends a spell; so does processor time, which is
/// looked at only when a spell has lasted.
#[derive(Debug)]
pub(crate) struct Silence {
    report: Duration,
    limit: Duration,
    last: Instant,
    step: Step,
    sample: (Instant, u64),
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

impl Silence {
    pub(crate) fn new(report: Duration, limit: Duration, now: Instant) -> Self {
        Self { report: report.min(limit), limit, last: now, step: Step::Listening, sample: (now, 0) }
    }

    /// Takes a sign of life.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.last = now;
        self.step = Step::Listening;
    }

    /// When to look next.
    pub(crate) fn next(&self) -> Instant {
        self.last
            + match self.step {
                Step::Listening => self.report / 2,
                Step::Sampled => self.report,
                Step::Reported => self.limit,
            }
    }

    /// Looks, with the processor time used so far.
    pub(crate) fn look(&mut self, now: Instant, cpu_ticks: u64) -> Look {
        let (since, ticks) = std::mem::replace(&mut self.sample, (now, cpu_ticks));
        let idle = (now - since).as_secs_f64() * TICKS_A_SECOND * BUSY_SHARE;
        let worked = self.step != Step::Listening && cpu_ticks.saturating_sub(ticks) as f64 > idle;
        if worked {
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
                Look::Report(now - self.last)
            }
            Step::Reported => Look::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_reported_once_and_then_stopped() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::new(Duration::from_secs(300), Duration::from_secs(900), start);
        assert_eq!(silence.next(), at(150));
        assert_eq!(silence.look(at(150), 5000), Look::Fine);
        assert_eq!(silence.next(), at(300));
        assert_eq!(silence.look(at(300), 5001), Look::Report(Duration::from_secs(300)));
        assert_eq!(silence.next(), at(900));
        assert_eq!(silence.look(at(900), 5002), Look::Stop);
    }

    #[test]
    fn work_without_output_is_a_sign_of_life_and_a_timer_is_not() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::new(Duration::from_secs(300), Duration::from_secs(900), start);
        silence.look(at(150), 0);
        silence.look(at(300), 100);
        assert_eq!(silence.look(at(900), 5000), Look::Fine);
        assert_eq!(silence.next(), at(900 + 150));
        silence.heard(at(1000));
        assert_eq!(silence.next(), at(1150));
    }
}
