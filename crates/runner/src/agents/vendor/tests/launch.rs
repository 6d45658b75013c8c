//! The command lines.

use std::collections::BTreeMap;

use dayfly_core::{
    Access, AccountConfig, AccountName, Agent, AgentConfig, AgentError, AgentKind, AgentName, AnswerBy, AnswerRule,
    Billing, CommandLine, JobSpec, Permissions, Profile, PromptVia, Sandbox, VendorName,
};
use serde_json::{Value, json};

use crate::agents::VendorAgent;
use crate::subprocess::test_job;

const KINDS: [AgentKind; 5] =
    [AgentKind::Claude, AgentKind::Codex, AgentKind::OpenCode, AgentKind::Gemini, AgentKind::Copilot];

fn config(kind: AgentKind) -> AgentConfig {
    AgentConfig::new(kind, vec![kind.word().to_owned()])
}

fn agent(config: AgentConfig, accounts: &BTreeMap<AccountName, AccountConfig>) -> VendorAgent {
    VendorAgent::new(AgentName::new("a").unwrap(), config, accounts).unwrap()
}

fn command(config: AgentConfig, job: &JobSpec) -> CommandLine {
    agent(config, &BTreeMap::new()).command(job).unwrap()
}

/// A job that may read, and is to answer as its program does it best.
fn reading(kind: AgentKind) -> JobSpec {
    let answer_by = agent(config(kind), &BTreeMap::new()).answers();
    JobSpec { access: Access::Read, answer: AnswerRule::Verdict, answer_by, effects: vec!["ask".into()], ..test_job() }
}

fn has(line: &CommandLine, args: &[&str]) -> bool {
    line.args.windows(args.len()).any(|window| window == args)
}

fn json_of(line: &CommandLine, name: &str) -> Value {
    let text = line.env.get(name).or_else(|| line.files.get(name)).unwrap_or_else(|| panic!("{name}: {line:?}"));
    serde_json::from_str(text).unwrap()
}

#[test]
fn nothing_is_passed_by_unless_it_is_asked_for_or_our_sandbox_holds_it() {
    let bypasses = |line: &CommandLine| {
        let words = ["bypass", "yolo", "danger", "--auto", "--allow-all"];
        line.args.iter().any(|arg| words.iter().any(|word| arg.contains(word)))
    };
    for kind in KINDS {
        for job in [test_job(), reading(kind)] {
            for profile in [Profile::Trusted, Profile::Untrusted] {
                let mut job = JobSpec { profile, ..job.clone() };
                assert!(!bypasses(&command(config(kind), &job)), "{} {:?}", kind.word(), job.access);
                job.sandbox.least = Sandbox::Bubblewrap;
                let held = command(config(kind), &job);
                assert_eq!(bypasses(&held), kind == AgentKind::Codex, "{}: {:?}", kind.word(), held.args);
                assert!(!held.env.contains_key("IS_SANDBOX"));
            }
        }
        let any = AgentConfig { permissions: Permissions::Bypass, ..config(kind) };
        assert!(bypasses(&command(any.clone(), &test_job())), "{}", kind.word());
        let mut job = test_job();
        job.sandbox.least = Sandbox::Bubblewrap;
        assert_eq!(command(any, &job).env.contains_key("IS_SANDBOX"), kind == AgentKind::Claude);
    }
}

#[test]
fn a_job_that_reads_has_no_tools_to_write_with() {
    let line = command(config(AgentKind::Claude), &reading(AgentKind::Claude));
    assert!(has(&line, &["--tools", "Read,Grep,Glob,Bash"]) && has(&line, &["--permission-mode", "dontAsk"]));
    assert!(!line.args.iter().any(|arg| arg.contains("Write") || arg.contains("Edit") || arg.starts_with("Bash(")));
    let line = command(config(AgentKind::Codex), &reading(AgentKind::Codex));
    assert!(has(&line, &["-s", "read-only"]) && !line.args.contains(&"--add-dir".to_owned()));
    let permission =
        json_of(&command(config(AgentKind::OpenCode), &reading(AgentKind::OpenCode)), "OPENCODE_PERMISSION");
    assert_eq!(permission["*"], "deny");
    assert_eq!(permission["edit"], json!({ "*": "deny", "*out/proposal.json": "allow" }));
    assert_eq!(permission["bash"]["*"], "deny");
    let line = command(config(AgentKind::Gemini), &reading(AgentKind::Gemini));
    assert!(
        !line.args.contains(&"auto_edit".to_owned()) && line.files["home/policy/look.toml"].contains("(log|diff|show")
    );
    assert!(line.files["home/policy/answer.toml"].contains("@DAYFLY_PROPOSAL@"));
    let line = command(config(AgentKind::Copilot), &reading(AgentKind::Copilot));
    assert!(has(&line, &["--excluded-tools", "bash"]) && has(&line, &["--allow-tool", "write(@DAYFLY_PROPOSAL@)"]));
}

