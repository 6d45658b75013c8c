//! What can be taken out of the defences, to show that its lack is seen.

/// A defence that is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// The store takes appends of engines that were superseded.
    Fencing,
    /// The store takes what no longer follows from the present state.
    CompareAndSet,
    /// A write is done without looking whether it was done before.
    ReadBack,
    /// A write whose answer was lost is looked up before it can have arrived.
    Quarantine,
    /// What an engine that died left running is neither taken up nor ended.
    Recovery,
    /// How much a vendor takes is not learned from what it refuses.
    Capacity,
    /// A landing is told done, and is not. This is no defence, but what the check of landings is to see.
    Landing,
    /// It is never tried whether a vendor takes work again before the time that it stated.
    Probe,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Mutation; 8] = [
        Mutation::Fencing,
        Mutation::CompareAndSet,
        Mutation::ReadBack,
        Mutation::Quarantine,
        Mutation::Recovery,
        Mutation::Capacity,
        Mutation::Landing,
        Mutation::Probe,
    ];
}
