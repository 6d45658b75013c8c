//! What people and dayfly itself write in a tracker, and a tracker that shows too little.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{Event, IssueId, Phase, ProjectName, Tracker, TrackerWrite};
use jiff::SignedDuration;

use crate::mock::MockScript;

use super::Wiring;
use super::naive::trackers::{Moved, Nameless, Remembered, Soothing};
use super::tale::Tale;
use super::yard::{Trouble, Yard, count, minutes};

/// An agent may ask and comment.
const ASKS: &str = "[stages.exec]\ngates = []\nanswer = \"required\"\neffects = [\"ask\", \"comment\"]\n";

fn asks() -> MockScript {
    let json =
        r#"{"version":1,"effects":[{"ask":{"question":"Which of the two?"}},{"comment":{"body":"I looked at it."}}]}"#;
    MockScript { proposal_json: Some(json.into()), after: minutes(5), ..MockScript::succeeds() }
}

/// A tracker that shows what dayfly wrote as a person's, where the defence is out.
fn shown_by(wiring: Wiring, yard: &Yard) -> Arc<dyn Tracker> {
    let markdown: Arc<dyn Tracker> = Arc::new(yard.markdown());
    match wiring {
        Wiring::Whole => markdown,
        Wiring::WithoutDefence => Arc::new(Nameless(markdown)),
    }
}

pub(super) async fn mention_loop(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin("An agent comments on its issue and asks a question. Nobody answers for 20 nights.");
    let mut yard = Yard::new(1, &[("app", "agent")], ASKS)?;
    yard.tracker = Some(shown_by(wiring, &yard));
    yard.issues("app", [1])?;
    for _ in 0..20 {
        yard.run(Arc::new(yard.mock(|_, _| asks())), Duration::ZERO).await?;
        yard.clock.sleep(SignedDuration::from_hours(24));
    }
    let (attempts, comments) = (yard.attempts(), yard.comments("app", 1).await?.len());
    tale.tell(format!("{} made, which wrote {}.", count(attempts, "attempt"), count(comments, "comment")));
    tale.must("its own comments begin no work", attempts == 1, count(attempts, "attempt"));
    tale.must("it does not talk to itself", comments == 2, count(comments, "comment"));
    Ok(tale)
}

pub(super) async fn bot_requeue(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "A question of an older installation waits on an issue with `needs-clarification`. Its ledger is gone; its own \
         reminders are the only comments since.",
    );
    let mut yard = Yard::new(1, &[("app", "agent")], ASKS)?;
    yard.issue("app", 1, "labels = [\"needs-clarification\"]\n")?;
    let (markdown, app, one) = (yard.markdown(), ProjectName::new("app")?, IssueId::new("1")?);
    let question = TrackerWrite::Comment { issue: one.clone(), body: "Which of the two?".into() };
    markdown.apply(&app, "app.1.exec.1@0123/0", &question).await?;
    yard.tracker = Some(shown_by(wiring, &yard));
    for day in 1..=5 {
        yard.clock.sleep(SignedDuration::from_hours(24));
        let body = format!("Day {day}: an answer is still waited for.");
        let reminder = TrackerWrite::Sticky { issue: one.clone(), topic: "reminder".into(), body };
        markdown.apply(&app, &format!("app#1.reminder.{day}"), &reminder).await?;
        yard.run(Arc::new(yard.mock(|_, _| asks())), Duration::ZERO).await?;
    }
    let issues = markdown.issues(&app).await?;
    let labels = issues.first().map(|issue| issue.labels.join(", ")).unwrap_or_default();
    let attempts = yard.attempts();
    let requeued = yard.events().await?.iter().filter(|event| matches!(event, Event::Triaged { .. })).count();
    tale.tell(format!(
        "In five nights it was put into the queue {} by itself, and {} made.",
        times(requeued),
        count(attempts, "attempt")
    ));
    tale.tell(format!("It carries: {labels}."));
    tale.must("its own reminder is no answer", attempts == 0, count(attempts, "attempt"));
    tale.must("the issue still waits for a person", labels == "needs-clarification", labels);
    Ok(tale)
}

