//! What a document selects, with its fragments in their places and its variables filled in.

use std::collections::BTreeMap;

use graphql_parser::query::{Definition, OperationDefinition, Selection, SelectionSet, TypeCondition, parse_query};
use graphql_parser::query::{Directive, FragmentDefinition, Value as Given, VariableDefinition};
use serde_json::{Map, Value};

/// What one operation selects.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) is_mutation: bool,
    pub(crate) fields: Vec<Selected>,
}

/// One selected field.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    /// Under which name it is answered.
    pub(crate) key: String,
    pub(crate) name: String,
    arguments: Map<String, Value>,
    /// The types it is selected for, if not for any.
    on: Vec<String>,
    pub(crate) fields: Vec<Selected>,
}

/// Types that many others are.
const INTERFACES: [&str; 9] = [
    "Actor",
    "Assignable",
    "Closable",
    "Comment",
    "Labelable",
    "Minimizable",
    "Node",
    "RequirableByPullRequest",
    "UniformResourceLocatable",
];

impl Selected {
    /// An argument; null if it was not given.
    pub(crate) fn argument(&self, name: &str) -> &Value {
        self.arguments.get(name).unwrap_or(&Value::Null)
    }

    /// An argument that is a text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.argument(name).as_str().unwrap_or_default()
    }

    /// Whether it is selected for a type.
    pub(super) fn is_for(&self, type_name: &str) -> bool {
        self.on.iter().all(|on| on == type_name || INTERFACES.contains(&on.as_str()))
    }
}

/// The names of the operation that a request asks for, and whether it is a mutation; nothing if it cannot be read.
pub(crate) fn operation(body: &Value) -> Option<(Option<String>, bool)> {
    let document = parse_query::<String>(body["query"].as_str()?).ok()?;
    let wanted = body["operationName"].as_str();
    document.definitions.iter().find_map(|definition| match definition {
        Definition::Operation(operation) => {
            let (name, is_mutation) = named(operation);
            (wanted.is_none() || wanted == name).then(|| (name.map(str::to_owned), is_mutation))
        }
        Definition::Fragment(_) => None,
    })
}

fn named<'a>(operation: &'a OperationDefinition<'_, String>) -> (Option<&'a str>, bool) {
    match operation {
        OperationDefinition::SelectionSet(_) => (None, false),
        OperationDefinition::Query(query) => (query.name.as_deref(), false),
        OperationDefinition::Mutation(mutation) => (mutation.name.as_deref(), true),
        OperationDefinition::Subscription(subscription) => (subscription.name.as_deref(), false),
    }
}

impl Document {
    /// How many points of the primary limit it costs.
    pub(crate) fn cost(&self) -> u32 {
        u32::try_from((lists(&self.fields, 1) + 50) / 100).unwrap_or(u32::MAX).max(1)
    }

    /// Reads the document of a request.
    pub(crate) fn read(body: &Value) -> Result<Self, String> {
        let text = body["query"].as_str().ok_or("A query attribute must be specified and must be a string.")?;
        let document = parse_query::<String>(text).map_err(|error| error.to_string())?;
        let fragments = document.definitions.iter().filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some((fragment.name.clone(), fragment)),
            Definition::Operation(_) => None,
        });
        let fragments: BTreeMap<_, _> = fragments.collect();
        let wanted = body["operationName"].as_str();
        let operation = document.definitions.iter().find_map(|definition| match definition {
            Definition::Operation(operation) if wanted.is_none() || named(operation).0 == wanted => Some(operation),
            _ => None,
        });
        let (definitions, set, is_mutation): (&[VariableDefinition<'_, String>], _, _) =
            match operation.ok_or("No operation with that name")? {
                OperationDefinition::SelectionSet(set) => (&[], set, false),
                OperationDefinition::Query(query) => (&query.variable_definitions, &query.selection_set, false),
                OperationDefinition::Mutation(known) => (&known.variable_definitions, &known.selection_set, true),
                OperationDefinition::Subscription(_) => return Err("There are no subscriptions".to_owned()),
            };
        let reader = Reader { fragments, variables: variables(definitions, &body["variables"])? };
        let mut fields = Vec::new();
        reader.read(set, &[], &mut fields)?;
        Ok(Self { is_mutation, fields })
    }
}

