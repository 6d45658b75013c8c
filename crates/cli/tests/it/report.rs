//! How work flowed, from the ledger of real runs.

use std::fs;

use crate::world::World;

/// It fails once, then does what the issue asks, and says what that cost.
const AGENT: &str = "echo '{\"dayfly\":1,\"usage\":{\"input_tokens\":900,\"output_tokens\":100,\"cost_usd\":0.25,\"model\":\"small-2\"}}'
[ -e $SIGNS ] || { touch $SIGNS; echo wrong >done.txt; git add --all; git commit --quiet --message wrong; exit 0; }
echo done >done.txt
git add --all
git commit --quiet --message 'Do it'
";

#[test]
fn a_report_tells_of_what_ran_in_each_form() {
    let world = World::with_agent(AGENT);
    world.data(&["issue", "new", "Be <b>bold</b> & \"quick\"", "--label", "ready-for-dev"]);
    world.data(&["run", "--until-idle", "--quiet"]);
    let told = world.json(&["report"]);
    assert_eq!((&told["version"], &told["throughput"]["all"]["landed"]), (&1.into(), &1.into()), "{told:#}");
    assert_eq!(told["throughput"]["changes"][0]["attempts"], 3);
    let exec = &told["rework"]["stages"][0];
    assert_eq!((&exec["ends"]["gate-failed"], &exec["again"], &exec["forward"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!(told["rework"]["gates"][0]["gate"], "commands");
    let cost = &told["cost"]["all"];
    assert_eq!((&cost["usd_micros_per_change"], &cost["model"]), (&500_000.into(), &serde_json::Value::Null));
    assert_eq!((&told["cost"]["models"][0]["model"], &cost["priced"]), (&"small-2".into(), &2.into()));

    let text = world.data(&["report"]);
    for wanted in ["1 (1 landed)", "Gates that failed\n", "$0.50", "exec    2         1        0      0          1 "] {
        assert!(text.contains(wanted), "{wanted:?} in {text}");
    }
    assert!(world.data(&["report", "--since", "2001-01-01", "--until", "2001-01-31"]).contains("0 (0 landed)"));
    assert!(world.dayfly(&["report", "--project", "nobody"]).err.contains("no project `nobody`"));
    assert!(world.dayfly(&["report", "--since", "2001-01-02", "--until", "2001-01-01"]).err.contains("is later than"));

    let page = world.data(&["report", "--html", "-"]);
    assert!(page.starts_with("<!DOCTYPE html>\n") && page.trim_end().ends_with("</html>"), "{page}");
    assert!(page.contains("Be &lt;b&gt;bold&lt;/b&gt; &amp; &quot;quick&quot;") && !page.contains("<b>"), "{page}");
    assert!(page.matches("<svg ").count() > 4, "{page}");
}

#[test]
fn a_page_is_written_whole_or_not_at_all() {
    let world = World::with_agent("exit 0");
    world.write("report.html", "the old one");
    let ran = world.dayfly(&["report", "--html", "report.html"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), "report.html is written\n"),
        "of a ledger that is not there yet"
    );
    assert!(world.read("report.html").contains("<h1>Report, "));
    let beside = || fs::read_dir(&world.root).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let before = beside();
    fs::create_dir(world.path("taken")).unwrap();
    for (file, said) in [("taken", "taken"), ("nowhere/report.html", "nowhere/report.html")] {
        let ran = world.dayfly(&["report", "--html", file]);
        assert!(ran.code == Some(3) && ran.err.contains("cannot use") && ran.err.contains(said), "{ran:?}");
    }
    fs::remove_dir(world.path("taken")).unwrap();
    assert_eq!(beside().len(), before.len(), "nothing is left beside it");
}
