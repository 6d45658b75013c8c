//! Numbers and durations, each within its bounds.

use std::time::Duration;

use jiff::SignedDuration;
use toml::Spanned;

use crate::{Limits, Retry};

use super::{Resolver, raw};

/// The most attempts, rounds or loop-backs that can be asked for.
const MOST_TIMES: u32 = 100;

/// The longest duration that can be asked for.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Resolver<'_> {
    pub(super) fn at_least_one(&mut self, value: &Spanned<u32>) -> u32 {
        if *value.get_ref() == 0 {
            self.problem(value.span(), "0 is too small", "write at least 1; to stop a project, set `paused = true`");
        }
        (*value.get_ref()).max(1)
    }

    /// How often something may be done again.
    pub(super) fn times(&mut self, value: &Spanned<u32>) -> u32 {
        let times = *value.get_ref();
        if times > MOST_TIMES {
            self.problem(value.span(), format!("{times} is too large"), format!("write at most {MOST_TIMES}"));
        }
        times.min(MOST_TIMES)
    }

    pub(super) fn attempts(&mut self, value: &Spanned<u32>) -> u32 {
        self.at_least_one(value);
        self.times(value).max(1)
    }

    pub(super) fn optional_duration(&mut self, text: Option<&Spanned<String>>) -> Option<Duration> {
        let text = text?;
        let parsed = text.get_ref().parse::<SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
        if parsed.is_none_or(|d| d.is_zero()) {
            let message = format!("`{}` is not a duration above zero", text.get_ref());
            self.problem(text.span(), message, "write it as \"90s\", \"45m\", \"6h\" or \"1h 30m\"");
        }
        if parsed.is_some_and(|d| d > LONGEST) {
            let message = format!("`{}` is longer than 30 days", text.get_ref());
            self.problem(text.span(), message, "write at most \"720h\"");
        }
        parsed.map(|d| d.min(LONGEST))
    }

    fn duration(&mut self, text: Option<&Spanned<String>>) -> Duration {
        self.optional_duration(text).unwrap_or(Duration::from_secs(1))
    }

    pub(super) fn limits(&mut self, raw: &raw::Limits) -> Limits {
        Limits {
            wall: self.duration(raw.wall.as_ref()),
            silence_report: self.duration(raw.silence_report.as_ref()),
            silence: self.duration(raw.silence.as_ref()),
            grace: self.duration(raw.grace.as_ref()),
            gate_timeout: self.duration(raw.gate_timeout.as_ref()),
            issue_attempts: raw.issue_attempts.unwrap_or(12),
            issue_tokens: raw.issue_tokens.unwrap_or(20_000_000),
            issue_time: self.duration(raw.issue_time.as_ref()),
            issue_usd_micros: self.usd(raw.issue_usd.as_ref()),
            attempt: self.spend(raw),
            output_bytes: raw.output_bytes.unwrap_or(1 << 26),
            diff_lines: raw.diff_lines.unwrap_or(2000),
            children: raw.children.unwrap_or(8),
        }
    }

    pub(super) fn retry(&mut self, base: &raw::Retry, own: &raw::Retry) -> Retry {
        Retry {
            base: self.duration(own.base.as_ref().or(base.base.as_ref())),
            max: self.duration(own.max.as_ref().or(base.max.as_ref())),
            transient: own.transient.or(base.transient).unwrap_or(3).max(1),
        }
    }
}

pub(super) fn merge_limits(base: &raw::Limits, own: &raw::Limits) -> raw::Limits {
    let text = |own: &Option<Spanned<String>>, base: &Option<Spanned<String>>| own.clone().or_else(|| base.clone());
    raw::Limits {
        wall: text(&own.wall, &base.wall),
        silence_report: text(&own.silence_report, &base.silence_report),
        silence: text(&own.silence, &base.silence),
        grace: text(&own.grace, &base.grace),
        gate_timeout: text(&own.gate_timeout, &base.gate_timeout),
        issue_attempts: own.issue_attempts.or(base.issue_attempts),
        issue_tokens: own.issue_tokens.or(base.issue_tokens),
        issue_time: text(&own.issue_time, &base.issue_time),
        issue_usd: own.issue_usd.clone().or(base.issue_usd.clone()),
        attempt_tokens: own.attempt_tokens.clone().or(base.attempt_tokens.clone()),
        attempt_usd: own.attempt_usd.clone().or(base.attempt_usd.clone()),
        output_bytes: own.output_bytes.or(base.output_bytes),
        diff_lines: own.diff_lines.or(base.diff_lines),
        children: own.children.or(base.children),
    }
}
