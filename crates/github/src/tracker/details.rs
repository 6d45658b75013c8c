//! What is read of an issue only where it matters who did what to it: who put its labels on, when its text was changed, and
//! which comments are hidden.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::fault::Fault;
use super::laid::Laid;
use super::seen::{Blocker, Blockers, Details, Doing, Seen, SeenEvent, SeenIssue};
use super::slot::Slot;
use super::snapshot::{Snapshot, is_past};
use super::wire::{self, Happening, Kind, State, User};
use crate::{Call, GitHub, Identity};

/// How many issues are asked for at once.
const BATCH: usize = 20;
/// So long the state of a blocker in another repository is believed.
const ELSEWHERE: SignedDuration = SignedDuration::from_mins(10);

/// What happens all the time, and is nobody's doing at the issue.
const NO_DOING: [&str; 8] = [
    "commented",
    "subscribed",
    "unsubscribed",
    "mentioned",
    "cross-referenced",
    "referenced",
    "committed",
    "comment_deleted",
];

/// Reads the details of the issues that have one of the labels, where they may have changed.
pub(crate) async fn read(
    github: &GitHub,
    slot: &Slot,
    labels: &[String],
    own: &Identity,
    now: Timestamp,
) -> Result<(), Fault> {
    let wanted = slot.with(now, |snapshot| missing(snapshot, labels));
    for batch in wanted.chunks(BATCH) {
        let mut edits = edits(github, slot, batch, own).await?;
        for (number, updated) in batch {
            let call = Call::get(slot.path(&format!("/issues/{number}/timeline")));
            let happened: Vec<Happening> = match github.pages(call).await {
                // It was deleted meanwhile; the next look at the repository shows that.
                Err(error) if error.is_absent() => continue,
                happened => happened?,
            };
            let edit = edits.remove(number).unwrap_or_default();
            let details = Details {
                of: *updated,
                sure: is_past(*updated, now),
                edited: edit.edited,
                events: happened.into_iter().filter_map(event).collect(),
            };
            slot.with(now, |snapshot| {
                let Some(issue) = snapshot.issues.get_mut(number) else { return };
                for comment in issue.comments.values_mut() {
                    comment.hidden = edit.hidden.get(&comment.id).copied().unwrap_or(comment.hidden);
                }
                issue.details = Some(details);
            });
        }
    }
    Ok(())
}

fn missing(snapshot: &Snapshot, labels: &[String]) -> Vec<(u64, Option<Timestamp>)> {
    let wanted = |issue: &&SeenIssue| {
        issue.state != State::Closed
            && labels.iter().any(|label| issue.has_label(label))
            && issue.details.as_ref().is_none_or(|details| !details.sure || details.of != issue.updated)
    };
    snapshot.issues.values().filter(wanted).map(|issue| (issue.number, issue.updated)).collect()
}

fn event(happened: Happening) -> Option<SeenEvent> {
    let label = |happened: &Happening| happened.label.as_ref().and_then(|label| label.name.clone());
    let what = match happened.event.as_str() {
        "labeled" => Doing::Labelled(label(&happened)?),
        "unlabeled" => Doing::Unlabelled(label(&happened)?),
        "renamed" => Doing::Renamed,
        word if NO_DOING.contains(&word) => return None,
        _ => Doing::Other,
    };
    let program = happened.performed_via_github_app.is_some();
    let actor = Seen { user: happened.actor, program, association: wire::Association::Other };
    Some(SeenEvent { at: happened.created_at?, actor, what })
}

