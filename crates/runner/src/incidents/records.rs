//! What vendors' programs print, as it was recorded: their own records tell how work ended, and nothing else does.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{Agent, AgentName, End, Event, Phase};

use crate::agents::agent_for;
use crate::subprocess::SubprocessRunner;

use super::Wiring;
use super::naive::agents::{Misread, Reads};
use super::tale::Tale;
use super::yard::{Trouble, Yard, count, finish};

/// A run that went well, as the program printed it.
const WENT_WELL: &str = include_str!("../../tests/data/claude/text-streamjson.stdout");
/// A run that ended at the limit of a session, as the program printed it.
const AT_THE_LIMIT: &str = include_str!("../../tests/data/claude/usagelimit-json.stdout");
/// A run in which every call of a tool was denied, as the program printed it.
const DENIED: &str = include_str!("../../tests/data/claude/perm-dontAsk-write.stdout");

/// What it reads on the way: a page about limits.
const QUOTED: &str = r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"docs/limits.md: 429: You've hit your session limit. The rate limit resets at 5am."}]}}"#;

/// A project whose agent is that program: it prints what was recorded, and exits.
fn prints(recorded: &str, exit: u8) -> Result<Yard, Trouble> {
    let claude = "[agents.claude]\nkind = \"claude\"\nargv = [\"PROGRAM\"]\n";
    let mut yard = Yard::new(1, &[("app", "claude")], claude)?;
    let records = yard.file("records.jsonl", recorded)?;
    let program = yard.program("claude", &format!("cat '{records}'\nexit {exit}\n"))?;
    yard.set("PROGRAM", program.as_str());
    yard.issues("app", 1..=3)?;
    Ok(yard)
}

/// Runs it, read as it is shipped or by a reader that goes wrong so.
async fn run(yard: &Yard, wiring: Wiring, how: Reads) -> Result<Vec<End>, Trouble> {
    let mut engine = yard.engine(Arc::new(SubprocessRunner::new()))?;
    if wiring == Wiring::WithoutDefence {
        let name = AgentName::new("claude")?;
        let portfolio = yard.portfolio()?;
        let config = portfolio.agents.get(&name).ok_or_else(|| Trouble::Other("there is no agent".into()))?;
        let inner: Arc<dyn Agent> = agent_for(&name, config, &portfolio.accounts);
        engine = engine.agent(name, Arc::new(Misread { inner, how }));
    }
    finish(&engine.build(), Duration::ZERO).await?;
    Ok(yard.ends().await?.into_iter().map(|(_, end)| end).collect())
}

fn words(ends: &[End]) -> String {
    ends.iter().map(End::word).collect::<Vec<_>>().join(", ")
}

async fn limits(yard: &Yard) -> Result<usize, Trouble> {
    let events = yard.events().await?;
    Ok(events.iter().filter(|event| matches!(event, Event::CapacityLimited { .. })).count())
}

pub(super) async fn quoted_rate_limit(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("An agent reads a page that quotes `429` and `You've hit your session limit`, and does its work.");
    let mut lines: Vec<&str> = WENT_WELL.lines().collect();
    lines.insert(1, QUOTED);
    let yard = prints(&format!("{}\n", lines.join("\n")), 0)?;
    let ends = run(&yard, wiring, Reads::Words).await?;
    let limits = limits(&yard).await?;
    tale.tell(format!("Its {} ended: {}.", count(ends.len(), "attempt"), words(&ends)));
    tale.tell(format!("{} noted for its account.", count(limits, "limit")));
    let well = ends.len() == 3 && ends.iter().all(|end| *end == End::Succeeded);
    tale.must("what it reads does not change how its work is taken", well, words(&ends));
    tale.must("no limit is noted", limits == 0, count(limits, "limit"));
    Ok(tale)
}

pub(super) async fn subtype_success(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "A session ends at its limit. The last record says `subtype: success`, `is_error: true`, status 429.",
    );
    let yard = prints(AT_THE_LIMIT, 1)?;
    let ends = run(&yard, wiring, Reads::Subtype).await?;
    let (limits, known) = (limits(&yard).await?, yard.known().await?);
    let done = known.values().filter(|known| known.phase == Phase::Done).count();
    tale.tell(format!("Of three issues {} got an attempt: {}.", ends.len(), words(&ends)));
    tale.tell(format!("{} noted for the account; {} taken for done.", count(limits, "limit"), count(done, "issue")));
    tale.must("it is taken for a used-up quota", matches!(ends[..], [End::Quota { .. }]), words(&ends));
    tale.must("no issue is taken for done", done == 0, count(done, "issue"));
    tale.must("the limit is the account's, and the others wait", limits > 0, count(limits, "limit"));
    Ok(tale)
}

pub(super) async fn denied_tools(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("Every call of a tool is denied to an agent. It exits with 0, and says that it has ended well.");
    let yard = prints(DENIED, 0)?;
    let ends = run(&yard, wiring, Reads::ExitCode).await?;
    let known = yard.known().await?;
    let done = known.values().filter(|known| known.phase == Phase::Done).count();
    let said = yard.comments("app", 1).await?.pop().unwrap_or_default();
    tale.tell(format!("Its attempts ended: {}; {} taken for done.", words(&ends), count(done, "issue")));
    let first = said.lines().next().unwrap_or("nothing").to_owned();
    tale.tell(format!("On the issue it says: {first}"));
    let denied = ends.iter().all(|end| matches!(end, End::PermissionDenied { .. })) && !ends.is_empty();
    tale.must("it is no success that all was denied", denied && done == 0, words(&ends));
    tale.must("a person is told which tools were denied", said.contains("Write"), first);
    Ok(tale)
}
