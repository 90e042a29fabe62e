//! A GraphQL request checked against the schema and made plain: fragments are inlined, variables are values, arguments have their types.
//!
//! The messages are those of graphql-js, which RunPod's server uses and which clients show to people.

use std::cell::Cell;
use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Directive, FragmentDefinition, OperationDefinition, Selection, SelectionSet, TypeCondition,
    Value as Literal, VariableDefinition,
};
use serde_json::{Map, Value, json};

use super::schema::{Inputs, Kind, Meaning, Schema, schema};
use super::typed::{clipped, coerce, plain, scalar};

/// How deep fragments may be spread in one another.
const DEEPEST: usize = 40;
/// How many fields a request may come to once its fragments are inlined.
const MOST_FIELDS: usize = 5_000;

/// A field that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key of its answer: the alias, or the name.
    pub key: String,
    pub name: String,
    /// Its arguments, of the types that the schema gives them; what was not given is absent.
    pub arguments: Map<String, Value>,
    /// What is asked of its value.
    pub selection: Vec<Field>,
}

impl Field {
    /// Returns an argument that is an object, or an empty one.
    pub fn input(&self) -> Map<String, Value> {
        self.arguments.get("input").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Returns whether a field of this name is asked of its value.
    pub fn selects(&self, name: &str) -> bool {
        self.selection.iter().any(|field| field.name == name)
    }
}

/// A request that fits the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Whether its fields belong to the mutations.
    pub mutation: bool,
    /// The fields that are asked for, in order.
    pub fields: Vec<Field>,
}

/// Why a request does not fit, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is not GraphQL, or not JSON around it.
    Syntax(String),
    /// It does not fit the schema.
    Schema(String),
}

fn unfit<T>(message: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Schema(message.into()))
}

type Fragments<'a> = BTreeMap<String, FragmentDefinition<'a, String>>;

/// Reads the body of a request.
///
/// # Errors
/// The first thing that does not fit.
pub fn read(body: &[u8]) -> Result<Operation, Unfit> {
    let syntax = |message: &str| Unfit::Syntax(message.to_owned());
    let body: Value = serde_json::from_slice(body).map_err(|_| syntax("POST body sent invalid JSON."))?;
    let query = body["query"]
        .as_str()
        .ok_or_else(|| syntax("GraphQL operations must contain a non-empty `query`."))?;
    let name = body["operationName"].as_str().filter(|name| !name.is_empty());
    let given = body["variables"].as_object().cloned().unwrap_or_default();
    let document = graphql_parser::parse_query::<String>(query).map_err(|error| {
        Unfit::Syntax(format!("Syntax Error: {}", error.to_string().trim().replace('\n', " ")))
    })?;
    let (mut operations, mut fragments) = (Vec::new(), Fragments::new());
    for definition in document.definitions {
        match definition {
            Definition::Operation(operation) => operations.push(parts(operation)?),
            Definition::Fragment(fragment) => {
                fragments.insert(fragment.name.clone(), fragment);
            }
        }
    }
    let chosen = choose(operations, name)?;
    let variables = variables(&chosen.variables, &given)?;
    let reader = Reader { schema: schema(), variables, fragments, read: Cell::new(0) };
    let root = if chosen.mutation { "Mutation" } else { "Query" };
    Ok(Operation { mutation: chosen.mutation, fields: reader.selection(root, &chosen.selection, 0)? })
}

/// An operation, whatever it is called.
struct Parts<'a> {
    name: Option<String>,
    mutation: bool,
    variables: Vec<VariableDefinition<'a, String>>,
    selection: SelectionSet<'a, String>,
}

