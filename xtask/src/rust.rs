//! Just enough of Rust's form to tell code from comments, strings and tests.

use std::ops::RangeInclusive;

/// A file's code. Comments and the insides of literals are blank; so is the test module. Lines are
/// where they were.
#[derive(Debug)]
pub(crate) struct Code {
    /// The code.
    pub(crate) text: String,
    /// How many lines there are without those of the test module.
    pub(crate) lines: usize,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// From the line of `fn` to that of the closing brace, from 1.
    pub(crate) lines: RangeInclusive<usize>,
}

impl Code {
    pub(crate) fn of(text: &str) -> Self {
        let mut code = mask(text);
        let mut lines = text.lines().count();
        while let Some(part) = test_part(&code) {
            let newlines = code[part.clone()].matches('\n').count();
            lines = lines.saturating_sub(newlines + 1);
            let blank: String = code[part.clone()].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
            code.replace_range(part, &blank);
        }
        Self { text: code, lines }
    }

    /// The functions, in order.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (at, _) in self.text.match_indices("fn ") {
            if self.text[..at].ends_with(is_word) {
                continue;
            }
            let rest = &self.text[at + 3..];
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            let Some(open) = body(rest).filter(|_| !name.is_empty()) else { continue };
            let end = at + 3 + open + closing(&rest[open..]);
            found.push(Function { name, lines: line_of(&self.text, at)..=line_of(&self.text, end) });
        }
        found
    }
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Whether a character may be part of a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the body of a function begins, seen from its name; none for a declaration.
fn body(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// Where the brace that opens at 0 is closed.
fn closing(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len().saturating_sub(1)
}

/// The bytes of `#[cfg(test)] mod NAME { .. }` or `#[cfg(test)] mod NAME;`.
fn test_part(code: &str) -> Option<std::ops::Range<usize>> {
    const MARK: &str = "#[cfg(test)]";
    for (start, _) in code.match_indices(MARK) {
        let mut at = start + MARK.len();
        loop {
            at += code[at..].len() - code[at..].trim_start().len();
            if !code[at..].starts_with("#[") {
                break;
            }
            at += code[at..].find(']')? + 1;
        }
        let item = code[at..].strip_prefix("mod ");
        let Some(end) = item.and_then(|item| item.find(['{', ';'])) else { continue };
        let end = at + "mod ".len() + end;
        let end = if code[end..].starts_with('{') { end + closing(&code[end..]) } else { end };
        return Some(start..end + 1);
    }
    None
}

/// The text with comments and the insides of literals made blank.
fn mask(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at).min(chars.len());
        if end == at {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// Where the comment or literal that begins here ends; `at` itself if none begins.
fn literal_end(chars: &[char], at: usize) -> usize {
    let get = |n: usize| chars.get(n).copied().unwrap_or('\0');
    match (get(at), get(at + 1)) {
        ('/', '/') => (at..chars.len()).find(|n| chars[*n] == '\n').unwrap_or(chars.len()),
        ('/', '*') => block_end(chars, at),
        ('"', _) => quoted_end(chars, at, '"'),
        ('\'', '\\') => quoted_end(chars, at, '\''),
        ('\'', _) if get(at + 2) == '\'' => at + 3,
        ('r', '"' | '#') if !raw_is_part_of_name(chars, at) => raw_end(chars, at),
        _ => at,
    }
}

fn raw_is_part_of_name(chars: &[char], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map_or(' ', |n| chars[n]);
    let prefix = matches!(before(1), 'b' | 'c') && !is_word(before(2));
    is_word(before(1)) && !prefix
}

fn block_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match chars.get(at..at + 2) {
            Some(['/', '*']) => depth += 1,
            Some(['*', '/']) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut at = at + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut n = at + 1 + hashes;
    if chars.get(n) != Some(&'"') {
        return at;
    }
    loop {
        n += 1;
        match chars.get(n) {
            None => return n,
            Some('"') if chars[n + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => {
                return n + 1 + hashes;
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let text = "a // std::fs\nb /* x /* y */ z */ c \"d\\\"e\" r#\"f\"g\"# 'h' '\\'' &'life i br\"j\"";
        let masked = mask(text);
        assert_eq!(masked.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c", "&'life", "i", "b"]);
        assert_eq!(masked.chars().count(), text.chars().count());
    }

    #[test]
    fn the_test_module_is_left_out_and_what_follows_is_kept() {
        let text = "fn a() {}\n#[cfg(test)]\n#[expect(dead_code)]\nmod tests {\n    fn b() { \"}\"; }\n}\nfn c() {}\n";
        let code = Code::of(text);
        assert_eq!(code.lines, 2);
        let names: Vec<String> = code.functions().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["a", "c"]);
    }

    #[test]
    fn functions_have_the_lines_of_signature_and_body() {
        let text = "trait T { fn declared(&self) -> [u8; 2]; }\nfn long(\n    f: fn(u8),\n) -> [u8; 2]\n{\n    if x { y }\n}\n";
        assert_eq!(Code::of(text).functions(), [Function { name: "long".into(), lines: 2..=7 }]);
    }
}
