//! What agents are told: strict templates over a documented context.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::{AnswerBy, Feedback, Issue};

/// The variables a prompt may use.
const VARIABLES: [&str; 7] = ["project", "issue", "stage", "answer", "notes", "feedback", "child_limit"];

/// The most steps a template may take; a loop over an issue's comments needs a few per comment.
const FUEL: u64 = 200_000;

/// A prompt template in MiniJinja, checked when the configuration is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PromptTemplate(String);

/// A template that cannot be used, or a prompt that could not be made of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PromptError {
    /// What is wrong.
    pub message: String,
    /// The line of the template, from 1.
    pub line: Option<usize>,
}

/// What a prompt is made of.
#[derive(Debug, Clone, Serialize)]
pub struct PromptContext<'a> {
    /// The project: `name`, `kind`, `focus`, `base`.
    pub project: BTreeMap<&'a str, &'a str>,
    /// The issue, with `id`, `title`, `body`, `labels`, `milestone` and `comments`.
    pub issue: &'a Issue,
    /// The stage's name.
    pub stage: &'a str,
    /// How the agent gives a structured answer: `file` or `structured`.
    pub answer: AnswerBy,
    /// The summaries of earlier stages, by stage.
    pub notes: &'a BTreeMap<String, String>,
    /// Why the work came back, if it did: `gate`, `reason`, `tail`.
    pub feedback: Option<&'a Feedback>,
    /// The most children an issue may be split into.
    pub child_limit: u32,
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env
}

fn error(err: &minijinja::Error) -> PromptError {
    let message = match err.detail() {
        Some(detail) => format!("{}: {detail}", err.kind()),
        None => err.kind().to_string(),
    };
    PromptError { message, line: err.line() }
}

impl PromptTemplate {
    /// Checks a template: its syntax, and that it names no unknown variable.
    ///
    /// # Errors
    /// Names the line and, for an unknown variable, those that there are.
    pub fn new(text: impl Into<String>) -> Result<Self, PromptError> {
        let text = text.into();
        let env = environment();
        let template = env.template_from_str(&text).map_err(|e| error(&e))?;
        let mut unknown: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|v| !VARIABLES.contains(&v.as_str()) && !env.globals().any(|(name, _)| name == v))
            .collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            let line = text.lines().position(|l| l.contains(name.as_str())).map(|l| l + 1);
            let message = format!("unknown variable `{name}`; there are {}", VARIABLES.join(", "));
            return Err(PromptError { message, line });
        }
        Ok(Self(text))
    }

    /// Makes the prompt. Text of the issue is a value, never a template.
    ///
    /// # Errors
    /// A name that is not there, such as `issue.titel`, is an error, not an empty text.
    pub fn render(&self, context: &PromptContext<'_>) -> Result<String, PromptError> {
        let env = environment();
        let template = env.template_from_str(&self.0).map_err(|e| error(&e))?;
        template.render(minijinja::value::Serde(context)).map_err(|e| error(&e))
    }

    /// The template's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Author, IssueId, TrackerState, Trust};

    fn issue(body: &str) -> Issue {
        Issue {
            id: IssueId::new("7").unwrap(),
            title: "Title".into(),
            body: body.into(),
            labels: vec![],
            milestone: None,
            state: TrackerState::Open,
            author: Author::person("ann", Trust::Writer),
            parent: None,
            comments: vec![],
            facts: crate::IssueFacts::default(),
        }
    }

    fn render(template: &str, issue: &Issue) -> Result<String, String> {
        let notes = BTreeMap::new();
        let context = PromptContext {
            project: BTreeMap::from([("name", "web")]),
            issue,
            stage: "exec",
            answer: AnswerBy::File,
            notes: &notes,
            feedback: None,
            child_limit: 8,
        };
        PromptTemplate::new(template).and_then(|t| t.render(&context)).map_err(|e| e.to_string())
    }

    #[test]
    fn issue_text_is_never_a_template() {
        assert_eq!(render("{{ issue.body }}", &issue("{{ 7 * 7 }}")).unwrap(), "{{ 7 * 7 }}");
    }

    #[test]
    fn unknown_names_are_errors_and_the_remedy_is_named() {
        let err = PromptTemplate::new("line\n{{ isue.title }}").unwrap_err();
        assert_eq!(err.line, Some(2));
        assert!(err.message.contains("`isue`; there are project, issue"), "{err}");
        assert!(render("{{ issue.titel }}", &issue("")).is_err());
        assert!(PromptTemplate::new("{% if %}").unwrap_err().line == Some(1));
    }
}
