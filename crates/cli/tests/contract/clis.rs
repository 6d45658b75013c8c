//! The command lines, and how each is led to a server on loopback.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

/// The key that every command line is given.
pub(crate) const KEY: &str = "test-key-of-the-contract";

/// One of [`PINS`], as it is installed.
#[derive(Debug)]
pub(crate) struct Cli {
    /// The word for its kind in `dayfly.toml`.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) program: Utf8PathBuf,
}

/// How a command line is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    Key,
    /// As a subscription: some answers mean something else then.
    Subscription,
}

#[derive(Debug, Deserialize)]
struct Pin {
    version: String,
    program: String,
}

/// The command lines that are pinned and installed, in the order of their names.
pub(crate) fn installed(cache: &Utf8Path) -> Vec<Cli> {
    let pins: BTreeMap<String, Pin> = toml::from_str(include_str!("pins.toml")).unwrap();
    let cli = |(name, pin): (String, Pin)| {
        let program = cache.join(format!("{name}-{}", pin.version)).join(pin.program);
        Cli { name, version: pin.version, program }
    };
    let all = pins.into_iter().map(cli);
    all.filter(|cli| cli.program.exists()).collect()
}

impl Cli {
    /// The model that it is to ask for.
    pub(crate) fn model(&self) -> &'static str {
        match self.name.as_str() {
            "codex" => "gpt-5.5",
            "opencode" => "mock/m",
            // Another name it would silently take for this one.
            "gemini" => "gemini-3.8-flash",
            _ => "claude-sonnet-4-5",
        }
    }

    /// Whether it says which model it uses.
    pub(crate) fn tells_model(&self) -> bool {
        !matches!(self.name.as_str(), "codex" | "opencode")
    }

    /// Whether it says how many tokens it used.
    pub(crate) fn tells_tokens(&self) -> bool {
        self.name != "copilot"
    }

    /// Whether it can be kept from telling the model what the files with instructions say, where it is not to obey them.
    pub(crate) fn can_withhold_instructions(&self) -> bool {
        self.name != "gemini"
    }

    /// The sections of `dayfly.toml` that leads it to a server.
    pub(crate) fn agent(&self, base: &str, login: Login, root: &Utf8Path) -> String {
        let mut argv = vec![self.program.to_string()];
        if self.name == "codex" {
            argv.extend(provider(base));
        }
        let argv: Vec<String> = argv.iter().map(|arg| format!("'{arg}'")).collect();
        let env: String =
            self.env(base, login, root).iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
        let billing = if login == Login::Key { "api-key" } else { "subscription" };
        format!(
            "[agents.cli]\nkind = \"{name}\"\nargv = [{argv}]\nmodel = \"{model}\"\naccounts = [\"test\"]\n\n\
             [accounts.test]\nvendor = \"{name}\"\nbilling = \"{billing}\"\n\n[accounts.test.env]\n{env}",
            name = self.name,
            argv = argv.join(", "),
            model = self.model()
        )
    }

    fn env(&self, base: &str, login: Login, root: &Utf8Path) -> Vec<(&'static str, String)> {
        let base = base.to_owned();
        let key = KEY.to_owned();
        match self.name.as_str() {
            "claude" if login == Login::Subscription => {
                vec![("CLAUDE_CODE_OAUTH_TOKEN", key), ("ANTHROPIC_BASE_URL", base)]
            }
            "claude" => vec![("ANTHROPIC_API_KEY", key), ("ANTHROPIC_BASE_URL", base)],
            "codex" => vec![("OPENAI_API_KEY", key)],
            "gemini" => vec![("GEMINI_API_KEY", key), ("GOOGLE_GEMINI_BASE_URL", base)],
            "opencode" => {
                let file = root.join("provider.json");
                std::fs::write(&file, opencode(&base)).unwrap();
                vec![("OPENCODE_CONFIG", file.into_string())]
            }
            _ => vec![
                ("COPILOT_OFFLINE", "true".into()),
                ("COPILOT_PROVIDER_TYPE", "anthropic".into()),
                ("COPILOT_PROVIDER_BASE_URL", base),
                ("COPILOT_PROVIDER_API_KEY", key),
            ],
        }
    }
}

