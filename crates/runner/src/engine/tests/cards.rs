//! Questions with options, answered by people, by orders, and by nobody.

use dayfly_core::{Ask, Card, Chosen, Order, Request, cards, plan, reply};
use jiff::SignedDuration;

use super::outbox::Crashing;
use super::*;
use crate::{OrderFolder, new_order_id};

const ASK: &str = r#"{"version":1,"summary":"unclear","effects":[{"ask":{"question":"Which of the two?","options":[
    {"word":"first","follows":"the second is removed"},{"word":"second"}],"default":"second"}}]}"#;
const OPEN: &str = r#"{"version":1,"summary":"unclear","effects":[{"ask":{"question":"Which?"}}]}"#;
const EXPIRES: &str = "[cards]\nexpires = \"72h\"";
const CLEAR: &str = r#"{"version":1,"summary":"clear"}"#;

/// Asks, until a comment says what to do.
fn asks(attempt: &Attempt) -> MockScript {
    let decided = |words: &str| attempt.job.prompt.contains(words);
    match attempt.job.stage.as_str() {
        "triage" if decided("answered: first") || decided("is taken, `second`") || decided("\n2\n") => proposes(CLEAR),
        "triage" => proposes(ASK),
        _ => works(attempt),
    }
}

impl World {
    /// A portfolio whose first stage asks.
    fn asking(cards: &str) -> Self {
        Self::with(&["triage", "exec", "merge"], cards)
    }

    /// The open cards as a person's program sees them.
    async fn cards(&self) -> Vec<Card> {
        let (store, tracker) = (&*self.store as &dyn Store, self.markdown());
        let from = Sources { store: Some(store), tracker: &tracker, forge: None };
        let overview = overview_of(self.portfolio(), from, Filter::default(), self.clock.now(), &Past::Nothing).await;
        let overview = overview.unwrap();
        cards(&overview.input(), &plan(&overview.input()), &[])
    }

    async fn chosen(&self) -> Vec<(String, Option<Chosen>)> {
        let answered = |event| match event {
            Event::Answered { by, chosen, .. } => Some((by, chosen)),
            _ => None,
        };
        self.events().await.into_iter().filter_map(answered).collect()
    }

    fn orders(&self) -> OrderFolder {
        let state = self.repo.root.join("state");
        fs::create_dir_all(&state).unwrap();
        OrderFolder::of(&state)
    }
}

fn ann() -> Order {
    Order { id: new_order_id(), by: "ann".into(), reason: "it is answered".into(), at: now() }
}

#[tokio::test]
async fn a_question_with_options_is_answered_by_an_order_and_the_work_goes_on_with_it() {
    let world = World::asking("");
    world.run(asks).await;
    let said = world.comments(1).await;
    assert!(said[0].contains("1. first: the second is removed\n2. second\n"), "{said:?}");
    let card = world.cards().await.remove(0);
    let order = ann();
    let ask = reply(&world.portfolio().labels, &order, &card, "first", None);
    world.orders().put(&Request::new(order, ask)).unwrap();
    assert!(world.cards().await.is_empty(), "what is ordered is seen before an engine took it in");
    let engine = world.builder(world.mock(asks)).orders(world.orders()).build();
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!((world.attempts().len(), world.phase(1).await), (3, "done"));
    let said = world.comments(1).await;
    assert_eq!(said[1], "ann answered: first");
    let chosen = Chosen { option: "first".into(), question: "Which of the two?".into(), expired: None };
    assert_eq!(world.chosen().await, [("ann".to_owned(), Some(chosen))]);
    assert!(world.orders().waiting().is_empty());
}

