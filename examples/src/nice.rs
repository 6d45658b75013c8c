//! An executor that leaves the processor to others.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use dayfly_core::{Attempt, Capabilities, CommandLine, Runner, RunnerError, Running};
use dayfly_runner::{SubprocessRunner, find_program};

/// Runs each attempt below `nice`, so that a night's work never slows down the one who sits at the machine.
///
/// Everything else is left to [`SubprocessRunner`]: the attempt's files, its environment, limits, and the stop.
/// That works with any wrapper that in the end becomes the program it was given, as `nice`, `env`, `ionice`,
/// `taskset` and `setpriv` do: process id, exit code, signals and standard input are then the program's own.
#[derive(Debug, Clone)]
pub struct Nice {
    nice: PathBuf,
    level: u8,
    inner: SubprocessRunner,
}

impl Nice {
    /// An executor whose attempts run with `level` more niceness than this process; 19 is the most there is.
    ///
    /// # Errors
    /// If there is no program `nice` on this process's `PATH`.
    pub fn new(level: u8) -> Result<Self, RunnerError> {
        let path = std::env::var_os("PATH");
        let nice = find_program("nice", path.as_deref()).ok_or_else(|| not_found("nice"))?;
        Ok(Self { nice, level, inner: SubprocessRunner::new() })
    }

    /// The same command line below `nice`.
    fn wrap(&self, line: &CommandLine) -> Result<CommandLine, RunnerError> {
        let program = text(resolve(line)?)?;
        let mut args = vec!["-n".into(), self.level.to_string(), program];
        args.extend(line.args.iter().cloned());
        Ok(CommandLine { program: text(self.nice.clone())?, args, ..line.clone() })
    }
}

#[async_trait]
impl Runner for Nice {
    fn name(&self) -> &str {
        "nice"
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let attempt = Attempt { command: self.wrap(&attempt.command)?, ..attempt.clone() };
        self.inner.start(&attempt).await
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        self.inner.reattach(attempt).await
    }
}

/// Finds the program as the engine would. It must be done here: `nice` always starts, so a program that is not
/// there would look like one that failed; and `nice` starts in the working copy, where a relative path would mean
/// another file.
fn resolve(line: &CommandLine) -> Result<PathBuf, RunnerError> {
    let path = line.env.get("PATH").map(OsStr::new).map(OsStr::to_owned).or_else(|| std::env::var_os("PATH"));
    let found = find_program(&line.program, path.as_deref()).ok_or_else(|| not_found(&line.program))?;
    std::path::absolute(&found).map_err(|source| RunnerError::Spawn { program: line.program.clone(), source })
}

fn not_found(program: &str) -> RunnerError {
    let source = Error::new(ErrorKind::NotFound, "there is no such program that can be executed");
    RunnerError::Spawn { program: program.to_owned(), source }
}

fn text(path: PathBuf) -> Result<String, RunnerError> {
    let bad = |path: PathBuf| RunnerError::Spawn {
        program: Path::display(&path).to_string(),
        source: Error::new(ErrorKind::InvalidData, "its path is not UTF-8"),
    };
    path.into_os_string().into_string().map_err(|path| bad(path.into()))
}
