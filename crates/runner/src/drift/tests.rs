//! Drift in real repositories: what came past dayfly, and what it did itself.

mod yard;

use dayfly_core::{DriftKind, Store as _};
use yard::Yard;

const GATES: &str = "[[command]]\nname = \"tests\"\nrun = [\"true\"]\n";

#[tokio::test]
async fn nothing_from_before_the_first_look_is_reported() {
    let mut yard = Yard::new("");
    yard.by("dayfly <dayfly@localhost>", &[("before", "")]);
    let (found, drift) = yard.look().await;
    assert!(drift.first && found.is_empty(), "{drift:?}");
    yard.accept().await;
    let (found, drift) = yard.look().await;
    assert!(!drift.first && found.is_empty(), "{drift:?}");
}

#[tokio::test]
async fn a_commit_pushed_past_dayfly_is_told_and_a_persons_is_counted() {
    let mut yard = Yard::new("");
    yard.accept().await;
    let pushed = yard.by("dayfly <dayfly@localhost>", &[("src/x", "1\n"), ("src/y", "1\n")]);
    yard.repo.commit(&[("src/x", "2\n")]);
    // What looks like the end of one commit and the beginning of another hides none.
    yard.repo.git(&[
        "commit",
        "--quiet",
        "--allow-empty",
        "--author=dayfly <dayfly@localhost>",
        "--message",
        "a\u{1}b\u{2}\tc",
    ]);
    let (found, drift) = yard.look().await;
    assert_eq!(
        found,
        ["commit: 2 commits on `main` that no job and no person accounts for, by dayfly <dayfly@localhost>"]
    );
    assert_eq!((drift.by_people, drift.by_dayfly), (1, 0));
    let evidence = &drift.findings[0].evidence[1];
    assert_eq!(evidence.commit.as_ref(), Some(&pushed));
    assert_eq!(evidence.says, "dayfly <dayfly@localhost>: Change src/x src/y");
    yard.accept().await;
    assert!(yard.look().await.0.is_empty());
}

#[tokio::test]
async fn what_dayfly_landed_is_accounted_for_with_all_its_commits() {
    let mut yard = Yard::new("people = []");
    yard.accept().await;
    let from = yard.repo.at("main");
    yard.by("agent <noreply@anthropic.com>", &[("a", "")]);
    let to = yard.by("agent <noreply@anthropic.com>", &[("b", "")]);
    yard.landed(1, &from, &to).await;
    let (found, drift) = yard.look().await;
    assert_eq!((found.len(), drift.by_dayfly), (0, 2), "{drift:?}");
}

#[tokio::test]
async fn a_merge_of_what_was_left_for_a_person_is_accounted_for_in_each_form() {
    for how in ["merge", "squash", "rebase"] {
        let mut yard = Yard::new("people = []");
        yard.accept().await;
        let base = yard.repo.at("main");
        yard.repo.git(&["checkout", "--quiet", "-b", "dayfly/web-1"]);
        yard.by("agent <noreply@anthropic.com>", &[("a", "1\n")]);
        let tip = yard.by("agent <noreply@anthropic.com>", &[("b", "1\n")]);
        yard.handed(1, &base, &tip).await;
        yard.repo.git(&["checkout", "--quiet", "main"]);
        // Somebody else was faster, so that nothing of it stays as it was.
        let other = yard.by("Ann <ann@example.org>", &[("other", "")]);
        match how {
            "merge" => drop(yard.repo.git(&["merge", "--quiet", "--no-ff", "--no-edit", "dayfly/web-1"])),
            "squash" => {
                yard.repo.git(&["merge", "--quiet", "--squash", "dayfly/web-1"]);
                yard.repo.git(&["commit", "--quiet", "--message", "Squashed (#1)"]);
            }
            _ => drop(yard.repo.git(&["cherry-pick", "main..dayfly/web-1"])),
        }
        let (found, drift) = yard.look().await;
        let says = "commit: a commit on `main` that no job and no person accounts for, by Ann <ann@example.org>";
        assert_eq!(found, [says], "{how}: the other one alone");
        assert_eq!(drift.findings[0].evidence[0].commit.as_ref(), Some(&other), "{how}");
        assert_eq!(drift.by_dayfly, if how == "rebase" { 2 } else { 1 }, "{how}");
    }
}

#[tokio::test]
async fn a_squash_that_adds_something_is_somebodys_own() {
    let mut yard = Yard::new("people = []");
    yard.accept().await;
    let base = yard.repo.at("main");
    yard.repo.git(&["checkout", "--quiet", "-b", "dayfly/web-1"]);
    let tip = yard.repo.commit(&[("a", "1\n")]);
    yard.handed(1, &base, &tip).await;
    yard.repo.git(&["checkout", "--quiet", "main"]);
    yard.repo.git(&["merge", "--quiet", "--squash", "dayfly/web-1"]);
    yard.repo.commit(&[("smuggled", "1\n")]);
    assert_eq!(yard.look().await.0.len(), 1);
}

#[tokio::test]
async fn a_merge_of_somebodys_own_branch_is_one_commit_of_theirs() {
    let mut yard = Yard::new("people = [\"bob@example.org\"]");
    yard.accept().await;
    yard.repo.git(&["checkout", "--quiet", "-b", "own"]);
    yard.repo.commit(&[("a", "1\n")]);
    yard.repo.git(&["checkout", "--quiet", "main"]);
    yard.repo.git(&["merge", "--quiet", "--no-ff", "--no-edit", "own"]);
    let (found, drift) = yard.look().await;
    assert_eq!(found, ["commit: a commit on `main` that no job and no person accounts for, by Ann <ann@example.org>"]);
    assert_eq!(drift.findings[0].who, "Ann <ann@example.org>, with cleo");
}

