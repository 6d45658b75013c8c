use super::*;

const ASKED: &str = "web.1.triage.1@abc/0";

/// An issue of ann's that waits with a question, and what was said on it.
fn asked(comments: Vec<Comment>) -> World {
    let mut world = World::new();
    world.labelled(1, &["needs-clarification"]).comments = comments;
    world
}

fn question() -> Comment {
    Comment { at: Some(at("2026-03-01T10:00:00Z")), ..own(ASKED, "Which of the two?") }
}

fn bob(body: &str) -> Comment {
    Comment { at: Some(at("2026-03-01T11:00:00Z")), ..by("bob", Trust::Writer, body) }
}

fn stranger(body: &str) -> Comment {
    by("mallory", Trust::Stranger, body)
}

/// Who answered, by the ledger's way and by that of an issue it does not know, which must agree.
fn who(world: &World) -> Option<String> {
    let issue = &world.view.issues[0];
    let by_ledger = answered(&world.portfolio, issue, |key| key.starts_with("web.1.triage.1@abc/")).map(|(by, _)| by);
    let by_rule = world.triage().into_iter().find(|f| f.rule == "clarify");
    let by_rule = by_rule.map(|f| f.why.trim_end_matches(" answered the question").to_owned());
    assert_eq!(by_ledger, by_rule);
    by_ledger
}

#[test]
fn a_person_answers_and_nobody_else_does() {
    let bot = |body: &str| {
        let mut comment = bob(body);
        comment.author.bot = true;
        comment
    };
    let hidden = Comment { hidden: true, ..bob("the first") };
    let quoted = "<!-- dayfly:q web.1.triage.1@abc/0 -->\n> Which of the two?\n\nThe first.";
    let stories: Vec<(&str, Vec<Comment>, Option<&str>)> = vec![
        ("nothing was asked", vec![bob("the first")], None),
        ("nobody answers", vec![question()], None),
        ("a person", vec![question(), bob("The first.")], Some("bob")),
        ("before the question", vec![bob("The first."), question()], None),
        ("the last of several", vec![question(), bob("Hm."), by("eve", Trust::Writer, "2")], Some("eve")),
        ("with our marker copied into a quote", vec![question(), bob(quoted)], Some("bob")),
        ("a quote and nothing else", vec![question(), bob("> Which of the two?\n> The first.")], None),
        ("code and nothing else", vec![question(), bob("```\nnothing said\n```")], None),
        ("a picture", vec![question(), bob("\u{1f44d}")], None),
        ("a picture by its name", vec![question(), bob(":+1: :tada:")], None),
        ("a picture and a word", vec![question(), bob("\u{1f44d} yes")], Some("bob")),
        ("another bot", vec![question(), bot("All checks have passed.")], None),
        ("a bot after a person", vec![question(), bob("The first."), bot("Thanks!")], Some("bob")),
        ("ourselves, by a person's login", vec![question(), own("web#1.blocked.1/0", "I wait.")], None),
        ("the person of that login", vec![question(), by("ann", Trust::Writer, "The first.")], Some("ann")),
        ("a comment that we keep up to date", vec![question(), sticky_of("children")], None),
        ("hidden", vec![question(), hidden], None),
        ("a stranger", vec![question(), stranger("The first.")], None),
        ("a stranger after a person", vec![question(), bob("Yes."), stranger("No!")], Some("bob")),
        ("deleted", vec![question()], None),
        ("two questions, the first answered", vec![question(), bob("1"), own("web.1.triage.1@abc/1", "And?")], None),
    ];
    for (story, comments, wanted) in stories {
        let world = asked(comments);
        assert_eq!(who(&world).as_deref(), wanted, "{story}");
    }
}

fn sticky_of(topic: &str) -> Comment {
    Comment { topic: Some(topic.into()), ..own("web#1.split.0/0", "0 of 2 children are closed.") }
}

#[test]
fn the_configuration_says_whose_answer_counts() {
    use Answers::{Anyone, Author, Writers};
    let author = || by("Ann", Trust::Stranger, "The first.");
    let ghost = || by("ghost", Trust::Stranger, "The first.");
    for (answers, comment, counts) in [
        (Writers, author(), false),
        (Author, author(), true),
        (Anyone, author(), true),
        (Author, stranger("x"), false),
        (Anyone, stranger("x"), true),
        (Writers, bob("x"), true),
        (Author, ghost(), false),
        (Anyone, ghost(), true),
    ] {
        let name = comment.author.name.clone();
        let mut world = asked(vec![question(), comment]);
        let of = if name == "ghost" { "ghost" } else { "ann" };
        world.issue(1).author = crate::Author::person(of, Trust::Stranger);
        world.portfolio.triage.answers = answers;
        assert_eq!(who(&world), counts.then_some(name.clone()), "{answers:?} {name}");
        assert_eq!(world.view.issues[0].least_trust(), Trust::Stranger, "the text stays a stranger's");
    }
}