/// How often lists are asked for, each for each thing that it is a list of.
fn lists(fields: &[Selected], times: u64) -> u64 {
    let count = |field: &Selected| {
        let limit = field.argument("first").as_u64().or_else(|| field.argument("last").as_u64());
        limit.map_or(0, |_| times) + lists(&field.fields, times.saturating_mul(limit.unwrap_or(1)))
    };
    fields.iter().map(count).sum()
}

fn variables(definitions: &[VariableDefinition<'_, String>], sent: &Value) -> Result<BTreeMap<String, Value>, String> {
    let known = |name: &String| definitions.iter().any(|definition| definition.name == *name);
    if let Some(surplus) = sent.as_object().and_then(|sent| sent.keys().find(|name| !known(name))) {
        return Err(format!("Variable ${surplus} is not defined"));
    }
    let mut variables = BTreeMap::new();
    for definition in definitions {
        let default = || definition.default_value.as_ref().map(|value| plain(value, &BTreeMap::new()));
        let value = sent.get(&definition.name).cloned().or_else(default);
        let required = matches!(definition.var_type, graphql_parser::query::Type::NonNullType(_));
        if required && value.as_ref().is_none_or(Value::is_null) {
            return Err(format!(
                "Variable ${} of type {} was provided invalid value",
                definition.name, definition.var_type
            ));
        }
        variables.insert(definition.name.clone(), value.unwrap_or(Value::Null));
    }
    Ok(variables)
}

struct Reader<'a> {
    fragments: BTreeMap<String, &'a FragmentDefinition<'a, String>>,
    variables: BTreeMap<String, Value>,
}

impl Reader<'_> {
    fn read(&self, set: &SelectionSet<'_, String>, on: &[String], into: &mut Vec<Selected>) -> Result<(), String> {
        for selection in &set.items {
            let directives = match selection {
                Selection::Field(field) => &field.directives,
                Selection::FragmentSpread(spread) => &spread.directives,
                Selection::InlineFragment(inline) => &inline.directives,
            };
            if !self.is_included(directives) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let mut fields = Vec::new();
                    self.read(&field.selection_set, &[], &mut fields)?;
                    let arguments = field.arguments.iter();
                    into.push(Selected {
                        key: field.alias.as_ref().unwrap_or(&field.name).clone(),
                        name: field.name.clone(),
                        arguments: arguments
                            .map(|(name, value)| (name.clone(), plain(value, &self.variables)))
                            .collect(),
                        on: on.to_vec(),
                        fields,
                    });
                }
                Selection::FragmentSpread(spread) => {
                    let unknown = || format!("Fragment {} was used, but not defined", spread.fragment_name);
                    let fragment = self.fragments.get(&spread.fragment_name).ok_or_else(unknown)?;
                    let TypeCondition::On(name) = &fragment.type_condition;
                    self.read(&fragment.selection_set, &[on, std::slice::from_ref(name)].concat(), into)?;
                }
                Selection::InlineFragment(inline) => {
                    let name = inline.type_condition.iter().map(|TypeCondition::On(name)| name.clone());
                    let on: Vec<String> = on.iter().cloned().chain(name).collect();
                    self.read(&inline.selection_set, &on, into)?;
                }
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    fn is_included(&self, directives: &[Directive<'_, String>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            let holds = condition.is_none_or(|(_, value)| plain(value, &self.variables) == Value::Bool(true));
            holds == (directive.name != "skip")
        })
    }
}

/// A value as JSON. An enum's is its word.
fn plain(value: &Given<'_, String>, variables: &BTreeMap<String, Value>) -> Value {
    match value {
        Given::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
        Given::Int(number) => number.as_i64().into(),
        Given::Float(number) => (*number).into(),
        Given::String(text) | Given::Enum(text) => text.as_str().into(),
        Given::Boolean(yes) => (*yes).into(),
        Given::Null => Value::Null,
        Given::List(items) => items.iter().map(|item| plain(item, variables)).collect(),
        Given::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), plain(value, variables))).collect())
        }
    }
}
