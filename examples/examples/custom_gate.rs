//! A gate of one's own: every change must have its line in `CHANGELOG.md`.
//!
//! The agent, a shell script, forgets the line in its first attempt. The gate says what is missing, the engine puts
//! that into the next prompt, the agent mends it, and the change lands.
//!
//! ```text
//! cargo run -p dayfly-examples --example custom_gate
//! ```
//!
//! It prints how each attempt ended, what the second prompt said of the first attempt, and the landed changelog:
//!
//! ```text
//! app.1.exec.1: gate-failed: custom:changelog: CHANGELOG.md has no new line that ends with (#1)
//! app.1.exec.2: succeeded
//! app.1.merge.3: succeeded
//! the second prompt said: The work came back. `custom:changelog` says: CHANGELOG.md has no new line ...
//! CHANGELOG.md: - The door can be opened. (#1)
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use dayfly_core::{Commit, Gate, GateError, MemoryStore, Subject, Verdict, attempts};
use dayfly_examples::{Failure, Scratch, run_until_idle};
use dayfly_runner::{Engine, Git, GitError, attempt_dir, git_dir, read_all};

const FILE: &str = "CHANGELOG.md";

/// Passes a change that adds a line to the changelog which names its issue.
#[derive(Debug)]
struct Changelog {
    /// What attempts commit is there, and only what has landed in the user's own repository.
    trusted: Utf8PathBuf,
}

#[async_trait]
impl Gate for Changelog {
    fn name(&self) -> &str {
        "changelog"
    }

    async fn check(&self, subject: &Subject) -> Result<Verdict, GateError> {
        let Some(work) = &subject.work else {
            let reason = "it judges work: list it under `gates`, not under `admission`".into();
            return Err(GateError { gate: self.name().into(), reason, source: None });
        };
        // Read from the commits, and not from the working copy: what is judged is what would land.
        let (before, after) = (self.lines(&work.base).await?, self.lines(&work.commit).await?);
        let mark = format!("(#{})", subject.issue.id);
        if after.iter().any(|line| line.ends_with(&mark) && !before.contains(line)) {
            return Ok(Verdict::Pass);
        }
        // Both texts go to the agent as they are. Say what is wrong, and what would be right.
        Ok(Verdict::Fail {
            reason: format!("{FILE} has no new line that ends with {mark}"),
            tail: format!("Add a line such as: - What is different for those who use it. {mark}"),
        })
    }
}

impl Changelog {
    async fn lines(&self, commit: &Commit) -> Result<Vec<String>, GateError> {
        let failed = |err: GitError| GateError {
            gate: self.name().into(),
            reason: err.to_string(),
            source: Some(Box::new(err)),
        };
        let git = Git::open(&self.trusted).await.map_err(failed)?;
        let text = git.file_at(commit, FILE).await.map_err(failed)?;
        Ok(text.unwrap_or_default().lines().map(str::to_owned).collect())
    }
}

const AGENT: &str = r#"
set -eu
if grep -q '^The work came back.*custom:changelog'; then
    echo "- The door can be opened. (#$DAYFLY_ISSUE)" >> CHANGELOG.md
else
    echo 'open' > door.txt
fi
git add --all
git commit --quiet --message 'Open the door'
"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let agent = scratch.agent(AGENT)?;
    // A stage lists the gate by its name. It belongs at `merge`, too: there the landed commit itself is judged.
    let portfolio = scratch.portfolio(&format!(
        r#"
        version = 1
        pipeline = ["exec", "merge"]
        [agents.script]
        kind = "command"
        argv = ["sh", '{agent}']
        [stages.exec]
        gates = ["clean-tree", "new-commits", "protected-paths", "diff-size", "custom:changelog"]
        [stages.merge]
        gates = ["protected-paths", "diff-size", "custom:changelog"]
        [projects.app]
        path = "app"
        "#
    ))?;
    let issue = scratch.issue(&portfolio, "The door cannot be opened", "It should be open.").await?;

    let gate = Changelog { trusted: git_dir(&portfolio, &issue.project) };
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder(portfolio.clone()).store(store.clone()).gate(Arc::new(gate)).build();
    let summary = run_until_idle(&engine).await?;

    let tries = attempts(&read_all(&*store).await?)?;
    for attempt in &tries {
        println!("{}: {}", attempt.attempt, attempt.detail);
    }
    let ends: Vec<&str> = tries.iter().map(|attempt| attempt.end.as_str()).collect();
    assert_eq!(ends, ["gate-failed", "succeeded", "succeeded"], "refused, mended, landed");
    assert_eq!(summary.done, [issue]);

    let prompt = std::fs::read_to_string(attempt_dir(&portfolio, &tries[1].attempt).join("prompt.txt"))?;
    let told = prompt.lines().find(|line| line.starts_with("The work came back"));
    println!("the second prompt said: {}", told.ok_or("the second prompt does not say why the work came back")?);
    assert!(prompt.contains("has no new line that ends with (#1)") && prompt.contains("Add a line such as:"));

    let changelog = scratch.git(&["show", "main:CHANGELOG.md"])?;
    print!("{FILE}: {changelog}");
    assert_eq!(changelog, "- The door can be opened. (#1)\n");
    Ok(())
}
