//! Attempts that are watched: what they spend, what they say when they start, and what their vendor says.

use dayfly_core::{AgentEvent, AttemptEvent, Billing, Opening, Usage};

use super::*;

fn opening(change: impl FnOnce(&mut Opening)) -> AttemptEvent {
    let mut opening = Opening::default();
    change(&mut opening);
    AttemptEvent::Agent(AgentEvent::Started(Box::new(opening)))
}

fn used(tokens: u64) -> AttemptEvent {
    AttemptEvent::Agent(AgentEvent::Usage(Usage { input_tokens: tokens, output_tokens: 1, ..Usage::default() }))
}

/// An attempt that tells that when it starts, and goes on until it is stopped.
fn tells(event: AttemptEvent) -> MockScript {
    MockScript { events: vec![event], ..MockScript::hangs() }
}

async fn end_of(world: &World, script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static) -> End {
    world.run_once(script).await;
    world.ends().await.remove(0)
}

#[tokio::test]
async fn an_attempt_that_uses_more_than_is_left_to_it_is_stopped_and_charged() {
    let world = World::with(&["exec", "merge"], "[limits]\nattempt-tokens = 1000");
    let end = end_of(&world, |_| tells(used(1000))).await;
    assert_eq!(end, End::TaskFailed { reason: "it used 1001 tokens, and 1000 are left to it".into() });
    assert_eq!(world.known(1).await.visit_attempts, 1);
}

#[tokio::test]
async fn an_attempt_gets_no_more_than_is_left_to_the_issue() {
    let world = World::with(&["exec", "merge"], "[limits]\nissue-tokens = 1000");
    world
        .run_once(|_| MockScript {
            usage: Usage { input_tokens: 400, ..Usage::default() },
            ..MockScript::ends(failed())
        })
        .await;
    world.run_once(|_| MockScript::ends(failed())).await;
    let spend: Vec<Option<u64>> = world.seen.lock().unwrap().iter().map(|(_, job)| job.spend.tokens).collect();
    assert_eq!(spend, [Some(1000), Some(600)]);
}

fn failed() -> End {
    End::TaskFailed { reason: "tests".into() }
}

#[tokio::test]
async fn a_stage_that_relies_on_a_skill_runs_only_where_the_agent_has_found_it() {
    let skills = "[stages.exec]\nskills = [\"close\"]";
    let world = World::with(&["exec", "merge"], skills);
    let missing = |found: Vec<&str>| {
        let found: Vec<String> = found.into_iter().map(str::to_owned).collect();
        opening(move |opening| opening.skills = Some(found))
    };
    let none = missing(vec!["review"]);
    let End::Misconfigured { reason } = end_of(&world, move |_| tells(none.clone())).await else { panic!() };
    assert!(reason.starts_with("the agent did not find the skills close; see that they are committed"), "{reason}");

    let world = World::with(&["exec", "merge"], skills);
    let End::Misconfigured { reason } = end_of(&world, works).await else { panic!() };
    assert!(reason.contains("does not tell which skills it found"), "{reason}");

    let world = World::with(&["exec", "merge"], skills);
    let found = missing(vec!["close", "review"]);
    let end = end_of(&world, move |attempt| MockScript { events: vec![found.clone()], ..works(attempt) }).await;
    assert_eq!(end, End::Succeeded);
}

#[tokio::test]
async fn ambient_key_a_subscription_that_starts_with_an_api_key_is_stopped_at_once() {
    let mut world = World::new(&["exec", "merge"]);
    world.config = world.config.replace(
        "argv = [\"script\"]",
        "argv = [\"script\"]\naccounts = [\"flat\"]\n[accounts.flat]\nvendor = \"script\"\nbilling = \"subscription\"",
    );
    let paid = opening(|opening| {
        opening.billing = Billing::ApiKey;
        opening.key_source = Some("ANTHROPIC_API_KEY".into());
    });
    let End::Misconfigured { reason } = end_of(&world, move |_| tells(paid.clone())).await else { panic!() };
    assert!(reason.contains("it started with ANTHROPIC_API_KEY, which is billed by the token"), "{reason}");
    assert_eq!(world.known(1).await.visit_attempts, 0);
}

#[tokio::test]
async fn a_structured_answer_counts_like_a_file_and_after_it() {
    let world = World::new(&["triage", "exec", "merge"]);
    let answer = |summary: &str| Some(format!(r#"{{"version":1,"summary":"{summary}"}}"#));
    world.run(move |_| MockScript { answer: answer("FROM THE RECORD"), ..MockScript::succeeds() }).await;
    assert_eq!(world.known(1).await.notes["triage"], "FROM THE RECORD");

    let world = World::new(&["triage", "exec", "merge"]);
    let both =
        move |_: &Attempt| MockScript { answer: answer("record"), ..proposes(r#"{"version":1,"summary":"FILE"}"#) };
    world.run(both).await;
    assert_eq!(world.known(1).await.notes["triage"], "FILE");
}

#[tokio::test]
async fn an_attempt_whose_time_ended_while_its_vendor_did_not_answer_is_no_matter_of_the_issue() {
    let retry = AttemptEvent::Agent(AgentEvent::Retry { attempt: Some(2), delay: None, reason: "529".into() });
    let limit = Duration::from_secs(900);
    let world = World::new(&["exec", "merge"]);
    let told = retry.clone();
    let silent = move |_: &Attempt| MockScript {
        events: vec![told.clone()],
        ..MockScript::ends(End::TimedOutSilence { limit })
    };
    let End::ProviderDown { reason } = end_of(&world, silent).await else { panic!() };
    assert!(reason.ends_with("it was still trying again: 529"), "{reason}");

    let world = World::new(&["exec", "merge"]);
    let answered = move |_: &Attempt| MockScript {
        events: vec![retry.clone(), used(5)],
        ..MockScript::ends(End::TimedOutSilence { limit })
    };
    assert_eq!(end_of(&world, answered).await, End::TimedOutSilence { limit }, "it was answered since");
}
