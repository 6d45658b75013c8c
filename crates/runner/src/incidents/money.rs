//! What costs money: work without an end, and a key that nobody meant to be used.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{AgentEvent, Attempt, AttemptEvent, Billing, End, Event, Opening, Usage};
use jiff::SignedDuration;

use crate::mock::MockScript;

use super::Wiring;
use super::tale::Tale;
use super::yard::{Trouble, Yard, count, minutes};

pub(super) async fn runaway_issue(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("An issue cannot be done. Each attempt uses 1.9 million tokens; somebody lets it go on 28 times.");
    let endless = "[limits]\nissue-attempts = 100000\nissue-tokens = 100_000_000_000\nissue-time = \"720h\"\n\
                   [budget]\nday-tokens = 100_000_000_000\n";
    let yard = Yard::new(1, &[("app", "agent")], if wiring == Wiring::Whole { "" } else { endless })?;
    yard.issue("app", 1, "labels = []\n")?;
    let fails = |_: &Attempt, _| {
        let usage = Usage { input_tokens: 1_800_000, output_tokens: 100_000, ..Usage::default() };
        let end = End::TaskFailed { reason: "two tests fail".into() };
        MockScript { after: minutes(20), usage, ..MockScript::ends(end) }
    };
    for _ in 0..28 {
        yard.run(Arc::new(yard.mock(fails)), Duration::ZERO).await?;
        yard.clock.sleep(SignedDuration::from_hours(1));
        yard.edit("app", 1, "\"human-needed\"", "")?;
    }
    let known = yard.known().await?;
    let (attempts, tokens) = known.values().next().map_or((0, 0), |known| (known.attempts, known.tokens / 1_000_000));
    tale.tell(format!("{attempts} attempts were made, with {tokens} million tokens."));
    tale.must("an issue gets at most 12 attempts over its life", attempts <= 12, format!("{attempts} attempts"));
    tale.must(
        "it uses at most 20 million tokens, and the attempt that crosses that line",
        tokens <= 22,
        format!("{tokens} million tokens"),
    );
    Ok(tale)
}

/// The agents: one that is asked for by its kind, with an account that is a subscription.
const SUBSCRIBED: &str = "[agents.claude]\nkind = \"claude\"\nargv = [\"claude\"]\naccounts = [\"flat\"]\n\
                          [accounts.flat]\nvendor = \"claude\"\nbilling = \"subscription\"\n";
/// The same program as a command like any other: nobody knows who pays.
const GLUED: &str = "[agents.claude]\nkind = \"command\"\nargv = [\"claude\", \"-p\"]\n";

pub(super) async fn ambient_key(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "The user pays a subscription. One project's .env holds an API key; in another the agent finds one elsewhere.",
    );
    let agents = if wiring == Wiring::Whole { SUBSCRIBED } else { GLUED };
    let yard = Yard::new(2, &[("app", "claude"), ("lib", "claude")], agents)?;
    yard.file("app/.env", "ANTHROPIC_API_KEY=sk-not-a-key\n")?;
    yard.issues("app", [1])?;
    yard.issues("lib", [1])?;
    let paid = Opening { billing: Billing::ApiKey, key_source: Some("ANTHROPIC_API_KEY".into()), ..Opening::default() };
    let opens = AttemptEvent::Agent(AgentEvent::Started(Box::new(paid)));
    let usage = Usage { input_tokens: 2_000_000, output_tokens: 90_000, cost_usd: Some(31.0), ..Usage::default() };
    let mock = yard.mock(move |_, _| MockScript {
        events: vec![opens.clone()],
        after: minutes(30),
        usage,
        ..MockScript::succeeds()
    });
    let summary = yard.run(Arc::new(mock), Duration::ZERO).await?;
    let by_token = yard.events().await?.into_iter().filter(|event| match event {
        Event::AttemptEnded { outcome, .. } => {
            let opening = outcome.receipt.opening.as_ref();
            outcome.receipt.took >= minutes(30) && opening.is_some_and(|opening| opening.billing == Billing::ApiKey)
        }
        _ => false,
    });
    let by_token = by_token.count();
    let held = summary.held.first().map(|(_, reason)| reason.clone()).unwrap_or_default();
    let ends = yard.ends().await?.iter().map(|(_, end)| end.to_string()).collect::<Vec<_>>().join("; ");
    tale.tell(if held.is_empty() { "Nothing was held back.".into() } else { format!("Not started: {held}.") });
    tale.tell(format!("What was started ended: {}.", ends.split("; take").next().unwrap_or_default()));
    tale.tell(format!("{} worked for half an hour on a key that is billed by the token.", count(by_token, "attempt")));
    tale.must("no attempt works on a key that nobody meant", by_token == 0, count(by_token, "attempt"));
    tale.must(
        "what is held back names the key and the file",
        held.contains("ANTHROPIC_API_KEY") && held.contains(".env"),
        held,
    );
    Ok(tale)
}
