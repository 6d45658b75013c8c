//! The vendors' records of tokens.

use serde::Deserialize;

use super::Protocol;

/// Tokens of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    /// Read, and not from a cache.
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) output: u64,
}

impl Tokens {
    pub(super) fn all(self) -> u64 {
        [self.cache_read, self.cache_write, self.output].into_iter().fold(self.input, u64::saturating_add)
    }

    /// The most that either says of each. A vendor's records of one answer grow, and a later one may leave out what an
    /// earlier one said.
    pub(super) fn most(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
            output: self.output.max(other.output),
        }
    }
}

/// Where a vendor's answers say what they cost, and by which model they are.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) paths: &'static [&'static [&'static str]],
    /// Which of the paths name the model; the others hold a record.
    pub(super) models: &'static [usize],
    /// Which of the paths hold the last word on an answer.
    pub(super) last: &'static [usize],
}

pub(super) fn places(protocol: Protocol) -> &'static Places {
    match protocol {
        Protocol::Anthropic => &Places {
            paths: &[&["usage"], &["message", "usage"], &["model"], &["message", "model"]],
            models: &[2, 3],
            // The record in the message's beginning does not know yet what will be written.
            last: &[0],
        },
        Protocol::OpenAi => &Places {
            paths: &[&["usage"], &["response", "usage"], &["model"], &["response", "model"]],
            models: &[2, 3],
            last: &[0, 1],
        },
        Protocol::Gemini => &Places { paths: &[&["usageMetadata"], &["modelVersion"]], models: &[1], last: &[0] },
    }
}

/// Reads a record.
pub(super) fn tokens(protocol: Protocol, record: &[u8]) -> Option<Tokens> {
    match protocol {
        Protocol::Anthropic => serde_json::from_slice::<Option<Anthropic>>(record).ok()?.map(Anthropic::tokens),
        Protocol::OpenAi => serde_json::from_slice::<Option<OpenAi>>(record).ok()?.map(OpenAi::tokens),
        Protocol::Gemini => serde_json::from_slice::<Option<Gemini>>(record).ok()?.map(Gemini::tokens),
    }
}

#[derive(Deserialize)]
struct Anthropic {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Anthropic {
    fn tokens(self) -> Tokens {
        Tokens {
            input: self.input_tokens.unwrap_or_default(),
            cache_read: self.cache_read_input_tokens.unwrap_or_default(),
            cache_write: self.cache_creation_input_tokens.unwrap_or_default(),
            output: self.output_tokens.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct OpenAi {
    #[serde(alias = "prompt_tokens")]
    input_tokens: Option<u64>,
    #[serde(alias = "prompt_tokens_details")]
    input_tokens_details: Option<OpenAiDetails>,
    #[serde(alias = "completion_tokens")]
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OpenAiDetails {
    cached_tokens: Option<u64>,
}

impl OpenAi {
    fn tokens(self) -> Tokens {
        // What came from a cache is counted in what was read.
        let cache_read = self.input_tokens_details.and_then(|d| d.cached_tokens).unwrap_or_default();
        Tokens {
            input: self.input_tokens.unwrap_or_default().saturating_sub(cache_read),
            cache_read,
            cache_write: 0,
            output: self.output_tokens.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gemini {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

impl Gemini {
    fn tokens(self) -> Tokens {
        let sum = |a: Option<u64>, b: Option<u64>| a.unwrap_or_default().saturating_add(b.unwrap_or_default());
        let cache_read = self.cached_content_token_count.unwrap_or_default();
        Tokens {
            input: sum(self.prompt_token_count, self.tool_use_prompt_token_count).saturating_sub(cache_read),
            cache_read,
            cache_write: 0,
            output: sum(self.candidates_token_count, self.thoughts_token_count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendors_record_is_read() {
        let read = |protocol, record: &str| {
            tokens(protocol, record.as_bytes()).map(|t| (t.input, t.cache_read, t.cache_write, t.output))
        };
        let record = r#"{"input_tokens":3,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1,
                         "service_tier":"standard","server_tool_use":{"web_search_requests":0}}"#;
        assert_eq!(read(Protocol::Anthropic, record), Some((3, 7, 5, 1)));
        let record = r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":9,
                         "output_tokens_details":{"reasoning_tokens":4},"total_tokens":109}"#;
        assert_eq!(read(Protocol::OpenAi, record), Some((40, 60, 0, 9)));
        let record = r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":null,"total_tokens":12}"#;
        assert_eq!(read(Protocol::OpenAi, record), Some((10, 0, 0, 2)));
        let record = r#"{"promptTokenCount":50,"cachedContentTokenCount":20,"candidatesTokenCount":5,
                         "thoughtsTokenCount":30,"totalTokenCount":85}"#;
        assert_eq!(read(Protocol::Gemini, record), Some((30, 20, 0, 35)));
        assert_eq!(read(Protocol::OpenAi, "null"), None);
        assert_eq!(read(Protocol::Gemini, "7"), None);
    }
}
