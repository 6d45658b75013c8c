//! The branches of a project where its forge keeps them.

use dayfly_core::{Commit, Remote};
use tokio::process::Command;

use super::{Git, GitError, Landed, TrustedGit, failed, run};

/// What network access may need besides what every git command is given.
const NETWORK_ENV: [&str; 10] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
];

/// What became of a push of one of dayfly's own branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The branch was moved now.
    Moved,
    /// It stood there already.
    Already,
    /// It stands at a commit that no attempt made.
    Foreign(Commit),
}

impl TrustedGit {
    /// Takes a branch of the remote over, and gives the commit it stands at; `None` if there is no such branch.
    ///
    /// # Errors
    /// If the remote does not answer, or git refuses.
    pub async fn fetch(&self, remote: &Remote, branch: &str) -> Result<Option<Commit>, GitError> {
        let Some(there) = self.standing_at(remote, branch).await? else { return Ok(None) };
        if self.own.resolve(&there.0).await?.is_none() {
            let spec = format!("+refs/heads/{branch}:refs/dayfly/remote/{branch}");
            let args = [
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                &remote.url,
                &spec,
            ];
            self.network(remote, &args).await?;
            // The branch may have moved between the question and the transfer.
            return self.own.resolve(&format!("refs/dayfly/remote/{branch}")).await;
        }
        self.own.must(&["update-ref", &format!("refs/dayfly/remote/{branch}"), &there.0]).await?;
        Ok(Some(there))
    }

    /// Puts a commit on one of dayfly's own branches of the remote. A commit there that no attempt made, and that `commit` does
    /// not hold, is never taken away.
    ///
    /// # Errors
    /// If the remote does not answer, or refuses.
    pub async fn push(&self, remote: &Remote, branch: &str, commit: &Commit) -> Result<Pushed, GitError> {
        let now = self.standing_at(remote, branch).await?;
        if now.as_ref() == Some(commit) {
            return Ok(Pushed::Already);
        }
        if let Some(now) = &now {
            let known = self.own.resolve(&now.0).await?.is_some();
            if !known || !(self.own.is_ancestor(now, commit).await? || self.is_kept(now).await?) {
                return Ok(Pushed::Foreign(now.clone()));
            }
        }
        let lease = format!("--force-with-lease=refs/heads/{branch}:{}", now.map_or(String::new(), |now| now.0));
        let spec = format!("{}:refs/heads/{branch}", commit.0);
        self.network(remote, &["push", "--quiet", "--no-verify", "--no-signed", &lease, &remote.url, &spec]).await?;
        Ok(Pushed::Moved)
    }

    /// Moves the base branch of the remote from one commit to the next, by fast-forward only.
    ///
    /// # Errors
    /// If the remote does not answer, or refuses although the branch stands at `from`. A lost race is not an error.
    pub async fn land_there(
        &self,
        remote: &Remote,
        branch: &str,
        (from, to): (&Commit, &Commit),
    ) -> Result<Landed, GitError> {
        let now = self.fetch(remote, branch).await?.unwrap_or_else(|| Commit(String::new()));
        if !now.0.is_empty() && self.own.is_ancestor(to, &now).await? {
            return Ok(Landed::Already);
        }
        if now != *from {
            return Ok(Landed::Race(now));
        }
        let spec = format!("{}:refs/heads/{branch}", to.0);
        let pushed = self.network(remote, &["push", "--quiet", "--no-verify", "--no-signed", &remote.url, &spec]).await;
        let Err(refused) = pushed else { return Ok(Landed::Moved) };
        match self.standing_at(remote, branch).await? {
            // An answer that was lost on its way back.
            Some(now) if now == *to => Ok(Landed::Moved),
            Some(now) if now != *from => Ok(Landed::Race(now)),
            _ => Err(refused),
        }
    }

    /// The commit at which a branch of the remote stands.
    async fn standing_at(&self, remote: &Remote, branch: &str) -> Result<Option<Commit>, GitError> {
        let name = format!("refs/heads/{branch}");
        let listed = self.network(remote, &["ls-remote", "--quiet", &remote.url, &name]).await?;
        let mut lines = listed.lines().filter_map(|line| line.split_once('\t'));
        Ok(lines.find(|(_, found)| *found == name).map(|(commit, _)| Commit(commit.to_owned())))
    }

    async fn network(&self, remote: &Remote, args: &[&str]) -> Result<String, GitError> {
        let mut command = self.own.command();
        on_the_network(&mut command, remote);
        command.args(args);
        let name = args.first().copied().unwrap_or_default();
        let output = run(command, name, &self.own.git_dir, None).await?;
        if output.good {
            return Ok(output.stdout);
        }
        Err(refusal(name, &self.own, &output))
    }
}

/// What git says last is seldom what it is about.
fn refusal(name: &str, git: &Git, output: &super::Output) -> GitError {
    let told = |line: &&str| {
        ["fatal:", "error:", "remote:", "!"].iter().any(|word| line.trim_start().starts_with(word))
            && !line.contains("failed to push some refs")
    };
    match output.stderr.lines().find(told) {
        Some(line) => GitError::Failed {
            command: name.to_owned(),
            place: git.git_dir.clone(),
            said: super::command::brief(line.trim()),
        },
        None => failed(name, &git.git_dir, output),
    }
}

/// Lets a command reach that one remote, and says who asks. The token is in its environment alone: what is in a command's
/// arguments everybody on the machine can read.
fn on_the_network(command: &mut Command, remote: &Remote) {
    for name in NETWORK_ENV {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for setting in [
        "protocol.https.allow=always",
        "protocol.http.allow=always",
        // Whoever the answer sends us to is not given the token.
        "http.followRedirects=false",
        "http.lowSpeedLimit=1",
        "http.lowSpeedTime=60",
        "push.recurseSubmodules=no",
        "push.gpgSign=false",
    ] {
        command.args(["-c", setting]);
    }
    if let Some(authorization) = &remote.authorization {
        command.env("GIT_CONFIG_COUNT", "1");
        command.env("GIT_CONFIG_KEY_0", format!("http.{}.extraHeader", remote.url));
        command.env("GIT_CONFIG_VALUE_0", format!("Authorization: {}", authorization.expose()));
    }
}
