//! Webhooks: what GitHub would send of what happens.
//!
//! Nothing is sent by itself. A test takes the deliveries and hands them over as it likes: late, twice, out of order, or
//! not at all.

mod announce;
mod description;
mod post;

use ring::hmac;
use serde_json::Value;

/// A delivery, as it would be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// By what it is known; the same when it is sent again.
    pub id: String,
    /// The name of the event, such as `issue_comment`.
    pub event: String,
    /// The action, such as `created`.
    pub action: String,
    /// What it says.
    pub payload: Value,
}

/// What was announced so far, if anybody listens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hooks {
    /// The API's base address, for links; empty if nobody listens.
    pub(crate) api: String,
    pub(crate) out: Vec<Delivery>,
    /// What is wrong with what was announced.
    pub(crate) violations: Vec<String>,
}

impl Delivery {
    /// The body, byte for byte as it is signed.
    pub fn body(&self) -> String {
        self.payload.to_string()
    }

    /// The signature with a secret, as the header `X-Hub-Signature-256` has it.
    pub fn signature(&self, secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, self.body().as_bytes());
        let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={digits}")
    }

    /// All headers that GitHub sends with it, of which a receiver needs to know.
    pub fn headers(&self, secret: &str) -> Vec<(&'static str, String)> {
        vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "GitHub-Hookshot/fa4e".to_owned()),
            ("x-github-delivery", self.id.clone()),
            ("x-github-event", self.event.clone()),
            ("x-github-hook-id", "1".to_owned()),
            ("x-hub-signature-256", self.signature(secret)),
        ]
    }

    /// Sends it to an address that begins with `http://`, and gives the status of the answer.
    ///
    /// # Errors
    /// If no answer comes.
    pub fn post(&self, url: &str, secret: &str) -> std::io::Result<u16> {
        post::post(url, &self.headers(secret), &self.body())
    }
}
