//! How fast secrets are masked, beside a plain copy: `cargo bench -p dayfly-runner --bench redact`.
#![expect(clippy::print_stdout, reason = "a benchmark talks to the terminal")]

use std::hint::black_box;
use std::time::Instant;

use dayfly_runner::{Redactor, Secret};

const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 1600;
const ROUNDS: usize = 5;

fn main() {
    let letters: Vec<u8> = noise(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20 * 40, 7);
    let secrets: Vec<Secret> = letters.chunks(40).map(|value| Secret::new("NAME", value)).collect();
    let text = noise(b"etaoin shrdlu etaoin cmfwyp vbgkqj xz0123456789 {}\":,.\n", CHUNK, 11);

    let mut out = Vec::with_capacity(2 * CHUNK);
    let copied = best(
        &mut |chunk| {
            out.clear();
            out.extend_from_slice(black_box(chunk));
            black_box(&out);
        },
        &text,
    );
    println!("copy: {copied:.0} MB/s");
    for count in [0, 1, 20] {
        let mut redactor = Redactor::new(&secrets[..count]);
        let mut out = Vec::with_capacity(2 * CHUNK);
        let masked = best(
            &mut |chunk| {
                out.clear();
                redactor.push(black_box(chunk), &mut out);
                black_box(&out);
            },
            &text,
        );
        println!("{count} secrets: {masked:.0} MB/s, {:.3} of a copy", masked / copied);
    }
}

/// The best rate of some rounds, in megabytes a second.
fn best(work: &mut dyn FnMut(&[u8]), text: &[u8]) -> f64 {
    let rate = |_| {
        let started = Instant::now();
        (0..CHUNKS).for_each(|_| work(text));
        (CHUNK * CHUNKS) as f64 / 1e6 / started.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(rate).fold(0.0, f64::max)
}

fn noise(alphabet: &[u8], bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..bytes).map(|_| alphabet[next() % alphabet.len()]).collect()
}
