//! The vendors' protocols: where they are asked, and how an answer looks in them.

mod chat;
mod gemini;
mod messages;
mod responses;

use serde_json::Value;

use super::turn::{StreamEvent, Turn};

/// A vendor's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's chat completions.
    Chat,
    /// Gemini's `generateContent`.
    Gemini,
}

impl Protocol {
    /// The protocol of a path, whatever stands before it: base addresses may have a path of their own.
    pub(super) fn of(path: &str) -> Option<Self> {
        let ends = |end: &str| path.ends_with(end);
        if ends("/messages") {
            Some(Self::Messages)
        } else if ends("/responses") {
            Some(Self::Responses)
        } else if ends("/chat/completions") {
            Some(Self::Chat)
        } else if ends(":generateContent") || ends(":streamGenerateContent") {
            Some(Self::Gemini)
        } else {
            None
        }
    }

    /// An answer as a stream.
    pub(super) fn events(self, turn: &Turn) -> Vec<StreamEvent> {
        match self {
            Self::Messages => messages::events(turn),
            Self::Responses => responses::events(turn),
            Self::Chat => chat::events(turn),
            Self::Gemini => gemini::events(turn),
        }
    }

    /// An answer in one piece.
    pub(super) fn whole(self, turn: &Turn) -> Value {
        match self {
            Self::Messages => messages::whole(turn),
            Self::Responses => responses::whole(turn),
            Self::Chat => chat::whole(turn),
            Self::Gemini => gemini::whole(turn),
        }
    }

    /// How a stream tells that the provider has too much to do.
    pub(super) fn stream_error(self) -> StreamEvent {
        match self {
            Self::Messages => messages::stream_error(),
            Self::Responses => responses::stream_error("server_is_overloaded", "Our servers are overloaded."),
            Self::Chat => chat::stream_error(),
            Self::Gemini => gemini::stream_error(),
        }
    }

    /// How a stream tells that a prompt is too long, where that is not told with a status.
    pub(super) fn too_long_in_stream(self) -> Option<StreamEvent> {
        let message = "Your input exceeds the context window of this model.";
        (self == Self::Responses).then(|| responses::stream_error("context_length_exceeded", message))
    }
}
