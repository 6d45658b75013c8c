//! Finds a few values in JSON as it streams by, of any size, with little memory.
//!
//! What is looked for has a place, a path of keys. Text that only looks like it, in a string or elsewhere in the tree, is
//! not found: an agent can write what it likes into its answers.

/// The deepest level whose keys are known.
const KNOWN: usize = 3;
/// The longest key that is known.
const LONGEST_KEY: usize = 32;
/// The longest value that is kept; a longer one is not found.
const LONGEST_VALUE: usize = 16 << 10;

/// A value that was found: the number of its path, and its text.
pub(super) type Found = (usize, Vec<u8>);

/// A search in one JSON text. An array around everything is passed over.
#[derive(Debug)]
pub(super) struct Finder {
    paths: &'static [&'static [&'static str]],
    /// What is open, the outermost first, as far as its keys are known.
    open: Vec<Open>,
    /// How many more are open within.
    deeper: usize,
    string: Option<Text>,
    value: Option<Value>,
}

/// An object or an array that was begun.
#[derive(Debug)]
enum Open {
    Array,
    Object { key: Vec<u8>, wants_key: bool },
}

/// A string that was begun.
#[derive(Debug)]
struct Text {
    is_key: bool,
    escaped: bool,
}

/// A value on its way.
#[derive(Debug)]
struct Value {
    path: usize,
    /// How many were open when it began.
    depth: usize,
    bytes: Vec<u8>,
    too_long: bool,
}

impl Finder {
    pub(super) fn new(paths: &'static [&'static [&'static str]]) -> Self {
        Self { paths, open: Vec::new(), deeper: 0, string: None, value: None }
    }

    /// Begins anew, with another text.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.paths);
    }

    /// Reads on. What is found by then is added.
    pub(super) fn push(&mut self, bytes: &[u8], found: &mut Vec<Found>) {
        for &byte in bytes {
            self.byte(byte, found);
        }
    }

    fn byte(&mut self, byte: u8, found: &mut Vec<Found>) {
        if let Some(text) = &mut self.string {
            let ends = byte == b'"' && !text.escaped;
            text.escaped = byte == b'\\' && !text.escaped;
            if text.is_key && !ends {
                self.key_byte(byte);
            }
            if ends {
                self.string = None;
            }
            self.keep(byte);
            return;
        }
        if matches!(byte, b',' | b'}' | b']') {
            self.value_ends(found);
        }
        self.keep(byte);
        match byte {
            b'"' => self.string_begins(),
            b'{' => self.begin(Open::Object { key: Vec::new(), wants_key: true }),
            b'[' => self.begin(Open::Array),
            b'}' | b']' => self.end(),
            b',' => self.want_key(true),
            b':' => {
                self.want_key(false);
                self.value_begins();
            }
            _ => {}
        }
    }

    fn depth(&self) -> usize {
        self.open.len() + self.deeper
    }

    fn begin(&mut self, open: Open) {
        if self.deeper == 0 && self.open.len() < KNOWN {
            self.open.push(open);
        } else {
            self.deeper += 1;
        }
    }

    fn end(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.open.pop();
        }
    }

    fn want_key(&mut self, wanted: bool) {
        if self.deeper == 0
            && let Some(Open::Object { wants_key, .. }) = self.open.last_mut()
        {
            *wants_key = wanted;
        }
    }

    fn string_begins(&mut self) {
        let mut is_key = false;
        if self.deeper == 0
            && let Some(Open::Object { key, wants_key: true }) = self.open.last_mut()
        {
            key.clear();
            is_key = true;
        }
        self.string = Some(Text { is_key, escaped: false });
    }

    fn key_byte(&mut self, byte: u8) {
        if let Some(Open::Object { key, .. }) = self.open.last_mut()
            && key.len() <= LONGEST_KEY
        {
            key.push(byte);
        }
    }

