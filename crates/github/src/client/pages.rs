//! Lists that come in pages.

use reqwest::Url;
use serde::de::DeserializeOwned;

use super::{GitHub, read};
use crate::wire::{Answer, MOST_BYTES};
use crate::{Call, GitHubError};

/// The most items of one list that are read.
const MOST_ITEMS: usize = 20_000;
/// How many items a page has: all that GitHub allows, or else so few that the largest texts fit into one answer.
const PAGES: [usize; 2] = [100, 20];

impl GitHub {
    /// All items of a list. Pages are as large as GitHub allows, where the path does not say otherwise.
    ///
    /// # Errors
    /// See [`GitHubError`]; [`GitHubError::TooLarge`] for a list of more than 20,000 items.
    pub async fn pages<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, GitHubError> {
        self.pages_of(call, |page: Vec<T>| page).await
    }

    /// All items of a list whose pages are objects: `items` takes them out.
    ///
    /// # Errors
    /// See [`pages`](Self::pages).
    pub async fn pages_of<P: DeserializeOwned, T>(
        &self,
        call: Call,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GitHubError> {
        if call.path.contains("per_page=") {
            return self.list(call, MOST_ITEMS / PAGES[0], &items).await;
        }
        let joint = if call.path.contains('?') { '&' } else { '?' };
        let sized = |size: usize| {
            let mut call = call.clone();
            call.path = format!("{}{joint}per_page={size}", call.path);
            self.list(call, MOST_ITEMS / size, &items)
        };
        match sized(PAGES[0]).await {
            // Anybody can write texts that make a page too large. What was read is read again, in smaller ones.
            Err(GitHubError::TooLarge { limit, .. }) if limit == MOST_BYTES => sized(PAGES[1]).await,
            done => done,
        }
    }

    async fn list<P: DeserializeOwned, T>(
        &self,
        mut call: Call,
        most_pages: usize,
        items: &impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GitHubError> {
        let mut list = Vec::new();
        for _ in 0..most_pages {
            let answer = self.answer(&call).await?;
            list.extend(items(read(&call, &answer)?));
            match self.next(&call, &answer)? {
                None => return Ok(list),
                Some(path) => call.path = path,
            }
        }
        Err(GitHubError::TooLarge { at: call.site(), limit: MOST_ITEMS })
    }

    /// The path of the next page. GitHub's addresses are followed as they are, never made.
    fn next(&self, call: &Call, answer: &Answer) -> Result<Option<String>, GitHubError> {
        let Some(next) = crate::classify::header(&answer.headers, "link").and_then(next_in) else {
            return Ok(None);
        };
        let url = Url::parse(next).ok();
        let below = url.and_then(|url| self.transport().place.below(&url));
        let problem = || "its next page is at another host".to_owned();
        below.map(Some).ok_or_else(|| GitHubError::Malformed { at: call.site(), problem: problem() })
    }
}

/// The address with the relation `next`, from a `Link` header.
pub(crate) fn next_in(link: &str) -> Option<&str> {
    let mut rest = link;
    while let Some((_, from)) = rest.split_once('<') {
        let (address, after) = from.split_once('>')?;
        let parameters = after.split('<').next().unwrap_or_default();
        let is_next = |p: &str| matches!(p.trim().trim_end_matches(',').trim(), "rel=\"next\"" | "rel=next");
        if parameters.split(';').any(is_next) {
            return Some(address);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_in;

    #[test]
    fn the_next_page_is_found_wherever_it_stands() {
        let both =
            r#"<https://h/a?page=1>; rel="prev", <https://h/a?page=3,4>; rel="next", <https://h/a?page=9>; rel="last""#;
        assert_eq!(next_in(both), Some("https://h/a?page=3,4"));
        assert_eq!(next_in(r#"<https://h/a?page=3>; rel="last""#), None);
        assert_eq!(next_in(r#"<https://h/b>; title="x"; rel="next""#), Some("https://h/b"));
        assert_eq!(next_in(""), None);
        assert_eq!(next_in("<broken"), None);
    }
}
