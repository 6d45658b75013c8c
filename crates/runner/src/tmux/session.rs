//! A project's session: made, looked at, claimed, ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{CommandLine, ProcessIdentity, Project, ProjectName, PromptVia, SessionConfig};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use crate::process;
use crate::program::find_program;
use crate::redact::{Redactor, Secret, secrets_of};
use crate::subprocess::child_environment;

use super::call::{Tmux, argument, plain};
use super::claim::{Claim, Held};
use super::error::TmuxError;
use super::place::Place;
use super::version;

/// The lines of a pane that tmux keeps.
const HISTORY_LINES: &str = "10000";
/// What is asked of every pane of the session.
const LOOK: &str = "#{pane_id}|#{pane_pid}|#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}|#{pid}|\
                    #{session_created}|#{@dayfly_pane}|#{@dayfly_attempt}";
/// How many things these are.
const LOOKS: usize = 9;
/// Runs the arguments behind it. Without it tmux would give a program without arguments to a shell, as text.
const RUN: [&str; 4] = ["/bin/sh", "-c", "exec \"$@\"", "sh"];
/// How often a claim is tried that others give up and take meanwhile.
const CLAIMS: usize = 5;
/// How often, and how far apart, an ended program is looked at until tmux knows how it ended.
const ENDINGS: usize = 25;
const ENDING: Duration = Duration::from_millis(20);
/// How long a server may take to make its socket anew.
const SOCKET_AGAIN: Duration = Duration::from_secs(2);

/// The lasting session of one project.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) project: ProjectName,
    /// The folder in which its program runs.
    pub(super) folder: Utf8PathBuf,
    pub(super) config: SessionConfig,
    pub(super) place: Place,
    /// The tmux to be used; by default the one on `PATH`.
    pub(super) program: Option<PathBuf>,
    pub(super) limit: Duration,
}

/// A session as it was found.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) server: u32,
    pub(super) created: i64,
    /// The pane of the session's program; none if a person closed it and left others open.
    pub(super) pane: Option<Pane>,
    pub(super) claim: Option<Claim>,
}

/// The pane of the session's program.
#[derive(Debug, Clone)]
pub(super) struct Pane {
    pub(super) id: String,
    pub(super) pid: u32,
    /// How its program ended, if it has: a status or a signal, or nothing if tmux does not know.
    pub(super) ended: Option<String>,
}

/// How a session was made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// Its program was there.
    Found,
    /// Its program was started.
    Started,
}

impl Session {
    /// The session of a project that runs in tmux; `None` for another.
    pub fn of(state_dir: &Utf8Path, project: &Project) -> Option<Self> {
        let config = project.runner.session()?.clone();
        Some(Self::new(state_dir, &project.name, &project.path, config))
    }

    /// A session of `config` in `folder`.
    pub fn new(state_dir: &Utf8Path, project: &ProjectName, folder: &Utf8Path, config: SessionConfig) -> Self {
        Self {
            project: project.clone(),
            folder: folder.to_owned(),
            config,
            place: Place::new(state_dir, project),
            program: None,
            limit: super::CALL_LIMIT,
        }
    }

    /// How its server is called.
    ///
    /// # Errors
    /// If there is no tmux that would do.
    pub(super) async fn tmux(&self) -> Result<Tmux, TmuxError> {
        let session = self.clone();
        let found = tokio::task::spawn_blocking(move || session.tmux_blocking()).await;
        found.unwrap_or_else(|_| Err(TmuxError::Unusable("tmux was not looked for".into())))
    }

    /// The same for who may block: a tmux that was not asked for its version before can take some seconds.
    pub(super) fn tmux_blocking(&self) -> Result<Tmux, TmuxError> {
        let program = match &self.program {
            Some(program) => version::usable(program).map(|_| program.clone()),
            None => version::find_tmux().map(|(program, _)| program),
        };
        let program = program.map_err(TmuxError::Unusable)?;
        Ok(Tmux { program, socket: self.place.socket.clone(), limit: self.limit })
    }

    /// Whether its program could be started. It may block as `tmux_blocking` does.
    pub(super) fn can_start(&self) -> Result<(), String> {
        self.tmux_blocking().map_err(|err| err.to_string())?;
        self.has_program()
    }

    /// Whether its program is there.
    pub(super) fn has_program(&self) -> Result<(), String> {
        let program = self.config.command.first().map_or("", String::as_str);
        let path = self.config.env.get("PATH").map(OsString::from).or_else(|| std::env::var_os("PATH"));
        match find_program(program, path.as_deref()) {
            Some(_) => Ok(()),
            None => {
                Err(format!("`{program}`, which the session runs, is not there, or cannot be executed; install it"))
            }
        }
    }

    /// What the server calls it.
    pub(super) fn target(&self) -> String {
        format!("={}:", self.project)
    }

