//! Whether an answer is what was selected.

use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Directive, Document, Field, FragmentDefinition, Selection, SelectionSet, Type, TypeCondition,
    Value as Given,
};
use serde_json::Value;

use super::document::{fragments, name, parts};
use super::kinds::{Kind, Schema, bottom};

/// What is wrong with the data of an answer.
pub(super) fn problems(
    schema: &Schema,
    document: &Document<'_, String>,
    (wanted, given): (Option<&str>, &Value),
    data: &Value,
) -> Vec<String> {
    let operation = document.definitions.iter().find_map(|definition| match definition {
        Definition::Operation(operation) if wanted.is_none() || name(operation) == wanted => Some(operation),
        _ => None,
    });
    let Some(operation) = operation else { return vec!["the document has no such operation".to_owned()] };
    let (root, definitions, selections) = parts(operation);
    let mut variables = given.clone();
    for known in definitions.iter().filter(|known| given.get(&known.name).is_none()) {
        if let Some(Given::Boolean(default)) = &known.default_value {
            variables[known.name.as_str()] = (*default).into();
        }
    }
    let variables = &variables;
    let mut check = Check { schema, fragments: fragments(document), variables, problems: Vec::new() };
    check.object(root, &[selections], data, "data");
    check.problems
}

struct Check<'a, 'b> {
    schema: &'a Schema,
    fragments: BTreeMap<String, &'a FragmentDefinition<'b, String>>,
    variables: &'a Value,
    problems: Vec<String>,
}

/// What was selected under one name, which may be in several places.
type Selected<'a, 'b> = BTreeMap<String, Vec<&'a Field<'b, String>>>;

impl<'a, 'b> Check<'a, 'b> {
    fn wrong(&mut self, at: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{at}: {what}"));
    }

    /// An object of a type that may be abstract.
    fn object(&mut self, of: &str, sets: &[&'a SelectionSet<'b, String>], value: &Value, at: &str) {
        let Some(map) = value.as_object() else { return self.wrong(at, format!("`{of}` is told as {value}")) };
        let possible = self.schema.objects(of);
        let said = map.get("__typename").and_then(Value::as_str);
        let Some(concrete) = said.map_or_else(|| self.guessed(of, sets, value), |said| Some(said.to_owned())) else {
            return self.wrong(at, format!("`{of}` needs `__typename` here, or fits none of its types"));
        };
        if !possible.contains(concrete.as_str()) {
            return self.wrong(at, format!("`{concrete}` is no `{of}`"));
        }
        let mut selected = Selected::new();
        sets.iter().for_each(|set| self.collect(&concrete, set, &mut selected));
        for (key, fields) in &selected {
            let at = format!("{at}.{key}");
            match map.get(key) {
                Some(value) => self.field(&concrete, fields, value, &at),
                None => self.wrong(&at, "it was selected, and is missing"),
            }
        }
        for key in map.keys().filter(|key| !selected.contains_key(*key)) {
            self.wrong(at, format!("`{key}` was not selected"));
        }
    }

    /// The one type of an abstract one whose selected keys are those of a value.
    fn guessed(&self, of: &str, sets: &[&'a SelectionSet<'b, String>], value: &Value) -> Option<String> {
        let keys: Vec<&String> = value.as_object().into_iter().flat_map(|map| map.keys()).collect();
        let fits = |concrete: &&str| {
            let mut selected = Selected::new();
            sets.iter().for_each(|set| self.collect(concrete, set, &mut selected));
            selected.keys().eq(keys.iter().copied())
        };
        let objects = self.schema.objects(of);
        // One that is a single type is told what is wrong with it, and not that it fits nothing.
        if objects.len() == 1 { objects.first() } else { objects.iter().find(|name| fits(name)) }
            .map(|name| (*name).to_owned())
    }

    fn collect(&self, concrete: &str, set: &'a SelectionSet<'b, String>, into: &mut Selected<'a, 'b>) {
        for selection in &set.items {
            let (directives, on, below) = match selection {
                Selection::Field(field) => {
                    if self.included(&field.directives) {
                        let key = field.alias.as_ref().unwrap_or(&field.name);
                        into.entry(key.clone()).or_default().push(field);
                    }
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    (&inline.directives, inline.type_condition.as_ref(), &inline.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.fragments.get(&spread.fragment_name) else { continue };
                    (&spread.directives, Some(&fragment.type_condition), &fragment.selection_set)
                }
            };
            let applies = on.is_none_or(|TypeCondition::On(on)| self.schema.objects(on).contains(concrete));
            if applies && self.included(directives) {
                self.collect(concrete, below, into);
            }
        }
    }

    fn included(&self, directives: &[Directive<'_, String>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.iter().find(|(name, _)| name == "if").map(|(_, value)| value);
            let holds = match condition {
                Some(Given::Boolean(holds)) => *holds,
                Some(Given::Variable(name)) => self.variables[name.as_str()].as_bool().unwrap_or(false),
                _ => true,
            };
            holds == (directive.name != "skip")
        })
    }

    fn field(&mut self, concrete: &str, fields: &[&'a Field<'b, String>], value: &Value, at: &str) {
        let Some(first) = fields.first() else { return };
        if first.name == "__typename" {
            if value.as_str() != Some(concrete) {
                self.wrong(at, format!("{value} is not `{concrete}`"));
            }
            return;
        }
        let schema = self.schema;
        let Some(known) = schema.fields(concrete).and_then(|known| known.get(&first.name)) else {
            return self.wrong(at, format!("`{concrete}` has no `{}`", first.name));
        };
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
        self.value(&known.of, &sets, value, at);
    }

    fn value(&mut self, of: &Type<'static, String>, sets: &[&'a SelectionSet<'b, String>], value: &Value, at: &str) {
        match of {
            Type::NonNullType(_) if value.is_null() => self.wrong(at, format!("`{of}` may not be null")),
            Type::NonNullType(of) => self.value(of, sets, value, at),
            _ if value.is_null() => {}
            Type::ListType(of) => match value.as_array() {
                Some(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.value(of, sets, item, &format!("{at}[{index}]"));
                    }
                }
                None => self.wrong(at, format!("{value} is no list of `{}`", bottom(of))),
            },
            Type::NamedType(name) if self.schema.is_composite(name) => self.object(name, sets, value, at),
            Type::NamedType(name) => self.leaf(name, value, at),
        }
    }

    fn leaf(&mut self, name: &str, value: &Value, at: &str) {
        let text = || value.as_str();
        let fits = match (self.schema.kind(name), name) {
            (Some(Kind::Enum(values)), _) => text().is_some_and(|text| values.contains(text)),
            (_, "Int") => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            (_, "Float") => value.is_number(),
            (_, "Boolean") => value.is_boolean(),
            (_, "DateTime") => text().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            (_, "URI") => text().is_some_and(|text| text.contains("://")),
            (_, "GitObjectID") => text().is_some_and(|text| text.len() == 40),
            _ => value.is_string(),
        };
        if !fits {
            self.wrong(at, format!("{value} is no `{name}`"));
        }
    }
}
