use super::*;

fn sticky(n: u32, topic: &str, body: &str) -> TrackerWrite {
    TrackerWrite::Sticky { issue: id(n), topic: topic.into(), body: body.into() }
}

fn under(n: u32, milestone: Option<&str>) -> TrackerWrite {
    TrackerWrite::SetMilestone { issue: id(n), milestone: milestone.map(str::to_owned) }
}

fn milestone(title: &str, due: Option<&str>, state: TrackerState) -> TrackerWrite {
    TrackerWrite::Milestone { title: title.into(), due: due.map(|due| due.parse().unwrap()), state }
}

#[tokio::test]
async fn a_comment_that_is_kept_up_to_date_is_replaced_where_it_stands() {
    let yard = Yard::new();
    let path = yard.put("1.md", "+++\r\ntitle = 'x'\r\n+++\r\n\r\ntext\r\n\r\n## Comment by Ann\r\n\r\nfirst");
    yard.apply("k/0", sticky(1, "children", "0 of 1\n\n- [ ] #2")).await;
    let answered = fs::read_to_string(&path).unwrap() + "\r\n## Comment by Bo\r\nlast\r\n";
    fs::write(&path, &answered).unwrap();
    yard.apply("k/1", sticky(1, "children", "All are closed.")).await;
    let whole = fs::read_to_string(&path).unwrap();
    assert_eq!(whole.matches('\n').count(), whole.matches("\r\n").count());
    insta::assert_snapshot!(whole.replace("\r\n", "\n"), @"
    +++
    title = 'x'
    +++

    text

    ## Comment by Ann

    first

    ## Comment by dayfly, 2026-11-21T10:00:00Z
    <!-- dayfly: k/1 about children -->

    All are closed.

    ## Comment by Bo
    last
    ");
    let comments = &yard.issues().await[0].comments;
    assert_eq!((comments[1].key.as_deref(), comments[1].topic.as_deref()), (Some("k/1"), Some("children")));
    assert!(!comments[0].is_own() && !comments[2].is_own());
}

#[tokio::test]
async fn a_key_with_a_space_in_it_is_no_topic() {
    let yard = Yard::new();
    yard.put("1.md", "+++\ntitle = 'x'\n+++\n");
    yard.apply("web about web", comment(1, "hm")).await;
    yard.apply("k about x", sticky(1, "a b", "hm")).await;
    let comments = &yard.issues().await[0].comments;
    let shown: Vec<_> = comments.iter().map(|c| (c.key.as_deref().unwrap(), c.topic.as_deref())).collect();
    assert_eq!(shown, [("web about web", None), ("k about x", Some("a b"))]);
}

#[tokio::test]
async fn a_child_is_created_with_its_part_and_what_it_comes_after() {
    let yard = Yard::new();
    let child = |part: &str, after: &[&str]| {
        TrackerWrite::Create(NewIssue {
            parent: Some(id(7)),
            part: Some(part.into()),
            after: after.iter().map(|part| (*part).to_owned()).collect(),
            ..new(part, "")
        })
    };
    let early = yard.tracker().apply(&yard.project, "k/9", &child("b", &["a"])).await.unwrap_err();
    assert!(early.to_string().contains("there is no part `a` for `b` to come after"), "{early}");
    yard.apply("k/0", child("a", &[])).await;
    yard.apply("k/1", child("b", &["a"])).await;
    insta::assert_snapshot!(fs::read_to_string(yard.root().join("web/2-b.md")).unwrap(), @r#"
    +++
    id = 2
    title = "b"
    labels = []
    state = "open"
    author = "dayfly"
    parent = 7
    blocked-by = [1]
    part = "b"
    key = "k/1"
    +++
    "#);
}

#[tokio::test]
async fn blockers_are_added_to_what_people_wrote() {
    let yard = Yard::new();
    let path = yard.put("1.md", "+++\ntitle = 'x'\nblocked-by = [\n  2, # first\n  \"word\",\n  99,\n]\n+++\n");
    yard.put("2.md", "+++\ntitle = 'two'\nstate = 'closed'\n+++\n");
    yard.put("3.md", "+++\ntitle = 'three'\n+++\n");
    yard.put("word.md", "+++\ntitle = 'word'\n+++\n");
    assert_eq!(yard.issues().await[0].facts.blocked_by, ["word", "99"], "of what is not there nobody knows");
    let word = IssueId::new("word").unwrap();
    let by = TrackerWrite::BlockedBy { issue: id(1), by: vec![id(2), id(3), word, id(3), id(1)] };
    assert_eq!(yard.apply("k", by.clone()).await, Applied::Done(None));
    let wanted = "+++\ntitle = 'x'\nblocked-by = [\n  2, # first\n  \"word\",\n  99,\n  3,\n]\n+++\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    assert_eq!(yard.apply("k", by).await, Applied::Already(None));
    let none = TrackerWrite::BlockedBy { issue: id(3), by: vec![id(98)] };
    let refused = yard.tracker().apply(&yard.project, "k", &none).await;
    assert!(matches!(&refused, Err(TrackerError::NotFound { issue, .. }) if *issue == id(98)), "{refused:?}");
}

#[tokio::test]
async fn a_duplicate_says_of_what() {
    let yard = Yard::new();
    yard.put("1.md", "+++\ntitle = 'x'\n+++\n");
    let path = yard.put("2.md", "+++\ntitle = 'x'\nstate = 'open'\n+++\n\ntext\n");
    yard.apply("k", TrackerWrite::Duplicate { issue: id(2), of: id(1) }).await;
    insta::assert_snapshot!(fs::read_to_string(path).unwrap(), @r#"
    +++
    title = 'x'
    state = "closed"
    +++

    text

    ## Comment by dayfly, 2026-11-21T10:00:00Z
    <!-- dayfly: k about duplicate -->

    A duplicate of #1.
    "#);
}

#[tokio::test]
async fn an_issue_is_taken_from_its_milestone_with_the_line() {
    let yard = Yard::new();
    let (top, rest) = ("+++\r\ntitle = 'x' # t\r\n", "state = 'open' # s\r\n+++\r\ntext\r\n");
    let path = yard.put("1.md", format!("{top}  milestone  =  'v1' # m\r\n{rest}"));
    yard.apply("k/0", under(1, Some("v \"2\""))).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{top}  milestone  =  \"v \\\"2\\\"\" # m\r\n{rest}"));
    yard.apply("k/1", under(1, None)).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{top}{rest}"));
    assert_eq!(yard.apply("k/2", under(1, None)).await, Applied::Already(None));
}

#[tokio::test]
async fn a_milestone_changes_its_own_lines_and_no_other() {
    let yard = Yard::new();
    let path = yard.put(
        "milestones.toml",
        "# ours\n[[milestone]]\ntitle = 'March 2026' # the first\ndue   = 2026-03-31   # a Tuesday\n\n[[milestone]] # next\ntitle = \"v1\"\n",
    );
    yard.apply("k/0", milestone("March 2026", Some("2026-03-30"), TrackerState::Closed)).await;
    yard.apply("k/1", milestone("April 2026", Some("2026-04-30"), TrackerState::Open)).await;
    insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r#"
    # ours
    [[milestone]]
    title = 'March 2026' # the first
    due   = 2026-03-30   # a Tuesday
    state = "closed"

    [[milestone]] # next
    title = "v1"

    [[milestone]]
    title = "April 2026"
    due = 2026-04-30
    "#);
    let before = fs::read(&path).unwrap();
    assert_eq!(yard.apply("k/2", milestone("v1", None, TrackerState::Open)).await, Applied::Already(None));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_milestones_may_be_missing_written_otherwise_or_broken() {
    let yard = Yard::new();
    yard.apply("k/0", milestone("v1", None, TrackerState::Open)).await;
    let path = yard.root().join("web/milestones.toml");
    assert_eq!(fs::read_to_string(&path).unwrap(), "[[milestone]]\ntitle = \"v1\"\n");
    yard.put("milestones.toml", "milestone = [{ title = 'v1', due = 2026-01-01 }]\r\n");
    yard.apply("k/1", milestone("v1", Some("2026-02-01"), TrackerState::Closed)).await;
    yard.apply("k/2", milestone("v2", None, TrackerState::Closed)).await;
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "milestone = [{ title = 'v1', due = 2026-02-01, state = \"closed\" }, { title = \"v2\", state = \"closed\" }]\r\n"
    );
    for (broken, what) in [("[[milestone]]\n", "missing field `title`"), ("milestone = 1\n", "invalid type")] {
        yard.put("milestones.toml", broken);
        let flaw = yard.tracker().apply(&yard.project, "k", &milestone("v1", None, TrackerState::Open)).await;
        let flaw = flaw.unwrap_err();
        assert!(!flaw.is_transient() && flaw.to_string().contains(what), "{flaw}");
        assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    }
}

#[tokio::test]
async fn line_ends_of_any_kind_stay_where_a_file_has_them() {
    let yard = Yard::new();
    let front = "+++\r\ntitle = 'x'\nlabels = [\n  'a', # one\r\n  'b',\n]\r\n";
    let rest = "+++\r\na\rb\r\rc\nd\r\r\n\r## Comment by Ann\rfirst\nlast\r";
    let path = yard.put("1.md", format!("{front}{rest}"));
    let issue = yard.issues().await.remove(0);
    assert_eq!(issue.body, "a\nb\n\nc\nd");
    assert_eq!(issue.comments[0].body, "first\nlast");
    yard.apply("k/0", label(1, &["c"], &["a"])).await;
    let front = front.replace("  'a', # one\r\n  'b',\n", "  'b',\n  \"c\",\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{front}{rest}"));
    yard.apply("k/1", comment(1, "x\ry\r\nz")).await;
    let said = "## Comment by dayfly, 2026-11-21T10:00:00Z\r\n<!-- dayfly: k/1 -->\r\n\r\nx\r\ny\r\nz\r\n";
    let whole = fs::read_to_string(&path).unwrap();
    assert!(whole.starts_with(&format!("{front}{rest}")) && whole.ends_with(said), "{whole:?}");
    let issue = yard.issues().await.remove(0);
    assert_eq!((issue.body.as_str(), issue.comments[1].body.as_str()), ("a\nb\n\nc\nd", "x\ny\nz"));

    let old = "# one\n[[milestone]]\r\ntitle = \"\"\"a\r\nb\nc\"\"\" # two\nstate = 'open'\r\n# three";
    let path = yard.put("milestones.toml", old);
    yard.apply("k/2", milestone("v2", None, TrackerState::Open)).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{old}\n\n[[milestone]]\ntitle = \"v2\"\n"));
    yard.apply("k/3", milestone("v2", Some("2026-04-30"), TrackerState::Closed)).await;
    let new = "[[milestone]]\ntitle = \"v2\"\ndue = 2026-04-30\nstate = \"closed\"\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{old}\n\n{new}"));
}