/// The same without dayfly, as the vendors' documentation says.
impl Cli {
    pub(crate) fn bare(&self, base: &str) -> Vec<String> {
        let prompt = "Do it";
        let words: &[&str] = match self.name.as_str() {
            "claude" => {
                &["-p", "--output-format", "stream-json", "--verbose", "--allowedTools", "Bash,Write", "--", prompt]
            }
            "codex" => {
                &["exec", "--json", "-c", "analytics.enabled=false", "-m", "gpt-5.5", "-s", "workspace-write", prompt]
            }
            "opencode" => &["run", "--format", "json", "--auto", "-m", "mock/m", prompt],
            "gemini" => &["-m", "gemini-3.8-flash", "--approval-mode", "yolo", "-o", "stream-json", "-p", prompt],
            _ => &["--output-format", "json", "--allow-all-tools", "-p", prompt],
        };
        let mut args: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if self.name == "codex" {
            args.splice(1..1, provider(base));
        }
        args
    }

    /// Its environment. What must stand in its home is written there.
    pub(crate) fn bare_env(&self, base: &str, home: &Utf8Path) -> Vec<(&'static str, String)> {
        let mut env = self.env(base, Login::Key, home.parent().unwrap());
        let write = |path: &str, text: &str| {
            let path = home.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        match self.name.as_str() {
            "claude" => env.push(("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".into())),
            "codex" => {
                let web = home.parent().unwrap().join("web");
                write(".codex/config.toml", &format!("[projects.\"{web}\"]\ntrust_level = \"trusted\"\n"));
            }
            "gemini" => {
                let auth = serde_json::json!({"security": {"auth": {"selectedType": "gemini-api-key"}}});
                write(".gemini/settings.json", &auth.to_string());
                let more = [("GEMINI_CLI_TRUST_WORKSPACE", "true"), ("GEMINI_CLI_NO_RELAUNCH", "true")];
                env.extend(more.map(|(name, value)| (name, value.to_owned())));
            }
            "opencode" => {
                // Without a network it would ask its package registry again and again for a minute.
                write(".npmrc", "fetch-retries=0\n");
                let more =
                    ["OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_LSP_DOWNLOAD"];
                env.extend(more.map(|name| (name, "1".to_owned())));
            }
            "copilot" => {
                let trusted = serde_json::json!({ "trusted_folders": [home.parent().unwrap().join("web")] });
                write(".copilot/config.json", &trusted.to_string());
                env.extend([("COPILOT_AUTO_UPDATE", "false".into()), ("COPILOT_MODEL", self.model().into())]);
            }
            other => panic!("it is not known how {other} is started"),
        }
        env
    }
}

/// The arguments that lead Codex to a server; a variable for its address it does not know.
fn provider(base: &str) -> Vec<String> {
    let provider = format!(
        "model_providers.mock={{name=\"mock\",base_url=\"{base}/v1\",env_key=\"OPENAI_API_KEY\",wire_api=\"responses\"}}"
    );
    vec!["-c".into(), "model_provider=\"mock\"".into(), "-c".into(), provider]
}

/// A provider of its own for opencode, which has no variable for an address.
fn opencode(base: &str) -> String {
    serde_json::json!({
        "enabled_providers": ["mock"], "small_model": "mock/m",
        "provider": {"mock": {
            "npm": "@ai-sdk/openai-compatible", "name": "mock",
            "options": {"baseURL": format!("{base}/v1"), "apiKey": KEY},
            "models": {"m": {"name": "m", "limit": {"context": 200_000, "output": 8000}}},
        }},
    })
    .to_string()
}
