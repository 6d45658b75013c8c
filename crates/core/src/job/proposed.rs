//! From what an agent proposed to what is written.

use crate::text::{harmless, harmless_title};
use crate::{Child, Class, Created, IssueId, JobSpec, Labels, NewIssue, Next, Outcome, Proposed, TrackerWrite, Trust};

/// The writes that an ended attempt proposed, in their order.
///
/// The texts are made [`harmless`]. What sets labels and creates issues counts only of work that is good: work that goes
/// back would do it once more. Nothing at all counts of work that came to no end of its own: the next attempt says it again.
pub(super) fn writes(job: &JobSpec, labels: &Labels, outcome: &Outcome, next: &Next) -> Vec<TrackerWrite> {
    let mut writes = Vec::new();
    let issue = &job.issue.issue;
    let class = outcome.end.class();
    if class == Class::Transient {
        return writes;
    }
    let good = class == Class::Good;
    for effect in outcome.proposal.iter().flat_map(|p| &p.effects) {
        match effect {
            Proposed::Comment { body } => {
                writes.push(TrackerWrite::Comment { issue: issue.clone(), body: harmless(body) });
            }
            Proposed::Label { add, remove } if good => writes.extend(relabel(labels, issue, add, remove)),
            Proposed::Create { issues } if good => {
                writes.extend(issues.iter().map(|new| TrackerWrite::Create(created(job, labels, new))));
            }
            Proposed::Split { children } if matches!(next, Next::Split) => {
                writes.extend(children.iter().map(|new| TrackerWrite::Create(child(job, labels, new))));
            }
            Proposed::Split { .. } | Proposed::Ask { .. } | Proposed::Label { .. } | Proposed::Create { .. } => {}
        }
    }
    writes
}

fn child(job: &JobSpec, labels: &Labels, new: &Child) -> NewIssue {
    NewIssue {
        title: harmless_title(&new.title),
        body: harmless(&new.body),
        labels: vec![labels.ready_for_dev.clone()],
        milestone: job.milestone.clone(),
        parent: Some(job.issue.issue.clone()),
        part: Some(new.key.clone()),
        after: new.after.clone(),
    }
}

/// An issue of its own. Its key holds the issue it was found at: another one's finds are others. If a stranger had a
/// say there, a person looks at it first, or their text would have become ours.
fn created(job: &JobSpec, labels: &Labels, new: &Created) -> NewIssue {
    let mut with: Vec<String> = new.labels.iter().filter(|label| !labels.is_own(label)).cloned().collect();
    if job.trust == Trust::Stranger {
        with.push(labels.human_needed.clone());
    }
    NewIssue {
        title: harmless_title(&new.title),
        body: harmless(&new.body),
        labels: with,
        part: Some(format!("{}.{}", job.issue.issue, new.key)),
        ..NewIssue::default()
    }
}

/// Labels that carry meaning to dayfly are none of an agent's, whatever the configuration says.
fn relabel(labels: &Labels, issue: &IssueId, add: &[String], remove: &[String]) -> Option<TrackerWrite> {
    let free = |names: &[String]| names.iter().filter(|name| !labels.is_own(name)).cloned().collect::<Vec<_>>();
    let (add, remove) = (free(add), free(remove));
    let any = !add.is_empty() || !remove.is_empty();
    any.then(|| TrackerWrite::Labels { issue: issue.clone(), add, remove })
}

#[cfg(test)]
mod tests;