fn parts(operation: OperationDefinition<'_, String>) -> Result<Parts<'_>, Unfit> {
    match operation {
        OperationDefinition::SelectionSet(selection) => {
            Ok(Parts { name: None, mutation: false, variables: Vec::new(), selection })
        }
        OperationDefinition::Query(query) => Ok(Parts {
            name: query.name,
            mutation: false,
            variables: query.variable_definitions,
            selection: query.selection_set,
        }),
        OperationDefinition::Mutation(mutation) => Ok(Parts {
            name: mutation.name,
            mutation: true,
            variables: mutation.variable_definitions,
            selection: mutation.selection_set,
        }),
        OperationDefinition::Subscription(_) => {
            unfit("Schema is not configured to execute subscription operation.")
        }
    }
}

fn choose<'a>(mut operations: Vec<Parts<'a>>, name: Option<&str>) -> Result<Parts<'a>, Unfit> {
    match name {
        Some(name) => match operations.into_iter().find(|parts| parts.name.as_deref() == Some(name)) {
            Some(parts) => Ok(parts),
            None => unfit(format!("Unknown operation named \"{name}\".")),
        },
        None if operations.len() > 1 => {
            unfit("Must provide operation name if query contains multiple operations.")
        }
        None => operations.pop().ok_or_else(|| Unfit::Schema("Must provide an operation.".to_owned())),
    }
}

/// Gives each declared variable its value; one without value and default stays absent.
fn variables(
    declared: &[VariableDefinition<'_, String>],
    given: &Map<String, Value>,
) -> Result<BTreeMap<String, Option<Value>>, Unfit> {
    let mut variables = BTreeMap::new();
    for definition in declared {
        let (name, kind) = (&definition.name, Kind::of(&definition.var_type));
        match schema().meaning(kind.name()) {
            Some(Meaning::Input(_) | Meaning::Enum(_) | Meaning::Scalar) => {}
            Some(Meaning::Object(_)) => {
                return unfit(format!("Variable \"${name}\" cannot be non-input type \"{kind}\"."));
            }
            None => return unfit(format!("Unknown type \"{}\".", kind.name())),
        }
        let value = match (given.get(name), &definition.default_value) {
            (Some(value), _) => {
                let wrong = |at: &str, message: String| {
                    let at = if at.is_empty() { String::new() } else { format!(" at \"{name}{at}\"") };
                    Unfit::Schema(format!(
                        "Variable \"${name}\" got invalid value {}{at}; {message}",
                        clipped(value)
                    ))
                };
                Some(coerce(value, &kind, "", &wrong)?)
            }
            (None, Some(default)) => {
                let reader = Reader {
                    schema: schema(),
                    variables: BTreeMap::new(),
                    fragments: Fragments::new(),
                    read: Cell::new(0),
                };
                reader.literal(default, &kind)?
            }
            (None, None) if kind.is_required() => {
                return unfit(format!("Variable \"${name}\" of required type \"{kind}\" was not provided."));
            }
            (None, None) => None,
        };
        variables.insert(name.clone(), value);
    }
    Ok(variables)
}

struct Reader<'a> {
    schema: &'static Schema,
    variables: BTreeMap<String, Option<Value>>,
    fragments: Fragments<'a>,
    /// How many fields have been read.
    read: Cell<usize>,
}

