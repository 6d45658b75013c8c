//! One repository, for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::deeds::NewLabel;
use super::person::Person;
use super::state::{Issue, Repo};
use super::users::Permission;
use super::world::World;

/// One repository of the world.
#[derive(Debug, Clone)]
pub struct Repository {
    world: World,
    id: u64,
}

/// An issue as it stands, for a test to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueNow {
    /// Its id, which is not its number.
    pub id: u64,
    /// Its number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The body, empty if it has none.
    pub body: String,
    /// The login of its author, if the account is there.
    pub author: Option<String>,
    /// Whether it is open.
    pub open: bool,
    /// Why it is open or closed, as GitHub says it.
    pub state_reason: Option<String>,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// The title of its milestone.
    pub milestone: Option<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// Its comments, the oldest first.
    pub comments: Vec<CommentNow>,
    /// Numbers of its parts.
    pub sub_issues: Vec<u64>,
    /// Numbers of the issues it waits for, open or not.
    pub blocked_by: Vec<u64>,
    /// When it was last updated.
    pub updated_at: Timestamp,
}

/// A comment as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentNow {
    /// Its id.
    pub id: u64,
    /// The login of its author, if the account is there.
    pub author: Option<String>,
    /// Its text.
    pub body: String,
    /// Whether it is hidden.
    pub minimised: bool,
}

impl Repository {
    pub(crate) fn new(world: World, id: u64) -> Self {
        Self { world, id }
    }

    /// Its id, which stays when it is renamed.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its present full name.
    pub fn full_name(&self) -> String {
        let state = self.world.lock();
        state.full_name(&state.repos[&self.id])
    }

    /// Hides it from all who may do nothing in it.
    #[must_use]
    pub fn private(self) -> Self {
        self.change(|repo| repo.private = true);
        self
    }

    /// Switches its issues off: they are then gone.
    pub fn without_issues(&self) {
        self.change(|repo| repo.has_issues = false);
    }

    /// Says what somebody may do here, whatever they may do elsewhere.
    pub fn grant(&self, person: &Person, permission: Permission) {
        self.change(|repo| {
            repo.grants.insert(person.id(), permission);
        });
    }

    /// Gives it another full name. The old one leads to it until there is another repository of that name.
    pub fn rename(&self, full_name: &str) {
        let (owner, name) = full_name.split_once('/').expect("a repository's name is `owner/name`");
        let mut state = self.world.lock();
        let old = state.full_name(&state.repos[&self.id]).to_lowercase();
        let owner = state.ensure_user(owner, super::users::Kind::Organization, Permission::Admin);
        state.moved.insert(old, self.id);
        if let Some(repo) = state.repos.get_mut(&self.id) {
            repo.owner = owner;
            name.clone_into(&mut repo.name);
        }
    }

    /// Makes labels.
    ///
    /// # Panics
    /// If one is there, or cannot be.
    pub fn make_labels(&self, names: &[&str]) {
        let mut state = self.world.lock();
        for name in names {
            let new = NewLabel { name: (*name).to_owned(), ..NewLabel::default() };
            state.make_label(self.id, new).expect("the label can be made");
        }
    }

    /// An issue, or the issue side of a pull request.
    ///
    /// # Panics
    /// If there is none of that number.
    pub fn issue(&self, number: u64) -> IssueNow {
        let found = self.issues().remove(&number);
        found.unwrap_or_else(|| panic!("{} has no issue {number}", self.full_name()))
    }

    /// Takes the oldest comment of an issue that came over HTTP and was not taken yet.
    ///
    /// # Panics
    /// If there is none.
    pub fn take_comment(&self, issue: u64) -> CommentNow {
        let mut state = self.world.lock();
        let comments = state.repos.get_mut(&self.id).map(|repo| &mut repo.comments);
        let mut comments = comments.into_iter().flat_map(|comments| comments.values_mut());
        let found = comments.find(|comment| comment.issue == issue && comment.unexpected);
        let id = found.map(|comment| {
            comment.unexpected = false;
            comment.id
        });
        drop(state);
        let taken = id.and_then(|id| self.issue(issue).comments.into_iter().find(|comment| comment.id == id));
        taken.unwrap_or_else(|| panic!("no program wrote another comment on {}#{issue}", self.full_name()))
    }

    /// All issues and pull requests by their numbers.
    pub fn issues(&self) -> BTreeMap<u64, IssueNow> {
        let state = self.world.lock();
        let repo = &state.repos[&self.id];
        let login = |id: u64| state.users.get(&id).map(|user| user.login.clone());
        let number = |id: &u64| state.issue(*id).map(|(_, issue)| issue.number);
        let comments = |issue: &Issue| {
            let mine = repo.comments.values().filter(|comment| comment.issue == issue.number);
            let now = mine.map(|comment| CommentNow {
                id: comment.id,
                author: comment.author.user.and_then(login),
                body: comment.body.clone(),
                minimised: comment.minimised.is_some(),
            });
            now.collect()
        };
        let now = |issue: &Issue| IssueNow {
            id: issue.id,
            number: issue.number,
            title: issue.title.clone(),
            body: issue.body.clone().unwrap_or_default(),
            author: issue.author.user.and_then(login),
            open: issue.open,
            state_reason: issue.state_reason.clone(),
            labels: issue.labels.iter().filter_map(|id| Some(repo.labels.get(id)?.name.clone())).collect(),
            milestone: issue.milestone.and_then(|number| Some(repo.milestones.get(&number)?.title.clone())),
            assignees: issue.assignees.iter().filter_map(|id| login(*id)).collect(),
            comments: comments(issue),
            sub_issues: issue.children.iter().filter_map(number).collect(),
            blocked_by: issue.blocked_by.iter().filter_map(number).collect(),
            updated_at: issue.updated_at,
        };
        repo.issues.values().map(|issue| (issue.number, now(issue))).collect()
    }

    /// The world it is in.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Repo)) {
        if let Some(repo) = self.world.lock().repos.get_mut(&self.id) {
            change(repo);
        }
    }
}
