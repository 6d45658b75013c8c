//! The command line of a vendor's program.

use std::collections::BTreeMap;

use dayfly_core::{
    AccountConfig, AgentConfig, AnswerBy, AnswerRule, CommandLine, JobSpec, PromptVia, Proposal, Sandbox, VerdictRule,
};
use serde_json::{Map, Value};

use crate::agents::catalog::{AnswerWay, Catalog, Launch, LaunchWhen, SandboxOf, StateOf};

/// The file that holds a prompt which is too long to be handed over otherwise, in the attempt's own folder.
const PROMPT_FILE: &str = "home/prompt.md";

/// The schema that an answer is held against, for programs that take it as a file.
const SCHEMA_FILE: &str = "home/answer.schema.json";

/// All that a command line depends on.
pub(super) struct Launcher<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) config: &'a AgentConfig,
    pub(super) account: Option<&'a AccountConfig>,
    pub(super) job: &'a JobSpec,
}

impl Launcher<'_> {
    /// The command line: the user's own arguments, those of the catalog, and the prompt.
    pub(super) fn command(&self, program: &str, leading: &[String]) -> CommandLine {
        let form = self.catalog.form();
        let (when, values) = (self.when(), self.values());
        let mut line = CommandLine {
            program: program.to_owned(),
            args: leading.to_vec(),
            prompt: PromptVia::Stdin,
            pass_env: self.pass_env(),
            redact: self.redact(),
            native: form.native.clone(),
            ..CommandLine::default()
        };
        let (mut json_env, mut json_files) = (BTreeMap::new(), BTreeMap::new());
        let is_users = |args: &[String]| {
            leading.iter().any(|arg| args.iter().any(|own| arg.split('=').next() == Some(own.as_str())))
        };
        let entries = form.launch.iter().filter(|entry| fits(&entry.when, &when) && !is_users(&entry.unless));
        for entry in entries.filter(|entry| values.can_fill(entry)) {
            line.args.extend(entry.args.iter().map(|arg| values.fill(arg)));
            line.env.extend(entry.env.iter().map(|(name, value)| (name.clone(), values.fill(value))));
            line.files.extend(entry.files.iter().map(|(name, text)| (name.clone(), values.fill(text))));
            line.elsewhere = entry.elsewhere.clone().or(line.elsewhere);
            for (name, value) in &entry.json_env {
                lay(json_env.entry(name.clone()).or_insert(Value::Null), values.fill_json(value));
            }
            for (name, value) in &entry.json_files {
                lay(json_files.entry(name.clone()).or_insert(Value::Null), values.fill_json(value));
            }
        }
        line.env.extend(json_env.into_iter().map(|(name, value)| (name, value.to_string())));
        line.files.extend(json_files.into_iter().map(|(name, value)| (name, value.to_string())));
        if when.answer == Some(AnswerWay::Structured) && line.args.iter().any(|arg| arg.contains(SCHEMA_FILE)) {
            line.files.insert(SCHEMA_FILE.into(), self.schema());
        }
        self.prompt(&mut line);
        // What the user passes on or sets is as the user wants it.
        line.env.retain(|name, _| !line.pass_env.contains(name));
        line.env.extend(self.account.into_iter().flat_map(|account| account.env.clone()));
        line.env.extend(self.config.env.clone());
        line
    }

    fn prompt(&self, line: &mut CommandLine) {
        let prompt = &self.catalog.form().prompt;
        if prompt.chars.is_none_or(|most| self.job.prompt.chars().count() <= most) {
            line.args.extend(prompt.args.iter().cloned());
            return;
        }
        line.prompt = PromptVia::Arguments;
        line.files.insert(PROMPT_FILE.into(), self.job.prompt.clone());
        let place = format!("@DAYFLY_DIR@/{PROMPT_FILE}");
        line.args.extend(prompt.long.iter().map(|arg| arg.replace("@FILE@", &place)));
    }

    fn when(&self) -> LaunchWhen {
        let job = self.job;
        LaunchWhen {
            access: Some(job.access),
            profile: Some(job.profile),
            permissions: Some(self.config.permissions),
            sandbox: Some(match job.sandbox.least {
                Sandbox::Bubblewrap => SandboxOf::Ours,
                Sandbox::None | Sandbox::Landlock => SandboxOf::Other,
            }),
            answer: Some(match (job.answer, job.answer_by) {
                (AnswerRule::None, _) => AnswerWay::None,
                (_, AnswerBy::File) => AnswerWay::File,
                (_, AnswerBy::Structured) => AnswerWay::Structured,
            }),
            state: Some(self.state().0),
        }
    }

    /// Whose state folder it is, and where it is.
    fn state(&self) -> (StateOf, Option<String>) {
        let state = &self.catalog.form().state;
        if let Some(folder) = self.account.and_then(|account| account.state_dir.as_ref()) {
            return (StateOf::Account, Some(folder.to_string()));
        }
        let passed = self.pass_env();
        let set = self.config.env.keys().chain(self.account.into_iter().flat_map(|account| account.env.keys()));
        if set.chain(&passed).any(|name| name == "HOME" || state.variables.contains(name)) {
            return (StateOf::Passed, None);
        }
        (StateOf::Own, Some(state.own.clone()))
    }

    fn values(&self) -> Values {
        let job = self.job;
        let usd = job.spend.usd_micros.map(|micros| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
        Values([
            ("@MODEL@", job.model.clone().or_else(|| self.config.model.clone())),
            ("@EFFORT@", self.config.effort.clone()),
            ("@TURNS@", self.config.turns.map(|turns| turns.to_string())),
            ("@USD@", usd),
            ("@SCHEMA@", Some(self.schema())),
            ("@SCHEMA-FILE@", Some(format!("@DAYFLY_DIR@/{SCHEMA_FILE}"))),
            ("@STATE@", self.state().1),
        ])
    }

    fn schema(&self) -> String {
        let verdict = match self.job.answer {
            AnswerRule::Verdict => VerdictRule::Required,
            AnswerRule::None | AnswerRule::Optional | AnswerRule::Required => VerdictRule::None,
        };
        Proposal::schema(&self.job.allowed(), verdict).to_string()
    }

    fn pass_env(&self) -> Vec<String> {
        let account = self.account.into_iter().flat_map(|account| account.pass_env.iter());
        self.config.pass_env.iter().chain(account).cloned().collect()
    }

    fn redact(&self) -> Vec<String> {
        let keys = self.catalog.keys().iter().map(|key| &key.name);
        self.config.redact.iter().chain(keys).cloned().collect()
    }
}

