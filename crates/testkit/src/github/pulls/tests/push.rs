//! The real git: cloning, pushing and fetching.

use super::client::{Folder, Scene, of, request, scene, with_token};
use crate::github::{BranchRules, Fault, GitHubServer, Match, Permission};
use serde_json::Value;

fn cloned(scene: &Scene, token: &str) -> Folder {
    let folder = Folder::new();
    folder.git(&["clone", "--quiet", &with_token(&scene.server.git_url("ann/web"), token), "."]);
    folder
}

fn committed(folder: &Folder, path: &str, text: &str) {
    folder.write(path, text);
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message", &format!("change {path}")]);
}

#[test]
fn a_branch_is_pushed_becomes_a_pull_request_and_is_fetched_when_it_is_merged() {
    let scene = scene();
    let folder = cloned(&scene, scene.bot.token());
    assert_eq!(folder.read("a.txt"), "one\n");
    folder.git(&["switch", "--quiet", "--create", "work"]);
    committed(&folder, "a.txt", "two\n");
    folder.git(&["push", "--quiet", "origin", "work"]);
    let number = scene.bot.open_pull("ann/web", ("work", "main"), "Work", "");
    let before = scene.repo.pull(number).head_sha;
    committed(&folder, "b.txt", "two\n");
    folder.git(&["push", "--quiet", "origin", "work"]);
    let after = scene.repo.pull(number).head_sha;
    assert_ne!(before, after);
    assert_eq!(folder.git(&["rev-parse", "HEAD"]).trim(), after);
    scene.ann.merge_pull("ann/web", number);
    folder.git(&["switch", "--quiet", "main"]);
    folder.git(&["pull", "--quiet"]);
    assert_eq!((folder.read("a.txt"), folder.read("b.txt")), ("two\n".to_owned(), "two\n".to_owned()));
    assert_eq!(scene.repo.git().log("main")[0], format!("Merge pull request #{number} from ann/work"));
    folder.git(&["fetch", "--quiet", "origin", &format!("refs/pull/{number}/head")]);
    assert_eq!(folder.git(&["rev-parse", "FETCH_HEAD"]).trim(), after);
}

#[test]
fn who_may_not_push_is_told_so_as_by_github() {
    let scene = scene();
    let anyone = Folder::new();
    let url = scene.server.git_url("ann/web");
    anyone.git(&["clone", "--quiet", &url, "."]);
    committed(&anyone, "a.txt", "mine\n");
    let pushed = |token: &str| anyone.try_git(&["push", &with_token(&url, token), "HEAD:refs/heads/mine"]);
    let (good, said) = anyone.try_git(&["push", "origin", "HEAD:refs/heads/mine"]);
    assert!(!good && said.contains("could not read Username"), "{said}");
    let (good, said) = pushed("wrong");
    assert!(!good && said.contains("Authentication failed"), "{said}");
    let (good, said) = pushed(scene.eve.token());
    assert!(!good && said.contains("Permission to ann/web.git denied to eve") && said.contains("403"), "{said}");
    let (good, said) = pushed(scene.bot.token());
    assert!(good, "{said}");
    assert_eq!(scene.repo.git().branches().len(), 2);
}

#[test]
fn a_part_of_a_repository_is_cloned() {
    let scene = scene();
    let head = scene.branch("work");
    let folder = Folder::new();
    let url = scene.server.git_url("ann/web");
    folder.git(&["clone", "--quiet", "--bare", "--depth=1", "--filter=blob:none", &url, "."]);
    assert_eq!(folder.git(&["rev-list", "--count", "main"]).trim(), "1");
    folder.git(&["fetch", "--quiet", "origin", &head]);
    assert_eq!(folder.git(&["rev-parse", "FETCH_HEAD"]).trim(), head);
}

#[test]
fn a_private_repository_is_not_there_for_strangers() {
    let scene = scene();
    let repo = scene.repo.clone().private();
    let folder = Folder::new();
    let url = scene.server.git_url("ann/web");
    let (good, said) = folder.try_git(&["ls-remote", &url]);
    assert!(!good && said.contains("could not read Username"), "{said}");
    let (good, said) = folder.try_git(&["ls-remote", &with_token(&url, scene.eve.token())]);
    assert!(!good && said.contains("not found"), "{said}");
    repo.grant(&scene.eve, Permission::Read);
    assert!(folder.git(&["ls-remote", &with_token(&url, scene.eve.token())]).contains("refs/heads/main"));
}

