//! What an attempt's own git directory says of where it stands.

use std::cell::OnceCell;

use camino::Utf8PathBuf;

use super::head::read_head;

thread_local! {
    static FOLDER: OnceCell<Option<tempfile::TempDir>> = const { OnceCell::new() };
}

/// `HEAD`, and behind a blank line the packed references: a commit's whole name comes of them, or a reason.
pub(crate) fn head(data: &[u8]) {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().ok()).as_ref();
        let Some(dir) = folder.and_then(|dir| Utf8PathBuf::from_path_buf(dir.path().to_owned()).ok()) else { return };
        let at = data.windows(2).position(|pair| pair == b"\n\n");
        let (head, packed) = at.map_or((data, &b""[..]), |at| (&data[..at + 1], &data[at + 2..]));
        let written = std::fs::write(dir.join("HEAD"), head).and(std::fs::write(dir.join("packed-refs"), packed));
        assert!(written.is_ok(), "the temporary folder takes no files");
        match read_head(&dir, 40) {
            Ok(Some(commit)) => {
                let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                assert!(commit.0.len() == 40 && commit.0.bytes().all(hex), "{commit:?}");
            }
            Ok(None) => {}
            Err(why) => assert!(!why.is_empty() && why.len() <= 10_000, "{} bytes of reasons", why.len()),
        }
    });
}
