//! The JSON Schema of the spec file, for editors.
//!
//! It is kept by hand, as its words are for people who write, and the decoder's are for people who made a mistake.
//! A test holds it to the keys that the decoder knows; others hold it to the examples.

/// The schema, in JSON Schema 2020-12.
pub const SCHEMA: &str = include_str!("spec.schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::SCHEMA;
    use crate::spec::hardware_tables::{CPU_FLAVORS, DATA_CENTERS, GPU_TYPES};
    use crate::spec::pod::POD;
    use crate::spec::words::{self, Section};

    /// Keys of the format that are refused until they have an effect.
    const WITHOUT_EFFECT: &[&str] = &["schedule"];

    fn keys_at(schema: &Value, pointer: &str) -> BTreeSet<String> {
        let properties = schema.pointer(&format!("{pointer}/properties")).and_then(Value::as_object);
        properties.unwrap_or_else(|| panic!("no properties at {pointer}")).keys().cloned().collect()
    }

    /// Returns a schema, or what it refers to beside what it says itself.
    fn described<'a>(schema: &'a Value, property: &'a Value) -> Option<&'a str> {
        let said = |value: &'a Value| value.get("description").and_then(Value::as_str);
        let target =
            property.get("$ref").and_then(Value::as_str).map(|target| target.trim_start_matches('#'));
        said(property).or_else(|| said(schema.pointer(target?)?))
    }

    /// Collects the properties below a value that no editor could say anything about.
    fn undescribed(schema: &Value, below: &Value, path: &str, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match below {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(list) => {
                (0..).zip(list).map(|(at, value): (usize, _)| (at.to_string(), value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        // What two keys allow together is about keys that are described where they stand.
        for (key, value) in children.into_iter().filter(|(key, _)| key != "dependentSchemas") {
            let path = format!("{path}/{key}");
            if let ("properties", Some(properties)) = (key.as_str(), value.as_object()) {
                let silent = properties.iter().filter(|(_, property)| described(schema, property).is_none());
                found.extend(silent.map(|(name, _)| format!("{path}/{name}")));
            }
            undescribed(schema, value, &path, found);
        }
    }

    #[test]
    fn every_property_has_a_description_to_hover_over() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let mut found = Vec::new();
        undescribed(&schema, &schema, "", &mut found);
        assert_eq!(found, Vec::<String>::new());
        let without = serde_json::json!({ "properties": { "a": { "type": "string" } } });
        undescribed(&without, &without, "", &mut found);
        assert_eq!(found, ["/properties/a"]);
    }

    /// Collects the properties below a value that have a default which no editor would show: most show descriptions alone.
    fn silent_on_defaults(below: &Value, path: &str, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match below {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(list) => {
                (0..).zip(list).map(|(at, value): (usize, _)| (at.to_string(), value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        if let Some(default) = below.get("default") {
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            let description = below.get("description").and_then(Value::as_str).unwrap_or_default();
            if !description.ends_with(&format!(" Default: `{default}`.")) {
                found.push(path.to_owned());
            }
        }
        for (key, value) in children {
            silent_on_defaults(value, &format!("{path}/{key}"), found);
        }
    }

    #[test]
    fn every_default_is_in_a_description_to_hover_over() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let mut found = Vec::new();
        silent_on_defaults(&schema, "", &mut found);
        assert_eq!(found, Vec::<String>::new());
        let without = serde_json::json!({ "a": { "default": 1, "description": "A number." } });
        silent_on_defaults(&without, "", &mut found);
        assert_eq!(found, ["/a"]);
    }

    /// Examples are what editors offer, so they are all that is known.
    #[test]
    fn hardware_is_offered_by_its_names_in_lists_too() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let names = |table: &str, key: &str| -> Vec<String> {
            let rows: Vec<Value> = serde_json::from_str(table).unwrap();
            rows.iter().filter_map(|row| row[key].as_str()).map(str::to_owned).collect()
        };
        let gpus = names(GPU_TYPES, "displayName");
        let (cpus, centers) = (names(CPU_FLAVORS, "id"), names(DATA_CENTERS, "id"));
        for (pointer, expected) in [
            ("/$defs/gpu/anyOf/0", &gpus),
            ("/$defs/gpuChoice/anyOf/0", &gpus),
            ("/$defs/gpuChoice/anyOf/1/properties/type", &gpus),
            ("/$defs/cpu/anyOf/0", &cpus),
            ("/$defs/cpu/anyOf/1/properties/flavors/anyOf/0/items", &cpus),
            ("/$defs/cpu/anyOf/1/properties/flavors/anyOf/1", &cpus),
            ("/$defs/placement/properties/data_centers/items", &centers),
            ("/$defs/volume/properties/data_center", &centers),
        ] {
            let examples = schema.pointer(&format!("{pointer}/examples")).and_then(Value::as_array);
            let examples = examples.unwrap_or_else(|| panic!("no examples at {pointer}"));
            assert_eq!(examples.iter().filter_map(Value::as_str).collect::<Vec<_>>(), *expected, "{pointer}");
        }
    }

    #[test]
    fn every_word_of_a_closed_list_is_offered() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let words = |pointer: &str| {
            let property = schema.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
            let list = property.pointer("/anyOf/0/enum").and_then(Value::as_array).unwrap();
            list.iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let lists = [
            ("/properties/provider/properties/kind", &["runpod", "simulator"][..]),
            ("/properties/provider/properties/api", &["v2", "v1", "graphql"]),
            ("/$defs/volume/properties/tier", &["standard", "high_performance"]),
            ("/$defs/gpu/anyOf/2/properties/order", &["listed", "price", "availability"]),
            ("/$defs/pod/properties/cloud", &["secure", "community", "any"]),
            ("/$defs/pod/properties/state", &["running", "stopped"]),
            ("/$defs/lifecycle/properties/on_remove", &["terminate", "stop", "forget"]),
            ("/properties/removed/items/properties/then", &["terminate", "stop", "forget"]),
            ("/$defs/lifecycle/properties/on_replace", &["destroy_first", "create_first"]),
            ("/$defs/lifecycle/properties/on_stuck_resume", &["fail", "replace", "wait"]),
        ];
        for (pointer, expected) in lists {
            assert_eq!(words(pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn the_schema_has_the_keys_that_are_decoded() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let sections: [(&str, &Section); 20] = [
            ("", &words::SPEC),
            ("/properties/provider", &words::PROVIDER),
            ("/properties/budget", &words::BUDGET),
            ("/$defs/secret", &words::SECRET),
            ("/$defs/secret/properties/from", &words::SECRET_SOURCE),
            ("/$defs/registry", &words::REGISTRY),
            ("/$defs/volume", &words::VOLUME),
            ("/$defs/pod", &POD),
            ("/$defs/gpu/anyOf/2", &words::GPU),
            ("/$defs/gpuChoice/anyOf/1", &words::GPU_CHOICE),
            ("/$defs/cpu/anyOf/1", &words::CPU),
            ("/$defs/placement", &words::PLACEMENT),
            ("/$defs/mount/anyOf/1", &words::MOUNT),
            ("/$defs/lifecycle", &words::LIFECYCLE),
            ("/$defs/ready", &words::READY),
            ("/$defs/boot", &words::BOOT),
            ("/$defs/retry", &words::RETRY),
            ("/$defs/retry/properties/widen/items", &words::WIDEN),
            ("/properties/moved/items", &words::MOVED),
            ("/properties/removed/items", &words::REMOVED),
        ];
        for (pointer, section) in sections {
            let keys = section.keys.iter().filter(|key| !WITHOUT_EFFECT.contains(key));
            let keys: BTreeSet<String> = keys.map(|key| (*key).to_owned()).collect();
            assert_eq!(keys_at(&schema, pointer), keys, "{}", section.name);
        }
    }
}
