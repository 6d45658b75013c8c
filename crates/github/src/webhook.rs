//! Webhooks as hints: something of a repository may have changed, go and look.
//!
//! A delivery can be late, doubled, out of order or lost, so what it says of the state of things is never used. It is
//! verified, and what is left of it is a [`Hint`]: which repository, which issue or pull request. The one exception is
//! what is gone, because there is nothing left to look at.

mod payload;
mod signature;

use std::fmt;

pub use signature::verify_webhook;

use payload::Payload;

/// The most bytes of a delivery's body; GitHub sends no larger one.
pub const MAX_WEBHOOK_BYTES: usize = 25 * 1024 * 1024;

/// The most bytes of what a delivery is named by.
const MAX_WORD: usize = 200;

/// A place to look at, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The delivery's id, from the header `X-GitHub-Delivery`. A delivery that is sent again keeps it.
    pub delivery: String,
    /// The event, from the header `X-GitHub-Event`.
    pub event: String,
    /// What happened, if the event has several such words.
    pub action: Option<String>,
    /// The repository.
    pub repo: Option<HintRepo>,
    /// The number of the issue, if it is about one.
    pub issue: Option<u64>,
    /// The number of the pull request, if it is about one.
    pub pull: Option<u64>,
    /// The commit, if it is about one.
    pub sha: Option<String>,
    /// The login of who caused it; nobody if the account is gone.
    pub sender: Option<String>,
    /// What to look at.
    pub reason: HintReason,
}

/// A repository as a delivery names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintRepo {
    /// Its id, which it keeps when it is renamed or moved.
    pub id: u64,
    /// Its owner and name at the time.
    pub full_name: String,
}

/// What a hint asks to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HintReason {
    /// An issue, or its comments, children or what blocks it.
    Issue,
    /// An issue that is no longer there.
    IssueGone {
        /// Where it was moved, if it was not deleted.
        to: Option<IssuePlace>,
    },
    /// A pull request, or its reviews.
    Pull,
    /// What was said of a commit: checks, statuses, workflows.
    Checks,
    /// A branch that stands elsewhere now.
    Pushed {
        /// The full name of the reference, such as `refs/heads/main`.
        reference: String,
    },
    /// The merge queue.
    MergeQueue,
    /// The milestones.
    Milestones,
    /// The names of labels.
    Labels,
    /// The repository itself: its name, owner, settings, rules, or who may do what there.
    Repository,
    /// A repository that is no longer there.
    RepositoryGone,
    /// Which repositories there are, and what may be done in them.
    Access,
    /// Nothing: GitHub tries whether it is heard.
    Ping,
    /// Nothing of ours.
    Ignored,
}

/// Where an issue was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuePlace {
    /// The owner and name of the repository.
    pub full_name: String,
    /// Its number there.
    pub number: u64,
}

impl HintReason {
    /// Whether there is nothing to look at.
    pub fn is_nothing(&self) -> bool {
        matches!(self, HintReason::Ping | HintReason::Ignored)
    }

    /// Whether it is of no use without a repository.
    fn needs_repository(&self) -> bool {
        !self.is_nothing() && *self != HintReason::Access
    }
}

/// The form is for logs: it holds no text that a person wrote.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.event)?;
        if let Some(action) = &self.action {
            write!(f, ".{action}")?;
        }
        if let Some(repo) = &self.repo {
            write!(f, " {}", repo.full_name)?;
        }
        if let Some(number) = self.issue.or(self.pull) {
            write!(f, "#{number}")?;
        }
        write!(f, " ({})", self.delivery)
    }
}

/// Why a delivery is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No secret is configured, more than two, or an empty one.
    #[error("a webhook needs one secret, or two while it is changed, and none may be empty")]
    Secrets,
    /// There is no signature, or only one of the old form.
    #[error("the delivery is not signed; set a secret for the webhook, so that it sends `X-Hub-Signature-256`")]
    Unsigned,
    /// The signature is not that of the body.
    #[error("the delivery's signature is wrong; is the webhook's secret the one that is configured here?")]
    WrongSignature,
    /// The body is larger than GitHub sends.
    #[error("the delivery has {bytes} bytes, more than {MAX_WEBHOOK_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A header is not of the form that GitHub sends.
    #[error("the header `{header}` is missing or malformed")]
    Header {
        /// The header.
        header: &'static str,
    },
    /// The body is a web form.
    #[error("the delivery is a form; set the webhook's content type to `application/json`")]
    Form,
    /// The body is not a JSON object.
    #[error("the delivery is not a JSON object")]
    Malformed(#[source] serde_json::Error),
}

