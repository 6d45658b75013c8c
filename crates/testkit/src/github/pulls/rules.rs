//! What a branch asks of a pull request before it takes it.

/// The rules of a branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BranchRules {
    /// Checks and statuses that must succeed, by name.
    pub checks: Vec<String>,
    /// Whether the head must also have all of the base.
    pub up_to_date: bool,
    /// Whether changes come by pull request alone; also so if approvals are wanted.
    pub pull_request: bool,
    /// How many people with write permission must approve.
    pub approvals: usize,
    /// Whether a push takes approvals away.
    pub dismiss_stale: bool,
    /// Whether all threads of reviews must be resolved.
    pub threads_resolved: bool,
    /// Whether merges go through a queue.
    pub merge_queue: bool,
    /// The methods of merging that are allowed, such as `squash`; all, if there is none.
    pub methods: Vec<&'static str>,
}

impl BranchRules {
    /// Whether nobody may push to the branch past a pull request.
    pub(crate) fn refuses_pushes(&self) -> bool {
        self.pull_request || self.approvals > 0 || self.merge_queue || !self.checks.is_empty()
    }
}
