//! The client: calls with types, each with the right token, each write once.

mod builder;
mod graphql;
mod installation;
mod pages;

#[cfg(feature = "fuzz")]
pub(crate) use pages::next_in;

pub use builder::GitHubBuilder;
pub use graphql::Partial;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::OnceCell;

use crate::auth::InstallationId;
use crate::call::repo_path;
use crate::capability::Known;
use crate::journal::{IN_FLIGHT, Journal};
use crate::transport::{Bearer, Transport};
use crate::wire::Answer;
use crate::{Auth, Call, GitHubError, Token};
use dayfly_core::ForgeRepo;

/// A client of one GitHub, for one token or App. A copy shares everything.
///
/// Calls keep to GitHub's limits and to a pace of their own. One that would wait for long fails with
/// [`GitHubError::Limited`] and the time to come back. A creating call is never repeated by itself: where its answer is
/// lost it fails with [`GitHubError::Indeterminate`], and the caller looks before it does it again.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    auth: Auth,
    transport: Transport,
    journal: Arc<Journal>,
    identity: OnceCell<Identity>,
    known: Known,
}

/// Who dayfly is on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The login, such as `octocat` or `my-app[bot]`.
    pub login: String,
    /// Whether it is a person's account, which that person also writes with.
    pub is_person: bool,
}

impl Identity {
    /// Whether others write with the account too: a person, or all the workflows of a repository, which share one. What
    /// such an account did is dayfly's own only where dayfly's mark or memory says so.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_person || self.login.eq_ignore_ascii_case("github-actions[bot]")
    }
}

/// A repository that calls were led away from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its name in the calls.
    pub from: ForgeRepo,
    /// Its name now.
    pub to: ForgeRepo,
}

