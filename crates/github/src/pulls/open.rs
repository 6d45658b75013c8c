//! Opening a pull request, and saying that it is no draft any more.

use dayfly_core::{NewPull, PullApplied};
use serde_json::json;

use super::Pulls;
use super::listed::Listed;
use crate::tracker::marker::Marker;
use crate::{Call, GitHubError, Limit};

const READY: &str = include_str!("../gql/ready_for_review.graphql");
/// GitHub takes 65,536 signs; the mark needs some of them.
const MOST_BODY: usize = 65_000;
const MOST_TITLE: usize = 250;

impl Pulls<'_> {
    pub(super) async fn open(&self, key: &str, new: &NewPull) -> Result<PullApplied, GitHubError> {
        let body = Marker::of_key(key).before(&bounded(&new.body, MOST_BODY));
        let title = bounded(&new.title, MOST_TITLE);
        match self.of_branch(&new.branch).await? {
            Some(there) if there.is_open() => return self.take(&there, new, (&title, &body)).await,
            // It was opened, and is done with since.
            Some(there) if self.is_of(&there, key).await? => return Ok(PullApplied::Already(Some(there.number))),
            _ => {}
        }
        let mut draft = new.draft;
        self.settled(key).await?;
        loop {
            let wish = json!({ "head": new.branch, "base": new.base, "title": title, "body": body, "draft": draft });
            let call = Call::post(self.path("/pulls")).json(&wish)?.key(key);
            match self.github.send::<Listed>(call).await {
                Ok(made) => return Ok(PullApplied::Done(Some(made.number))),
                Err(error) if error.already_exists() => {
                    let there = match self.of_branch(&new.branch).await?.filter(Listed::is_open) {
                        Some(there) => Some(there),
                        None => self.among_all(&new.branch).await?.filter(Listed::is_open),
                    };
                    // It was opened a moment ago, and is not shown everywhere yet.
                    let there = there.ok_or_else(|| self.not_shown(error))?;
                    return self.take(&there, new, (&title, &body)).await;
                }
                // Not every plan has drafts.
                Err(error) if draft && speaks_of_drafts(&error) => draft = false,
                Err(GitHubError::Unprocessable { message, problems, .. }) => {
                    let said = problems.into_iter().find_map(|p| p.message).unwrap_or(message);
                    return Ok(PullApplied::NotNow(said));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether we opened it with this key.
    async fn is_of(&self, there: &Listed, key: &str) -> Result<bool, GitHubError> {
        let marked = there.body.as_deref().and_then(Marker::split);
        if marked.is_none_or(|(marker, _)| marker.key.as_deref() != Some(key)) {
            return Ok(false);
        }
        let me = &self.github.identity().await?.login;
        Ok(there.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(me)))
    }

    fn not_shown(&self, error: GitHubError) -> GitHubError {
        let at = Call::post(self.path("/pulls")).site();
        GitHubError::Unavailable { at, status: None, source: Some(Box::new(error)) }
    }

    /// Gives the one that is there this title and text.
    async fn take(&self, there: &Listed, new: &NewPull, text: (&str, &str)) -> Result<PullApplied, GitHubError> {
        let (title, body) = text;
        // GitHub gives texts back with its own ends of lines.
        let has = there.body.as_deref().unwrap_or_default().replace("\r\n", "\n");
        let already = Some(there.number);
        if there.title == title && has.trim_end() == body.trim_end() && there.base.branch == new.base {
            return Ok(PullApplied::Already(already));
        }
        let wish = json!({ "title": title, "body": body, "base": new.base });
        self.github.run(Call::patch(self.path(&format!("/pulls/{}", there.number))).json(&wish)?).await?;
        Ok(PullApplied::Done(already))
    }

    pub(super) async fn ready(&self, branch: &str) -> Result<PullApplied, GitHubError> {
        let Some(pull) = self.of_branch(branch).await?.filter(Listed::is_open) else {
            return Ok(PullApplied::NotNow("there is no open pull request of that branch".into()));
        };
        if !pull.draft {
            return Ok(PullApplied::Already(Some(pull.number)));
        }
        let variables = json!({ "id": pull.node_id });
        match self.github.graphql::<serde_json::Value>(READY, &variables, Some(self.repo)).await {
            Ok(_) => Ok(PullApplied::Done(Some(pull.number))),
            Err(GitHubError::GraphQl { problems, .. }) => {
                let said: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
                Ok(PullApplied::NotNow(said.join("; ")))
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses while a write with this key, whose answer was lost, may still be under way. After that, what was not
    /// found was not done.
    pub(super) async fn settled(&self, key: &str) -> Result<(), GitHubError> {
        if let Some(until) = self.github.quiet_until(key) {
            let at = Call::post(self.path("")).site();
            return Err(GitHubError::Limited { at, until, what: Limit::InFlight });
        }
        if self.github.unsettled(key).is_some() { self.github.settle(key).await } else { Ok(()) }
    }
}

fn speaks_of_drafts(error: &GitHubError) -> bool {
    let GitHubError::Unprocessable { message, problems, .. } = error else {
        return false;
    };
    let said = problems.iter().filter_map(|p| p.message.as_ref()).chain([message]);
    said.into_iter().any(|text| text.to_ascii_lowercase().contains("draft"))
}

/// The text, no longer than so many signs.
pub(super) fn bounded(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{cut}…")
}
