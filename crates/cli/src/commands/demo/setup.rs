//! Makes the demo's repositories, issues and configuration.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use camino::Utf8Path;
use dayfly_core::{NewIssue, ProjectName};
use tokio::process::Command;

use crate::context::{Context, FILE};
use crate::error::CliError;

const CONFIG: &str = include_str!("dayfly.toml");
const AGENT: &str = include_str!("agent.sh");

/// A file of a repository: its path and text.
type File = (&'static str, &'static str);

const GREETER: [File; 4] = [
    ("README.md", "# greeter\n\nSays hello.\n"),
    ("greet.sh", "#!/bin/sh\necho \"Hello, world!\"\n"),
    (
        "test.sh",
        "#!/bin/sh\n# Runs every test; a test is a script that fails when something is wrong.\nset -eu\nfor test in tests/*.sh; do echo \"test $test\"; sh \"$test\"; done\necho \"all tests passed\"\n",
    ),
    ("tests/hello.sh", "[ \"$(sh greet.sh)\" = \"Hello, world!\" ]\n"),
];
const GREETER_GATES: &str = "[[command]]\nname = \"tests\"\nrun = [\"sh\", \"test.sh\"]\ntimeout = \"1m\"\n";

const HANDBOOK: [File; 2] = [
    ("README.md", "# handbook\n\nHow we work here.\n"),
    (
        "check.sh",
        "#!/bin/sh\n# Every page begins with a title.\nset -eu\nfor page in *.md; do head -n 1 \"$page\" | grep -q '^# ' || { echo \"$page has no title\"; exit 1; }; done\n",
    ),
];
const HANDBOOK_GATES: &str = "[[command]]\nname = \"pages\"\nrun = [\"sh\", \"check.sh\"]\n";

const CLOCK: [File; 3] = [
    ("README.md", "# clock\n\nTells the time.\n"),
    ("clock.sh", "#!/bin/sh\nif true; then\n  date +%H:%M\n"),
    (
        "build.sh",
        "#!/bin/sh\n# Builds: a script builds when the shell can read it.\nset -eu\nfor script in *.sh; do sh -n \"$script\"; done\necho \"built\"\n",
    ),
];
const CLOCK_GATES: &str = "[[command]]\nname = \"build\"\nrun = [\"sh\", \"build.sh\"]\n";

/// The issues: project, title, text, milestone.
const ISSUES: [(&str, &str, &str, Option<&str>); 7] = [
    (
        "greeter",
        "Greet by name",
        "`greet.sh Ada` should say \"Hello, Ada!\". Without a name it says what it says now.",
        Some("v1"),
    ),
    ("greeter", "Add shout.sh", "`shout.sh` says the same in capital letters.", Some("v1")),
    ("greeter", "Set the default language", "Greetings should come in a default language.", Some("v1")),
    (
        "handbook",
        "Write the onboarding guide",
        "New people need to know how their first day and their first week go.",
        None,
    ),
    ("clock", "The build is broken", "`build.sh` fails. Mend it.", None),
    ("clock", "Show the seconds", "The clock should show seconds, too.", None),
    ("clock", "Make it faster", "It should be much faster.", None),
];

/// Makes everything in `dir`.
pub(super) async fn make(dir: &Utf8Path) -> Result<(), CliError> {
    write(&dir.join(FILE), CONFIG)?;
    write(&dir.join("agent.sh"), AGENT)?;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.join("agent.sh"), executable).map_err(|err| CliError::files(dir, err))?;
    let repositories: [(&str, &[File], &str); 3] =
        [("greeter", &GREETER, GREETER_GATES), ("handbook", &HANDBOOK, HANDBOOK_GATES), ("clock", &CLOCK, CLOCK_GATES)];
    for (name, files, gates) in repositories {
        let repository = dir.join("repos").join(name);
        for (path, text) in files {
            write(&repository.join(path), text)?;
        }
        write(&repository.join(".dayfly/gates.toml"), gates)?;
        git(&repository, &["init", "--quiet", "--initial-branch=main"]).await?;
        git(&repository, &["add", "--all"]).await?;
        git(&repository, &["commit", "--quiet", "--message", &format!("{name}: the beginning")]).await?;
    }
    write(&dir.join("issues/greeter/milestones.toml"), &milestones())?;
    let context = Context::load(Some(&dir.join(FILE)))?;
    for (project, title, body, milestone) in ISSUES {
        let project = ProjectName::new(project).map_err(|err| CliError::usage(err.to_string()))?;
        let new = NewIssue {
            title: title.into(),
            body: body.into(),
            labels: Vec::new(),
            milestone: milestone.map(str::to_owned),
            ..NewIssue::default()
        };
        context.files().create(&project, "ada", &new).await?;
    }
    Ok(())
}

/// A milestone that is due at the end of next month.
fn milestones() -> String {
    let today = jiff::Zoned::now().date();
    let due = today.last_of_month().tomorrow().map_or(today, jiff::civil::Date::last_of_month);
    format!("[[milestone]]\ntitle = \"v1\"\ndue = {due}\nstate = \"open\"\n")
}

fn write(path: &Utf8Path, text: &str) -> Result<(), CliError> {
    let files = |err| CliError::files(path, err);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(files)?;
    }
    std::fs::write(path, text).map_err(files)
}

async fn git(dir: &Utf8Path, args: &[&str]) -> Result<(), CliError> {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args).stdin(Stdio::null());
    for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().await.map_err(|err| {
        CliError::environment("cannot run git").with_source(err).hint("install git; `dayfly doctor` checks the rest")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CliError::environment(format!("git {} failed in {dir}: {said}", args[0])))
}
