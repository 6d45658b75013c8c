//! What the world's text may not do to us, and ours not to the world.
//!
//! Three functions, each for one way that a text goes. [`said`] is what a person said in a comment, without what they
//! quoted. [`shown`] is a stranger's text for a prompt: an agent sees nothing in it that a person who reads the page
//! does not see. [`harmless`] is an agent's text for a page: it calls nobody, closes nothing, and commands no other
//! program. All three read Markdown as GitHub does, and are total: any text gives a text.

mod defuse;
mod harmless;
mod hidden;
mod markdown;
mod said;
mod shown;

pub use harmless::{harmless, harmless_title};
pub use said::said;
pub(crate) use shown::shown_issue;
pub use shown::{shown, without_disguise};

/// The most characters that GitHub takes as a text are 65,536; what is left of them is for what dayfly puts around it.
pub(crate) const MOST_CHARS: usize = 64_000;

/// The text with line ends of one kind, and at most so many characters.
fn start_of(text: &str, most: usize) -> (String, usize) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    match text.char_indices().nth(most) {
        None => (text, 0),
        Some((at, _)) => (text[..at].to_owned(), text[at..].chars().count()),
    }
}

/// Changes a text by `change` and keeps it within `most` characters. If something is cut off, a note says how much.
///
/// The text is cut before it is changed: a cut afterwards could open what the change has closed.
fn bounded(text: &str, most: usize, change: impl Fn(&str) -> String) -> String {
    let mut keep = most;
    loop {
        let (start, cut) = start_of(text, keep);
        let mut changed = change(&start);
        if cut > 0 {
            changed = format!("{}\n\n[{cut} more characters are cut off here]", changed.trim_end());
        }
        let length = changed.chars().count();
        if length <= most || keep == 0 {
            return changed;
        }
        keep = (keep * most / length).min(keep.saturating_sub(64));
    }
}

#[cfg(test)]
mod tests;
