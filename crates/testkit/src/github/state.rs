//! The whole state, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dayfly_core::{Clock, FixedClock};
use jiff::{Timestamp, ToSpan, Unit};

use super::git::{Disk, GitRepo};
use super::limits::Meter;
use super::users::{App, Kind, Permission, Token, User, Viewer};
use super::webhook::Hooks;

/// Everything that this GitHub knows.
#[derive(Debug, Clone)]
pub(crate) struct State {
    clock: Arc<FixedClock>,
    disk: Disk,
    last_id: u64,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) apps: BTreeMap<u64, App>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) repos: BTreeMap<u64, Repo>,
    /// Old full names of repositories, in lower case.
    pub(crate) moved: BTreeMap<String, u64>,
    pub(crate) meter: Meter,
    pub(crate) hooks: Hooks,
    /// Where each issue is: its repository and number, by its id.
    pub(crate) issues: BTreeMap<u64, (u64, u64)>,
}

/// A repository.
#[derive(Debug, Clone)]
pub(crate) struct Repo {
    pub(crate) id: u64,
    pub(crate) owner: u64,
    /// The name without its owner.
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) archived: bool,
    pub(crate) has_issues: bool,
    pub(crate) default_branch: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) pushed_at: Timestamp,
    /// What people may do here, where it is not what they may do everywhere.
    pub(crate) grants: BTreeMap<u64, Permission>,
    /// Issues and pull requests by number.
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// Numbers of issues that were deleted.
    pub(crate) gone: BTreeSet<u64>,
    pub(crate) last_number: u64,
    pub(crate) comments: BTreeMap<u64, Comment>,
    pub(crate) labels: BTreeMap<u64, Label>,
    pub(crate) milestones: BTreeMap<u64, Milestone>,
    pub(crate) last_milestone: u64,
    pub(crate) pulls: super::pulls::Pulls,
}

/// An issue, or the issue side of a pull request.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) author: Author,
    pub(crate) open: bool,
    pub(crate) state_reason: Option<String>,
    pub(crate) locked: bool,
    /// Ids of labels.
    pub(crate) labels: Vec<u64>,
    /// The number of its milestone.
    pub(crate) milestone: Option<u64>,
    pub(crate) assignees: Vec<u64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
    pub(crate) closed_by: Option<u64>,
    /// When and by whom title or body were last edited.
    pub(crate) edited: Option<(Timestamp, u64)>,
    pub(crate) events: Vec<IssueEvent>,
    pub(crate) reactions: Vec<Reaction>,
    /// The id of the issue it is a part of.
    pub(crate) parent: Option<u64>,
    /// Ids of its parts, in their order.
    pub(crate) children: Vec<u64>,
    /// Ids of issues that come first.
    pub(crate) blocked_by: Vec<u64>,
    /// Ids of issues that wait for it.
    pub(crate) blocks: Vec<u64>,
    /// What makes it a pull request.
    pub(crate) pull: Option<super::pulls::Pull>,
}

/// Who wrote something: nobody any more, if the account is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) user: Option<u64>,
    /// The app through which it was written.
    pub(crate) app: Option<u64>,
}

/// A comment.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    /// The number of its issue.
    pub(crate) issue: u64,
    pub(crate) body: String,
    pub(crate) author: Author,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) edited: Option<(Timestamp, u64)>,
    /// Why it is hidden.
    pub(crate) minimised: Option<String>,
    /// Whether it came over HTTP, from the program that is tested, and no test has taken it yet.
    pub(crate) unexpected: bool,
    pub(crate) reactions: Vec<Reaction>,
}

/// A label.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) description: Option<String>,
}

/// A milestone.
#[derive(Debug, Clone)]
pub(crate) struct Milestone {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) open: bool,
    pub(crate) due_on: Option<Timestamp>,
    pub(crate) creator: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) closed_at: Option<Timestamp>,
}

