//! The form of a catalog's file. Everything may be left out, because a user's file is laid over the built-in one.

use std::collections::BTreeMap;

use dayfly_core::{Access, AnswerBy, Billing, LimitScope, Permissions, Profile};
use serde::Deserialize;
use serde_json::Value;

use super::matcher::{Place, When};

/// A whole catalog.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct Form {
    pub(in crate::agents) version: u32,
    /// The versions of the vendor's program that passed the contract.
    pub(in crate::agents) tested: Vec<String>,
    /// The arguments that have it say its version.
    pub(in crate::agents) ask_version: Vec<String>,
    /// Where the program itself is, beside a script that only starts it.
    pub(in crate::agents) native: Vec<String>,
    /// How it gives a structured answer.
    pub(in crate::agents) answers: AnswerBy,
    pub(in crate::agents) prompt: PromptForm,
    pub(in crate::agents) state: StateForm,
    pub(in crate::agents) launch: Vec<Launch>,
    pub(in crate::agents) key: Vec<KeyVariable>,
    pub(in crate::agents) context: Vec<ContextRule>,
    pub(in crate::agents) event: Vec<EventRule>,
    pub(in crate::agents) api: Api,
    pub(in crate::agents) end: Vec<EndRule>,
}

/// How the prompt is handed over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct PromptForm {
    /// The last arguments, where the prompt comes by standard input.
    pub(in crate::agents) args: Vec<String>,
    /// The most characters that it takes so. A longer prompt goes into a file.
    pub(in crate::agents) chars: Option<usize>,
    /// The last arguments where it is in the file `@FILE@`.
    pub(in crate::agents) long: Vec<String>,
}

/// The vendor's own folder of logins, settings and sessions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct StateForm {
    /// Where it is without an account that has one.
    pub(in crate::agents) own: String,
    /// The variables that lead to it. One of them passed on by the user leaves `@STATE@` without a value.
    pub(in crate::agents) variables: Vec<String>,
}

/// What is added to the command line, and when.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct Launch {
    pub(in crate::agents) name: String,
    pub(in crate::agents) when: LaunchWhen,
    /// Arguments of the user's with which this is left out.
    pub(in crate::agents) unless: Vec<String>,
    pub(in crate::agents) args: Vec<String>,
    pub(in crate::agents) env: BTreeMap<String, String>,
    /// Variables whose value is JSON; those of one name are laid over each other.
    pub(in crate::agents) json_env: BTreeMap<String, Value>,
    /// The folder it starts in, if that is not the working copy.
    pub(in crate::agents) elsewhere: Option<String>,
    /// Files, by their path in the attempt's own folder.
    pub(in crate::agents) files: BTreeMap<String, String>,
    /// Files of JSON; those of one name are laid over each other.
    pub(in crate::agents) json_files: BTreeMap<String, Value>,
}

/// What must be so; what is not named may be anything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct LaunchWhen {
    pub(in crate::agents) access: Option<Access>,
    pub(in crate::agents) profile: Option<Profile>,
    pub(in crate::agents) permissions: Option<Permissions>,
    pub(in crate::agents) sandbox: Option<SandboxOf>,
    pub(in crate::agents) answer: Option<AnswerWay>,
    pub(in crate::agents) state: Option<StateOf>,
}

/// Who holds the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::agents) enum SandboxOf {
    /// Our bubblewrap, around the whole program.
    Ours,
    /// Something else, or nothing.
    Other,
}

/// How an answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::agents) enum AnswerWay {
    /// None is read.
    None,
    /// In the proposal's file.
    File,
    /// In the vendor's own form.
    Structured,
}

/// Whose state folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::agents) enum StateOf {
    /// The attempt's own, empty at the start.
    Own,
    /// That of an account.
    Account,
    /// Whatever the variables that the user passes on lead to.
    Passed,
}

/// A variable that may hold a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KeyVariable {
    /// The variable.
    pub name: String,
    /// How what is done with it is billed.
    pub billing: Billing,
}

/// Files of a repository that the program reads by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ContextRule {
    /// A name for the entry.
    pub name: String,
    /// What they are.
    pub what: ContextKind,
    /// Globs below the working copy.
    pub files: Vec<String>,
    /// Files that are read only where none of these is there.
    pub unless: Vec<String>,
    /// The profile under which they are read; nothing for both.
    pub profile: Option<Profile>,
}

/// What a file of the context is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ContextKind {
    /// Text that every job is told.
    #[default]
    Instructions,
    /// A skill that the agent may use.
    Skill,
    /// A command that a prompt may begin with.
    Command,
    /// Settings, hooks, tool servers: what can make something run.
    Settings,
}

