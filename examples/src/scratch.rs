//! The world an example works in.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Config, Filter, IssueRef, NewIssue, Portfolio, ProjectName, SourceText};
use dayfly_runner::{Engine, MarkdownTracker, RunOptions, Summary, SystemClock, Until};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Why an example could not do what it says.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A temporary folder with a git repository, `app`. It is removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    root: Utf8PathBuf,
    _folder: TempDir,
}

impl Scratch {
    /// Makes the folder and the repository, with a `README.md` committed on `main`.
    ///
    /// # Errors
    /// If the folder cannot be made, or git does not do its part.
    pub fn new() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let root = Utf8PathBuf::try_from(folder.path().canonicalize()?)?;
        let scratch = Self { root, _folder: folder };
        std::fs::create_dir(scratch.repository())?;
        std::fs::write(scratch.repository().join("README.md"), "# app\n")?;
        scratch.git(&["init", "--quiet", "--initial-branch=main"])?;
        scratch.git(&["add", "--all"])?;
        scratch.git(&["commit", "--quiet", "--message", "the beginning"])?;
        Ok(scratch)
    }

    /// The folder.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The checkout of `app`.
    pub fn repository(&self) -> Utf8PathBuf {
        self.root.join("app")
    }

    /// Writes the shell script that plays an agent, and gives its path.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn agent(&self, script: &str) -> Result<Utf8PathBuf, Failure> {
        let path = self.root.join("agent.sh");
        std::fs::write(&path, script)?;
        Ok(path)
    }

    /// Runs git in the checkout as the user would, and gives what it printed.
    ///
    /// # Errors
    /// If git is not there or refuses.
    pub fn git(&self, args: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new("git");
        command.current_dir(self.repository()).args(args).stdin(Stdio::null());
        // Whatever the user's own settings are, they shall not change what an example shows.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        command.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("git {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Reads a portfolio as if `text` were a `dayfly.toml` in the folder.
    ///
    /// # Errors
    /// All problems of the text.
    pub fn portfolio(&self, text: &str) -> Result<Portfolio, Failure> {
        let source = SourceText::new(self.root.join("dayfly.toml"), text);
        Ok(Config::read(&source, &mut |file| std::fs::read_to_string(file).map_err(|err| err.to_string()))?.portfolio)
    }

    /// Writes an issue of `app` where the portfolio looks for it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn issue(&self, portfolio: &Portfolio, title: &str, body: &str) -> Result<IssueRef, Failure> {
        let tracker = MarkdownTracker::new(portfolio.issues_dir.clone(), Arc::new(SystemClock));
        let project = ProjectName::new("app")?;
        let new = NewIssue { title: title.into(), body: body.into(), labels: Vec::new(), ..NewIssue::default() };
        let id = tracker.create(&project, "ada", &new).await?;
        Ok(IssueRef::new(project, id))
    }
}

/// Runs an engine until nothing is left to do; what becomes ready again within five seconds is waited for.
///
/// # Errors
/// If the engine's store does not serve.
pub async fn run_until_idle(engine: &Engine) -> Result<Summary, Failure> {
    let (_stop, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Idle { patience: Duration::from_secs(5) }, filter: Filter::default() };
    Ok(engine.run(options, &mut shutdown).await?)
}
