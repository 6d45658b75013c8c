//! What agents find in a repository by themselves: instructions, skills, commands, settings.

mod tree;

use std::collections::BTreeMap;

use dayfly_core::{AgentConfig, AgentKind, AgentName, Commit, Portfolio, Profile, Project, Stage, StageRun, Trust};
use dayfly_runner::{Catalog, ContextKind, ContextRule, Git, context_files};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Serialize;

use super::super::agent::asked;
use super::Check;
use crate::context::at_home;
use crate::tables::count;

/// The most names in a row.
const NAMES: usize = 12;

/// What an agent finds in a project.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Found {
    project: String,
    agent: AgentName,
    /// The profile under which work of people with write permission is done.
    profile: Profile,
    trusted: Seen,
    untrusted: Seen,
}

/// What is found under one profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Seen {
    instructions: Vec<String>,
    skills: Vec<String>,
    commands: Vec<String>,
    settings: Vec<String>,
}

/// A check for each agent that works in the project, and for each stage that relies on skills.
pub(super) async fn checks(portfolio: &Portfolio, project: &Project) -> Vec<Check> {
    // The program of a session is started by nobody's catalog.
    if project.runner.session().is_some() {
        return Vec::new();
    }
    match files(project).await {
        Some(files) => judge(portfolio, project, &files),
        // Why there are none is told by the project's own check.
        None => Vec::new(),
    }
}

async fn files(project: &Project) -> Option<Vec<String>> {
    if !project.repository {
        return Some(tree::files(&project.path));
    }
    let (git, commit) = at_base(project).await?;
    git.files_at(&commit).await.ok()
}

/// The repository of a project, and where its base branch stands.
pub(super) async fn at_base(project: &Project) -> Option<(Git, Commit)> {
    let git = Git::open(&project.path).await.ok()?;
    let commit = git.branch(&project.base).await.ok()??;
    Some((git, commit))
}

/// The agents that work in a project, each with its stages.
pub(super) fn at_work(project: &Project) -> BTreeMap<&AgentName, Vec<&Stage>> {
    let mut agents: BTreeMap<&AgentName, Vec<&Stage>> = BTreeMap::new();
    for stage in project.pipeline.stages.iter().filter(|stage| stage.run == StageRun::Agent) {
        for choice in asked(stage) {
            let stages = agents.entry(&choice.agent).or_default();
            if !stages.iter().any(|known| known.name == stage.name) {
                stages.push(stage);
            }
        }
    }
    agents
}

fn judge(portfolio: &Portfolio, project: &Project, files: &[String]) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, stages) in at_work(project) {
        let Some(agent) = portfolio.agents.get(name) else { continue };
        let looked = Looked { portfolio, project, name, agent, files };
        let catalog = Catalog::of(agent.kind, agent.catalog.as_deref()).ok();
        let found = catalog.as_ref().and_then(|catalog| looked.found(catalog));
        checks.extend(found.iter().map(|found| looked.check(found, catalog.as_ref())));
        for stage in stages.into_iter().filter(|stage| !stage.skills.is_empty()) {
            checks.extend(looked.skills(stage, catalog.as_ref(), found.as_ref()));
        }
    }
    checks
}

/// One agent in one project.
struct Looked<'a> {
    portfolio: &'a Portfolio,
    project: &'a Project,
    name: &'a AgentName,
    agent: &'a AgentConfig,
    files: &'a [String],
}