fn fits(wanted: &LaunchWhen, is: &LaunchWhen) -> bool {
    fn one<T: PartialEq>(wanted: &Option<T>, is: &Option<T>) -> bool {
        wanted.is_none() || wanted == is
    }
    one(&wanted.access, &is.access)
        && one(&wanted.profile, &is.profile)
        && one(&wanted.permissions, &is.permissions)
        && one(&wanted.sandbox, &is.sandbox)
        && one(&wanted.answer, &is.answer)
        && one(&wanted.state, &is.state)
}

/// What stands for what in a catalog; an entry that uses one without a value is left out.
struct Values([(&'static str, Option<String>); 7]);

impl Values {
    fn can_fill(&self, entry: &Launch) -> bool {
        let json = entry.json_env.values().chain(entry.json_files.values()).map(Value::to_string);
        let texts = entry.args.iter().chain(entry.env.values()).chain(entry.files.values()).cloned().chain(json);
        let missing: Vec<_> = self.0.iter().filter(|(_, value)| value.is_none()).map(|(place, _)| *place).collect();
        texts.into_iter().all(|text| !missing.iter().any(|place| text.contains(place)))
    }

    fn fill(&self, text: &str) -> String {
        let filled = |text: String, (place, value): &(&str, Option<String>)| match value {
            Some(value) if text.contains(place) => text.replace(place, value),
            _ => text,
        };
        self.0.iter().fold(text.to_owned(), filled)
    }

    /// In JSON, a text that is nothing but a place for a number or for JSON becomes that.
    fn fill_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if ["@TURNS@", "@USD@", "@SCHEMA@"].contains(&text.as_str()) => {
                serde_json::from_str(&self.fill(text)).unwrap_or(Value::Null)
            }
            Value::String(text) => self.fill(text).into(),
            Value::Array(list) => list.iter().map(|value| self.fill_json(value)).collect(),
            Value::Object(table) => {
                Value::Object(table.iter().map(|(key, value)| (self.fill(key), self.fill_json(value))).collect())
            }
            plain => plain.clone(),
        }
    }
}

/// Lays one JSON value over another, key by key.
fn lay(lower: &mut Value, upper: Value) {
    match (lower, upper) {
        (Value::Object(lower), Value::Object(upper)) => {
            for (key, value) in upper {
                lay(lower.entry(key).or_insert_with(|| Value::Object(Map::new())), value);
            }
        }
        (lower, upper) => *lower = upper,
    }
}
