//! Whether a request may be passed on, and as what.

use hyper::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Version};
use subtle::ConstantTimeEq as _;

use super::meter::Costs;
use super::refusal::Refusal;
use super::{KeySent, Protocol, SecretKey};

/// Headers that end here: those of one connection, those that identify somebody, those that say where a request comes
/// from, goes to or who pays for it, and those by which a request would be taken for another one.
const DROPPED: [&str; 26] = [
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "openai-organization",
    "openai-project",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-api-key",
    "x-goog-api-key",
    "x-goog-user-project",
    "x-http-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];
const DROPPED_BEGINNING: &str = "x-forwarded-";

/// The parts of a path's characters that could make it another path for the vendor: `.`, `/`, `\` and `%`, encoded.
const ENCODED: [&str; 4] = ["%2e", "%2f", "%5c", "%25"];

/// Parameters of a query that identify somebody.
const KEYS_IN_QUERY: [&str; 3] = ["key", "access_token", "api_key"];

/// What an attempt may ask for.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) protocol: Protocol,
    pub(super) token: SecretKey,
    pub(super) allow: Vec<String>,
    pub(super) body_bytes: u64,
}

/// A request that may be passed on.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// What is left of its headers.
    pub(super) headers: HeaderMap,
    pub(super) costs: Costs,
}

impl Door {
    pub(super) fn admit(&self, parts: &Parts) -> Result<Admitted, Refusal> {
        if parts.method == Method::CONNECT {
            return Err(Refusal::Connect);
        }
        if parts.uri.authority().is_some() || parts.uri.scheme().is_some() || parts.version > Version::HTTP_11 {
            return Err(Refusal::Foreign);
        }
        if upgrades(&parts.headers) {
            return Err(Refusal::Upgrade);
        }
        if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) {
            return Err(Refusal::Method);
        }
        let (query, keys) = split_query(parts.uri.query());
        if !self.knows(&parts.headers, &keys) {
            return Err(Refusal::Token);
        }
        let path = parts.uri.path();
        if !is_plain(path) || !self.allow.iter().any(|allowed| fits(allowed, path)) {
            return Err(Refusal::Path);
        }
        let length = parts.headers.get("content-length").and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > self.body_bytes) {
            return Err(Refusal::TooLarge);
        }
        let counts = path.ends_with("/count_tokens") || path.ends_with(":countTokens");
        let costs = if parts.method == Method::POST && !counts { Costs::Something } else { Costs::Nothing };
        Ok(Admitted {
            method: parts.method.clone(),
            path: path.to_owned(),
            query,
            headers: kept(&parts.headers),
            costs,
        })
    }

    /// Whether the token was presented, and nothing else with it.
    fn knows(&self, headers: &HeaderMap, in_query: &[&str]) -> bool {
        let plain = ["x-api-key", "x-goog-api-key", "api-key"].into_iter().flat_map(|name| headers.get_all(name));
        let bearer = headers.get_all(AUTHORIZATION).into_iter().map(|value| {
            let bytes = value.as_bytes();
            let scheme = bytes.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
            bytes.get(7..).filter(|_| scheme).unwrap_or_default()
        });
        let shown: Vec<&[u8]> =
            plain.map(HeaderValue::as_bytes).chain(bearer).chain(in_query.iter().map(|key| key.as_bytes())).collect();
        let token = self.token.reveal().as_bytes();
        let same = shown.iter().fold(true, |same, one| bool::from(one.ct_eq(token)) & same);
        same && !shown.is_empty()
    }
}

/// The header in which the key is sent.
pub(super) fn key_header(key: &SecretKey, sent: KeySent) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = match sent {
        KeySent::Bearer => (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", key.reveal()))),
        KeySent::XApiKey => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(key.reveal())),
        KeySent::XGoogApiKey => (HeaderName::from_static("x-goog-api-key"), HeaderValue::from_str(key.reveal())),
    };
    let mut value = value.ok().filter(|_| !key.reveal().is_empty())?;
    value.set_sensitive(true);
    Some((name, value))
}

fn upgrades(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE) || named_by_connection(headers).any(|name| name.eq_ignore_ascii_case("upgrade"))
}