impl Looked<'_> {
    /// What it finds; nothing if it is not known what it looks for.
    fn found(&self, catalog: &Catalog) -> Option<Found> {
        let known = [Profile::Trusted, Profile::Untrusted].iter().any(|profile| !catalog.context(*profile).is_empty());
        known.then(|| Found {
            project: self.project.name.to_string(),
            agent: self.name.clone(),
            profile: self.project.profile(Trust::Writer),
            trusted: seen(&catalog.context(Profile::Trusted), self.files),
            untrusted: seen(&catalog.context(Profile::Untrusted), self.files),
        })
    }

    fn check(&self, found: &Found, catalog: Option<&Catalog>) -> Check {
        let profile = found.profile.word();
        let what = format!("project {}: context for {} ({profile})", self.project.name, self.name);
        let now = found.under(found.profile);
        let hidden = found.trusted.without(now);
        let mut check = Check::good(what.clone(), now.to_string());
        if hidden != Seen::default() {
            let remedy = format!(
                "set `trusted = true` in [projects.{}] if all who can change the repository may run programs as you",
                self.project.name
            );
            check = Check::note(what, format!("{now}; hidden from it: {hidden}"), remedy);
        } else if found.profile == Profile::Trusted
            && let Some((there, wanted)) = catalog.and_then(|catalog| self.others(found, catalog))
        {
            let found = format!("{now}; it does not read {}", named(&there));
            let remedy = format!("commit a link: `ln -s {} {wanted}`", there[0]);
            check = Check::note(what, found, remedy);
        }
        check.context = Some(found.clone());
        check
    }

    /// The instructions for other agents, where there are none for this one, and the file that it would read.
    fn others(&self, found: &Found, catalog: &Catalog) -> Option<(Vec<String>, String)> {
        let rules = catalog.context(Profile::Trusted);
        let is_told = |rule: &&&ContextRule| rule.what == ContextKind::Instructions;
        let wanted =
            rules.iter().filter(is_told).flat_map(|rule| &rule.files).find(|file| !file.contains(['*', '/']))?;
        if !found.trusted.instructions.is_empty() {
            return None;
        }
        let others = AgentKind::ALL.into_iter().flat_map(|kind| context_files(kind, Profile::Trusted));
        let others: Vec<ContextRule> = others.filter(|rule| rule.what == ContextKind::Instructions).collect();
        let there = seen(&others.iter().collect::<Vec<_>>(), self.files).instructions;
        let there: Vec<String> = there.into_iter().filter(|file| !file.contains('/')).collect();
        (!there.is_empty()).then(|| (there, wanted.clone()))
    }

    /// What is wrong with the skills that a stage relies on.
    fn skills(&self, stage: &Stage, catalog: Option<&Catalog>, found: Option<&Found>) -> Option<Check> {
        let what = format!("project {}: skills of stage {} for {}", self.project.name, stage.name, self.name);
        if self.agent.kind == AgentKind::Command {
            let found = format!("only {} itself can tell whether it finds {}", self.name, named(&stage.skills));
            let remedy = "have it print a record with the skills it found: docs/agents.md has the form";
            return Some(Check::note(what, found, remedy));
        }
        if !catalog.is_some_and(Catalog::tells_skills) {
            let found = format!("{} does not tell which skills it found: each attempt would be refused", self.name);
            let remedy = "take another agent for the stage, or take `skills` out of it and put them into its prompt";
            return Some(Check::bad(what, found, remedy));
        }
        let found = found?;
        let missing = |seen: &Seen| -> Vec<String> {
            let skills = stage.skills.iter().filter(|skill| !seen.has(skill) && !self.has_own(skill));
            skills.cloned().collect()
        };
        let gone = missing(found.under(found.profile));
        if gone.is_empty() {
            return Some(Check::good(what, stage.skills.join(", ")));
        }
        let there = missing(&found.trusted);
        let told = format!("not found: {} (profile {})", named(&gone), found.profile.word());
        if there.is_empty() {
            let remedy = format!("set `trusted = true` in [projects.{}], or take `skills` out", self.project.name);
            return Some(Check::bad(what, told, remedy));
        }
        let rules = catalog.map(|catalog| catalog.context(Profile::Trusted)).unwrap_or_default();
        let globs = rules.iter().filter(|rule| rule.what == ContextKind::Skill).flat_map(|rule| &rule.files);
        let places: Vec<String> = globs.map(|glob| glob.replacen('*', &there[0], 1)).collect();
        if let Some(link) = self.files.iter().find(|file| places.iter().any(|place| is_below(place, file))) {
            let found = format!("{told}, as far as is known: {link} is a link, and links are not followed here");
            return Some(Check::note(what, found, "see that it leads there"));
        }
        let place = places.first().map_or_else(|| "it".into(), |place| format!("`{place}`"));
        let them = if there.len() == 1 { "commit" } else { "commit each, such as" };
        Some(Check::bad(what, told, format!("{them} {place} on {}, or mend `skills`", self.project.base)))
    }

    /// Whether a skill is one of an account's own, or of a plugin, which nothing here knows.
    fn has_own(&self, skill: &str) -> bool {
        let accounts = self.agent.accounts.iter().filter_map(|name| self.portfolio.accounts.get(name));
        let mut folders = accounts.filter_map(|account| account.state_dir.as_ref()).map(|dir| at_home(dir));
        let places = [format!("skills/{skill}/SKILL.md"), format!("commands/{skill}.md")];
        skill.contains(':') || folders.any(|dir| places.iter().any(|place| dir.join(place).exists()))
    }
}

