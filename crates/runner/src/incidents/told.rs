//! What is told, and what tells nothing: reports over little, a run over nothing, a service that is away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Effect, End, Event, Filter, Issue, IssueRef, Job, JobContext, JobError, JobSpec, Next, Outcome, Plan, PlanInput,
    ProjectName, ProjectView, Record, StageJob, StageName, State, Tracker, TrackerWrite, UsageBy, UsageQuery,
    WorkLogQuery, attempts, backlog, capacity, plan, status, usage, why, work_log,
};
use jiff::tz::TimeZone;

use crate::engine::read_all;
use crate::mock::MockScript;

use super::Wiring;
use super::naive::trackers::Away;
use super::tale::Tale;
use super::yard::{Trouble, Yard, count, evening, hours, minutes};

/// A job that tells a service what it did before it lets anything be recorded, and tries until the service takes it.
#[derive(Debug)]
struct Hostage {
    inner: StageJob,
    tracker: Arc<dyn Tracker>,
}

#[async_trait]
impl Job for Hostage {
    fn kind(&self) -> &str {
        self.inner.kind()
    }

    async fn freeze(&self, context: &JobContext) -> Result<JobSpec, JobError> {
        self.inner.freeze(context).await
    }

    async fn settle(&self, job: &JobSpec, outcome: &Outcome, next: &Next) -> Result<Vec<Effect>, JobError> {
        let write = TrackerWrite::Comment { issue: job.issue.issue.clone(), body: "It is done.".into() };
        while self.tracker.apply(&job.issue.project, &format!("{}.hook", job.issue), &write).await.is_err() {
            tokio::time::sleep(minutes(1)).await;
        }
        self.inner.settle(job, outcome, next).await
    }
}

pub(super) async fn hook_hostage(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "Where the work is announced nothing can be written from 22:00 to 03:00: every call hangs for half a minute and fails.",
    );
    let mut yard = Yard::new(1, &[("app", "agent")], "")?;
    yard.issues("app", 1..=6)?;
    let away: Arc<dyn Tracker> =
        Arc::new(Away { inner: Arc::new(yard.markdown()), clock: Arc::clone(&yard.clock), until: 5 * 3600 });
    yard.tracker = Some(Arc::clone(&away));
    let works = |_: &dayfly_core::Attempt, _| MockScript { after: minutes(20), ..MockScript::succeeds() };
    let mut engine = yard.engine(Arc::new(yard.mock(works)))?;
    if wiring == Wiring::WithoutDefence {
        let inner = StageJob { labels: yard.portfolio()?.labels, stage_labels: BTreeMap::new() };
        engine = engine.job(StageName::new("exec")?, Arc::new(Hostage { inner, tracker: away }));
    }
    super::yard::finish(&engine.build(), hours(12)).await?;
    let records = read_all(&*yard.store).await?;
    let mut settled = Vec::new();
    for record in &records {
        if matches!(record.event()?, Event::AttemptEnded { .. }) {
            settled.push(record.at.duration_since(evening()).as_secs() / 60);
        }
    }
    let (last, state) = (settled.last().copied().unwrap_or(i64::MAX), yard.state().await?);
    let comments: usize = {
        let issues = yard.markdown().issues(&ProjectName::new("app")?).await?;
        issues.iter().filter(|issue| issue.state == dayfly_core::TrackerState::Closed).count()
    };
    tale.tell(format!(
        "{} settled; the first after {} minutes, the last after {last}.",
        count(settled.len(), "attempt"),
        settled.first().copied().unwrap_or_default()
    ));
    tale.tell(format!(
        "In the morning {comments} of 6 issues were closed there, and {} waited.",
        count(state.outbox.len(), "write")
    ));
    tale.must(
        "what was done is recorded when it is done",
        settled.len() == 6 && last <= 180,
        format!("{} by minute {last}", settled.len()),
    );
    tale.must(
        "what could not be written is written when the service is back",
        comments == 6 && state.outbox.is_empty(),
        format!("{comments} of 6"),
    );
    Ok(tale)
}

pub(super) async fn empty_backlog(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "It is evening, and nothing is prepared: six issues wait for answers, six carry a label that holds them.",
    );
    let asks = "[stages.exec]\ngates = []\nanswer = \"required\"\neffects = [\"ask\"]\n";
    let yard = Yard::new(4, &[("app", "agent"), ("docs", "agent")], asks)?;
    yard.issues("app", 1..=6)?;
    let json = r#"{"version":1,"effects":[{"ask":{"question":"Which of the two?"}}]}"#;
    let asks = |_: &dayfly_core::Attempt, _| MockScript { proposal_json: Some(json.into()), ..MockScript::succeeds() };
    yard.run(Arc::new(yard.mock(asks)), Duration::ZERO).await?;
    for number in 1..=5 {
        yard.issue("docs", number, "labels = [\"blocked\"]\n")?;
    }
    yard.issue("docs", 6, "labels = [\"human-needed\"]\n")?;
    let summary = yard.run(Arc::new(yard.mock(asks)), Duration::ZERO).await?;
    let told = match wiring {
        Wiring::Whole => summary.unprepared.as_ref().map(ToString::to_string).unwrap_or_default(),
        // A run that counts what it did, and has no word for what it did not.
        Wiring::WithoutDefence => format!("{} attempts, {} done", summary.ends.len(), summary.done.len()),
    };
    tale.tell(format!("The run ends at once, and says: {told}"));
    tale.must("a run over nothing says so", told.contains("nothing is prepared"), told.clone());
    tale.must(
        "it says how many wait and for what",
        told.contains("12 issues wait") && told.contains("6 for an answer"),
        told.clone(),
    );
    tale.must("it says what would prepare work", told.contains("dayfly issue answer"), told);
    Ok(tale)
}

