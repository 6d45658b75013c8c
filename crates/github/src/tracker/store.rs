//! Snapshots on disk: one file for each repository. What cannot be read is read anew from GitHub.

use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::ForgeRepo;

use super::snapshot::{Snapshot, VERSION};

/// The file of a repository. Names of GitHub hold no `+`, and upper and lower case make no difference.
pub(crate) fn file(folder: &Utf8Path, repo: &ForgeRepo) -> Utf8PathBuf {
    folder.join(format!("{}+{}.json", repo.owner(), repo.name()).to_ascii_lowercase())
}

/// What the file holds, if it can be used.
pub(crate) fn load(file: &Utf8Path) -> Option<Snapshot> {
    let bytes = std::fs::read(file).ok()?;
    serde_json::from_slice(&bytes).ok().filter(|snapshot: &Snapshot| snapshot.version == VERSION)
}

/// Puts a snapshot in the place of the one before: whoever reads sees one or the other.
pub(crate) fn save(file: &Utf8Path, snapshot: &Snapshot) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Utf8Path::new("."));
    std::fs::create_dir_all(folder)?;
    let next = file.with_extension("json.new");
    let mut out = std::fs::File::create(&next)?;
    out.write_all(&serde_json::to_vec(snapshot)?)?;
    out.sync_data()?;
    std::fs::rename(&next, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(dir.path()).unwrap();
        let file = file(folder, &ForgeRepo::new("Acme/Web.js").unwrap());
        assert_eq!(file.file_name(), Some("acme+web.js.json"));
        assert_eq!(load(&file), None);
        let snapshot = Snapshot::new("2026-03-02T09:00:00Z".parse().unwrap());
        save(&file, &snapshot).unwrap();
        assert_eq!(load(&file), Some(snapshot.clone()));
        save(&file, &Snapshot { version: VERSION + 1, ..snapshot }).unwrap();
        assert_eq!(load(&file), None, "another version is read anew");
        std::fs::write(&file, "{\"version\":").unwrap();
        assert_eq!(load(&file), None, "a torn file is read anew");
    }
}