impl GitHub {
    /// The answer of a reading call.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn get<T: DeserializeOwned>(&self, path: impl Into<String>) -> Result<T, GitHubError> {
        self.send(Call::get(path)).await
    }

    /// Sends a call, and reads its answer.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, GitHubError> {
        self.journaled(&call, |answer| read(&call, answer)).await
    }

    /// Sends a call whose answer does not matter, but that it was done.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn run(&self, call: Call) -> Result<(), GitHubError> {
        self.journaled(&call, |_| Ok(IgnoredAny)).await.map(drop)
    }

    /// The last bytes of a text that GitHub may keep at another host, such as the log of a job.
    pub(crate) async fn text_tail(&self, path: String, bytes: usize) -> Result<String, GitHubError> {
        let call = Call::get(path).tail(bytes).priority(crate::Priority::Merge);
        let answer = self.answer(&call).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Who dayfly is there. Asked once.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn identity(&self) -> Result<&Identity, GitHubError> {
        self.inner.identity.get_or_try_init(|| self.ask_identity()).await
    }

    /// A token for git's login at this repository. An App's is good for this repository alone.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn git_token(&self, repository: &ForgeRepo) -> Result<Token, GitHubError> {
        match &self.inner.auth {
            Auth::Token(token) => Ok(token.clone()),
            Auth::App(_) => Ok(self.installation_bearer(repository, Some(repository.clone())).await?.token),
        }
    }

    /// The repositories that calls were led away from, with their names now.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn moved(&self) -> Result<Vec<Moved>, GitHubError> {
        #[derive(Deserialize)]
        struct Named {
            full_name: ForgeRepo,
        }
        let mut list = Vec::new();
        for from in self.inner.transport.moved() {
            let now: Named = self.get(repo_path(&from)).await?;
            if !now.full_name.to_string().eq_ignore_ascii_case(&from.to_string()) {
                list.push(Moved { from, to: now.full_name });
            }
        }
        Ok(list)
    }

    /// When a write with this key was begun whose end nobody knows, in this process or an earlier one.
    pub fn unsettled(&self, key: &str) -> Option<Timestamp> {
        self.inner.journal.unsettled(key)
    }

    /// All writes whose end nobody knows, by key, with when they were begun.
    pub fn all_unsettled(&self) -> Vec<(String, Timestamp)> {
        self.inner.journal.all_unsettled()
    }

    /// Until when an unsettled write with this key may still be under way. Looking for it before then proves nothing.
    pub fn quiet_until(&self, key: &str) -> Option<Timestamp> {
        self.unsettled(key)?.checked_add(IN_FLIGHT).ok().filter(|until| *until > self.now())
    }

    /// Puts down that a write was looked for, and that what was found is the last word.
    ///
    /// # Errors
    /// [`GitHubError::Setup`] if the journal cannot be written.
    pub async fn settle(&self, key: &str) -> Result<(), GitHubError> {
        self.put_down(Line::End { key: key.to_owned(), status: None, request: None }).await
    }

    /// What is left of the hourly budget that calls on behalf of this repository share, and when it is whole again.
    pub fn budget_left(&self, repository: Option<&ForgeRepo>, resource: &str) -> Option<(u64, Timestamp)> {
        let lane = match &self.inner.auth {
            Auth::Token(token) => token_lane(token),
            Auth::App(app) => installation_lane(app.installation(repository?)?),
        };
        self.inner.transport.left(&lane, resource)
    }

    /// Whether each owner's repositories have a token of their own.
    pub(crate) fn is_app(&self) -> bool {
        matches!(self.inner.auth, Auth::App(_))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.transport.now()
    }

    /// The time by GitHub's clock, as far as its answers told it.
    pub(crate) fn its_now(&self) -> Timestamp {
        self.inner.transport.its_now()
    }

    pub(crate) fn known(&self) -> &Known {
        &self.inner.known
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Sends a call with the right token; one that has ended before its time is renewed, once.
    pub(crate) async fn answer(&self, call: &Call) -> Result<Answer, GitHubError> {
        let bearer = self.bearer(call).await?;
        match (self.inner.transport.send(call, &bearer).await, &self.inner.auth) {
            // What is refused for its token was not done.
            (Err(GitHubError::Unauthorised { .. }), Auth::App(app)) if !by_app(call) => {
                app.forget(&bearer.token);
                let bearer = self.bearer(call).await?;
                self.inner.transport.send(call, &bearer).await
            }
            (answer, _) => answer,
        }
    }

    async fn journaled<T>(
        &self,
        call: &Call,
        read: impl FnOnce(&Answer) -> Result<T, GitHubError>,
    ) -> Result<T, GitHubError> {
        let key = call.key.as_ref().filter(|_| !call.repeatable);
        if let Some(key) = key {
            let (method, path) = (call.method.as_str(), call.site().path);
            self.put_down(Line::Begin { key: key.clone(), method, path }).await?;
        }
        let result = self.answer(call).await;
        let ended = match &result {
            Ok(answer) => Some((Some(answer.status), request_id(answer))),
            Err(GitHubError::Indeterminate { .. }) => None,
            Err(_) => Some((None, None)),
        };
        // An answer that cannot be read is no answer: what was made has to be looked for.
        let value = result.and_then(|answer| {
            read(&answer).map_err(|error| match call.repeatable {
                true => error,
                false => GitHubError::Indeterminate { at: call.site(), source: Some(Box::new(error)) },
            })
        });
        let lost = matches!(value, Err(GitHubError::Indeterminate { .. }));
        if let (Some(key), Some((status, request)), false) = (key, ended, lost) {
            self.put_down(Line::End { key: key.clone(), status, request }).await?;
        }
        value
    }

    async fn put_down(&self, line: Line) -> Result<(), GitHubError> {
        let (journal, at) = (self.inner.journal.clone(), self.now());
        let write = move || match line {
            Line::Begin { key, method, path } => journal.begin(at, &key, method, &path),
            Line::End { key, status, request } => journal.end(at, &key, status, request),
        };
        let done = tokio::task::spawn_blocking(write).await.map_err(std::io::Error::other).and_then(|r| r);
        let what = "the journal of writes to GitHub cannot be written; see that its folder has room";
        done.map_err(|e| GitHubError::Setup { what: what.into(), source: Some(Box::new(e)) })
    }

    async fn ask_identity(&self) -> Result<Identity, GitHubError> {
        #[derive(Deserialize)]
        struct User {
            login: String,
            #[serde(default, rename = "type")]
            kind: Option<String>,
        }
        #[derive(Deserialize)]
        struct ItsApp {
            slug: String,
        }
        #[derive(Deserialize)]
        struct Viewed {
            viewer: User,
        }
        if let Auth::App(_) = self.inner.auth {
            let app: ItsApp = self.get("/app").await?;
            return Ok(Identity { login: format!("{}[bot]", app.slug), is_person: false });
        }
        match self.get::<User>("/user").await {
            Ok(user) => {
                let is_person = user.kind.as_deref().is_none_or(|k| k == "User");
                Ok(Identity { login: user.login, is_person })
            }
            // The token of a CI job is an App's, which has no user; GraphQL knows its login.
            Err(GitHubError::Forbidden { .. }) => {
                let seen: Viewed = self.graphql(include_str!("gql/viewer.graphql"), &(), None).await?;
                Ok(Identity { login: seen.viewer.login, is_person: false })
            }
            Err(error) => Err(error),
        }
    }

    async fn bearer(&self, call: &Call) -> Result<Bearer, GitHubError> {
        match &self.inner.auth {
            Auth::Token(token) => Ok(Bearer { token: token.clone(), lane: token_lane(token) }),
            Auth::App(_) if by_app(call) => self.app_bearer(),
            Auth::App(_) => {
                let problem = format!("an App cannot tell in whose name to send {}; name a repository", call.path);
                let scope = call.scope.as_ref().ok_or(GitHubError::Credentials { problem })?;
                self.installation_bearer(scope, None).await
            }
        }
    }

    fn app_bearer(&self) -> Result<Bearer, GitHubError> {
        match &self.inner.auth {
            Auth::App(app) => Ok(Bearer { token: app.jwt(self.its_now())?, lane: "app".into() }),
            Auth::Token(token) => Ok(Bearer { token: token.clone(), lane: token_lane(token) }),
        }
    }
}

/// What goes into the journal.
enum Line {
    Begin { key: String, method: &'static str, path: String },
    End { key: String, status: Option<u16>, request: Option<String> },
}

/// Whether an App sends the call in its own name.
fn by_app(call: &Call) -> bool {
    call.path == "/app" || call.path.starts_with("/app/") || call.path == "/meta"
}

fn token_lane(token: &Token) -> String {
    format!("token {}", token.fingerprint())
}

fn installation_lane(id: InstallationId) -> String {
    format!("installation {}", id.0)
}

fn request_id(answer: &Answer) -> Option<String> {
    crate::classify::header(&answer.headers, "x-github-request-id").map(str::to_owned)
}

pub(crate) fn read<T: DeserializeOwned>(call: &Call, answer: &Answer) -> Result<T, GitHubError> {
    let body = if answer.body.is_empty() { b"null".as_slice() } else { &answer.body };
    serde_json::from_slice(body).map_err(|error| {
        let mut at = call.site();
        at.request_id = request_id(answer);
        // The place in the answer is told, but nothing that stands there.
        let problem = format!("{:?} at line {}, column {}", error.classify(), error.line(), error.column());
        GitHubError::Malformed { at, problem }
    })
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("auth", &self.inner.auth).field("place", &self.inner.transport.place).finish()
    }
}