impl Reader<'_> {
    fn selection(
        &self,
        on: &str,
        selection: &SelectionSet<'_, String>,
        depth: usize,
    ) -> Result<Vec<Field>, Unfit> {
        let mut fields: Vec<Field> = Vec::new();
        for item in &selection.items {
            let found = match item {
                Selection::Field(field) if self.is_wanted(&field.directives)? => {
                    vec![self.field(on, field, depth)?]
                }
                Selection::InlineFragment(fragment) if self.is_wanted(&fragment.directives)? => {
                    check_condition(on, fragment.type_condition.as_ref())?;
                    self.selection(on, &fragment.selection_set, depth + 1)?
                }
                Selection::FragmentSpread(spread) if self.is_wanted(&spread.directives)? => {
                    self.spread(on, &spread.fragment_name, depth)?
                }
                Selection::Field(_) | Selection::InlineFragment(_) | Selection::FragmentSpread(_) => {
                    Vec::new()
                }
            };
            for field in found {
                merge(&mut fields, field);
            }
        }
        Ok(fields)
    }

    fn spread(&self, on: &str, name: &str, depth: usize) -> Result<Vec<Field>, Unfit> {
        let Some(fragment) = self.fragments.get(name) else {
            return unfit(format!("Unknown fragment \"{name}\"."));
        };
        if depth > DEEPEST {
            return unfit(format!("Cannot spread fragment \"{name}\" within itself."));
        }
        check_condition(on, Some(&fragment.type_condition))?;
        self.selection(on, &fragment.selection_set, depth + 1)
    }

    fn field(
        &self,
        on: &str,
        field: &graphql_parser::query::Field<'_, String>,
        depth: usize,
    ) -> Result<Field, Unfit> {
        self.read.set(self.read.get() + 1);
        if self.read.get() > MOST_FIELDS {
            return unfit("Query is too large.");
        }
        let name = &field.name;
        let key = field.alias.as_ref().unwrap_or(name).clone();
        if name == "__typename" {
            // What the type is called is known here and nowhere later.
            let arguments = Map::from_iter([(name.clone(), json!(on))]);
            return Ok(Field { key, name: name.clone(), arguments, selection: Vec::new() });
        }
        if name.starts_with("__") {
            return unfit(format!(
                "GraphQL introspection is not allowed by Apollo Server, but the query contained {name}."
            ));
        }
        let Some(known) = self.schema.fields(on).and_then(|fields| fields.get(name)) else {
            return unfit(format!("Cannot query field \"{name}\" on type \"{on}\"."));
        };
        let arguments = self.arguments(on, name, &known.arguments, &field.arguments)?;
        let inner = known.kind.name();
        let selection = match (self.schema.fields(inner), field.selection_set.items.is_empty()) {
            (Some(_), false) => self.selection(inner, &field.selection_set, depth + 1)?,
            (None, true) => Vec::new(),
            (Some(_), true) => {
                return unfit(format!(
                    "Field \"{name}\" of type \"{}\" must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?",
                    known.kind
                ));
            }
            (None, false) => {
                return unfit(format!(
                    "Field \"{name}\" must not have a selection since type \"{}\" has no subfields.",
                    known.kind
                ));
            }
        };
        Ok(Field { key, name: name.clone(), arguments, selection })
    }

    fn arguments(
        &self,
        on: &str,
        field: &str,
        known: &Inputs,
        given: &[(String, Literal<'_, String>)],
    ) -> Result<Map<String, Value>, Unfit> {
        if let Some((name, _)) = given.iter().find(|(name, _)| !known.contains_key(name)) {
            return unfit(format!("Unknown argument \"{name}\" on field \"{on}.{field}\"."));
        }
        let mut arguments = Map::new();
        for (name, kind) in known {
            let literal = given.iter().find(|(given, _)| given == name).map(|(_, literal)| literal);
            let value = literal.map(|literal| self.literal(literal, kind)).transpose()?.flatten();
            if kind.is_required() && value.as_ref().is_none_or(Value::is_null) {
                return unfit(format!(
                    "Field \"{field}\" argument \"{name}\" of type \"{kind}\" is required, but it was not provided."
                ));
            }
            arguments.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(arguments)
    }

    /// Gives a literal the type that is declared for it; an absent variable gives nothing.
    fn literal(&self, literal: &Literal<'_, String>, kind: &Kind) -> Result<Option<Value>, Unfit> {
        match (kind, literal) {
            (_, Literal::Variable(name)) => match self.variables.get(name) {
                Some(value) => Ok(value.clone()),
                None => unfit(format!("Variable \"${name}\" is not defined.")),
            },
            (Kind::Required(inner), Literal::Null) => {
                unfit(format!("Expected value of type \"{inner}!\", found null."))
            }
            (Kind::Required(inner), _) => self.literal(literal, inner),
            (Kind::Named(_) | Kind::List(_), Literal::Null) => Ok(Some(Value::Null)),
            (Kind::List(inner), Literal::List(items)) => {
                let items = items.iter().map(|item| Ok(self.literal(item, inner)?.unwrap_or(Value::Null)));
                items.collect::<Result<Vec<Value>, Unfit>>().map(|items| Some(Value::Array(items)))
            }
            (Kind::List(inner), _) => Ok(self.literal(literal, inner)?.map(|value| json!([value]))),
            (Kind::Named(name), _) => self.named_literal(literal, name),
        }
    }

    fn named_literal(&self, literal: &Literal<'_, String>, name: &str) -> Result<Option<Value>, Unfit> {
        match (self.schema.meaning(name), literal) {
            (Some(Meaning::Input(fields)), Literal::Object(given)) => {
                if let Some(unknown) = given.keys().find(|key| !fields.contains_key(*key)) {
                    return unfit(format!("Field \"{unknown}\" is not defined by type \"{name}\"."));
                }
                let mut object = Map::new();
                for (field, kind) in fields {
                    let value =
                        given.get(field).map(|literal| self.literal(literal, kind)).transpose()?.flatten();
                    if kind.is_required() && value.as_ref().is_none_or(Value::is_null) {
                        return unfit(format!(
                            "Field \"{name}.{field}\" of required type \"{kind}\" was not provided."
                        ));
                    }
                    object.extend(value.map(|value| (field.clone(), value)));
                }
                Ok(Some(Value::Object(object)))
            }
            (Some(Meaning::Input(_)), _) => {
                unfit(format!("Expected value of type \"{name}\", found {literal}."))
            }
            (Some(Meaning::Enum(values)), Literal::Enum(value)) if values.contains(value) => {
                Ok(Some(json!(value)))
            }
            (Some(Meaning::Enum(_)), Literal::Enum(value)) => {
                unfit(format!("Value \"{value}\" does not exist in \"{name}\" enum."))
            }
            (Some(Meaning::Enum(_)), _) => {
                unfit(format!("Enum \"{name}\" cannot represent non-enum value: {literal}."))
            }
            (Some(Meaning::Scalar | Meaning::Object(_)) | None, _) => match plain(literal) {
                Some(value) => scalar(&value, name).map(Some).map_err(Unfit::Schema),
                None => {
                    unfit(format!("{name} cannot represent a non {} value: {literal}", name.to_lowercase()))
                }
            },
        }
    }

    /// Follows `@skip` and `@include`; other directives do not exist.
    fn is_wanted(&self, directives: &[Directive<'_, String>]) -> Result<bool, Unfit> {
        for directive in directives {
            let condition =
                directive.arguments.iter().find(|(name, _)| name == "if").map(|(_, literal)| literal);
            let kind = Kind::Required(Box::new(Kind::Named("Boolean".to_owned())));
            let holds = condition.map(|literal| self.literal(literal, &kind)).transpose()?.flatten();
            match (directive.name.as_str(), holds.as_ref().and_then(Value::as_bool)) {
                ("skip", Some(true)) | ("include", Some(false)) => return Ok(false),
                ("skip" | "include", Some(_)) => {}
                ("skip" | "include", None) => {
                    return unfit(format!(
                        "Directive \"@{}\" argument \"if\" of type \"Boolean!\" is required, but it was not provided.",
                        directive.name
                    ));
                }
                (name, _) => return unfit(format!("Unknown directive \"@{name}\".")),
            }
        }
        Ok(true)
    }
}

/// Adds a field; one that is asked for twice is answered once, with what both ask of it.
fn merge(fields: &mut Vec<Field>, field: Field) {
    match fields.iter_mut().find(|known| known.key == field.key && known.name == field.name) {
        Some(known) => {
            for inner in field.selection {
                merge(&mut known.selection, inner);
            }
        }
        None => fields.push(field),
    }
}

fn check_condition(on: &str, condition: Option<&TypeCondition<'_, String>>) -> Result<(), Unfit> {
    match condition {
        Some(TypeCondition::On(name)) if name != on => unfit(format!(
            "Fragment cannot be spread here as objects of type \"{on}\" can never be of type \"{name}\"."
        )),
        Some(TypeCondition::On(_)) | None => Ok(()),
    }
}
