//! Vendors that take no work: what they refuse is charged to nobody's issue, and all wait for it together.

use std::sync::Arc;

use dayfly_core::End;
use dayfly_core::{Attempt, Class, Event, Phase, Runner};
use jiff::{SignedDuration, Timestamp};

use crate::mock::MockScript;

use super::Wiring;
use super::naive::runners::Blames;
use super::tale::Tale;
use super::yard::{Start, Trouble, Yard, count, evening, hours, minutes};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// An end that comes after half a minute.
fn soon(end: End) -> MockScript {
    MockScript { after: minutes(1) / 2, ..MockScript::ends(end) }
}

/// Work of a quarter of an hour; a probe is answered in two seconds.
fn works(attempt: &Attempt) -> MockScript {
    let after = if attempt.job.kind == "probe" { minutes(1) / 30 } else { minutes(15) };
    MockScript { after, ..MockScript::succeeds() }
}

fn at(seconds: i64) -> Timestamp {
    evening().checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn is_of(attempt: &Attempt, vendor: &str) -> bool {
    attempt.job.vendor.as_ref().is_some_and(|name| name.as_str() == vendor)
}

/// An executor that takes for a failure of the work what a vendor refused.
fn charges(wiring: Wiring, inner: Arc<dyn Runner>) -> Arc<dyn Runner> {
    let as_what = |end: End| match end {
        End::Quota { .. } | End::ProviderDown { .. } => End::TaskFailed { reason: end.to_string() },
        end => end,
    };
    match wiring {
        Wiring::Whole => inner,
        Wiring::WithoutDefence => Arc::new(Blames { inner, as_what }),
    }
}

async fn blocked(yard: &Yard) -> Result<usize, Trouble> {
    Ok(yard.known().await?.values().filter(|known| matches!(known.phase, Phase::Blocked { .. })).count())
}

/// Of what was started, the attempts at issues in these projects.
fn works_of<'a>(starts: &'a [Start], projects: &'a [&str]) -> impl Iterator<Item = &'a Start> {
    starts.iter().filter(|start| !start.probe && projects.iter().any(|p| start.attempt.as_str().starts_with(p)))
}

pub(super) async fn quota_cascade(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "15 issues wait for one account, five for another. At 22:00 the first has used up its quota, until 01:00.",
    );
    let (ours, other) = (["a1", "a2", "a3"], ["b1"]);
    let yard =
        Yard::new(4, &[("a1", "ada"), ("a2", "ada"), ("a3", "ada"), ("b1", "bea")], "")?.asked(&["ada", "bea"])?;
    for project in ours.iter().chain(&other) {
        yard.issues(project, 1..=5)?;
    }
    let reset = at(3 * HOUR);
    let mock = yard.mock(move |attempt, now| match is_of(attempt, "ada") && now < 3 * HOUR {
        true => soon(End::Quota { resets_at: Some(reset) }),
        false => works(attempt),
    });
    let summary = yard.run(charges(wiring, Arc::new(mock)), minutes(30)).await?;
    let (charged, blocked) = (yard.charged().await?, blocked(&yard).await?);
    let met = works_of(&yard.starts(), &ours).filter(|start| start.at < 3 * HOUR).count();
    let others = works_of(&yard.starts(), &other).filter(|start| start.at < 3 * HOUR).count();
    tale.tell(format!(
        "Before 01:00 {} met the limit, and the other account did {}.",
        count(met, "attempt"),
        count(others, "job")
    ));
    tale.tell(format!(
        "{} charged to an issue; {} blocked for it.",
        count(charged, "attempt"),
        count(blocked, "issue")
    ));
    tale.tell(format!("By the morning {} of 20 issues were done.", summary.done.len()));
    tale.must("no more meet the limit than ran at that moment", met <= 3, count(met, "attempt"));
    tale.must("the quota is charged to no issue", charged == 0, count(charged, "attempt"));
    tale.must("all is done by the morning", summary.done.len() == 20, format!("{} of 20", summary.done.len()));
    Ok(tale)
}