/// Something that happened to an issue.
#[derive(Debug, Clone)]
pub(crate) struct IssueEvent {
    pub(crate) id: u64,
    pub(crate) actor: Option<u64>,
    pub(crate) app: Option<u64>,
    pub(crate) at: Timestamp,
    pub(crate) what: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    Labeled {
        name: String,
        color: String,
    },
    Unlabeled {
        name: String,
        color: String,
    },
    Milestoned(String),
    Demilestoned(String),
    Assigned(u64),
    Unassigned(u64),
    Renamed {
        from: String,
        to: String,
    },
    Closed(Option<String>),
    Reopened,
    Locked,
    Commented(u64),
    /// A relation to another issue came or went: the event's word, and the other issue's id.
    Related(&'static str, u64),
    /// A pull request was merged, by this commit.
    Merged(String),
    /// Any other event by its word.
    Other(&'static str),
}

/// A reaction.
#[derive(Debug, Clone)]
pub(crate) struct Reaction {
    pub(crate) id: u64,
    pub(crate) user: u64,
    pub(crate) content: String,
    pub(crate) created_at: Timestamp,
}

impl State {
    pub(crate) fn new(clock: Arc<FixedClock>) -> Self {
        Self {
            clock,
            disk: Disk::new(),
            last_id: 1_000_000,
            users: BTreeMap::new(),
            apps: BTreeMap::new(),
            tokens: BTreeMap::new(),
            repos: BTreeMap::new(),
            moved: BTreeMap::new(),
            meter: Meter::default(),
            hooks: Hooks::default(),
            issues: BTreeMap::new(),
        }
    }

    /// The present time, to the second, as everything here is dated.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc)).unwrap_or(now)
    }

    /// The present time plus some hours.
    pub(crate) fn in_an_hour(&self) -> Timestamp {
        self.now().checked_add(1.hour()).unwrap_or(Timestamp::MAX)
    }

    /// The next id: one sequence for everything, so that an id is never a number, nor the id of anything else.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 7;
        self.last_id
    }

    pub(crate) fn user_named(&self, login: &str) -> Option<&User> {
        self.users.values().find(|user| user.login.eq_ignore_ascii_case(login))
    }

    /// The account of that name, made if there is none.
    pub(crate) fn ensure_user(&mut self, login: &str, kind: Kind, permission: Permission) -> u64 {
        if let Some(user) = self.user_named(login) {
            return user.id;
        }
        let id = self.next_id();
        let user = User { id, login: login.to_owned(), kind, permission, association: None };
        self.users.insert(id, user);
        id
    }

    pub(crate) fn full_name(&self, repo: &Repo) -> String {
        format!("{}/{}", self.users[&repo.owner].login, repo.name)
    }

    /// The repository of that present full name.
    pub(crate) fn repo_named(&self, full: &str) -> Option<&Repo> {
        self.repos.values().find(|repo| self.full_name(repo).eq_ignore_ascii_case(full))
    }

    /// Makes a repository, public and empty, and gives its id.
    pub(crate) fn add_repo(&mut self, owner: u64, name: &str) -> u64 {
        let (id, now) = (self.next_id(), self.now());
        let repo = Repo {
            id,
            owner,
            name: name.to_owned(),
            private: false,
            archived: false,
            has_issues: true,
            default_branch: "main".to_owned(),
            created_at: now,
            updated_at: now,
            pushed_at: now,
            grants: BTreeMap::new(),
            issues: BTreeMap::new(),
            gone: BTreeSet::new(),
            last_number: 0,
            comments: BTreeMap::new(),
            labels: BTreeMap::new(),
            milestones: BTreeMap::new(),
            last_milestone: 0,
            pulls: super::pulls::Pulls::default(),
        };
        self.repos.insert(id, repo);
        id
    }

    /// A repository's bare one.
    pub(crate) fn git(&self, repo: u64) -> GitRepo {
        let branch = self.repos.get(&repo).map_or("main", |repo| repo.default_branch.as_str());
        self.disk.repository(repo, branch)
    }

    /// What a user may do in a repository.
    pub(crate) fn permission(&self, user: u64, repo: &Repo) -> Permission {
        if repo.owner == user {
            return Permission::Admin;
        }
        let everywhere = || self.users.get(&user).map_or(Permission::None, |known| known.permission);
        repo.grants.get(&user).copied().unwrap_or_else(everywhere)
    }

    /// What whoever asks may do in a repository, for the kind of thing asked for, such as `issues`.
    pub(crate) fn viewer_permission(&self, viewer: &Viewer, repo: &Repo, kind: &str) -> Permission {
        if viewer.repos.as_ref().is_some_and(|repos| !repos.contains(&repo.id)) {
            return Permission::None;
        }
        let Some(permissions) = &viewer.permissions else { return self.permission(viewer.user, repo) };
        match permissions.get(kind).map(String::as_str) {
            Some("admin") => Permission::Admin,
            Some("write") => Permission::Write,
            Some(_) => Permission::Read,
            None => Permission::None,
        }
    }

    /// An issue by its id.
    pub(crate) fn issue(&self, id: u64) -> Option<(&Repo, &Issue)> {
        let (repo, number) = self.issues.get(&id)?;
        let repo = self.repos.get(repo)?;
        Some((repo, repo.issues.get(number)?))
    }
}
