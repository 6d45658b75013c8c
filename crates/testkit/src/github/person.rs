//! What somebody does, without HTTP.

use super::deeds::{At, By, MilestoneChange, NewIssue};
use super::reply::{Body, Reply};
use super::state::State;
use super::world::World;

/// Somebody with an account. What they do happens at once, as if in a browser.
///
/// Each method names a repository, such as `ann/web`, and panics if what it names is not there: that is a mistake of the
/// test.
#[derive(Debug, Clone)]
pub struct Person {
    world: World,
    id: u64,
    token: String,
}

impl Person {
    pub(crate) fn new(world: World, id: u64, token: String) -> Self {
        Self { world, id, token }
    }

    /// Their token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Their login.
    pub fn login(&self) -> String {
        self.world.lock().users[&self.id].login.clone()
    }

    /// Their id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Another token of theirs. A program that has one writes under their login, as a person and a bot that share one do.
    pub fn another_token(&self, name: &str) -> String {
        let mut state = self.world.lock();
        let token = format!("{}_{name}", self.token);
        let same = state.tokens.get(&self.token).cloned().expect("they have a token");
        state.tokens.insert(token.clone(), same);
        token
    }

    /// Makes `author_association` say this of them, whatever they may do: members whose membership is private, for one,
    /// look like `CONTRIBUTOR`.
    #[must_use]
    pub fn seen_as(self, association: &str) -> Self {
        if let Some(user) = self.world.lock().users.get_mut(&self.id) {
            user.association = Some(association.to_owned());
        }
        self
    }

    /// Opens an issue, and gives its number.
    pub fn open_issue(&self, repo: &str, title: &str, body: &str) -> u64 {
        let new = NewIssue { title: title.to_owned(), body: Some(body.to_owned()) };
        self.act(|state, by| {
            let at = state.open_issue(repo_id(state, repo), by, new);
            state.announce_issue("opened", at, by, serde_json::json!({}));
            Ok(at.number)
        })
    }

    /// Writes a comment, and gives its id.
    pub fn comment(&self, repo: &str, issue: u64, body: &str) -> u64 {
        self.act(|state, by| state.comment(at(state, repo, issue), by, body))
    }

    /// Gives a comment another text.
    pub fn edit_comment(&self, comment: u64, body: &str) {
        self.act(|state, by| state.edit_comment(comment, by, body));
    }

    /// Deletes a comment.
    pub fn delete_comment(&self, comment: u64) {
        self.act(|state, by| state.delete_comment(comment, by));
    }

    /// Hides a comment, for a reason such as `off-topic`.
    pub fn minimise(&self, comment: u64, reason: &str) {
        self.act(|state, _| state.change_comment(comment, |known| known.minimised = Some(reason.to_owned())));
    }

    /// Gives an issue another title.
    pub fn retitle(&self, repo: &str, issue: u64, title: &str) {
        self.act(|state, by| state.edit_issue(at(state, repo, issue), by, Some(title.to_owned()), None));
    }

    /// Gives an issue another body.
    pub fn edit_body(&self, repo: &str, issue: u64, body: &str) {
        self.act(|state, by| state.edit_issue(at(state, repo, issue), by, None, Some(Some(body.to_owned()))));
    }

    /// Puts a label on an issue.
    pub fn label(&self, repo: &str, issue: u64, label: &str) {
        self.act(|state, by| state.label(at(state, repo, issue), by, label));
    }

    /// Takes a label off an issue.
    pub fn unlabel(&self, repo: &str, issue: u64, label: &str) {
        self.act(|state, by| state.unlabel(at(state, repo, issue), by, label));
    }

    /// Closes an issue, for a reason such as `completed` or `not_planned`.
    pub fn close(&self, repo: &str, issue: u64, reason: &str) {
        self.act(|state, by| state.set_open(at(state, repo, issue), by, false, Some(reason)));
    }

    /// Opens an issue again.
    pub fn reopen(&self, repo: &str, issue: u64) {
        self.act(|state, by| state.set_open(at(state, repo, issue), by, true, None));
    }

    /// Deletes an issue.
    pub fn delete_issue(&self, repo: &str, issue: u64) {
        self.act(|state, by| state.delete_issue(at(state, repo, issue), by));
    }

    /// Assigns somebody to an issue.
    pub fn assign(&self, repo: &str, issue: u64, login: &str) {
        self.act(|state, by| state.assign(at(state, repo, issue), by, login));
    }

    /// Takes somebody off an issue.
    pub fn unassign(&self, repo: &str, issue: u64, login: &str) {
        self.act(|state, by| {
            let user = state.user_named(login).map(|user| user.id).ok_or_else(Reply::not_found)?;
            state.unassign(at(state, repo, issue), by, user)
        });
    }

    /// Makes a milestone, and gives its number. The due date is an RFC 3339 time; GitHub keeps only its day, by the clocks
    /// of the Pacific coast.
    pub fn make_milestone(&self, repo: &str, title: &str, due_on: Option<&str>) -> u64 {
        let due_on = due_on.map(|due| Some(due.parse().expect("a due date is an RFC 3339 time")));
        let change = MilestoneChange { title: Some(title.to_owned()), due_on, ..MilestoneChange::default() };
        self.act(|state, by| state.make_milestone(repo_id(state, repo), by, change))
    }

    /// Puts an issue into a milestone, or takes it out.
    pub fn set_milestone(&self, repo: &str, issue: u64, milestone: Option<u64>) {
        self.act(|state, by| state.set_milestone(at(state, repo, issue), by, milestone));
    }

    /// Makes one issue a part of another in the same repository.
    pub fn add_sub_issue(&self, repo: &str, parent: u64, child: u64) {
        self.act(|state, by| {
            let child = state.at(at(state, repo, child))?.id;
            state.add_part(at(state, repo, parent), by, child, false)
        });
    }

    /// Makes one issue wait for another in the same repository.
    pub fn block(&self, repo: &str, issue: u64, blocker: u64) {
        self.act(|state, by| {
            let blocker = state.at(at(state, repo, blocker))?.id;
            state.block(at(state, repo, issue), by, blocker)
        });
    }

    /// Closes their account. What they wrote is then nobody's.
    pub fn vanish(self) {
        let mut state = self.world.lock();
        state.tokens.retain(|_, token| token.user != self.id);
        for repo in state.repos.values_mut() {
            let issues = repo.issues.values_mut().map(|issue| &mut issue.author);
            let comments = repo.comments.values_mut().map(|comment| &mut comment.author);
            for author in issues.chain(comments).filter(|author| author.user == Some(self.id)) {
                author.user = None;
            }
        }
    }

    pub(crate) fn by(&self) -> By {
        By { user: self.id, app: None }
    }

    pub(crate) fn act<T>(&self, deed: impl FnOnce(&mut State, By) -> Result<T, Reply>) -> T {
        let done = deed(&mut self.world.lock(), self.by());
        done.unwrap_or_else(|refusal| panic!("{} cannot do that: {}", self.login(), words(&refusal)))
    }
}

fn words(refusal: &Reply) -> String {
    match &refusal.body {
        Body::Json(body) => body.to_string(),
        _ => refusal.status.to_string(),
    }
}

pub(crate) fn repo_id(state: &State, full_name: &str) -> u64 {
    state.repo_named(full_name).unwrap_or_else(|| panic!("there is no repository {full_name}")).id
}

pub(crate) fn at(state: &State, full_name: &str, number: u64) -> At {
    At { repo: repo_id(state, full_name), number }
}