/// The headers that belong to the connection, by the words of the header that names them.
fn named_by_connection(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// What is passed on of a request's headers.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = passed(headers);
    // What is squeezed could not be read for what it costs.
    kept.insert("accept-encoding", HeaderValue::from_static("identity"));
    kept
}

/// What is passed on of an answer's headers.
pub(super) fn answered(headers: &HeaderMap, key: &SecretKey) -> HeaderMap {
    let mut kept = passed(headers);
    kept.remove("set-cookie");
    kept.remove("alt-svc");
    // It is of the connection, and yet what is passed on is as long. No more than a number goes on under its name.
    let is_number = |value: &&HeaderValue| value.as_bytes().iter().all(u8::is_ascii_digit) && !value.is_empty();
    if let Some(length) = headers.get("content-length").filter(is_number) {
        kept.insert("content-length", length.clone());
    }
    let shows = |value: &HeaderValue| {
        let key = key.reveal().as_bytes();
        value.as_bytes().windows(key.len().max(1)).any(|part| part == key)
    };
    let leaks: Vec<HeaderName> = kept.iter().filter(|(_, v)| shows(v)).map(|(name, _)| name.clone()).collect();
    for name in leaks {
        kept.remove(name);
    }
    kept
}

fn passed(headers: &HeaderMap) -> HeaderMap {
    let of_connection: Vec<&str> = named_by_connection(headers).collect();
    let stays = |name: &HeaderName| {
        let name = name.as_str();
        !DROPPED.contains(&name)
            && !name.starts_with(DROPPED_BEGINNING)
            && !of_connection.iter().any(|of| of.eq_ignore_ascii_case(name))
    };
    let mut kept = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| stays(name)) {
        kept.append(name.clone(), value.clone());
    }
    kept
}

/// The query without the keys in it, and those keys.
fn split_query(query: Option<&str>) -> (Option<String>, Vec<&str>) {
    let Some(query) = query else { return (None, Vec::new()) };
    let parts = query.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    let (keys, rest): (Vec<_>, Vec<_>) =
        parts.partition(|(name, _)| KEYS_IN_QUERY.iter().any(|key| name.eq_ignore_ascii_case(key)));
    let rest: Vec<String> = rest.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let rest = (!rest.is_empty()).then(|| rest.join("&"));
    (rest, keys.into_iter().map(|(_, value)| value).collect())
}

/// Whether nobody could read it as another path.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.starts_with('/')
        && !ENCODED.iter().any(|part| lower.contains(part))
        && !path.contains('\\')
        && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."))
}

