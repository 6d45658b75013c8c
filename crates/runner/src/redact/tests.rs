use proptest::prelude::*;

use super::*;

const VALUE: &str = "sk-live/4fG7+hQ2zLmN8pRtUvWxYa0B_cDeFgHi";

fn redactor(values: &[&str]) -> Redactor {
    let secrets: Vec<Secret> = values.iter().map(|value| Secret::new("NAME", *value)).collect();
    Redactor::new(&secrets)
}

fn masked(values: &[&str], text: &[u8]) -> Vec<u8> {
    in_chunks(&mut redactor(values), text, &[])
}

/// The text in chunks of these lengths, and the rest.
fn in_chunks(redactor: &mut Redactor, mut text: &[u8], lengths: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    for length in lengths {
        let (chunk, rest) = text.split_at((*length).min(text.len()));
        redactor.push(chunk, &mut out);
        text = rest;
    }
    redactor.push(text, &mut out);
    redactor.finish(&mut out);
    out
}

fn base64(text: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in text.chunks(3) {
        let number = (0..3).fold(0_usize, |n, i| n << 8 | usize::from(group.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let shown = char::from(alphabet[number >> (18 - 6 * i) & 63]);
            out.push(if i <= group.len() { shown } else { '=' });
        }
    }
    out
}

fn hex(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn spaced(text: &str, by: &str) -> String {
    text.chars().map(|c| format!("{c}{by}")).collect()
}

fn rot13(text: &str) -> String {
    let turn = |c: char, a: u8| char::from((c as u8 - a + 13) % 26 + a);
    text.chars()
        .map(|c| match c {
            'a'..='z' => turn(c, b'a'),
            'A'..='Z' => turn(c, b'A'),
            _ => c,
        })
        .collect()
}

/// The most characters in a row that were left as they were.
fn left(before: &str, after: &[u8]) -> usize {
    let same: Vec<bool> = before.bytes().zip(after).map(|(a, b)| a == *b).collect();
    same.split(|same| !same).map(<[bool]>::len).max().unwrap_or(0)
}

#[test]
fn ten_of_fourteen_forms_are_masked_and_four_are_known_not_to_be() {
    let percent: String = VALUE
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let covered = [
        ("as it is", VALUE.to_owned()),
        ("without its first seven characters", VALUE[7..].to_owned()),
        ("base64", base64(VALUE.as_bytes())),
        ("base64, one byte before it", base64(format!("x{VALUE}").as_bytes())),
        ("base64, two bytes before it", base64(format!("xy{VALUE}").as_bytes())),
        ("base64 for URLs", base64(VALUE.as_bytes()).replace('+', "-").replace('/', "_")),
        ("hexadecimal", hex(VALUE.as_bytes())),
        ("hexadecimal, upper case", hex(VALUE.as_bytes()).to_uppercase()),
        ("reversed", VALUE.chars().rev().collect()),
        ("percent-encoded", percent.replace("%2D", "-").replace("%5F", "_")),
    ];
    for (name, form) in &covered {
        let out = masked(&[VALUE], form.as_bytes());
        assert_eq!(out.len(), form.len());
        assert!(left(form, &out) <= 4, "{name}: {}", String::from_utf8_lossy(&out));
    }
    // Whoever covers one of these takes it out of the module's documentation too.
    let uncovered = [
        ("letters spaced out", spaced(VALUE, " ")),
        ("joined by dashes", spaced(VALUE, "-")),
        ("rotated by 13", rot13(VALUE)),
        ("base64 twice", base64(base64(VALUE.as_bytes()).as_bytes())),
    ];
    for (name, form) in &uncovered {
        assert_eq!(masked(&[VALUE], form.as_bytes()), form.as_bytes(), "{name}");
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    let text = format!("before {VALUE} after\nand {VALUE}{VALUE}.");
    let stars = "*".repeat(VALUE.len());
    let out = masked(&[VALUE], text.as_bytes());
    assert_eq!(String::from_utf8(out).unwrap(), format!("before {stars} after\nand {stars}{stars}."));
}

#[test]
fn a_secret_in_json_is_masked_between_its_escapes() {
    let value = "line one of the key\n\"line two\" of the key";
    let out = masked(&[value], br#"{"text":"line one of the key\n\"line two\" of the key"}"#);
    assert_eq!(String::from_utf8(out).unwrap(), format!(r#"{{"text":"{}"}}"#, "*".repeat(44)));
}

#[test]
fn nine_characters_are_no_window_and_ten_are() {
    assert_eq!(masked(&[VALUE], &VALUE.as_bytes()[5..14]), &VALUE.as_bytes()[5..14]);
    assert_eq!(masked(&[VALUE], &VALUE.as_bytes()[5..15]), b"**********");
}

#[test]
fn a_short_secret_is_found_whole_and_a_shorter_one_is_said_not_to_be() {
    assert_eq!(masked(&["hunter2"], b"hunter2 hunter hunter22"), b"******* hunter *******2");
    assert_eq!(masked(&["hunter2"], base64(b"xhunter2").as_bytes()), b"eG********I=");
    let text = format!("a {} b", hex(b"hunter2"));
    assert_eq!(masked(&["hunter2"], text.as_bytes()), format!("a {} b", "*".repeat(14)).as_bytes());

    let secrets = [Secret::new("PIN", "12345"), Secret::new("EMPTY", ""), Secret::new("LINE", " \n123456\n")];
    let mut redactor = Redactor::new(&secrets);
    assert_eq!(redactor.uncovered(), ["PIN", "EMPTY"]);
    assert_eq!(in_chunks(&mut redactor, b"12345 123456", &[]), b"12345 ******");
}

#[test]
fn without_a_secret_nothing_is_held_back() {
    let mut redactor = Redactor::new(&[]);
    assert!(redactor.is_empty());
    let mut out = Vec::new();
    redactor.push(b"abc", &mut out);
    assert_eq!(out, b"abc");
    assert_eq!(std::mem::take(&mut redactor.held).capacity(), 0);
}

#[test]
fn a_prompt_without_a_line_end_is_shown_when_output_pauses() {
    let mut redactor = redactor(&[VALUE]);
    let mut out = Vec::new();
    redactor.push(b"Go on? [y/n] ", &mut out);
    assert_eq!(out, b"Go o");
    redactor.flush_partial(&mut out);
    assert_eq!(out, b"Go on? [y/n] ");
    redactor.flush_partial(&mut out);
    redactor.push(b"yes\n", &mut out);
    redactor.finish(&mut out);
    assert_eq!(out, b"Go on? [y/n] yes\n");
}

#[test]
fn a_pause_within_a_secret_shows_at_most_four_of_its_characters() {
    for cut in 1..VALUE.len() {
        let mut redactor = redactor(&[VALUE]);
        let mut out = Vec::new();
        for part in [&VALUE[..cut], &VALUE[cut..]] {
            redactor.push(part.as_bytes(), &mut out);
            redactor.flush_partial(&mut out);
        }
        redactor.finish(&mut out);
        assert_eq!(out.len(), VALUE.len());
        assert!(left(VALUE, &out) <= 4, "cut at {cut}: {}", String::from_utf8_lossy(&out));
    }
}

#[test]
fn no_secret_is_in_what_is_printed_of_one() {
    let shown = format!("{:?} {:?}", Secret::new("NAME", VALUE), redactor(&[VALUE]));
    assert!(shown.starts_with("Secret(NAME) Redactor") && !shown.contains("live"), "{shown}");
}

/// Text as programs print it, the same each time.
fn pseudo_random_text(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_ \n.%";
    (0..bytes).map(|_| alphabet[next() as usize % alphabet.len()]).collect()
}

fn twenty_secrets() -> Vec<Secret> {
    let text = pseudo_random_text(20_000);
    let letters: Vec<u8> = text.into_iter().filter(u8::is_ascii_alphanumeric).skip(9_000).collect();
    letters.chunks(40).take(20).map(|value| Secret::new("NAME", value)).collect()
}

#[test]
fn nothing_is_masked_in_eight_megabytes_without_a_secret() {
    let text = pseudo_random_text(8_000_000);
    let mut redactor = Redactor::new(&twenty_secrets());
    let mut out = Vec::with_capacity(text.len());
    let changed = |out: &[u8], text: &[u8]| out.iter().zip(text).filter(|(a, b)| a != b).count();
    for chunk in text[20_000..].chunks(65_536) {
        redactor.push(chunk, &mut out);
    }
    redactor.finish(&mut out);
    assert_eq!((out.len(), changed(&out, &text[20_000..])), (text.len() - 20_000, 0));
}

#[test]
fn a_hostile_repetition_of_a_secrets_beginning_is_masked_too() {
    let text = VALUE[..12].repeat(1_000);
    assert_eq!(masked(&[VALUE], text.as_bytes()), "*".repeat(text.len()).as_bytes());
    // Nine characters, again and again: never a window.
    let text = VALUE[..9].repeat(1_000);
    assert_eq!(masked(&[VALUE], text.as_bytes()), text.as_bytes());
}

/// What the redactor must do, said as plainly as it can be.
fn plainly(values: &[&str], text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    for value in values {
        for form in forms::all(value.as_bytes()) {
            let length = if value.len() < WINDOW { form.len() } else { WINDOW };
            for needle in form.windows(length) {
                for (at, window) in text.windows(length).enumerate() {
                    if window == needle {
                        out[at..at + length].fill(b'*');
                    }
                }
            }
        }
    }
    out
}

/// A text in which pieces of secrets and their forms stand side by side.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let values = ["sk-0123456789abc", "hunter2", "aaaaaaaaaaaaaaa", "p\"ss/w rd\nx+yz"];
    let forms: Vec<Vec<u8>> = values.iter().flat_map(|value| forms::all(value.as_bytes())).collect();
    let piece = (0..forms.len(), any::<prop::sample::Index>(), 0_usize..24).prop_map(move |(form, at, length)| {
        let form = &forms[form];
        let at = at.index(form.len());
        form[at..form.len().min(at + length)].to_vec()
    });
    let noise = proptest::collection::vec(any::<u8>(), 0..4);
    proptest::collection::vec(prop_oneof![4 => piece, 1 => noise], 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wherever_the_chunks_end_all_windows_and_nothing_else_are_masked(
        text in pieces(),
        lengths in proptest::collection::vec(0_usize..14, 0..24),
    ) {
        let values = ["sk-0123456789abc", "hunter2", "aaaaaaaaaaaaaaa", "p\"ss/w rd\nx+yz"];
        let wanted = plainly(&values, &text);
        prop_assert_eq!(&masked(&values, &text), &wanted, "in one chunk");
        let mut chunked = redactor(&values);
        prop_assert_eq!(&in_chunks(&mut chunked, &text, &lengths), &wanted, "in chunks");
        prop_assert_eq!(&in_chunks(&mut chunked, &text, &[1, 2, 3]), &wanted, "after another stream");
    }

    #[test]
    fn with_pauses_each_byte_comes_once_and_whatever_comes_after_is_masked(
        text in pieces(),
        lengths in proptest::collection::vec(0_usize..14, 0..24),
    ) {
        let values = ["sk-0123456789abc", "aaaaaaaaaaaaaaa"];
        let (mut redactor, mut out, mut rest) = (redactor(&values), Vec::new(), &text[..]);
        for length in lengths {
            let (chunk, after) = rest.split_at(length.min(rest.len()));
            redactor.push(chunk, &mut out);
            redactor.flush_partial(&mut out);
            rest = after;
        }
        redactor.push(rest, &mut out);
        redactor.finish(&mut out);
        let wanted = plainly(&values, &text);
        prop_assert_eq!(out.len(), text.len());
        for (at, byte) in out.iter().enumerate() {
            prop_assert!(*byte == text[at] || *byte == wanted[at], "at {}", at);
        }
        for window in out.windows(WINDOW) {
            let secret = values.iter().any(|v| v.as_bytes().windows(WINDOW).any(|w| w == window));
            prop_assert!(!secret || window.iter().all(|b| *b == b'*'), "{:?}", window);
        }
    }
}
