//! What is seen of pull requests, as events.

use crate::job::{close, key_effects, move_label};
use crate::text::harmless;
use crate::{
    Effect, EffectEntry, Event, Issue, IssueRef, IssueState, Phase, Project, Pull, PullState, PullWrite, Stage,
    TrackerWrite,
};

use super::super::PlanInput;
use super::super::follow::{Follow, FollowInput, follow};

/// What follows from the pull request of an issue whose change was handed to the forge.
pub(super) fn observe_pull(
    input: &PlanInput<'_>,
    issue_ref: &IssueRef,
    known: &IssueState,
    (issue, pull): (&Issue, &Pull),
) -> Option<Event> {
    let Phase::Handed { commit, .. } = &known.phase else { return None };
    let project = input.portfolio.projects.get(&issue_ref.project)?;
    // Who pauses an issue or a project wants nothing merged of it; what people did there is seen all the same.
    let paused = project.paused || input.state.control.holds(issue_ref).is_some();
    if paused && pull.state == PullState::Open {
        return None;
    }
    let labels = &input.portfolio.labels;
    let on_pull = |held: &str| pull.labels.iter().any(|l| l.eq_ignore_ascii_case(held));
    let held = labels.holding().into_iter().find_map(|held| match held {
        held if on_pull(held) => Some(("it", held)),
        held if issue.has_label(held) => Some(("its issue", held)),
        _ => None,
    });
    let followed = follow(&FollowInput {
        known: known.pull.as_ref(),
        commit,
        pull,
        policy: project.merge,
        forge: &input.portfolio.github,
        base: &project.base,
        held,
        now: input.now,
    });
    let out = Out { input, issue_ref, issue };
    let issue = issue_ref.clone();
    Some(match followed {
        Follow::Same => return None,
        Follow::Seen(record, writes) => Event::PullSeen { issue, pull: record, effects: out.keyed(writes, Vec::new()) },
        Follow::Merged(writes, commit) => {
            Event::Merged { issue, effects: out.keyed(writes, close(labels, &issue_ref.issue).into()), commit }
        }
        Follow::Anew => out.back(known.stage.clone(), None, project),
        Follow::Back(feedback) => {
            let stage = project.pipeline.stage(&known.stage)?;
            let used = known.rounds.get(&stage.name).copied().unwrap_or(0);
            if stage.on_fail == stage.name || used >= stage.rounds {
                let why = format!("its pull request came back {used} times: {}", feedback.reason);
                return Some(out.stopped(why, "look at the pull request, or make the issue smaller"));
            }
            out.back(stage.on_fail.clone(), Some(feedback), project)
        }
        Follow::Stopped(why, remedy) => out.stopped(why, remedy),
    })
}

/// What the effects of an event are made from.
struct Out<'a> {
    input: &'a PlanInput<'a>,
    issue_ref: &'a IssueRef,
    issue: &'a Issue,
}

impl Out<'_> {
    /// The place in the ledger makes keys that no other event has.
    fn keyed(&self, pulls: Vec<PullWrite>, writes: Vec<TrackerWrite>) -> Vec<EffectEntry> {
        let state = self.input.state;
        let scope = format!("{}.pull.{}{}", self.issue_ref, state.head.0, state.mark);
        let project = || self.issue_ref.project.clone();
        let pulls = pulls.into_iter().map(|write| Effect::Pull { project: project(), write });
        let writes = writes.into_iter().map(|write| Effect::Tracker { project: project(), write });
        key_effects(&scope, self.issue_ref, pulls.chain(writes).collect())
    }

    fn back(&self, stage: crate::StageName, feedback: Option<crate::Feedback>, project: &Project) -> Event {
        let labels = &self.input.portfolio.labels;
        let label = project.pipeline.stage(&stage).and_then(|stage: &Stage| stage.label.as_deref());
        let label = label.unwrap_or(&labels.in_progress);
        let effects = self.keyed(Vec::new(), vec![move_label(labels, &self.issue.id, Some(label))]);
        Event::SentBack { issue: self.issue_ref.clone(), stage, feedback, effects }
    }

    fn stopped(&self, why: String, remedy: &str) -> Event {
        let labels = &self.input.portfolio.labels;
        let label = labels.human_needed.as_str();
        let issue = self.issue.id.clone();
        // It names checks and people, and repeats what others say.
        let body = format!("{}\n\nWhat helps: {remedy}, then take the label `{label}` away.", harmless(&why));
        let writes =
            vec![TrackerWrite::Comment { issue: issue.clone(), body }, move_label(labels, &issue, Some(label))];
        let effects = self.keyed(Vec::new(), writes);
        Event::Stopped { issue: self.issue_ref.clone(), reason: why, remedy: remedy.to_owned(), effects }
    }
}
