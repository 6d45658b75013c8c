//! What follows from an answer, and from none.

use super::*;
use crate::{due_defaults, take_default};

impl World {
    /// What a person's comments lead to, as the option that was recorded.
    fn observed(&self) -> Option<Option<String>> {
        let events = self.input().observations();
        events.into_iter().find_map(|event| match event {
            Event::Answered { chosen, .. } => Some(chosen.map(|chosen| chosen.option)),
            _ => None,
        })
    }

    /// What is due of the first issue.
    fn default(&self) -> Option<Event> {
        let due = due_defaults(&self.input());
        due.iter().find_map(|(issue, _)| take_default(&self.input(), issue))
    }

    fn phase(&self) -> &'static str {
        self.state.issues[&web(1)].phase.word()
    }
}

#[test]
fn an_option_answers_by_its_word_or_its_number_and_other_words_are_an_answer_too() {
    for (said, option) in [
        ("keep", Some("keep")),
        (" Keep. ", Some("keep")),
        ("**keep**", Some("keep")),
        ("`drop`", Some("drop")),
        ("> Keep the old form?\n\ndrop", Some("drop")),
        ("2", Some("drop")),
        ("2)", Some("drop")),
        ("3", None),
        ("keep it, but rename it", None),
        ("neither", None),
    ] {
        let mut world = World::new("");
        world.asks(1, choices(None, None));
        world.written();
        world.says(1, said);
        assert_eq!(world.observed(), Some(option.map(str::to_owned)), "{said:?}");
    }
}

#[test]
fn where_words_are_numbers_a_number_is_a_word() {
    let options = ["3", "5"].map(|word| CardOption::new(word, "")).to_vec();
    let numbers = Choices { options, ..Choices::default() };
    assert_eq!(numbers.pick("3").map(|option| option.word.as_str()), Some("3"));
    assert_eq!(numbers.pick("2"), None);
}

#[test]
fn an_order_answers_once_and_only_the_card_it_was_made_for() {
    let mut world = World::new("");
    world.asks(1, choices(None, None));
    let first = world.cards().remove(0);
    let stale = reply(&world.portfolio.labels, &order("o2"), &first, "drop", None);
    assert!(world.replies(1, "o1", "keep"), "also while the question waits to be written");
    let Event::Answered { by, chosen, .. } = world.records.last().unwrap().event().unwrap() else { panic!() };
    let chosen = chosen.unwrap();
    assert_eq!((by.as_str(), chosen.option.as_str()), ("ann", "keep"));
    assert_eq!((chosen.question.as_str(), chosen.expired), ("Keep the old form?", None));
    assert!(!world.takes("o2", stale.clone()), "it is answered");
    world.written();
    world.asks(1, choices(None, None));
    assert!(!world.takes("o2", stale.clone()), "another question");
    let now = world.cards().remove(0);
    let again = reply(&world.portfolio.labels, &order("o1"), &now, "drop", None);
    assert!(!world.takes("o1", again), "the ledger holds this order");
}

#[test]
fn what_is_written_of_an_answer_says_whose_it_is_and_calls_nobody() {
    let mut world = World::new("");
    world.asks(1, choices(None, None));
    let card = world.cards().remove(0);
    let ask = reply(&world.portfolio.labels, &order("o1"), &card, "as @bob says", Some("closes #3"));
    let Ask::Answer { effects, .. } = ask else { panic!() };
    let comments: Vec<_> = effects.iter().map(|entry| (entry.id.0.as_str(), &entry.effect)).collect();
    let Effect::Tracker { write: TrackerWrite::Comment { body, .. }, .. } = comments[0].1 else { panic!() };
    assert_eq!(
        (comments[0].0, body.as_str()),
        ("web#1.reply.o1/0", "ann answered: as `@bob` says\n\nBecause: closes `#3`")
    );
    let Effect::Tracker { write: TrackerWrite::Labels { add, remove, .. }, .. } = comments[1].1 else { panic!() };
    assert_eq!(add, &["in-progress"]);
    assert!(remove.contains(&"needs-clarification".to_owned()) && remove.contains(&"human-needed".to_owned()));
}

#[test]
fn what_is_blocked_goes_on_by_an_order() {
    let mut world = World::new("");
    world.blocks(1);
    world.written();
    let words: Vec<_> = world.cards()[0].options.iter().map(|option| option.word.clone()).collect();
    assert_eq!(words, [RETRY, CANCEL, HAND_OVER]);
    assert!(world.replies(1, "o1", RETRY));
    assert_eq!(world.phase(), "queued");
    assert!(world.state.control.has_taken(&OrderId::new("o1").unwrap()));
}

#[test]
fn a_default_is_taken_once_and_not_before_its_time_has_passed_since_it_could_be_read() {
    let mut world = World::new("[cards]\nexpires = \"10h\"");
    world.asks(1, choices(Some("keep"), Some(10)));
    world.passes(50);
    assert_eq!(world.default(), None, "the tracker was down: nobody can have read it");
    world.written();
    world.passes(9);
    assert_eq!(world.default(), None);
    let until = plan(&world.input()).waiting_for(&web(1)).unwrap().until;
    assert_eq!(until, Some(start() + SignedDuration::from_hours(60)), "the engine wakes then");
    world.passes(1);
    let taken = world.default().unwrap();
    let Event::Answered { by, chosen, effects, .. } = &taken else { panic!() };
    let chosen = chosen.as_ref().unwrap();
    assert_eq!((by.as_str(), chosen.option.as_str(), chosen.expired), ("nobody", "keep", until));
    let Effect::Tracker { write: TrackerWrite::Comment { body, .. }, .. } = &effects[0].effect else { panic!() };
    assert_eq!(body, "Nobody answered within 10 hours. The default is taken, `keep`: the old form stays");
    world.record(taken);
    assert_eq!((world.phase(), world.default()), ("queued", None), "once");
}

#[test]
fn nothing_is_taken_where_it_was_not_told_is_not_wanted_any_more_or_somebody_spoke() {
    let due = |cards: &str, asked: Choices| {
        let mut world = World::new(cards);
        world.asks(1, asked);
        world.written();
        world.passes(24);
        world
    };
    let on = "[cards]\nexpires = \"10h\"";
    assert!(due(on, choices(Some("keep"), Some(10))).default().is_some());
    assert_eq!(due(on, choices(None, None)).default(), None, "it has no default");
    assert_eq!(due(on, choices(Some("keep"), None)).default(), None, "the question did not say so");
    assert_eq!(due("", choices(Some("keep"), Some(10))).default(), None, "it was switched off since");
    assert_eq!(due(on, choices(Some("keep"), Some(48))).default(), None, "more time was promised");
    let mut world = due(on, choices(Some("keep"), Some(10)));
    world.says(1, "Wait, I am thinking.");
    assert_eq!(world.default(), None, "a person spoke at the last moment");
    let mut world = due(on, choices(Some("keep"), Some(10)));
    assert!(world.takes("p1", Ask::Pause { what: vec![Target::Everything] }));
    assert_eq!(world.default(), None, "all is paused");
    let mut world = due(on, choices(Some("keep"), Some(10)));
    world.views.values_mut().next().unwrap().fault = Some("it is down".into());
    assert_eq!(world.default(), None, "nobody knows what people said");
}
