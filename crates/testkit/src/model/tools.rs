//! The tools that a request offers, and calls of them that fit their schemas.

use serde_json::{Map, Value, json};

use super::protocol::Protocol;
use super::request::ModelRequest;

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) input: Input,
}

/// What a tool is called with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    /// By the names of a schema.
    Object(Value),
    /// Text in a grammar of the tool's own.
    Text(String),
}

/// One tool, as offered.
#[derive(Debug, Clone, PartialEq)]
struct Tool {
    name: String,
    /// None for a tool that takes text.
    schema: Option<Value>,
}

/// All tools of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tools(Vec<Tool>);

/// The vendors' names, the most particular first.
const SHELLS: [&str; 7] =
    ["Bash", "exec_command", "shell_command", "run_shell_command", "bash", "shell", "container.exec"];
const WRITERS: [&str; 4] = ["Write", "write_file", "write", "create"];
const PATCHERS: [&str; 1] = ["apply_patch"];
const ANSWERS: [&str; 1] = ["StructuredOutput"];

impl Tools {
    pub(super) fn of(request: &ModelRequest) -> Self {
        let body = request.json();
        let Some(protocol) = request.protocol() else { return Self::default() };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let function = |tool: &Value, schema: &str| Tool {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            schema: Some(tool[schema].clone()),
        };
        let tools = list(&body["tools"]);
        Self(match protocol {
            Protocol::Messages => tools.iter().map(|tool| function(tool, "input_schema")).collect(),
            Protocol::Chat => tools.iter().map(|tool| function(&tool["function"], "parameters")).collect(),
            Protocol::Responses => tools
                .iter()
                .map(|tool| match tool["type"].as_str() {
                    Some("custom") => Tool { schema: None, ..function(tool, "") },
                    _ => function(tool, "parameters"),
                })
                .collect(),
            Protocol::Gemini => tools
                .iter()
                .flat_map(|tool| list(&tool["functionDeclarations"]))
                .map(|tool| {
                    let schema =
                        if tool["parametersJsonSchema"].is_null() { "parameters" } else { "parametersJsonSchema" };
                    function(&tool, schema)
                })
                .collect(),
        })
    }

    /// Whether the request offers none, as those on the side do.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A call that has a shell run something.
    pub(super) fn shell(&self, command: &str) -> Option<Call> {
        let tool = self.first(&SHELLS)?;
        let (key, kind) = tool.property(&["command", "cmd"])?;
        let command = if kind == "array" { json!(["sh", "-c", command]) } else { json!(command) };
        Some(tool.call([(key, command)]))
    }

    /// A call that writes a file.
    pub(super) fn edit(&self, path: &str, text: &str) -> Option<Call> {
        if let Some(tool) = self.first(&WRITERS)
            && let Some((path_key, _)) = tool.property(&["file_path", "filePath", "path"])
            && let Some((text_key, _)) = tool.property(&["content", "file_text", "text"])
        {
            return Some(tool.call([(path_key, json!(path)), (text_key, json!(text))]));
        }
        if let Some(tool) = self.first(&PATCHERS).filter(|tool| tool.schema.is_none()) {
            let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
            let patch = format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n");
            return Some(Call { name: tool.name.clone(), input: Input::Text(patch) });
        }
        let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        self.shell(&format!("printf %s {} > {}", quote(text), quote(path)))
    }

    /// A call that gives a structured answer.
    pub(super) fn structured(&self, value: &Value) -> Option<Call> {
        let tool = self.first(&ANSWERS)?;
        Some(Call { name: tool.name.clone(), input: Input::Object(value.clone()) })
    }

    fn first(&self, names: &[&str]) -> Option<&Tool> {
        names.iter().find_map(|name| self.0.iter().find(|tool| tool.name == *name))
    }
}

impl Tool {
    /// The first of these properties that its schema has, with its type.
    fn property<'a>(&self, names: &[&'a str]) -> Option<(&'a str, String)> {
        let properties = self.schema.as_ref()?.get("properties")?;
        let name = names.iter().find(|name| properties.get(**name).is_some())?;
        Some((name, kind(&properties[*name])))
    }

    /// A call with these arguments; what else is required is filled in by its type.
    fn call<const N: usize>(&self, given: [(&str, Value); N]) -> Call {
        let mut arguments: Map<String, Value> = given.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        let schema = self.schema.clone().unwrap_or_default();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for key in required.iter().filter_map(Value::as_str) {
            let property = &schema["properties"][key];
            arguments.entry(key).or_insert_with(|| filler(property));
        }
        Call { name: self.name.clone(), input: Input::Object(Value::Object(arguments)) }
    }
}

/// The type of a property, in lower case: some vendors shout.
fn kind(property: &Value) -> String {
    property["type"].as_str().unwrap_or_default().to_lowercase()
}

fn filler(property: &Value) -> Value {
    if let Some(first) = property["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    match kind(property).as_str() {
        "boolean" => json!(false),
        "integer" | "number" => json!(1000),
        "array" => json!([]),
        "object" => json!({}),
        _ => json!("what the script says"),
    }
}
