//! Charts as SVG within a page: no script, and colours by the classes of the page alone.

use std::fmt::Write as _;

use super::chart::{Chart, ChartKind, ChartRow};
use super::html::escape;

/// The width of every chart, in units of its own.
const WIDTH: f64 = 720.0;
/// The height of what is drawn over time.
const HEIGHT: f64 = 200.0;
/// What is left of it, for the words of the axis or of the bars.
const LEFT: f64 = 64.0;
const LABELS: f64 = 190.0;
/// What is left on its right, for the figures of the bars.
const RIGHT: f64 = 76.0;
/// The height of a bar with its distance to the next.
const BAR: f64 = 24.0;
/// The most characters of a label of a bar.
const LETTERS: usize = 28;
/// The most labels below what is drawn over time.
const TICKS: usize = 8;

/// The chart as SVG; its name tells it from the others of the page.
pub(super) fn svg(chart: &Chart, name: &str) -> String {
    let (height, body) = match chart.kind {
        ChartKind::Columns => (HEIGHT + 40.0, columns(chart)),
        ChartKind::Lines => (HEIGHT + 40.0, lines(chart)),
        ChartKind::Bars => (BAR * chart.rows.len() as f64 + 8.0, bars(chart)),
    };
    format!(
        "<svg role=\"img\" aria-labelledby=\"{name}-t {name}-d\" viewBox=\"0 0 {WIDTH} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<title id=\"{name}-t\">{}</title>\n<desc id=\"{name}-d\">{}</desc>\n{body}</svg>\n",
        escape(&chart.title),
        escape(&about(chart)),
    )
}

/// What the chart shows, for those who do not see it: its shape, and where it is highest.
fn about(chart: &Chart) -> String {
    let shape = match chart.kind {
        ChartKind::Columns => "Columns",
        ChartKind::Bars => "Bars",
        ChartKind::Lines => "Lines",
    };
    let (unit, series, count) = (chart.unit.word(), chart.series.join(", "), chart.rows.len());
    let most = chart.rows.iter().max_by(|a, b| height(chart, a).total_cmp(&height(chart, b)));
    let most = most.filter(|row| height(chart, row) > 0.0);
    let most = most.map(|row| format!(" The most is {} at {}.", chart.unit.say(height(chart, row)), row.label));
    format!(
        "{shape} of {unit} ({series}) for {count} rows.{} The table below has the figures.",
        most.unwrap_or_default()
    )
}

/// How far a row reaches.
fn height(chart: &Chart, row: &ChartRow) -> f64 {
    let reach = match chart.kind {
        ChartKind::Lines => row.values.iter().flatten().copied().fold(0.0, f64::max),
        ChartKind::Columns | ChartKind::Bars => row.sum(),
    };
    if reach.is_finite() { reach.max(0.0) } else { 0.0 }
}

fn most(chart: &Chart) -> f64 {
    chart.rows.iter().map(|row| height(chart, row)).fold(0.0, f64::max)
}

/// The lines of an axis from 0 to what it reaches to.
fn axis(chart: &Chart, text: &mut String) -> f64 {
    let step = chart.unit.step(most(chart));
    let top = step * (most(chart) / step).ceil().max(1.0);
    let mut at = 0.0;
    while at <= top * 1.001 {
        let y = 10.0 + HEIGHT - HEIGHT * at / top;
        let _ = write!(
            text,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            LEFT - 6.0,
            y + 4.0,
            chart.unit.say(at),
        );
        at += step;
    }
    top
}

/// The labels of the rows below a chart over time, as many as there is room for.
fn ticks(chart: &Chart, x: impl Fn(usize) -> f64, text: &mut String) {
    let every = chart.rows.len().div_ceil(TICKS).max(1);
    for (n, row) in chart.rows.iter().enumerate().step_by(every) {
        let (x, label) = (x(n), escape(&row.label));
        let _ = writeln!(text, "<text class=\"mid\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>", HEIGHT + 28.0);
    }
}

