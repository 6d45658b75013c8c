//! What a stage lets its agent propose.

use toml::Spanned;

use crate::{Labels, ProposalCaps, Proposed};

use super::{Resolver, raw};

/// The most comments or issues that one attempt can be allowed.
const MOST: u32 = 20;

/// The most characters of a label; GitHub takes no longer one.
const MOST_LABEL: usize = 50;

impl Resolver<'_> {
    pub(super) fn effects(&mut self, effects: Option<&Spanned<Vec<String>>>, caps: &ProposalCaps) -> Vec<String> {
        let Some(effects) = effects else { return Vec::new() };
        for word in effects.get_ref() {
            if !Proposed::WORDS.contains(&word.as_str()) {
                let known = Proposed::WORDS.join(", ");
                self.problem(effects.span(), format!("unknown effect `{word}`"), format!("there are {known}"));
            }
        }
        if caps.labels.is_empty() && effects.get_ref().iter().any(|word| word == "label") {
            let message = "the effect `label` is allowed, and no label is";
            self.problem(effects.span(), message, "name the labels: `labels = [\"bug\"]`");
        }
        effects.get_ref().clone()
    }

    pub(super) fn caps(&mut self, own: &raw::Stage, base: &raw::Stage, meaning: &Labels) -> ProposalCaps {
        let usual = ProposalCaps::default();
        ProposalCaps {
            comments: self.most(own.comments.as_ref().or(base.comments.as_ref()), usual.comments),
            issues: self.most(own.issues.as_ref().or(base.issues.as_ref()), usual.issues),
            labels: self.free_labels(own.labels.as_ref().or(base.labels.as_ref()), meaning),
        }
    }

    fn most(&mut self, value: Option<&Spanned<u32>>, usual: u32) -> u32 {
        let Some(value) = value else { return usual };
        let most = *value.get_ref();
        if most > MOST {
            self.problem(value.span(), format!("{most} is too large"), format!("write at most {MOST}"));
        }
        most.min(MOST)
    }

    /// Labels that mean nothing to dayfly: with one of its own an agent could send an issue on.
    fn free_labels(&mut self, labels: Option<&Spanned<Vec<String>>>, meaning: &Labels) -> Vec<String> {
        let Some(labels) = labels else { return Vec::new() };
        for label in labels.get_ref() {
            if meaning.is_own(label) {
                let message = format!("the label `{label}` has a meaning of its own");
                self.problem(labels.span(), message, "take it out; agents do not move issues on by labels");
            }
            let plain = !label.trim().is_empty() && !label.chars().any(|c| c.is_control() || c == ',');
            if !plain || label.chars().count() > MOST_LABEL {
                let message = format!("`{}` cannot be a label", label.escape_debug());
                self.problem(labels.span(), message, format!("write 1 to {MOST_LABEL} characters, without a comma"));
            }
        }
        labels.get_ref().clone()
    }
}
