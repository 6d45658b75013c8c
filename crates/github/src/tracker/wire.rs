//! What GitHub says of issues: the fields that are read, and no more. Anything may be missing.

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// An account. That of a deleted one is missing altogether.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) login: String,
    #[serde(default, rename = "type", skip_serializing_if = "Kind::is_person")]
    pub(crate) kind: Kind,
}

/// What an account is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[default]
    User,
    Bot,
    #[serde(other)]
    Other,
}

impl Kind {
    fn is_person(&self) -> bool {
        *self == Kind::User
    }
}

impl User {
    /// Whether it is a program's.
    pub(crate) fn is_program(&self) -> bool {
        self.kind == Kind::Bot || self.login.ends_with("[bot]")
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    #[default]
    Open,
    Closed,
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Completed,
    NotPlanned,
    Duplicate,
    Reopened,
    #[serde(other)]
    Other,
}

/// How an author is said to stand to the repository. Members who keep their membership private are said to be outsiders,
/// so it grants nothing and denies nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Association {
    Owner,
    Member,
    Collaborator,
    #[default]
    #[serde(other)]
    Other,
}

/// A label of an issue; GitHub's description allows both forms.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Label {
    Named { name: String },
    Name(String),
    Other(IgnoredAny),
}

impl Label {
    pub(crate) fn into_name(self) -> Option<String> {
        match self {
            Label::Named { name } | Label::Name(name) => Some(name),
            Label::Other(_) => None,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct InMilestone {
    pub(crate) title: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dependencies {
    #[serde(default)]
    pub(crate) blocked_by: u32,
    #[serde(default)]
    pub(crate) total_blocked_by: u32,
}

/// An issue, or a pull request, which GitHub lists among the issues.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) user: Option<User>,
    #[serde(default)]
    pub(crate) labels: Vec<Label>,
    #[serde(default)]
    pub(crate) milestone: Option<InMilestone>,
    #[serde(default)]
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) state_reason: Option<Reason>,
    #[serde(default)]
    pub(crate) pull_request: Option<IgnoredAny>,
    #[serde(default)]
    pub(crate) comments: u64,
    #[serde(default)]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) html_url: Option<String>,
    #[serde(default)]
    pub(crate) repository_url: Option<String>,
    #[serde(default)]
    pub(crate) author_association: Option<Association>,
    #[serde(default)]
    pub(crate) performed_via_github_app: Option<IgnoredAny>,
    #[serde(default)]
    pub(crate) assignees: Option<Vec<User>>,
    #[serde(default)]
    pub(crate) parent_issue_url: Option<String>,
    #[serde(default)]
    pub(crate) issue_dependencies_summary: Option<Dependencies>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) user: Option<User>,
    #[serde(default)]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) issue_url: Option<String>,
    #[serde(default)]
    pub(crate) author_association: Option<Association>,
    #[serde(default)]
    pub(crate) performed_via_github_app: Option<IgnoredAny>,
    #[serde(default)]
    pub(crate) minimized: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Milestone {
    pub(crate) number: u64,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) due_on: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EventLabel {
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// Something that happened to an issue.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Happening {
    #[serde(default)]
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) actor: Option<User>,
    #[serde(default)]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) label: Option<EventLabel>,
    #[serde(default)]
    pub(crate) performed_via_github_app: Option<IgnoredAny>,
}

/// What somebody may do. `permission` holds the old names, in which `maintain` is `write` and `triage` is `read`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Permission {
    #[serde(default)]
    pub(crate) permission: String,
}

/// A repository.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Repository {
    pub(crate) full_name: String,
}

/// A label of a repository.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RepoLabel {
    pub(crate) name: String,
}

/// The number at the end of an issue's address, if the address is of that repository.
pub(crate) fn number_in(url: &str) -> Option<u64> {
    url.rsplit('/').next()?.parse().ok()
}

/// `owner/name` in an address of the API below `/repos/`.
pub(crate) fn repository_in(url: &str) -> Option<String> {
    let mut parts = url.split_once("/repos/")?.1.split('/');
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_new_is_no_error() {
        let bare: Issue = serde_json::from_str(r#"{"id": 9, "number": 1}"#).unwrap();
        assert!(bare.user.is_none() && bare.labels.is_empty() && bare.state == State::Open);
        let new = r#"{"id": 9, "number": 1, "user": {"login": "m", "type": "Mannequin"}, "state": "frozen", "body": null,
            "state_reason": "reconsidered", "author_association": "FIRST_TIMER", "labels": ["a", {"name": "b"}, {"id": 1}, 7],
            "assignees": null, "milestone": null, "pull_request": {}}"#;
        let issue: Issue = serde_json::from_str(new).unwrap();
        assert_eq!((issue.state, issue.state_reason), (State::Other, Some(Reason::Other)));
        assert_eq!(issue.author_association, Some(Association::Other));
        assert!(issue.pull_request.is_some());
        let names: Vec<_> = issue.labels.into_iter().filter_map(Label::into_name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(issue.user.unwrap().kind, Kind::Other);
    }

    #[test]
    fn addresses_name_an_issue() {
        let url = "https://api.github.com/repos/acme/web/issues/17";
        assert_eq!((number_in(url), repository_in(url)), (Some(17), Some("acme/web".into())));
        assert_eq!(repository_in("https://api.github.com/repositories/5/issues/17"), None);
    }
}
