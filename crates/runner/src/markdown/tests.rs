use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use camino::Utf8Path;
use dayfly_core::{FixedClock, TrackerState};
use dayfly_testkit::conformance;
use tempfile::TempDir;

use super::*;

mod any_text;
mod writes;

struct Yard {
    folder: TempDir,
    project: ProjectName,
}

impl Yard {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), project: ProjectName::new("web").unwrap() }
    }

    fn root(&self) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).unwrap().to_owned()
    }

    fn tracker(&self) -> MarkdownTracker {
        let now = "2026-11-21T10:00:00.5Z".parse().unwrap();
        MarkdownTracker::new(self.root(), Arc::new(FixedClock::new(now)))
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> Utf8PathBuf {
        let path = self.root().join("web").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    async fn issues(&self) -> Vec<Issue> {
        self.tracker().issues(&self.project).await.unwrap()
    }

    /// The place and the problem of a project that cannot be read.
    async fn flaw(&self) -> String {
        let flaw = self.tracker().issues(&self.project).await.unwrap_err().to_string();
        flaw.replace(self.root().as_str(), "")
    }

    async fn apply(&self, key: &str, write: TrackerWrite) -> Applied {
        self.tracker().apply(&self.project, key, &write).await.unwrap()
    }
}

fn id(n: u32) -> IssueId {
    IssueId::new(n.to_string()).unwrap()
}

fn comment(n: u32, body: &str) -> TrackerWrite {
    TrackerWrite::Comment { issue: id(n), body: body.into() }
}

fn label(n: u32, add: &[&str], remove: &[&str]) -> TrackerWrite {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    TrackerWrite::Labels { issue: id(n), add: own(add), remove: own(remove) }
}

fn close(n: u32) -> TrackerWrite {
    TrackerWrite::State { issue: id(n), state: TrackerState::Closed }
}

fn new(title: &str, body: &str) -> NewIssue {
    NewIssue {
        title: title.into(),
        body: body.into(),
        labels: vec![],
        milestone: None,
        parent: None,
        ..NewIssue::default()
    }
}

#[tokio::test]
async fn the_tracker_in_a_folder_keeps_the_contract() {
    let yard = Yard::new();
    let count = AtomicU32::new(0);
    conformance::tracker(async || {
        let n = count.fetch_add(1, Ordering::Relaxed);
        (yard.tracker(), ProjectName::new(format!("p{n}")).unwrap())
    })
    .await;
}

#[tokio::test]
async fn keys_are_known_after_a_restart() {
    let yard = Yard::new();
    conformance::tracker_reopened(async || (yard.tracker(), yard.project.clone())).await;
}

#[tokio::test]
async fn a_file_looks_like_this() {
    let yard = Yard::new();
    let tracker = yard.tracker();
    let wanted = NewIssue {
        labels: vec!["ready-for-dev".into()],
        milestone: Some("v1".into()),
        parent: Some(id(7)),
        ..new("Fix the  Login: it's *broken*, übel!", "First line.\n\n## Comment by me\n")
    };
    let made = tracker.create(&yard.project, "ann", &wanted).await.unwrap();
    yard.apply("web.1.exec.1/0", comment(1, "Landed.")).await;
    let at = "2026-11-22T08:00:00Z".parse().unwrap();
    tracker.comment_as(&yard.project, &made, "ann\n", "Thanks\r\n<!-- dayfly: x -->", at).await.unwrap();
    let path = tracker.path_of(&yard.project, &made).await.unwrap();
    assert_eq!(path, yard.root().join("web/1-fix-the-login-it-s-broken-übel.md"));
    insta::assert_snapshot!(fs::read_to_string(path).unwrap(), @r#"
    +++
    id = 1
    title = "Fix the  Login: it's *broken*, übel!"
    labels = ["ready-for-dev"]
    milestone = "v1"
    state = "open"
    author = "ann"
    parent = 7
    +++

    First line.

    \## Comment by me

    ## Comment by dayfly, 2026-11-21T10:00:00Z
    <!-- dayfly: web.1.exec.1/0 -->

    Landed.

    ## Comment by ann, 2026-11-22T08:00:00Z

    Thanks
    \<!-- dayfly: x -->
    "#);
    let shown = &yard.issues().await[0];
    assert!(shown.comments[0].is_own() && !shown.comments[1].is_own());
    assert_eq!(shown.body, "First line.\n\n## Comment by me");
}

#[tokio::test]
async fn what_people_leave_out_has_a_default() {
    let yard = Yard::new();
    yard.put("12-short.md", "\u{feff}+++\ntitle = \"Short\"\n+++\ntext\n## Comment by Ann Lee, yesterday\nhm");
    yard.put("notes.md", "+++\nid = \"9\"\ntitle = \"Nine\"\n+++");
    yard.put("word.md", "+++\ntitle = \"Word\"\n+++\n\n## Comment by Bo, 2026-11-21T10:00:00+01:00\n\n\nyes  \n\n");
    yard.put(".hidden.md", "nothing");
    yard.put("README.txt", "nothing");
    yard.put("folder.md/inner", "nothing");
    let issues = yard.issues().await;
    let ids: Vec<&str> = issues.iter().map(|issue| issue.id.as_str()).collect();
    assert_eq!(ids, ["9", "12", "word"]);
    let short = &issues[1];
    assert_eq!((short.body.as_str(), short.author.name.as_str(), short.state), ("text", "local", TrackerState::Open));
    assert_eq!(short.comments[0].author.name, "Ann Lee, yesterday");
    assert_eq!((short.comments[0].at, short.comments[0].body.as_str()), (None, "hm"));
    assert_eq!(issues[2].comments[0].at, Some("2026-11-21T09:00:00Z".parse().unwrap()));
    assert_eq!(issues[2].comments[0].body, "yes  ");
}

#[tokio::test]
async fn a_write_keeps_every_byte_it_does_not_change() {
    let yard = Yard::new();
    let top = "+++\r\n# mine\r\ntitle   = 'It''s'  # odd\r\n".replace("It''s", "It is");
    let front = format!("{top}labels = [ # why\r\n  'a', # first\r\n  \"b\",\r\n]\r\nstate='open' # for now\r\n");
    let rest =
        "+++  \r\n\r\n\r\nbody\twith  odd   space \r\n\n\nlone line feeds\r\n\r\n## Comment by Ann\r\nno blank line";
    let path = yard.put("3.md", format!("{front}{rest}"));

    yard.apply("k", close(3)).await;
    let closed = format!("{front}{rest}").replace("'open'", "\"closed\"");
    assert_eq!(fs::read_to_string(&path).unwrap(), closed);

    yard.apply("k", label(3, &["c"], &["B"])).await;
    let labelled = fs::read_to_string(&path).unwrap();
    assert!(labelled.starts_with(&top) && labelled.ends_with(rest), "{labelled}");
    assert!(labelled.contains("[ # why\r\n  'a', # first\r\n  \"c\",\r\n]\r\n"), "{labelled}");
    assert!(!labelled.replace("\r\n", "").replace("\n\nlone", "").contains('\n'), "{labelled:?}");
    let issue = &yard.issues().await[0];
    assert_eq!(issue.labels, ["a", "c"]);
    assert_eq!(issue.body, "body\twith  odd   space \n\n\nlone line feeds");

    yard.apply("k", comment(3, "one\ntwo")).await;
    let added = "\r\n\r\n## Comment by dayfly, 2026-11-21T10:00:00Z\r\n<!-- dayfly: k -->\r\n\r\none\r\ntwo\r\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{labelled}{added}"));
    assert_eq!(yard.issues().await[0].comments[1].body, "one\ntwo");
}

