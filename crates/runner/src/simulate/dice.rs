//! All chance of a simulation, from one number.

use std::time::Duration;

use dayfly_core::Digest;

/// A stream of numbers that look random and are the same for the same seed and name, on every machine: `SplitMix64`.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The stream of that name. Streams of different names have nothing to do with each other, so that what one part of the
    /// world draws changes nothing for another.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let digest = Digest::of(format!("{seed}/{name}").as_bytes());
        let digits = digest.as_str().get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        Self(digits.unwrap_or(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True so often out of one.
    pub(super) fn falls(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.unit() < chance
    }

    /// Uniform below `most`.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        if most == 0 { 0 } else { self.next() % most }
    }

    /// Uniform between two spans, in whole milliseconds.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let wide = to.saturating_sub(from).as_millis();
        from + Duration::from_millis(self.below(u64::try_from(wide).unwrap_or(u64::MAX).saturating_add(1)))
    }

    /// How many of something fall into a span in which `mean` are expected.
    pub(super) fn count(&mut self, mean: f64) -> u64 {
        let tries = 8.0_f64;
        // Spread like a handful of coins: the mean is right, and some days have none.
        (0..8).map(|_| (mean / tries) as u64 + u64::from(self.falls((mean / tries).fract()))).sum()
    }
}

/// How something is spread: so much for the least of ten, for half and for nine of ten, and never more than the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// One of ten is less.
    pub least: f64,
    /// Half are less.
    pub half: f64,
    /// Nine of ten are less.
    pub most: f64,
    /// None is more.
    pub bound: f64,
}

impl Spread {
    /// That spread.
    pub const fn new(least: f64, half: f64, most: f64, bound: f64) -> Self {
        Self { least, half, most, bound }
    }

    /// As these are spread; `None` if there are too few to say.
    pub fn of(mut seen: Vec<f64>) -> Option<Self> {
        if seen.len() < 5 {
            return None;
        }
        seen.sort_by(f64::total_cmp);
        let at = |part: f64| seen.get((part * (seen.len() - 1) as f64) as usize).copied().unwrap_or_default();
        Some(Self { least: at(0.1), half: at(0.5), most: at(0.9), bound: at(1.0) })
    }

    /// One of them. Between the points the line is straight, so that every machine draws the same.
    pub(super) fn draw(&self, dice: &mut Dice) -> f64 {
        let at = dice.unit();
        let points =
            [(0.0, self.least / 2.0), (0.1, self.least), (0.5, self.half), (0.9, self.most), (1.0, self.bound)];
        let after = points.iter().position(|(part, _)| *part >= at).unwrap_or(4).max(1);
        let ((from, low), (to, high)) = (points[after - 1], points[after]);
        low + (high - low) * (at - from) / (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_name_give_the_same_numbers_and_others_give_others() {
        let draw = |seed, name| {
            let mut dice = Dice::new(seed, name);
            (0..4).map(|_| dice.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, "a"), draw(7, "a"));
        assert_ne!(draw(7, "a"), draw(7, "b"));
        assert_ne!(draw(7, "a"), draw(8, "a"));
    }

    #[test]
    fn what_is_drawn_is_spread_as_it_was_asked_for() {
        let spread = Spread::new(60.0, 300.0, 900.0, 3600.0);
        let mut dice = Dice::new(1, "spread");
        let mut drawn: Vec<f64> = (0..10_000).map(|_| spread.draw(&mut dice)).collect();
        drawn.sort_by(f64::total_cmp);
        let near = |part: usize, wanted: f64| (drawn[part] - wanted).abs() < wanted / 10.0;
        assert!(near(1000, 60.0) && near(5000, 300.0) && near(9000, 900.0), "{} {}", drawn[1000], drawn[5000]);
        assert!(drawn[9999] <= 3600.0);
        let mean = (0..10_000).map(|_| dice.count(2.5) as f64).sum::<f64>() / 10_000.0;
        assert!((mean - 2.5).abs() < 0.1, "{mean}");
    }
}
