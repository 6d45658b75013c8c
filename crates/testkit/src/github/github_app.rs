//! A GitHub App, for tests.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{KeyPair, RsaKeyPair};

use super::users::{App, Kind, Permission, Token};
use super::world::World;

/// What an installation may do unless a test says otherwise.
const PERMISSIONS: [(&str, &str); 8] = [
    ("actions", "read"),
    ("administration", "read"),
    ("checks", "write"),
    ("contents", "write"),
    ("issues", "write"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];

/// A GitHub App with one installation. It writes as `SLUG[bot]`.
#[derive(Debug, Clone)]
pub struct GitHubApp {
    world: World,
    id: u64,
}

impl GitHubApp {
    pub(crate) fn register(world: &World, slug: &str, private_key: &str) -> Self {
        let public_key = public_half(private_key);
        let mut state = world.lock();
        let owner = state.ensure_user("app-makers", Kind::Organization, Permission::None);
        // What it may do is said by its installation, and nowhere else.
        let bot = state.ensure_user(&format!("{slug}[bot]"), Kind::Bot, Permission::None);
        let (id, installation, created_at) = (state.next_id(), state.next_id(), state.now());
        let permissions = PERMISSIONS.map(|(kind, level)| (kind.to_owned(), level.to_owned()));
        let app = App {
            id,
            slug: slug.to_owned(),
            owner,
            bot,
            installation,
            permissions: BTreeMap::from(permissions),
            repos: None,
            created_at,
            public_key,
        };
        state.apps.insert(id, app);
        drop(state);
        Self { world: world.clone(), id }
    }

    /// Its id, by which its assertions may be issued.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its client id, by which they may be issued too.
    pub fn client_id(&self) -> String {
        self.world.lock().apps[&self.id].client_id()
    }

    /// The id of its installation.
    pub fn installation(&self) -> u64 {
        self.world.lock().apps[&self.id].installation
    }

    /// Under which login it writes.
    pub fn login(&self) -> String {
        let state = self.world.lock();
        state.users[&state.apps[&self.id].bot].login.clone()
    }

    /// Installs it in these repositories alone.
    ///
    /// # Panics
    /// If one is not there.
    #[must_use]
    pub fn only_in(self, full_names: &[&str]) -> Self {
        let mut state = self.world.lock();
        let id = |name: &&str| state.repo_named(name).unwrap_or_else(|| panic!("there is no repository {name}")).id;
        let ids: BTreeSet<u64> = full_names.iter().map(id).collect();
        if let Some(app) = state.apps.get_mut(&self.id) {
            app.repos = Some(ids);
        }
        drop(state);
        self
    }

    /// Gives its installation a permission, or takes it away: `issues`, and `read`, `write` or nothing.
    #[must_use]
    pub fn permitted(self, kind: &str, level: Option<&str>) -> Self {
        if let Some(app) = self.world.lock().apps.get_mut(&self.id) {
            match level {
                Some(level) => app.permissions.insert(kind.to_owned(), level.to_owned()),
                None => app.permissions.remove(kind),
            };
        }
        self
    }

    /// A token of its installation, good for an hour of this GitHub's clock, for those who need no key to test with.
    pub fn token(&self) -> String {
        let mut state = self.world.lock();
        let app = state.apps[&self.id].clone();
        let (serial, expires_at) = (state.next_id(), state.in_an_hour());
        let token = Token {
            user: app.bot,
            app: Some(app.id),
            repos: app.repos,
            permissions: Some(app.permissions),
            expires_at: Some(expires_at),
            revoked: false,
        };
        let text = format!("ghs_installation_{serial}");
        state.tokens.insert(text.clone(), token);
        text
    }
}

/// The public half of a private key in PEM, PKCS#1 or PKCS#8.
fn public_half(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(lines).expect("the private key is PEM");
    let pair = RsaKeyPair::from_der(&der).or_else(|_| RsaKeyPair::from_pkcs8(&der));
    pair.expect("the private key is one of RSA").public_key().as_ref().to_vec()
}
