//! The folder of one project.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Applied, Issue, IssueId, Milestone, NewIssue, ProjectName, TrackerError, TrackerState};
use jiff::civil::Date;
use tempfile::NamedTempFile;

use super::parse::{self, Flaw, Parsed};
use super::{milestones, text};

/// How often a write is begun anew because somebody else changed the file meanwhile.
const TRIES: usize = 5;

/// The file with the milestones of a project.
const MILESTONES: &str = "milestones.toml";

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
    pub(super) whole: String,
    /// The place where the text and the comments begin.
    pub(super) rest: usize,
    /// The issues it names as blocking it, open or closed.
    pub(super) blockers: Vec<String>,
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
            let Parsed { issue, rest, id_line } = parsed;
            if let Some(other) = seen.insert(issue.id.clone(), path.clone()) {
                let problem = format!("the id {} is also that of `{other}`; give one of them another", issue.id);
                return Err(flawed(Flaw { line: id_line, problem }));
            }
            let blockers = issue.facts.blocked_by.clone();
            files.push(IssueFile { path, issue, whole, rest, blockers });
        }
        // Of an issue that is not there nobody knows that it is closed.
        let closed = files.iter().filter(|file| file.issue.state == TrackerState::Closed);
        let closed: HashSet<String> = closed.map(|file| file.issue.id.to_string()).collect();
        for file in &mut files {
            file.issue.facts.blocked_by.retain(|id| !closed.contains(id));
        }
        files.sort_by(|a, b| order(&a.issue.id).cmp(&order(&b.issue.id)));
        Ok(files)
    }

    pub(super) fn find(&self, id: &IssueId) -> Result<IssueFile, TrackerError> {
        let found = self.files()?.into_iter().find(|file| file.issue.id == *id);
        found.ok_or_else(|| TrackerError::NotFound { project: self.project.clone(), issue: id.clone() })
    }

    pub(super) fn milestones(&self) -> Result<Vec<Milestone>, TrackerError> {
        let Some((path, whole)) = self.milestone_file()? else { return Ok(Vec::new()) };
        parse::milestones(&whole).map_err(|flaw| malformed(&path, flaw))
    }

    /// The file of the milestones and what it holds, if it is there.
    fn milestone_file(&self) -> Result<Option<(Utf8PathBuf, String)>, TrackerError> {
        let path = self.path.join(MILESTONES);
        match fs::read(&path) {
            Err(err) if err.kind() == ErrorKind::NotFound => Ok(None),
            Err(err) => Err(self.failed(&path, err)),
            Ok(bytes) => utf8(&path, bytes).map(|whole| Some((path, whole))),
        }
    }

    /// Lets there be a milestone that stands so.
    pub(super) fn set_milestone_file(
        &self,
        title: &str,
        due: Option<Date>,
        state: TrackerState,
    ) -> Result<Applied, TrackerError> {
        fs::create_dir_all(&self.path).map_err(|err| self.failed(&self.path, err))?;
        let _lock = self.lock()?;
        for _ in 0..TRIES {
            let file = self.milestone_file()?;
            let (path, old) = file.clone().unwrap_or_else(|| (self.path.join(MILESTONES), String::new()));
            // What cannot be read is not made worse.
            parse::milestones(&old).map_err(|flaw| malformed(&path, flaw))?;
            let changed = milestones::changed(&old, title, due, state).map_err(|flaw| malformed(&path, flaw))?;
            let Some(whole) = changed else { return Ok(Applied::Already(None)) };
            let done = if file.is_some() { self.replace(&path, &old, &whole)? } else { self.put_new(&path, &whole)? };
            if done {
                return Ok(Applied::Done(None));
            }
        }
        Err(unavailable(&self.project, format!("somebody else keeps changing `{}`", self.path.join(MILESTONES))))
    }

    /// Writes a new file, unless somebody else has.
    fn put_new(&self, path: &Utf8Path, whole: &str) -> Result<bool, TrackerError> {
        let new_file = fs::Permissions::from_mode(0o666);
        let written = self.temporary(&self.path, whole, Some(new_file)).map_err(|err| self.failed(path, err))?;
        match written.persist_noclobber(path) {
            Ok(_) => self.sync(&self.path).map(|()| true),
            Err(err) if err.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(err) => Err(self.failed(path, err.error)),
        }
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
        let same_part =
            |issue: &Issue| new.part.is_some() && issue.facts.part == new.part && issue.parent == new.parent;
        let made = |file: &&IssueFile| file.issue.facts.key.as_deref() == Some(key) || same_part(&file.issue);
        match files.iter().find(made) {
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
        let after = self.siblings(new, files)?;
        let file = text::file(&id, new, author, key, &after);
        if self.put_new(&path, &file)? { Ok(id) } else { Err(self.failed(&path, ErrorKind::AlreadyExists.into())) }
    }

    /// The children of the same parent that a new issue names by their parts.
    fn siblings(&self, new: &NewIssue, files: &[IssueFile]) -> Result<Vec<IssueId>, TrackerError> {
        let of = |part: &String| {
            let is = |issue: &&Issue| issue.facts.part.as_ref() == Some(part) && issue.parent == new.parent;
            let found = files.iter().map(|file| &file.issue).find(is);
            found.map(|issue| issue.id.clone()).ok_or_else(|| TrackerError::Refused {
                project: self.project.clone(),
                reason: format!("there is no part `{part}` for `{}` to come after; create that first", new.title),
            })
        };
        new.after.iter().map(of).collect()
    }

    /// Changes the file of an issue, if `change` says to.
    pub(super) fn edit(
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
            if self.replace(&file.path, &file.whole, &whole)? {
                return Ok(Applied::Done(None));
            }
        }
        Err(unavailable(&self.project, format!("somebody else keeps changing issue {id}")))
    }

    /// Puts new text in the place of a file, unless somebody without our lock, such as an editor,
    /// has changed it since it was read.
    fn replace(&self, path: &Utf8Path, old: &str, whole: &str) -> Result<bool, TrackerError> {
        let failed = |err| self.failed(path, err);
        // A link stays a link.
        let target = path.canonicalize_utf8().map_err(failed)?;
        let folder = target.parent().unwrap_or(&self.path);
        let mode = fs::metadata(&target).map_err(failed)?.permissions();
        if mode.readonly() {
            return Err(failed(ErrorKind::PermissionDenied.into()));
        }
        let written = self.temporary(folder, whole, None).map_err(failed)?;
        written.as_file().set_permissions(mode).map_err(failed)?;
        if fs::read(&target).map_err(failed)? != old.as_bytes() {
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
