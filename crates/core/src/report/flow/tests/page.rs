//! The page: whole, by itself, and deaf to what others wrote.

use insta::assert_snapshot;

use super::super::chart::{Chart, ChartKind, ChartRow, Unit, lasted};
use super::super::html::escape;
use super::super::svg::svg;
use super::*;

const EVIL: &str =
    "</title></svg><script>alert(1)</script><img src=x onerror=\"alert('2')\"> & \u{202e}txt\u{0}\u{1b}[1m";

#[test]
fn what_others_wrote_becomes_no_markup() {
    assert_snapshot!(escape(EVIL), @r#"&lt;/title&gt;&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;2&#39;)&quot;&gt; &amp; \u{202e}txt\u{0}\u{1b}[1m"#);
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    let gates = vec![gate(EVIL, Verdict::Fail { reason: EVIL.into(), tail: EVIL.into() })];
    let evil = Try { title: EVIL, model: Some(EVIL), substitution: Some(EVIL), gates, ..Try::default() };
    tale.attempt("web#1", "exec", evil, (End::Succeeded, Next::Finish));
    let page = tale.report(("2026-01-05", "2026-01-06"), "UTC").to_html();
    assert!(page.matches("&lt;script&gt;").count() >= 4, "the title, the model, the reason and the gate are there");
    for wrong in ["<script", "<img", "onerror=\"", "\u{202e}", "\u{1b}", "\u{0}"] {
        assert!(!page.contains(wrong), "{wrong:?} in {page}");
    }
    well_formed(&page);
}

#[test]
fn a_page_needs_nothing_else() {
    let page = sample::month().to_html();
    let outside = ["<script", "<link", "<iframe", "@import", "url(", "src=", "href="];
    assert_eq!(outside.into_iter().filter(|wrong| page.contains(wrong)).collect::<Vec<_>>(), [""; 0]);
    // The one address names a vocabulary and is not asked for.
    assert_eq!(page.matches("http").count(), page.matches("http://www.w3.org/2000/svg").count() + 1);
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("default-src 'none'"));
    let charts = page.matches("<svg role=\"img\" aria-labelledby=").count();
    assert!(charts >= 8, "{charts} charts");
    assert_eq!((page.matches("<desc id=").count(), page.matches("<table>").count() >= charts), (charts, true));
    well_formed(&page);
}

/// Every element that is opened is closed, in order, and every name is given once.
fn well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("no end of <{part}"));
        ids.extend(tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()));
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "before {part:?}"),
            None if tag.ends_with('/') || tag.starts_with('!') || name == "meta" => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, [""; 0]);
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "two elements have the same name");
}

fn chart(kind: ChartKind, rows: Vec<ChartRow>) -> Chart {
    Chart { kind, title: "T & U".into(), unit: Unit::Count("issues"), series: vec!["one", "two"], rows }
}

#[test]
fn columns_stand_upon_one_another() {
    let rows =
        vec![ChartRow::new("Mon", [2.0, 1.0]), ChartRow::new("Tue", [0.0, 0.0]), ChartRow::new("Wed", [0.0, 4.0])];
    assert_snapshot!(svg(&chart(ChartKind::Columns, rows), "c"), @r#"
    <svg role="img" aria-labelledby="c-t c-d" viewBox="0 0 720 240" xmlns="http://www.w3.org/2000/svg">
    <title id="c-t">T &amp; U</title>
    <desc id="c-d">Columns of issues (one, two) for 3 rows. The most is 4 at Wed. The table below has the figures.</desc>
    <line class="axis" x1="64" x2="720" y1="210.0" y2="210.0"/><text class="end" x="58.0" y="214.0">0</text>
    <line class="axis" x1="64" x2="720" y1="160.0" y2="160.0"/><text class="end" x="58.0" y="164.0">1</text>
    <line class="axis" x1="64" x2="720" y1="110.0" y2="110.0"/><text class="end" x="58.0" y="114.0">2</text>
    <line class="axis" x1="64" x2="720" y1="60.0" y2="60.0"/><text class="end" x="58.0" y="64.0">3</text>
    <line class="axis" x1="64" x2="720" y1="10.0" y2="10.0"/><text class="end" x="58.0" y="14.0">4</text>
    <rect class="s0" x="149.3" y="110.0" width="48.0" height="100.0"><title>Mon: one 2</title></rect>
    <rect class="s1" x="149.3" y="60.0" width="48.0" height="50.0"><title>Mon: two 1</title></rect>
    <rect class="s1" x="586.7" y="10.0" width="48.0" height="200.0"><title>Wed: two 4</title></rect>
    <text class="mid" x="173.3" y="228.0">Mon</text>
    <text class="mid" x="392.0" y="228.0">Tue</text>
    <text class="mid" x="610.7" y="228.0">Wed</text>
    </svg>
    "#);
}

#[test]
fn a_line_is_broken_where_nothing_is_known() {
    let row = |label: &str, values: [Option<f64>; 2]| ChartRow { label: label.into(), values: values.to_vec() };
    let rows = vec![
        row("1", [Some(1.0), Some(2.0)]),
        row("2", [None, Some(f64::NAN)]),
        row("3", [Some(3.0), Some(8.0)]),
        row("4", [Some(1.0), Some(8.0)]),
    ];
    let drawn = svg(&chart(ChartKind::Lines, rows), "l");
    let paths: Vec<&str> = drawn.lines().filter(|line| line.starts_with("<path")).collect();
    assert_snapshot!(paths.join("\n"), @r#"
    <path class="line l0" d="M146.0 185.0M474.0 135.0L638.0 185.0"/>
    <path class="line l1" d="M146.0 160.0M474.0 10.0L638.0 10.0"/>
    "#);
}

#[test]
fn no_value_makes_a_chart_that_cannot_be_drawn() {
    let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300];
    for kind in [ChartKind::Columns, ChartKind::Bars, ChartKind::Lines] {
        for unit in [Unit::Count("issues"), Unit::Time, Unit::Money, Unit::Tokens] {
            for rows in
                [vec![], odd.map(|value| ChartRow::new("x", [value, 0.0])).to_vec(), vec![ChartRow::new("x", [0.0])]]
            {
                let drawn = svg(&Chart { unit, ..chart(kind, rows) }, "x");
                assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            }
        }
    }
}

#[test]
fn an_axis_has_round_steps() {
    let steps = [0.0, 1.0, 3.0, 9.0, 70.0, 4100.0].map(|most| Unit::Count("x").step(most));
    assert_eq!(steps, [1.0, 1.0, 1.0, 5.0, 20.0, 2000.0]);
    let hours = [0.5, 2.0, 10.0, 100.0, 1000.0].map(|hours| Unit::Time.step(hours * 3600.0) / 3600.0);
    assert_eq!(hours, [0.25, 1.0, 3.0, 48.0, 480.0]);
    assert_eq!(Unit::Money.step(0.07), 0.02);
}

#[test]
fn a_span_has_its_two_largest_units() {
    assert_eq!(lasted(Duration::from_millis(400)), "<1 s");
    let said = [0, 59, 60, 3599, 3600, 5400, 47 * 3600, 50 * 3600].map(|secs| lasted(Duration::from_secs(secs)));
    assert_eq!(said, ["0 s", "59 s", "1 min", "59 min 59 s", "1 h", "1 h 30 min", "47 h", "2 d 2 h"]);
}