/// What a report is made from, with rows missing.
struct World<'a> {
    records: &'a [Record],
    state: State,
    views: BTreeMap<ProjectName, ProjectView>,
}

/// Makes every report; gives how many there are.
fn reports(world: &World<'_>, yard: &dayfly_core::Portfolio, wiring: Wiring) -> Result<usize, String> {
    let (zone, filter) = (TimeZone::UTC, Filter::default());
    let now = evening();
    let input =
        PlanInput { portfolio: yard, state: &world.state, views: &world.views, now, zone: &zone, filter: &filter };
    let plan: Plan = plan(&input);
    let wrong = |err: &dyn std::fmt::Display| err.to_string();
    let day = now.to_zoned(zone.clone()).date();
    status(&input, &plan);
    capacity(&input);
    backlog(&input, &plan);
    attempts(world.records).map_err(|err| wrong(&err))?;
    let query = WorkLogQuery { day, zone: zone.clone(), project: None };
    work_log(&query, &input, &plan, world.records).map_err(|err| wrong(&err))?;
    let by = UsageBy::ALL.iter().map(|(by, _)| *by).collect();
    let query = UsageQuery { from: day, to: day, zone: zone.clone(), by, project: None };
    usage(&query, &input, world.records).map_err(|err| wrong(&err))?;
    for issue in ["app#1", "app#9", "gone#1"] {
        let issue = IssueRef::try_from(issue.to_owned()).map_err(|err| wrong(&err))?;
        why(&input, &plan, world.records, &issue).map_err(|err| wrong(&err))?;
    }
    if wiring == Wiring::WithoutDefence {
        last_night(world.records)?;
    }
    Ok(9)
}

/// A report that takes it for granted that there is a last attempt.
fn last_night(records: &[Record]) -> Result<String, String> {
    let lines = attempts(records).map_err(|err| err.to_string())?;
    let last = lines.last().ok_or("index out of range: the list of attempts is empty")?;
    Ok(format!("the last attempt was {}", last.attempt))
}

pub(super) async fn short_row(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "Every report is made over a ledger, projects and answers of trackers of which any part is missing.",
    );
    let yard = Yard::new(2, &[("app", "agent"), ("docs", "agent")], "")?;
    yard.issues("app", 1..=2)?;
    yard.issues("docs", [1])?;
    let mixed = |attempt: &dayfly_core::Attempt, _| match attempt.job.issue.project.as_str() {
        "app" => MockScript::succeeds(),
        _ => MockScript::ends(End::TaskFailed { reason: "no".into() }),
    };
    yard.run(Arc::new(yard.mock(mixed)), Duration::ZERO).await?;
    let records = read_all(&*yard.store).await?;
    let shown = yard.markdown().issues(&ProjectName::new("app")?).await?;
    let full = yard.portfolio()?;
    let mut none = full.clone();
    none.projects.clear();
    let (mut worlds, mut made, mut failed): (usize, usize, Vec<String>) = (0, 0, Vec::new());
    for end in (0..=records.len()).step_by(3) {
        for views in some_views(&shown)? {
            for portfolio in [&full, &none] {
                let state = State::fold(&records[..end])?;
                let world = World { records: &records[..end], state, views: views.clone() };
                worlds += 1;
                match reports(&world, portfolio, wiring) {
                    Ok(n) => made += n,
                    Err(why) => failed.push(format!("after {end} records: {why}")),
                }
            }
        }
    }
    let first = failed.first().cloned().unwrap_or_else(|| "none failed".into());
    tale.tell(format!("{made} reports over {} made.", count(worlds, "world")));
    tale.tell(format!("Those of {} could not be made: {first}.", count(failed.len(), "world")));
    tale.must("no report needs a row to be there", failed.is_empty(), first);
    tale.must("reports were made", made > 0, count(made, "report"));
    Ok(tale)
}

/// What trackers may show: nothing at all, no issues, a fault, some, all.
fn some_views(shown: &[Issue]) -> Result<Vec<BTreeMap<ProjectName, ProjectView>>, Trouble> {
    let view = |issues: &[Issue], fault: Option<&str>| -> Result<_, Trouble> {
        let view = ProjectView { issues: issues.to_vec(), fault: fault.map(str::to_owned), ..ProjectView::default() };
        Ok(BTreeMap::from([(ProjectName::new("app")?, view)]))
    };
    Ok(vec![
        BTreeMap::new(),
        view(&[], None)?,
        view(&[], Some("it does not answer"))?,
        view(shown.get(..1).unwrap_or_default(), None)?,
        view(shown, None)?,
    ])
}
