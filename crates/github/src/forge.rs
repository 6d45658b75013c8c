//! GitHub as the forge of projects.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dayfly_core::{Forge, ForgeRepo, ProjectName, Pull, PullApplied, PullWrite, Remote, Secret, TrackerError};
use jiff::SignedDuration;

use crate::pulls::{Memory, Pulls};
use crate::tracker::fault::{Fault, chain};
use crate::{GitHub, GitHubError};

/// GitHub as the forge of projects: their branches and pull requests.
#[derive(Debug)]
pub struct GitHubForge {
    github: GitHub,
    projects: BTreeMap<ProjectName, ForgeRepo>,
    memory: Memory,
}

/// How long a write whose answer was lost may be under way.
const IN_FLIGHT: SignedDuration = crate::journal::IN_FLIGHT;

impl GitHubForge {
    /// The forge of these projects.
    pub fn new(github: GitHub, projects: impl IntoIterator<Item = (ProjectName, ForgeRepo)>) -> Self {
        Self { github, projects: projects.into_iter().collect(), memory: Memory::default() }
    }

    fn repo(&self, project: &ProjectName) -> Result<&ForgeRepo, TrackerError> {
        self.projects.get(project).ok_or_else(|| TrackerError::Refused {
            project: project.clone(),
            reason: "it has no repository on GitHub; set `github` in its section".into(),
        })
    }

    fn pulls_of<'a>(&'a self, repo: &'a ForgeRepo) -> Pulls<'a> {
        Pulls { github: &self.github, repo, memory: &self.memory }
    }

    fn told(&self, project: &ProjectName, error: GitHubError) -> TrackerError {
        match &error {
            // The next one with the same key looks for it, once it can no longer be under way.
            GitHubError::Indeterminate { .. } => {
                let until = self.github.now().checked_add(IN_FLIGHT).unwrap_or(jiff::Timestamp::MAX);
                TrackerError::Limited { project: project.clone(), reason: chain(&error), until }
            }
            _ => Fault::from(error).into_error(project),
        }
    }
}

#[async_trait]
impl Forge for GitHubForge {
    async fn pulls(&self, project: &ProjectName, branches: &[String]) -> Result<Vec<Pull>, TrackerError> {
        let pulls = self.pulls_of(self.repo(project)?).of_branches(branches).await;
        pulls.map_err(|error| self.told(project, error))
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &PullWrite) -> Result<PullApplied, TrackerError> {
        let applied = self.pulls_of(self.repo(project)?).apply(key, write).await;
        applied.map_err(|error| self.told(project, error))
    }

    async fn remote(&self, project: &ProjectName) -> Result<Remote, TrackerError> {
        let repo = self.repo(project)?;
        // git is led nowhere else: it is given the name that the repository has now.
        let moved = self.github.moved().await.map_err(|error| self.told(project, error))?;
        let repo = moved.iter().find(|moved| moved.from == *repo).map_or(repo, |moved| &moved.to);
        let token = self.github.git_token(repo).await.map_err(|error| self.told(project, error))?;
        // git's login is by name and password; the name is of no account.
        let login = STANDARD.encode(format!("x-access-token:{}", token.expose()));
        let authorization = Some(Secret::new(format!("Basic {login}")));
        Ok(Remote { url: self.github.transport().place.git(repo), authorization })
    }

    /// The journal knows what was begun, and since when it may be under way.
    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}
