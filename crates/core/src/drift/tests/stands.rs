//! Commits, gates, migrations, labels, pinned content.

use super::*;

#[test]
fn a_project_that_stands_as_it_was_accepted_has_no_drift() {
    let drift = World::new().look();
    assert_eq!((drift.findings.len(), drift.by_dayfly, drift.by_people, drift.unseen.len()), (0, 0, 0, 0));
}

#[test]
fn what_dayfly_landed_is_accounted_for_and_what_was_pushed_between_is_not() {
    let mut world =
        World::new().with(vec![commit("c", &["b"], DAYFLY), commit("b", &["a"], DAYFLY), commit("x", &["0"], DAYFLY)]);
    world.landed(1, "x", "c");
    let drift = world.look();
    assert_eq!(drift.by_dayfly, 2, "a landing of two commits");
    let [finding] = drift.findings.as_slice() else { panic!("{drift:?}") };
    assert_eq!(finding.what, format!("a commit on `main` that no job and no person accounts for, by {DAYFLY}"));
    assert_eq!((finding.evidence[0].commit.clone(), finding.who.as_str()), (Some(id("x")), "cleo"));
    assert!(finding.remedy.contains("dayfly drift accept web"), "{}", finding.remedy);
}

#[test]
fn a_landing_that_moved_nothing_accounts_for_nothing() {
    let mut world = World::new().with(vec![commit("x", &["0"], DAYFLY)]);
    world.landed(1, "x", "x");
    assert_eq!(world.look().findings.len(), 1);
}

#[test]
fn people_account_for_what_they_commit_or_only_those_who_are_listed() {
    let commits = vec![commit("b", &["a"], BOB), commit("a", &["0"], ANN)];
    let drift = World::new().with(commits.clone()).look();
    assert_eq!((drift.findings.len(), drift.by_people), (0, 2), "people are counted and not listed");
    for people in ["people = [\"ann@example.org\"]\n", "people = [\"A. <ANN@example.org>\"]\n"] {
        let drift = World::new().config(people).with(commits.clone()).look();
        assert_eq!((drift.findings.len(), drift.by_people), (1, 1), "{drift:?}");
        assert_eq!(drift.findings[0].who, format!("{BOB}, with cleo"));
    }
}

#[test]
fn programs_are_no_people_whatever_they_are_called() {
    let programs =
        [DAYFLY, "Ann <noreply@anthropic.com>", "x <1+x[bot]@users.noreply.github.com>", "c <Codex@OpenAI.com>"];
    for author in programs {
        let world = World::new().with(vec![commit("a", &["0"], author)]);
        assert_eq!(world.look().findings.len(), 1, "{author}");
    }
    let listed = World::new().config("people = [\"release[bot]@users.noreply.github.com\"]\n");
    let drift = listed.with(vec![commit("a", &["0"], "r <release[bot]@users.noreply.github.com>")]).look();
    assert_eq!((drift.findings.len(), drift.by_people), (0, 1), "a bot that is listed is vouched for");
}

#[test]
fn a_change_that_was_handed_over_is_accounted_for_however_it_was_merged() {
    let merge = commit("m", &["0", "h"], BOB);
    let squash = SeenCommit { same_change: true, ..commit("s", &["0"], DAYFLY) };
    let forward = commit("h", &["0"], DAYFLY);
    for merged in [merge, squash, forward] {
        let mut world = World::new().config("people = []\n").with(vec![merged.clone()]);
        world.handed(1, "0", "h");
        assert_eq!((world.look().findings, world.look().by_dayfly), (vec![], 1), "{merged:?}");
    }
    let mut world = World::new().with(vec![commit("s", &["0"], DAYFLY)]);
    assert_eq!(world.look().findings.len(), 1);
    world.events.push(Event::Merged { issue: issue(1), effects: vec![], commit: Some(id("s")) });
    assert_eq!(world.found(), [""; 0], "the forge said that it merged it so");
}

