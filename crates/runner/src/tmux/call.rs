//! One call of tmux: a client of its own, which ends within a limit whatever the server does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use camino::Utf8PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::error::TmuxError;

/// The most bytes that are read of what tmux prints.
const OUTPUT_BYTES: u64 = 32 << 20;

/// How the server of one session is called.
#[derive(Debug, Clone)]
pub(super) struct Tmux {
    pub(super) program: PathBuf,
    pub(super) socket: Utf8PathBuf,
    /// The longest a call may take.
    pub(super) limit: Duration,
}

impl Tmux {
    /// A client that is not started yet. It has nothing of the environment but what tells it about text.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-u", "-f", "/dev/null", "-S", self.socket.as_str()])
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_about_text(name)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Calls tmux and gives what it printed.
    pub(super) async fn call(&self, args: &[&str]) -> Result<String, TmuxError> {
        let mut command = self.command();
        command.args(args);
        self.run(command, args.first().copied().unwrap_or_default()).await
    }

    /// Calls tmux with a file on its standard input.
    pub(super) async fn call_with(&self, args: &[&str], input: std::fs::File) -> Result<String, TmuxError> {
        let mut command = self.command();
        command.args(args).stdin(Stdio::from(input));
        self.run(command, args.first().copied().unwrap_or_default()).await
    }

    /// Calls tmux with an environment, which becomes that of the server if the call starts it.
    pub(super) async fn call_in(
        &self,
        environment: &BTreeMap<OsString, OsString>,
        args: &[String],
    ) -> Result<String, TmuxError> {
        let mut command = self.command();
        command.env_clear().envs(environment).args(args);
        self.run(command, "new-session").await
    }

    async fn run(&self, mut command: Command, what: &str) -> Result<String, TmuxError> {
        let program = || self.program.display().to_string();
        let mut child = command.spawn().map_err(|source| TmuxError::Spawn { program: program(), source })?;
        let ended = timeout(self.limit, output(&mut child)).await;
        let Ok(ended) = ended else {
            // A client waits for its server as long as that says nothing. To kill it harms no session.
            let _ = child.start_kill();
            let _ = child.wait().await;
            return Err(TmuxError::Hung { what: what.to_owned(), limit: self.limit });
        };
        let (status, out, said) = ended.map_err(|source| TmuxError::Spawn { program: program(), source })?;
        if status.success() {
            return Ok(out);
        }
        let said = said.trim().to_owned();
        let gone = ["no server running", "error connecting", "server exited", "lost server"];
        Err(if gone.iter().any(|words| said.starts_with(words)) {
            TmuxError::Gone { said }
        } else if said.starts_with("can't find") {
            TmuxError::NotFound { said }
        } else {
            TmuxError::Refused { what: what.to_owned(), said }
        })
    }
}

async fn output(child: &mut Child) -> std::io::Result<(ExitStatus, String, String)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (out, said, status) = tokio::join!(read(stdout), read(stderr), child.wait());
    Ok((status?, out, said))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(OUTPUT_BYTES).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_about_text(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| matches!(name, "PATH" | "LANG" | "TERM" | "TZ") || name.starts_with("LC_"))
}

/// An argument as tmux takes it whole: one that ends with `;` would end the command.
pub(super) fn argument(text: &str) -> String {
    match text.strip_suffix(';') {
        Some(rest) => format!("{rest}\\;"),
        None => text.to_owned(),
    }
}

/// A text as it stands where tmux replaces what follows a `#`.
pub(super) fn plain(text: &str) -> String {
    argument(&text.replace('#', "##"))
}
