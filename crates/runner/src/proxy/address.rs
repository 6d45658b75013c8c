//! The vendor's address.

use std::net::IpAddr;

use hyper::Uri;
use hyper::http::uri::{Authority, PathAndQuery};

use super::ProxyError;

/// Where everything goes.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// What the header `Host` says.
    pub(super) authority: Authority,
    /// Comes before the path of each request.
    base: String,
}

impl Address {
    pub(super) fn read(upstream: &str) -> Result<Self, ProxyError> {
        let fail = |problem| ProxyError::Upstream { upstream: shown(upstream), problem };
        let uri: Uri = upstream.parse().map_err(|_| fail("it is not an address such as https://api.example.com"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(fail("it has no scheme; write it as https://api.example.com"));
        };
        if authority.as_str().contains('@') {
            return Err(fail("it holds a user or a password; name the key by itself"));
        }
        if uri.query().is_some() {
            return Err(fail("it has a query; leave off what follows the `?`"));
        }
        if authority.as_str().ends_with(':') || authority.host().is_empty() {
            return Err(fail("it names no host, or no port behind the `:`"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match scheme {
            "https" => true,
            "http" if is_loopback(&host) => false,
            "http" => return Err(fail("the key would travel in the clear; write it with https")),
            _ => return Err(fail("its scheme is not https")),
        };
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { tls, host, port, authority: authority.clone(), base })
    }

    /// The path and query that the vendor is sent.
    pub(super) fn target(&self, path: &str, query: Option<&str>) -> Option<PathAndQuery> {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        PathAndQuery::try_from(format!("{}{path}{query}", self.base)).ok()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An address without what may be a password in it.
fn shown(upstream: &str) -> String {
    match upstream.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://***@{host}")
        }
        None => upstream.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(upstream: &str) -> String {
        match Address::read(upstream) {
            Ok(a) => format!("{} {} {} {}", a.tls, a.host, a.port, a.target("/v1/x", Some("a=b")).unwrap()),
            Err(err) => err.to_string(),
        }
    }

    #[test]
    fn an_address_is_https_or_of_this_machine() {
        assert_eq!(read("https://api.example.com"), "true api.example.com 443 /v1/x?a=b");
        assert_eq!(read("https://gate.example.com:8443/team/"), "true gate.example.com 8443 /team/v1/x?a=b");
        assert_eq!(read("http://[::1]:8080"), "false ::1 8080 /v1/x?a=b");
        for refused in [
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "ftp://api.example.com",
            "http://127.0.0.1:",
            "api",
        ] {
            assert!(Address::read(refused).is_err(), "{refused}");
        }
        let refused = read("https://user:hunter2@api.example.com");
        assert!(refused.contains("a user or a password") && !refused.contains("hunter2"), "{refused}");
    }
}
