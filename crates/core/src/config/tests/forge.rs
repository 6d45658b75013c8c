//! What has to do with a forge, or with the lack of one.

use super::read;

#[test]
fn no_agent_is_given_the_token_of_the_forge() {
    let text = |more: &str| {
        format!(
            "version = 1\npipeline = [\"exec\", \"merge\"]\n[agents.script]\nkind = \"command\"\nargv = [\"a\"]\n{more}\n\
             [projects.web]\npath = \"web\"\n"
        )
    };
    for more in ["pass-env = [\"GITHUB_TOKEN\"]", "env = { GH_TOKEN = \"x\" }"] {
        let problems = read(&text(more)).unwrap_err();
        assert!(problems.contains("write to the forge"), "{problems}");
    }
    read(&text("pass-env = [\"COPILOT_GITHUB_TOKEN\"]")).unwrap();
}

#[test]
fn a_plain_folder_inherits_what_fits_it() {
    let text = "version = 1\n[agents.script]\nkind = \"command\"\nargv = [\"a\"]\n\
                [projects.notes]\npath = \"notes\"\nkind = \"docs\"\nrepository = false\n";
    let portfolio = read(text).unwrap().portfolio;
    let stages = &portfolio.projects.values().next().unwrap().pipeline.stages;
    let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["triage", "prep", "exec", "review"]);
    assert!(stages.iter().all(|stage| !stage.gates.iter().any(crate::GateSpec::needs_commits)));
    let own = text.to_owned() + "[stages.exec]\ngates = [\"clean-tree\"]\n";
    assert!(read(&own).is_err(), "what is asked for by name is refused rather than left out");
}

/// Each issue would have been worked on twice.
#[test]
fn an_issue_is_the_business_of_one_project() {
    let text = |more: &str| {
        format!(
            "version = 1\n[agents.script]\nkind = \"command\"\nargv = [\"a\"]\n\
             [projects.web]\npath = \"web\"\ngithub = \"ann/web\"\n\
             [projects.site]\npath = \"site\"\ngithub = \"Ann/Web\"\n{more}\n"
        )
    };
    let problems = read(&text("")).unwrap_err();
    assert!(problems.contains("`site` and `web` both work at the issues of ann/web"), "{problems}");
    read(&text("tracker = \"markdown\"")).unwrap();
}

#[test]
fn a_token_is_sent_over_no_network_in_the_open() {
    let with = |api: &str| {
        let text = "version = 1\npipeline = [\"exec\", \"merge\"]\n[agents.script]\nkind = \"command\"\nargv = [\"a\"]\n\
                    [projects.web]\npath = \"web\"\ngithub = \"ann/web\"\n";
        read(&format!("{text}[github]\napi = \"{api}\"\n"))
    };
    for api in ["https://github.example.org/api/v3", "http://127.0.0.1:9/api/v3", "http://localhost", "http://[::1]:9"]
    {
        assert!(with(api).is_ok(), "{api}");
    }
    for api in [
        "http://github.example.org/api/v3",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org/",
        "http://localhost:x@example.org",
        "github.example.org",
    ] {
        let problems = with(api).err().unwrap_or_default();
        assert!(problems.contains("no address that a token may be sent to"), "{api}: {problems}");
    }
}
