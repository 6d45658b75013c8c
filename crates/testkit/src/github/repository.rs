//! One repository, for tests.

use super::world::World;

/// One repository of the world.
#[derive(Debug, Clone)]
pub struct Repository {
    world: World,
    id: u64,
}

impl Repository {
    pub(crate) fn new(world: World, id: u64) -> Self {
        Self { world, id }
    }

    /// Its id, which stays when it is renamed.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its present full name.
    pub fn full_name(&self) -> String {
        let state = self.world.lock();
        state.full_name(&state.repos[&self.id])
    }
}
