//! What a proxy is to do.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::Price;
use serde::Deserialize;

use super::Spent;

/// A proxy for one attempt.
#[derive(Debug, Clone)]
pub struct ProxySpec {
    /// Where it listens: a socket in a folder of its own, which the attempt is shown.
    pub socket: Utf8PathBuf,
    /// The vendor's address: `https`, or `http` for this machine's own. A path in it comes before that of each request.
    pub upstream: String,
    /// What the vendor speaks.
    pub protocol: Protocol,
    /// The real key.
    pub key: SecretKey,
    /// How the real key is sent.
    pub sent: KeySent,
    /// The key that the attempt must present: see [`SecretKey::token`].
    pub token: SecretKey,
    /// The paths that are passed on, where `*` stands for anything but `/`; [`Protocol::paths`] has those of each vendor.
    pub allow: Vec<String>,
    /// What may be spent.
    pub budget: ProxyBudget,
    /// What was spent already, by a proxy that this one takes over from.
    pub spent: Spent,
    /// Its bounds.
    pub limits: ProxyLimits,
}

/// A key. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// The key with this value; white space around it is no part of it.
    pub fn new(value: impl AsRef<str>) -> Self {
        Self(value.as_ref().trim().to_owned())
    }

    /// A new token for an attempt, which nobody can guess.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn token() -> io::Result<Self> {
        let mut bytes = [0; 24];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("dayfly-{digits}")))
    }

    /// The value itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySent {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`.
    XApiKey,
    /// `x-goog-api-key: KEY`.
    XGoogApiKey,
}

/// What a vendor speaks: the form of its usage records and of its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's Responses and Chat Completions.
    OpenAi,
    /// Google's Gemini.
    Gemini,
}

impl Protocol {
    /// The paths by which a vendor's models answer. Files, batches and settings of the account are not among them.
    pub fn paths(self) -> Vec<String> {
        let paths: &[&str] = match self {
            Self::Anthropic => &["/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/models/*"],
            Self::OpenAi => &["/v1/responses", "/v1/responses/compact", "/v1/chat/completions", "/v1/models"],
            Self::Gemini => &[
                "/v1beta/models/*:generateContent",
                "/v1beta/models/*:streamGenerateContent",
                "/v1beta/models/*:countTokens",
                "/v1beta/models",
            ],
        };
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    /// Where the vendor answers.
    pub fn address(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::OpenAi => "https://api.openai.com",
            Self::Gemini => "https://generativelanguage.googleapis.com",
        }
    }

    /// How the vendor has its keys sent.
    pub fn key_sent(self) -> KeySent {
        match self {
            Self::Anthropic => KeySent::XApiKey,
            Self::OpenAi => KeySent::Bearer,
            Self::Gemini => KeySent::XGoogApiKey,
        }
    }
}

/// What an attempt may spend. When it is spent, requests are refused; those on their way may finish.
#[derive(Debug, Clone, Default)]
pub struct ProxyBudget {
    /// Tokens, read and written, cached ones included.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub micro_usd: Option<u64>,
    /// What tokens cost, by the beginning of the model's name; of several that fit the longest counts. A model that no price
    /// names costs as much as the dearest.
    pub prices: BTreeMap<String, Price>,
}

/// The bounds of a proxy.
#[derive(Debug, Clone, Copy)]
pub struct ProxyLimits {
    /// Requests on their way at once; further ones wait for their turn.
    pub requests: usize,
    /// Connections of the attempt at once.
    pub connections: usize,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Bytes of a request's body.
    pub body_bytes: u64,
    /// The longest that a connection to the vendor may take.
    pub connect: Duration,
    /// The longest that nothing may come: the head of a request, the head of an answer, or its next part.
    pub idle: Duration,
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self {
            requests: 16,
            connections: 64,
            head_bytes: 64 << 10,
            body_bytes: 64 << 20,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(600),
        }
    }
}