/// What GraphQL alone tells of an issue.
#[derive(Debug, Default)]
struct Edit {
    edited: Option<(Timestamp, Seen)>,
    /// Of the last comments, by their ids.
    hidden: BTreeMap<u64, bool>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    repository: Option<BTreeMap<String, Option<WireEdit>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEdit {
    #[serde(default)]
    last_edited_at: Option<Timestamp>,
    #[serde(default)]
    editor: Option<Editor>,
    #[serde(default)]
    comments: Option<Comments>,
}

#[derive(Debug, Deserialize)]
struct Editor {
    login: String,
    #[serde(default, rename = "__typename")]
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize)]
struct Comments {
    #[serde(default)]
    nodes: Vec<Option<WireComment>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireComment {
    #[serde(default)]
    database_id: Option<u64>,
    #[serde(default)]
    is_minimized: bool,
}

async fn edits(
    github: &GitHub,
    slot: &Slot,
    batch: &[(u64, Option<Timestamp>)],
    own: &Identity,
) -> Result<BTreeMap<u64, Edit>, Fault> {
    let repo = slot.repo();
    let variables = serde_json::json!({ "owner": repo.owner(), "name": repo.name() });
    // An issue that is deleted meanwhile is simply missing.
    let answer = github.graphql_partial::<Answer>(&document(batch), &variables, Some(&repo)).await?;
    let mut edits = BTreeMap::new();
    let mut issues = answer.data.repository.unwrap_or_default();
    for (number, _) in batch {
        let Some(issue) = issues.remove(&format!("i{number}")).flatten() else { continue };
        let who = Seen { user: issue.editor.map(|editor| user(editor, own)), ..Seen::default() };
        let comments = issue.comments.map(|comments| comments.nodes).unwrap_or_default();
        let hidden = comments.into_iter().flatten().filter_map(|c| Some((c.database_id?, c.is_minimized))).collect();
        edits.insert(*number, Edit { edited: issue.last_edited_at.map(|at| (at, who)), hidden });
    }
    Ok(edits)
}

/// GraphQL leaves the end of an App's login away.
fn user(editor: Editor, own: &Identity) -> User {
    let kind = editor.kind.unwrap_or_default();
    let whole = kind != Kind::Bot || editor.login.ends_with("[bot]") || editor.login.eq_ignore_ascii_case(&own.login);
    let login = if whole { editor.login } else { format!("{}[bot]", editor.login) };
    User { login, kind }
}

fn document(batch: &[(u64, Option<Timestamp>)]) -> String {
    let mut text = String::from(
        "query IssueEdits($owner: String!, $name: String!) {\n  repository(owner: $owner, name: $name) {\n",
    );
    for (number, _) in batch {
        writeln!(
            text,
            "    i{number}: issue(number: {number}) {{ lastEditedAt editor {{ __typename login }} \
             comments(last: 100) {{ nodes {{ databaseId isMinimized }} }} }}"
        )
        .expect("a string takes all");
    }
    text.push_str("  }\n}");
    text
}

/// Reads what blocks the issues that are blocked, where it may have changed.
pub(crate) async fn read_blockers(github: &GitHub, slot: &Slot, now: Timestamp) -> Result<(), Fault> {
    let repo = slot.repo();
    for (number, updated) in slot.with(now, |snapshot| blocked(snapshot, now)) {
        let call = Call::get(slot.path(&format!("/issues/{number}/dependencies/blocked_by")));
        let list: Vec<wire::Issue> = match github.pages(call).await {
            Err(error) if error.is_absent() => continue,
            list => list?,
        };
        let blocker = |issue: wire::Issue| {
            let of = issue.repository_url.as_deref().or(issue.html_url.as_deref()).and_then(wire::repository_in);
            let here = of.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&repo.to_string()));
            Blocker { repository: of.filter(|_| !here), number: issue.number, state: issue.state }
        };
        let list = list.into_iter().map(blocker).collect();
        slot.with(now, |snapshot| {
            let Snapshot { issues, laid, .. } = snapshot;
            let Some(issue) = issues.get_mut(&number) else { return };
            issue.blockers = Some(Blockers { of: updated, at: now, sure: is_past(updated, now), list });
            Laid::check(laid, issue, now);
        });
    }
    Ok(())
}

fn blocked(snapshot: &Snapshot, now: Timestamp) -> Vec<(u64, Option<Timestamp>)> {
    let stale = |issue: &SeenIssue| match &issue.blockers {
        None => true,
        Some(blockers) => {
            let elsewhere = blockers.list.iter().any(|b| b.repository.is_some() && b.state != State::Closed);
            !blockers.sure || blockers.of != issue.updated || (elsewhere && now.duration_since(blockers.at) > ELSEWHERE)
        }
    };
    let open = snapshot.issues.values().filter(|issue| issue.state != State::Closed && issue.blocked > 0);
    open.filter(|issue| stale(issue)).map(|issue| (issue.number, issue.updated)).collect()
}

/// Whether a blocker in another repository must be looked at, though nothing changed here.
pub(crate) fn waits_elsewhere(snapshot: &Snapshot, now: Timestamp) -> bool {
    let open = snapshot.issues.values().filter(|issue| issue.state != State::Closed);
    open.filter_map(|issue| issue.blockers.as_ref()).any(|blockers| {
        let elsewhere = blockers.list.iter().any(|b| b.repository.is_some() && b.state != State::Closed);
        elsewhere && now.duration_since(blockers.at) > ELSEWHERE
    })
}
