//! The state as a text for people, and for tests that keep it.

use std::fmt::Write as _;

use super::state::{Issue, Repo, State};

/// The whole state, repositories by their names.
pub(super) fn of(state: &State) -> String {
    let mut repos: Vec<&Repo> = state.repos.values().collect();
    repos.sort_by_key(|repo| state.full_name(repo));
    let mut told = String::new();
    for repo in repos {
        // Writing to a text cannot fail.
        let _ = writeln!(told, "{}", state.full_name(repo));
        milestones(repo, &mut told);
        for issue in repo.issues.values() {
            one(state, repo, issue, &mut told);
        }
    }
    told
}

fn milestones(repo: &Repo, told: &mut String) {
    for known in repo.milestones.values() {
        let mine = || repo.issues.values().filter(|issue| issue.milestone == Some(known.number));
        let open = mine().filter(|issue| issue.open).count();
        let due = known.due_on.map(|due| format!(", due {}", &due.to_string()[..10])).unwrap_or_default();
        let state = if known.open { "open" } else { "closed" };
        let _ = writeln!(told, "  {}: {state}, {} closed, {open} open{due}", known.title, mine().count() - open);
    }
}

fn one(state: &State, repo: &Repo, issue: &Issue, told: &mut String) {
    let login = |id: Option<u64>| id.and_then(|id| state.users.get(&id)).map_or("nobody", |user| user.login.as_str());
    let number = |id: &u64| state.issue(*id).map(|(_, other)| format!("#{}", other.number));
    let list = |name: &str, items: Vec<String>| match items.is_empty() {
        true => String::new(),
        false => format!(", {name} {}", items.join(" ")),
    };
    let labels = issue.labels.iter().filter_map(|id| repo.labels.get(id)).map(|label| label.name.clone());
    let stands = match (&issue.pull, issue.open) {
        (_, true) => "open".to_owned(),
        (Some(pull), false) if pull.is_merged() => "merged".to_owned(),
        (_, false) => issue.state_reason.clone().unwrap_or_else(|| "closed".to_owned()),
    };
    let milestone = issue.milestone.and_then(|number| repo.milestones.get(&number)).map(|known| known.title.clone());
    let kind = if issue.pull.is_some() { "pull request " } else { "" };
    let _ = writeln!(
        told,
        "  {kind}#{} {} by {}: {stands}{}{}{}{}{}",
        issue.number,
        issue.title,
        login(issue.author.user),
        list("labels", labels.collect()),
        list("in", milestone.into_iter().collect()),
        list("assigned to", issue.assignees.iter().map(|id| login(Some(*id)).to_owned()).collect()),
        list("parts", issue.children.iter().filter_map(number).collect()),
        list("waits for", issue.blocked_by.iter().filter_map(number).collect()),
    );
    quoted(issue.body.as_deref().unwrap_or_default(), "    ", told);
    for comment in repo.comments.values().filter(|comment| comment.issue == issue.number) {
        let hidden = if comment.minimised.is_some() { ", hidden" } else { "" };
        let _ = writeln!(told, "    {}{hidden}:", login(comment.author.user));
        quoted(&comment.body, "      ", told);
    }
}

fn quoted(text: &str, indent: &str, told: &mut String) {
    for line in text.lines() {
        let _ = writeln!(told, "{}", format!("{indent}| {line}").trim_end());
    }
}
