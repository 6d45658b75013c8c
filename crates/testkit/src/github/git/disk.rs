//! Where the repositories lie.

use std::sync::Arc;

use tempfile::TempDir;

use super::repository::GitRepo;

/// A folder of bare repositories, which goes when the last who knows it goes.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    dir: Arc<TempDir>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("dayfly-github-").tempdir();
        Self { dir: Arc::new(dir.expect("a folder for temporary files can be written")) }
    }

    /// The repository of an id. It is made when it is first asked for: most tests have some that nobody clones.
    pub(crate) fn repository(&self, id: u64, default_branch: &str) -> GitRepo {
        let dir = self.dir.path().join(format!("{id}.git"));
        if dir.join("HEAD").exists() { GitRepo::at(dir) } else { GitRepo::create(&dir, default_branch) }
    }
}
