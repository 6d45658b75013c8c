//! A short run of the fuzz targets: their seeds, and changes of them that are the same each time.
//!
//! `cargo xtask fuzz` runs them for long, led by what they cover. An input that was found to fail becomes a seed, named
//! for what it showed. `DAYFLY_FUZZ_ROUNDS` in the environment makes this run longer.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod change;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use change::Changes;

/// The changed inputs that each target is tried with.
const ROUNDS: u64 = 120;
/// The longest input; what is longer is cut.
const LONGEST: usize = 3000;
/// What one input may take, in a build without optimisation on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(20);

/// A target by its name.
type Body = (&'static str, fn(&[u8]));

/// A target's name and its seeds, each with the file it is from.
type Seeds = (String, Vec<(PathBuf, Vec<u8>)>);

fn bodies() -> Vec<Body> {
    [dayfly_core::fuzz::BODIES, dayfly_github::fuzz::BODIES, dayfly_runner::fuzz::BODIES].concat()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Each target with its seeds, by the list that `cargo xtask fuzz` reads too.
fn seeds() -> Vec<Seeds> {
    let list = fs::read_to_string(root().join("fuzz/seeds.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let target = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let own = root().join("fuzz/corpus").join(name);
        let mut folders: Vec<PathBuf> = words.map(|folder| root().join(folder)).collect();
        folders.extend(own.exists().then_some(own));
        let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
        files.sort();
        let seeds = files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap()));
        (name.to_owned(), seeds.collect())
    };
    lines.map(target).collect()
}

#[test]
fn each_target_is_listed_and_has_a_seed() {
    let known: BTreeSet<String> = bodies().into_iter().map(|(name, _)| name.to_owned()).collect();
    let listed: BTreeSet<String> = seeds().into_iter().map(|(name, _)| name).collect();
    assert_eq!(known, listed);
    for (name, seeds) in seeds() {
        assert!(!seeds.is_empty(), "`{name}` has no seed; put one into fuzz/corpus/{name}");
    }
}

#[test]
fn no_foreign_bytes_make_a_reader_stumble() {
    let rounds = std::env::var("DAYFLY_FUZZ_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let seeds = seeds();
    let mut failures = Vec::new();
    for (name, body) in bodies() {
        let own = &seeds.iter().find(|(target, _)| target == name).unwrap().1;
        let mut changes = Changes::new(name, own.iter().map(|(_, seed)| seed.clone()).collect(), LONGEST);
        let whole = own.iter().map(|(path, seed)| (path.display().to_string(), cut(seed)));
        let changed = (0..rounds).map(|round| (format!("round {round}"), changes.next()));
        // The seeds of the agents' captures are many, and most of each is alike.
        let step = own.len().div_ceil(60).max(1);
        for (from, input) in whole.step_by(step).chain(changed) {
            let begun = Instant::now();
            let held = catch_unwind(|| body(&input)).is_ok();
            if !held || begun.elapsed() > PATIENCE {
                let text = String::from_utf8_lossy(&input);
                failures.push(format!("{name}, {from}, after {:?}: {text:?}", begun.elapsed()));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{} targets failed:\n{}", failures.len(), failures.join("\n"));
}

fn cut(seed: &[u8]) -> Vec<u8> {
    seed[..seed.len().min(4 * LONGEST)].to_vec()
}
