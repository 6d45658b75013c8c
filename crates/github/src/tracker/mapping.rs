//! From what was seen to the issues of core.

use std::collections::BTreeMap;

use dayfly_core::{Author, Comment, Counts, Issue, IssueFacts, IssueId, Milestone, TrackerState, Trust};
use jiff::Timestamp;

use super::marker::Marker;
use super::seen::{Doing, Seen, SeenComment, SeenEvent, SeenIssue};
use super::snapshot::Snapshot;
use super::trust::{Approval, Question, Standing, approval};
use super::wire::State;
use crate::Identity;

/// What is needed to read a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapping<'a> {
    /// Who dayfly is.
    pub(crate) own: &'a Identity,
    /// The labels that ask for work.
    pub(crate) entries: &'a [String],
    /// The labels that say how soon an issue's turn comes.
    pub(crate) ranks: &'a [String],
    pub(crate) snapshot: &'a Snapshot,
}

/// The marker and the text of something that dayfly wrote.
type Own<'a> = Option<(Marker, &'a str)>;

impl<'a> Mapping<'a> {
    /// The issues, ordered by number.
    pub(crate) fn issues(&self) -> Vec<Issue> {
        let markers: BTreeMap<u64, Own<'_>> =
            self.snapshot.issues.values().map(|issue| (issue.number, self.own(&issue.author, &issue.body))).collect();
        self.snapshot.issues.values().filter_map(|issue| self.issue(issue, &markers)).collect()
    }

    /// The milestones.
    pub(crate) fn milestones(&self) -> Vec<Milestone> {
        let milestone = |m: &super::seen::SeenMilestone| Milestone {
            title: m.title.clone(),
            due: m.due,
            state: if m.closed { TrackerState::Closed } else { TrackerState::Open },
            counts: m.counts.map(|(open, closed)| Counts { open, closed }),
        };
        self.snapshot.milestones.iter().map(milestone).collect()
    }

