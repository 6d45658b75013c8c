//! How each agent's program is told to use a proxy.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use dayfly_core::CommandLine;
use serde::Deserialize;
use serde_json::Value;

use super::{Protocol, SecretKey};

/// Stands in a [`ProxyClient`] for the proxy's address.
pub const PROXY_URL: &str = "@DAYFLY_PROXY_URL@";
/// Stands in a [`ProxyClient`] for the key that the proxy takes.
pub const PROXY_TOKEN: &str = "@DAYFLY_PROXY_TOKEN@";

/// The clients that are known.
const KNOWN: &str = include_str!("clients.toml");

/// What makes one agent's program use a proxy, as data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyClient {
    /// The agent's kind, as in the configuration.
    pub agent: String,
    /// What it is to speak.
    pub protocol: Protocol,
    /// Variables that it must not have: real keys, and what leads around the proxy.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Variables that it is given.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables that hold JSON, into which this is merged.
    #[serde(default)]
    pub json: BTreeMap<String, String>,
    /// Arguments that come before its own.
    #[serde(default)]
    pub args: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clients {
    client: Vec<ProxyClient>,
}

impl ProxyClient {
    /// What is known of this kind of agent; without a protocol the first that it speaks.
    pub fn find(agent: &str, protocol: Option<Protocol>) -> Option<Self> {
        let known: Clients = toml::from_str(KNOWN).expect("the file of clients is read by a test");
        let fits = |client: &ProxyClient| client.agent == agent && protocol.is_none_or(|p| p == client.protocol);
        known.client.into_iter().find(fits)
    }
}

/// The command line with which a program uses the proxy behind a port of its own machine, with this token and no other key.
pub fn proxied(mut command: CommandLine, client: &ProxyClient, port: u16, token: &SecretKey) -> CommandLine {
    let filled =
        |text: &str| text.replace(PROXY_URL, &format!("http://127.0.0.1:{port}")).replace(PROXY_TOKEN, token.reveal());
    let given = |name: &str| client.env.contains_key(name) || client.json.contains_key(name);
    command.pass_env.retain(|name| !client.drop.contains(name) && !given(name));
    command.env.retain(|name, _| !client.drop.contains(name));
    for (name, value) in &client.env {
        command.env.insert(name.clone(), filled(value));
    }
    for (name, value) in &client.json {
        let old = command.env.get(name).and_then(|old| serde_json::from_str(old).ok());
        let mut merged = old.unwrap_or(Value::Null);
        // What is no JSON once the token is in it would be a fault of this file, and is given as it stands.
        let filled = filled(value);
        let text = match serde_json::from_str(&filled) {
            Ok(new) => {
                merge(&mut merged, new);
                merged.to_string()
            }
            Err(_) => filled,
        };
        command.env.insert(name.clone(), text);
    }
    // Whatever the variables are called, what they hold is masked in the output.
    let holds = client.env.iter().chain(&client.json).filter(|(_, value)| value.contains(PROXY_TOKEN));
    command.redact.extend(holds.map(|(name, _)| name.clone()));
    command.args.splice(0..0, client.args.iter().map(|arg| filled(arg)));
    command
}

/// Puts what is new over what is there, object by object.
fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                merge(old.entry(key).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new,
    }
}

/// A port of this machine that nobody uses now. Somebody else may take it before it is used.
///
/// # Errors
/// There is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> CommandLine {
        CommandLine {
            program: "agent".into(),
            args: vec!["run".into()],
            env: BTreeMap::from([(
                "OPENCODE_CONFIG_CONTENT".into(),
                r#"{"share":"disabled","provider":{"x":1}}"#.into(),
            )]),
            pass_env: ["HOME", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"].map(str::to_owned).into(),
            ..CommandLine::default()
        }
    }

    fn with(agent: &str, protocol: Option<Protocol>) -> CommandLine {
        proxied(command(), &ProxyClient::find(agent, protocol).unwrap(), 4711, &SecretKey::new("dayfly-token"))
    }

    #[test]
    fn a_real_key_is_not_passed_beside_the_token() {
        let claude = with("claude", None);
        assert_eq!(claude.env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:4711");
        assert_eq!(claude.env["ANTHROPIC_API_KEY"], "dayfly-token");
        assert_eq!(claude.pass_env, ["HOME"]);
        assert_eq!(claude.redact, ["ANTHROPIC_API_KEY"]);
    }

    #[test]
    fn no_argument_holds_the_token() {
        for agent in ["claude", "codex", "gemini", "opencode", "copilot"] {
            for protocol in [Protocol::Anthropic, Protocol::OpenAi, Protocol::Gemini] {
                let Some(client) = ProxyClient::find(agent, Some(protocol)) else { continue };
                let line = proxied(command(), &client, 4711, &SecretKey::new("dayfly-token"));
                assert!(!line.args.concat().contains("dayfly-token"), "{line:?}");
                let all = format!("{line:?}");
                assert!(all.contains("http://127.0.0.1:4711") && all.contains("dayfly-token"), "{all}");
                assert!(!all.contains("@DAYFLY"), "{all}");
            }
        }
        let codex = with("codex", None);
        assert_eq!(
            (codex.args[1].as_str(), codex.args.last().unwrap().as_str()),
            (r#"model_provider="dayfly""#, "run")
        );
    }

    #[test]
    fn json_is_merged_into_what_the_agent_sets_itself() {
        let line = with("opencode", Some(Protocol::OpenAi));
        let merged: Value = serde_json::from_str(&line.env["OPENCODE_CONFIG_CONTENT"]).unwrap();
        assert_eq!((&merged["share"], &merged["provider"]["x"]), (&"disabled".into(), &1.into()));
        assert_eq!(merged["provider"]["openai"]["options"]["baseURL"], "http://127.0.0.1:4711/v1");
        assert!(ProxyClient::find("codex", Some(Protocol::Gemini)).is_none());
    }
}
