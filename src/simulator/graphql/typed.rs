//! Values given the types that the schema declares for them.

use graphql_parser::query::Value as Literal;
use serde_json::{Map, Value, json};

use super::document::Unfit;
use super::schema::{Inputs, Kind, Meaning, schema};

pub(super) fn clipped(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 80 { format!("{}...", text.chars().take(80).collect::<String>()) } else { text }
}

/// Gives a JSON value the type that is declared for it.
pub(super) fn coerce(
    value: &Value,
    kind: &Kind,
    at: &str,
    wrong: &dyn Fn(&str, String) -> Unfit,
) -> Result<Value, Unfit> {
    match kind {
        Kind::Required(inner) if value.is_null() => {
            Err(wrong(at, format!("Expected non-nullable type \"{inner}!\" not to be null.")))
        }
        Kind::Required(inner) => coerce(value, inner, at, wrong),
        Kind::Named(_) | Kind::List(_) if value.is_null() => Ok(Value::Null),
        Kind::List(inner) => match value.as_array() {
            Some(items) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| coerce(item, inner, &format!("{at}[{index}]"), wrong)).collect()
            }
            // One value stands for a list of it.
            None => Ok(json!([coerce(value, inner, at, wrong)?])),
        },
        Kind::Named(name) => match schema().meaning(name) {
            Some(Meaning::Input(fields)) => coerce_object(value, name, fields, at, wrong),
            Some(Meaning::Enum(values)) => match value.as_str() {
                Some(text) if values.iter().any(|known| known == text) => Ok(value.clone()),
                Some(text) => Err(wrong(at, format!("Value \"{text}\" does not exist in \"{name}\" enum."))),
                None => {
                    Err(wrong(at, format!("Enum \"{name}\" cannot represent non-string value: {value}.")))
                }
            },
            Some(Meaning::Scalar | Meaning::Object(_)) | None => {
                scalar(value, name).map_err(|message| wrong(at, message))
            }
        },
    }
}

fn coerce_object(
    value: &Value,
    name: &str,
    fields: &Inputs,
    at: &str,
    wrong: &dyn Fn(&str, String) -> Unfit,
) -> Result<Value, Unfit> {
    let Some(given) = value.as_object() else {
        return Err(wrong(at, format!("Expected type \"{name}\" to be an object.")));
    };
    if let Some(unknown) = given.keys().find(|key| !fields.contains_key(*key)) {
        return Err(wrong(at, format!("Field \"{unknown}\" is not defined by type \"{name}\".")));
    }
    let mut object = Map::new();
    for (field, kind) in fields {
        match given.get(field) {
            Some(value) => {
                object.insert(field.clone(), coerce(value, kind, &format!("{at}.{field}"), wrong)?);
            }
            None if kind.is_required() => {
                return Err(wrong(
                    at,
                    format!("Field \"{field}\" of required type \"{kind}\" was not provided."),
                ));
            }
            None => {}
        }
    }
    Ok(Value::Object(object))
}

pub(super) fn scalar(value: &Value, name: &str) -> Result<Value, String> {
    let whole = value
        .as_i64()
        .or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64));
    match name {
        "Int" => match whole.filter(|number| i32::try_from(*number).is_ok()) {
            Some(number) => Ok(json!(number)),
            None => Err(format!("Int cannot represent non-integer value: {value}")),
        },
        "Float" if value.is_number() => Ok(value.clone()),
        "Float" => Err(format!("Float cannot represent non numeric value: {value}")),
        "Boolean" if value.is_boolean() => Ok(value.clone()),
        "Boolean" => Err(format!("Boolean cannot represent a non boolean value: {value}")),
        _ if value.is_string() => Ok(value.clone()),
        _ => Err(format!("String cannot represent a non string value: {value}")),
    }
}

/// Returns a literal that is one scalar as JSON.
pub(super) fn plain(literal: &Literal<'_, String>) -> Option<Value> {
    match literal {
        Literal::Int(number) => number.as_i64().map(|number| json!(number)),
        Literal::Float(number) => Some(json!(number)),
        Literal::String(text) => Some(json!(text)),
        Literal::Boolean(flag) => Some(json!(flag)),
        Literal::Enum(_) | Literal::Variable(_) | Literal::Null | Literal::List(_) | Literal::Object(_) => {
            None
        }
    }
}