#[tokio::test]
async fn the_number_of_an_option_alone_is_an_answer_on_the_issue() {
    let world = World::asking("");
    world.run(asks).await;
    world.says(1, "2").await;
    world.run(asks).await;
    let chosen = world.chosen().await;
    assert_eq!(chosen[0].1.as_ref().map(|chosen| chosen.option.as_str()), Some("second"));
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn a_default_is_taken_when_its_time_is_over_and_said_on_the_issue() {
    let world = World::asking(EXPIRES);
    world.run(asks).await;
    assert!(world.comments(1).await[0].contains("If nobody does within 3 days, `second` is taken."));
    world.fixed.advance(SignedDuration::from_hours(71));
    world.run(asks).await;
    assert_eq!((world.phase(1).await, world.attempts().len()), ("asked", 1), "not before");
    world.fixed.advance(SignedDuration::from_hours(1));
    world.run(asks).await;
    assert_eq!((world.phase(1).await, world.attempts().len()), ("done", 3));
    let said = world.comments(1).await;
    assert_eq!(said[1], "Nobody answered within 3 days. The default is taken, `second`");
    let expired = now() + SignedDuration::from_hours(72);
    let chosen = Chosen { option: "second".into(), question: "Which of the two?".into(), expired: Some(expired) };
    assert_eq!(world.chosen().await, [("nobody".to_owned(), Some(chosen))]);
}

/// Whatever the engine is cut off before, the default is taken once and told once.
#[tokio::test]
async fn an_engine_that_dies_takes_a_default_once() {
    let world = World::asking(EXPIRES);
    world.run(asks).await;
    let asked = world.events().await.len();
    world.fixed.advance(SignedDuration::from_hours(72));
    let cuts: [fn(&Event) -> bool; 2] = [
        |event| matches!(event, Event::Answered { .. }),
        |event| matches!(event, Event::EffectDone { effect, .. } if effect.0.contains(".default.")),
    ];
    for cut in cuts {
        let engine = world.builder(world.mock(asks)).store(Crashing::new(&world, cut)).build();
        finish(&engine, idle(0)).await.unwrap_err();
        world.fixed.advance(SignedDuration::from_hours(1));
    }
    world.run(asks).await;
    assert!(world.events().await.len() > asked);
    let told = world.comments(1).await.into_iter().filter(|said| said.contains("Nobody answered")).count();
    assert_eq!((world.chosen().await.len(), told, world.phase(1).await), (1, 1, "done"));
}

#[tokio::test]
async fn without_a_default_or_without_an_expiry_a_question_only_waits() {
    for (cards, ask) in [(EXPIRES, OPEN), ("", ASK)] {
        let world = World::asking(cards);
        let script = move |attempt: &Attempt| {
            if attempt.job.stage.as_str() == "triage" { proposes(ask) } else { works(attempt) }
        };
        world.run(script).await;
        world.fixed.advance(SignedDuration::from_hours(2000));
        world.run(script).await;
        assert_eq!((world.phase(1).await, world.attempts().len()), ("asked", 1));
        assert_eq!(world.cards().await[0].overdue, !cards.is_empty());
    }
}

#[tokio::test]
async fn who_answers_in_the_last_minute_is_heard() {
    let world = World::asking(EXPIRES);
    world.run(asks).await;
    world.fixed.advance(SignedDuration::from_hours(72));
    world.says(1, "Neither: answered: first, but later.").await;
    world.run(asks).await;
    assert_eq!(world.chosen().await, [("ann".to_owned(), None)]);
}

#[tokio::test]
async fn what_is_blocked_is_let_go_on_by_an_order() {
    let world = World::new(&["exec", "merge"]);
    world.run(|_| failed("no")).await;
    let card = world.cards().await.remove(0);
    assert_eq!(card.kind.word(), "blocked");
    let order = ann();
    let ask = reply(&world.portfolio().labels, &order, &card, "retry", Some("the disk is mended"));
    assert!(matches!(ask, Ask::Answer { .. }));
    world.orders().put(&Request::new(order, ask)).unwrap();
    let engine = world.builder(world.mock(works)).orders(world.orders()).build();
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!((world.attempts().len(), world.phase(1).await), (4, "done"));
    assert!(world.prompt(3).contains("the disk is mended"), "the next attempt reads why");
}