/// What a record means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct EventRule {
    pub(in crate::agents) name: String,
    pub(in crate::agents) when: When,
    /// A list or a table in the record: the rule is for each of its elements.
    pub(in crate::agents) each: Option<Place>,
    /// What must be so of an element. `@key` is its key in a table.
    #[serde(rename = "where")]
    pub(in crate::agents) of: When,
    pub(in crate::agents) tells: Tells,
    /// The name under which the rules of endings find the last such record.
    pub(in crate::agents) keep: Option<String>,
    /// What was said, asked or given as a reason.
    pub(in crate::agents) text: Vec<Place>,
    pub(in crate::agents) tool: Vec<Place>,
    pub(in crate::agents) detail: Vec<Place>,
    pub(in crate::agents) path: Vec<Place>,
    /// The vendor's number of a tool's use.
    pub(in crate::agents) id: Vec<Place>,
    /// What must be so for a tool to have worked.
    pub(in crate::agents) worked: When,
    pub(in crate::agents) input: Vec<Place>,
    pub(in crate::agents) cached: Vec<Place>,
    pub(in crate::agents) output: Vec<Place>,
    pub(in crate::agents) cost: Vec<Place>,
    pub(in crate::agents) count: Count,
    pub(in crate::agents) scope: Option<LimitScope>,
    pub(in crate::agents) window: Vec<Place>,
    pub(in crate::agents) used: Vec<Place>,
    /// What must be so for the limit to have refused.
    pub(in crate::agents) refused: When,
    pub(in crate::agents) resets: Vec<Place>,
    pub(in crate::agents) attempt: Vec<Place>,
    pub(in crate::agents) delay_ms: Vec<Place>,
    pub(in crate::agents) model: Vec<Place>,
    pub(in crate::agents) program: Vec<Place>,
    pub(in crate::agents) session: Vec<Place>,
    pub(in crate::agents) tools: Vec<Place>,
    pub(in crate::agents) skills: Vec<Place>,
    pub(in crate::agents) instructions: Vec<Place>,
    pub(in crate::agents) servers: Vec<Place>,
    pub(in crate::agents) key_source: Vec<Place>,
    /// How its use is billed, by where the key came from; `*` whatever that is.
    pub(in crate::agents) billing: BTreeMap<String, Billing>,
    /// The structured answer.
    pub(in crate::agents) answer: Vec<Place>,
}

/// What a record tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::agents) enum Tells {
    /// Nothing that anybody needs to know; the record is known all the same.
    #[default]
    Nothing,
    /// What the agent said.
    Text,
    /// A part of what it says, to be joined to the part before.
    Part,
    /// What was said elsewhere than in the main conversation.
    Aside,
    Tool,
    /// How the use of a tool went.
    ToolResult,
    /// That a tool was denied.
    Denied,
    FileChange,
    Usage,
    RateLimit,
    Retry,
    Question,
    Opening,
}

/// Whether numbers are a total so far, or come on top of those before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::agents) enum Count {
    #[default]
    Total,
    Add,
}

/// Where a failure of the vendor's interface is told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct Api {
    /// The vendor's own words.
    pub(in crate::agents) text: Vec<Place>,
    /// What stands before them, and is not theirs.
    pub(in crate::agents) strip: Vec<String>,
    /// The status, as a number.
    pub(in crate::agents) status: Vec<Place>,
    /// Beginnings of the words behind which the status stands.
    pub(in crate::agents) status_after: Vec<String>,
    /// What stands between the status and what the vendor says of it, behind the status's name.
    pub(in crate::agents) words_after: Option<String>,
    /// The vendor's word for the kind of the failure; the first that is there.
    #[serde(rename = "type")]
    pub(in crate::agents) kind: Vec<Place>,
    /// Whether the exit code is the status modulo 256, where `strip` found the words to be the interface's.
    pub(in crate::agents) exit_is_status: bool,
    /// When it is open again.
    pub(in crate::agents) resets: Vec<Place>,
    /// In how many milliseconds it is.
    pub(in crate::agents) resets_ms: Vec<Place>,
    /// JSON texts that are read: under `api.json` the first that can be.
    pub(in crate::agents) json: Vec<Place>,
}

/// How an attempt ended, if all of `when` is so.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::agents) struct EndRule {
    pub(in crate::agents) name: String,
    pub(in crate::agents) when: When,
    pub(in crate::agents) end: EndWord,
    /// Why, from the records; the first text that is there.
    pub(in crate::agents) reason: Vec<Place>,
    /// Why, where the records do not say.
    pub(in crate::agents) say: String,
    pub(in crate::agents) scope: Option<LimitScope>,
    pub(in crate::agents) window: Option<String>,
    /// When the limit is over; the first that names a time.
    pub(in crate::agents) resets: Vec<Place>,
    /// The sentence for that, where the records name no time.
    pub(in crate::agents) resets_say: Option<String>,
}

/// The ends that records can tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::agents) enum EndWord {
    Succeeded,
    TaskFailed,
    NeedsHuman,
    Quota,
    ProviderDown,
    Auth,
    Misconfigured,
    PermissionDenied,
    Environment,
    Host,
    #[default]
    Unknown,
}
