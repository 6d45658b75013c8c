//! A token, which never shows itself.

use std::fmt;

use ring::digest::{SHA256, digest};

use crate::GitHubError;

/// A token. It is shown as `***` wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes the text, without space around it.
    ///
    /// # Errors
    /// [`GitHubError::Credentials`] if it cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, GitHubError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let problem = "the token is empty or holds spaces or control characters; copy it again";
            return Err(GitHubError::Credentials { problem: problem.into() });
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself: for the header of a request, or for git's login.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A name for the token that does not tell it.
    pub(crate) fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, self.0.as_bytes());
        hash.as_ref().iter().take(8).map(|b| format!("{b:02x}")).collect()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
