//! The place of dayfly's GitHub side: issue triage, milestones and pull requests.
//!
//! It holds nothing yet. GitHub issues will be served through the trait `Tracker` of `dayfly-core`,
//! as the Markdown tracker of `dayfly-runner` is today.

mod webhook;

pub use webhook::{
    Hint, HintReason, HintRepo, IssuePlace, MAX_WEBHOOK_BYTES, WebhookError, parse_webhook, verify_webhook,
};