    /// Looks at the session; `None` if it is not there.
    pub(super) async fn look(&self, tmux: &Tmux) -> Result<Option<Seen>, TmuxError> {
        for _ in 0..ENDINGS {
            let seen = self.look_once(tmux).await?;
            let unknown = |seen: &Seen| seen.pane.as_ref().is_some_and(|pane| pane.ended.as_deref() == Some(""));
            if !seen.as_ref().is_some_and(unknown) {
                return Ok(seen);
            }
            // The terminal of the program is closed a moment before its status is known; and tmux may have missed that a
            // child of its ended, and look for it only when it is told of another.
            if let Some(server) = self.noted().filter(process::is_alive)
                && let Ok(pid) = i32::try_from(server.pid)
            {
                let _ = kill(Pid::from_raw(pid), Signal::SIGCHLD);
            }
            sleep(ENDING).await;
        }
        self.look_once(tmux).await
    }

    async fn look_once(&self, tmux: &Tmux) -> Result<Option<Seen>, TmuxError> {
        let rows = match tmux.call(&["list-panes", "-s", "-t", &self.target(), "-F", LOOK]).await {
            Ok(rows) => rows,
            Err(TmuxError::Gone { .. } | TmuxError::NotFound { .. }) => return Ok(None),
            Err(err) => return Err(err),
        };
        let rows = rows.lines().map(|row| row.splitn(LOOKS, '|').collect::<Vec<_>>());
        let rows: Vec<Vec<&str>> = rows.filter(|row| row.len() == LOOKS).collect();
        let Some(first) = rows.first() else { return Ok(None) };
        let pane = rows.iter().find(|row| row[0] == row[7]).map(|row| Pane {
            id: row[0].to_owned(),
            pid: row[1].parse().unwrap_or_default(),
            ended: (row[2] == "1").then(|| match (row[3], row[4]) {
                ("", "") => String::new(),
                ("", signal) => format!(" by signal {signal}"),
                (status, _) => format!(" with status {status}"),
            }),
        });
        Ok(Some(Seen {
            server: first[5].parse().unwrap_or_default(),
            created: first[6].parse().unwrap_or_default(),
            pane,
            claim: Claim::read(first[8]),
        }))
    }

    /// Sees to it that there is a session, whatever became of its program.
    pub(super) async fn exist(&self, tmux: &Tmux) -> Result<Made, TmuxError> {
        if self.look(tmux).await?.is_some() || self.found_again(tmux).await? {
            return Ok(Made::Found);
        }
        self.place.make().map_err(|source| TmuxError::Files { path: self.place.dir.clone(), source })?;
        self.check_folder()?;
        let (target, name) = (self.target(), self.project.to_string());
        let mut args: Vec<String> = Vec::new();
        let mut command = |words: &[&str]| {
            if !args.is_empty() {
                args.push(";".into());
            }
            args.extend(words.iter().map(|word| (*word).to_owned()));
        };
        command(&["start-server"]);
        command(&["set-option", "-g", "history-limit", HISTORY_LINES]);
        command(&["set-option", "-g", "default-terminal", "screen-256color"]);
        // An ended program can be told from a closed session, and what it said last can still be read.
        command(&["set-option", "-g", "remain-on-exit", "on"]);
        // Whoever attaches would else leave their own variables to what is started later.
        command(&["set-option", "-g", "update-environment", ""]);
        let folder = plain(self.folder.as_str());
        let mut words = vec!["new-session", "-d", "-s", &name, "-x", "200", "-y", "50", "-c", &folder];
        let run = self.command_line();
        words.extend(run.iter().map(String::as_str));
        command(&words);
        command(&["set-option", "-F", "-t", &target, "@dayfly_pane", "#{pane_id}"]);
        match tmux.call_in(&self.environment(), &args).await {
            Ok(_) => {}
            // Somebody was faster.
            Err(TmuxError::Refused { said, .. }) if said.contains("duplicate session") => return Ok(Made::Found),
            Err(err) => return Err(err),
        }
        if let Some(server) = self.look(tmux).await?.and_then(|seen| process::identity(seen.server)) {
            self.note(&server)?;
        }
        Ok(Made::Started)
    }

    /// Sees to it that the program of the session runs. Only for who holds the claim.
    pub(super) async fn run(&self, tmux: &Tmux, made: Made) -> Result<(Pane, Made), TmuxError> {
        let seen = self.seen(tmux).await?;
        let (target, folder, run) = (self.target(), plain(self.folder.as_str()), self.command_line());
        let mut words: Vec<&str> = match &seen.pane {
            Some(pane) if pane.ended.is_none() => return Ok((pane.clone(), made)),
            Some(pane) => vec!["respawn-pane", "-k", "-t", &pane.id, "-c", &folder],
            None => vec!["new-window", "-t", &target, "-c", &folder],
        };
        self.check_folder()?;
        words.extend(run.iter().map(String::as_str));
        if seen.pane.is_none() {
            words.extend([";", "set-option", "-F", "-t", &target, "@dayfly_pane", "#{pane_id}"]);
        }
        tmux.call(&words).await?;
        let pane = self.seen(tmux).await?.pane;
        let pane = pane.ok_or_else(|| TmuxError::NotReady("the pane of the session was closed".into()))?;
        Ok((pane, Made::Started))
    }

