//! Issues to which nothing happens any more are set aside, and taken back when they are needed.

use dayfly_core::{FlowQuery, PlanInput, WorkLogQuery, flow, why, work_log};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;

#[tokio::test]
async fn an_issue_that_was_set_aside_goes_on_with_its_numbers_when_it_is_opened_again() {
    let world = World::new(&["exec", "merge"]);
    world.run(works).await;
    let state = world.store.load().await.unwrap();
    assert!(state.issues.is_empty() && state.done() == 1, "{state:?}");

    world.edit(1, "\"closed\"", "\"open\"");
    world.run(works).await;
    assert_eq!(world.attempts(), ["web.1.exec.1", "web.1.exec.3"], "2 and 4 are the landings");
    assert_eq!(world.known(1).await.attempts, 4);
    assert_eq!(world.store.load().await.unwrap().done(), 1, "it is counted once");
}

#[tokio::test]
async fn what_blocks_an_issue_and_is_done_for_long_blocks_it_no_more() {
    let world = World::new(&["exec", "merge"]);
    world.run(works).await;
    assert!(world.store.load().await.unwrap().issues.is_empty());
    // Somebody tidies the folder up: only the ledger knows of it now.
    fs::remove_file(world.issue_file(1)).unwrap();
    world.issue(2, &[]);
    world.edit(2, "author = ", "blocked-by = [\"1\"]\nauthor = ");
    world.run(works).await;
    assert_eq!((world.attempts().len(), world.phase(2).await), (2, "done"));
}

#[tokio::test]
async fn reports_read_as_much_of_the_past_as_they_tell_of() {
    let world = World::new(&["exec", "merge"]);
    let clock = Arc::clone(&world.fixed);
    world
        .run(move |attempt| {
            // It is begun before midnight, and ends after it.
            clock.advance(SignedDuration::from_hours(24));
            works(attempt)
        })
        .await;
    let (portfolio, tracker) = (world.portfolio(), world.markdown());
    let from = Sources { store: Some(&*world.store), tracker: &tracker, forge: None };
    let day = world.clock.now().to_zoned(TimeZone::UTC).date();
    let days = Past::days(day, day, &TimeZone::UTC);
    let seen = overview_of(portfolio.clone(), from, Filter::default(), world.clock.now(), &days).await.unwrap();
    let all = world.events().await.len();
    assert!(seen.past.len() < all, "{} of {all}", seen.past.len());
    let query = WorkLogQuery { day, zone: TimeZone::UTC, project: None };
    let log = work_log(&query, &seen.input(), &seen.plan, &seen.past).unwrap();
    let landed: Vec<(&str, bool)> = log.landed.iter().map(|d| (d.title.as_str(), d.commit.is_some())).collect();
    assert_eq!((landed, log.ends["succeeded"]), (vec![("Issue 1", true)], 2));

    let past = Past::Issue(issue(1));
    let seen = overview_of(portfolio.clone(), from, Filter::default(), world.clock.now(), &past).await.unwrap();
    let report = why(&seen.input(), &seen.plan, &seen.past, &issue(1)).unwrap().unwrap();
    assert_eq!((report.phase.as_str(), report.attempts.len()), ("done", 2));
    let seen = overview(portfolio, from, Filter::default(), world.clock.now()).await.unwrap();
    assert_eq!((seen.past.len(), seen.state.issues.len()), (0, 0));
}

#[tokio::test]
async fn a_report_of_flow_has_the_whole_course_of_what_was_done_however_long_ago_it_began() {
    let world = World::new(&["exec", "merge"]);
    let clock = Arc::clone(&world.fixed);
    world
        .run(move |attempt| {
            if attempt.job.stage.as_str() == "exec" {
                clock.advance(SignedDuration::from_hours(50));
            }
            works(attempt)
        })
        .await;
    let (portfolio, zone, now) = (world.portfolio(), TimeZone::UTC, world.clock.now());
    let day = now.to_zoned(zone.clone()).date();
    let told = async |project: Option<&str>| {
        let project = project.map(|name| dayfly_core::ProjectName::new(name).unwrap());
        let (state, records) = Past::courses(day, day, &zone, project.clone()).read(&*world.store).await.unwrap();
        let (views, filter) = (Default::default(), Filter::default());
        let input =
            PlanInput { portfolio: &portfolio, state: &state, views: &views, now, zone: &zone, filter: &filter };
        let query = FlowQuery { from: day, until: day, zone: zone.clone(), project };
        (records.len(), flow(&query, &input, &records).unwrap())
    };
    let (count, report) = told(None).await;
    let change = &report.throughput.changes[0];
    assert_eq!((change.attempts, change.lead.map(|lead| lead.as_secs() / 3600)), (2, Some(50)));
    assert_eq!(report.throughput.days.len(), 1);
    let (fewer, none) = told(Some("another")).await;
    assert_eq!(none.throughput.all.done, 0);
    assert!(fewer < count, "{fewer} of {count}");
}