#[test]
fn a_list_of_labels_stays_as_people_wrote_it() {
    let own = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (list, remove, add, wanted) in [
        ("[]", "", "x", "[\"x\"]"),
        ("['a']", "a", "", "[]"),
        ("[ 'a', 'b' ]", "a", "", "[ 'b' ]"),
        ("[ 'a', 'b' ]", "b", "", "[ 'a' ]"),
        ("['a',   'b','c']", "b", "x y", "['a',   'c', \"x\", \"y\"]"),
        ("['a', 'A', \"\"\"a\"\"\"]", "a", "x", "[\"x\"]"),
        ("[\n  'a', # one\n  'b' # two, ]\n]", "", "x", "[\n  'a', # one\n  'b', # two, ]\n  \"x\",\n]"),
        ("[\n  'a', # one\n  'b' # two\n]", "b", "", "[\n  'a', # one\n]"),
        ("[\n  'a', # one\n  'b' # two\n]", "a b", "", "[]"),
        ("[ # all\n  'a'\n]", "a", "x", "[ # all\n\"x\"]"),
        ("[\n  'a', 'b',\n  'c']", "b", "x", "[\n  'a', \n  'c', \"x\"]"),
        ("['a'\n, 'b']", "b", "x", "['a', \"x\"]"),
        ("['x,]#', 'a']", "a", "b", "['x,]#', \"b\"]"),
    ] {
        let changed = labels::changed(list, &own(add), &own(remove));
        assert_eq!(changed, wanted, "{list}");
        assert!(format!("x = {changed}").parse::<toml_edit::DocumentMut>().is_ok());
    }
}

