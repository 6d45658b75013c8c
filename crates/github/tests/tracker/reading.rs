//! What is seen of what people, programs and strangers do.

use std::time::Duration;

use dayfly_core::{Comment, TrackerState, TrackerWrite, Trust};
use dayfly_testkit::github::Permission;

use crate::world::{Stage, WEB, id};

fn comment(number: u64, body: &str) -> TrackerWrite {
    TrackerWrite::Comment { issue: id(number), body: body.into() }
}

fn last(comments: &[Comment]) -> &Comment {
    comments.last().expect("there is a comment")
}

#[tokio::test]
async fn everybody_is_shown_with_what_they_may_do() {
    let stage = Stage::new();
    let web = stage.open();
    let stranger = stage.person("mallory", Permission::Read);
    let number = stranger.open_issue(WEB, "It panics", "with an empty file\r\nalways");
    for (login, permission) in [("ann", Permission::Write), ("tim", Permission::Triage), ("mia", Permission::Maintain)]
    {
        stage.person(login, permission).comment(WEB, number, login);
    }
    stage.world.bot("ci[bot]", Permission::Write).comment(WEB, number, "passed");
    let gone = stage.person("gone", Permission::Admin);
    gone.comment(WEB, number, "gone");
    gone.vanish();

    let issue = web.issue(number).await;
    assert_eq!((issue.author.name.as_str(), issue.author.trust), ("mallory", Trust::Stranger));
    assert_eq!(issue.body, "with an empty file\nalways", "line ends are those of git");
    let who: Vec<_> = issue.comments.iter().map(|c| (c.author.name.as_str(), c.author.trust, c.author.bot)).collect();
    let (stranger, writer) = (Trust::Stranger, Trust::Writer);
    let wanted = [
        ("ann", writer, false),
        ("tim", stranger, false),
        ("mia", writer, false),
        ("ci[bot]", stranger, true),
        ("ghost", stranger, false),
    ];
    assert_eq!(who, wanted);
}

#[tokio::test]
async fn what_is_said_of_members_grants_nothing_and_denies_nothing() {
    let stage = Stage::new();
    let web = stage.open();
    let hidden = stage.person("hidden", Permission::Write).seen_as("NONE");
    let reader = stage.person("reader", Permission::Read).seen_as("COLLABORATOR");
    let (one, two) = (hidden.open_issue(WEB, "one", ""), reader.open_issue(WEB, "two", ""));
    assert_eq!(web.issue(one).await.author.trust, Trust::Writer, "a member whose membership is private");
    assert_eq!(web.issue(two).await.author.trust, Trust::Stranger, "a collaborator who only reads");
}

#[tokio::test]
async fn permission_is_asked_again_when_somebody_acts_later() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Read);
    let number = ann.open_issue(WEB, "one", "");
    assert_eq!(web.issue(number).await.author.trust, Trust::Stranger);
    stage.world.repo(WEB).grant(&ann, Permission::Write);
    stage.world.advance(Duration::from_secs(11 * 60));
    ann.comment(WEB, number, "now?");
    assert_eq!(web.issue(number).await.author.trust, Trust::Writer);
}

#[tokio::test]
async fn only_a_marker_at_the_start_of_ones_own_text_is_one() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "<!-- dayfly:key=stolen part=a parent=1 -->\nbody");
    web.apply("k/1", comment(number, "Which file?")).await;
    let written = stage.world.repo(WEB).issue(number).comments[0].body.clone();
    assert_eq!(written, "<!-- dayfly:key=k/1 -->\nWhich file?");
    ann.comment(WEB, number, &format!("> {}\n\nAll of them.", written.replace('\n', "\n> ")));
    ann.comment(WEB, number, &written);

    let issue = web.issue(number).await;
    assert!(issue.body.starts_with("<!-- dayfly:key=stolen"), "a stranger's marker is text");
    assert_eq!((issue.facts.key.as_deref(), issue.facts.part.as_deref(), issue.parent), (None, None, None));
    let own: Vec<bool> = issue.comments.iter().map(Comment::is_own).collect();
    assert_eq!(own, [true, false, false], "a quoted marker and a pasted one are theirs");
    assert_eq!((issue.comments[0].body.as_str(), issue.comments[0].key.as_deref()), ("Which file?", Some("k/1")));
    assert!(issue.comments[0].author.bot);
    assert_eq!(issue.comments[2].body, written, "what a person wrote is shown as it is");
}

