//! Whether base branches have moved past what was looked at: from files alone, so that a briefing stays fast.

use std::fs;

use camino::Utf8PathBuf;
use dayfly_core::{Commit, Portfolio, Project, ProjectName, State};

use crate::engine::git_dir;

/// The projects whose base branch stands elsewhere than where the last look, or dayfly itself, left it. No process is
/// started; of a repository whose branches lie in no file nothing is said.
pub fn moved_since(portfolio: &Portfolio, state: &State) -> Vec<ProjectName> {
    let known = state.drift.iter().filter_map(|(name, record)| {
        let expected = record.expected.as_ref()?;
        let now = standing(portfolio, portfolio.projects.get(name)?)?;
        (now != *expected).then(|| name.clone())
    });
    known.collect()
}

/// Where the base branch of a project stands.
fn standing(portfolio: &Portfolio, project: &Project) -> Option<Commit> {
    let (dir, name) = match &project.forge {
        Some(_) => (git_dir(portfolio, &project.name), format!("refs/dayfly/remote/{}", project.base)),
        None => (common_dir(project)?, format!("refs/heads/{}", project.base)),
    };
    let packed = || {
        let text = fs::read_to_string(dir.join("packed-refs")).ok()?;
        text.lines().find_map(|line| Some(line.strip_suffix(&name)?.strip_suffix(' ')?.to_owned()))
    };
    let loose = fs::read_to_string(dir.join(&name)).ok();
    let commit = loose.map(|text| text.trim().to_owned()).or_else(packed)?;
    // A branch may stand for another one.
    commit.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(Commit(commit))
}

/// The git directory that all checkouts of a project share.
fn common_dir(project: &Project) -> Option<Utf8PathBuf> {
    let path = &project.path;
    let git = path.join(".git");
    let dir = if git.is_dir() {
        git
    } else if git.is_file() {
        let text = fs::read_to_string(git).ok()?;
        path.join(text.trim().strip_prefix("gitdir: ")?)
    } else {
        path.clone()
    };
    Some(match fs::read_to_string(dir.join("commondir")) {
        Ok(common) => dir.join(common.trim()),
        Err(_) => dir,
    })
}
