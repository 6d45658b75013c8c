//! GitHub's GraphQL schema, cut to what dayfly uses, and what it says of a document and of an answer.

mod answer;
mod document;
mod kinds;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use graphql_parser::parse_query;
use serde_json::Value;

use kinds::Schema;

/// The cut; `data/github/README.md` says how it is made.
const CUT: &str = include_str!("../../data/github/schema.graphql");

fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| Schema::parse(CUT).expect("the cut of the schema is valid"))
}

/// What is wrong with a GraphQL document, by GitHub's schema; empty if nothing is.
///
/// The schema is a cut: a field that GitHub has and the cut lacks is reported as unknown.
///
/// ```
/// use dayfly_testkit::github::graphql_problems;
///
/// assert!(graphql_problems("query { viewer { login } }").is_empty());
/// assert_eq!(graphql_problems("query { viewer { name_ } }"), ["viewer.name_: `User` has no such field"]);
/// ```
pub fn graphql_problems(document: &str) -> Vec<String> {
    match parse_query::<String>(document) {
        Ok(document) => document::problems(schema(), &document),
        Err(problem) => vec![problem.to_string()],
    }
}

/// What is wrong with an answer's `data`, by the schema and by what the operation of that name selects; empty if nothing
/// is.
pub(crate) fn answer_problems(asked: &Value, data: &Value) -> Vec<String> {
    let text = asked["query"].as_str().unwrap_or_default();
    match parse_query::<String>(text) {
        Ok(document) => {
            let operation = asked["operationName"].as_str();
            answer::problems(schema(), &document, (operation, &asked["variables"]), data)
        }
        Err(problem) => vec![problem.to_string()],
    }
}
