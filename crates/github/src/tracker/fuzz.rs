//! Lists of issues and comments as a forge may show them, and texts with marks.

use jiff::{SignedDuration, Timestamp};

use super::mapping::Mapping;
use super::marker::Marker;
use super::snapshot::Snapshot;
use super::wire;
use crate::Identity;

/// A text with a mark is read as it was written; any list is taken in, twice the same, and mapped.
pub(crate) fn mapping(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    if let Some((marker, rest)) = Marker::split(text) {
        let whole = marker.before(rest);
        let Some((again, left)) = Marker::split(&whole) else { panic!("{whole:?} of {text:?} has no mark") };
        assert_eq!((again, left), (marker, rest), "{whole:?} of {text:?}");
    }
    wire::number_in(text);
    wire::repository_in(text);
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_795_259_006);
    let mut snapshot = Snapshot::new(now);
    let issues = || serde_json::from_slice::<Vec<wire::Issue>>(data).unwrap_or_default();
    snapshot.merge(issues(), now);
    snapshot.merge_comments(serde_json::from_slice(data).unwrap_or_default());
    let own = Identity { login: "dayfly-bot".into(), is_person: false };
    let seen = Mapping { own: &own, entries: &["ready".to_owned()], ranks: &[], snapshot: &snapshot }.issues();
    let written = serde_json::to_vec(&snapshot).unwrap_or_default();
    let Ok(mut read) = serde_json::from_slice::<Snapshot>(&written) else { panic!("a snapshot cannot be read again") };
    read.merge(issues(), now);
    let again = Mapping { own: &own, entries: &["ready".to_owned()], ranks: &[], snapshot: &read }.issues();
    assert_eq!(seen.len(), again.len(), "the same list changes what is known");
}