/// What is said of one value.
fn said(chart: &Chart, row: &ChartRow, series: usize, value: f64) -> String {
    let name = chart.series.get(series).copied().unwrap_or_default();
    escape(&format!("{}: {name} {}", row.label, chart.unit.say(value)))
}

fn columns(chart: &Chart) -> String {
    let mut text = String::new();
    let top = axis(chart, &mut text);
    let each = (WIDTH - LEFT) / chart.rows.len().max(1) as f64;
    let width = (each * 0.8).min(48.0);
    for (n, row) in chart.rows.iter().enumerate() {
        let (x, mut y) = (LEFT + each * (n as f64 + 0.5) - width / 2.0, 10.0 + HEIGHT);
        for (series, value) in parts(row) {
            let tall = HEIGHT * value / top;
            y -= tall;
            let said = said(chart, row, series, value);
            let _ = writeln!(
                text,
                "<rect class=\"s{series}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{tall:.1}\">\
                 <title>{said}</title></rect>"
            );
        }
    }
    ticks(chart, |n| LEFT + each * (n as f64 + 0.5), &mut text);
    text
}

fn bars(chart: &Chart) -> String {
    let mut text = String::new();
    let (top, room) = (most(chart), WIDTH - LABELS - RIGHT);
    for (n, row) in chart.rows.iter().enumerate() {
        let (mut x, y) = (LABELS, 4.0 + BAR * n as f64);
        let short: String = row.label.chars().take(LETTERS).collect();
        let dots = if short.len() < row.label.len() { "…" } else { "" };
        let _ = writeln!(
            text,
            "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}{dots}<title>{}</title></text>",
            LABELS - 8.0,
            y + 14.0,
            escape(&short),
            escape(&row.label),
        );
        for (series, value) in parts(row) {
            let (wide, said) = (room * value / top, said(chart, row, series, value));
            let _ = writeln!(
                text,
                "<rect class=\"s{series}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\">\
                 <title>{said}</title></rect>",
                BAR - 6.0
            );
            x += wide;
        }
        let known = row.values.iter().any(Option::is_some);
        let sum = if known { chart.unit.say(height(chart, row)) } else { "not known".to_owned() };
        let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\">{sum}</text>", x + 6.0, y + 14.0);
    }
    text
}

fn lines(chart: &Chart) -> String {
    let mut text = String::new();
    let top = axis(chart, &mut text);
    let each = (WIDTH - LEFT) / chart.rows.len().max(1) as f64;
    let x = |n: usize| LEFT + each * (n as f64 + 0.5);
    for series in 0..chart.series.len() {
        let (mut path, mut points, mut open) = (String::new(), String::new(), false);
        for (n, row) in chart.rows.iter().enumerate() {
            // Where nothing is known, the line is broken and not drawn to zero.
            let Some(value) = row.values.get(series).copied().flatten().filter(|value| value.is_finite()) else {
                open = false;
                continue;
            };
            let y = 10.0 + HEIGHT - HEIGHT * value / top;
            let _ = write!(path, "{}{:.1} {y:.1}", if open { "L" } else { "M" }, x(n));
            let said = said(chart, row, series, value);
            let _ = writeln!(
                points,
                "<circle class=\"s{series}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{said}</title></circle>",
                x(n)
            );
            open = true;
        }
        let _ = write!(text, "<path class=\"line l{series}\" d=\"{path}\"/>\n{points}");
    }
    ticks(chart, x, &mut text);
    text
}

/// The values of a row that can be drawn.
fn parts(row: &ChartRow) -> impl Iterator<Item = (usize, f64)> {
    let known = row.values.iter().enumerate().filter_map(|(n, value)| Some((n, (*value)?)));
    known.filter(|(_, value)| value.is_finite() && *value > 0.0)
}

/// Whether there is anything to be seen in a chart.
pub(super) fn is_empty(chart: &Chart) -> bool {
    most(chart) <= 0.0
}
