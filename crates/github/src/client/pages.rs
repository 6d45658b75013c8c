//! Lists that come in pages.

use reqwest::Url;
use serde::de::DeserializeOwned;

use super::{GitHub, read};
use crate::wire::Answer;
use crate::{Call, GitHubError};

/// The most pages of one list that are read.
const MOST_PAGES: usize = 200;

impl GitHub {
    /// All items of a list. Pages are as large as GitHub allows, where the path does not say otherwise.
    ///
    /// # Errors
    /// See [`GitHubError`]; [`GitHubError::TooLarge`] for a list of more than 200 pages.
    pub async fn pages<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, GitHubError> {
        self.pages_of(call, |page: Vec<T>| page).await
    }

    /// All items of a list whose pages are objects: `items` takes them out.
    ///
    /// # Errors
    /// See [`pages`](Self::pages).
    pub async fn pages_of<P: DeserializeOwned, T>(
        &self,
        mut call: Call,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GitHubError> {
        if !call.path.contains("per_page=") {
            let joint = if call.path.contains('?') { '&' } else { '?' };
            call.path = format!("{}{joint}per_page=100", call.path);
        }
        let mut list = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.answer(&call).await?;
            list.extend(items(read(&call, &answer)?));
            match self.next(&call, &answer)? {
                Some(path) => call.path = path,
                None => return Ok(list),
            }
        }
        Err(GitHubError::TooLarge { at: call.site(), limit: MOST_PAGES * 100 })
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
fn next_in(link: &str) -> Option<&str> {
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
