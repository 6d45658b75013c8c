//! Commits of the base branch that nobody accounts for, and commits that it lost.

use std::collections::BTreeMap;

use super::{BranchSeen, DriftInput, DriftKind, Evidence, Found, SeenCommit};

/// The most commits that a finding shows.
const MOST_SHOWN: usize = 20;

/// The mail addresses under which dayfly and agents commit.
const PROGRAMS: [&str; 6] = [
    "dayfly@localhost",
    "noreply@anthropic.com",
    "noreply@openai.com",
    "codex@openai.com",
    "copilot@github.com",
    "cursoragent@cursor.com",
];

/// How the addresses of programs at GitHub end.
const BOTS: &str = "[bot]@users.noreply.github.com";

/// How many commits are accounted for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) dayfly: usize,
    pub(super) people: usize,
}

/// Who an author is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// A person who answers for what they commit.
    Person,
    /// Somebody who is not among the people that the configuration lists.
    Unlisted,
    /// Dayfly, an agent or a bot.
    Program,
}

/// Who an author is, given as `name <mail>`. It is their own word: git proves nobody's name.
pub(super) fn standing(input: &DriftInput<'_>, author: &str) -> Author {
    let mail = mail(author).to_lowercase();
    match &input.portfolio.drift.people {
        Some(people) if people.iter().any(|person| self::mail(person).eq_ignore_ascii_case(&mail)) => Author::Person,
        _ if PROGRAMS.contains(&mail.as_str()) || mail.ends_with(BOTS) => Author::Program,
        Some(_) => Author::Unlisted,
        None => Author::Person,
    }
}

/// The mail address of `name <mail>`, or of one that stands alone.
fn mail(author: &str) -> &str {
    match author.rsplit_once('<') {
        Some((_, rest)) => rest.trim_end().trim_end_matches('>'),
        None => author.trim(),
    }
}

pub(super) fn look(found: &mut Found<'_>) -> Counts {
    let input = found.input;
    let seen = match &input.branch {
        Ok(seen) => seen,
        Err(why) => {
            for kind in [DriftKind::Commit, DriftKind::Gates, DriftKind::Pinned] {
                found.unseen.insert(kind, why.clone());
            }
            return Counts::default();
        }
    };
    lost(found, seen);
    if !seen.knows_baseline {
        let why = "the commit where it stood is gone: what came since cannot be told";
        found.unseen.insert(DriftKind::Commit, why.to_owned());
    }
    if seen.more {
        let most = seen.commits.len();
        found.unseen.insert(DriftKind::Commit, format!("more than {most} commits since: only the last were looked at"));
    }
    let mut counts = Counts::default();
    let mut strange: BTreeMap<&str, Vec<&SeenCommit>> = BTreeMap::new();
    let own = input.account.covers(&seen.commits);
    for commit in &seen.commits {
        if own.contains(&commit.commit) {
            counts.dayfly += 1;
        } else if standing(input, &commit.author) == Author::Person {
            counts.people += 1;
        } else {
            strange.entry(&commit.author).or_default().push(commit);
        }
    }
    let base = &input.project.base;
    for (author, commits) in strange {
        let what = match commits.as_slice() {
            [_] => format!("a commit on `{base}` that no job and no person accounts for, by {author}"),
            many => format!("{} commits on `{base}` that no job and no person accounts for, by {author}", many.len()),
        };
        let keeper = found.keeper();
        let who = if standing(input, author) == Author::Unlisted { format!("{author}, with {keeper}") } else { keeper };
        found.add(DriftKind::Commit, what, &who, commits.into_iter().take(MOST_SHOWN).map(shown).collect());
    }
    counts
}

/// What the branch held and does not hold any more.
fn lost(found: &mut Found<'_>, seen: &BranchSeen) {
    let input = found.input;
    let (base, record, keeper) = (&input.project.base, input.record, found.keeper());
    if let Some(before) = record.baseline.tip.as_ref().filter(|_| !seen.holds_baseline) {
        let what = format!("`{base}` was rewritten: it no longer holds {}, where it stood", before.short());
        let at = Some(record.baseline.at);
        let evidence = [
            Evidence { commit: Some(before.clone()), at, says: "it stood here".into(), ..Evidence::default() },
            Evidence { commit: Some(seen.tip.clone()), says: "it stands here now".into(), ..Evidence::default() },
        ];
        found.add(DriftKind::Commit, what, &keeper, evidence.into());
    }
    for gone in &seen.gone {
        let issue = input.account.ending_at(gone).map(|reach| reach.issue.to_string()).unwrap_or_default();
        let what = format!("`{base}` no longer holds {}, which landed for {issue}", gone.short());
        let says = format!("it landed for {issue}");
        let evidence = Evidence { commit: Some(gone.clone()), says, ..Evidence::default() };
        found.add(DriftKind::Commit, what, &keeper, vec![evidence]);
    }
}

pub(super) fn shown(commit: &SeenCommit) -> Evidence {
    Evidence {
        commit: Some(commit.commit.clone()),
        path: None,
        at: Some(commit.at),
        says: format!("{}: {}", commit.author, commit.subject),
    }
}
