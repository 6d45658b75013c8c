use dayfly_core::{AgentKind, Billing, ExitFacts, Profile};

use super::*;
use crate::agents::{Printed, classify};

const KINDS: [AgentKind; 5] =
    [AgentKind::Claude, AgentKind::Codex, AgentKind::OpenCode, AgentKind::Gemini, AgentKind::Copilot];

fn problem(text: &str) -> String {
    check_catalog(text, AgentKind::Claude).unwrap_err().to_string()
}

#[test]
fn every_built_in_catalog_is_whole_and_knows_the_version_it_was_tested_with() {
    for kind in KINDS {
        let catalog = Catalog::of(kind, None).unwrap();
        overlay::names(&table(built_in(kind).unwrap()).unwrap()).unwrap();
        assert!(!catalog.version_args().is_empty() && !catalog.keys().is_empty(), "{}", kind.word());
        let version = &catalog.tested()[0];
        for said in
            [version.clone(), format!("v{version}"), format!("{version} (Some Code)"), format!("some-cli {version}.\n")]
        {
            assert!(version_tested(kind, &said), "{}: {said}", kind.word());
        }
        assert!(!version_tested(kind, &format!("1{version}")) && !version_tested(kind, ""), "{}", kind.word());
    }
    assert!(matches!(Catalog::of(AgentKind::Command, None), Err(CatalogError::NoVendor)));
    assert!(!version_tested(AgentKind::Command, "1"));
}

#[test]
fn what_cannot_be_used_is_told_with_its_place_and_the_remedy() {
    for (text, parts) in [
        ("", vec!["`version = 0`", "begin the file with `version = 1`"]),
        ("version = 2", vec!["`version = 2`"]),
        ("version = 1\nretries = 3\n", vec!["line 2", "retries"]),
        ("version = 1\n[[end]]\nname = 'x'\nwhen = { 'a' = { equals = 1 } }\n", vec!["line 4", "equals"]),
        ("version = 1\n[[end]]\nname = 'x'\nend = 'tired'\n", vec!["line 4", "tired"]),
        ("version = 1\n[[end]]\nend = 'auth'\n", vec!["`end.` has no `name`"]),
        ("version = 1\n[[end]]\nname = 'x'\nend = 'auth'\n", vec!["`end.x` has no `when`"]),
        (
            "version = 1\n[[end]]\nname = 'x'\nwhen = { a = 1 }\nresets-say = 'soon'\n",
            vec!["`end.x` has a `resets-say` without a time"],
        ),
        ("version = 1\n[[end]]\nname = 'x'\n[[end]]\nname = 'x'\n", vec!["`end.x` is there twice"]),
        ("version = 1\n[[event]]\nname = 'y'\nwhen = { type = 'y' }\ntells = 'text'\n", vec!["`event.y`", "`text`"]),
        ("version = 1\n[[launch]]\nname = 'z'\nfiles = { '../x' = '' }\n", vec!["`launch.z` writes `../x`"]),
        ("version = ", vec!["line 1"]),
    ] {
        let said = problem(text);
        assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
}

#[test]
fn a_users_entry_changes_the_one_of_its_name_and_a_new_ending_comes_first() {
    let user = r#"
        version = 1
        tested = ["9.9.9"]
        [[end]]
        name = "gateway-says-later"
        when = { "result.is_error" = true, "result.api_error_status" = 500, "result.api_error_type" = "later" }
        end = "quota"
        scope = "account"
        resets = ["result.later"]
        [[event]]
        name = "opening"
        model = ["engine"]
        [[launch]]
        name = "print"
        env = { CLAUDE_CODE_MAX_RETRIES = "9" }
    "#;
    let catalog = Catalog::of(AgentKind::Claude, Some(user)).unwrap();
    assert!(catalog.is_tested("9.9.9") && !catalog.is_tested("2.1.329"));
    assert_eq!(catalog.form.end[0].name, "gateway-says-later");
    let print = catalog.form.launch.iter().find(|entry| entry.name == "print").unwrap();
    assert_eq!((print.env["CLAUDE_CODE_MAX_RETRIES"].as_str(), print.args[0].as_str()), ("9", "-p"));
    assert_eq!(print.env["DISABLE_TELEMETRY"], "1");

    let stdout = br#"{"type":"system","subtype":"init","engine":"mine","model":"theirs"}
{"type":"result","is_error":true,"api_error_status":500,"api_error_type":"later","later":"2027-01-01T00:00:00Z"}"#;
    let exit = ExitFacts { code: Some(1), ..ExitFacts::default() };
    let printed = Printed { stdout, stderr: b"" };
    let ending = classify(AgentKind::Claude, Some(user), printed, exit).unwrap();
    assert_eq!(ending.end.to_string(), "quota: comes back at 2027-01-01T00:00:00Z");
    assert_eq!(ending.model.as_deref(), Some("mine"));
    assert_eq!(classify(AgentKind::Claude, None, printed, exit).unwrap().end.word(), "provider-down");
    assert!(classify(AgentKind::Claude, Some("version = 7"), printed, exit).is_err());
}

#[test]
fn what_is_read_and_what_pays_is_known() {
    for kind in KINDS {
        let catalog = Catalog::of(kind, None).unwrap();
        let text =
            |profile| catalog.context(profile).iter().filter(|rule| rule.what == ContextKind::Instructions).count();
        let left = usize::from(kind == AgentKind::Gemini);
        assert!(text(Profile::Trusted) > left && text(Profile::Untrusted) == left, "{}", kind.word());
        assert!(!catalog.context(Profile::Untrusted).iter().any(|rule| rule.what == ContextKind::Settings));
    }
    let keys = Catalog::of(AgentKind::Claude, None).unwrap();
    let billing = |name| keys.keys().iter().find(|key| key.name == name).map(|key| key.billing);
    assert_eq!(billing("ANTHROPIC_API_KEY"), Some(Billing::ApiKey));
    assert_eq!(billing("CLAUDE_CODE_OAUTH_TOKEN"), Some(Billing::Subscription));
}