/// Whether a path is what a pattern says; `*` is one or more characters, but no `/`.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == path };
    let Some(rest) = path.strip_prefix(before) else { return false };
    (1..=rest.len())
        .take_while(|end| !rest.as_bytes()[..*end].contains(&b'/'))
        .filter(|end| rest.is_char_boundary(*end))
        .any(|end| fits(after, &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn door(protocol: Protocol) -> Door {
        Door { protocol, token: SecretKey::new("dayfly-token"), allow: protocol.paths(), body_bytes: 1000 }
    }

    fn ask(protocol: Protocol, method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Admitted, Refusal> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door(protocol).admit(&request.body(()).unwrap().into_parts().0)
    }

    const TOKEN: (&str, &str) = ("x-api-key", "dayfly-token");

    #[test]
    fn only_the_token_opens_the_door_however_it_is_sent() {
        let ask = |headers: &[(&str, &str)]| ask(Protocol::Anthropic, "POST", "/v1/messages", headers).map(drop);
        for good in [TOKEN, ("Authorization", "Bearer dayfly-token"), ("authorization", "bearer dayfly-token")] {
            assert_eq!(ask(&[good]), Ok(()), "{good:?}");
        }
        assert_eq!(ask(&[TOKEN, ("authorization", "Bearer dayfly-token")]), Ok(()));
        for bad in [
            &[][..],
            &[("x-api-key", "dayfly-toke")],
            &[("x-api-key", "")],
            &[("authorization", "dayfly-token")],
            &[("authorization", "Basic dayfly-token")],
            &[TOKEN, ("authorization", "Bearer another")],
            &[TOKEN, ("x-api-key", "another")],
        ] {
            assert_eq!(ask(bad), Err(Refusal::Token), "{bad:?}");
        }
    }

    #[test]
    fn a_key_in_the_query_is_the_token_and_goes_no_further() {
        let uri = "/v1beta/models/m:streamGenerateContent?alt=sse&key=dayfly-token";
        let admitted = ask(Protocol::Gemini, "POST", uri, &[]).unwrap();
        assert_eq!((admitted.query.as_deref(), admitted.costs), (Some("alt=sse"), Costs::Something));
        let other = uri.replace("dayfly-token", "another");
        assert_eq!(ask(Protocol::Gemini, "POST", &other, &[]).map(drop), Err(Refusal::Token));
        let twice = format!("{uri}&KEY=another");
        assert_eq!(ask(Protocol::Gemini, "POST", &twice, &[]).map(drop), Err(Refusal::Token));
    }

    #[test]
    fn nothing_but_the_vendors_own_paths_is_passed_on() {
        let ask = |method, uri| ask(Protocol::Anthropic, method, uri, &[TOKEN]).map(|a| a.costs);
        assert_eq!(ask("POST", "/v1/messages?beta=true"), Ok(Costs::Something));
        assert_eq!(ask("POST", "/v1/messages/count_tokens"), Ok(Costs::Nothing));
        assert_eq!(ask("GET", "/v1/models/some-model"), Ok(Costs::Nothing));
        for path in [
            "/",
            "/v1/files",
            "/v1/messages/",
            "/v1/messages/batches",
            "/v1/messages/../files",
            "/v1/models/..",
            "/v1/models/%2e%2e",
            "/v1/models/a%2Fb",
            "/v1/models/a/b",
            "/v1//messages",
            "//v1/messages",
        ] {
            assert_eq!(ask("POST", path), Err(Refusal::Path), "{path}");
        }
        assert_eq!(ask("DELETE", "/v1/messages"), Err(Refusal::Method));
        assert_eq!(ask("CONNECT", "example.com:443"), Err(Refusal::Connect));
        assert_eq!(ask("POST", "http://example.com/v1/messages"), Err(Refusal::Foreign));
    }

    #[test]
    fn what_belongs_to_a_connection_or_to_somebody_ends_here() {
        let headers = [
            TOKEN,
            ("host", "elsewhere.example.com"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("cookie", "a=b"),
            ("x-forwarded-host", "elsewhere.example.com"),
            ("openai-organization", "org-2"),
            ("accept-encoding", "gzip, br"),
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "one"),
            ("anthropic-beta", "two"),
        ];
        let kept = ask(Protocol::Anthropic, "POST", "/v1/messages", &headers).unwrap().headers;
        let shown: Vec<String> = kept.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        assert_eq!(
            shown,
            [
                "anthropic-version: 2023-06-01",
                "anthropic-beta: one",
                "anthropic-beta: two",
                "accept-encoding: identity"
            ]
        );
        for upgrade in [("upgrade", "websocket"), ("connection", "Upgrade")] {
            let refused = ask(Protocol::Anthropic, "GET", "/v1/models", &[TOKEN, upgrade]).map(drop);
            assert_eq!(refused, Err(Refusal::Upgrade), "{upgrade:?}");
        }
        let large = [TOKEN, ("content-length", "1001")];
        assert_eq!(ask(Protocol::Anthropic, "POST", "/v1/messages", &large).map(drop), Err(Refusal::TooLarge));
    }

    #[test]
    fn an_answers_header_with_the_key_in_it_ends_here() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-echo", "Bearer real-key"), ("request-id", "7"), ("set-cookie", "a=b")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (length, passes) in [("12", true), ("1real-key", false), ("", false)] {
            headers.insert("content-length", HeaderValue::from_static(length));
            let kept = answered(&headers, &SecretKey::new("real-key"));
            assert_eq!(kept.contains_key("content-length"), passes, "{length:?}");
            let others = kept.keys().map(HeaderName::as_str).filter(|name| *name != "content-length");
            assert_eq!(others.collect::<Vec<_>>(), ["request-id"]);
        }
    }
}
