//! What an agent may propose: one small, schema-checked file.
//!
//! An agent never writes to the outside. It writes one JSON file, named by the environment variable
//! `DAYFLY_PROPOSAL`; the engine reads it after the process has ended, checks it against the stage's
//! allow-list and applies what is left as effects.

mod read;
mod schema;

use serde::{Deserialize, Serialize};

use crate::CardOption;

/// An agent's answer and the effects it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The format, 1.
    pub version: u32,
    /// What was found or done, in the agent's words: later stages read it.
    #[serde(default)]
    pub summary: String,
    /// The agent's judgement where the stage asks for one, such as a review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictClaim>,
    /// The effects it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Proposed>,
}

/// A judgement on somebody else's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictClaim {
    /// The work may go on.
    Pass,
    /// The work goes back; the summary says why.
    Fail,
}

/// Whether an answer must carry a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictRule {
    /// It must.
    Required,
    /// The stage does not ask for one.
    None,
}

/// One proposed effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proposed {
    /// Ask the people of the issue, and wait for an answer.
    Ask {
        /// The question.
        question: String,
        /// What it can be answered with, besides words of one's own; at most 6.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<CardOption>,
        /// The word of the option that the agent would take; empty for none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        default: String,
    },
    /// Split the issue into children; it waits until they are closed.
    Split {
        /// The children, in the order in which they should be done.
        children: Vec<Child>,
    },
    /// Say something on the issue.
    Comment {
        /// The text, in Markdown.
        body: String,
    },
    /// Put labels on the issue and take labels from it, of those that the stage names.
    Label {
        /// Labels to put on.
        #[serde(default)]
        add: Vec<String>,
        /// Labels to take away.
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Write down issues of their own.
    Create {
        /// The issues.
        issues: Vec<Created>,
    },
}

/// A child issue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// A key, unique among the children of one proposal.
    pub key: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    #[serde(default)]
    pub body: String,
    /// The keys of children before it in the list that must be closed before it is begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// An issue that is nobody's child.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Created {
    /// A key. A second issue with it is not made from the same issue, by whichever attempt.
    pub key: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    #[serde(default)]
    pub body: String,
    /// Its labels, of those that the stage names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// How much of what a stage allows its agent may propose in one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalCaps {
    /// The most comments.
    pub comments: u32,
    /// The most issues of their own.
    pub issues: u32,
    /// The labels that it may put on and take away.
    pub labels: Vec<String>,
}

impl Default for ProposalCaps {
    fn default() -> Self {
        Self { comments: 3, issues: 5, labels: Vec::new() }
    }
}

impl ProposalCaps {
    /// Whether they are the usual ones.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the label is one of those that may be proposed; case makes no difference.
    fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own.eq_ignore_ascii_case(label))
    }
}

/// What a proposal is held against.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// The effects, by their words.
    pub effects: &'a [String],
    /// The most children of a split.
    pub children: u32,
    /// How much of the rest.
    pub caps: &'a ProposalCaps,
}

/// A proposal that is refused as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// It is not JSON of the documented shape.
    #[error("the proposal is not of the documented form")]
    Malformed(#[source] serde_json::Error),
    /// It asks for more than the stage allows, or breaks a bound.
    #[error("the proposal is refused: {0}")]
    Refused(String),
}

impl Proposed {
    /// The words of all effects.
    pub(crate) const WORDS: [&'static str; 5] = ["ask", "split", "comment", "label", "create"];

    /// The word by which a stage allows it.
    pub fn word(&self) -> &'static str {
        match self {
            Proposed::Ask { .. } => "ask",
            Proposed::Split { .. } => "split",
            Proposed::Comment { .. } => "comment",
            Proposed::Label { .. } => "label",
            Proposed::Create { .. } => "create",
        }
    }
}

#[cfg(test)]
mod tests;