fn times(n: usize) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

pub(super) async fn renamed_repo(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("A repository was moved away. Its tracker cannot be read any more; five issues wait there.");
    let mut yard = Yard::new(1, &[("app", "agent"), ("docs", "agent")], "")?;
    yard.issues("app", 1..=5)?;
    yard.issues("docs", [1])?;
    let moved: Arc<dyn Tracker> =
        Arc::new(Moved { inner: Arc::new(yard.markdown()), project: ProjectName::new("app")? });
    yard.tracker = Some(match wiring {
        Wiring::Whole => moved,
        Wiring::WithoutDefence => Arc::new(Soothing(moved)),
    });
    let summary = yard.run(Arc::new(yard.mock(|_, _| MockScript::succeeds())), Duration::ZERO).await?;
    let told = summary.unread.first().map(|(project, why)| format!("nothing done for project {project}: {why}"));
    let told = told.unwrap_or_default();
    tale.tell(format!("The other project went on: {} done.", count(summary.done.len(), "issue")));
    tale.tell(if told.is_empty() {
        "The run says that there was nothing to do.".into()
    } else {
        format!("The run says: {told}")
    });
    tale.must("the run says which project it could not read, and why", told.contains("moved"), told.clone());
    tale.must("it does not end as if all were well", summary.has_trouble(), told);
    tale.must("other projects go on", summary.done.len() == 1, count(summary.done.len(), "issue"));
    Ok(tale)
}

pub(super) async fn drifted_record(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "A change waits on a branch for its merge. A person merges it by hand, closes another issue and opens a third, all past dayfly.",
    );
    let mut yard = Yard::new(1, &[("app", "agent")], "[stages.exec]\n")?;
    yard.set("repository = false\n", "repository = false\nlanding = \"pull-request\"\n");
    yard.set("pipeline = [\"exec\"]", "pipeline = [\"exec\", \"merge\"]");
    yard.repository("app")?;
    let program =
        yard.program("agent", "echo \"$DAYFLY_ISSUE\" >>done.txt; git add --all; git commit --quiet -m Done\n")?;
    yard.set("argv = [\"agent\"]", &format!("argv = [\"{program}\"]"));
    yard.issues("app", [1])?;
    let markdown: Arc<dyn Tracker> = Arc::new(yard.markdown());
    yard.tracker = Some(match wiring {
        Wiring::Whole => markdown,
        Wiring::WithoutDefence => Arc::new(Remembered::new(markdown)),
    });
    let runner = || Arc::new(crate::subprocess::SubprocessRunner::new());
    yard.run(runner(), Duration::ZERO).await?;
    let handed = yard.known().await?.values().filter(|known| matches!(known.phase, Phase::Handed { .. })).count();
    let before = yard.ends().await?.len();
    yard.git("app", &["merge", "--quiet", "dayfly/app-1"])?;
    yard.issue("app", 2, "")?;
    yard.edit("app", 2, "\"open\"", "\"closed\"")?;
    yard.issue("app", 3, "")?;
    yard.run(runner(), Duration::ZERO).await?;
    let events = yard.events().await?;
    let merged = events.iter().filter(|event| matches!(event, Event::Merged { .. })).count();
    let ends = yard.ends().await?;
    let of = |issue: &str| ends.iter().skip(before).filter(|(attempt, _)| attempt.as_str().starts_with(issue)).count();
    let (done, closed, opened) = (of("app.1."), of("app.2."), of("app.3."));
    tale.tell(format!(
        "{} handed over; after the merge by hand {} seen as merged.",
        count(handed, "change"),
        count(merged, "change")
    ));
    tale.tell(format!(
        "Made after that: {} at what was merged, {closed} at what was closed, {opened} at what was opened.",
        count(done, "attempt")
    ));
    tale.must("a merge by hand is seen and recorded", merged == 1, count(merged, "merge"));
    tale.must("what people finished or closed is not worked on", done + closed == 0, count(done + closed, "attempt"));
    tale.must("what people opened meanwhile is worked on", opened > 0, count(opened, "attempt"));
    Ok(tale)
}
