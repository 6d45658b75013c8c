//! With what dayfly shows who it is.

mod app;
mod token;

pub use app::{App, AppBuilder};
pub use token::Token;

pub(crate) use app::{Grant, Granted, InstallationId};

use std::future::Future;

use crate::GitHubError;

/// With what dayfly shows who it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Auth {
    /// One token: a person's, or the one that a CI job is given.
    Token(Token),
    /// A GitHub App: short-lived tokens for each installation, asked for when they are needed.
    App(Box<App>),
}

/// The variables that may hold a token, first one first.
pub const TOKEN_VARIABLES: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];

impl Auth {
    /// Looks for a token: in the variables that `variable` gives access to, then by `program`, which is to ask
    /// `gh auth token` or whatever else knows one. This crate reads no environment and runs no processes itself.
    ///
    /// # Errors
    /// [`GitHubError::Credentials`] if there is none, or it cannot be one.
    pub async fn discover<F>(variable: impl Fn(&str) -> Option<String>, program: F) -> Result<Self, GitHubError>
    where
        F: Future<Output = Option<String>>,
    {
        let given = TOKEN_VARIABLES.iter().find_map(|name| variable(name).filter(|t| !t.trim().is_empty()));
        let found = match given {
            Some(token) => Some(token),
            None => program.await.filter(|t| !t.trim().is_empty()),
        };
        let problem = "there is no token; set GITHUB_TOKEN, or log in with `gh auth login`";
        let found = found.ok_or_else(|| GitHubError::Credentials { problem: problem.into() })?;
        Ok(Auth::Token(Token::new(&found)?))
    }
}