/// Makes a hint of a delivery that [`verify_webhook`] has accepted.
///
/// `event` and `delivery` are the headers `X-GitHub-Event` and `X-GitHub-Delivery`. What is not of the expected form
/// within the body counts as not there: an unknown event or a missing part is no error.
///
/// # Errors
/// The body is too large or no JSON object, or a header is none of GitHub's.
pub fn parse_webhook(event: &str, delivery: &str, body: &[u8]) -> Result<Hint, WebhookError> {
    if body.len() > MAX_WEBHOOK_BYTES {
        return Err(WebhookError::TooLarge { bytes: body.len() });
    }
    for (word, header) in [(event, "X-GitHub-Event"), (delivery, "X-GitHub-Delivery")] {
        if word.is_empty() || word.len() > MAX_WORD || !word.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(WebhookError::Header { header });
        }
    }
    if body.starts_with(b"payload=") {
        return Err(WebhookError::Form);
    }
    let payload = Payload::read(body).map_err(WebhookError::Malformed)?;
    let repo = payload.repository();
    let mut hint = Hint {
        delivery: delivery.to_owned(),
        event: event.to_owned(),
        action: payload.action(),
        repo,
        issue: None,
        pull: None,
        sha: None,
        sender: payload.sender(),
        reason: HintReason::Ignored,
    };
    hint.read(&payload);
    if hint.repo.is_none() && hint.reason.needs_repository() {
        hint.reason = HintReason::Ignored;
    }
    Ok(hint)
}

impl Hint {
    /// Finds out what it is about. An action that is not known still means that something of the thing has changed.
    fn read(&mut self, payload: &Payload) {
        self.reason = match self.event.as_str() {
            "ping" => HintReason::Ping,
            "issues" => self.of_issue(payload),
            "issue_comment" => self.of_comment(payload),
            "sub_issues" => {
                let of_parent = self.action.as_deref().is_some_and(|a| a.starts_with("sub_issue"));
                self.issue = payload.number(if of_parent { &payload.parent_issue } else { &payload.sub_issue });
                HintReason::Issue
            }
            "issue_dependencies" => {
                let of_blocked = self.action.as_deref().is_some_and(|a| a.starts_with("blocked_by"));
                self.issue = payload.number(if of_blocked { &payload.blocked_issue } else { &payload.blocking_issue });
                HintReason::Issue
            }
            "pull_request" | "pull_request_review" | "pull_request_review_comment" | "pull_request_review_thread" => {
                self.pull = payload.number(&payload.pull_request).or(payload.own_number());
                self.sha = payload.head();
                HintReason::Pull
            }
            "check_run" | "check_suite" | "status" | "workflow_run" | "workflow_job" | "deployment_status" => {
                self.sha = payload.judged();
                self.pull = payload.only_pull();
                HintReason::Checks
            }
            "merge_group" => {
                self.sha = payload.judged();
                HintReason::MergeQueue
            }
            "push" => {
                self.sha = payload.pushed();
                payload.reference().map_or(HintReason::Repository, |reference| HintReason::Pushed { reference })
            }
            "create" | "delete" => {
                payload.branch().map_or(HintReason::Ignored, |reference| HintReason::Pushed { reference })
            }
            "milestone" => HintReason::Milestones,
            "label" => HintReason::Labels,
            "repository" if self.action.as_deref() == Some("deleted") => HintReason::RepositoryGone,
            "repository"
            | "public"
            | "member"
            | "branch_protection_rule"
            | "branch_protection_configuration"
            | "repository_ruleset"
            | "team_add" => HintReason::Repository,
            "installation"
            | "installation_repositories"
            | "installation_target"
            | "github_app_authorization"
            | "membership"
            | "organization"
            | "team" => HintReason::Access,
            _ => HintReason::Ignored,
        };
    }

    /// A pull request is an issue too, and what is said of it as one comes by the same events.
    fn of_issue(&mut self, payload: &Payload) -> HintReason {
        if payload.is_pull() {
            self.pull = payload.number(&payload.issue);
            return HintReason::Pull;
        }
        self.issue = payload.number(&payload.issue);
        match self.action.as_deref() {
            Some("deleted") => HintReason::IssueGone { to: None },
            Some("transferred") => HintReason::IssueGone { to: payload.moved_to() },
            _ => HintReason::Issue,
        }
    }

    /// A deleted comment is no deleted issue.
    fn of_comment(&mut self, payload: &Payload) -> HintReason {
        if payload.is_pull() {
            self.pull = payload.number(&payload.issue);
            return HintReason::Pull;
        }
        self.issue = payload.number(&payload.issue);
        HintReason::Issue
    }
}

#[cfg(test)]
mod tests;
