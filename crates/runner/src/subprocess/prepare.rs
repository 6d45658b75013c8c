//! What a child is given: its files, its environment and its command line.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Attempt, CommandLine, Digest, PromptVia, RunnerError};

use crate::process::{ATTEMPT_VARIABLE, TAG_VARIABLE};
use crate::program::find_program;
use crate::redact::{Redactor, secrets_of};

/// Stand in an agent's command line for what an adapter cannot know, because it is made from the job alone: the path of
/// the proposal file, the attempt's folder, the working copy, and a UUID that is the attempt's own.
pub(crate) const PROPOSAL_PLACE: &str = "@DAYFLY_PROPOSAL@";
pub(crate) const DIR_PLACE: &str = "@DAYFLY_DIR@";
pub(crate) const CWD_PLACE: &str = "@DAYFLY_CWD@";
pub(crate) const SESSION_PLACE: &str = "@DAYFLY_SESSION@";

/// The folder, in an attempt's own, in which an agent may leave files for the engine.
pub(super) const OUT: &str = "out";

/// Where the proposal of an attempt is.
pub(crate) fn proposal_path(dir: &Utf8Path) -> Utf8PathBuf {
    dir.join(OUT).join("proposal.json")
}

/// The variables every child may have from the engine's environment; and all that begin with `LC_`.
const ALLOWED: [&str; 9] = ["PATH", "LANG", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The variables that tell a child about its attempt.
const OWN: [&str; 6] =
    [ATTEMPT_VARIABLE, TAG_VARIABLE, "DAYFLY_PROPOSAL", "DAYFLY_STAGE", "DAYFLY_ISSUE", "DAYFLY_PROJECT"];

/// The files of an attempt.
pub(crate) struct Files {
    /// Its folder, absolute: the child starts elsewhere.
    pub(crate) dir: Utf8PathBuf,
    /// The file that is its standard input; without one that is empty.
    pub(crate) stdin: Option<Utf8PathBuf>,
}

/// Makes the attempt's folder. Only the owner can read what is in it.
pub(crate) fn files(attempt: &Attempt) -> Result<Files, RunnerError> {
    let dir = absolute(&attempt.dir).map_err(at(&attempt.dir))?;
    if !attempt.cwd.is_dir() {
        let source = io::Error::new(io::ErrorKind::NotFound, "it is not a folder");
        return Err(RunnerError::Files { path: attempt.cwd.clone(), source });
    }
    put_aside(&dir).map_err(at(&dir))?;
    for folder in ["home", "tmp", OUT] {
        let folder = dir.join(folder);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at(&folder))?;
    }
    let prompt = dir.join("prompt.txt");
    write(&prompt, &attempt.job.prompt)?;
    let places = Places::new(attempt, &dir);
    for (name, text) in &attempt.command.files {
        let path = within(&dir, name).ok_or_else(|| {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a path within the attempt's folder");
            RunnerError::Files { path: name.into(), source }
        })?;
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
        }
        write(&path, &places.fill(text))?;
    }
    if let Some(folder) = &attempt.command.elsewhere {
        let folder = Utf8PathBuf::from(places.fill(folder));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at(&folder))?;
    }
    let stdin = (attempt.command.prompt == PromptVia::Stdin).then_some(prompt);
    Ok(Files { dir, stdin })
}

fn write(path: &Utf8Path, text: &str) -> Result<(), RunnerError> {
    let mut file = private().truncate(true).open(path).map_err(at(path))?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(at(path))
}

/// The file of that name below `dir`; nothing if the name leads elsewhere.
fn within(dir: &Utf8Path, name: &str) -> Option<Utf8PathBuf> {
    let name = Utf8Path::new(name);
    let plain = name.components().all(|part| matches!(part, camino::Utf8Component::Normal(_)));
    (plain && name.file_name().is_some()).then(|| dir.join(name))
}

