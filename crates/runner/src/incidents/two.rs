//! Two of something, where there may be one: engines on a ledger, claims of a slot, issues for one part.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{
    AgentEvent, Attempt, AttemptEvent, AttemptId, Batch, Condition, Event, IssueId, IssueRef, JobSpec, LimitNotice,
    LimitScope, LimitWhy, NewIssue, ProjectName, ResetTime, Store, Tracker, TrackerKind, TrackerWrite,
};
use futures_util::future::join_all;

use crate::engine::EngineError;
use crate::mock::MockScript;
use crate::sqlite::SqliteStore;

use super::Wiring;
use super::naive::stores::{Unconditional, Unfenced, Watched};
use super::tale::Tale;
use super::yard::{Trouble, Yard, count, finish, minutes};

pub(super) async fn duelling_recovery(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "An engine works on two issues. After five minutes a second one starts on the same ledger, as if the first were dead.",
    );
    let mut yard = Yard::new(2, &[("app", "agent"), ("docs", "agent")], "")?;
    if wiring == Wiring::WithoutDefence {
        yard.store = Arc::new(Unfenced::new(Arc::clone(&yard.store)));
    }
    let watched = Arc::new(Watched::new(Arc::clone(&yard.store)));
    yard.store = Arc::clone(&watched) as Arc<dyn Store>;
    yard.issues("app", [1])?;
    yard.issues("docs", [1])?;
    // After ten minutes its vendor tells the first one something, which it writes down.
    let says = AttemptEvent::Agent(AgentEvent::RateLimit(LimitNotice {
        scope: LimitScope::Account,
        why: LimitWhy::Quota,
        window: None,
        used: Some(1.0),
        refused: true,
        resets: Some(ResetTime::After(minutes(60))),
        said: "full".into(),
    }));
    let long = yard.mock(move |_: &Attempt, _| MockScript {
        after: minutes(40),
        later: vec![(minutes(10), says.clone())],
        ..MockScript::succeeds()
    });
    let first = yard.engine(Arc::new(long))?.build();
    let second =
        yard.engine(Arc::new(yard.mock(|_, _| MockScript { after: minutes(20), ..MockScript::succeeds() })))?;
    let second = second.build();
    let later = async {
        tokio::time::sleep(minutes(5)).await;
        finish(&second, minutes(5)).await
    };
    let (first, second) = tokio::join!(finish(&first, minutes(5)), later);
    let word = |ended: &Result<crate::engine::Summary, Trouble>| match ended {
        Ok(summary) => format!("did {}", count(summary.done.len(), "issue")),
        Err(Trouble::Engine(EngineError::Store(err))) => err.to_string(),
        Err(err) => err.to_string(),
    };
    tale.tell(format!("The first: {}.", word(&first)));
    tale.tell(format!("The second: {}.", word(&second)));
    tale.tell(format!("After its place was taken the first wrote {}.", count(watched.late(), "record")));
    let done = second.as_ref().map_or(0, |summary| summary.done.len());
    tale.must(
        "an engine whose place was taken writes nothing more",
        watched.late() == 0,
        count(watched.late(), "record"),
    );
    tale.must("it stops", first.is_err(), word(&first));
    tale.must("the one that took its place does the work", done == 2, word(&second));
    Ok(tale)
}

/// How many claim at once.
const CLAIMS: u32 = 8;

pub(super) async fn slot_race(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "Eight workers see a project's only slot free, and claim it in the same moment, each for another issue.",
    );
    let yard = Yard::new(1, &[("app", "agent")], "")?;
    yard.issues("app", [1])?;
    yard.run(Arc::new(yard.mock(|_, _| MockScript::succeeds())), Duration::ZERO).await?;
    let job = yard.events().await?.into_iter().find_map(|event| match event {
        Event::AttemptStarted { job, .. } => Some(*job),
        _ => None,
    });
    let job = job.ok_or_else(|| Trouble::Other("nothing was started".into()))?;
    let sqlite: Arc<dyn Store> = Arc::new(SqliteStore::open(&yard.root.join("claims.db"))?);
    let store: Arc<dyn Store> = match wiring {
        Wiring::Whole => sqlite,
        Wiring::WithoutDefence => Arc::new(Unconditional(sqlite)),
    };
    let epoch = store.take_over().await?;
    let claims = (2..2 + CLAIMS).map(|number| {
        let batch = claim(&job, number).map(|(event, conditions)| Batch {
            epoch,
            at: super::yard::evening(),
            events: vec![event],
            conditions,
        });
        let store = Arc::clone(&store);
        async move { Ok::<_, Trouble>(store.append(&batch?).await.is_ok()) }
    });
    let won: Vec<bool> = join_all(claims).await.into_iter().collect::<Result<_, _>>()?;
    let won = won.into_iter().filter(|won| *won).count();
    tale.tell(format!("{} won; the slot has room for one.", count(won, "claim")));
    let made = parts(wiring, &yard).await?;
    tale.tell(format!(
        "Eight writers ask for the child `part-a` of one issue at the same time: {} made.",
        count(made, "issue")
    ));
    tale.must("one claim wins the slot", won == 1, count(won, "claim"));
    tale.must("one issue is made for a part", made == 1, count(made, "issue"));
    Ok(tale)
}

/// A claim of another issue with the same job.
fn claim(job: &JobSpec, number: u32) -> Result<(Event, Vec<Condition>), Trouble> {
    let project = job.issue.project.clone();
    let issue = IssueRef::new(project.clone(), IssueId::new(number.to_string())?);
    let attempt = AttemptId::new(&issue, &job.stage, 1);
    let job = Box::new(JobSpec { issue: issue.clone(), ..job.clone() });
    let event = Event::AttemptStarted { attempt, job, substitution: None, tracker: TrackerKind::default() };
    Ok((event, vec![Condition::Idle(issue), Condition::Free { project, most: 1 }]))
}

/// How many issues are made when eight ask for the same one. Without the defence none says which part it is.
async fn parts(wiring: Wiring, yard: &Yard) -> Result<usize, Trouble> {
    let (tracker, app) = (yard.markdown(), ProjectName::new("app")?);
    let before = tracker.issues(&app).await?.len();
    let part = (wiring == Wiring::Whole).then(|| "part-a".to_owned());
    let new = NewIssue { title: "Part A".into(), parent: Some(IssueId::new("1")?), part, ..NewIssue::default() };
    let keys: Vec<String> = (0..CLAIMS).map(|n| format!("app.1.exec.{n}@0123/0")).collect();
    let write = TrackerWrite::Create(new);
    for made in join_all(keys.iter().map(|key| tracker.apply(&app, key, &write))).await {
        made?;
    }
    Ok(tracker.issues(&app).await?.len() - before)
}
