//! The forms in which a secret travels.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// The secret in each form, each once.
pub(super) fn all(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec(), json(secret), secret.iter().rev().copied().collect()];
    for digits in [LOWER, UPPER] {
        forms.push(secret.iter().flat_map(|byte| hex(*byte, digits)).collect());
        forms.push(percent(secret, digits));
    }
    for alphabet in [STANDARD, URL] {
        forms.extend((0..3).map(|before| base64(secret, before, alphabet)));
    }
    forms.sort();
    forms.dedup();
    forms
}

fn hex(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]
}

/// As in a string of JSON.
fn json(secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in secret {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(*b"\\n"),
            b'\r' => out.extend(*b"\\r"),
            b'\t' => out.extend(*b"\\t"),
            _ => out.push(*byte),
        }
    }
    out
}

fn percent(secret: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in secret {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend(hex(*byte, digits));
        }
    }
    out
}

/// The characters of base64 that depend on the secret alone, where `before` bytes of something else stand in the same
/// group of three.
fn base64(secret: &[u8], before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bits = (before + secret.len()) * 8;
    let byte = |n: usize| n.checked_sub(before).and_then(|n| secret.get(n)).copied().unwrap_or(0);
    let first = (before * 8).div_ceil(6);
    (first..bits / 6)
        .map(|n| {
            let at = n * 6;
            let two = u16::from_be_bytes([byte(at / 8), byte(at / 8 + 1)]);
            alphabet[usize::from(two >> (10 - at % 8)) & 63]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_holds_what_any_surroundings_leave_of_a_secret() {
        // `printf hunter2-secret | base64`, with nothing, `x` and `xy` before it.
        assert_eq!(base64(b"hunter2-secret", 0, STANDARD), b"aHVudGVyMi1zZWNyZX");
        assert_eq!(base64(b"hunter2-secret", 1, STANDARD), b"h1bnRlcjItc2VjcmV0");
        assert_eq!(base64(b"hunter2-secret", 2, STANDARD), b"odW50ZXIyLXNlY3Jld");
        assert_eq!(base64(b"\xfb\xff\xfe", 0, URL), b"-__-");
    }

    #[test]
    fn each_form_is_there_once() {
        let forms = all(b"a b/c\"d");
        for form in ["a b/c\"d", "a b/c\\\"d", "d\"c/b a", "6120622f632264", "6120622F632264", "a%20b%2fc%22d"] {
            assert!(forms.iter().any(|f| f == form.as_bytes()), "{form}");
        }
        assert_eq!(all(b"plainword").iter().filter(|f| f.as_slice() == b"plainword").count(), 1);
    }
}
