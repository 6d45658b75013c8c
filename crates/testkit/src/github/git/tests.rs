//! The repositories alone; what goes over HTTP is told beside the server.

use jiff::Timestamp;

use super::http::Service;
use super::{GitRepo, MergeMethod, Merged, Merging, Signature};

fn repo() -> (tempfile::TempDir, GitRepo) {
    let dir = tempfile::tempdir().unwrap();
    let repo = GitRepo::create(&dir.path().join("1.git"), "main");
    (dir, repo)
}

fn ann() -> Signature {
    Signature::of("ann", Timestamp::from_second(1_800_000_000).unwrap())
}

#[test]
fn a_repository_is_seeded_and_read() {
    let (_dir, repo) = repo();
    assert_eq!(repo.head("main"), None);
    let first = repo.commit("main", "start", &[("a.txt", "one\n"), ("src/b.txt", "two\n")]);
    repo.set_branch("work", &first);
    let second = repo.commit("work", "more", &[("a.txt", "three\n")]);
    assert_eq!(repo.files("main"), ["a.txt", "src/b.txt"]);
    assert_eq!(repo.file("work", "a.txt").as_deref(), Some("three\n"));
    assert_eq!(repo.file("main", "a.txt").as_deref(), Some("one\n"));
    assert_eq!(repo.file("main", "c.txt"), None);
    assert_eq!(repo.log("work"), ["more", "start"]);
    assert_eq!(
        repo.branches().into_iter().collect::<Vec<_>>(),
        [("main".to_owned(), first.clone()), ("work".to_owned(), second.clone())]
    );
    assert!(repo.is_ancestor(&first, &second) && !repo.is_ancestor(&second, &first));
    assert_eq!(repo.ahead_behind("main", "work").unwrap(), (1, 0));
}

#[test]
fn what_a_branch_changes_is_told_with_renames_and_counts() {
    let (_dir, repo) = repo();
    let first = repo.commit("main", "start", &[("a.txt", "1\n2\n3\n4\n5\n"), ("gone.txt", "x\n")]);
    repo.set_branch("work", &first);
    let base = repo.commit("main", "meanwhile", &[("other.txt", "not of the branch\n")]);
    repo.git_with(["fast-import", "--quiet"], CHANGES.as_bytes()).unwrap();
    let changes = repo.changes(&base, "work").unwrap();
    let told: Vec<_> =
        changes.iter().map(|c| (c.status, c.path.as_str(), c.previous.as_deref(), c.additions, c.deletions)).collect();
    assert_eq!(
        told,
        [
            ("renamed", "b.txt", Some("a.txt"), 0, 0),
            ("removed", "gone.txt", None, 0, 1),
            ("added", "new.txt", None, 2, 0),
        ]
    );
    assert!(changes.iter().all(|change| change.blob.len() == 40 && !change.blob.starts_with("0000")));
    assert_eq!(repo.patch(&base, "work", "new.txt").unwrap(), "@@ -0,0 +1,2 @@\n+one\n+two");
}

const CHANGES: &str = "commit refs/heads/work
committer Ann <ann@example.com> 1800000000 +0000
data 4
work
from refs/heads/work^0
R a.txt b.txt
D gone.txt
M 100644 inline new.txt
data 8
one
two

";

#[test]
fn each_method_of_merging_leads_to_its_own_history() {
    let by = ann();
    let mut told = Vec::new();
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        let (_dir, repo) = repo();
        let start = repo.commit("main", "start", &[("a.txt", "1\n")]);
        repo.set_branch("work", &start);
        repo.commit("work", "one", &[("b.txt", "1\n")]);
        let head = repo.commit_as(&Signature::of("zoe", by.at), "work", "two", &[("b.txt", "2\n")]);
        let base = repo.commit("main", "meanwhile", &[("a.txt", "2\n")]);
        let merging = Merging { base: &base, head: &head, method, message: "Merge it (#7)", by: &by };
        let Merged::Commit(commit) = repo.merge(&merging).unwrap() else { panic!("a conflict") };
        assert!(repo.move_ref("refs/heads/main", &commit, &base));
        assert!(!repo.move_ref("refs/heads/main", &commit, &start), "the base has moved");
        assert_eq!(repo.file("main", "b.txt").as_deref(), Some("2\n"));
        let facts = repo.facts("main").unwrap();
        told.push((facts.parents.len(), facts.author.name, facts.committer.name, repo.log("main").join(", ")));
    }
    let expected = [
        (2, "ann", "ann", "Merge it (#7), two, one, meanwhile, start"),
        (1, "ann", "ann", "Merge it (#7), meanwhile, start"),
        (1, "zoe", "ann", "two, one, meanwhile, start"),
    ];
    assert_eq!(told, expected.map(|(n, author, by, log)| (n, author.to_owned(), by.to_owned(), log.to_owned())));
}

#[test]
fn a_conflict_is_seen_and_nothing_is_changed() {
    let (_dir, repo) = repo();
    let start = repo.commit("main", "start", &[("a.txt", "1\n")]);
    repo.set_branch("work", &start);
    let head = repo.commit("work", "mine", &[("a.txt", "mine\n")]);
    let base = repo.commit("main", "theirs", &[("a.txt", "theirs\n")]);
    assert!(!repo.merges_cleanly(&base, &head).unwrap());
    assert!(repo.merges_cleanly(&start, &head).unwrap());
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        let merging = Merging { base: &base, head: &head, method, message: "m", by: &ann() };
        assert_eq!(repo.merge(&merging).unwrap(), Merged::Conflict);
    }
    assert_eq!(repo.head("main"), Some(base));
}

#[test]
fn what_a_request_of_git_wants_is_known_from_its_address() {
    let of = |rest, query| Service::of(rest, query);
    assert_eq!(of("info/refs", "service=git-upload-pack"), Some(Service::Read));
    assert_eq!(of("info/refs", "service=git-receive-pack"), Some(Service::Write));
    assert_eq!(of("git-receive-pack", ""), Some(Service::Write));
    assert_eq!(of("git-upload-pack", ""), Some(Service::Read));
    // The protocol without services, and files of the repository, are not served.
    assert_eq!((of("info/refs", ""), of("HEAD", ""), of("objects/info/packs", "")), (None, None, None));
}