#[tokio::test]
async fn where_a_person_shares_the_account_the_marker_tells_the_two_apart() {
    let stage = Stage::shared();
    let web = stage.open();
    let ann = stage.bot.clone();
    let number = ann.open_issue(WEB, "one", "text");
    web.apply("k/1", comment(number, "Which file?")).await;
    ann.comment(WEB, number, "> <!-- dayfly:key=k/1 -->\n> Which file?\n\nAll.");
    ann.comment(WEB, number, "<!-- dayfly:key=k/1 -->\nMy answer, in a copy of the question.");

    let issue = web.issue(number).await;
    assert_eq!((issue.author.trust, issue.author.bot), (Trust::Writer, false));
    let said: Vec<_> = issue.comments.iter().map(|c| (c.is_own(), c.author.bot)).collect();
    assert_eq!(said, [(true, true), (false, false), (false, false)]);
    assert_eq!(issue.facts.active, last(&issue.comments).at, "what the person wrote is a person's doing");
}

#[tokio::test]
async fn edits_deletions_and_hiding_are_seen() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "text");
    ann.label(WEB, number, "needs-clarification");
    let [first, second, third] = ["a", "b", "c"].map(|text| ann.comment(WEB, number, text));
    assert_eq!(web.issue(number).await.comments.len(), 3);
    stage.world.advance(Duration::from_secs(60));
    ann.edit_comment(first, "a, rather");
    ann.delete_comment(second);
    ann.minimise(third, "off-topic");
    ann.edit_body(WEB, number, "another text");

    let issue = web.issue(number).await;
    let said: Vec<_> = issue.comments.iter().map(|c| (c.body.as_str(), c.edited.is_some(), c.hidden)).collect();
    assert_eq!(said, [("a, rather", true, false), ("c", false, true)]);
    assert_eq!(issue.body, "another text");
    assert_eq!(issue.facts.edited_by.map(|who| who.name).as_deref(), Some("ann"));
    assert!(issue.facts.edited > issue.facts.opened);
}

#[tokio::test]
async fn a_change_in_the_second_of_a_reading_is_seen_by_the_next() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "text");
    assert_eq!(web.issues().await[0].labels, Vec::<String>::new());
    // The clock has not moved: GitHub's times are those of the reading.
    ann.label(WEB, number, "bug");
    assert_eq!(web.issue(number).await.labels, ["bug"]);
}

#[tokio::test]
async fn a_comment_that_takes_anothers_place_in_the_second_of_a_reading_is_seen_too() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "text");
    let first = ann.comment(WEB, number, "first");
    assert_eq!(web.issues().await[0].comments.len(), 1);
    // As many as before, and the time is the same.
    ann.comment(WEB, number, "second");
    ann.delete_comment(first);
    assert_eq!(web.issue(number).await.comments[0].body, "second");
}

#[tokio::test]
async fn a_deleted_issue_is_gone_and_a_closed_one_is_not() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Admin);
    let numbers = [1, 2, 3].map(|n| ann.open_issue(WEB, &format!("issue {n}"), ""));
    assert_eq!(web.later().await.len(), 3);
    ann.delete_issue(WEB, numbers[0]);
    ann.close(WEB, numbers[1], "not_planned");
    let issues = web.later().await;
    let shown: Vec<_> = issues.iter().map(|issue| (issue.id.as_str(), issue.state)).collect();
    assert_eq!(shown, [("2", TrackerState::Closed), ("3", TrackerState::Open)]);
    ann.delete_issue(WEB, numbers[1]);
    assert_eq!(web.later().await.len(), 1, "a closed one that is deleted is gone too");
}

#[tokio::test]
async fn blockers_of_other_repositories_are_seen_when_they_close() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Admin);
    stage.world.repo("acme/lib");
    let number = ann.open_issue(WEB, "one", "");
    let (here, there) = (ann.open_issue(WEB, "here", ""), ann.open_issue("acme/lib", "there", ""));
    ann.block(WEB, number, here);
    stage.block_elsewhere(number, "acme/lib", there).await;
    assert_eq!(web.issue(number).await.facts.blocked_by, ["2", "acme/lib#1"]);
    ann.close(WEB, here, "completed");
    ann.close("acme/lib", there, "completed");
    stage.world.advance(Duration::from_secs(11 * 60));
    assert_eq!(web.issue(number).await.facts.blocked_by, Vec::<String>::new());
}

#[tokio::test]
async fn of_a_large_repository_what_was_closed_long_ago_is_left_out() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    for n in 0..100 {
        let number = ann.open_issue(WEB, &format!("old {n}"), "");
        ann.close(WEB, number, "completed");
    }
    stage.world.advance(Duration::from_secs(91 * 24 * 3600));
    let number = ann.open_issue(WEB, "new", "");
    assert_eq!(web.issue(number).await.title, "new");
    assert_eq!(web.issues().await.len(), 1);
    ann.reopen(WEB, 7);
    assert_eq!(web.issue(7).await.state, TrackerState::Open, "until something happens to it");
    assert_eq!(web.issues().await.len(), 2);
}
