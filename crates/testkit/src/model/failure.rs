//! Failures that come as a status, in the forms of the vendors.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::protocol::Protocol;
use super::reply::with_type;
use super::scenario::Step;

/// A failure before it is written.
struct Failure {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// The response of a step that fails by its status; none if it does not.
pub(super) fn failure(step: &Step, protocol: Protocol) -> Option<Response> {
    let failure = match step {
        Step::Status { code, body, retry_after } => {
            let mut failure = plain(protocol, *code, "it failed, as it was told to").retry_after(*retry_after);
            if let Some(body) = body {
                failure.body.clone_from(body);
            }
            failure
        }
        Step::RateLimited { retry_after } => rate_limited(protocol, *retry_after),
        Step::Overloaded => match protocol {
            Protocol::Messages | Protocol::Chat => plain(protocol, 529, "Overloaded"),
            Protocol::Responses | Protocol::Gemini => plain(protocol, 503, "The model is overloaded."),
        },
        Step::Unauthorised => plain(protocol, 401, "invalid x-api-key"),
        Step::Forbidden => plain(protocol, 403, "Your key has no permission for this."),
        Step::ForbiddenQuota => forbidden_quota(protocol),
        Step::UsageLimit { resets_at } => usage_limit(protocol, *resets_at),
        Step::PromptTooLong => return Some(too_long(protocol)),
        Step::NoSuchModel => plain(protocol, 404, no_such_model(protocol)),
        _ => return None,
    };
    Some(failure.response())
}

/// An error in the vendor's own form.
fn plain(protocol: Protocol, status: u16, message: &str) -> Failure {
    let body = match protocol {
        Protocol::Messages => {
            let kind = match status {
                400 => "invalid_request_error",
                401 => "authentication_error",
                403 => "permission_error",
                404 => "not_found_error",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                _ => "api_error",
            };
            json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
        }
        Protocol::Responses | Protocol::Chat => {
            let (kind, code) = match status {
                401 => ("invalid_request_error", "invalid_api_key"),
                403 => ("invalid_request_error", "forbidden"),
                404 => ("invalid_request_error", "model_not_found"),
                429 => ("requests", "rate_limit_exceeded"),
                400..=499 => ("invalid_request_error", "invalid_value"),
                _ => ("server_error", "server_error"),
            };
            json!({"error": {"type": kind, "code": code, "message": message, "param": null}})
        }
        Protocol::Gemini => {
            let word = match status {
                400 => "INVALID_ARGUMENT",
                401 => "UNAUTHENTICATED",
                403 => "PERMISSION_DENIED",
                404 => "NOT_FOUND",
                429 => "RESOURCE_EXHAUSTED",
                503 => "UNAVAILABLE",
                _ => "INTERNAL",
            };
            json!({"error": {"code": status, "message": message, "status": word}})
        }
    };
    Failure { status, headers: Vec::new(), body: body.to_string() }
}

/// Some command lines pass on nothing but these words.
fn no_such_model(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Messages => "model: no-such-model",
        Protocol::Responses | Protocol::Chat => {
            "The model `no-such-model` does not exist or you do not have access to it."
        }
        Protocol::Gemini => {
            "models/no-such-model is not found for API version v1beta, or is not supported for generateContent. Call \
             ListModels to see the list of available models and their supported methods."
        }
    }
}

fn rate_limited(protocol: Protocol, retry_after: Option<u64>) -> Failure {
    let failure = plain(protocol, 429, "There were too many requests.");
    if protocol != Protocol::Gemini {
        return failure.retry_after(retry_after);
    }
    let delay = retry_after.map(|seconds| format!("{seconds}s"));
    failure.google(&details("GenerateRequestsPerMinutePerProjectPerModel", delay))
}

/// A 403 whose meaning is not that the key is refused.
fn forbidden_quota(protocol: Protocol) -> Failure {
    let message = "You have reached the usage limit of this billing cycle.";
    let failure = plain(protocol, 403, message);
    match protocol {
        Protocol::Messages => failure,
        Protocol::Responses | Protocol::Chat => Failure {
            body: json!({"error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": message}})
                .to_string(),
            ..failure
        },
        Protocol::Gemini => failure.google(&json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "QUOTA_EXCEEDED",
            "domain": "googleapis.com", "metadata": {"service": "generativelanguage.googleapis.com"},
        }])),
    }
}

fn usage_limit(protocol: Protocol, resets_at: Timestamp) -> Failure {
    let seconds = resets_at.duration_since(Timestamp::now()).as_secs().max(0);
    let epoch = resets_at.as_second();
    match protocol {
        Protocol::Messages => {
            let mut failure = plain(protocol, 429, "This request would exceed your account's rate limit.");
            let head = |name: &str, value: String| (format!("anthropic-ratelimit-unified-{name}"), value);
            failure.headers = vec![
                head("status", "rejected".into()),
                head("reset", epoch.to_string()),
                head("representative-claim", "five_hour".into()),
                head("5h-status", "rejected".into()),
                head("5h-reset", epoch.to_string()),
                head("5h-utilization", "1".into()),
                head("7d-status", "allowed".into()),
                head("7d-reset", (epoch + 400_000).to_string()),
                head("7d-utilization", "0.4".into()),
                head("overage-status", "rejected".into()),
                head("overage-disabled-reason", "org_level_disabled".into()),
            ];
            failure
        }
        Protocol::Responses | Protocol::Chat => {
            let error = json!({
                "type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus",
                "resets_at": epoch, "resets_in_seconds": seconds,
            });
            Failure { status: 429, headers: Vec::new(), body: json!({ "error": error }).to_string() }
        }
        Protocol::Gemini => plain(protocol, 429, "You exceeded your current quota.")
            .google(&details("GenerateRequestsPerDayPerProjectPerModel-FreeTier", Some(format!("{seconds}s")))),
    }
}

/// Google's details of a used-up quota.
fn details(quota: &str, delay: Option<String>) -> Value {
    let violation = json!({
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests", "quotaId": quota,
        "quotaValue": "250",
    });
    let mut details = vec![json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]})];
    if let Some(delay) = delay {
        details.push(json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}));
    }
    json!(details)
}

fn too_long(protocol: Protocol) -> Response {
    if let Some(event) = protocol.too_long_in_stream() {
        return with_type("text/event-stream", Body::from(event.bytes()));
    }
    let message = match protocol {
        Protocol::Messages => "prompt is too long: 250000 tokens > 200000 maximum",
        Protocol::Gemini => "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
        Protocol::Responses | Protocol::Chat => "This model's maximum context length is 200000 tokens.",
    };
    let mut failure = plain(protocol, 400, message);
    if protocol == Protocol::Chat {
        failure.body = failure.body.replace("invalid_value", "context_length_exceeded");
    }
    failure.response()
}

impl Failure {
    fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.headers.extend(seconds.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
        self
    }

    /// Adds Google's details.
    fn google(mut self, details: &Value) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).expect("it was written as JSON");
        body["error"]["details"] = details.clone();
        self.body = body.to_string();
        self
    }

    fn response(self) -> Response {
        let kind = if self.body.starts_with('<') { "text/html" } else { "application/json" };
        let mut response = with_type(kind, Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("a step names a status that there is");
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).expect("the names are written here");
            response
                .headers_mut()
                .insert(name, HeaderValue::try_from(value).expect("the values are numbers and words"));
        }
        response
    }
}