impl Found {
    fn under(&self, profile: Profile) -> &Seen {
        match profile {
            Profile::Trusted => &self.trusted,
            Profile::Untrusted => &self.untrusted,
        }
    }
}

/// What rules find among files. The files of one rule are in the order of its globs.
fn seen(rules: &[&ContextRule], files: &[String]) -> Seen {
    let mut seen = Seen::default();
    for rule in rules {
        if !rule.unless.is_empty() && matching(&rule.unless, files).next().is_some() {
            continue;
        }
        let list = match rule.what {
            ContextKind::Instructions => &mut seen.instructions,
            ContextKind::Skill => &mut seen.skills,
            ContextKind::Command => &mut seen.commands,
            _ => &mut seen.settings,
        };
        for file in matching(&rule.files, files) {
            let name = match rule.what {
                ContextKind::Skill => skill_name(file),
                ContextKind::Command => command_name(file),
                _ => file.to_owned(),
            };
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }
    seen
}

fn matching<'f>(globs: &[String], files: &'f [String]) -> impl Iterator<Item = &'f str> {
    let set = glob_set(globs);
    files.iter().map(String::as_str).filter(move |file| set.is_match(file))
}

/// A glob that is none finds nothing: the catalog's own check tells what is wrong with it.
fn glob_set(globs: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs.iter().filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

fn is_below(place: &str, file: &str) -> bool {
    place.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'))
}

/// `close` of `.claude/skills/close/SKILL.md`.
fn skill_name(file: &str) -> String {
    let mut parts = file.rsplit('/');
    let last = parts.next().unwrap_or_default();
    let name = if last.eq_ignore_ascii_case("SKILL.md") { parts.next().unwrap_or(last) } else { stem(last) };
    name.to_owned()
}

/// `git:push` of `.claude/commands/git/push.md`.
fn command_name(file: &str) -> String {
    let below = ["/commands/", "/command/", "/prompts/"].iter().find_map(|dir| Some(file.split_once(dir)?.1));
    stem(below.unwrap_or(file)).replace('/', ":")
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

impl Seen {
    fn has(&self, skill: &str) -> bool {
        self.skills.iter().chain(&self.commands).any(|name| name == skill)
    }

    fn without(&self, other: &Seen) -> Seen {
        let less = |all: &[String], some: &[String]| all.iter().filter(|file| !some.contains(file)).cloned().collect();
        Seen {
            instructions: less(&self.instructions, &other.instructions),
            skills: less(&self.skills, &other.skills),
            commands: less(&self.commands, &other.commands),
            settings: less(&self.settings, &other.settings),
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = gathered(&self.instructions);
        for (what, names) in [("skill", &self.skills), ("command", &self.commands)] {
            if !names.is_empty() {
                let plural = if names.len() == 1 { "" } else { "s" };
                parts.push(format!("{what}{plural} {}", named(names)));
            }
        }
        if !self.settings.is_empty() {
            parts.push(format!("settings {}", gathered(&self.settings).join(", ")));
        }
        f.write_str(&if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") })
    }
}

/// Files by name; those of one folder, and those of one name in several folders, together.
fn gathered(files: &[String]) -> Vec<String> {
    let parts = |file: &'_ str| file.rsplit_once('/').map(|(dir, name)| (dir.to_owned(), name.to_owned()));
    let mut told: Vec<String> = Vec::new();
    for file in files {
        let Some((dir, name)) = parts(file) else {
            told.push(file.clone());
            continue;
        };
        let others = || files.iter().filter_map(|file| parts(file));
        let together = others().filter(|(other, _)| *other == dir).count();
        let apart = others().filter(|(_, other)| *other == name).count();
        let text = match (together, apart) {
            (1, 1) => file.clone(),
            (1, apart) => format!("{name} in {}", count(apart, "folder")),
            (together, _) => format!("{} in {dir}", count(together, "file")),
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}

/// The first names of a list, and how many more there are.
fn named(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMES);
    let mut text = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests;
