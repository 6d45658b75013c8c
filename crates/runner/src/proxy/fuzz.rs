//! What an attempt asks of its proxy, and what a vendor answers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hyper::http::request::Parts;
use hyper::{Request, Version};

use super::address::Address;
use super::admit::{Door, answered};
use super::book::Book;
use super::meter::{Costs, Form, Meter};
use super::notice::ProxyNotice;
use super::{Protocol, ProxyBudget, SecretKey, Spent};

const TOKEN: &str = "dayfly-token-0123456789";
const KEY: &str = "sk-real-key-0123456789";
const PROTOCOLS: [Protocol; 3] = [Protocol::Anthropic, Protocol::OpenAi, Protocol::Gemini];

/// A request as lines: a method, an address, headers. What is let in goes to a path of the list, and holds no token.
pub(crate) fn heads(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    if let Ok(address) = Address::read(text) {
        assert!(address.target("/v1/messages", Some("a=b")).is_some(), "{text:?} leads nowhere");
    }
    let Some(parts) = request(text) else { return };
    let key = SecretKey::new(KEY);
    assert!(answered(&parts.headers, &key).values().all(|value| !held(value.as_bytes(), KEY)));
    drop(ProxyNotice::of(hyper::StatusCode::TOO_MANY_REQUESTS, &parts.headers));
    for protocol in PROTOCOLS {
        let door = Door { protocol, token: SecretKey::new(TOKEN), allow: protocol.paths(), body_bytes: 1000 };
        let Ok(admitted) = door.admit(&parts) else { continue };
        assert!(text.contains(TOKEN), "{text:?} is let in without the token");
        let path = &admitted.path;
        let plain = path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
        assert!(plain && path.starts_with('/') && !path.contains(['%', '\\']) || path.contains('%'), "{path:?}");
        for name in ["authorization", "x-api-key", "x-goog-api-key", "host", "connection", "upgrade"] {
            assert!(!admitted.headers.contains_key(name), "{name} goes on, of {text:?}");
        }
        let query = admitted.query.unwrap_or_default();
        assert!(!query.split('&').any(|part| part.starts_with("key=")), "{query:?}");
    }
}

fn held(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
}

fn request(text: &str) -> Option<Parts> {
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?).version(Version::HTTP_11);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request = request.header(name.trim(), value.trim());
    }
    request.body(()).ok().map(|request| request.into_parts().0)
}

/// A vendor's answer, whole and as events: it costs the same however it is cut into parts.
pub(crate) fn costs(data: &[u8]) {
    for protocol in PROTOCOLS {
        for form in [Form::Whole, Form::Events] {
            let whole = cost(protocol, form, &mut std::iter::once(data));
            let cut = cost(protocol, form, &mut crate::fuzz::parts(data));
            let bytes = cost(protocol, form, &mut data.chunks(1));
            assert_eq!((whole, whole), (cut, bytes), "{protocol:?} as {form:?}");
        }
    }
}

fn cost(protocol: Protocol, form: Form, parts: &mut dyn Iterator<Item = &[u8]>) -> Spent {
    let (book, state) = Book::open(ProxyBudget::default(), Spent::default());
    let mut meter = Meter::new(book, protocol, Costs::Something, Arc::new(AtomicU64::new(400)));
    meter.answered(form);
    parts.for_each(|part| meter.push(part));
    drop(meter);
    state.borrow().spent
}