    fn value_begins(&mut self) {
        if self.value.is_some() || self.deeper > 0 {
            return;
        }
        let around = self.open.iter().take_while(|open| matches!(open, Open::Array)).count().min(1);
        let here = &self.open[around..];
        let fits = |path: &[&str]| {
            path.len() == here.len()
                && path.iter().zip(here).all(
                    |(wanted, open)| matches!(open, Open::Object { key, .. } if key.as_slice() == wanted.as_bytes()),
                )
        };
        if let Some(path) = self.paths.iter().position(|path| fits(path)) {
            self.value = Some(Value { path, depth: self.depth(), bytes: Vec::new(), too_long: false });
        }
    }

    /// Keeps a byte of the value on its way; the `:` before it comes too early, and what ends it too late.
    fn keep(&mut self, byte: u8) {
        if let Some(value) = &mut self.value {
            value.too_long |= value.bytes.len() >= LONGEST_VALUE;
            if !value.too_long {
                value.bytes.push(byte);
            }
        }
    }

    fn value_ends(&mut self, found: &mut Vec<Found>) {
        let depth = self.depth();
        if let Some(value) = self.value.take_if(|value| value.depth == depth)
            && !value.too_long
        {
            found.push((value.path, value.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: &[&[&str]] = &[&["usage"], &["message", "usage"], &["model"]];

    /// What is found, whatever the chunks are.
    fn found(text: &str) -> Vec<(usize, String)> {
        let all: Vec<Vec<Found>> = [1, 2, 7, text.len()]
            .into_iter()
            .map(|size| {
                let (mut finder, mut found) = (Finder::new(PATHS), Vec::new());
                text.as_bytes().chunks(size).for_each(|chunk| finder.push(chunk, &mut found));
                found
            })
            .collect();
        assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
        all[0].iter().map(|(path, bytes)| (*path, String::from_utf8(bytes.clone()).unwrap())).collect()
    }

    #[test]
    fn a_value_is_found_at_its_place_and_nowhere_else() {
        assert_eq!(found(r#"{"usage":{"a":[1,{"b":"}"}]},"x":1}"#), [(0, r#"{"a":[1,{"b":"}"}]}"#.to_owned())]);
        assert_eq!(found(r#"{"message":{"x":{},"usage" : {"a":1} , "y":2}}"#), [(1, r#" {"a":1} "#.to_owned())]);
        assert_eq!(found(r#"{"model":"m","usage":null}"#), [(2, "\"m\"".to_owned()), (0, "null".to_owned())]);
        assert_eq!(found(r#"[{"usage":1},{"usage":2}]"#), [(0, "1".to_owned()), (0, "2".to_owned())]);
        for other in [
            r#"{"text":"\"usage\":{\"a\":1},"}"#,
            r#"{"text":"{\"usage\":9}\\","content":{"usage":1}}"#,
            r#"{"message":{"content":[{"usage":1,"message":{"usage":2}}]}}"#,
            r#"{"message":[{"usage":1}]}"#,
            r#"{"x":["usage",{"usage":1}]}"#,
            r#"[[{"usage":1}]]"#,
            "usage: 1, \"usage\": 2",
            r#"{"usagf":1,"usage":"#,
        ] {
            assert_eq!(found(other), [], "{other}");
        }
    }

    #[test]
    fn what_is_long_is_passed_over_with_little_memory() {
        let long = "x".repeat(1 << 20);
        let text = format!(r#"{{"{long}":1,"text":"{long}","usage":"{long}","model":7}}"#);
        let (mut finder, mut found) = (Finder::new(PATHS), Vec::new());
        finder.push(text.as_bytes(), &mut found);
        assert_eq!(found, [(2, b"7".to_vec())]);
        let deep = format!("{}{}", "[".repeat(1 << 16), r#"{"usage":1,"#);
        finder.reset();
        finder.push(deep.as_bytes(), &mut found);
        assert_eq!(found.len(), 1);
        assert!(finder.open.len() <= KNOWN);
    }
}
