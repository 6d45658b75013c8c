//! The folder of one project.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Applied, Issue, IssueId, Milestone, NewIssue, ProjectName, TrackerError, TrackerState};
use tempfile::NamedTempFile;

use super::parse::{self, Flaw, Parsed};
use super::text;

/// How often a write is begun anew because somebody else changed the file meanwhile.
const TRIES: usize = 5;

/// The files of one project. Its methods block.
#[derive(Debug)]
pub(super) struct Folder {
    path: Utf8PathBuf,
    project: ProjectName,
}

/// The file of an issue.
#[derive(Debug)]
pub(super) struct IssueFile {
    pub(super) path: Utf8PathBuf,
    pub(super) issue: Issue,
    key: Option<String>,
    whole: String,
}

pub(super) fn unavailable(
    project: &ProjectName,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TrackerError {
    TrackerError::Unavailable { project: project.clone(), source: source.into() }
}

impl Folder {
    pub(super) fn new(root: &Utf8Path, project: ProjectName) -> Self {
        Self { path: root.join(project.as_str()), project }
    }

    /// All issues, ordered by id.
    pub(super) fn files(&self) -> Result<Vec<IssueFile>, TrackerError> {
        let mut files = Vec::new();
        let mut seen: HashMap<IssueId, Utf8PathBuf> = HashMap::new();
        for (path, whole) in self.texts()? {
            let flawed = |flaw| malformed(&path, flaw);
            let parsed = parse::issue(&whole, path.file_stem().unwrap_or_default()).map_err(flawed)?;
            let Parsed { issue, key, id_line } = parsed;
            if let Some(other) = seen.insert(issue.id.clone(), path.clone()) {
                let problem = format!("the id {} is also that of `{other}`; give one of them another", issue.id);
                return Err(flawed(Flaw { line: id_line, problem }));
            }
            files.push(IssueFile { path, issue, key, whole });
        }
        files.sort_by(|a, b| order(&a.issue.id).cmp(&order(&b.issue.id)));
        Ok(files)
    }

    pub(super) fn find(&self, id: &IssueId) -> Result<IssueFile, TrackerError> {
        let found = self.files()?.into_iter().find(|file| file.issue.id == *id);
        found.ok_or_else(|| TrackerError::NotFound { project: self.project.clone(), issue: id.clone() })
    }

    pub(super) fn milestones(&self) -> Result<Vec<Milestone>, TrackerError> {
        let path = self.path.join("milestones.toml");
        match fs::read(&path) {
            Err(err) if err.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(err) => Err(self.failed(&path, err)),
            Ok(bytes) => parse::milestones(&utf8(&path, bytes)?).map_err(|flaw| malformed(&path, flaw)),
        }
    }

    /// Appends a comment, unless there is one with the key.
    pub(super) fn comment(&self, id: &IssueId, comment: &str, key: Option<&str>) -> Result<Applied, TrackerError> {
        self.edit(id, |file| {
            let written = file.issue.comments.iter().any(|known| key.is_some() && known.key.as_deref() == key);
            Ok((!written).then(|| text::with_comment(&file.whole, comment)))
        })
    }

    pub(super) fn set_labels(&self, id: &IssueId, add: &[String], remove: &[String]) -> Result<Applied, TrackerError> {
        self.edit(id, |file| {
            let mut missing: Vec<String> = Vec::new();
            for label in add {
                let listed = missing.iter().any(|known| known.eq_ignore_ascii_case(label));
                if !listed && !file.issue.has_label(label) {
                    missing.push(label.clone());
                }
            }
            if missing.is_empty() && !remove.iter().any(|label| file.issue.has_label(label)) {
                return Ok(None);
            }
            text::with_labels(&file.whole, &missing, remove).map(Some)
        })
    }

    pub(super) fn set_state(&self, id: &IssueId, state: TrackerState) -> Result<Applied, TrackerError> {
        let word = match state {
            TrackerState::Open => "open",
            TrackerState::Closed => "closed",
        };
        self.edit(id, |file| {
            if file.issue.state == state {
                return Ok(None);
            }
            text::with_state(&file.whole, word).map(Some)
        })
    }

    /// Creates an issue.
    pub(super) fn create(&self, new: &NewIssue, author: &str, key: Option<&str>) -> Result<IssueId, TrackerError> {
        fs::create_dir_all(&self.path).map_err(|err| self.failed(&self.path, err))?;
        let _lock = self.lock()?;
        self.add(new, author, key, &self.files()?)
    }

    /// Creates an issue, unless one was created with the key.
    pub(super) fn create_once(&self, new: &NewIssue, author: &str, key: &str) -> Result<Applied, TrackerError> {
        fs::create_dir_all(&self.path).map_err(|err| self.failed(&self.path, err))?;
        let _lock = self.lock()?;
        let files = self.files()?;
        match files.iter().find(|file| file.key.as_deref() == Some(key)) {
            Some(file) => Ok(Applied::Already(Some(file.issue.id.clone()))),
            None => self.add(new, author, Some(key), &files).map(|id| Applied::Done(Some(id))),
        }
    }

    fn add(
        &self,
        new: &NewIssue,
        author: &str,
        key: Option<&str>,
        files: &[IssueFile],
    ) -> Result<IssueId, TrackerError> {
        let highest = files.iter().filter_map(|file| order(&file.issue.id).0.ok()).max().unwrap_or(0);
        let name = highest.saturating_add(1).to_string();
        let id = IssueId::new(name).map_err(|err| unavailable(&self.project, err))?;
        let slug = text::slug(&new.title);
        let name = if slug.is_empty() { format!("{id}.md") } else { format!("{id}-{slug}.md") };
        let path = self.path.join(name);
        let file = text::file(&id, new, author, key);
        let new_file = fs::Permissions::from_mode(0o666);
        let written = self.temporary(&self.path, &file, Some(new_file)).map_err(|err| self.failed(&path, err))?;
        written.persist_noclobber(&path).map_err(|err| self.failed(&path, err.error))?;
        self.sync(&self.path)?;
        Ok(id)
    }

    /// Changes the file of an issue, if `change` says to.
    fn edit(
        &self,
        id: &IssueId,
        change: impl Fn(&IssueFile) -> Result<Option<String>, Flaw>,
    ) -> Result<Applied, TrackerError> {
        if !self.path.exists() {
            return Err(TrackerError::NotFound { project: self.project.clone(), issue: id.clone() });
        }
        let _lock = self.lock()?;
        for _ in 0..TRIES {
            let file = self.find(id)?;
            let Some(whole) = change(&file).map_err(|flaw| malformed(&file.path, flaw))? else {
                return Ok(Applied::Already(None));
            };
            if self.replace(&file, &whole)? {
                return Ok(Applied::Done(None));
            }
        }
        Err(unavailable(&self.project, format!("somebody else keeps changing issue {id}")))
    }

    /// Puts new text in the place of a file, unless somebody without our lock, such as an editor,
    /// has changed it since it was read.
    fn replace(&self, file: &IssueFile, whole: &str) -> Result<bool, TrackerError> {
        let failed = |err| self.failed(&file.path, err);
        // A link stays a link.
        let target = file.path.canonicalize_utf8().map_err(failed)?;
        let folder = target.parent().unwrap_or(&self.path);
        let mode = fs::metadata(&target).map_err(failed)?.permissions();
        if mode.readonly() {
            return Err(failed(ErrorKind::PermissionDenied.into()));
        }
        let written = self.temporary(folder, whole, None).map_err(failed)?;
        written.as_file().set_permissions(mode).map_err(failed)?;
        if fs::read(&target).map_err(failed)? != file.whole.as_bytes() {
            return Ok(false);
        }
        written.persist(&target).map_err(|err| failed(err.error))?;
        self.sync(folder)?;
        Ok(true)
    }

    /// A file with a hidden name of its own, on the disk with all it holds.
    fn temporary(&self, folder: &Utf8Path, whole: &str, mode: Option<fs::Permissions>) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dayfly-").suffix(".tmp");
        if let Some(mode) = mode {
            builder.permissions(mode);
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(whole.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    fn sync(&self, folder: &Utf8Path) -> Result<(), TrackerError> {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|err| self.failed(folder, err))
    }

    /// Waits until no other writer works in the folder; the lock ends when the file is dropped.
    fn lock(&self) -> Result<File, TrackerError> {
        let path = self.path.join(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|err| self.failed(&path, err))?;
        file.lock().map_err(|err| self.failed(&path, err))?;
        Ok(file)
    }

    /// The texts of all issues, read anew if a file is renamed while they are read.
    fn texts(&self) -> Result<Vec<(Utf8PathBuf, String)>, TrackerError> {
        'again: for _ in 0..TRIES {
            let mut texts = Vec::new();
            for path in self.list()? {
                match fs::read(&path) {
                    Ok(bytes) => texts.push((path.clone(), utf8(&path, bytes)?)),
                    Err(err) if err.kind() == ErrorKind::NotFound && !path.is_symlink() => continue 'again,
                    Err(err) => return Err(self.failed(&path, err)),
                }
            }
            return Ok(texts);
        }
        Err(unavailable(&self.project, format!("the files in `{}` keep changing", self.path)))
    }

    fn list(&self) -> Result<Vec<Utf8PathBuf>, TrackerError> {
        let entries = match self.path.read_dir_utf8() {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|err| self.failed(&self.path, err))?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|err| self.failed(&self.path, err))?.into_path();
            let hidden = path.file_name().is_none_or(|name| name.starts_with('.'));
            if !hidden && path.extension() == Some("md") && !path.is_dir() {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// What an error of the file system means: most need a person, some pass.
    fn failed(&self, path: &Utf8Path, err: io::Error) -> TrackerError {
        let remedy = match err.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "let dayfly read and write it",
            ErrorKind::NotADirectory => "make it a folder",
            ErrorKind::NotFound => "put back what it points to, or remove it",
            ErrorKind::AlreadyExists => "give the file that is there another name",
            ErrorKind::InvalidData => "give the files names in UTF-8",
            _ => return unavailable(&self.project, err),
        };
        TrackerError::Malformed { place: path.to_string(), problem: format!("{err}; {remedy}") }
    }
}

/// Numbers by value, before words.
fn order(id: &IssueId) -> (Result<u64, &str>, &str) {
    let text = id.as_str();
    (text.parse().map_err(|_| text), text)
}

fn malformed(path: &Utf8Path, flaw: Flaw) -> TrackerError {
    TrackerError::Malformed { place: format!("{path}:{}", flaw.line), problem: flaw.problem }
}

fn utf8(path: &Utf8Path, bytes: Vec<u8>) -> Result<String, TrackerError> {
    String::from_utf8(bytes).map_err(|err| {
        let before = &err.as_bytes()[..err.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        malformed(path, Flaw { line, problem: "the text is not UTF-8; save it in that encoding".into() })
    })
}