#[test]
fn a_branch_that_was_rewritten_and_what_it_lost_are_told() {
    let mut world = World::new().with(vec![commit("y", &["9"], ANN)]);
    world.landed(1, "0", "l");
    let branch = world.branch.as_mut().unwrap();
    (branch.holds_baseline, branch.gone) = (false, vec![id("l")]);
    let (old, lost) = (id("0").short().to_owned(), id("l").short().to_owned());
    assert_eq!(
        world.found(),
        [
            format!("commit: `main` was rewritten: it no longer holds {old}, where it stood"),
            format!("commit: `main` no longer holds {lost}, which landed for web#1"),
        ]
    );
}

#[test]
fn whoever_changes_what_guards_the_branch_is_named() {
    let guard = |name: &str, author: &str| SeenCommit {
        paths: vec!["src/a".into(), ".dayfly/gates.toml".into(), ".github/x.yml".into()],
        ..commit(name, &["0"], author)
    };
    let drift = World::new().with(vec![guard("a", ANN)]).look();
    let [finding] = drift.findings.as_slice() else { panic!("{drift:?}") };
    let says = format!("{} changed .dayfly/gates.toml and 1 more, which guards `main`, by {ANN}", id("a").short());
    assert_eq!((&finding.what, finding.who.as_str(), finding.evidence.len()), (&says, ANN, 2));
    let mut world = World::new().with(vec![guard("a", DAYFLY)]);
    world.landed(7, "0", "a");
    assert!(world.found()[0].ends_with("by the job for web#7"), "{:?}", world.found());
}

#[test]
fn gates_that_the_configuration_no_longer_asks_for_are_told_and_more_of_them_are_no_drift() {
    let mut world = World::new();
    let weak = CONFIG.to_owned()
        + "[stages.exec]\ngates = [\"clean-tree\", \"new-commits\", \"protected-paths\", \"diff-size\", \"label:go\"]\n[limits]\ndiff-lines = 999999\n";
    world.portfolio = read(&weak.replace("\"AGENTS.md\", ", ""));
    let before = world.record.baseline.policy.bounds["limits.diff-lines"];
    assert_eq!(
        world.found(),
        [
            "gates: the configuration took `commands` out of the gates of stage `exec`".to_owned(),
            "gates: the configuration took `AGENTS.md` out of the pinned paths".to_owned(),
            format!("gates: the configuration raised `limits.diff-lines` from {before} to 999999"),
        ]
    );
}

#[test]
fn a_change_that_was_let_through_without_its_gates_is_told() {
    let mut world = World::new().with(vec![commit("a", &["0"], DAYFLY)]);
    let next = Next::Land { branch: "main".into(), from: id("0"), to: id("a") };
    world.ended(3, next, "0", &[("diff-size", true), ("commands", false)]);
    let says = format!("gates: {} was let through and `commands` had not passed", id("a").short());
    assert_eq!(world.found(), [says]);
}

#[test]
fn migrations_are_told_with_the_last_lines_and_what_could_not_be_run_is_no_finding() {
    let mut world = World::new();
    let fail = |tail: &str| Verdict::Fail { reason: "`m` ended with exit code 1".into(), tail: tail.into() };
    world.migrations = Some(Ok(fail("0007 is not recorded")));
    assert_eq!(world.found(), ["migrations: the migrations are not as their record says: `m` ended with exit code 1"]);
    assert_eq!(world.look().findings[0].evidence[0].says, "0007 is not recorded");
    world.record.baseline = world.input(|input| baseline_of(input, now()));
    assert_eq!(world.found(), [""; 0], "accepted");
    world.migrations = Some(Ok(fail("0008 is not recorded")));
    assert_eq!(world.found().len(), 1, "and another one is not");
    for unseen in [Err("no database".to_owned()), Ok(Verdict::Hold { reason: "no database".into(), until: None })] {
        world.migrations = Some(unseen);
        let drift = world.look();
        assert_eq!((drift.findings.len(), drift.unseen[&DriftKind::Migrations].as_str()), (0, "no database"));
    }
}

