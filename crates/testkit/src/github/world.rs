//! The world behind the server, for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dayfly_core::FixedClock;
use jiff::{SignedDuration, Timestamp};

use super::journal::Journal;
use super::person::Person;
use super::repository::Repository;
use super::state::State;
use super::users::{Kind, Permission, Token};

/// When the world begins.
const BEGINNING: &str = "2026-03-02T09:00:00Z";

/// People, repositories and time. All clones are the same world.
#[derive(Debug, Clone)]
pub struct World {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    clock: Arc<FixedClock>,
    book: Mutex<Book>,
}

/// What the server keeps about the requests.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) journal: Journal,
    pub(crate) violations: Vec<String>,
    pub(crate) requests: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let start: Timestamp = BEGINNING.parse().expect("the beginning is a time");
        let clock = Arc::new(FixedClock::new(start));
        let state = Mutex::new(State::new(Arc::clone(&clock)));
        Self { shared: Arc::new(Shared { state, clock, book: Mutex::default() }) }
    }

    /// The clock of this world, for the program that is tested.
    pub fn clock(&self) -> Arc<FixedClock> {
        Arc::clone(&self.shared.clock)
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
    }

    /// A person of that login, with what they may do in every repository that says nothing else. They have a token.
    pub fn person(&self, login: &str, permission: Permission) -> Person {
        self.account(login, Kind::User, permission)
    }

    /// An account of the type `Bot`, with a token.
    pub fn bot(&self, login: &str, permission: Permission) -> Person {
        self.account(login, Kind::Bot, permission)
    }

    /// The repository `owner/name`, made if there is none. An owner who is not known is an organization.
    pub fn repo(&self, full_name: &str) -> Repository {
        let (owner, name) = full_name.split_once('/').expect("a repository's name is `owner/name`");
        let mut state = self.lock();
        if let Some(repo) = state.repo_named(full_name) {
            return Repository::new(self.clone(), repo.id);
        }
        let owner = state.ensure_user(owner, Kind::Organization, Permission::Admin);
        let id = state.add_repo(owner, name);
        drop(state);
        Repository::new(self.clone(), id)
    }

    fn account(&self, login: &str, kind: Kind, permission: Permission) -> Person {
        let mut state = self.lock();
        let id = state.ensure_user(login, kind, permission);
        if let Some(user) = state.users.get_mut(&id) {
            user.permission = permission;
        }
        let token = format!("ghp_{login}_of_the_fake");
        let known = Token { user: id, app: None, repos: None, permissions: None, expires_at: None, revoked: false };
        state.tokens.entry(token.clone()).or_insert(known);
        drop(state);
        Person::new(self.clone(), id, token)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
