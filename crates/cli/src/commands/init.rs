//! `dayfly init`: writes a commented dayfly.toml for repositories. It asks nothing that it can find out.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Config, ForgeRepo, ProjectName, SourceText};
use dayfly_runner::Git;

use crate::context::{FILE, here};
use crate::error::{CliError, Exit};
use crate::output::Output;

use super::doctor::{on_path, outside, repository_around};

struct Found {
    name: String,
    path: String,
    /// The root of its repository.
    root: Option<Utf8PathBuf>,
    base: String,
    docs: bool,
    gate: Option<&'static str>,
    /// Whether it has a remote, and so most likely other people.
    shared: bool,
    /// Its repository on GitHub, if its remote is one.
    github: Option<ForgeRepo>,
}

pub(crate) async fn run(output: &Output, paths: &[Utf8PathBuf], force: bool) -> Result<Exit, CliError> {
    let here = here()?;
    let file = here.join(FILE);
    if file.exists() && !force {
        return Err(CliError::usage(format!("{file} is there already")).hint("`--force` overwrites it"));
    }
    let own = [Utf8PathBuf::from(".")];
    let paths = if paths.is_empty() { &own } else { paths };
    let mut found: Vec<Found> = Vec::new();
    for path in paths {
        let repository = look(&here, path).await?;
        if let Some(twice) = found.iter().find(|f| f.path == repository.path) {
            return Err(CliError::usage(format!("{path} is named twice, as {}", twice.path)));
        }
        let taken =
            found.iter().filter(|f| f.name == repository.name || f.name.starts_with(&format!("{}-", repository.name)));
        let name = match taken.count() {
            0 => repository.name.clone(),
            n => format!("{}-{}", repository.name, n + 1),
        };
        found.push(Found { name, ..repository });
    }
    let claude = on_path("claude").is_some();
    let text = render(&found, state_dir(&here, &found).as_deref(), claude);
    // What is written is read back, so that it is never written wrong.
    Config::read(&SourceText::new(file.clone(), text.clone()), &mut |path| Err(format!("no {path}")))?;
    std::fs::write(&file, &text).map_err(|err| CliError::files(&file, err))?;
    let names: Vec<&str> = found.iter().map(|f| f.name.as_str()).collect();
    output.data(&serde_json::json!({ "file": file, "projects": names }), || {
        let agent = if claude || here.join("agent.sh").exists() {
            String::new()
        } else {
            "\nNo agent CLI is on PATH: write ./agent.sh, or name another program in [agents.script].".to_owned()
        };
        format!(
            "wrote {file} with {}\n{agent}\nNext:\n  dayfly doctor\n  dayfly issue new --project {} \"What is to be done\"\n  dayfly plan\n  dayfly run --until-idle",
            names.join(", "),
            names[0]
        )
    })?;
    Ok(Exit::Good)
}

async fn look(here: &Utf8Path, path: &Utf8Path) -> Result<Found, CliError> {
    let full = here.join(path);
    let full = full.canonicalize_utf8().map_err(|err| CliError::files(&full, err))?;
    let git = Git::open(&full).await.map_err(|err| {
        CliError::usage(format!("{path} is not a git repository"))
            .with_source(err)
            .hint("`git init` makes it one; a plain folder is added by hand, with `repository = false`")
    })?;
    let base = base_branch(&git).await?;
    let base = base.ok_or_else(|| {
        CliError::usage(format!("{path} has no commit")).hint("make a first commit: jobs start from one")
    })?;
    let name: String = full.file_name().unwrap_or("project").to_lowercase();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches('-').to_owned();
    let name = if ProjectName::new(name.clone()).is_ok() { name } else { "project".into() };
    let shown = full.strip_prefix(here).map_or_else(|_| full.clone(), Utf8Path::to_owned);
    let shown = if shown.as_str().is_empty() { ".".into() } else { shown.into_string() };
    let gate = gate_of(&full);
    let remotes = git.remotes().await?;
    let (shared, github) = (!remotes.is_empty(), remotes.get("origin").and_then(|url| on_github(url)));
    let root = repository_around(&full);
    Ok(Found { shared, github, name, path: shown, root, base, docs: gate.is_none() && is_docs(&full), gate })
}

/// The repository that the address of a remote on GitHub names.
fn on_github(url: &str) -> Option<ForgeRepo> {
    let rest = ["https://github.com/", "git@github.com:", "ssh://git@github.com/"];
    let rest = rest.iter().find_map(|start| url.strip_prefix(start))?;
    ForgeRepo::new(rest.trim_end_matches('/').trim_end_matches(".git")).ok()
}

/// Where the state is kept if the file lies inside a repository it names: not in there, too.
fn state_dir(here: &Utf8Path, found: &[Found]) -> Option<Utf8PathBuf> {
    let here = here.canonicalize_utf8().ok()?;
    let root = repository_around(&here)?;
    let project = found.iter().find(|f| f.root.as_ref() == Some(&root))?;
    let up: Utf8PathBuf = here.strip_prefix(root.parent()?).ok()?.components().map(|_| "..").collect();
    Some(up.join(outside(&root, &project.name).file_name()?))
}