#[test]
fn a_change_of_the_text_after_the_question_is_an_answer() {
    let edit = |when: &str, by: Option<crate::Author>| {
        let mut world = asked(vec![question()]);
        let facts = &mut world.issue(1).facts;
        (facts.edited, facts.edited_by) = (Some(at(when)), by);
        who(&world)
    };
    let person = |name: &str, trust| Some(crate::Author::person(name, trust));
    let bot = crate::Author { bot: true, ..crate::Author::person("fixer", Trust::Writer) };
    assert_eq!(edit("2026-03-01T10:00:01Z", person("bob", Trust::Writer)).as_deref(), Some("bob"));
    assert_eq!(edit("2026-03-01T10:00:01Z", person("ann", Trust::Stranger)).as_deref(), Some("ann"), "the author");
    assert_eq!(edit("2026-03-01T10:00:00Z", person("bob", Trust::Writer)), None, "not after it");
    assert_eq!(edit("2026-03-01T10:00:01Z", person("mallory", Trust::Stranger)), None);
    assert_eq!(edit("2026-03-01T10:00:01Z", Some(bot)), None);
    assert_eq!(edit("2026-03-01T10:00:01Z", None), None, "nobody knows who");
}

#[test]
fn the_label_that_a_person_takes_away_is_an_answer_to_the_ledger() {
    let mut world = asked(vec![question()]);
    let asked = |key: &str| key == ASKED;
    assert_eq!(answered(&world.portfolio, &world.view.issues[0], asked), None);
    world.labelled(1, &[]);
    let (by, _) = answered(&world.portfolio, &world.view.issues[0], asked).unwrap();
    assert_eq!(by, "whoever took the label needs-clarification away");
    assert_eq!(world.found(), "", "an issue that the ledger does not know goes on by itself without it");
}

#[test]
fn an_issue_that_the_ledger_does_not_know_is_sent_on_once_for_each_answer() {
    let mut world = asked(vec![question(), bob("The first.")]);
    insta::assert_snapshot!(world.settled(), @"
    #1 clarify: bob answered the question
      label #1 +ready-for-prep -ready-for-dev -in-progress -in-review -needs-clarification -needs-decompose
      say #1 answer: The answer of bob of 2026-03-01T11:00:00Z is taken up: the issue is `ready-for-prep`.
    ");
    world.labelled(1, &["needs-clarification"]);
    assert_eq!(world.found(), "", "who puts the label back wants another answer");
    world.issue(1).comments[1].body = "The first, I think.".into();
    world.issue(1).comments[1].edited = Some(at("2026-03-02T11:00:00Z"));
    assert_eq!(world.found(), "", "the same answer, edited");
    let next = Comment { at: Some(at("2026-03-03T11:00:00Z")), ..bob("Both.") };
    world.issue(1).comments.push(next);
    assert!(world.settled().contains("+ready-for-prep"), "another answer");
    world.labelled(1, &["needs-clarification"]);
    world.issue(1).comments.retain(|c| c.body != "Both.");
    let sticky = world.issue(1).comments.iter_mut().find(|c| c.topic.is_some()).unwrap();
    sticky.edited = Some(at("2026-03-03T11:05:00Z"));
    assert_eq!(world.found(), "", "an answer that was deleted leaves none that is new");
}

#[test]
fn two_answers_before_anybody_looks_are_one() {
    let mut world = asked(vec![question(), bob("One."), by("eve", Trust::Writer, "No, two.")]);
    world.settled();
    assert_eq!(world.issue(1).labels, ["ready-for-prep"]);
}

#[test]
fn answers_without_a_time_are_told_apart_too() {
    let mut world = asked(vec![own(ASKED, "Which?"), by("bob", Trust::Writer, "One.")]);
    assert!(world.settled().contains("say #1 answer: The answer of bob, comment 2, is taken up"));
    world.labelled(1, &["needs-clarification"]);
    assert_eq!(world.found(), "");
    world.issue(1).comments.push(by("bob", Trust::Writer, "Two."));
    assert!(world.settled().contains("The answer of bob, comment 4, is taken up"));
}

#[test]
fn what_triage_itself_says_is_no_question() {
    let mut world = asked(vec![own("web#1.route.0123/0", "x"), bob("hm")]);
    assert_eq!(world.found(), "");
    world.issue(1).comments.insert(0, question());
    assert!(world.found().contains("bob answered"));
}
