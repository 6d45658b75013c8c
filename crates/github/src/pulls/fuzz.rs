//! What checks, logs and reviewers say.

use super::{checks, log};

/// It is bounded, holds nothing that only a terminal or nobody sees, and is told the same a second time.
pub(crate) fn said(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let tail = log::last_lines(text);
    assert!(tail.lines().count() <= 60 && tail.lines().all(|line| line.chars().count() <= 300), "{tail:?}");
    for made in [tail, checks::cut(text)] {
        assert!(!made.contains(['\u{1b}', '\u{7}', '\u{200b}', '\u{202e}', '\u{feff}']), "{text:?} became {made:?}");
        assert_eq!(log::clean(&made), made, "it changes a second time");
    }
    if let Some(job) = checks::job_in(text) {
        assert!(text.contains("/job/"), "{job} is the number of nothing");
    }
}
