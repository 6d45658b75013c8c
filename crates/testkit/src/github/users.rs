//! Who there is, and what each may do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// What somebody may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Nothing: a private repository is not there for them, a public one can be read.
    None,
    /// Reads, opens issues and comments.
    Read,
    /// Also labels, closes and assigns.
    Triage,
    /// Also pushes.
    Write,
    /// Also manages the repository in part.
    Maintain,
    /// Everything.
    Admin,
}

impl Permission {
    /// The word for the role, as in `role_name`.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// The older word, which knows four levels.
    pub(crate) fn legacy(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read | Self::Triage => "read",
            Self::Write | Self::Maintain => "write",
            Self::Admin => "admin",
        }
    }
}

/// What kind of account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Bot,
    Organization,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Bot => "Bot",
            Self::Organization => "Organization",
        }
    }
}

/// An account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) kind: Kind,
    /// What they may do in every repository that says nothing else.
    pub(crate) permission: Permission,
    /// What `author_association` says of them, where it is not what follows from the permission.
    pub(crate) association: Option<String>,
}

/// A GitHub App and its installation.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) owner: u64,
    /// The account `slug[bot]`.
    pub(crate) bot: u64,
    pub(crate) installation: u64,
    /// What the installation may do: `issues` to `write`.
    pub(crate) permissions: BTreeMap<String, String>,
    /// The repositories it is installed in; all of them if there is no list.
    pub(crate) repos: Option<BTreeSet<u64>>,
    pub(crate) created_at: Timestamp,
    /// The public half of its key, as PKCS#1 has it.
    pub(crate) public_key: Vec<u8>,
}

impl App {
    /// The other name by which an assertion may say whose it is.
    pub(crate) fn client_id(&self) -> String {
        format!("Iv23{:016x}", self.id)
    }
}

/// A token, and what it may do.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) user: u64,
    /// The app, of an installation's token.
    pub(crate) app: Option<u64>,
    /// The repositories it is narrowed to.
    pub(crate) repos: Option<BTreeSet<u64>>,
    /// The permissions it is narrowed to.
    pub(crate) permissions: Option<BTreeMap<String, String>>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked: bool,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub(crate) user: u64,
    pub(crate) app: Option<u64>,
    /// Whether it is an app that speaks for itself, with an assertion and not a token.
    pub(crate) as_app: bool,
    pub(crate) repos: Option<BTreeSet<u64>>,
    pub(crate) permissions: Option<BTreeMap<String, String>>,
}