    async fn seen(&self, tmux: &Tmux) -> Result<Seen, TmuxError> {
        let seen = self.look(tmux).await?;
        seen.ok_or_else(|| TmuxError::NotReady("the session was closed while it was made ready".into()))
    }

    /// Claims the session for an attempt. Tells whether an attempt that nobody follows any more was at work.
    pub(super) async fn claim(&self, tmux: &Tmux, claim: Claim) -> Result<(Held, bool), TmuxError> {
        let (target, text) = (self.target(), claim.text());
        // Held before it is set: nobody must take it for one that nobody follows.
        let held = claim.hold();
        for _ in 0..CLAIMS {
            match tmux.call(&["set-option", "-o", "-t", &target, "@dayfly_attempt", &text]).await {
                Ok(_) => return Ok((held, false)),
                Err(TmuxError::Refused { said, .. }) if said.contains("already set") => {}
                Err(err) => return Err(err),
            }
            // It may have been given up just now.
            let Some(other) = self.seen(tmux).await?.claim else { continue };
            if other.is_followed() {
                return Err(TmuxError::Busy { attempt: other.attempt });
            }
            if self.swap(tmux, &other, &held.0).await? {
                return Ok((held, true));
            }
        }
        Err(TmuxError::NotReady("the claim on the session changed hands again and again".into()))
    }

    /// Puts a claim in the place of another; `false` if somebody else was faster.
    pub(super) async fn swap(&self, tmux: &Tmux, old: &Claim, new: &Claim) -> Result<bool, TmuxError> {
        let target = self.target();
        let same = format!("#{{==:#{{@dayfly_attempt}},{}}}", old.text());
        let set = format!("set-option -t '{target}' @dayfly_attempt '{}'", new.text());
        tmux.call(&["if-shell", "-F", "-t", &target, &same, &set]).await?;
        Ok(self.seen(tmux).await?.claim.as_ref() == Some(new))
    }

    /// Gives a claim up, if it is still this one.
    pub(super) async fn release(&self, tmux: &Tmux, claim: &Claim) -> Result<(), TmuxError> {
        let target = self.target();
        let same = format!("#{{==:#{{@dayfly_attempt}},{}}}", claim.text());
        let unset = format!("set-option -u -t '{target}' @dayfly_attempt");
        tmux.call(&["if-shell", "-F", "-t", &target, &same, &unset]).await.map(drop)
    }

    /// Whether the server was found again that lost its socket, such as to a program that tidies folders up: it makes
    /// it anew when it is asked to. Another server would be a second agent in the same folder.
    async fn found_again(&self, tmux: &Tmux) -> Result<bool, TmuxError> {
        let Some(server) = self.noted().filter(|server| !self.place.socket.exists() && process::is_alive(server))
        else {
            return Ok(false);
        };
        if let Ok(pid) = i32::try_from(server.pid) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGUSR1);
        }
        let until = Instant::now() + SOCKET_AGAIN;
        while Instant::now() < until {
            if self.look(tmux).await?.is_some() {
                return Ok(true);
            }
            sleep(Duration::from_millis(50)).await;
        }
        let what = format!("the tmux server {} runs and cannot be reached; end it", server.pid);
        Err(TmuxError::NotReady(what))
    }

    /// The server that was started last.
    pub(super) fn noted(&self) -> Option<ProcessIdentity> {
        serde_json::from_str(&std::fs::read_to_string(self.place.server()).ok()?).ok()
    }

    fn note(&self, server: &ProcessIdentity) -> Result<(), TmuxError> {
        let path = self.place.server();
        let text = serde_json::to_string(server).unwrap_or_default();
        std::fs::write(&path, text).map_err(|source| TmuxError::Files { path, source })
    }

    fn check_folder(&self) -> Result<(), TmuxError> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "it is not a folder");
        Err(TmuxError::Files { path: self.folder.clone(), source })
    }

    /// The program with its arguments, as tmux takes them.
    fn command_line(&self) -> Vec<String> {
        RUN.iter().map(|word| (*word).to_owned()).chain(self.config.command.iter().map(|word| argument(word))).collect()
    }

    /// The secrets among what the program finds there.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        secrets_of(self.environment(), &self.config.redact)
    }

    /// A whole text, with these secrets masked.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut redactor = Redactor::new(&self.secrets());
        let mut masked = Vec::with_capacity(text.len());
        redactor.push(text.as_bytes(), &mut masked);
        redactor.finish(&mut masked);
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// What the program finds in its environment. It outlives attempts, and names none.
    pub(super) fn environment(&self) -> BTreeMap<OsString, OsString> {
        let line = CommandLine {
            program: String::new(),
            args: Vec::new(),
            prompt: PromptVia::Stdin,
            env: self.config.env.clone(),
            pass_env: self.config.pass_env.clone(),
            redact: Vec::new(),
            ..CommandLine::default()
        };
        let mut environment = child_environment(&line, &self.place.dir);
        environment.insert("DAYFLY_PROJECT".into(), self.project.as_str().into());
        environment.insert("DAYFLY_SESSION_DONE".into(), self.place.done().into_string().into());
        environment
    }
}
