//! What a report is made from.

use async_trait::async_trait;
use dayfly_core::{Applied, Milestone, TrackerError, TrackerWrite};
use tokio::sync::Barrier;

use super::*;

/// A tracker that answers nobody before all have asked, as one does that looks at all of its repositories in one go.
#[derive(Debug)]
struct Together(Barrier);

#[async_trait]
impl Tracker for Together {
    async fn issues(&self, _: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.0.wait().await;
        Ok(Vec::new())
    }

    async fn milestones(&self, _: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        Ok(Vec::new())
    }

    async fn apply(&self, project: &ProjectName, _: &str, _: &TrackerWrite) -> Result<Applied, TrackerError> {
        Err(TrackerError::Unavailable { project: project.clone(), source: "it is read only".into() })
    }
}

#[tokio::test]
async fn all_projects_are_read_at_once() {
    let projects: String = (0..500).map(|n| format!("[projects.p{n}]\npath = \"p{n}\"\n")).collect();
    let text = format!("version = 1\n[agents.script]\nkind = \"command\"\nargv = [\"a\"]\n{projects}");
    let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("no files".into())).unwrap();
    let tracker = Together(Barrier::new(500));
    let from = Sources { store: None, tracker: &tracker, forge: None };
    let seen = overview(config.portfolio, from, Filter::default(), Timestamp::UNIX_EPOCH);
    let seen = tokio::time::timeout(Duration::from_secs(30), seen).await.expect("each waits for the others");
    assert_eq!(seen.unwrap().views.len(), 500);
}
