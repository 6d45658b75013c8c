//! What a pane of a session shows.

use super::scan::Scanner;

/// The marker is found or not, wherever the chunks end, and at the end of a line of its own it is found always.
pub(crate) fn pane(data: &[u8]) {
    let scan = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut scanner = Scanner::new("abc123", "abc456");
        chunks.fold(None, |said, chunk| scanner.push(chunk).or(said))
    };
    let whole = scan(&mut std::iter::once(data));
    assert_eq!(scan(&mut crate::fuzz::parts(data)), whole);
    assert_eq!(scan(&mut data.chunks(1)), whole);
    let text: Vec<u8> = data.iter().copied().filter(|byte| *byte != 0x1b).chain(*b"\r\nabc123").collect();
    assert_eq!(scan(&mut std::iter::once(&text[..])), Some(super::scan::Said::Done));
}
