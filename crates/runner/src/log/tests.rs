use proptest::prelude::*;

use super::*;

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap().join("output.log");
    (dir, path)
}

/// All that the reader gives now, what is cut as its mark.
fn rest(reader: &mut LogReader) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 7];
    loop {
        match reader.read(&mut buffer).unwrap() {
            LogPart::Bytes(n) => all.extend_from_slice(&buffer[..n]),
            LogPart::Cut(n) => all.extend_from_slice(format!("\n[cut {n} bytes]\n").as_bytes()),
            LogPart::End => return all,
        }
    }
}

/// What is kept of an output.
fn wanted(limit: u64, all: &[u8]) -> Vec<u8> {
    let (head, tail) = (usize::try_from(limit / 2).unwrap(), usize::try_from(limit - limit / 2).unwrap());
    if all.len() <= head + tail {
        return all.to_vec();
    }
    let mark = format!("\n[cut {} bytes]\n", all.len() - head - tail);
    [&all[..head], mark.as_bytes(), &all[all.len() - tail..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_beginning_and_the_end_are_kept_and_what_is_cut_is_counted(
        limit in 2_u64..40,
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..8),
    ) {
        let (_dir, path) = folder();
        let all = chunks.concat();
        let mut log = Log::new(path.clone(), limit);
        for chunk in &chunks {
            log.write(chunk);
        }
        prop_assert_eq!(log.total(), all.len() as u64);
        prop_assert_eq!(log.cut(), (all.len() as u64).saturating_sub(limit));
        // Whoever died before it was put together lost nothing of it.
        prop_assert_eq!(rest(&mut LogReader::new(path.clone())), wanted(limit, &all));
        log.finish();
        prop_assert!(!ring_path(&path).exists());
        prop_assert_eq!(fs::read(&path).unwrap_or_default(), wanted(limit, &all));
        prop_assert_eq!(rest(&mut LogReader::new(path)), wanted(limit, &all));
    }

    #[test]
    fn a_reader_that_keeps_up_reads_every_byte_once(
        limit in 200_u64..300,
        steps in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..50), any::<bool>()), 0..20),
    ) {
        let (_dir, path) = folder();
        let mut log = Log::new(path.clone(), limit);
        let (mut reader, mut read, mut all, mut behind) = (LogReader::new(path), Vec::new(), Vec::new(), 0);
        for (chunk, look) in &steps {
            log.write(chunk);
            all.extend_from_slice(chunk);
            behind += chunk.len();
            // Never further behind than the ring holds.
            if *look || behind > 49 {
                read.extend(rest(&mut reader));
                behind = 0;
            }
        }
        log.finish();
        read.extend(rest(&mut reader));
        prop_assert_eq!(read, all);
    }
}

#[test]
fn a_reader_that_stands_at_the_end_of_the_first_half_reads_on_wherever_the_rest_lies() {
    for join_first in [false, true] {
        let (_dir, path) = folder();
        let mut log = Log::new(path.clone(), 8);
        let mut reader = LogReader::new(path);
        log.write(b"0123");
        assert_eq!(rest(&mut reader), b"0123");
        log.write(b"4567");
        if join_first {
            log.finish();
            assert_eq!(rest(&mut reader), b"4567");
        } else {
            assert_eq!(rest(&mut reader), b"4567");
            log.finish();
        }
        assert_eq!(rest(&mut reader), b"");
    }
}

#[test]
fn a_disk_that_takes_no_more_is_counted_and_ends_nothing() {
    let (_dir, path) = folder();
    let mut log = Log::new(path.join("no-such-folder"), 10);
    log.write(b"0123456789abc");
    assert_eq!((log.lost, log.cut(), log.total()), (13, 13, 13));
    log.finish();
}