    /// The marker of a text, if dayfly's own account wrote it.
    pub(crate) fn own<'t>(&self, author: &Seen, text: &'t str) -> Own<'t> {
        if is_own(author, self.own) { Marker::split(text) } else { None }
    }

    fn issue(&self, seen: &SeenIssue, markers: &BTreeMap<u64, Own<'a>>) -> Option<Issue> {
        let found = markers.get(&seen.number).cloned().flatten();
        let comments = self.comments(seen);
        let facts = self.facts(seen, markers, &comments);
        let (marker, body) = match found {
            Some((marker, body)) => (Some(marker), body.to_owned()),
            None => (None, unix(&seen.body)),
        };
        let parent = seen.parent.or_else(|| marker.as_ref()?.parent);
        Some(Issue {
            id: id(seen.number)?,
            title: seen.title.clone(),
            body,
            labels: seen.labels.clone(),
            milestone: seen.milestone.clone(),
            state: if seen.state == State::Closed { TrackerState::Closed } else { TrackerState::Open },
            author: self.author(&seen.author, marker.is_some()),
            parent: parent.and_then(id),
            comments,
            facts,
        })
    }

    fn facts(&self, seen: &SeenIssue, markers: &BTreeMap<u64, Own<'a>>, comments: &[Comment]) -> IssueFacts {
        let marker = markers.get(&seen.number).and_then(|own| own.as_ref()).map(|(marker, _)| marker);
        let details = seen.details.as_ref();
        let edited = details.and_then(|d| d.edited.as_ref()).filter(|_| marker.is_none());
        let Approval { by, unproven } = self.approval(seen, marker.is_some());
        IssueFacts {
            url: seen.url.clone(),
            key: marker.and_then(|m| m.key.clone()),
            part: marker.and_then(|m| m.part.clone()),
            opened: seen.opened,
            active: self.active(seen, marker.is_some(), comments),
            edited: edited.map(|(at, _)| *at),
            edited_by: edited.map(|(_, who)| self.author(who, false)),
            blocked_by: self.blocked_by(seen, markers),
            approved_by: by,
            unproven,
            assignees: seen.assignees.clone(),
        }
    }

    /// The comments, oldest first: their ids grow.
    fn comments(&self, seen: &SeenIssue) -> Vec<Comment> {
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        let mut list = Vec::with_capacity(seen.comments.len());
        for comment in seen.comments.values() {
            let own = self.own(&comment.author, &comment.body).filter(|(marker, body)| match &marker.key {
                // A key is written once: with another text, it is a copy that a person pasted who shares the account.
                Some(key) => known.entry(key.clone()).or_insert(body) == body,
                None => true,
            });
            list.push(self.comment(comment, own));
        }
        list
    }

    fn comment(&self, seen: &SeenComment, own: Own<'_>) -> Comment {
        let is_own = own.is_some();
        let (key, topic, body) = match own {
            Some((marker, body)) => (marker.key, marker.topic, body.to_owned()),
            None => (None, None, unix(&seen.body)),
        };
        let edited = seen.updated.filter(|updated| seen.at.is_some_and(|at| *updated > at));
        Comment {
            author: self.author(&seen.author, is_own),
            at: seen.at,
            key,
            topic,
            edited,
            hidden: seen.hidden,
            body,
        }
    }

    /// How somebody stands; `own` says whether what they did bears dayfly's marker.
    fn standing(&self, who: &Seen, own: bool) -> Standing {
        let Some(login) = who.login() else { return Standing::Stranger };
        let itself = login.eq_ignore_ascii_case(&self.own.login);
        match () {
            () if own || (itself && !self.own.is_shared()) => Standing::Own,
            () if who.is_program() => Standing::Program,
            // A person who shares the account with dayfly may do what dayfly may.
            () if itself || self.is_writer(login) => Standing::Writer,
            () => Standing::Stranger,
        }
    }

    fn is_writer(&self, login: &str) -> bool {
        self.snapshot.people.get(&login.to_ascii_lowercase()).is_some_and(|permitted| permitted.writer)
    }

    fn author(&self, who: &Seen, own: bool) -> Author {
        let standing = self.standing(who, own);
        let trust = match standing {
            Standing::Own | Standing::Writer => Trust::Writer,
            Standing::Program | Standing::Stranger => Trust::Stranger,
        };
        let bot = matches!(standing, Standing::Own | Standing::Program);
        Author { name: who.login().unwrap_or("ghost").to_owned(), trust, bot }
    }

    fn approval(&self, seen: &SeenIssue, own: bool) -> Approval {
        let Some(details) = &seen.details else { return Approval::default() };
        let deeds = details.deeds(|event| self.standing_of(seen, event));
        approval(Question {
            deeds: &deeds,
            edited: details.edited.as_ref().map(|(at, who)| (*at, self.standing(who, false))),
            author: self.standing(&seen.author, own),
            labels: &seen.labels,
            entries: self.entries,
            ranks: self.ranks,
        })
    }

    /// How whoever put a label on, or took it off, stands. Where a person shares dayfly's account, what dayfly remembers of its own labels
    /// tells the two apart.
    fn standing_of(&self, seen: &SeenIssue, event: &SeenEvent) -> Standing {
        let standing = self.standing(&event.actor, false);
        let itself = event.actor.login().is_some_and(|login| login.eq_ignore_ascii_case(&self.own.login));
        let about_label = matches!(event.what, Doing::Labelled(_) | Doing::Unlabelled(_));
        if !itself || standing == Standing::Own || !about_label {
            return standing;
        }
        // Before there was a memory, dayfly put labels only on issues on which it also wrote.
        let written = || seen.comments.values().any(|c| self.own(&c.author, &c.body).is_some());
        let forgotten = event.at < self.snapshot.born && written();
        let remembered = self.snapshot.is_own_label(seen.number, &event.what, event.at);
        // An issue of dayfly's own has the labels that it was made with.
        let made = self.own(&seen.author, &seen.body).is_some() && seen.opened.is_some_and(|at| event.at <= at);
        if forgotten || remembered || made { Standing::Own } else { standing }
    }

    /// When a person last did something.
    fn active(&self, seen: &SeenIssue, own: bool, comments: &[Comment]) -> Option<Timestamp> {
        let person = |who: &Seen| matches!(self.standing(who, false), Standing::Writer | Standing::Stranger);
        let opened = seen.opened.filter(|_| !own && person(&seen.author));
        let said = comments.iter().filter(|c| !c.is_own() && !c.author.bot).filter_map(|c| c.edited.max(c.at)).max();
        let details = seen.details.as_ref();
        let edited = details.and_then(|d| d.edited.as_ref()).filter(|(_, who)| !own && person(who)).map(|(at, _)| *at);
        let events = details.map(|d| d.events.as_slice()).unwrap_or_default().iter();
        let by_person = |event: &&SeenEvent| {
            let itself = event.actor.login().is_some_and(|login| login.eq_ignore_ascii_case(&self.own.login));
            // What a shared account did besides writing may have been dayfly's doing.
            !itself && person(&event.actor)
        };
        let done = events.filter(by_person).map(|event| event.at).max();
        opened.max(said).max(edited).max(done)
    }

    /// The open issues that block it: as dependencies, by the parts it comes after, or as dayfly noted in a comment where
    /// there are no dependencies.
    fn blocked_by(&self, seen: &SeenIssue, markers: &BTreeMap<u64, Own<'a>>) -> Vec<String> {
        let mut numbers: Vec<u64> = Vec::new();
        let mut elsewhere: Vec<String> = Vec::new();
        for blocker in seen.blockers.iter().flat_map(|b| &b.list) {
            match &blocker.repository {
                None => numbers.push(blocker.number),
                Some(name) if blocker.state != State::Closed => elsewhere.push(format!("{name}#{}", blocker.number)),
                Some(_) => {}
            }
        }
        let marker = markers.get(&seen.number).and_then(|own| own.as_ref()).map(|(marker, _)| marker);
        if let Some((marker, parent)) = marker.and_then(|m| Some((m, m.parent?))).filter(|(m, _)| m.noted) {
            let sibling =
                |m: &Marker| m.parent == Some(parent) && m.part.as_ref().is_some_and(|p| marker.after.contains(p));
            numbers.extend(
                markers.iter().filter(|(_, own)| own.as_ref().is_some_and(|(m, _)| sibling(m))).map(|(n, _)| *n),
            );
        }
        let noted = seen.comments.values().filter_map(|c| self.own(&c.author, &c.body));
        numbers.extend(noted.flat_map(|(marker, _)| marker.by));
        numbers.sort_unstable();
        numbers.dedup();
        // One that is not known any more was closed long ago, or deleted.
        let open = |n: &u64| *n != seen.number && self.snapshot.issues.get(n).is_some_and(|i| i.state != State::Closed);
        let here = numbers.into_iter().filter(open).map(|n| n.to_string());
        here.chain(elsewhere).collect()
    }
}

/// Whether it is dayfly's own account.
pub(crate) fn is_own(who: &Seen, own: &Identity) -> bool {
    who.login().is_some_and(|login| login.eq_ignore_ascii_case(&own.login))
}

fn id(number: u64) -> Option<IssueId> {
    IssueId::new(number.to_string()).ok()
}

/// With line ends as git has them; the web page sends others.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}
