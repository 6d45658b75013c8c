//! The busy portfolio: five projects with issues as files, and one on a GitHub of its own.

use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

const AGENT: &str = include_str!("agent.sh");

/// The projects with issues as files, and their issues.
pub(crate) const FILES: [(&str, &[&str]); 5] = [
    ("alpha", &["Write one", "Write another", "Write a third"]),
    ("beta", &["Split the work", "Write beside it"]),
    ("gamma", &["Ask which door", "Gate is missed at first"]),
    ("delta", &["Stubborn children", "Stubborn children again"]),
    ("epsilon", &["Nothing is done", "Write after nothing"]),
];
/// The issues of the project on GitHub.
pub(crate) const WEB: [&str; 3] = ["Ask which door", "Split the house", "Write the plate"];
/// Its repository.
pub(crate) const REPO: &str = "ann/web";

/// What becomes of attempts whose engine has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterCrash {
    Adopt,
    End,
}

impl AfterCrash {
    pub(crate) fn word(self) -> &'static str {
        match self {
            AfterCrash::Adopt => "adopt",
            AfterCrash::End => "end",
        }
    }
}

/// Runs a command to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

pub(crate) fn git(dir: &Utf8Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let (code, text) = output(&mut command);
    assert_eq!(code, Some(0), "git {args:?} in {dir}: {text}");
    text
}

/// A program with nothing of whoever runs the test, but a home of its own.
pub(crate) fn dayfly(dir: &Utf8Path, token: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dayfly"));
    command.current_dir(dir).env_clear().env("HOME", dir.join("home")).env("TZ", "UTC").env("GITHUB_TOKEN", token);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

/// A folder of the test's own. Power is not cut here, so that memory serves as well as a disk, and faster.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Makes the repositories and issues that every world is a copy of.
pub(crate) fn template(dir: &Utf8Path) {
    std::fs::create_dir_all(dir.join("home")).unwrap();
    std::fs::create_dir_all(dir.join("book")).unwrap();
    std::fs::write(dir.join("agent.sh"), AGENT).unwrap();
    for (project, issues) in FILES {
        repository(&dir.join("repos").join(project));
        let folder = dir.join("issues").join(project);
        std::fs::create_dir_all(&folder).unwrap();
        for (at, title) in issues.iter().enumerate() {
            let text = format!("+++\nid = {}\ntitle = \"{title}\"\nauthor = \"ann\"\n+++\n\nPlease do.\n", at + 1);
            std::fs::write(folder.join(format!("{}.md", at + 1)), text).unwrap();
        }
    }
}

/// What lies in every repository: a gate that a wrong piece of work does not pass.
pub(crate) fn sources() -> [(&'static str, &'static str); 3] {
    [
        ("README.md", "# A house\n"),
        ("check.sh", "set -eu\nfor file in work-*; do [ ! -e \"$file\" ] || [ \"$(cat \"$file\")\" = right ]; done\n"),
        (".dayfly/gates.toml", "[[command]]\nname = \"check\"\nrun = [\"sh\", \"check.sh\"]\ntimeout = \"1m\"\n"),
    ]
}

fn repository(dir: &Utf8Path) {
    for (path, text) in sources() {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(dir, &["init", "--quiet", "--initial-branch=main"]);
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "--message", "the beginning"]);
}

/// A world's folder as a copy of the template.
pub(crate) fn copy(template: &Utf8Path, to: &Utf8Path) {
    let (code, text) = output(Command::new("cp").args(["-r", template.as_str(), to.as_str()]));
    assert_eq!(code, Some(0), "{text}");
}

/// The configuration of a world; `api` is where its GitHub is.
pub(crate) fn config(dir: &Utf8Path, api: Option<&str>, after_crash: AfterCrash) -> String {
    let mut text = format!(
        "version = 1\nconcurrency = 6\nafter-crash = \"{}\"\n\
         pipeline = [\"triage\", \"prep\", \"exec\", \"review\", \"merge\"]\n\
         [agents.script]\nkind = \"command\"\nargv = [\"sh\", \"{dir}/agent.sh\", \"{dir}/book\"]\n\
         [limits]\ngrace = \"1s\"\nissue-attempts = 1000\n\
         [retry]\nbase = \"20ms\"\nmax = \"200ms\"\ntransient = 1000\n\
         [capacity]\ncorrelated = 1000\n",
        after_crash.word()
    );
    if let Some(api) = api {
        text += &format!("[github]\napi = \"{api}\"\npoll = \"1s\"\nchecks-start = \"1s\"\n");
    }
    for (project, _) in FILES {
        text += &format!("[projects.{project}]\npath = \"repos/{project}\"\n");
    }
    if api.is_some() {
        text += &format!("[projects.web]\npath = \"repos/web\"\ngithub = \"{REPO}\"\nmerge = \"engine\"\n");
    }
    text
}

/// The folder of a world's issues of one project, by file.
pub(crate) fn issue_files(dir: &Utf8Path, project: &str) -> Vec<(Utf8PathBuf, String)> {
    let entries = std::fs::read_dir(dir.join("issues").join(project)).unwrap();
    let paths = entries.map(|entry| Utf8PathBuf::from_path_buf(entry.unwrap().path()).unwrap());
    let issues = paths.filter(|path| path.extension() == Some("md") && !path.file_name().unwrap().starts_with('.'));
    // A file that is just being replaced is read at the next look.
    let mut read: Vec<_> =
        issues.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect();
    read.sort();
    read
}
