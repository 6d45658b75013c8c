//! Answers of the proxy itself, in the form of the vendor's own errors.

use hyper::StatusCode;
use serde_json::json;

use super::Protocol;

/// Why a request was not passed on, or its answer not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Connect,
    Foreign,
    Upgrade,
    Method,
    Token,
    Path,
    Budget,
    TooLarge,
    Unreachable,
    Slow,
    Cut,
    Redirect,
    Encoded,
}

impl Refusal {
    pub(super) fn status(self, protocol: Protocol) -> StatusCode {
        match self {
            // OpenAI says so of a limit of its own, and its program tries anything else again.
            Self::Budget if protocol == Protocol::OpenAi => StatusCode::BAD_REQUEST,
            Self::Foreign | Self::Upgrade => StatusCode::BAD_REQUEST,
            Self::Connect | Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Path | Self::Budget => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreachable | Self::Cut | Self::Redirect | Self::Encoded => StatusCode::BAD_GATEWAY,
            Self::Slow => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether a client may try the same once more.
    pub(super) fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::Slow | Self::Cut)
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Connect | Self::Foreign | Self::Upgrade | Self::Method => "invalid_request_error",
            Self::Token => "authentication_error",
            Self::Path => "permission_error",
            Self::Budget => "budget_exhausted",
            Self::TooLarge => "request_too_large",
            Self::Unreachable | Self::Slow | Self::Cut | Self::Redirect | Self::Encoded => "api_error",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Connect => "this is no proxy for other addresses: it passes requests on to one vendor alone",
            Self::Foreign => "name no address in the request line: requests are passed on to one vendor alone",
            Self::Upgrade => "the connection cannot be upgraded; use plain HTTP",
            Self::Method => "only GET, HEAD and POST are passed on",
            Self::Token => "this is not the key that the attempt was given",
            Self::Path => "this path is not among those that an attempt may use",
            Self::Budget => "the budget of this attempt is spent; nothing is passed on any more",
            Self::TooLarge => "the request is larger than an attempt may send",
            Self::Unreachable => "the vendor cannot be reached",
            Self::Slow => "the vendor did not answer in time",
            Self::Cut => "the vendor ended the connection without an answer",
            Self::Redirect => "the vendor answered with another address, which is not followed",
            Self::Encoded => "the vendor answered in an encoding that was not asked for",
        }
    }

    fn google(self) -> &'static str {
        match self {
            Self::Connect | Self::Foreign | Self::Upgrade | Self::Method | Self::TooLarge => "INVALID_ARGUMENT",
            Self::Token => "UNAUTHENTICATED",
            Self::Path | Self::Budget => "PERMISSION_DENIED",
            Self::Slow => "DEADLINE_EXCEEDED",
            Self::Unreachable | Self::Cut | Self::Redirect | Self::Encoded => "UNAVAILABLE",
        }
    }

    /// The error as this vendor would write it.
    pub(super) fn body(self, protocol: Protocol) -> String {
        let (kind, message) = (self.kind(), format!("dayfly: {}", self.message()));
        let value = match protocol {
            Protocol::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
            Protocol::OpenAi => {
                json!({"error": {"message": message, "type": kind, "code": kind, "param": null}})
            }
            Protocol::Gemini => json!({"error": {
                "code": self.status(protocol).as_u16(), "message": message, "status": self.google(),
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": kind, "domain": "dayfly",
                }],
            }}),
        };
        value.to_string()
    }
}
