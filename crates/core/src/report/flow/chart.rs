//! What a chart shows, apart from how it is drawn; and figures as people read them.

use std::time::Duration;

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    pub(super) kind: ChartKind,
    pub(super) title: String,
    pub(super) unit: Unit,
    /// The names of what each row has a value of.
    pub(super) series: Vec<&'static str>,
    pub(super) rows: Vec<ChartRow>,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChartKind {
    /// A column for each row, the values upon one another, in the order of time.
    Columns,
    /// A bar for each row, the values behind one another.
    Bars,
    /// A line for each value, over the rows.
    Lines,
}

/// What is shown of one thing: a value for each of the series, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChartRow {
    pub(super) label: String,
    pub(super) values: Vec<Option<f64>>,
}

impl ChartRow {
    pub(super) fn new(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self { label: label.into(), values: values.into_iter().map(Some).collect() }
    }

    /// The sum of the values.
    pub(super) fn sum(&self) -> f64 {
        self.values.iter().flatten().sum()
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count(&'static str),
    /// Seconds.
    Time,
    /// US dollars.
    Money,
    Tokens,
}

impl Unit {
    /// A value in words.
    pub(super) fn say(self, value: f64) -> String {
        match self {
            Unit::Count(_) if value == value.round() => format!("{value:.0}"),
            Unit::Count(_) => format!("{value:.1}"),
            Unit::Time => lasted(Duration::try_from_secs_f64(value).unwrap_or_default()),
            Unit::Money => format!("${value:.2}"),
            Unit::Tokens => tokens(value as u64),
        }
    }

    /// What the values are, for the axis.
    pub(super) fn word(self) -> &'static str {
        match self {
            Unit::Count(what) => what,
            Unit::Time => "time",
            Unit::Money => "US dollars",
            Unit::Tokens => "tokens",
        }
    }

    /// The step between the lines of an axis that reaches to at least `most` in about four of them.
    pub(super) fn step(self, most: f64) -> f64 {
        const HOUR: f64 = 3600.0;
        let wanted = most / 4.0;
        if self == Unit::Time {
            let steps = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, HOUR, 3.0 * HOUR, 6.0 * HOUR, 12.0 * HOUR, 24.0 * HOUR];
            let days = |wanted: f64| 24.0 * HOUR * round_up(wanted / (24.0 * HOUR));
            return steps.into_iter().find(|step| *step >= wanted).unwrap_or_else(|| days(wanted));
        }
        let step = round_up(wanted);
        if matches!(self, Unit::Count(_) | Unit::Tokens) { step.max(1.0) } else { step }
    }
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let ten = 10_f64.powf(value.log10().floor());
    let found = [1.0, 2.0, 5.0].into_iter().find(|part| part * ten >= value * 0.999);
    found.unwrap_or(10.0) * ten
}

/// A span of time in its two largest units.
pub(super) fn lasted(time: Duration) -> String {
    let all = time.as_secs();
    match (all / 86_400, all / 3600 % 24, all / 60 % 60, all % 60) {
        (0, 0, 0, 0) if !time.is_zero() => "<1 s".to_owned(),
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) => two(m, "min", s, "s"),
        (d @ 0..2, h, m, _) => two(d * 24 + h, "h", m, "min"),
        (d, h, ..) => two(d, "d", h, "h"),
    }
}

fn two(large: u64, of: &str, small: u64, rest: &str) -> String {
    if small == 0 { format!("{large} {of}") } else { format!("{large} {of} {small} {rest}") }
}

/// A number of tokens, short.
pub(super) fn tokens(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{} k", number / 1000),
        _ => format!("{:.1} M", number as f64 / 1e6),
    }
}

/// Millionths of a US dollar.
pub(super) fn usd(micros: u64) -> String {
    format!("${:.2}", micros as f64 / 1e6)
}

/// A part of a whole, in hundredths; nothing of nothing.
pub(super) fn share(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{:.0}%", part / whole * 100.0) } else { "-".to_owned() }
}
