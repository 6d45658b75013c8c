//! A proposal held against what its stage allows.

use crate::Choices;

use super::{Allowed, Child, Created, Proposal, ProposalCaps, ProposalError, Proposed};

/// The most effects it may hold.
const MAX_EFFECTS: usize = 20;
/// The most characters of one text.
const MAX_TEXT: usize = 65_536;
/// The most characters of a key.
const MAX_KEY: usize = 64;

impl Proposal {
    /// The most bytes a proposal may have.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads a proposal and holds it against what the stage allows.
    ///
    /// # Errors
    /// The whole proposal is refused if any part of it is: half an answer would be worse than none.
    pub fn read(bytes: &[u8], allowed: &Allowed<'_>) -> Result<Self, ProposalError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ProposalError::Refused(format!("it has more than {} bytes", Self::MAX_BYTES)));
        }
        let proposal: Proposal = serde_json::from_slice(bytes).map_err(ProposalError::Malformed)?;
        proposal.check(allowed).map_err(ProposalError::Refused)?;
        Ok(proposal)
    }

    fn check(&self, allowed: &Allowed<'_>) -> Result<(), String> {
        if self.version != 1 {
            return Err(format!("its version is {}, this program reads 1", self.version));
        }
        if self.effects.len() > MAX_EFFECTS {
            return Err(format!("it asks for {} effects, at most {MAX_EFFECTS} are allowed", self.effects.len()));
        }
        for effect in &self.effects {
            let word = effect.word();
            if !allowed.effects.iter().any(|a| a == word) {
                return Err(format!("the stage does not allow `{word}`"));
            }
            if effect.texts().iter().any(|t| t.chars().count() > MAX_TEXT) {
                return Err(format!("a text of `{word}` has more than {MAX_TEXT} characters"));
            }
            effect.check(allowed)?;
        }
        self.check_counts(allowed.caps)
    }

    fn check_counts(&self, caps: &ProposalCaps) -> Result<(), String> {
        let count = |word: &str| self.effects.iter().filter(|e| e.word() == word).count();
        for word in ["ask", "split", "label", "create"] {
            if count(word) > 1 {
                return Err(format!("it asks for `{word}` more than once"));
            }
        }
        let comments = count("comment");
        if comments > caps.comments as usize {
            return Err(format!("it makes {comments} comments, at most {} are allowed", caps.comments));
        }
        Ok(())
    }
}

impl Proposed {
    fn check(&self, allowed: &Allowed<'_>) -> Result<(), String> {
        match self {
            Proposed::Ask { question, .. } if question.trim().is_empty() => {
                Err("the question of `ask` is empty".into())
            }
            Proposed::Ask { options, default, .. } => Choices::check(options, default),
            Proposed::Comment { body } if body.trim().is_empty() => Err("the text of `comment` is empty".into()),
            Proposed::Comment { .. } => Ok(()),
            Proposed::Split { children } => check_children(children, allowed.children),
            Proposed::Label { add, remove } => check_labels(add.iter().chain(remove), allowed.caps),
            Proposed::Create { issues } => check_issues(issues, allowed.caps),
        }
    }

    fn texts(&self) -> Vec<&str> {
        match self {
            Proposed::Ask { question, .. } => vec![question],
            Proposed::Comment { body } => vec![body],
            Proposed::Split { children } => children.iter().flat_map(|c| [c.title.as_str(), &c.body]).collect(),
            Proposed::Create { issues } => issues.iter().flat_map(|i| [i.title.as_str(), &i.body]).collect(),
            Proposed::Label { .. } => Vec::new(),
        }
    }
}

fn check_children(children: &[Child], max: u32) -> Result<(), String> {
    if children.is_empty() || children.len() > max as usize {
        return Err(format!("a split into {} children, 1 to {max} are allowed", children.len()));
    }
    for (at, child) in children.iter().enumerate() {
        check_new("a child", &child.key, &child.title)?;
        let before = &children[..at];
        if before.iter().any(|c| c.key == child.key) {
            return Err(format!("two children have the key `{}`", child.key));
        }
        if let Some(unknown) = child.after.iter().find(|key| !before.iter().any(|c| c.key == **key)) {
            return Err(format!("the child `{}` comes after `{unknown}`, which is no child before it", child.key));
        }
    }
    Ok(())
}

fn check_issues(issues: &[Created], caps: &ProposalCaps) -> Result<(), String> {
    if issues.is_empty() || issues.len() > caps.issues as usize {
        return Err(format!("it creates {} issues, 1 to {} are allowed", issues.len(), caps.issues));
    }
    for (at, issue) in issues.iter().enumerate() {
        check_new("an issue", &issue.key, &issue.title)?;
        if issues[..at].iter().any(|other| other.key == issue.key) {
            return Err(format!("two issues have the key `{}`", issue.key));
        }
        check_labels(issue.labels.iter(), caps)?;
    }
    Ok(())
}

/// A key becomes part of a marker, so that it may hold nothing that ends one.
fn check_new(what: &str, key: &str, title: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if title.trim().is_empty() || title.contains('\n') || key.is_empty() {
        return Err(format!("{what} needs a key and a title of one line"));
    }
    if key.len() > MAX_KEY || !key.chars().all(plain) {
        let form = format!("letters, digits, `-`, `_` and `.`, at most {MAX_KEY}");
        return Err(format!("the key `{}` is not of the form: {form}", key.escape_debug()));
    }
    Ok(())
}

fn check_labels<'a>(labels: impl Iterator<Item = &'a String>, caps: &ProposalCaps) -> Result<(), String> {
    let mut labels = labels;
    match labels.find(|label| !caps.has_label(label)) {
        None => Ok(()),
        Some(label) => Err(format!("the stage does not allow the label `{}`", label.escape_debug())),
    }
}
