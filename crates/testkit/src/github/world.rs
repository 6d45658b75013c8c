//! The world behind the server, for tests.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dayfly_core::FixedClock;
use jiff::{SignedDuration, Timestamp};

use super::exchange::{Exchange, Said};
use super::fault::{Fault, Match, Plan};
use super::github_app::GitHubApp;
use super::journal::{Entry, Journal};
use super::limits::Limits;
use super::person::Person;
use super::reply::Reply;
use super::repository::Repository;
use super::state::State;
use super::users::{Kind, Permission, Token};

/// When the world begins.
const BEGINNING: &str = "2026-03-02T09:00:00Z";

/// How long [`World::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(20);

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
    grown: Condvar,
}

/// What the server keeps about the requests.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) journal: Journal,
    pub(crate) violations: Vec<String>,
    pub(crate) plan: Plan,
    /// What the next so many reads still see.
    pub(crate) lag: Option<(Box<State>, u32)>,
    requests: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let start: Timestamp = BEGINNING.parse().expect("the beginning is a time");
        let clock = Arc::new(FixedClock::new(start));
        let state = Mutex::new(State::new(Arc::clone(&clock)));
        Self { shared: Arc::new(Shared { state, clock, book: Mutex::default(), grown: Condvar::new() }) }
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

    /// A GitHub App, owned by nobody in particular and installed everywhere, with its private key as the PEM text that
    /// GitHub hands out.
    ///
    /// # Panics
    /// If the key is none.
    pub fn app(&self, slug: &str, private_key: &str) -> GitHubApp {
        GitHubApp::register(self, slug, private_key)
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

    /// Lets the first request that fits meet a fault.
    pub fn fault(&self, matching: Match, fault: Fault) {
        self.book().plan.add(matching, fault);
    }

    /// Faults that no request has met.
    pub fn unmet_faults(&self) -> Vec<Fault> {
        self.book().plan.unmet()
    }

    /// Says how much may be asked.
    pub fn limit(&self, limits: Limits) {
        self.lock().meter.limits = limits;
    }

    /// Says that each comment that came over HTTP was taken by the test: nothing was said that it did not expect.
    ///
    /// # Panics
    /// If one was not.
    pub fn assert_no_unexpected_comments(&self) {
        let state = self.lock();
        let said: String = state
            .repos
            .values()
            .flat_map(|repo| repo.comments.values().map(move |known| (repo, known)))
            .filter(|(_, comment)| comment.unexpected)
            .map(|(repo, comment)| format!("\n{}#{}: {}", state.full_name(repo), comment.issue, comment.body))
            .collect();
        assert!(said.is_empty(), "a program wrote what the test did not expect:{said}");
    }

    /// All that people see, as a text that is the same for the same deeds: without ids, times and addresses.
    pub fn snapshot(&self) -> String {
        super::snapshot::of(&self.lock())
    }

    /// Refuses a token from now on.
    pub fn revoke(&self, token: &str) {
        if let Some(known) = self.lock().tokens.get_mut(token) {
            known.revoked = true;
        }
    }

    /// What a read sees, if that is not the present.
    pub(crate) fn lagging(&self) -> Option<Box<State>> {
        let mut book = self.book();
        let (old, left) = book.lag.take()?;
        if left == 0 {
            return None;
        }
        let seen = old.clone();
        book.lag = Some((old, left - 1));
        Some(seen)
    }

    /// By what the next request is known.
    pub(crate) fn next_request_id(&self) -> String {
        let mut book = self.book();
        book.requests += 1;
        format!("FA4E:{:06}", book.requests)
    }

    /// Writes a request down.
    pub(crate) fn enter(&self, exchange: &Exchange, said: &Said, reply: &Reply) {
        let at = self.lock().now();
        let mut book = self.book();
        let query = if exchange.query.is_empty() { String::new() } else { format!("?{}", exchange.query) };
        let operation = exchange.operation.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        let what = format!("{} {}{operation}", exchange.method, exchange.path);
        book.violations.extend(said.violations.iter().map(|text| format!("{what}: {text}")));
        book.journal.push(Entry {
            method: exchange.method.clone(),
            template: said.template.map_or_else(|| exchange.path.clone(), str::to_owned),
            path: format!("{}{query}", exchange.path),
            login: said.login.clone(),
            status: reply.status,
            at,
            cost: said.cost,
            operation: exchange.operation.clone(),
            write: exchange.is_write(),
            request_id: said.request_id.clone(),
        });
        drop(book);
        self.shared.grown.notify_all();
    }

    /// Writes down a request of git's.
    pub(crate) fn note(&self, entry: Entry) {
        self.book().journal.push(entry);
        self.shared.grown.notify_all();
    }

    /// Waits until the journal is as it should be, and gives it.
    ///
    /// # Panics
    /// If that takes more than 20 seconds; the message holds the journal.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Journal) -> bool) -> Journal {
        let end = Instant::now() + PATIENCE;
        let mut book = self.book();
        while !holds(&book.journal) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}; the journal is:\n{}", book.journal);
            book = self.shared.grown.wait_timeout(book, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        book.journal.clone()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
