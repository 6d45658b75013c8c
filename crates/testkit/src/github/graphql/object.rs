//! What can be selected from.

use serde_json::Value;

use super::{Ask, Selected, Trouble, branches, connection, discussion, mutation, pull, repository, rollup, root};
use crate::github::deeds::At;

/// Something with fields.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    Query,
    Mutation,
    /// By its id.
    Repository(u64),
    Issue(At),
    PullRequest(At),
    /// By its id.
    Comment(u64),
    /// An account, by its id.
    Actor(u64, &'static str),
    /// By its repository's id and its number.
    Milestone(u64, u64),
    Connection(Box<connection::Connection>),
    /// What checks come to for the head of a pull request.
    Rollup(At),
    /// The merge queue of a repository's branch.
    Queue(u64, String),
    /// What a mutation gives back: its type, what the client called it, and objects by their fields.
    Payload(&'static str, Value, Vec<(&'static str, Option<Object>)>),
    /// An object of plain values, of the type named first. Its fields are its keys; those without arguments need no more.
    Plain(&'static str, Value),
}

/// What a field has.
#[derive(Debug)]
pub(crate) enum Told {
    Value(Value),
    Object(Object),
    List(Vec<Option<Object>>),
    /// There is no such field.
    Unknown,
}

impl Told {
    pub(crate) fn value(value: impl Into<Value>) -> Self {
        Self::Value(value.into())
    }

    /// An object, or null.
    pub(crate) fn maybe(object: Option<Object>) -> Self {
        object.map_or(Self::Value(Value::Null), Self::Object)
    }
}

impl Object {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Repository(_) => "Repository",
            Self::Issue(_) => "Issue",
            Self::PullRequest(_) => "PullRequest",
            Self::Comment(_) => "IssueComment",
            Self::Rollup(_) => "StatusCheckRollup",
            Self::Queue(..) => "MergeQueue",
            Self::Actor(_, name) | Self::Plain(name, _) | Self::Payload(name, ..) => name,
            Self::Milestone(..) => "Milestone",
            Self::Connection(known) => known.type_name,
        }
    }

    /// What a field has.
    pub(super) fn field(&self, ask: &mut Ask<'_>, field: &Selected) -> Result<Told, Trouble> {
        match self {
            Self::Query => root::field(ask, field),
            Self::Mutation => mutation::field(ask, field),
            Self::Repository(id) => repository::field(ask, *id, field),
            Self::Issue(at) => discussion::issue(ask, *at, field),
            Self::PullRequest(at) => match discussion::issue(ask, *at, field)? {
                Told::Unknown => Ok(pull::field(ask, *at, field)),
                told => Ok(told),
            },
            Self::Comment(id) => discussion::comment(ask, *id, field),
            Self::Actor(id, _) => Ok(discussion::actor(ask, *id, field)),
            Self::Milestone(repo, number) => repository::milestone(ask, *repo, *number, field),
            Self::Connection(known) => Ok(known.field(field)),
            Self::Rollup(at) => Ok(rollup::field(ask, *at, field)),
            Self::Queue(repo, branch) => Ok(branches::queue(ask, *repo, branch, field)),
            Self::Payload(_, client, objects) => Ok(payload(client, objects, &field.name)),
            Self::Plain(_, value) => Ok(plain(value, &field.name)),
        }
    }
}

fn payload(client: &Value, objects: &[(&str, Option<Object>)], name: &str) -> Told {
    match objects.iter().find(|(known, _)| *known == name) {
        Some((_, object)) => Told::maybe(object.clone()),
        None if name == "clientMutationId" => Told::Value(client.clone()),
        None => Told::Unknown,
    }
}

fn plain(value: &Value, name: &str) -> Told {
    let object = |value: &Value| match value {
        Value::Object(fields) => {
            let type_name = fields.get("__typename").and_then(Value::as_str);
            Some(Object::Plain(known(type_name.unwrap_or_default()), value.clone()))
        }
        _ => None,
    };
    match value.get(name) {
        None => Told::Unknown,
        Some(value @ Value::Object(_)) => Told::maybe(object(value)),
        Some(Value::Array(items)) if items.iter().any(Value::is_object) => {
            Told::List(items.iter().map(object).collect())
        }
        Some(value) => Told::Value(value.clone()),
    }
}

/// The names of types that stand in plain values.
fn known(name: &str) -> &'static str {
    let names = ["CheckRun", "StatusContext", "User", "Bot", "Organization", "Commit"];
    names.into_iter().find(|known| *known == name).unwrap_or("")
}

/// An account, or null if it is gone.
pub(crate) fn actor(ask: &Ask<'_>, user: Option<u64>) -> Option<Object> {
    let user = user.and_then(|id| ask.state.users.get(&id))?;
    Some(Object::Actor(user.id, user.kind.word()))
}
