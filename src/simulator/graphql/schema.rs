//! RunPod's schema, read from the bundled text: what fields exist, what they take, what they give.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use graphql_parser::schema::{Definition, InputValue, Type, TypeDefinition};

/// The type of a field or an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A type by its name.
    Named(String),
    List(Box<Kind>),
    /// One that is never `null`.
    Required(Box<Kind>),
}

impl Kind {
    pub(super) fn of(parsed: &Type<'_, String>) -> Kind {
        match parsed {
            Type::NamedType(name) => Kind::Named(name.clone()),
            Type::ListType(inner) => Kind::List(Box::new(Kind::of(inner))),
            Type::NonNullType(inner) => Kind::Required(Box::new(Kind::of(inner))),
        }
    }

    /// Returns the name of the type inside all lists.
    pub(super) fn name(&self) -> &str {
        match self {
            Kind::Named(name) => name,
            Kind::List(inner) | Kind::Required(inner) => inner.name(),
        }
    }

    pub(super) fn is_required(&self) -> bool {
        match self {
            Kind::Required(_) => true,
            Kind::Named(_) | Kind::List(_) => false,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Named(name) => formatter.write_str(name),
            Kind::List(inner) => write!(formatter, "[{inner}]"),
            Kind::Required(inner) => write!(formatter, "{inner}!"),
        }
    }
}

/// The fields of an input object, or the arguments of a field.
pub(super) type Inputs = BTreeMap<String, Kind>;

/// A field of an object.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) kind: Kind,
    pub(super) arguments: Inputs,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Meaning {
    Object(BTreeMap<String, Output>),
    Input(Inputs),
    Enum(Vec<String>),
    Scalar,
}

/// All types by name.
#[derive(Debug)]
pub(super) struct Schema {
    types: BTreeMap<String, Meaning>,
}

impl Schema {
    pub(super) fn meaning(&self, name: &str) -> Option<&Meaning> {
        self.types.get(name)
    }

    /// Returns the fields of an object type, or `None` for any other.
    pub(super) fn fields(&self, name: &str) -> Option<&BTreeMap<String, Output>> {
        match self.types.get(name) {
            Some(Meaning::Object(fields)) => Some(fields),
            Some(Meaning::Input(_) | Meaning::Enum(_) | Meaning::Scalar) | None => None,
        }
    }
}

/// Returns the bundled schema, parsed once.
pub(super) fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = include_str!("../../../data/graphql_schema.graphql");
        let document =
            graphql_parser::parse_schema::<String>(text).expect("the bundled schema is checked by a test");
        let scalars =
            ["String", "Int", "Float", "Boolean", "ID"].map(|name| (name.to_owned(), Meaning::Scalar));
        let defined = document.definitions.into_iter().filter_map(|definition| match definition {
            Definition::TypeDefinition(definition) => named(definition),
            Definition::SchemaDefinition(_)
            | Definition::TypeExtension(_)
            | Definition::DirectiveDefinition(_) => None,
        });
        Schema { types: scalars.into_iter().chain(defined).collect() }
    })
}

/// The schema has no interfaces and no unions, so they mean nothing here.
fn named(definition: TypeDefinition<'_, String>) -> Option<(String, Meaning)> {
    match definition {
        TypeDefinition::Scalar(scalar) => Some((scalar.name, Meaning::Scalar)),
        TypeDefinition::Enum(names) => {
            Some((names.name, Meaning::Enum(names.values.into_iter().map(|value| value.name).collect())))
        }
        TypeDefinition::InputObject(input) => Some((input.name, Meaning::Input(inputs(&input.fields)))),
        TypeDefinition::Object(object) => {
            let fields = object.fields.into_iter().map(|field| {
                (
                    field.name,
                    Output { kind: Kind::of(&field.field_type), arguments: inputs(&field.arguments) },
                )
            });
            Some((object.name, Meaning::Object(fields.collect())))
        }
        TypeDefinition::Interface(_) | TypeDefinition::Union(_) => None,
    }
}

fn inputs(values: &[InputValue<'_, String>]) -> Inputs {
    values.iter().map(|value| (value.name.clone(), Kind::of(&value.value_type))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_is_defined() {
        let schema = schema();
        for (name, meaning) in &schema.types {
            let kinds: Vec<&Kind> = match meaning {
                Meaning::Object(fields) => {
                    fields.values().flat_map(|field| field.arguments.values().chain([&field.kind])).collect()
                }
                Meaning::Input(fields) => fields.values().collect(),
                Meaning::Enum(_) | Meaning::Scalar => Vec::new(),
            };
            for kind in kinds {
                assert!(schema.types.contains_key(kind.name()), "{name} uses {kind}");
            }
        }
        assert!(schema.fields("Mutation").unwrap().contains_key("podFindAndDeployOnDemand"));
    }
}
