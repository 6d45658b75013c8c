//! The schema as maps.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::schema::{Definition, Field, InputValue, Type, TypeDefinition, parse_schema};

/// All types by name.
#[derive(Debug)]
pub(super) struct Schema {
    types: BTreeMap<String, Kind>,
}

/// What a type is.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar,
    Enum(BTreeSet<String>),
    Object(Fields, BTreeSet<String>),
    Interface(Fields),
    Union(BTreeSet<String>),
    Input(Arguments),
}

pub(super) type Fields = BTreeMap<String, FieldKind>;
pub(super) type Arguments = BTreeMap<String, Argument>;

/// A field of an object or an interface.
#[derive(Debug)]
pub(super) struct FieldKind {
    pub(super) of: Type<'static, String>,
    pub(super) arguments: Arguments,
}

/// An argument, or a field of an input.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) of: Type<'static, String>,
    pub(super) has_default: bool,
}

impl Argument {
    pub(super) fn is_required(&self) -> bool {
        matches!(self.of, Type::NonNullType(_)) && !self.has_default
    }
}

impl Schema {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document = parse_schema::<String>(text).map_err(|e| e.to_string())?.into_static();
        let scalars = ["String", "Int", "Float", "Boolean", "ID"];
        let mut types: BTreeMap<_, _> = scalars.into_iter().map(|name| (name.to_owned(), Kind::Scalar)).collect();
        for definition in document.definitions {
            let Definition::TypeDefinition(definition) = definition else { continue };
            let (name, kind) = kind(definition);
            types.insert(name, kind);
        }
        Ok(Self { types })
    }

    pub(super) fn kind(&self, name: &str) -> Option<&Kind> {
        self.types.get(name)
    }

    /// The fields that can be selected of a type.
    pub(super) fn fields(&self, name: &str) -> Option<&Fields> {
        match self.kind(name)? {
            Kind::Object(fields, _) | Kind::Interface(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether something is selected of a type: it is no leaf.
    pub(super) fn is_composite(&self, name: &str) -> bool {
        matches!(self.kind(name), Some(Kind::Object(..) | Kind::Interface(_) | Kind::Union(_)))
    }

    /// The objects that a type can be.
    pub(super) fn objects(&self, name: &str) -> BTreeSet<&str> {
        match self.types.get_key_value(name) {
            Some((name, Kind::Object(..))) => BTreeSet::from([name.as_str()]),
            Some((_, Kind::Union(members))) => members.iter().map(String::as_str).collect(),
            Some((_, Kind::Interface(_))) => self.implementing(name),
            _ => BTreeSet::new(),
        }
    }

    fn implementing(&self, interface: &str) -> BTreeSet<&str> {
        let objects = self.types.iter().filter_map(|(name, kind)| match kind {
            Kind::Object(_, interfaces) => interfaces.contains(interface).then_some(name.as_str()),
            _ => None,
        });
        objects.collect()
    }

    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &Kind)> {
        self.types.iter().map(|(name, kind)| (name.as_str(), kind))
    }
}

/// The name at the bottom of a type, without lists and marks.
pub(super) fn bottom<'a>(of: &'a Type<'_, String>) -> &'a str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(of) | Type::NonNullType(of) => bottom(of),
    }
}

fn kind(definition: TypeDefinition<'static, String>) -> (String, Kind) {
    match definition {
        TypeDefinition::Scalar(scalar) => (scalar.name, Kind::Scalar),
        TypeDefinition::Enum(one) => (one.name, Kind::Enum(one.values.into_iter().map(|value| value.name).collect())),
        TypeDefinition::Object(object) => {
            (object.name, Kind::Object(fields(object.fields), object.implements_interfaces.into_iter().collect()))
        }
        TypeDefinition::Interface(interface) => (interface.name, Kind::Interface(fields(interface.fields))),
        TypeDefinition::Union(union) => (union.name, Kind::Union(union.types.into_iter().collect())),
        TypeDefinition::InputObject(input) => (input.name, Kind::Input(arguments(input.fields))),
    }
}

fn fields(fields: Vec<Field<'static, String>>) -> Fields {
    let kinds = fields.into_iter().map(|field| {
        let arguments = arguments(field.arguments);
        (field.name, FieldKind { of: field.field_type, arguments })
    });
    kinds.collect()
}

fn arguments(values: Vec<InputValue<'static, String>>) -> Arguments {
    let known = values.into_iter().map(|value| {
        let has_default = value.default_value.is_some();
        (value.name, Argument { of: value.value_type, has_default })
    });
    known.collect()
}
