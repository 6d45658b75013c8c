//! Names and identifiers, each of its own type.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A name that may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {what} `{name}` may hold only letters, digits, `-` and `_`{}, must start with a letter or digit, and be at most 64 long", if *dots { ", and dots inside" } else { "" }
)]
pub struct NameError {
    /// Whether it might have held dots.
    pub dots: bool,
    /// What was to be named.
    pub what: &'static str,
    /// The text that was refused.
    pub name: String,
}

fn checked(what: &'static str, dots: bool, name: String) -> Result<String, NameError> {
    let fine = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (dots && c == '.'))
        // As a part of a git ref it would be refused.
        && !(name.contains("..") || name.ends_with('.') || name.ends_with(".lock"));
    if fine { Ok(name) } else { Err(NameError { dots, what, name }) }
}

/// Makes a string newtype whose values are safe as a file name, a git ref part and a word on a terminal. A copy
/// shares the text: names are keys of most maps, and copied for each look-up.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, dots = $dots:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks and takes the name.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                checked($what, $dots, name.into()).map(|name| Self(name.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                (*name.0).to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// The name of a project in the portfolio.
    ProjectName, "project name", dots = false
);
name!(
    /// The name of a stage of the pipeline.
    StageName, "stage name", dots = false
);
name!(
    /// The name under which an agent is configured.
    AgentName, "agent name", dots = true
);
name!(
    /// The name of an account at a vendor of agents.
    AccountName, "account name", dots = true
);
name!(
    /// A vendor of agents: whose servers answer. For any other program it is the program's own name as an agent.
    VendorName, "vendor name", dots = true
);
name!(
    /// The id of an issue within its tracker.
    IssueId, "issue id", dots = true
);
name!(
    /// The id of an order: what makes it count once.
    OrderId, "order id", dots = false
);
/// The id of one try at a job: `PROJECT.ISSUE.STAGE.N`, where N counts the issue's attempts over its life. No two
/// attempts share one, because only the issue's part may hold dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(Arc<str>);

impl AttemptId {
    /// The id of the `number`th attempt at `issue`.
    pub fn new(issue: &IssueRef, stage: &StageName, number: u32) -> Self {
        Self(format!("{}.{}.{stage}.{number}", issue.project, issue.issue).into())
    }

    /// An id typed by a person; whether it exists is for the ledger to say.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The issue that it names, if it is made as an attempt's id is.
    pub fn issue(&self) -> Option<IssueRef> {
        self.number()?;
        let (rest, _number) = self.0.rsplit_once('.')?;
        let (issue, _stage) = rest.rsplit_once('.')?;
        let (project, id) = issue.split_once('.')?;
        Some(IssueRef::new(ProjectName::new(project).ok()?, IssueId::new(id).ok()?))
    }

    /// Which of its issue's attempts it is, if it is made as an attempt's id is.
    pub fn number(&self) -> Option<u32> {
        self.0.rsplit_once('.')?.1.parse().ok()
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An issue of a project, shown as `project#id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssueRef {
    /// The project whose tracker holds it.
    pub project: ProjectName,
    /// Its id there.
    pub issue: IssueId,
}

impl IssueRef {
    /// Joins a project and an issue id.
    pub fn new(project: ProjectName, issue: IssueId) -> Self {
        Self { project, issue }
    }
}

impl TryFrom<String> for IssueRef {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        let (project, issue) =
            text.split_once('#').ok_or(NameError { dots: true, what: "issue reference", name: text.clone() })?;
        Ok(Self { project: ProjectName::new(project)?, issue: IssueId::new(issue)? })
    }
}

impl From<IssueRef> for String {
    fn from(issue: IssueRef) -> String {
        issue.to_string()
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}#{}", self.project, self.issue))
    }
}

/// A full git object name of a commit, as git printed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commit(pub String);

impl Commit {
    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A SHA-256 digest in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Self(hex)
    }

    /// The digest that stands before the first record of a ledger.
    pub fn zero() -> Self {
        Self("0".repeat(64))
    }

    /// The digest as hexadecimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The content id of a frozen job: the same content has the same id on every machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub Digest);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str().get(..16).unwrap_or_default())
    }
}

/// The place of a record in the ledger; the first is 1, and 0 stands before it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// A fencing token: it grows with every claim of the whole store, and only its holder may finish the attempt.
pub type Token = Seq;

/// The number of the engine's take-over of a store; writes of an earlier one are refused.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_its_folder_is_refused() {
        for bad in ["", ".", "..", "../x", "a/b", "a b", "-a", "a..b", "a.", "a.lock", &"x".repeat(65)] {
            assert!(ProjectName::new(bad).is_err(), "{bad:?}");
            assert!(IssueId::new(bad).is_err(), "{bad:?}");
        }
        assert!(ProjectName::new("web-2_0x").is_ok());
        assert!(IssueId::new("web-2.0_x").is_ok());
    }

    /// Two issues once shared an attempt: the end of one was booked to the other.
    #[test]
    fn no_two_issues_share_an_attempt() {
        assert!(ProjectName::new("w.1").is_err() && StageName::new("exec.1").is_err());
        let exec = StageName::new("exec").unwrap();
        let id = |issue: &str| AttemptId::new(&IssueRef::try_from(issue.to_owned()).unwrap(), &exec, 1);
        assert_ne!(id("w#1.2"), id("w#1"));
    }

    #[test]
    fn an_issue_reference_reads_back_what_it_shows() {
        let issue = IssueRef::try_from("web#12".to_owned()).unwrap();
        assert_eq!(issue.to_string(), "web#12");
        assert!(IssueRef::try_from("web".to_owned()).is_err());
    }

    #[test]
    fn the_digest_is_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
    }
}
