//! Whether a document asks for what there is.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::query::{
    Definition, Directive, Document, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet, Type,
    TypeCondition, Value, VariableDefinition,
};

use super::kinds::{Argument, Arguments, Kind, Schema, bottom};

/// What is wrong with a document.
pub(super) fn problems(schema: &Schema, document: &Document<'_, String>) -> Vec<String> {
    let mut check = Check { schema, fragments: fragments(document), ..Check::default_of(schema) };
    for definition in &document.definitions {
        let Definition::Operation(operation) = definition else { continue };
        let (root, variables, selections) = parts(operation);
        check.variables = variables.iter().map(|known| (known.name.clone(), known.clone())).collect();
        check.used.clear();
        if schema.kind(root).is_none() {
            check.problems.push(format!("the schema has no `{root}`"));
            continue;
        }
        check.selections(root, selections, "");
        for variable in variables {
            if schema.kind(bottom(&variable.var_type)).is_none() {
                let problem = format!("${}: there is no type `{}`", variable.name, variable.var_type);
                check.problems.push(problem);
            }
            if !check.used.contains(&variable.name) {
                check.problems.push(format!("${} is never used", variable.name));
            }
        }
    }
    check.problems.extend(unused(&check.spread, &check.fragments));
    check.problems
}

/// The fragments of a document by name.
pub(super) fn fragments<'a, 'b>(
    document: &'a Document<'b, String>,
) -> BTreeMap<String, &'a FragmentDefinition<'b, String>> {
    let found = document.definitions.iter().filter_map(|definition| match definition {
        Definition::Fragment(fragment) => Some((fragment.name.clone(), fragment)),
        Definition::Operation(_) => None,
    });
    found.collect()
}

