use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{Epoch, Event};

fn ledger(length: u64) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for n in 0..length {
        let event = Event::EngineStarted { version: format!("0.{n}") };
        let at = Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
        let before = records.last().map_or((Seq(0), Digest::zero()), |r| (r.seq, r.hash.clone()));
        records.push(Record::next(before.0, &before.1, Epoch(1 + n / 3), at, &event));
    }
    records
}

fn walk(records: &[Record], anchors: Vec<Anchor>) -> Result<Anchor, Broken> {
    let mut chain = Chain::new(anchors);
    records.iter().try_for_each(|record| chain.take(record))?;
    chain.end()
}

fn head(records: &[Record]) -> Anchor {
    records.last().map(|r| Anchor::new(r.seq, &r.hash)).unwrap()
}

#[test]
fn what_is_wrong_is_named_at_the_first_record_where_it_shows() {
    let whole = ledger(6);
    let known = head(&whole);
    assert_eq!(walk(&whole, vec![known.clone()]), Ok(known.clone()));

    let mut altered = whole.clone();
    altered[2].body = altered[2].body.replace("0.2", "0.9");
    assert_eq!(walk(&altered, vec![]), Err(Broken::Altered { seq: 3 }));

    let mut missing = whole.clone();
    missing.remove(1);
    assert_eq!(walk(&missing, vec![]), Err(Broken::Missing { seq: 2, next: 3 }));

    let mut doubled = whole.clone();
    doubled.insert(3, whole[1].clone());
    assert_eq!(walk(&doubled, vec![]), Err(Broken::Reordered { seq: 4, found: 2 }));

    let short = &whole[..4];
    assert_eq!(walk(short, vec![]), Ok(head(short)), "without a place from outside nothing is known to be missing");
    assert_eq!(walk(short, vec![known.clone()]), Err(Broken::Truncated { seq: 5, head: 4, known: 6 }));

    // Somebody who computes the chain anew from a record on is found by a place beyond it.
    let mut forged = whole[..3].to_vec();
    let other = Event::EngineStarted { version: "forged".into() };
    for _ in 0..3 {
        let last = forged.last().unwrap();
        forged.push(Record::next(last.seq, &last.hash, last.epoch, last.at, &other));
    }
    assert_eq!(walk(&forged, vec![]), Ok(head(&forged)));
    assert_eq!(walk(&forged, vec![known.clone()]), Err(Broken::Rewritten { seq: 6 }));
    // The same, and it says that it was put back: that explains what the replaced ledger had come to, and no more.
    for (replaced, beyond) in [(known.clone(), false), (head(&whole[..5]), true)] {
        let mut back = whole[..3].to_vec();
        let event = Event::Restored { replaced: Some(replaced), in_doubt: Vec::new(), effects: Vec::new() };
        back.push(Record::next(Seq(3), &back[2].hash, Epoch(9), Timestamp::UNIX_EPOCH, &event));
        for more in [0, 3] {
            for _ in 0..more {
                let last = back.last().unwrap();
                back.push(Record::next(last.seq, &last.hash, last.epoch, last.at, &other));
            }
            let mut chain = Chain::new(vec![known.clone()]);
            let taken = back.iter().try_for_each(|record| chain.take(record));
            let why = chain.put_back();
            let wrong = taken.and_then(|()| chain.end()).err();
            assert_eq!((wrong.is_some(), why.map(|why| why.to)), (beyond, (!beyond).then_some(3)), "{wrong:?}");
        }
    }
    let mut mixed = whole;
    mixed[4] = forged[4].clone();
    assert_eq!(walk(&mixed, vec![]), Err(Broken::Unchained { seq: 5 }));
}

#[test]
fn an_anchor_is_read_as_it_is_written_and_found_in_a_work_log() {
    let records = ledger(3);
    let anchor = head(&records);
    assert_eq!(anchor.to_string().parse(), Ok(anchor.clone()));
    let short: Anchor = format!("3:{}", &anchor.hash()[..16]).parse().unwrap();
    assert!(walk(&records, vec![short]).is_ok());
    let log = format!("# Work log, 2026-03-01\n- agent time: 10:12\n- ledger: {anchor}\n{{\"ledger\": \"{anchor}\"}}");
    assert_eq!(Anchor::find(&log), [anchor.clone(), anchor.clone()]);
    for wrong in ["", "3", "3:", "3:abc", "+3:aaaaaaaaaaaaaaaa", "3:AAAAAAAAAAAAAAAA", "x:aaaaaaaaaaaaaaaa"] {
        let said = wrong.parse::<Anchor>().unwrap_err().to_string();
        assert!(said.contains("SEQ:HASH"), "{wrong}: {said}");
    }
}

/// One change of a ledger: of a byte of a line, of the number of lines, or of their order.
#[derive(Debug, Clone)]
enum Change {
    Flip { line: usize, byte: usize, bit: u8 },
    Delete(usize),
    Swap(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..9_usize, 0..400_usize, 0..8_u8).prop_map(|(line, byte, bit)| Change::Flip { line, byte, bit }),
        (0..9_usize).prop_map(Change::Delete),
        (0..9_usize, 0..9_usize)
            .prop_filter("it is the same line", |(a, b)| a != b)
            .prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

fn changed(lines: &mut Vec<Vec<u8>>, change: Change) {
    match change {
        Change::Flip { line, byte, bit } => {
            let line = &mut lines[line];
            let at = byte % line.len();
            line[at] ^= 1 << bit;
        }
        Change::Delete(line) => drop(lines.remove(line)),
        Change::Swap(a, b) => lines.swap(a, b),
    }
}

/// Reads lines as the export has them; one that is not written as the program writes it was altered.
fn read(lines: &[Vec<u8>]) -> Result<Vec<Record>, Broken> {
    let record = |(at, line): (usize, &Vec<u8>)| {
        let record: Option<Record> = serde_json::from_slice(line).ok();
        let same = record.filter(|record| serde_json::to_vec(record).is_ok_and(|text| text == *line));
        same.ok_or(Broken::Altered { seq: at as u64 + 1 })
    };
    lines.iter().enumerate().map(record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_single_flip_deletion_and_swap_is_found(change in change()) {
        let records = ledger(9);
        let mut lines: Vec<Vec<u8>> = records.iter().map(|r| serde_json::to_vec(r).unwrap()).collect();
        prop_assert!(walk(&read(&lines).unwrap(), vec![head(&records)]).is_ok());
        changed(&mut lines, change.clone());
        let found = read(&lines).and_then(|read| walk(&read, vec![head(&records)]));
        prop_assert!(found.is_err(), "{change:?} was not found");
    }
}
