//! GraphQL: where errors come with status 200, and half an answer is none.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{GitHub, read};
use crate::{Call, GitHubError, GraphQlProblem, Priority};
use dayfly_core::ForgeRepo;

/// A GraphQL answer from which some parts are missing, because the token may not see them or they do not exist.
#[derive(Debug, Clone)]
pub struct Partial<T> {
    /// The rest.
    pub data: T,
    /// What is missing, by its path.
    pub missing: Vec<GraphQlProblem>,
}

#[derive(Serialize)]
struct Question<'a, V> {
    query: &'a str,
    #[serde(rename = "operationName", skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    variables: &'a V,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Option<serde_json::Value>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    path: Vec<serde_json::Value>,
    #[serde(default)]
    message: String,
}

impl GitHub {
    /// Asks with a document. An answer that holds any error is refused whole.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn graphql<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &impl Serialize,
        scope: Option<&ForgeRepo>,
    ) -> Result<T, GitHubError> {
        self.graphql_with(document, variables, scope, Priority::Normal).await
    }

    /// Asks with a document, with this priority.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn graphql_with<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &impl Serialize,
        scope: Option<&ForgeRepo>,
        priority: Priority,
    ) -> Result<T, GitHubError> {
        let call = question(document, variables, scope)?.priority(priority);
        let (data, problems) = self.reply(&call).await?;
        if !problems.is_empty() {
            return Err(GitHubError::GraphQl { at: call.site(), problems });
        }
        value(&call, data)
    }

    /// Asks with a document about many things, of which some may be missing. An answer that was cut for any other
    /// reason is refused whole.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn graphql_partial<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &impl Serialize,
        scope: Option<&ForgeRepo>,
    ) -> Result<Partial<T>, GitHubError> {
        let call = question(document, variables, scope)?;
        let (data, missing) = self.reply(&call).await?;
        let absent =
            |p: &GraphQlProblem| !p.path.is_empty() && matches!(p.kind.as_deref(), Some("NOT_FOUND" | "FORBIDDEN"));
        if data.is_null() || !missing.iter().all(absent) {
            return Err(GitHubError::GraphQl { at: call.site(), problems: missing });
        }
        Ok(Partial { data: value(&call, data)?, missing })
    }

    async fn reply(&self, call: &Call) -> Result<(serde_json::Value, Vec<GraphQlProblem>), GitHubError> {
        let reply: Reply = read(call, &self.answer(call).await?)?;
        let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let problem = |p: Problem| GraphQlProblem {
            kind: p.kind,
            path: p.path.iter().map(text).collect(),
            message: p.message.chars().take(500).collect(),
        };
        Ok((reply.data.unwrap_or_default(), reply.errors.into_iter().map(problem).collect()))
    }
}

fn question(document: &str, variables: &impl Serialize, scope: Option<&ForgeRepo>) -> Result<Call, GitHubError> {
    let question = Question { query: document, operation: operation(document), variables };
    let mut call = Call::post("/graphql").json(&question)?;
    call.graphql = true;
    call.repeatable = !document.trim_start().starts_with("mutation");
    call.scope = scope.cloned();
    Ok(call)
}

/// The name of the document's first operation.
fn operation(document: &str) -> Option<&str> {
    let after = ["query", "mutation"].iter().find_map(|kind| document.trim_start().strip_prefix(kind))?;
    let name = after.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    (!name.is_empty()).then_some(name)
}

fn value<T: DeserializeOwned>(call: &Call, data: serde_json::Value) -> Result<T, GitHubError> {
    serde_json::from_value(data).map_err(|error| {
        let problem = format!("{:?} in its data", error.classify());
        GitHubError::Malformed { at: call.site(), problem }
    })
}
