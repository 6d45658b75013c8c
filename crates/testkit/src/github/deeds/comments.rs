//! Comments.

use serde_json::json;

use super::{At, By};
use crate::github::reply::Reply;
use crate::github::state::{Comment, Happened, State};

impl State {
    /// Writes a comment, and gives its id.
    pub(crate) fn comment(&mut self, at: At, by: By, body: &str) -> Result<u64, Reply> {
        self.at(at)?;
        let (id, now) = (self.next_id(), self.now());
        let comment = Comment {
            id,
            issue: at.number,
            body: body.to_owned(),
            author: by.author(),
            created_at: now,
            updated_at: now,
            edited: None,
            minimised: None,
            unexpected: false,
            reactions: Vec::new(),
        };
        if let Some(repo) = self.repos.get_mut(&at.repo) {
            repo.comments.insert(id, comment);
        }
        self.happened(at, by, Happened::Commented(id));
        Ok(id)
    }

    /// The repository and the comment of that id.
    pub(crate) fn comment_at(&self, id: u64) -> Result<(u64, &Comment), Reply> {
        let found = self.repos.values().find_map(|repo| Some((repo.id, repo.comments.get(&id)?)));
        found.ok_or_else(Reply::not_found)
    }

    /// Changes a comment.
    pub(crate) fn change_comment(&mut self, id: u64, change: impl FnOnce(&mut Comment)) -> Result<(), Reply> {
        let (repo, _) = self.comment_at(id)?;
        let comment = self.repos.get_mut(&repo).and_then(|repo| repo.comments.get_mut(&id));
        change(comment.ok_or_else(Reply::not_found)?);
        Ok(())
    }

    /// Gives a comment another text, which makes its issue updated too.
    pub(crate) fn edit_comment(&mut self, id: u64, by: By, body: &str) -> Result<(), Reply> {
        let now = self.now();
        let (repo, issue) = self.comment_at(id).map(|(repo, comment)| (repo, comment.issue))?;
        let from = self.comment_at(id)?.1.body.clone();
        self.change_comment(id, |comment| {
            body.clone_into(&mut comment.body);
            comment.edited = Some((now, by.user));
            comment.updated_at = now;
        })?;
        self.at_mut(At { repo, number: issue })?.updated_at = now;
        self.announce_comment("edited", id, by, json!({ "changes": { "body": { "from": from } } }));
        Ok(())
    }

    /// Deletes a comment.
    pub(crate) fn delete_comment(&mut self, id: u64, by: By) -> Result<(), Reply> {
        let (repo, issue) = self.comment_at(id).map(|(repo, comment)| (repo, comment.issue))?;
        self.announce_comment("deleted", id, by, json!({}));
        if let Some(repo) = self.repos.get_mut(&repo) {
            repo.comments.remove(&id);
        }
        let at = At { repo, number: issue };
        self.at_mut(at)?.events.retain(|event| event.what != Happened::Commented(id));
        self.happened(at, by, Happened::Other("comment_deleted"));
        Ok(())
    }
}
