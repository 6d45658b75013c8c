use jiff::Timestamp;

use crate::{
    Allowed, Config, Digest, Epoch, Event, Proposal, ProposalCaps, Proposed, Record, Seq, SourceText, State,
    VerdictRule,
};

/// The configuration: each problem has a place in the text, and a remedy.
pub(super) fn config(data: &[u8]) {
    let source = SourceText::new("dayfly.toml", String::from_utf8_lossy(data));
    let read = || {
        Config::read(&source, &mut |path| if path.as_str().len() % 2 == 0 { Ok("a".into()) } else { Err("b".into()) })
    };
    match read() {
        Ok(config) => assert!(!config.portfolio.projects.is_empty() || !source.text.contains("[projects.")),
        Err(err) => {
            assert!(!err.problems.is_empty(), "{:?} is refused without a reason", source.text);
            for problem in &err.problems {
                assert!(source.text.get(problem.span.clone()).is_some(), "{problem:?} is at no place of the text");
                assert!(!problem.message.is_empty() && !problem.help.is_empty(), "{problem:?} says nothing");
            }
            assert_eq!(read().err().map(|err| err.problems), Some(err.problems.clone()), "it is read in two ways");
            assert!(!err.to_string().is_empty());
        }
    }
}

/// An agent's proposal: what is taken is within its bounds, and is read again as it is written.
pub(super) fn proposal(data: &[u8]) {
    let effects = Proposed::WORDS.map(str::to_owned);
    let caps = ProposalCaps { labels: vec!["bug".into()], ..ProposalCaps::default() };
    let all = Allowed { effects: &effects, children: 5, caps: &caps };
    let none = Allowed { effects: &[], children: 0, caps: &caps };
    assert!(Proposal::schema(&all, VerdictRule::Required).is_object());
    if let Ok(proposal) = Proposal::read(data, &none) {
        assert!(proposal.effects.is_empty(), "{proposal:?} has effects that no stage allows");
    }
    let Ok(proposal) = Proposal::read(data, &all) else { return };
    assert!(data.len() <= Proposal::MAX_BYTES && proposal.effects.len() <= 20);
    for effect in &proposal.effects {
        let keys: Vec<&str> = match effect {
            Proposed::Split { children } => children.iter().map(|child| child.key.as_str()).collect(),
            Proposed::Create { issues } => issues.iter().map(|issue| issue.key.as_str()).collect(),
            _ => Vec::new(),
        };
        assert!(keys.len() <= 5 && keys.iter().all(|key| !key.contains(['-', '>']) || !key.contains("-->")));
    }
    let written = serde_json::to_vec(&proposal).expect("a proposal holds nothing that JSON cannot");
    if written.len() <= Proposal::MAX_BYTES {
        assert_eq!(Proposal::read(&written, &all).ok(), Some(proposal));
    }
}

/// A ledger as it is exported: each record is written as it was read, and a chain of any events folds or is refused.
pub(super) fn ledger(data: &[u8]) {
    let mut events = Vec::new();
    let mut exported = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            let written = serde_json::to_string(&record).expect("a record holds nothing that JSON cannot");
            assert_eq!(serde_json::from_str::<Record>(&written).ok().as_ref(), Some(&record));
            events.extend(record.event().ok());
            exported.push(record);
        }
        events.extend(serde_json::from_slice::<Event>(line).ok());
    }
    drop(State::fold(&exported));
    let (mut state, mut after, mut prev) = (State::default(), Seq(0), Digest::zero());
    for event in events {
        let record = Record::next(after, &prev, Epoch(1), Timestamp::UNIX_EPOCH, &event);
        let body = serde_json::to_value(&event).expect("an event holds nothing that JSON cannot");
        let again = record.event().map(|event| serde_json::to_value(&event).expect("the same"));
        assert_eq!(again.ok(), Some(body), "an event is written in two ways");
        if state.apply(&record).is_err() {
            return;
        }
        (after, prev) = (record.seq, record.hash.clone());
    }
}
