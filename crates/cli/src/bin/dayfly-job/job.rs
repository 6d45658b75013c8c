//! The run: the command, then its gates.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::AfterCrash;
use dayfly_runner::find_program;
use dayfly_runner::keeper::{KEEPER_VERSION, KeptEnd, Passing, Spec, Status, keep};

use crate::args::Args;
use crate::receipt::{End, Ran, Receipt, VERSION};

/// A silence is told of after this long, if anybody is there to be told.
const REPORT: Duration = Duration::from_secs(300);

/// Why nothing was run, with what helps.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    pub(crate) exit_code: u8,
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self { reason, exit_code: 3 }
    }
}

/// Runs it all. What keeps it from starting is an error; all else is in the receipt.
pub(crate) fn run(args: &Args) -> Result<Receipt, Refused> {
    let usage = |reason| Refused { reason, exit_code: 2 };
    let gates = args.gates.iter().map(|gate| split(gate).map_err(usage)).collect::<Result<Vec<_>, _>>()?;
    // Everything is looked for before anything is run.
    let program = find(&args.command)?;
    let gates = gates.into_iter().map(|gate| Ok((find(&gate)?, gate))).collect::<Result<Vec<_>, String>>()?;
    let (dir, kept) = folder(args)?;
    let started = jiff::Timestamp::now();
    let passing = if args.json || args.quiet { Passing::Nothing } else { Passing::Through };
    let input = args.input.as_deref().map(readable).transpose()?;
    let status = one(args, &args.command, &program, Place { dir: &dir, input }, passing)?;
    let command = Ran::new(&args.command, program, &status, &dir);
    let mut receipt =
        Receipt { version: VERSION, started, end: End::of(&status), reason: None, command, gates: vec![] };
    for (number, (program, gate)) in gates.into_iter().enumerate() {
        if receipt.end != End::Succeeded {
            break;
        }
        let dir = dir.join(format!("gate-{}", number + 1));
        make(&dir)?;
        // Standard output is the command's alone, for whoever reads it.
        let place = Place { dir: &dir, input: None };
        let aside = if passing == Passing::Through { Passing::Aside } else { passing };
        let status = one(args, &gate, &program, place, aside)?;
        receipt.gates.push(Ran::new(&gate, program, &status, &dir));
        receipt.end = match End::of(&status) {
            End::Succeeded => End::Succeeded,
            End::Interrupted => End::Interrupted,
            _ => {
                receipt.reason = Some(format!("`{}` did not succeed", gate.join(" ")));
                End::GateFailed
            }
        };
    }
    // What nobody has taken, and what was cut, is not to be gone as well.
    let whole = receipt.command.unpassed_bytes == 0;
    // Nor is a folder left that holds nothing.
    let silent = receipt.gates.is_empty() && receipt.command.stdout_bytes + receipt.command.stderr_bytes == 0;
    if kept == Kept::IfItFailed && (receipt.end == End::Succeeded && whole || silent) {
        let _ = fs::remove_dir_all(&dir);
        receipt.command.logs = None;
        receipt.gates.iter_mut().for_each(|gate| gate.logs = None);
    }
    Ok(receipt)
}

/// Where a command is run from and leaves its logs.
struct Place<'a> {
    dir: &'a Utf8Path,
    input: Option<Utf8PathBuf>,
}

fn one(
    args: &Args,
    command: &[String],
    program: &Utf8Path,
    place: Place<'_>,
    passing: Passing,
) -> Result<Status, String> {
    // By way of a step that ties it to this program: were this one killed, nobody would end it any more.
    let own = std::env::current_exe().ok().and_then(|own| Utf8PathBuf::from_path_buf(own).ok());
    let own = own.ok_or("cannot find out which program this is")?;
    let mut words = ["launch", "--tied", "--", program.as_str()].map(str::to_owned).to_vec();
    words.extend(command.iter().skip(1).cloned());
    let spec = Spec {
        version: KEEPER_VERSION,
        program: own,
        args: words,
        cwd: ".".into(),
        dir: place.dir.to_owned(),
        stdin: place.input,
        wall: args.timeout,
        silence_report: REPORT,
        silence: args.silence,
        grace: args.grace,
        log_bytes: args.log_bytes,
        redact: args.redact.clone(),
        after_crash: AfterCrash::End,
        cgroup: None,
        halt: None,
        wrappers: 0,
    };
    let status = keep(&spec, passing).map_err(|err| format!("cannot keep the command: {err}"))?;
    match status.end {
        KeptEnd::NotStarted { reason } => Err(format!("cannot start {reason}")),
        _ => Ok(status),
    }
}

/// Splits a gate into its words.
fn split(gate: &str) -> Result<Vec<String>, String> {
    let words = shlex::split(gate).filter(|words| !words.is_empty());
    words.ok_or_else(|| format!("the gate {gate:?} cannot be split into words; is a quote missing?"))
}

/// Where the program of a command is.
fn find(command: &[String]) -> Result<Utf8PathBuf, String> {
    let name = command.first().map_or("", String::as_str);
    let path = std::env::var_os("PATH");
    let found = find_program(name, path.as_deref()).and_then(|found| Utf8PathBuf::from_path_buf(found).ok());
    let found = found.ok_or_else(|| {
        if name.contains('/') {
            return format!("`{name}` is not there, or cannot be executed");
        }
        let path = path.as_ref().map_or("which is not set".into(), |path| path.to_string_lossy());
        format!("`{name}` is not on PATH ({path}); name it by its path, or set PATH in the line that runs this")
    })?;
    absolute(&found)
}

/// A file that can be read.
fn readable(path: &Utf8Path) -> Result<Utf8PathBuf, String> {
    let path = absolute(path)?;
    fs::File::open(&path).map_err(|err| format!("cannot read {path}: {err}; name another file with --input"))?;
    Ok(path)
}

fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, String> {
    camino::absolute_utf8(path).map_err(|err| format!("cannot tell where {path} is: {err}"))
}

/// Whether the folder stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Always,
    IfItFailed,
}

/// The folder for the logs: the named one, or a new one that only this user can read.
fn folder(args: &Args) -> Result<(Utf8PathBuf, Kept), String> {
    if let Some(dir) = &args.dir {
        let dir = absolute(dir)?;
        let files = ["receipt.json", "output.log", "output.ring", "errors.log", "errors.ring", "gate-1"];
        if let Some(file) = files.iter().find(|file| dir.join(file).exists()) {
            return Err(format!("{dir} holds {file} of another run; name a new folder with --dir"));
        }
        make(&dir)?;
        return Ok((dir, Kept::Always));
    }
    let only_mine = fs::Permissions::from_mode(0o700);
    let made = tempfile::Builder::new().prefix("dayfly-job-").permissions(only_mine).tempdir();
    let made = made.map_err(|err| format!("cannot make a folder for the logs: {err}; name one with --dir"))?;
    let dir = Utf8PathBuf::from_path_buf(made.keep())
        .map_err(|dir| format!("the path {} is not UTF-8; name a folder with --dir", dir.display()))?;
    Ok((dir, Kept::IfItFailed))
}

fn make(dir: &Utf8Path) -> Result<(), String> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|err: io::Error| format!("cannot make the folder {dir}: {err}"))
}
