//! The one comment about a topic.

use dayfly_core::PullApplied;
use serde::Deserialize;
use serde_json::json;

use super::Pulls;
use super::listed::User;
use super::open::bounded;
use crate::tracker::marker::Marker;
use crate::{Call, GitHubError};

const MOST_BODY: usize = 65_000;

#[derive(Debug, Deserialize)]
struct Said {
    id: u64,
    user: Option<User>,
    #[serde(default)]
    body: Option<String>,
}

impl Pulls<'_> {
    /// Says something in the only comment about its topic. Should two have come about, the others are removed.
    pub(super) async fn say(
        &self,
        key: &str,
        branch: &str,
        topic: &str,
        body: &str,
    ) -> Result<PullApplied, GitHubError> {
        let Some(pull) = self.of_branch(branch).await? else {
            return Ok(PullApplied::NotNow("there is no pull request of that branch".into()));
        };
        let number = pull.number;
        // The topic is the identity, so the key is no part of the text: a repetition finds it unchanged.
        let mark = Marker { topic: Some(topic.to_owned()), ..Marker::default() };
        let text = mark.before(&bounded(body, MOST_BODY));
        let said = self.said(number, topic).await?;
        let Some(first) = said.first() else {
            self.settled(key).await?;
            let call = Call::post(self.path(&format!("/issues/{number}/comments")));
            self.github.run(call.json(&json!({ "body": text }))?.key(key)).await?;
            return Ok(PullApplied::Done(Some(number)));
        };
        for extra in &said[1..] {
            match self.github.run(Call::delete(self.path(&format!("/issues/comments/{}", extra.id)))).await {
                Err(error) if !error.is_absent() => return Err(error),
                _ => {}
            }
        }
        let has = first.body.as_deref().unwrap_or_default().replace("\r\n", "\n");
        if has.trim_end() == text.trim_end() {
            return Ok(PullApplied::Already(Some(number)));
        }
        let call = Call::patch(self.path(&format!("/issues/comments/{}", first.id)));
        self.github.run(call.json(&json!({ "body": text }))?).await?;
        Ok(PullApplied::Done(Some(number)))
    }

    /// The comments of our own about the topic, oldest first.
    async fn said(&self, number: u64, topic: &str) -> Result<Vec<Said>, GitHubError> {
        let me = &self.github.identity().await?.login;
        let all: Vec<Said> = self.github.pages(Call::get(self.path(&format!("/issues/{number}/comments")))).await?;
        let own = |said: &Said| said.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(me));
        let about = |said: &Said| {
            let marker = said.body.as_deref().and_then(Marker::split);
            marker.is_some_and(|(marker, _)| marker.topic.as_deref() == Some(topic))
        };
        let mut said: Vec<Said> = all.into_iter().filter(|said| own(said) && about(said)).collect();
        said.sort_by_key(|said| said.id);
        Ok(said)
    }
}
