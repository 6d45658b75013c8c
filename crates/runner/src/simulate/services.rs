//! The tracker and the forge of a simulated world: adapters that keep their contracts over services which promise less.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Applied, Forge, Issue, Milestone, ProjectName, Pull, PullApplied, PullWrite, Remote, Tracker, TrackerError,
    TrackerWrite,
};

use super::mutation::Mutation;
use super::time::later;
use super::world::{Answer, FaultKind, Request, World};

/// How long one way to a service takes.
const WAY: Duration = Duration::from_millis(300);
/// How long a request may be under way at the longest: what has not arrived by then never does.
const LONGEST: Duration = Duration::from_secs(90);
/// How long an answer is waited for.
const DEADLINE: Duration = Duration::from_secs(20);

/// The services of the simulated world, as the engine sees them.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) world: Arc<World>,
}

impl Services {
    fn unavailable(&self, project: &ProjectName, why: &'static str) -> TrackerError {
        TrackerError::Unavailable { project: project.clone(), source: why.into() }
    }

    async fn reach(&self, project: &ProjectName) -> Result<(), TrackerError> {
        tokio::time::sleep(WAY).await;
        if self.world.is_away(project) || self.world.fails(FaultKind::ServiceDown) {
            return Err(self.unavailable(project, "the connection was refused"));
        }
        Ok(())
    }

    /// Sends a write that may be found by `find`, and gives what the service answered. A write that was begun before and
    /// whose answer nobody has may still be under way: it is waited for until it has arrived, if it ever does.
    async fn once(
        &self,
        key: &str,
        mut request: Request,
        find: impl Fn() -> Option<Answer>,
    ) -> Result<Answer, TrackerError> {
        let (Request::Tracker(project, ..) | Request::Pull(project, ..)) = &request;
        let project = project.clone();
        let world = &self.world;
        let name = format!("{project} {key}");
        loop {
            self.reach(&project).await?;
            let until = world.look().begun.get(&name).copied().filter(|until| *until > world.time.true_now());
            let Some(until) = until.filter(|_| world.mutation != Some(Mutation::Quarantine)) else { break };
            tokio::time::sleep(world.time.until(until) + Duration::from_millis(1)).await;
        }
        if let Some(answer) = find().filter(|_| world.mutation != Some(Mutation::ReadBack)) {
            let mut inner = world.look();
            inner.begun.remove(&name);
            inner.seen.insert(key.to_owned());
            return Ok(answer);
        }
        let slow = world.fails(FaultKind::SlowWrite);
        let way = if slow { Duration::from_millis(world.look().dice.below(60_000)) + DEADLINE } else { WAY };
        let arrived = later(world.time.true_now(), LONGEST);
        let looks = world.mutation != Some(Mutation::ReadBack);
        world.look().prepare(&mut request, looks);
        world.look().begun.insert(name.clone(), arrived);
        let number = world.send(request, way);
        tokio::time::sleep(way.min(DEADLINE) + Duration::from_millis(1)).await;
        tokio::time::sleep(WAY).await;
        if slow || world.fails(FaultKind::AnswerLost) {
            return Err(self.unavailable(&project, "no answer came in time"));
        }
        let mut inner = world.look();
        inner.begun.remove(&name);
        let answer = inner.answers.remove(&number);
        answer.ok_or_else(|| self.unavailable(&project, "no answer came in time"))
    }
}

#[async_trait]
impl Tracker for Services {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.reach(project).await?;
        Ok(self.world.look().places.get(project).map(|place| place.listed()).unwrap_or_default())
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        let inner = self.world.look();
        let place = inner.places.get(project);
        Ok(place.map(|place| place.milestones.values().cloned().collect()).unwrap_or_default())
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        let find = || {
            let inner = self.world.look();
            let found = inner.places.get(project)?.find(key, write)?;
            Some(Answer::Tracker(Applied::Already(found)))
        };
        let request = Request::Tracker(project.clone(), key.to_owned(), write.clone(), false);
        match self.once(key, request, find).await? {
            Answer::Tracker(applied) => Ok(applied),
            Answer::NotFound(issue) => Err(TrackerError::NotFound { project: project.clone(), issue }),
            Answer::Pull(_) => Err(self.unavailable(project, "the answer was to another question")),
        }
    }

    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}

#[async_trait]
impl Forge for Services {
    async fn pulls(&self, project: &ProjectName, branches: &[String]) -> Result<Vec<Pull>, TrackerError> {
        self.reach(project).await?;
        let now = self.world.time.true_now();
        let mut inner = self.world.look();
        let Some(place) = inner.places.get_mut(project) else { return Ok(Vec::new()) };
        Ok(branches.iter().filter_map(|branch| place.shown(branch, now)).collect())
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &PullWrite) -> Result<PullApplied, TrackerError> {
        let find = || {
            let mut inner = self.world.look();
            let found = inner.places.get_mut(project)?.find_pull(key, write)?;
            Some(Answer::Pull(PullApplied::Already(found)))
        };
        let request = Request::Pull(project.clone(), key.to_owned(), write.clone(), false);
        match self.once(key, request, find).await? {
            Answer::Pull(applied) => Ok(applied),
            _ => Err(self.unavailable(project, "the answer was to another question")),
        }
    }

    async fn remote(&self, project: &ProjectName) -> Result<Remote, TrackerError> {
        self.reach(project).await?;
        Ok(Remote { url: format!("simulated/{project}"), authorization: None })
    }

    fn guards_writes(&self, _: &ProjectName) -> bool {
        true
    }
}