#[tokio::test]
async fn keys_that_are_missing_are_added() {
    let yard = Yard::new();
    let path = yard.put("1.md", "+++\ntitle = \"x\"\n+++\nbody\n");
    yard.apply("a", label(1, &["a", "A", "b \"c\""], &[])).await;
    yard.apply("b", close(1)).await;
    let wanted = "+++\ntitle = \"x\"\nlabels = [\"a\", \"b \\\"c\\\"\"]\nstate = \"closed\"\n+++\nbody\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    yard.apply("c", label(1, &[], &["a"])).await;
    assert!(fs::read_to_string(&path).unwrap().contains("labels = [\"b \\\"c\\\"\"]\n"));
    yard.apply("d", label(1, &["z"], &["b \"c\""])).await;
    assert!(fs::read_to_string(&path).unwrap().contains("labels = [\"z\"]\n"));
}

#[tokio::test]
async fn edits_by_hand_between_writes_survive() {
    let yard = Yard::new();
    yard.apply("a", TrackerWrite::Create(new("One", "text"))).await;
    yard.apply("b", comment(1, "own")).await;
    let path = yard.tracker().path_of(&yard.project, &id(1)).await.unwrap();
    let edited = fs::read_to_string(&path).unwrap().replace("text", "better text") + "## Comment by Ann\nanswer\n";
    let moved = path.with_file_name("renamed.md");
    fs::write(&moved, edited).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(yard.apply("a", TrackerWrite::Create(new("One", "text"))).await, Applied::Already(Some(id(1))));
    assert_eq!(yard.apply("b", comment(1, "own")).await, Applied::Already(None));
    yard.apply("c", comment(1, "more")).await;
    let issue = &yard.issues().await[0];
    assert_eq!(issue.body, "better text");
    let bodies: Vec<&str> = issue.comments.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(bodies, ["own", "answer", "more"]);
    assert!(moved.exists() && !path.exists());
}

#[tokio::test]
async fn each_mistake_is_shown_with_its_line() {
    for (text, line, what) in [
        ("no keys", 1, "begins with a line `+++`"),
        ("", 1, "begins with a line `+++`"),
        ("+++\ntitle = \"x\"\n", 1, "add a line `+++`"),
        ("+++\nid = 1\n+++\n", 2, "missing field `title`"),
        ("+++\ntitle = \"x\"\nlabls = []\n+++\n", 3, "unknown field `labls`"),
        ("+++\ntitle = \"x\"\n\nlabels = [\n+++\n", 4, "correct the keys"),
        ("+++\ntitle = \"x\"\nstate = \"done\"\n+++\n", 3, "unknown variant `done`"),
        ("+++\ntitle = \"x\"\nid = \"a/b\"\n+++\n", 3, "the issue id `a/b` may hold only"),
        ("+++\ntitle = \"x\"\nid = -1\n+++\n", 3, "may not be negative"),
        ("+++\ntitle = \"x\"\nid = 1.5\n+++\n", 3, "a whole number or a string"),
        ("+++\ntitle = \"x\"\nparent = \"..\"\n+++\n", 3, "the issue id `..`"),
        ("+++\ntitle = \"x\"\ntitle = \"y\"\n+++\n", 3, "duplicate key"),
        ("+++\ntitle = \"x\"\n+++\n\n## Comment by \nhello", 5, "has no author"),
    ] {
        let yard = Yard::new();
        yard.put("1-x.md", text);
        let flaw = yard.flaw().await;
        assert!(flaw.starts_with("/web/1-x.md:") && flaw.contains(what) && flaw.contains("; "), "{text:?}: {flaw}");
        let at = flaw.trim_start_matches("/web/1-x.md:").split(':').next().unwrap().parse::<usize>().unwrap();
        assert!(at == line || (what == "correct the keys" && at > line), "{text:?}: {flaw}");
        assert!(!flaw.contains('\n'), "{flaw}");
    }
}

