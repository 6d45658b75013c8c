//! A GitHub App: its signed tokens, and those of its installations.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;

use super::Token;
use crate::GitHubError;
use dayfly_core::ForgeRepo;

/// The number of an App's installation at an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InstallationId(pub(crate) u64);

/// A GitHub App.
pub struct App {
    id: String,
    key: RsaKeyPair,
    permissions: BTreeMap<String, String>,
    repositories: Vec<ForgeRepo>,
    installations: Mutex<HashMap<ForgeRepo, InstallationId>>,
    tokens: Mutex<HashMap<Grant, Granted>>,
}

/// What an installation token is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) installation: InstallationId,
    /// The one repository it is good for; else all that the App was told of.
    pub(crate) only: Option<ForgeRepo>,
}

/// An installation token, as GitHub gave it.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) token: Token,
    pub(crate) expires: Timestamp,
}

/// How long before its end a token is no longer used: a call under way must not outlive it.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

/// Puts an [`App`] together.
#[derive(Debug)]
pub struct AppBuilder {
    app: App,
}

impl AppBuilder {
    /// Asks for tokens with this permission alone, and others so named: `issues` and `write`, for example. Without
    /// any, tokens have all that the installation has.
    pub fn permission(mut self, name: impl Into<String>, level: impl Into<String>) -> Self {
        self.app.permissions.insert(name.into(), level.into());
        self
    }

    /// Asks for tokens that are good for these repositories alone. Without any, they are good for all that the
    /// installation may see.
    pub fn repositories(mut self, repositories: impl IntoIterator<Item = ForgeRepo>) -> Self {
        self.app.repositories.extend(repositories);
        self
    }

    /// The App.
    pub fn build(self) -> App {
        self.app
    }
}

impl App {
    /// An App by its id (or client id) and its private key, in either of the PEM forms that GitHub and openssl write.
    ///
    /// # Errors
    /// [`GitHubError::Credentials`] if it is no RSA key in PEM.
    pub fn builder(id: impl Into<String>, pem: &str) -> Result<AppBuilder, GitHubError> {
        let refused = |problem: &str| GitHubError::Credentials { problem: problem.into() };
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| refused("the App's private key is not in PEM form; give the file that GitHub made"))?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(refused("the App's private key is not an RSA key; give the file that GitHub made")),
        };
        let key = key.map_err(|_| refused("the App's private key is damaged, or has fewer than 2048 bits"))?;
        let app = App {
            id: id.into(),
            key,
            permissions: BTreeMap::new(),
            repositories: Vec::new(),
            installations: Mutex::default(),
            tokens: Mutex::default(),
        };
        Ok(AppBuilder { app })
    }

    /// The token by which the App speaks for itself, good for nine minutes. It begins a minute ago, because clocks
    /// differ.
    pub(crate) fn jwt(&self, now: Timestamp) -> Result<Token, GitHubError> {
        jwt(&self.id, &self.key, now)
    }

    pub(crate) fn installation(&self, repository: &ForgeRepo) -> Option<InstallationId> {
        locked(&self.installations).get(repository).copied()
    }

    pub(crate) fn learn_installation(&self, repository: &ForgeRepo, id: InstallationId) {
        locked(&self.installations).insert(repository.clone(), id);
    }

    /// A token that is good for a while yet.
    pub(crate) fn cached(&self, grant: &Grant, now: Timestamp) -> Option<Token> {
        let tokens = locked(&self.tokens);
        let granted = tokens.get(grant)?;
        (granted.expires.duration_since(now) > SPARE).then(|| granted.token.clone())
    }

    pub(crate) fn keep(&self, grant: Grant, granted: Granted) {
        locked(&self.tokens).insert(grant, granted);
    }

    /// Forgets a token that was refused.
    pub(crate) fn forget(&self, refused: &Token) {
        locked(&self.tokens).retain(|_, granted| granted.token != *refused);
    }

    /// Forgets where the App is installed for a repository; says whether that was known.
    pub(crate) fn forget_installation(&self, repository: &ForgeRepo) -> bool {
        locked(&self.installations).remove(repository).is_some()
    }

    /// The repositories that a token of this grant is to be good for; none if for all.
    pub(crate) fn names(&self, grant: &Grant, owner: &str) -> Vec<String> {
        match &grant.only {
            Some(only) => vec![only.name().to_owned()],
            None => {
                let there = |repo: &&ForgeRepo| repo.owner().eq_ignore_ascii_case(owner);
                self.repositories.iter().filter(there).map(|repo| repo.name().to_owned()).collect()
            }
        }
    }

    /// What a token for these repositories is asked for with.
    pub(crate) fn request(&self, names: &[String]) -> serde_json::Value {
        let mut body = serde_json::Map::new();
        if !names.is_empty() {
            body.insert("repositories".into(), json!(names));
        }
        if !self.permissions.is_empty() {
            body.insert("permissions".into(), json!(self.permissions));
        }
        body.into()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).field("permissions", &self.permissions).finish_non_exhaustive()
    }
}

/// A JSON Web Token that says `id`, signed with RS256.
fn jwt(id: &str, key: &RsaKeyPair, now: Timestamp) -> Result<Token, GitHubError> {
    let (from, to) = (now.as_second() - 60, now.as_second() + 540);
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "typ": "JWT" }).to_string());
    let claims = URL_SAFE_NO_PAD.encode(json!({ "iat": from, "exp": to, "iss": id }).to_string());
    let text = format!("{header}.{claims}");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| GitHubError::Credentials { problem: "the App's private key cannot sign".into() })?;
    Token::new(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
