//! What a suite has checked, and what it has not.

use std::fmt;

/// What a suite has checked, and what it has not. It prints as a few lines for people.
///
/// A suite that returns one has found nothing broken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "what was skipped is not proved: say in your test which reasons you expect"]
pub struct Report {
    /// The name of what was checked.
    pub name: String,
    /// The sentences of the contract that were checked.
    pub checked: Vec<&'static str>,
    /// The sentences that were not.
    pub skipped: Vec<Skipped>,
}

/// A sentence of a contract that was not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The sentence.
    pub sentence: &'static str,
    /// Why.
    pub reason: &'static str,
}

impl Report {
    pub(super) fn new(name: String) -> Self {
        Self { name, checked: Vec::new(), skipped: Vec::new() }
    }

    pub(super) fn skip(&mut self, sentences: &[&'static str], reason: &'static str) {
        self.skipped.extend(sentences.iter().map(|sentence| Skipped { sentence, reason }));
    }

    /// Why sentences were skipped, each reason once. Empty if everything was checked.
    pub fn reasons(&self) -> Vec<&'static str> {
        let mut reasons: Vec<&'static str> = Vec::new();
        for skipped in &self.skipped {
            if !reasons.contains(&skipped.reason) {
                reasons.push(skipped.reason);
            }
        }
        reasons
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {} sentences of the contract checked", self.name, self.checked.len())?;
        for reason in self.reasons() {
            let sentences: Vec<&str> = self
                .skipped
                .iter()
                .filter(|skipped| skipped.reason == reason)
                .map(|skipped| skipped.sentence)
                .collect();
            write!(f, "\n{} skipped, as {reason}:", sentences.len())?;
            sentences.iter().try_for_each(|sentence| write!(f, "\n- {sentence}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_what_was_skipped_by_reason() {
        let mut report = Report::new("mine".into());
        report.checked.push("It runs.");
        report.skip(&["It stops.", "It ends."], "it cannot be stopped");
        report.skip(&["It flies."], "it has no wings");
        assert_eq!(report.reasons(), ["it cannot be stopped", "it has no wings"]);
        assert_eq!(
            report.to_string(),
            "`mine`: 1 sentences of the contract checked\n2 skipped, as it cannot be stopped:\n- It stops.\n- It ends.\n\
             1 skipped, as it has no wings:\n- It flies."
        );
    }
}