#[test]
fn what_is_no_request_of_git_is_not_served_from_its_folder() {
    let scene = scene();
    let told = request(&scene.server.origin(), "GET", "/ann/web.git/HEAD", "", &Value::Null);
    assert!(told.status == 401 || told.status == 404, "{}", told.text);
    let told = request(&scene.server.origin(), "GET", "/ann/web.git/info/refs", "", &Value::Null);
    assert_ne!(told.status, 200, "{}", told.text);
}

#[test]
fn a_renamed_repository_is_cloned_and_pushed_to_by_its_old_name() {
    let scene = scene();
    let folder = cloned(&scene, scene.bot.token());
    scene.repo.rename("ann/site");
    committed(&folder, "a.txt", "new\n");
    folder.git(&["push", "--quiet", "origin", "HEAD:refs/heads/work"]);
    assert_eq!(scene.repo.git().file("work", "a.txt").as_deref(), Some("new\n"));
}

#[test]
fn a_push_past_the_rules_of_a_branch_is_declined() {
    let scene = scene();
    scene.repo.protect("main", BranchRules { pull_request: true, ..BranchRules::default() });
    let folder = cloned(&scene, scene.bot.token());
    committed(&folder, "a.txt", "past\n");
    let (good, said) = folder.try_git(&["push", "origin", "main"]);
    assert!(!good && said.contains("push declined due to repository rule violations"), "{said}");
    assert!(said.contains("remote: error: GH013"), "{said}");
    assert_eq!(scene.repo.git().log("main"), ["start"]);
    folder.git(&["push", "--quiet", "origin", "main:work"]);
    assert_eq!(scene.repo.git().log("work"), ["change a.txt", "start"]);
}

#[test]
fn a_push_straight_to_the_base_merges_and_closes_what_it_says() {
    let scene = scene();
    let issue = scene.ann.open_issue("ann/web", "A bug", "");
    let number = scene.opened("work");
    let folder = cloned(&scene, scene.ann.token());
    folder.git(&["merge", "--quiet", "--no-ff", "-m", &format!("Merge it\n\nFixes #{issue}"), "origin/work"]);
    folder.git(&["push", "--quiet", "origin", "main"]);
    let pull = scene.repo.pull(number);
    assert_eq!((pull.open, pull.merged), (false, scene.repo.git().head("main")));
    assert!(!scene.repo.issue(issue).open);
}

#[test]
fn a_deleted_branch_closes_its_pull_request() {
    let scene = scene();
    let number = scene.opened("work");
    let folder = cloned(&scene, scene.bot.token());
    folder.git(&["push", "--quiet", "origin", "--delete", "work"]);
    let pull = scene.repo.pull(number);
    assert_eq!((pull.open, pull.merged), (false, None));
}

#[test]
fn a_push_arrives_though_its_answer_is_lost_and_can_be_repeated() {
    let scene = scene();
    let folder = cloned(&scene, scene.bot.token());
    committed(&folder, "a.txt", "mine\n");
    let push = || folder.try_git(&["push", "origin", "HEAD:refs/heads/work"]);
    scene.world.fault(Match::post("/git-receive-pack"), Fault::Unavailable(503));
    let (good, said) = push();
    assert!(!good && said.contains("503"), "{said}");
    assert_eq!(scene.repo.git().head("work"), None);
    scene.world.fault(Match::writes(), Fault::LostAfterWrite);
    let (good, said) = push();
    assert!(!good, "{said}");
    assert_eq!(scene.repo.git().head("work").as_deref(), Some(folder.git(&["rev-parse", "HEAD"]).trim()));
    let (good, said) = push();
    assert!(good && said.contains("up-to-date"), "{said}");
    assert_eq!(scene.world.unmet_faults(), []);
}

#[test]
fn an_enterprise_server_serves_git_beside_its_api() {
    let scene = of(GitHubServer::start_enterprise("3.19.0"));
    let folder = cloned(&scene, scene.bot.token());
    assert_eq!(folder.read("a.txt"), "one\n");
    // Something larger than a packet, so that git sends it in parts.
    committed(&folder, "large.txt", &"a line that does not repeat itself 0123456789\n".repeat(60_000));
    folder.git(&["-c", "http.postBuffer=65536", "-c", "core.compression=0", "push", "--quiet", "origin", "HEAD:big"]);
    assert_eq!(scene.repo.git().file("big", "large.txt").unwrap().len(), 46 * 60_000);
}