#[tokio::test]
async fn a_branch_that_was_rewritten_is_told_with_what_it_lost() {
    let mut yard = Yard::new("");
    yard.repo.commit(&[("one", "")]);
    yard.accept().await;
    let from = yard.repo.at("main");
    let to = yard.repo.commit(&[("two", "")]);
    yard.landed(1, &from, &to).await;
    assert!(yard.look().await.0.is_empty());
    yard.repo.git(&["reset", "--quiet", "--hard", "main~2"]);
    yard.repo.commit(&[("three", "")]);
    let told = [
        format!("commit: `main` was rewritten: it no longer holds {}, where it stood", from.short()),
        format!("commit: `main` no longer holds {}, which landed for web#1", to.short()),
    ];
    assert_eq!(yard.look().await.0, told);
    // The lost commits are thrown away for good.
    yard.repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    yard.repo.git(&["gc", "--quiet", "--prune=now"]);
    let (found, drift) = yard.look().await;
    assert_eq!(found, told);
    assert!(drift.unseen[&DriftKind::Commit].contains("what came since cannot be told"), "{drift:?}");
    yard.accept().await;
    assert!(yard.look().await.0.is_empty(), "it is how it is");
}

#[tokio::test]
async fn a_gates_file_and_a_skill_that_a_person_changes_are_told() {
    let mut yard = Yard::new("pinned = [\".claude/**\"]");
    yard.repo.commit(&[(".dayfly/gates.toml", GATES), (".claude/skills/a.md", "Be careful.\n")]);
    yard.accept().await;
    let commit = yard.repo.commit(&[(".dayfly/gates.toml", ""), (".claude/skills/a.md", "Be quick.\n")]);
    let (found, drift) = yard.look().await;
    let by = format!(
        "gates: {} changed .claude/skills/a.md and 1 more, which guards `main`, by Ann <ann@example.org>",
        commit.short()
    );
    let now = yard.repo.git(&["rev-parse", "HEAD:.claude/skills/a.md"]);
    assert_eq!(found, [by, format!("pinned: .claude/skills/a.md is pinned and was changed, to {}", &now[..10])]);
    assert!(drift.findings.iter().all(|finding| finding.who == "Ann <ann@example.org>"), "{drift:?}");
}

#[tokio::test]
async fn migrations_are_checked_by_a_command_at_the_commit_of_the_branch() {
    let script = "cat state; [ \\\"$(cat state)\\\" = applied ]";
    let mut yard = Yard::project("", &format!("[projects.web.drift]\nmigrations = [\"sh\", \"-c\", \"{script}\"]"));
    yard.repo.commit(&[("state", "applied\n")]);
    yard.accept().await;
    // What only lies in the checkout is not what is checked.
    std::fs::write(yard.repo.web.join("state"), "open\n").unwrap();
    assert!(yard.look().await.0.is_empty());
    yard.repo.commit(&[("state", "open\n")]);
    let (found, drift) = yard.look().await;
    assert_eq!((found.len(), drift.findings[0].kind), (1, DriftKind::Migrations), "{found:?}");
    assert_eq!(drift.findings[0].evidence[0].says, "open");
    let left: Vec<_> = yard.repo.root.join("state/drift").read_dir_utf8().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_named_and_nothing_else_is_kept_from_being_looked_at() {
    let mut yard = Yard::new("");
    yard.accept().await;
    std::fs::rename(&yard.repo.web, yard.repo.root.join("gone")).unwrap();
    let (found, drift) = yard.look().await;
    let unseen: Vec<DriftKind> = drift.unseen.keys().copied().collect();
    assert_eq!((found.len(), unseen), (0, vec![DriftKind::Commit, DriftKind::Gates, DriftKind::Pinned]));
}

#[tokio::test]
async fn a_briefing_knows_that_a_branch_has_moved_without_asking_git() {
    let mut yard = Yard::new("");
    yard.accept().await;
    assert!(yard.moved().await.is_empty());
    yard.repo.git(&["pack-refs", "--all"]);
    assert!(yard.moved().await.is_empty());
    let from = yard.repo.at("main");
    let to = yard.repo.commit(&[("a", "")]);
    assert_eq!(yard.moved().await, ["web"]);
    yard.landed(1, &from, &to).await;
    assert!(yard.moved().await.is_empty(), "dayfly moved it itself");
    yard.repo.git(&["worktree", "add", "--quiet", "-b", "side", "../side"]);
    yard.portfolio.projects.values_mut().for_each(|project| project.path = yard.repo.root.join("side"));
    assert!(yard.moved().await.is_empty(), "the same branch, from another checkout");
    yard.repo.commit(&[("b", "")]);
    assert_eq!(yard.moved().await, ["web"]);
}

#[tokio::test]
async fn a_look_writes_nothing() {
    let mut yard = Yard::new("");
    yard.accept().await;
    let before = yard.store.load().await.unwrap().head;
    yard.repo.commit(&[("a", "")]);
    yard.look().await;
    assert_eq!(yard.store.load().await.unwrap().head, before);
    assert_eq!(yard.repo.git(&["status", "--porcelain"]), "");
}
