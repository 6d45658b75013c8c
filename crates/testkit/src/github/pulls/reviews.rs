//! Reviews and their threads.

use jiff::Timestamp;

use crate::github::deeds::{At, By};
use crate::github::reply::Reply;
use crate::github::state::{Happened, State};

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReviewState {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

impl ReviewState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }

    /// What an event of a request leads to.
    pub(crate) fn of_event(event: &str) -> Option<Self> {
        match event {
            "APPROVE" => Some(Self::Approved),
            "REQUEST_CHANGES" => Some(Self::ChangesRequested),
            "COMMENT" => Some(Self::Commented),
            _ => None,
        }
    }
}

/// A review.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) user: u64,
    pub(crate) body: String,
    pub(crate) state: ReviewState,
    pub(crate) commit: String,
    pub(crate) at: Timestamp,
}

/// A conversation about a line.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) line: Option<u64>,
    pub(crate) commit: String,
    pub(crate) resolved_by: Option<u64>,
    /// Whether the file has changed since.
    pub(crate) outdated: bool,
    pub(crate) comments: Vec<ThreadComment>,
}

/// What was said in it.
#[derive(Debug, Clone)]
pub(crate) struct ThreadComment {
    pub(crate) id: u64,
    pub(crate) review: Option<u64>,
    pub(crate) user: u64,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
}

/// A thread to be begun.
#[derive(Debug, Clone)]
pub(crate) struct NewThread {
    pub(crate) path: String,
    pub(crate) line: Option<u64>,
    pub(crate) body: String,
    pub(crate) review: Option<u64>,
}

impl State {
    /// Reviews a pull request, and gives the review's id.
    pub(crate) fn review(&mut self, at: At, by: By, state: ReviewState, body: &str) -> Result<u64, Reply> {
        let issue = self.at(at)?;
        let own = issue.author.user == Some(by.user);
        let word = match state {
            ReviewState::Approved if own => Some("approve"),
            ReviewState::ChangesRequested if own => Some("request changes on"),
            _ => None,
        };
        if let Some(word) = word {
            return Err(Reply::unprocessable(&format!("Can not {word} your own pull request")));
        }
        let (id, now) = (self.next_id(), self.now());
        let pull = self.pull_mut(at).ok_or_else(Reply::not_found)?;
        let commit = pull.head_sha.clone();
        pull.reviewers.retain(|known| *known != by.user);
        pull.reviews.push(Review { id, user: by.user, body: body.to_owned(), state, commit, at: now });
        self.touch(at);
        self.settle(at.repo);
        Ok(id)
    }

    /// Takes a review back, for everybody.
    pub(crate) fn dismiss_review(&mut self, at: At, by: By, review: u64) -> Result<(), Reply> {
        let pull = self.pull_mut(at).ok_or_else(Reply::not_found)?;
        let known = pull.reviews.iter_mut().find(|known| known.id == review).ok_or_else(Reply::not_found)?;
        if !matches!(known.state, ReviewState::Approved | ReviewState::ChangesRequested) {
            return Err(Reply::unprocessable("Can not dismiss a commented pull request review"));
        }
        known.state = ReviewState::Dismissed;
        self.happened(at, by, Happened::Other("review_dismissed"));
        self.settle(at.repo);
        Ok(())
    }

    /// Begins a thread, and gives the id of its comment.
    pub(crate) fn begin_thread(&mut self, at: At, by: By, new: NewThread) -> Result<u64, Reply> {
        let (thread, id, now) = (self.next_id(), self.next_id(), self.now());
        let pull = self.pull_mut(at).ok_or_else(Reply::not_found)?;
        let comment = ThreadComment { id, review: new.review, user: by.user, body: new.body, at: now };
        pull.threads.push(Thread {
            id: thread,
            path: new.path,
            line: new.line,
            commit: pull.head_sha.clone(),
            resolved_by: None,
            outdated: false,
            comments: vec![comment],
        });
        self.touch(at);
        Ok(id)
    }

    /// Answers in the thread of a comment, and gives the id of the answer.
    pub(crate) fn reply_in_thread(&mut self, at: At, by: By, comment: u64, body: &str) -> Result<u64, Reply> {
        let (id, now) = (self.next_id(), self.now());
        let pull = self.pull_mut(at).ok_or_else(Reply::not_found)?;
        let holds = |thread: &&mut Thread| thread.comments.iter().any(|known| known.id == comment);
        let thread = pull.threads.iter_mut().find(holds).ok_or_else(Reply::not_found)?;
        thread.comments.push(ThreadComment { id, review: None, user: by.user, body: body.to_owned(), at: now });
        self.touch(at);
        Ok(id)
    }

    /// Where a thread is, by its id.
    pub(crate) fn thread_at(&self, thread: u64) -> Option<At> {
        let holds = |at: &At| self.pull(*at).is_some_and(|pull| pull.threads.iter().any(|known| known.id == thread));
        let places = self.repos.values().flat_map(|repo| repo.issues.keys().map(|n| At { repo: repo.id, number: *n }));
        places.into_iter().find(holds)
    }

    /// Resolves a thread, or opens it again.
    pub(crate) fn set_resolved(&mut self, thread: u64, by: By, resolved: bool) -> bool {
        let Some(at) = self.thread_at(thread) else { return false };
        let known = self.pull_mut(at).and_then(|pull| pull.threads.iter_mut().find(|known| known.id == thread));
        if let Some(known) = known {
            known.resolved_by = resolved.then_some(by.user);
        }
        self.settle(at.repo);
        true
    }
}
