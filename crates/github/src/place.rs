//! Where the API is.

use dayfly_core::ForgeRepo;
use reqwest::Url;

use crate::{Call, GitHubError};

/// Where the API is: github.com, or a GitHub Enterprise host.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    base: Url,
}

pub(crate) const GITHUB_COM: &str = "https://api.github.com";

impl Place {
    /// The API at this address: `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server.
    pub(crate) fn new(base: &str) -> Result<Self, GitHubError> {
        let wrong = |why: &str| GitHubError::Setup {
            what: format!("`{base}` is not the address of a GitHub API: {why}; write `https://HOST/api/v3`"),
            source: None,
        };
        let mut url = Url::parse(base.trim_end_matches('/')).map_err(|_| wrong("it is no address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong("it is no web address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it holds a login"));
        }
        // A token in the clear is for a server on this machine only, as in tests.
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(wrong("it is not encrypted"));
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { base: url })
    }

    /// Whether it is github.com, or a tenant of GitHub Enterprise Cloud; both have all that is new.
    pub(crate) fn is_cloud(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        host == "api.github.com" || host.ends_with(".ghe.com")
    }

    /// The address at which git finds a repository.
    pub(crate) fn git(&self, repository: &ForgeRepo) -> String {
        let mut web = self.base.clone();
        let host = self.base.host_str().unwrap_or_default();
        if let Some(host) = host.strip_prefix("api.").filter(|_| self.is_cloud()) {
            // The scheme stays, so this cannot fail; the API's own host would be refused by git.
            let _ = web.set_host(Some(host));
        }
        web.set_path(&format!("/{}/{}.git", repository.owner(), repository.name()));
        web.into()
    }

    /// The address of a call.
    pub(crate) fn url(&self, call: &Call) -> Result<Url, GitHubError> {
        let base = self.base.as_str().trim_end_matches('/');
        let text = match base.strip_suffix("/v3").filter(|_| call.graphql) {
            Some(api) if api.ends_with("/api") => format!("{api}/graphql"),
            _ => format!("{base}{}", call.path),
        };
        // Without its slash a path could make another host of this one.
        let url = Url::parse(&text).ok().filter(|url| call.path.starts_with('/') && self.is_own(url));
        url.ok_or_else(|| GitHubError::Malformed { at: call.site(), problem: "the path is no path".into() })
    }

    /// Whether the address is at the same host, where the token may go.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// Whether another host may be asked without a token: encrypted, or as this one on this machine.
    pub(crate) fn is_as_safe(&self, url: &Url) -> bool {
        url.scheme() == "https" || (is_loopback(&self.base) && is_loopback(url))
    }

    /// The part of an address of ours below the base, if it is there.
    pub(crate) fn below(&self, url: &Url) -> Option<String> {
        let path = url.path().strip_prefix(self.base.path().trim_end_matches('/'))?;
        let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
        self.is_own(url).then(|| format!("{path}{query}"))
    }

    /// Whether two addresses are the same thing below two names of a repository.
    pub(crate) fn same_below(&self, from: &Url, to: &Url) -> bool {
        let within = |url: &Url| {
            let below = self.below(url)?;
            let path = below.split('?').next().unwrap_or_default().to_owned();
            let mut parts = path.trim_start_matches('/').splitn(4, '/');
            match parts.next()? {
                "repos" => parts.nth(1).map(|_| parts.next().unwrap_or_default().to_owned()),
                "repositories" => {
                    parts.next()?.parse::<u64>().ok()?;
                    Some(parts.collect::<Vec<_>>().join("/"))
                }
                _ => None,
            }
        };
        match (within(from), within(to)) {
            (Some(a), Some(b)) => a == b,
            (None, None) => true,
            _ => false,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(reqwest_host) => match reqwest_host.to_string().trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
            Ok(ip) => ip.is_loopback(),
            Err(_) => reqwest_host.to_string() == "localhost",
        },
        None => false,
    }
}

#[cfg(test)]
mod tests;