#[test]
fn what_only_reads_has_no_more_tools_where_the_configuration_passes_by_the_checks() {
    for kind in KINDS {
        for sandbox in [Sandbox::None, Sandbox::Bubblewrap] {
            let mut job = reading(kind);
            job.sandbox.least = sandbox;
            let least = command(config(kind), &job);
            let any = command(AgentConfig { permissions: Permissions::Bypass, ..config(kind) }, &job);
            assert_eq!((least.args, least.env), (any.args, any.env), "{} {sandbox:?}", kind.word());
        }
    }
}

#[test]
fn no_name_of_a_model_is_taken_for_a_flag() {
    for kind in KINDS {
        let from_job = JobSpec { model: Some("--yolo".into()), ..test_job() };
        let configured = AgentConfig { effort: Some("-x".into()), ..config(kind) };
        let by_job = agent(config(kind), &BTreeMap::new()).command(&from_job).unwrap_err().to_string();
        let by_effort = agent(configured, &BTreeMap::new()).command(&test_job()).unwrap_err().to_string();
        assert!(by_job.contains("model `--yolo` begins like a flag"), "{by_job}");
        assert!(by_effort.contains("effort `-x` begins like a flag"), "{by_effort}");
    }
}

#[test]
fn in_an_untrusted_checkout_nothing_of_it_is_obeyed() {
    let line = |kind| command(config(kind), &test_job());
    assert_eq!(test_job().profile, Profile::Untrusted);
    assert!(has(&line(AgentKind::Claude), &["--setting-sources", "user"]));
    let codex = line(AgentKind::Codex);
    assert!(codex.args.iter().any(|arg| arg == r#"projects={"@DAYFLY_CWD@"={trust_level="untrusted"}}"#));
    for kind in [AgentKind::OpenCode, AgentKind::Gemini] {
        assert_eq!(line(kind).elsewhere.as_deref(), Some("@DAYFLY_DIR@/home/elsewhere"), "{}", kind.word());
    }
    assert!(!line(AgentKind::Copilot).args.contains(&"--trust-folder".to_owned()));
    for kind in KINDS {
        let job = JobSpec { profile: Profile::Trusted, ..test_job() };
        let trusted = command(config(kind), &job);
        assert!(trusted.elsewhere.is_none() && !has(&trusted, &["--setting-sources", "user"]), "{}", kind.word());
    }
}

#[test]
fn model_effort_turns_and_money_are_pinned_where_the_program_knows_them() {
    let mut job = JobSpec { model: Some("large".into()), ..test_job() };
    job.spend.usd_micros = Some(2_500_000);
    let set = |kind| AgentConfig {
        model: Some("small".into()),
        effort: Some("high".into()),
        turns: Some(30),
        ..config(kind)
    };
    let line = command(set(AgentKind::Claude), &job);
    for pair in [["--model", "large"], ["--effort", "high"], ["--max-turns", "30"], ["--max-budget-usd", "2.500000"]] {
        assert!(has(&line, &pair), "{pair:?}: {:?}", line.args);
    }
    let line = command(set(AgentKind::Codex), &job);
    assert!(has(&line, &["-m", "large"]) && has(&line, &["-c", "model_reasoning_effort=high"]));
    assert!(has(&command(set(AgentKind::OpenCode), &job), &["--variant", "high"]));
    let line = command(set(AgentKind::Gemini), &job);
    assert_eq!(json_of(&line, "home/.gemini/settings.json")["model"]["maxSessionTurns"], json!(30));
    assert!(has(&command(set(AgentKind::Copilot), &job), &["--reasoning-effort", "high"]));
    // Without them nothing is said, and what the user says stands.
    let line = command(config(AgentKind::Claude), &test_job());
    for flag in ["--model", "--effort", "--max-turns", "--max-budget-usd", "--json-schema"] {
        assert!(!line.args.iter().any(|arg| arg == flag), "{flag}");
    }
    let argv = ["claude", "--model=mine", "--permission-mode", "plan"].map(str::to_owned).to_vec();
    let line = command(AgentConfig { argv, ..set(AgentKind::Claude) }, &job);
    assert_eq!(line.args[..3], ["--model=mine", "--permission-mode", "plan"]);
    assert!(!has(&line, &["--model", "large"]) && !has(&line, &["--permission-mode", "dontAsk"]));
}

#[test]
fn a_structured_answer_is_held_against_the_stages_schema() {
    let line = command(config(AgentKind::Claude), &reading(AgentKind::Claude));
    let schema = &line.args[line.args.iter().position(|arg| arg == "--json-schema").unwrap() + 1];
    let schema: Value = serde_json::from_str(schema).unwrap();
    assert_eq!(schema["required"], json!(["effects", "summary", "verdict", "version"]));
    let line = command(config(AgentKind::Codex), &reading(AgentKind::Codex));
    assert!(has(&line, &["--output-schema", "@DAYFLY_DIR@/home/answer.schema.json"]));
    assert_eq!(json_of(&line, "home/answer.schema.json"), schema);
    assert!(!command(config(AgentKind::Codex), &test_job()).files.contains_key("home/answer.schema.json"));
    for kind in [AgentKind::OpenCode, AgentKind::Gemini, AgentKind::Copilot] {
        assert_eq!(agent(config(kind), &BTreeMap::new()).answers(), AnswerBy::File, "{}", kind.word());
    }
}

#[test]
fn state_is_the_attempts_own_or_the_accounts_or_what_the_user_passes_on() {
    let variable = |kind| match kind {
        AgentKind::Claude => "CLAUDE_CONFIG_DIR",
        AgentKind::Codex => "CODEX_HOME",
        AgentKind::OpenCode => "XDG_DATA_HOME",
        AgentKind::Gemini => "GEMINI_CLI_HOME",
        _ => "COPILOT_HOME",
    };
    let name = AccountName::new("work").unwrap();
    let account = AccountConfig {
        vendor: VendorName::new("any").unwrap(),
        state_dir: Some("/home/me/work".into()),
        billing: Billing::Subscription,
        proxy_key: None,
        upstream: None,
        pass_env: vec!["TOKEN_OF_WORK".into()],
        env: BTreeMap::from([("FROM".into(), "account".into())]),
        concurrency: None,
    };
    let accounts = BTreeMap::from([(name.clone(), account)]);
    for kind in KINDS {
        let own = command(config(kind), &test_job());
        assert!(own.env[variable(kind)].starts_with("@DAYFLY_DIR@/home"), "{}", kind.word());
        let job = JobSpec { account: Some(name.clone()), ..test_job() };
        let known = AgentConfig { accounts: vec![name.clone()], ..config(kind) };
        let shared = agent(known, &accounts).command(&job).unwrap();
        assert_eq!(shared.env[variable(kind)], "/home/me/work", "{}", kind.word());
        assert_eq!(
            (shared.env["FROM"].as_str(), shared.pass_env.as_slice()),
            ("account", ["TOKEN_OF_WORK".into()].as_slice())
        );
        // A login that is found by the user's own home is not hidden by an empty folder.
        for passed in ["HOME", variable(kind)] {
            let passing = AgentConfig { pass_env: vec![passed.into()], ..config(kind) };
            assert!(!command(passing, &test_job()).env.contains_key(variable(kind)), "{} {passed}", kind.word());
        }
        let unknown = agent(config(kind), &accounts).command(&job).unwrap_err().to_string();
        assert!(unknown.contains("no account `work`"), "{unknown}");
    }
}

#[test]
fn a_prompt_of_any_size_is_handed_over() {
    for kind in KINDS {
        let line = command(config(kind), &test_job());
        assert_eq!(line.prompt, PromptVia::Stdin, "{}", kind.word());
        assert!(!line.args.iter().any(|arg| arg.contains(&test_job().prompt)), "{}", kind.word());
    }
    let prompt = "ä".repeat(1_048_001);
    let job = JobSpec { prompt: prompt.clone(), ..test_job() };
    let line = command(config(AgentKind::Codex), &job);
    assert_eq!((line.prompt, &line.files["home/prompt.md"]), (PromptVia::Arguments, &prompt));
    assert!(line.args.last().unwrap().contains("@DAYFLY_DIR@/home/prompt.md") && !line.args.contains(&"-".to_owned()));
    assert_eq!(command(config(AgentKind::Claude), &job).prompt, PromptVia::Stdin);
}

#[test]
fn what_the_configuration_sets_comes_last_and_a_bad_catalog_is_told_with_its_place() {
    let mut user = config(AgentKind::Claude);
    user.env.insert("CLAUDE_CODE_MAX_RETRIES".into(), "0".into());
    user.catalog =
        Some("version = 1\n[[launch]]\nname = \"model\"\nargs = [\"--model-of-mine\", \"@MODEL@\"]\n".into());
    let job = JobSpec { model: Some("m".into()), ..test_job() };
    let line = command(user.clone(), &job);
    assert_eq!(line.env["CLAUDE_CODE_MAX_RETRIES"], "0");
    assert!(has(&line, &["--model-of-mine", "m"]) && line.redact.contains(&"ANTHROPIC_API_KEY".to_owned()));

    user.catalog = Some("version = 1\n\n[[launch]]\nname = \"model\"\nargz = []\n".into());
    let bad = agent(user, &BTreeMap::new());
    let AgentError::Misconfigured { problem, .. } = bad.command(&job).unwrap_err() else { panic!() };
    assert!(problem.contains("line 5") && problem.contains("argz"), "{problem}");
    assert!(
        agent(AgentConfig { argv: Vec::new(), ..config(AgentKind::Codex) }, &BTreeMap::new()).command(&job).is_err()
    );
}
