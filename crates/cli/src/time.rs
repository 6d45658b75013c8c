//! Times as they are written on a command line.

use std::time::Duration;

/// The longest time that is meant, which is that of every time in the configuration, too.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A time, which may be none at all.
pub(crate) fn any(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    let bounded = parsed.filter(|time| *time <= LONGEST);
    bounded.ok_or_else(|| "write it as \"0s\", \"90s\", \"5m\" or \"1h 30m\", at most \"720h\"".to_owned())
}