pub(super) async fn dead_provider(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin("A provider is down for 19 hours. Twelve issues in four projects have no other.");
    let projects = ["p1", "p2", "p3", "p4"];
    let pairs = projects.map(|project| (project, "ada"));
    let yard = Yard::new(4, &pairs, "[capacity]\nwait = \"48h\"\nprobe = \"4m\"")?.asked(&["ada"])?;
    for project in projects {
        yard.issues(project, 1..=3)?;
    }
    let back = 19 * HOUR;
    let mock = yard.mock(move |attempt, now| match now < back {
        true => soon(End::ProviderDown { reason: "529 overloaded".into() }),
        false => works(attempt),
    });
    let summary = yard.run(charges(wiring, Arc::new(mock)), minutes(30)).await?;
    let (charged, blocked) = (yard.charged().await?, blocked(&yard).await?);
    let starts = yard.starts().clone();
    let tried = works_of(&starts, &projects).filter(|start| start.at < back).count();
    let probes = starts.iter().filter(|start| start.probe && start.at < back).count();
    let went_on = works_of(&starts, &projects).map(|start| start.at).find(|at| *at >= back);
    let late = went_on.map_or(i64::MAX, |at| (at - back) / MINUTE);
    tale.tell(format!(
        "While it was down {} started, and {} asked it.",
        count(tried, "attempt"),
        count(probes, "small request")
    ));
    tale.tell(format!(
        "{} charged to an issue; {} blocked for it.",
        count(charged, "attempt"),
        count(blocked, "issue")
    ));
    match went_on {
        Some(_) => {
            tale.tell(format!("Work went on {late} minutes after it was back; {} of 12 were done.", summary.done.len()))
        }
        None => tale.tell("No work went on when it was back."),
    }
    tale.must("few attempts are made at a provider that is down", tried <= 12, count(tried, "attempt"));
    tale.must("it is asked no more often than every four minutes", probes <= 19 * 15, count(probes, "request"));
    tale.must("the outage is charged to no issue", charged == 0, count(charged, "attempt"));
    tale.must(
        "work goes on within five minutes of its return",
        late <= 5,
        went_on.map_or_else(|| "never".into(), |_| format!("after {late} minutes")),
    );
    tale.must("all is done in the end", summary.done.len() == 12, format!("{} of 12", summary.done.len()));
    Ok(tale)
}

pub(super) async fn early_reset(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("A quota is used up at 22:00. The vendor says: back at 03:00. It takes work again at 23:00.");
    let blind = "[capacity]\nprobe = \"off\"";
    let yard = Yard::new(2, &[("app", "ada")], if wiring == Wiring::Whole { "" } else { blind })?.asked(&["ada"])?;
    yard.issues("app", 1..=8)?;
    let reset = at(5 * HOUR);
    let mock = yard.mock(move |attempt, now| match now < HOUR {
        true => soon(End::Quota { resets_at: Some(reset) }),
        false => works(attempt),
    });
    let summary = yard.run(Arc::new(mock), minutes(30)).await?;
    let starts = yard.starts().clone();
    let probes = starts.iter().filter(|start| start.probe).count();
    let next = works_of(&starts, &["app"]).map(|start| start.at).find(|at| *at >= HOUR).unwrap_or(i64::MAX);
    let idle = (next - HOUR) / MINUTE;
    tale.tell(format!(
        "{} looked whether it was open; work went on {idle} minutes after it was.",
        count(probes, "small request")
    ));
    tale.tell(format!(
        "{} of 8 issues were done, the last {} hours after 22:00.",
        summary.done.len(),
        yard.clock.seconds() / HOUR
    ));
    tale.must("a window that opens early is noticed within five minutes", idle <= 5, format!("after {idle} minutes"));
    tale.must("all is done", summary.done.len() == 8, format!("{} of 8", summary.done.len()));
    Ok(tale)
}

pub(super) async fn revoked_token(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("An account's login was revoked: every request is answered with 401. 20 issues wait for it.");
    let projects = ["p1", "p2"];
    let yard = Yard::new(2, &projects.map(|project| (project, "ada")), "")?.asked(&["ada"])?;
    for project in projects {
        yard.issues(project, 1..=10)?;
    }
    let mock = yard.mock(|_, _| soon(End::Auth { reason: "401: the token was revoked".into() }));
    let whole: Arc<dyn Runner> = Arc::new(mock);
    let runner: Arc<dyn Runner> = match wiring {
        Wiring::Whole => whole,
        Wiring::WithoutDefence => {
            Arc::new(Blames { inner: whole, as_what: |end| End::Host { reason: format!("it may pass: {end}") } })
        }
    };
    let summary = yard.run(runner, hours(2)).await?;
    let (attempts, blocked) = (yard.attempts(), blocked(&yard).await?);
    let counted = yard.ends().await?.iter().filter(|(_, end)| end.class() == Class::Transient).count();
    let said = summary.withheld.first();
    let remedy = said.and_then(|withheld| withheld.remedy.clone()).unwrap_or_default();
    tale.tell(format!("{} made, {counted} of them taken for something that passes.", count(attempts, "attempt")));
    tale.tell(format!("{} blocked, each for a person to look at.", count(blocked, "issue")));
    match said {
        Some(withheld) => tale.tell(format!(
            "The run says once, for {}: {}; what helps: {remedy}.",
            count(withheld.issues.len(), "issue"),
            withheld.reason
        )),
        None => tale.tell("The run says nothing of the account."),
    }
    let events = yard.events().await?;
    let limited = events.iter().filter(|event| matches!(event, Event::CapacityLimited { .. })).count();
    tale.must("no more meet the 401 than ran at that moment", attempts <= 2, count(attempts, "attempt"));
    tale.must("no issue is blocked for it", blocked == 0, count(blocked, "issue"));
    tale.must("the account waits for a person, who is told what helps", limited > 0 && !remedy.is_empty(), remedy);
    Ok(tale)
}
