//! What somebody does, without HTTP.

use super::world::World;

/// Somebody with an account. What they do happens at once, as if in a browser.
#[derive(Debug, Clone)]
pub struct Person {
    world: World,
    id: u64,
    token: String,
}

impl Person {
    pub(crate) fn new(world: World, id: u64, token: String) -> Self {
        Self { world, id, token }
    }

    /// Their token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Their login.
    pub fn login(&self) -> String {
        self.world.lock().users[&self.id].login.clone()
    }
}