/// What stands for what in an attempt's command line.
struct Places([(&'static str, String); 4]);

impl Places {
    fn new(attempt: &Attempt, dir: &Utf8Path) -> Self {
        Self([
            (PROPOSAL_PLACE, proposal_path(dir).into_string()),
            (DIR_PLACE, dir.to_string()),
            (CWD_PLACE, absolute(&attempt.cwd).unwrap_or_else(|_| attempt.cwd.clone()).into_string()),
            (SESSION_PLACE, session_id(&format!("{}/{}", attempt.tag, attempt.id))),
        ])
    }

    fn fill(&self, text: &str) -> String {
        let filled = |text: String, (place, value): &(&str, String)| text.replace(place, value);
        self.0.iter().fold(text.to_owned(), filled)
    }
}

/// A UUID made from a name. It claims to be a random one, because programs refuse versions they do not know.
fn session_id(name: &str) -> String {
    let digest = Digest::of(name.as_bytes());
    let hex = digest.as_str();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// Moves a folder of that name out of the way: what another attempt left there, an answer above all, is not this one's.
fn put_aside(dir: &Utf8Path) -> io::Result<()> {
    if !dir.try_exists()? {
        return Ok(());
    }
    let free = (1_u32..).map(|n| Utf8PathBuf::from(format!("{dir}~{n}"))).find(|old| !old.exists());
    free.map_or(Ok(()), |old| fs::rename(dir, old))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

pub(super) fn at(path: &Utf8Path) -> impl FnOnce(io::Error) -> RunnerError {
    let path = path.to_owned();
    move |source| RunnerError::Files { path, source }
}

pub(super) fn absolute(path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let path = std::path::absolute(path.as_std_path())?;
    Utf8PathBuf::from_path_buf(path).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its path is not UTF-8"))
}

/// What is started.
pub(super) struct Line {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// All of its environment.
    pub(super) env: BTreeMap<OsString, OsString>,
}

/// The command line of an attempt whose folder is `dir`.
pub(super) fn line(attempt: &Attempt, dir: &Utf8Path) -> Line {
    let line = &attempt.command;
    let places = Places::new(attempt, dir);
    let env = environment(attempt, dir, &places);
    let mut args: Vec<String> = line.args.iter().map(|arg| places.fill(arg)).collect();
    if line.prompt == PromptVia::LastArgument {
        args.push(attempt.job.prompt.clone());
    }
    let path = env.get(OsStr::new("PATH"));
    let found = program(&line.program, path);
    let found = native(&found, &line.native).unwrap_or(found);
    let Some(folder) = &line.elsewhere else { return Line { program: found, args, env } };
    let before = ["-C".to_owned(), places.fill(folder), found.to_string_lossy().into_owned()];
    Line { program: program("env", path), args: before.into_iter().chain(args).collect(), env }
}

/// Whether the program is there, as [`line`] would look for it.
pub(super) fn can_start(line: &CommandLine) -> Result<(), String> {
    let path = line.env.get("PATH").map(OsString::from).or_else(|| std::env::var_os("PATH"));
    match find_program(&line.program, path.as_deref()) {
        Some(_) => Ok(()),
        None if line.program.contains('/') => {
            Err(format!("{} is not there, or cannot be executed; install it, or `chmod +x` it", line.program))
        }
        None => Err(format!("`{}` is not on PATH; install it, or mend PATH", line.program)),
    }
}

/// A relative path is one from the engine's folder, where the user wrote it, and not from the child's.
/// One without a slash is looked for on the child's `PATH`. By its full path it is spawned without copying the
/// engine's address space.
fn program(program: &str, path: Option<&OsString>) -> PathBuf {
    let found = if program.contains('/') {
        std::path::absolute(Path::new(program)).ok()
    } else {
        find_program(program, path.map(OsString::as_os_str))
    };
    found.unwrap_or_else(|| program.into())
}

/// The program that a script at `found` starts, if that is one and the program is at one of the `places` beside it.
pub fn native(found: &Path, places: &[String]) -> Option<PathBuf> {
    if places.is_empty() {
        return None;
    }
    let script = found.canonicalize().ok()?;
    let mut start = [0; 2];
    let is_script = fs::File::open(&script).and_then(|mut file| io::Read::read_exact(&mut file, &mut start)).is_ok();
    if !is_script || start != *b"#!" {
        return None;
    }
    let folder = script.parent()?;
    let there = places.iter().filter_map(|place| folder.join(place).canonicalize().ok());
    there.filter_map(|file| find_program(file.to_str()?, None)).next()
}

/// The environment of a child whose home and temporary folder are in `dir`.
pub(crate) fn child_environment(line: &CommandLine, dir: &Utf8Path) -> BTreeMap<OsString, OsString> {
    let home = dir.join("home");
    let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
    let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
    set("HOME", home.as_str());
    set("TMPDIR", dir.join("tmp").as_str());
    // With the user's own home the agent must also find the user's own folders below it.
    if !line.pass_env.iter().any(|name| name == "HOME") {
        set("XDG_CONFIG_HOME", home.join(".config").as_str());
        set("XDG_CACHE_HOME", home.join(".cache").as_str());
        set("XDG_DATA_HOME", home.join(".local/share").as_str());
        set("XDG_STATE_HOME", home.join(".local/state").as_str());
    }
    // Without these git would ask on the terminal, read the machine's settings, and refuse to commit.
    set("GIT_TERMINAL_PROMPT", "0");
    set("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        set(&format!("GIT_{who}_NAME"), "dayfly");
        set(&format!("GIT_{who}_EMAIL"), "dayfly@localhost");
    }
    for (name, value) in std::env::vars_os() {
        let passed = name.to_str().is_some_and(|name| {
            ALLOWED.contains(&name) || name.starts_with("LC_") || line.pass_env.iter().any(|n| n == name)
        });
        if passed {
            env.insert(name, value);
        }
    }
    env.extend(line.env.iter().map(|(name, value)| (name.into(), value.into())));
    env
}

fn environment(attempt: &Attempt, dir: &Utf8Path, places: &Places) -> BTreeMap<OsString, OsString> {
    let mut env = child_environment(&attempt.command, dir);
    env.extend(attempt.command.env.iter().map(|(name, value)| (name.into(), places.fill(value).into())));
    let proposal = proposal_path(dir);
    let job = &attempt.job;
    let values = [
        attempt.id.as_str(),
        attempt.tag.as_str(),
        proposal.as_str(),
        job.stage.as_str(),
        job.issue.issue.as_str(),
        job.issue.project.as_str(),
    ];
    env.extend(OWN.iter().zip(values).map(|(name, value)| (name.into(), value.into())));
    env
}

/// The names of all variables that a child with this command line would find if it were started from here.
pub fn child_variables(line: &CommandLine) -> BTreeSet<String> {
    let given = child_environment(line, Utf8Path::new("/")).into_keys().filter_map(|name| name.into_string().ok());
    given.chain(OWN.map(str::to_owned)).collect()
}

/// What a child with this command line wrote, with the secrets of its environment masked.
pub fn without_secrets(line: &CommandLine, text: &[u8]) -> Vec<u8> {
    let secrets = secrets_of(child_environment(line, Utf8Path::new("/")), &line.redact);
    let mut redactor = Redactor::new(&secrets);
    let mut shown = Vec::with_capacity(text.len());
    redactor.push(text, &mut shown);
    redactor.finish(&mut shown);
    shown
}
