//! What can be selected from.

use serde_json::Value;

use super::{Ask, Selected, Trouble, connection, discussion, mutation, repository, root};
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
            Self::Actor(_, name) | Self::Plain(name, _) => name,
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
                Told::Unknown => crate::github::pulls::graphql_field(ask, *at, field),
                told => Ok(told),
            },
            Self::Comment(id) => discussion::comment(ask, *id, field),
            Self::Actor(id, _) => Ok(discussion::actor(ask, *id, field)),
            Self::Milestone(repo, number) => repository::milestone(ask, *repo, *number, field),
            Self::Connection(known) => Ok(known.field(field)),
            Self::Plain(_, value) => Ok(plain(value, &field.name)),
        }
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
