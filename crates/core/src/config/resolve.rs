//! From the file's form to resolved values: defaults filled in, names and paths checked.

mod agents;
mod budget;
mod drift;
mod effects;
mod github;
mod sandbox;
mod session;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use toml::Spanned;

use crate::{
    Access, AgentName, AnswerRule, Choice, Fallback, GateSpec, Labels, Pipeline, Portfolio, Project, ProjectKind,
    ProjectName, PromptTemplate, Stage, StageName, StageRun,
};

use super::raw::{self, Raw, Section};
use super::{Problem, ReadFile, SourceText};

use sandbox::merge_sandbox;
use values::merge_limits;

pub(super) struct Resolver<'a> {
    source: &'a SourceText,
    read_file: &'a mut ReadFile<'a>,
    problems: &'a mut Vec<Problem>,
}

/// What projects fall back to.
struct Shared {
    pipeline: Spanned<Vec<String>>,
    loop_backs: u32,
    protected: Vec<String>,
    limits: raw::Limits,
    sandbox: raw::Sandbox,
    stages: BTreeMap<String, Section<raw::Stage>>,
    own_stages: BTreeMap<String, Section<raw::Stage>>,
    agents: Vec<AgentName>,
    labels: Labels,
}

impl Shared {
    fn run_of(&self, stage: &str) -> Option<StageRun> {
        let run = |stages: &BTreeMap<String, Section<raw::Stage>>| stages.get(stage).and_then(|s| s.value.run);
        run(&self.own_stages).or_else(|| run(&self.stages))
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        source: &'a SourceText,
        read_file: &'a mut (dyn FnMut(&Utf8Path) -> Result<String, String> + 'a),
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self { source, read_file, problems }
    }

    fn problem(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem { span, message: message.into(), help: help.into() });
    }

    /// A path of the file, taken from the file's folder.
    fn path(&self, path: &str) -> Utf8PathBuf {
        let folder = self.source.path.parent().unwrap_or(Utf8Path::new(""));
        folder.join(path)
    }

    pub(super) fn portfolio(mut self, defaults: Raw, user: Raw) -> Option<Portfolio> {
        if let Some(version) = user.root.version.as_ref().filter(|v| *v.get_ref() != 1) {
            let message = format!("version {} is not known", version.get_ref());
            self.problem(version.span(), message, "this program reads `version = 1`");
        }
        let accounts = self.accounts(&user.accounts);
        let mut agents = self.agents(&user.agents, &accounts);
        let root = &user.root;
        let built_in = &defaults.root;
        let mut protected = built_in.protected.clone().map(Spanned::into_inner).unwrap_or_default();
        protected.extend(root.protected.clone().map(Spanned::into_inner).unwrap_or_default());
        let shared = Shared {
            pipeline: root.pipeline.clone().or_else(|| placeless(built_in.pipeline.as_ref()))?,
            loop_backs: self.times(root.loop_backs.as_ref().or(built_in.loop_backs.as_ref())?),
            protected,
            limits: merge_limits(&defaults.limits, &user.limits),
            sandbox: merge_sandbox(&defaults.sandbox, &user.sandbox),
            stages: defaults.stages,
            own_stages: user.stages,
            agents: agents.keys().cloned().collect(),
            labels: user.labels.clone().unwrap_or_default(),
        };
        let projects = self.projects(&shared, user.projects);
        session::add_agents(&projects, &mut agents);
        let retry = self.retry(&defaults.retry, &user.retry);
        let time_zone = self.time_zone(root.time_zone.as_ref());
        let budgets = self.budgets(&budget::merge_budget(&defaults.budget, &user.budget));
        let capacity = self.capacity(&defaults.capacity, &user.capacity);
        let github = self.github(&defaults.github, &user.github);
        let triage = self.triage(&defaults.triage, &user.triage);
        let drift = self.drift(&user.drift);
        Some(Portfolio {
            state_dir: self.path(root.state_dir.as_ref().or(built_in.state_dir.as_ref())?),
            issues_dir: self.path(root.issues_dir.as_ref().or(built_in.issues_dir.as_ref())?),
            concurrency: self.at_least_one(root.concurrency.as_ref().or(built_in.concurrency.as_ref())?),
            after_crash: root.after_crash.or(built_in.after_crash)?,
            retry,
            labels: user.labels.unwrap_or_default(),
            time_zone,
            budgets,
            capacity,
            github,
            triage,
            drift,
            agents,
            accounts,
            projects,
        })
    }

    fn name<T, E: std::fmt::Display>(&mut self, made: Result<T, E>, span: &Range<usize>) -> Option<T> {
        made.map_err(|err| self.problem(span.clone(), err.to_string(), "choose another name")).ok()
    }

    fn projects(
        &mut self,
        shared: &Shared,
        sections: BTreeMap<String, Section<raw::Project>>,
    ) -> BTreeMap<ProjectName, Project> {
        let mut projects = BTreeMap::new();
        for (name, section) in sections {
            let Some(name) = self.name(ProjectName::new(name), &section.span) else { continue };
            if let Some(project) = self.project(shared, &name, &section) {
                projects.insert(name, project);
            }
        }
        projects
    }

    fn project(&mut self, shared: &Shared, name: &ProjectName, section: &Section<raw::Project>) -> Option<Project> {
        let raw = &section.value;
        let Some(path) = &raw.path else {
            if !section.damaged {
                let message = format!("project `{name}` has no path");
                self.problem(section.span.clone(), message, "add `path = \"../repository\"`");
            }
            return None;
        };
        let runner = self.runner(shared, name, section);
        let pipeline = self.pipeline(shared, name, section);
        let own = raw.limits.as_ref();
        let merged = own.map(|own| merge_limits(&shared.limits, own));
        let limits = self.limits(merged.as_ref().unwrap_or(&shared.limits));
        let own = raw.sandbox.as_ref().map(|own| merge_sandbox(&shared.sandbox, own));
        let sandbox = self.sandbox(own.as_ref().unwrap_or(&shared.sandbox));
        let budgets = raw.budget.as_ref().map(|own| self.budgets(own)).unwrap_or_default();
        let mut protected = shared.protected.clone();
        protected.extend(raw.protected.clone().map(Spanned::into_inner).unwrap_or_default());
        let repository = raw.repository.unwrap_or(true);
        let forge = self.forge(raw);
        let migrations = self.migrations(raw);
        Some(Project {
            name: name.clone(),
            path: self.path(path.get_ref()),
            repository,
            kind: raw.kind.unwrap_or(ProjectKind::Code),
            base: raw.base.clone().unwrap_or_else(|| "main".into()),
            focus: raw.focus.clone(),
            tracker: forge.tracker,
            forge: forge.repo,
            landing: forge.landing,
            merge: forge.merge,
            squash: raw.squash.unwrap_or(false),
            concurrency: raw.concurrency.as_ref().map_or(1, |c| self.at_least_one(c)),
            pipeline,
            runner,
            migrations,
            protected,
            limits,
            sandbox,
            budgets,
            trusted: raw.trusted.unwrap_or(false),
            paused: raw.paused.unwrap_or(false),
        })
    }

    fn pipeline(&mut self, shared: &Shared, project: &ProjectName, section: &Section<raw::Project>) -> Pipeline {
        let raw = &section.value;
        let names = raw.pipeline.as_ref().unwrap_or(&shared.pipeline);
        let place = if names.span().is_empty() { section.span.clone() } else { names.span() };
        let mut stages: Vec<Stage> = Vec::new();
        // What is inherited is made to fit: a plain folder has no commits to land.
        let folder = raw.repository == Some(false);
        for name in names.get_ref() {
            let lands = shared.run_of(name) == Some(StageRun::Land);
            if folder && raw.pipeline.is_none() && lands {
                continue;
            }
            let (own, built_in) = (shared.own_stages.get(name), shared.stages.get(name));
            if own.is_none() && built_in.is_none() {
                let message = format!("the pipeline names the stage `{name}`, which is not there");
                self.problem(place.clone(), message, format!("add a section [stages.{name}], or take it out"));
                continue;
            }
            if stages.iter().any(|s| s.name.as_str() == name) {
                self.problem(place.clone(), format!("the pipeline names `{name}` twice"), "take one out");
                continue;
            }
            let span = own.map_or(place.clone(), |s| s.span.clone());
            let Some(stage_name) = self.name(StageName::new(name), &span) else { continue };
            let mut stage = self.stage(shared, raw, stage_name, &span);
            if session::is_wanted(raw) {
                let own = session::agent(project).filter(|_| stage.run == StageRun::Agent);
                stage.agents = own.map(Choice::of).into_iter().collect();
            }
            stages.push(stage);
        }
        if names.get_ref().is_empty() {
            self.problem(place.clone(), "the pipeline is empty", "name at least one stage");
        }
        let pipeline = Pipeline { stages, loop_backs: shared.loop_backs };
        if raw.repository.unwrap_or(true)
            && let Some(stage) = pipeline.unlanded()
        {
            let message = format!("the change that stage `{}` of `{project}` makes would be on no branch", stage.name);
            let help =
                "put `merge` at the end of the pipeline, or set `access = \"read\"` for stages that change nothing";
            self.problem(place, message, help);
        }
        pipeline
    }

    fn stage(&mut self, shared: &Shared, project: &raw::Project, name: StageName, span: &Range<usize>) -> Stage {
        let own = shared.own_stages.get(name.as_str());
        let built_in = shared.stages.get(name.as_str());
        let empty = raw::Stage::default();
        let own = own.map_or(&empty, |s| &s.value);
        let base = built_in.map_or(&empty, |s| &s.value);
        let run = own.run.or(base.run).unwrap_or(StageRun::Agent);
        let agents = match run {
            StageRun::Agent if session::is_wanted(project) => Vec::new(),
            StageRun::Agent => self.stage_agents(shared, &name, span, own.agents.as_ref().or(project.agents.as_ref())),
            StageRun::Land => Vec::new(),
        };
        let prompt = self.prompt(&name, span, own, base, run);
        let on_fail = own.on_fail.as_ref().or(base.on_fail.as_ref());
        let on_fail = match on_fail {
            Some(to) => self.name(StageName::new(to.get_ref().clone()), span).unwrap_or_else(|| name.clone()),
            None => name.clone(),
        };
        let attempts = own.attempts.as_ref().or(base.attempts.as_ref());
        let caps = self.caps(own, base, &shared.labels);
        Stage {
            run,
            access: own.access.or(base.access).unwrap_or(Access::Write),
            agents,
            fallback: own.fallback.or(base.fallback).unwrap_or(Fallback::Strict),
            answer: own.answer.or(base.answer).unwrap_or(AnswerRule::Optional),
            effects: self.effects(own.effects.as_ref().or(base.effects.as_ref()), &caps),
            caps,
            prompt,
            skills: own.skills.clone().or(base.skills.clone()).unwrap_or_default(),
            admission: own.admission.clone().or(base.admission.clone()).unwrap_or_default(),
            gates: own.gates.clone().unwrap_or_else(|| inherited_gates(project, base)),
            rounds: own.rounds.as_ref().or(base.rounds.as_ref()).map_or(shared.loop_backs, |r| self.times(r)),
            attempts: attempts.map_or(3, |a| self.attempts(a)),
            entry_label: own.entry_label.clone().or(renamed(&shared.labels, base.entry_label.as_ref())),
            label: own.label.clone().or(renamed(&shared.labels, base.label.as_ref())),
            wall: self.optional_duration(own.wall.as_ref()),
            silence: self.optional_duration(own.silence.as_ref()),
            on_fail,
            name,
        }
    }

    fn prompt(
        &mut self,
        name: &StageName,
        span: &Range<usize>,
        own: &raw::Stage,
        base: &raw::Stage,
        run: StageRun,
    ) -> PromptTemplate {
        let (text, span) = match (&own.prompt, &own.prompt_file) {
            (Some(_), Some(file)) => {
                self.problem(file.span(), "both `prompt` and `prompt-file` are set", "keep one");
                (String::new(), file.span())
            }
            (Some(prompt), None) => (prompt.get_ref().clone(), prompt.span()),
            (None, Some(file)) => {
                let path = self.path(file.get_ref());
                let text = (self.read_file)(&path).unwrap_or_else(|why| {
                    self.problem(file.span(), format!("cannot read {path}: {why}"), "mend the path");
                    String::new()
                });
                (text, file.span())
            }
            (None, None) => (base.prompt.clone().map(Spanned::into_inner).unwrap_or_default(), span.clone()),
        };
        if text.trim().is_empty() && run == StageRun::Agent && own.prompt_file.is_none() {
            self.problem(span.clone(), format!("stage `{name}` has no prompt"), "add `prompt` or `prompt-file`");
        }
        PromptTemplate::new(text).unwrap_or_else(|err| {
            let line = err.line.map(|l| format!(", line {l} of it")).unwrap_or_default();
            self.problem(span, format!("the prompt of `{name}`{line}: {err}"), "mend the template");
            PromptTemplate::new("").expect("an empty template is good")
        })
    }
}

/// The gates of a built-in stage, as far as they fit: a plain folder has no commits to judge.
fn inherited_gates(project: &raw::Project, stage: &raw::Stage) -> Vec<GateSpec> {
    let folder = project.repository == Some(false);
    stage.gates.iter().flatten().filter(|gate| !(folder && gate.needs_commits())).cloned().collect()
}

/// The stages of the defaults; where they stand there is no place in the user's file.
fn placeless(built_in: Option<&Spanned<Vec<String>>>) -> Option<Spanned<Vec<String>>> {
    built_in.map(|names| Spanned::new(0..0, names.get_ref().clone()))
}

/// A label of a built-in stage, under the name that the user gave it.
fn renamed(labels: &Labels, label: Option<&String>) -> Option<String> {
    let label = label?;
    let default = Labels::default();
    let at = default.exclusive().iter().position(|l| *l == label.as_str());
    let own = at.and_then(|at| labels.exclusive().get(at).map(|l| (*l).to_owned()));
    own.or_else(|| Some(label.clone()))
}
