//! The few parts of a payload that make a hint; everything else is passed over.

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::{HintRepo, IssuePlace};

/// A part that counts as not there when it has another form than the expected one.
#[derive(Debug, Clone)]
pub(super) struct Part<T>(Option<T>);

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Part<T> {
    fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Read(T),
            Other(IgnoredAny),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Read(read) => Self(Some(read)),
            Either::Other(_) => Self(None),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    #[serde(default)]
    action: Part<String>,
    #[serde(default)]
    number: Part<u64>,
    #[serde(default)]
    repository: Part<Repository>,
    #[serde(default)]
    sender: Part<Sender>,
    #[serde(default)]
    pub(super) issue: Part<Item>,
    #[serde(default)]
    pub(super) parent_issue: Part<Item>,
    #[serde(default)]
    pub(super) sub_issue: Part<Item>,
    #[serde(default)]
    pub(super) blocked_issue: Part<Item>,
    #[serde(default)]
    pub(super) blocking_issue: Part<Item>,
    #[serde(default)]
    pub(super) pull_request: Part<Item>,
    #[serde(default)]
    changes: Part<Changes>,
    #[serde(default)]
    check_run: Part<Judged>,
    #[serde(default)]
    check_suite: Part<Judged>,
    #[serde(default)]
    workflow_run: Part<Judged>,
    #[serde(default)]
    workflow_job: Part<Judged>,
    #[serde(default)]
    merge_group: Part<Judged>,
    #[serde(default)]
    deployment: Part<Judged>,
    #[serde(default)]
    sha: Part<String>,
    #[serde(default)]
    after: Part<String>,
    #[serde(default, rename = "ref")]
    reference: Part<String>,
    #[serde(default)]
    ref_type: Part<String>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    id: u64,
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct Sender {
    login: String,
}

/// An issue or a pull request.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    number: u64,
    #[serde(default)]
    pull_request: Part<PullMark>,
    #[serde(default)]
    head: Part<Head>,
}

/// What an issue carries that is a pull request; only that it is an object counts.
#[derive(Debug, Deserialize)]
struct PullMark {}

#[derive(Debug, Deserialize)]
struct Head {
    sha: String,
}

#[derive(Debug, Deserialize)]
struct Changes {
    #[serde(default)]
    new_issue: Part<Item>,
    #[serde(default)]
    new_repository: Part<Repository>,
}

/// Something that says how good a commit is.
#[derive(Debug, Deserialize)]
struct Judged {
    #[serde(default)]
    head_sha: Part<String>,
    #[serde(default)]
    sha: Part<String>,
    #[serde(default)]
    pull_requests: Part<Vec<Item>>,
    #[serde(default)]
    check_suite: Part<Box<Judged>>,
}

impl Payload {
    /// Reads a body. A list would do for a struct's fields in their order, and is no payload.
    pub(super) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        if body.trim_ascii_start().first() == Some(&b'[') {
            return Err(serde_json::Error::custom("a list"));
        }
        serde_json::from_slice(body)
    }

    pub(super) fn action(&self) -> Option<String> {
        self.action.get().filter(|a| is_word(a)).cloned()
    }

    pub(super) fn repository(&self) -> Option<HintRepo> {
        let Repository { id, full_name } = self.repository.get()?;
        is_full_name(full_name).then(|| HintRepo { id: *id, full_name: full_name.clone() })
    }

    pub(super) fn sender(&self) -> Option<String> {
        self.sender.get().map(|s| &s.login).filter(|l| is_word(l)).cloned()
    }

    pub(super) fn number(&self, item: &Part<Item>) -> Option<u64> {
        item.get().map(|item| item.number).filter(|n| *n > 0)
    }

    pub(super) fn own_number(&self) -> Option<u64> {
        self.number.get().copied().filter(|n| *n > 0)
    }

    pub(super) fn is_pull(&self) -> bool {
        self.issue.get().is_some_and(|issue| issue.pull_request.get().is_some())
    }

    pub(super) fn head(&self) -> Option<String> {
        commit(&self.pull_request.get()?.head.get()?.sha)
    }

    pub(super) fn pushed(&self) -> Option<String> {
        commit(self.after.get()?)
    }

    /// The one pull request whose head was judged; with several it is the commit that counts.
    pub(super) fn only_pull(&self) -> Option<u64> {
        let mut pulls = self.judgements().flat_map(Judged::pulls);
        let first = pulls.next()?;
        pulls.all(|other| other == first).then_some(first)
    }

    /// The commit that something was said of.
    pub(super) fn judged(&self) -> Option<String> {
        self.judgements().find_map(Judged::commit).or_else(|| commit(self.sha.get()?))
    }

    fn judgements(&self) -> impl Iterator<Item = &Judged> {
        let parts = [
            &self.check_run,
            &self.check_suite,
            &self.workflow_run,
            &self.workflow_job,
            &self.merge_group,
            &self.deployment,
        ];
        parts.into_iter().filter_map(Part::get)
    }

    /// The reference that was pushed to.
    pub(super) fn reference(&self) -> Option<String> {
        self.reference.get().filter(|r| is_reference(r)).cloned()
    }

    /// The branch that was made or taken away; such an event names it without what all branches begin with.
    pub(super) fn branch(&self) -> Option<String> {
        let is_branch = self.ref_type.get().is_some_and(|t| t == "branch");
        let name = self.reference.get().filter(|_| is_branch)?;
        let full = if name.starts_with("refs/") { name.clone() } else { format!("refs/heads/{name}") };
        is_reference(&full).then_some(full)
    }

    pub(super) fn moved_to(&self) -> Option<IssuePlace> {
        let changes = self.changes.get()?;
        let full_name = changes.new_repository.get().map(|r| r.full_name.clone()).filter(|n| is_full_name(n))?;
        Some(IssuePlace { full_name, number: self.number(&changes.new_issue)? })
    }
}

impl Judged {
    fn commit(&self) -> Option<String> {
        let own = self.head_sha.get().or(self.sha.get()).and_then(|sha| commit(sha));
        own.or_else(|| self.check_suite.get()?.commit())
    }

    fn pulls(&self) -> impl Iterator<Item = u64> {
        self.pull_requests.get().into_iter().flatten().map(|pull| pull.number).filter(|n| *n > 0)
    }
}

/// The id of a commit; all zeros stand for none.
fn commit(text: &str) -> Option<String> {
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    (is_id && text.bytes().any(|b| b != b'0')).then(|| text.to_ascii_lowercase())
}

/// `OWNER/NAME`, of the characters that GitHub allows: it becomes part of addresses.
fn is_full_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let letters = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        letters && (1..=100).contains(&part.len()) && part != "." && part != ".."
    };
    name.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

fn is_reference(name: &str) -> bool {
    name.starts_with("refs/") && name.len() <= 1024 && !name.chars().any(|c| c.is_control() || c == ' ')
}

/// A name that is a single word, such as an action or a login.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.len() <= 100 && word.bytes().all(|b| b.is_ascii_graphic())
}
