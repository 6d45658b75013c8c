use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use super::Scene;

#[test]
fn what_happens_is_announced_in_the_forms_that_github_describes() {
    let scene = Scene::new();
    scene.server.listen();
    let ann = &scene.ann;
    let march = ann.make_milestone("acme/web", "March 2026", Some("2026-03-30T12:00:00Z"));
    for title in ["one", "two"] {
        ann.open_issue("acme/web", title, "b");
    }
    ann.retitle("acme/web", 1, "first");
    ann.edit_body("acme/web", 1, "more");
    ann.label("acme/web", 1, "bug");
    ann.unlabel("acme/web", 1, "bug");
    ann.assign("acme/web", 1, "ann");
    ann.unassign("acme/web", 1, "ann");
    ann.set_milestone("acme/web", 1, Some(march));
    ann.set_milestone("acme/web", 1, None);
    let comment = ann.comment("acme/web", 1, "c");
    ann.edit_comment(comment, "d");
    ann.delete_comment(comment);
    ann.add_sub_issue("acme/web", 1, 2);
    ann.block("acme/web", 1, 2);
    ann.close("acme/web", 2, "completed");
    ann.reopen("acme/web", 2);
    ann.delete_issue("acme/web", 2);
    scene.call("PATCH", "/repos/acme/web/milestones/1", json!({ "state": "closed" }));
    let deliveries = scene.server.take_deliveries();
    let told: Vec<String> = deliveries.iter().map(|known| format!("{}.{}", known.event, known.action)).collect();
    let expected = "milestone.created issues.opened issues.opened issues.edited issues.edited issues.labeled \
                    issues.unlabeled issues.assigned issues.unassigned issues.milestoned issues.demilestoned \
                    issue_comment.created issue_comment.edited issue_comment.deleted sub_issues.sub_issue_added \
                    sub_issues.parent_issue_added issue_dependencies.blocked_by_added issue_dependencies.blocking_added \
                    issues.closed issues.reopened issues.deleted milestone.closed";
    assert_eq!(told.join(" "), expected);
    let ids: BTreeSet<&str> = deliveries.iter().map(|known| known.id.as_str()).collect();
    assert_eq!(ids.len(), deliveries.len());
    assert_eq!(deliveries[4].payload["changes"]["body"]["from"], "b");
    assert_eq!(deliveries[11].payload["sender"]["login"], "ann");
    assert!(scene.server.take_deliveries().is_empty());
}

#[test]
fn a_pull_request_is_announced_as_one() {
    let scene = Scene::new();
    scene.server.listen();
    scene.web.commit("main", "start", &[("a.txt", "one\n")]);
    scene.web.commit("work", "work", &[("a.txt", "two\n")]);
    let number = scene.bot.open_pull("acme/web", ("work", "main"), "Two", "");
    scene.ann.label("acme/web", number, "big");
    scene.web.commit("work", "more", &[("a.txt", "three\n")]);
    scene.bot.comment("acme/web", number, "c");
    scene.ann.close("acme/web", number, "completed");
    let deliveries = scene.server.take_deliveries();
    let told: Vec<String> = deliveries.iter().map(|known| format!("{}.{}", known.event, known.action)).collect();
    let expected = "pull_request.opened pull_request.labeled pull_request.synchronize issue_comment.created \
                    pull_request.closed";
    assert_eq!(told.join(" "), expected);
    let moved = &deliveries[2].payload;
    assert_eq!(moved["pull_request"]["head"]["sha"], moved["after"]);
    assert_ne!(moved["before"], moved["after"]);
}

#[test]
fn a_delivery_is_signed_and_sent_to_whom_the_test_likes() {
    let scene = Scene::new();
    scene.server.listen();
    scene.ann.open_issue("acme/web", "one", "b");
    let delivery = scene.server.take_deliveries().remove(0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let receiver = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = String::new();
        let mut bytes = [0; 65536];
        while !seen.ends_with('}') {
            let n = stream.read(&mut bytes).unwrap();
            seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").unwrap();
        seen
    });
    assert_eq!(delivery.post(&url, "secret").unwrap(), 202);
    let seen = receiver.join().unwrap();
    assert!(seen.contains(&format!("x-hub-signature-256: {}\r\n", delivery.signature("secret"))), "{seen}");
    assert!(seen.contains("x-github-event: issues\r\n") && seen.ends_with(&delivery.body()), "{seen}");
    assert_eq!(delivery.signature("secret").len(), 71);
    assert_ne!(delivery.signature("secret"), delivery.signature("other"));
}