#[tokio::test]
async fn files_that_contradict_or_cannot_be_read_are_named() {
    let yard = Yard::new();
    yard.put("1-a.md", "+++\ntitle = \"a\"\n+++\n");
    yard.put("2-b.md", "+++\ntitle = \"b\"\nid = 1\n+++\n");
    let flaw = yard.flaw().await;
    assert!(flaw.starts_with("/web/2-b.md:3: the id 1 is also that of `/web/1-a.md`"), "{flaw}");

    yard.put("2-b.md", b"+++\ntitle = \"b\"\n+++\n\xff");
    assert_eq!(yard.flaw().await, "/web/2-b.md:4: the text is not UTF-8; save it in that encoding");

    let path = yard.put("2-b.md", "");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    assert!(yard.flaw().await.contains("put back what it points to"));
    let refused = yard.tracker().apply(&yard.project, "k", &close(1)).await.unwrap_err();
    assert!(!refused.is_transient(), "{refused}");

    let other = ProjectName::new("file").unwrap();
    fs::write(yard.root().join("file"), "").unwrap();
    let refused = yard.tracker().issues(&other).await.unwrap_err();
    assert!(refused.to_string().contains("make it a folder"), "{refused}");
}

#[tokio::test]
async fn a_link_stays_a_link_and_a_file_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let yard = Yard::new();
    let real = yard.put("elsewhere/real", "+++\ntitle = \"x\"\n+++\n");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = yard.root().join("web/1.md");
    std::os::unix::fs::symlink("elsewhere/real", &link).unwrap();
    yard.apply("k", close(1)).await;
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains("closed"));
    yard.apply("n", TrackerWrite::Create(new("", ""))).await;
    let mode = fs::metadata(yard.root().join("web/2.md")).unwrap().permissions().mode();
    assert_ne!(mode & 0o044, 0, "others may read a new file as the umask says: {mode:o}");
    let left: Vec<_> = fs::read_dir(yard.root().join("web")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[tokio::test]
async fn milestones_are_read_from_their_file() {
    let yard = Yard::new();
    let read = || async { yard.tracker().milestones(&yard.project).await.map_err(|err| err.to_string()) };
    assert_eq!(read().await, Ok(vec![]));
    yard.put(
        "milestones.toml",
        "[[milestone]]\ntitle = \"v1\"\ndue = 2026-12-01\n\n[[milestone]]\ntitle = \"v2\"\nstate = \"closed\"\n",
    );
    let due = Some("2026-12-01".parse().unwrap());
    let v1 = Milestone { title: "v1".into(), due, ..Milestone::default() };
    let v2 = Milestone { title: "v2".into(), state: TrackerState::Closed, ..Milestone::default() };
    assert_eq!(read().await, Ok(vec![v1, v2]));
    for (text, line, what) in [
        ("[[milestone]]\ntitle = \"v1\"\ndue = 2026-12-01T10:00:00Z\n", 3, "write it like 2026-12-01"),
        ("[[milestone]]\ntitle = \"v1\"\n[[milestone]]\ntitle = \"v1\"\n", 4, "another milestone `v1`"),
        ("[[milestone]]\ntitle = \"v1\"\nwhen = 1\n", 3, "unknown field `when`"),
    ] {
        yard.put("milestones.toml", text);
        let flaw = read().await.unwrap_err();
        assert!(flaw.contains(&format!("milestones.toml:{line}: ")) && flaw.contains(what), "{flaw}");
    }
}

#[tokio::test]
async fn a_missing_folder_is_an_empty_project() {
    let yard = Yard::new();
    assert_eq!(yard.issues().await, []);
    let refused = yard.tracker().apply(&yard.project, "k", &close(1)).await;
    assert!(matches!(refused, Err(TrackerError::NotFound { .. })), "{refused:?}");
    assert!(!yard.root().join("web").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creators_never_overwrite_each_other() {
    let yard = Yard::new();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (tracker, project) = (yard.tracker(), yard.project.clone());
        tasks.spawn(async move { tracker.create(&project, "ann", &new("same", "")).await.unwrap() });
    }
    let mut ids: Vec<u32> = tasks.join_all().await.iter().map(|id| id.as_str().parse().unwrap()).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1..=20));
}

#[test]
fn a_title_gives_its_words_to_the_name_of_the_file() {
    assert_eq!(text::slug("Greet by name!"), "greet-by-name");
    assert_eq!(text::slug("  Größe ändern: 日本語 "), "größe-ändern-日本語");
    assert_eq!(text::slug("../../etc/passwd"), "etc-passwd");
    assert_eq!(text::slug("…"), "");
    assert_eq!(text::slug(&"日".repeat(200)).chars().count(), 50);
}
