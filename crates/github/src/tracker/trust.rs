//! Whose word counts: who asked for work on an issue by a label, and whether they may.
//!
//! A label alone proves nothing: the form of a new issue puts labels on it for anybody.

use jiff::Timestamp;

use super::seen::{Details, Doing};

/// How somebody stands to the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Dayfly itself.
    Own,
    /// Another program.
    Program,
    /// A person with write permission.
    Writer,
    /// A person without, or nobody knows who.
    Stranger,
}

/// What the labels of an issue are worth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Approval {
    /// Who asked for work since the text was last changed by somebody who may not.
    pub(crate) by: Option<String>,
    /// Labels that ask for work, or for it soon, and were put on by somebody who may not ask.
    pub(crate) unproven: Vec<String>,
}

/// Something that was done, by somebody who stands so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed<'a> {
    pub(crate) at: Timestamp,
    pub(crate) login: Option<&'a str>,
    pub(crate) standing: Standing,
    pub(crate) what: &'a Doing,
}

/// What counts for the labels of one issue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// What was done to it, oldest first.
    pub(crate) deeds: &'a [Deed<'a>],
    /// When its text was last changed, and how whoever did it stands.
    pub(crate) edited: Option<(Timestamp, Standing)>,
    /// How its author stands.
    pub(crate) author: Standing,
    /// Its labels.
    pub(crate) labels: &'a [String],
    /// The labels that ask for work.
    pub(crate) entries: &'a [String],
    /// The labels that say how soon an issue's turn comes: they count as little as those, and approve nothing.
    pub(crate) ranks: &'a [String],
}

/// Who asked for work, and which labels count for nothing.
///
/// What dayfly itself puts on is neither: it only moves an issue on that was asked for. It takes an approval away no more
/// than it gives one, because it takes the label away when the work begins.
pub(crate) fn approval(question: Question<'_>) -> Approval {
    let asks = |label: &str| question.entries.iter().any(|entry| entry.eq_ignore_ascii_case(label));
    let mut by: Option<(Timestamp, Option<&str>)> = None;
    for deed in question.deeds {
        match (deed.what, deed.standing) {
            (Doing::Labelled(label), Standing::Writer) if asks(label) => by = Some((deed.at, deed.login)),
            (Doing::Unlabelled(label), Standing::Writer | Standing::Stranger) if asks(label) => by = None,
            (Doing::Renamed, Standing::Stranger | Standing::Program) => by = None,
            _ => {}
        }
    }
    let safe = |at: Timestamp| match question.edited {
        // In the same second, nobody knows which was first.
        Some((edited, standing)) => edited < at || matches!(standing, Standing::Writer | Standing::Own),
        None => true,
    };
    let by = by.filter(|(at, _)| safe(*at)).and_then(|(_, login)| login).map(str::to_owned);
    let ranks = |label: &str| question.ranks.iter().any(|rank| rank.eq_ignore_ascii_case(label));
    let counts = |label: &str| asks(label) || ranks(label);
    let unproven = question.labels.iter().filter(|label| counts(label) && !is_proven(&question, label));
    Approval { by, unproven: unproven.cloned().collect() }
}

fn is_proven(question: &Question<'_>, label: &str) -> bool {
    let puts_on = |deed: &&Deed<'_>| matches!(deed.what, Doing::Labelled(put) if put.eq_ignore_ascii_case(label));
    // A label without an event came with the issue.
    let by = question.deeds.iter().rfind(puts_on).map_or(question.author, |deed| deed.standing);
    matches!(by, Standing::Writer | Standing::Own)
}

impl Details {
    /// What was done, with how each stands.
    pub(crate) fn deeds<'a>(&'a self, standing: impl Fn(&super::seen::SeenEvent) -> Standing) -> Vec<Deed<'a>> {
        let mut deeds: Vec<_> = self
            .events
            .iter()
            .map(|event| Deed {
                at: event.at,
                login: event.actor.login(),
                standing: standing(event),
                what: &event.what,
            })
            .collect();
        deeds.sort_by_key(|deed| deed.at);
        deeds
    }
}

#[cfg(test)]
mod tests;
