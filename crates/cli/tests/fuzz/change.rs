//! Inputs made of others, the same in each run.

/// What stands between things in the forms that are read, and what is at their edges.
const PIECES: [&str; 40] = [
    "\n",
    "\r\n",
    "\n\n",
    "\0",
    "\u{1b}[",
    "\u{202e}",
    "\u{feff}",
    "\u{e9}",
    "\"",
    "\\",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    "{\"",
    "\":",
    ",",
    "null",
    "true",
    "-1",
    "0",
    "1e308",
    "18446744073709551615",
    "9223372036854775808",
    "+++\n",
    "<!--",
    "-->",
    "```",
    "@ann",
    "> ",
    "## Comment by ",
    "=",
    "[[",
    "'''",
    "%2e",
    "/../",
    "refs/heads/",
    "9999-12-31T23:59:59Z",
    "PT9999999999H",
];

/// An endless row of inputs that are made of seeds.
pub(crate) struct Changes {
    seeds: Vec<Vec<u8>>,
    longest: usize,
    state: u64,
}

impl Changes {
    pub(crate) fn new(name: &str, seeds: Vec<Vec<u8>>, longest: usize) -> Self {
        let state = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { seeds, longest, state: state | 1 }
    }

    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.part();
        for _ in 0..=self.below(6) {
            self.change(&mut input);
        }
        input.truncate(self.longest);
        input
    }

    /// A part of a seed; a whole one, if it is short.
    fn part(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len().max(1));
        let seed = self.seeds.get(at).cloned().unwrap_or_default();
        let from = if seed.len() > self.longest { self.below(seed.len() - self.longest) } else { 0 };
        let to = (from + self.longest).min(seed.len());
        seed[from..to].to_vec()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let to = (at + self.below(40)).min(input.len());
        match self.below(6) {
            0 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at..at, piece.bytes());
            }
            1 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at..to, piece.bytes());
            }
            2 => drop(input.drain(at..to)),
            3 => {
                let copy = input[at..to].to_vec();
                let there = self.below(input.len() + 1);
                input.splice(there..there, copy);
            }
            4 => {
                let byte = u8::try_from(self.below(256)).unwrap_or_default();
                input.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
            _ => {
                let other = self.part();
                let from = self.below(other.len() + 1);
                let upto = (from + self.below(200)).min(other.len());
                input.splice(at..at, other[from..upto].iter().copied());
            }
        }
    }

    fn below(&mut self, most: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let wide = usize::try_from(self.state >> 16).unwrap_or_default();
        wide % most.max(1)
    }
}