/// The root type, the variables and the selections of an operation.
pub(super) fn parts<'a, 'b>(
    operation: &'a OperationDefinition<'b, String>,
) -> (&'static str, &'a [VariableDefinition<'b, String>], &'a SelectionSet<'b, String>) {
    match operation {
        OperationDefinition::SelectionSet(set) => ("Query", &[], set),
        OperationDefinition::Query(query) => ("Query", &query.variable_definitions, &query.selection_set),
        OperationDefinition::Mutation(one) => ("Mutation", &one.variable_definitions, &one.selection_set),
        OperationDefinition::Subscription(one) => ("Subscription", &one.variable_definitions, &one.selection_set),
    }
}

/// The name of an operation.
pub(super) fn name<'a>(operation: &'a OperationDefinition<'_, String>) -> Option<&'a str> {
    match operation {
        OperationDefinition::SelectionSet(_) => None,
        OperationDefinition::Query(query) => query.name.as_deref(),
        OperationDefinition::Mutation(one) => one.name.as_deref(),
        OperationDefinition::Subscription(one) => one.name.as_deref(),
    }
}

fn unused(spread: &BTreeSet<String>, fragments: &BTreeMap<String, &FragmentDefinition<'_, String>>) -> Vec<String> {
    let unused = fragments.keys().filter(|name| !spread.contains(*name));
    unused.map(|name| format!("...{name} is never used")).collect()
}

struct Check<'a, 'b> {
    schema: &'a Schema,
    fragments: BTreeMap<String, &'a FragmentDefinition<'b, String>>,
    variables: BTreeMap<String, VariableDefinition<'b, String>>,
    used: BTreeSet<String>,
    spread: BTreeSet<String>,
    /// Fragments that are being looked into, so that one in itself ends.
    within: Vec<String>,
    problems: Vec<String>,
}

impl<'a, 'b> Check<'a, 'b> {
    fn default_of(schema: &'a Schema) -> Self {
        Self {
            schema,
            fragments: BTreeMap::new(),
            variables: BTreeMap::new(),
            used: BTreeSet::new(),
            spread: BTreeSet::new(),
            within: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn wrong(&mut self, at: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{}: {what}", if at.is_empty() { "the root" } else { at }));
    }

    fn selections(&mut self, of: &str, set: &SelectionSet<'b, String>, at: &str) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => self.field(of, field, at),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives, at);
                    let on = fragment.type_condition.as_ref().map(|TypeCondition::On(on)| on.clone());
                    self.fragment(of, on.as_deref().unwrap_or(of), &fragment.selection_set, at);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives, at);
                    let name = spread.fragment_name.clone();
                    self.spread.insert(name.clone());
                    let Some(fragment) = self.fragments.get(&name).copied() else {
                        self.wrong(at, format!("there is no fragment `{name}`"));
                        continue;
                    };
                    if self.within.contains(&name) {
                        self.wrong(at, format!("the fragment `{name}` holds itself"));
                        continue;
                    }
                    let TypeCondition::On(on) = &fragment.type_condition;
                    self.within.push(name);
                    self.fragment(of, on, &fragment.selection_set, at);
                    self.within.pop();
                }
            }
        }
    }

    fn fragment(&mut self, of: &str, on: &str, set: &SelectionSet<'b, String>, at: &str) {
        if !self.schema.is_composite(on) {
            self.wrong(at, format!("there is no type `{on}` to select of"));
        } else if self.schema.objects(of).is_disjoint(&self.schema.objects(on)) {
            self.wrong(at, format!("`{of}` is never `{on}`"));
        } else {
            self.selections(on, set, at);
        }
    }

    fn field(&mut self, of: &str, field: &Field<'b, String>, at: &str) {
        let at = if at.is_empty() { field.name.clone() } else { format!("{at}.{}", field.name) };
        self.directives(&field.directives, &at);
        if field.name == "__typename" {
            return;
        }
        let schema = self.schema;
        let Some(known) = schema.fields(of).and_then(|fields| fields.get(&field.name)) else {
            return self.wrong(&at, format!("`{of}` has no such field"));
        };
        self.arguments(&known.arguments, &field.arguments, &at);
        let below = bottom(&known.of);
        match (schema.is_composite(below), field.selection_set.items.is_empty()) {
            (true, true) => self.wrong(&at, format!("nothing is selected of `{below}`")),
            (false, false) => self.wrong(&at, format!("nothing can be selected of `{below}`")),
            (true, false) => self.selections(below, &field.selection_set, &at),
            (false, true) => {}
        }
        let connection = below.ends_with("Connection") && known.arguments.contains_key("first");
        if connection && !field.arguments.iter().any(|(name, _)| ["first", "last"].contains(&name.as_str())) {
            // GitHub refuses nodes of a connection without a bound; counting needs none.
            let nodes = |item: &Selection<'_, String>| matches!(item, Selection::Field(f) if f.name == "nodes");
            if field.selection_set.items.iter().any(nodes) {
                self.wrong(&at, "a connection needs `first` or `last`");
            }
        }
    }

    fn directives(&mut self, directives: &[Directive<'b, String>], at: &str) {
        for directive in directives {
            if !["include", "skip"].contains(&directive.name.as_str()) {
                self.wrong(at, format!("there is no directive `{}`", directive.name));
            }
            let condition = Argument { of: boolean(), has_default: false };
            let wanted = Arguments::from([("if".to_owned(), condition)]);
            self.arguments(&wanted, &directive.arguments, at);
        }
    }

    fn arguments(&mut self, known: &Arguments, given: &[(String, Value<'b, String>)], at: &str) {
        for (name, value) in given {
            match known.get(name) {
                Some(argument) => self.value(argument, &argument.of, value, &format!("{at}({name})")),
                None => self.wrong(at, format!("it takes no `{name}`")),
            }
        }
        for (name, _) in known.iter().filter(|(_, argument)| argument.is_required()) {
            if !given.iter().any(|(known, _)| known == name) {
                self.wrong(at, format!("it needs `{name}`"));
            }
        }
    }

    fn value(&mut self, of: &Argument, wanted: &Type<'static, String>, value: &Value<'b, String>, at: &str) {
        if let Value::Variable(name) = value {
            return self.variable(of, wanted, name, at);
        }
        match (wanted, value) {
            (Type::NonNullType(_), Value::Null) => self.wrong(at, "it may not be null"),
            (Type::NonNullType(wanted), _) => self.value(of, wanted, value, at),
            (_, Value::Null) => {}
            (Type::ListType(wanted), Value::List(items)) => {
                items.iter().for_each(|item| self.value(of, wanted, item, at));
            }
            // One value stands for a list of it.
            (Type::ListType(wanted), _) => self.value(of, wanted, value, at),
            (Type::NamedType(name), _) => self.literal(name, value, at),
        }
    }

    fn literal(&mut self, name: &str, value: &Value<'b, String>, at: &str) {
        let schema = self.schema;
        let fits = match (schema.kind(name), value) {
            (Some(Kind::Enum(values)), Value::Enum(value)) => values.contains(value),
            (Some(Kind::Input(known)), Value::Object(given)) => {
                let given: Vec<_> = given.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                self.arguments(known, &given, at);
                true
            }
            (Some(Kind::Scalar), value) => match name {
                "Int" => matches!(value, Value::Int(_)),
                "Float" => matches!(value, Value::Int(_) | Value::Float(_)),
                "Boolean" => matches!(value, Value::Boolean(_)),
                "ID" => matches!(value, Value::String(_) | Value::Int(_)),
                _ => matches!(value, Value::String(_)),
            },
            _ => false,
        };
        if !fits {
            self.wrong(at, format!("`{value}` is no `{name}`"));
        }
    }

    fn variable(&mut self, of: &Argument, wanted: &Type<'static, String>, name: &str, at: &str) {
        self.used.insert(name.to_owned());
        let Some(known) = self.variables.get(name) else {
            return self.wrong(at, format!("there is no variable ${name}"));
        };
        let has = known.var_type.to_string();
        // A default makes a variable fit that may be left out.
        let wanted = wanted.to_string();
        let relaxed = wanted.trim_end_matches('!');
        let defaulted = known.default_value.is_some() || of.has_default;
        if has != wanted && has.trim_end_matches('!') != relaxed || (has == relaxed && has != wanted && !defaulted) {
            self.wrong(at, format!("${name} is `{has}`, not `{wanted}`"));
        }
    }
}

fn boolean() -> Type<'static, String> {
    Type::NonNullType(Box::new(Type::NamedType("Boolean".to_owned())))
}