/// The branch work lands on: the one checked out, or else `main` or `master`.
async fn base_branch(git: &Git) -> Result<Option<String>, CliError> {
    for name in [git.current_branch().await?, Some("main".into()), Some("master".into())].into_iter().flatten() {
        if git.branch(&name).await?.is_some() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The test command that the repository's files suggest.
fn gate_of(path: &Utf8Path) -> Option<&'static str> {
    let signs = [
        ("Cargo.toml", r#"["cargo", "test"]"#),
        ("package.json", r#"["npm", "test"]"#),
        ("go.mod", r#"["go", "test", "./..."]"#),
        ("pyproject.toml", r#"["pytest"]"#),
        ("Makefile", r#"["make", "test"]"#),
        ("test.sh", r#"["sh", "test.sh"]"#),
    ];
    signs.into_iter().find(|(file, _)| path.join(file).is_file()).map(|(_, run)| run)
}

fn is_docs(path: &Utf8Path) -> bool {
    let Ok(entries) = path.read_dir_utf8() else { return false };
    let names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_owned()).filter(|n| !n.starts_with('.')).collect();
    let text = names.iter().filter(|n| n.ends_with(".md") || n.ends_with(".txt") || *n == "docs").count();
    !names.is_empty() && text * 2 >= names.len()
}

fn render(found: &[Found], state_dir: Option<&Utf8Path>, claude: bool) -> String {
    let mut text = String::from(
        "# What dayfly looks after. `dayfly config show --defaults` lists every key with its default;\n\
         # `dayfly config check` says what is wrong, `dayfly doctor` what is missing.\n\
         version = 1\n\n",
    );
    if let Some(dir) = state_dir {
        text.push_str(&format!(
            "# The ledger and the jobs' working copies. They lie outside of the repository that this file is in: there,\n\
             # `git clean` would delete them, and tools that look into folders above would find your own checkout.\n\
             state-dir = {:?}\n\n",
            dir.as_str()
        ));
    }
    text.push_str(
        "# Where work is written down: a folder per project, a Markdown file per issue.\n\
         issues-dir = \"issues\"\n\
         # The most jobs at once on this host.\n\
         concurrency = 3\n",
    );
    if claude {
        text.push_str(
            "\n# Claude Code was found on PATH. HOME is passed on because its login is kept there.\n\
             [agents.claude]\nkind = \"claude\"\npass-env = [\"HOME\"]\n# model = \"sonnet\"\n",
        );
    } else {
        text.push_str(
            "\n# Any program can be an agent: it gets the prompt on standard input and starts in a working copy of\n\
             # its own, where it commits. docs/guide.md tells the rest.\n\
             [agents.script]\nkind = \"command\"\nargv = [\"./agent.sh\"]\n",
        );
    }
    for project in found {
        text.push_str(&format!("\n[projects.{}]\npath = {:?}\n", project.name, project.path));
        text.push_str(&format!("kind = \"{}\"\n", if project.docs { "docs" } else { "code" }));
        text.push_str(&format!("base = {:?}\n", project.base));
        text.push_str("# \"direct\": dayfly puts a finished change on the base branch. \"pull-request\": it leaves a branch to you.\n");
        let landing = if project.shared { "pull-request" } else { "direct" };
        if let Some(repo) = &project.github {
            text.push_str(&format!(
                "# With this line its issues are those on GitHub, and changes become pull requests there (docs/github.md):\n\
                 # github = \"{repo}\"\n"
            ));
        }
        let because = if project.shared { "  # because it has a remote" } else { "" };
        text.push_str(&format!("landing = \"{landing}\"{because}\n"));
        text.push_str("# Agents are told what matters most: focus = \"...\"\n");
        text.push_str(
            "# The repository is your own: agents read its instructions and skills, and may obey its settings and hooks.\n\
             trusted = true\n",
        );
        let run = project.gate.unwrap_or(r#"["./test.sh"]"#);
        text.push_str(&format!(
            "# What must pass before a change counts is named on the base branch, in {path}/.dayfly/gates.toml:\n\
             #   [[command]]\n#   name = \"tests\"\n#   run = {run}\n",
            path = project.path
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_on_github_names_its_repository_and_no_other_does() {
        for url in ["https://github.com/ann/web.git", "git@github.com:ann/web.git", "ssh://git@github.com/ann/web/"] {
            assert_eq!(on_github(url).map(|repo| repo.to_string()).as_deref(), Some("ann/web"), "{url}");
        }
        for url in
            ["https://github.com.example/ann/web", "https://example.org/ann/web", "/srv/web", "git@github.com:web"]
        {
            assert_eq!(on_github(url), None, "{url}");
        }
    }
}
