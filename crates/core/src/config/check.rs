//! Rules across sections.

use std::collections::BTreeMap;

use globset::Glob;

use crate::{
    AnswerRule, GateSpec, Labels, Pipeline, Portfolio, Project, ProjectName, StageRun, TrackerKind, WorstCase,
};

use super::{Problem, SourceText};

/// Checks a resolved portfolio; every problem points to the project's section.
pub(super) fn check(portfolio: &Portfolio, source: &SourceText, problems: &mut Vec<Problem>) {
    if portfolio.projects.is_empty() && problems.is_empty() {
        problems.push(Problem {
            span: 0..0,
            message: "there is no project".into(),
            help: "add a section [projects.NAME] with `path`, or run `dayfly init PATH`".into(),
        });
    }
    let span = section_span(source, "[labels]");
    for (message, help) in label_problems(&portfolio.labels) {
        problems.push(Problem { span: span.clone(), message, help });
    }
    for (section, names) in given(portfolio) {
        for name in names.into_iter().filter(|name| FORGE_TOKENS.contains(name)) {
            let message =
                format!("`{section}` would give its programs `{name}`, with which they could write to the forge");
            let help =
                "take it out; what they ask for is written by dayfly. Copilot CLI also takes COPILOT_GITHUB_TOKEN";
            problems.push(Problem { span: section_span(source, &section), message, help: help.into() });
        }
    }
    let mut trackers: BTreeMap<String, &ProjectName> = BTreeMap::new();
    for project in portfolio.projects.values() {
        let span = section_span(source, &format!("[projects.{}]", project.name));
        let repo = project.forge.as_ref().filter(|_| project.tracker == TrackerKind::GitHub);
        // GitHub knows no difference between `A` and `a`.
        let other = repo.and_then(|repo| trackers.insert(repo.to_string().to_lowercase(), &project.name));
        if let (Some(repo), Some(other)) = (repo, other) {
            let message = format!("`{other}` and `{}` both work at the issues of {repo}", project.name);
            let help = "take one of them out, or set `tracker = \"markdown\"` for it";
            problems.push(Problem { span: span.clone(), message, help: help.into() });
        }
        for (message, help) in project_problems(project) {
            problems.push(Problem { span: span.clone(), message, help });
        }
    }
}

/// The variables in which the programs of GitHub look for a token.
const FORGE_TOKENS: [&str; 4] = ["GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN"];

/// The variables that programs are given besides those that all are, by the section that says so.
fn given(portfolio: &Portfolio) -> Vec<(String, Vec<&str>)> {
    fn names<'a>(pass: &'a [String], env: &'a BTreeMap<String, String>) -> Vec<&'a str> {
        pass.iter().map(String::as_str).chain(env.keys().map(String::as_str)).collect()
    }
    let agents = portfolio.agents.iter().map(|(name, a)| (format!("[agents.{name}]"), names(&a.pass_env, &a.env)));
    let accounts =
        portfolio.accounts.iter().map(|(name, a)| (format!("[accounts.{name}]"), names(&a.pass_env, &a.env)));
    let sessions = portfolio.projects.values().filter_map(|project| {
        let session = project.runner.session()?;
        Some((format!("[projects.{}.session]", project.name), names(&session.pass_env, &session.env)))
    });
    let migrations = portfolio.projects.values().filter_map(|project| {
        let check = project.migrations.as_ref()?;
        Some((format!("[projects.{}.drift]", project.name), check.pass_env.iter().map(String::as_str).collect()))
    });
    agents.chain(accounts).chain(sessions).chain(migrations).collect()
}

fn section_span(source: &SourceText, header: &str) -> std::ops::Range<usize> {
    source.text.find(header).map_or(0..0, |at| at..at + header.len())
}

/// Labels that could not be told apart on an issue, which knows no difference between `A` and `a`.
fn label_problems(labels: &Labels) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let all = named(labels);
    for (at, (key, word)) in all.iter().enumerate() {
        if let Some((other, _)) = all[..at].iter().find(|(_, w)| w.eq_ignore_ascii_case(word)) {
            problems.push((
                format!("the labels `{other}` and `{key}` are both named `{word}`"),
                "give each label a name of its own".to_owned(),
            ));
        }
    }
    problems
}

/// Each label's key with its name.
fn named(labels: &Labels) -> [(&'static str, &str); 12] {
    let Labels {
        ready_for_prep,
        ready_for_dev,
        in_progress,
        in_review,
        needs_clarification,
        needs_decompose,
        blocked,
        human_needed,
        stale,
        priority_critical,
        priority_high,
        priority_low,
    } = labels;
    [
        ("ready-for-prep", ready_for_prep),
        ("ready-for-dev", ready_for_dev),
        ("in-progress", in_progress),
        ("in-review", in_review),
        ("needs-clarification", needs_clarification),
        ("needs-decompose", needs_decompose),
        ("blocked", blocked),
        ("human-needed", human_needed),
        ("stale", stale),
        ("priority-critical", priority_critical),
        ("priority-high", priority_high),
        ("priority-low", priority_low),
    ]
}

fn project_problems(project: &Project) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let name = &project.name;
    let worst = project.pipeline.worst_case();
    if worst.total > WorstCase::MOST {
        problems.push((
            format!(
                "an issue of `{name}` could cause {} stage executions, more than {}: {}",
                worst.total,
                WorstCase::MOST,
                worst.parts.join("; ")
            ),
            "lower `attempts` or `rounds` of a stage, or `loop-backs`".to_owned(),
        ));
    }
    problems.extend(pipeline_problems(&project.pipeline));
    for glob in &project.protected {
        if let Err(err) = Glob::new(glob) {
            problems.push((format!("`{glob}` is not a glob: {err}"), "mend the pattern in `protected`".into()));
        }
    }
    if project.limits.silence_report > project.limits.silence {
        problems.push((
            format!("`{name}` would stop silent jobs before it reports them"),
            "make `silence-report` smaller than `silence`".into(),
        ));
    }
    if !project.repository {
        for stage in &project.pipeline.stages {
            if stage.run == StageRun::Land || stage.gates.iter().any(GateSpec::needs_commits) {
                problems.push((
                    format!("`{name}` is a plain folder, and stage `{}` needs commits", stage.name),
                    "set `gates` of that stage to gates that need none, and leave `merge` out of the pipeline".into(),
                ));
            }
        }
    }
    problems
}

fn pipeline_problems(pipeline: &Pipeline) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        match pipeline.position(&stage.on_fail) {
            None => problems.push((
                format!("stage `{}` leads to `{}` on failure, which is not in the pipeline", stage.name, stage.on_fail),
                "set its `on-fail` to a stage of the pipeline".to_owned(),
            )),
            Some(to) if to > at => problems.push((
                format!("stage `{}` leads forward to `{}` on failure", stage.name, stage.on_fail),
                "let `on-fail` name the stage itself or an earlier one".to_owned(),
            )),
            Some(_) => {}
        }
        if stage.gates.contains(&GateSpec::Verdict) && stage.answer != AnswerRule::Verdict {
            problems.push((
                format!("stage `{}` has the gate `verdict` and asks for no verdict", stage.name),
                "set `answer = \"verdict\"`".to_owned(),
            ));
        }
        if stage.run == StageRun::Land && at + 1 != pipeline.stages.len() {
            problems.push((
                format!("stage `{}` lands the change and is not the last", stage.name),
                "put it last in the pipeline".to_owned(),
            ));
        }
    }
    problems
}