#[test]
fn labels_that_dayfly_moves_are_told_when_they_were_moved_by_hand() {
    let mut world = World::new();
    world.labelled(1, &["in-progress"], &["in-review"]);
    world.shows(1, &["in-progress", "priority-high"]);
    assert_eq!(world.found(), [""; 0]);
    world.issues = Ok(vec![]);
    world.shows(1, &["in-review"]);
    world.shows(2, &["ready-for-dev", "human-needed"]);
    world.shows(3, &["In-Progress"]);
    assert_eq!(
        world.found(),
        [
            "labels: `in-progress` was taken off web#1 by hand",
            "labels: `in-review` was put on web#1 by hand",
            "labels: `in-progress` was put on web#3 by hand",
        ],
        "what orders something is obeyed and not told"
    );
    world.record.baseline = world.input(|input| baseline_of(input, now()));
    assert_eq!(world.found(), [""; 0]);
    world.issues = Err("no network".into());
    let drift = world.look();
    assert_eq!((drift.findings.len(), drift.unseen[&DriftKind::Labels].as_str()), (0, "no network"));
    let kept = world.input(|input| baseline_of(input, now())).accepted;
    assert_eq!(kept.len(), 3, "what could not be looked at stays accepted");
}

#[test]
fn pinned_content_is_held_against_what_was_accepted() {
    let mut world = World::new();
    let mut told = commit("a", &["0"], BOB);
    told.paths = vec![".claude/skills/x.md".into()];
    world = world.with(vec![told]);
    let branch = world.branch.as_mut().unwrap();
    branch.pinned = BTreeMap::from([(".claude/skills/x.md".to_owned(), "two".to_owned())]);
    world.portfolio = read(&(CONFIG.to_owned() + "[stages.exec]\nprompt = \"Do {{ issue.title }}.\"\n"));
    let drift = world.look();
    let pinned: Vec<_> = drift.findings.iter().filter(|f| f.kind == DriftKind::Pinned).collect();
    let said: Vec<(&str, &str)> = pinned.iter().map(|f| (f.what.as_str(), f.who.as_str())).collect();
    assert_eq!(
        said,
        [
            ("the prompt of stage `exec` is not the one that was accepted", "cleo"),
            ("AGENTS.md is pinned and gone", "cleo"),
            (".claude/skills/x.md is pinned and new, as two", BOB),
        ]
    );
    world.record.baseline = world.input(|input| baseline_of(input, now()));
    // A later look reads what came since.
    world.branch.as_mut().unwrap().commits.clear();
    assert_eq!(world.found(), [""; 0]);
    world = world.config("");
    world.portfolio.drift.pinned.push("docs/**".into());
    let what = "pinned: what `docs/**` pins was never accepted";
    assert!(world.found().contains(&what.to_owned()), "{:?}", world.found());
}

#[test]
fn what_cannot_be_seen_is_named_and_is_not_accepted_either() {
    let mut world = World::new();
    world.branch = Err("the repository is gone".into());
    let drift = world.look();
    let unseen: Vec<DriftKind> = drift.unseen.keys().copied().collect();
    assert_eq!(unseen, [DriftKind::Commit, DriftKind::Gates, DriftKind::Pinned]);
    let later = now() + SignedDuration::from_hours(5);
    let baseline = world.input(|input| baseline_of(input, later));
    assert_eq!((baseline.at, baseline.tip), (now(), Some(id("0"))));
    let text = DriftReport { version: 1, at: now(), projects: vec![drift] }.to_text(&jiff::tz::TimeZone::UTC);
    assert!(text.starts_with("web: no drift since 2026-01-01 00:00, as cleo accepted it\n"), "{text}");
    assert!(text.contains("commit      not looked at: the repository is gone\n"), "{text}");
}
