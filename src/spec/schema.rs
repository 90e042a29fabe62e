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
    use crate::spec::words::{self, Section};

    /// Keys of the format that are refused until they have an effect.
    const WITHOUT_EFFECT: &[&str] = &["schedule", "retry", "username", "password"];

    fn keys_at(schema: &Value, pointer: &str) -> BTreeSet<String> {
        let properties = schema.pointer(&format!("{pointer}/properties")).and_then(Value::as_object);
        properties.unwrap_or_else(|| panic!("no properties at {pointer}")).keys().cloned().collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_are_decoded() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let sections: [(&str, &Section); 14] = [
            ("", &words::SPEC),
            ("/properties/provider", &words::PROVIDER),
            ("/properties/budget", &words::BUDGET),
            ("/$defs/secret", &words::SECRET),
            ("/$defs/registry", &words::REGISTRY),
            ("/$defs/volume", &words::VOLUME),
            ("/$defs/pod", &words::POD),
            ("/$defs/gpu/anyOf/2", &words::GPU),
            ("/$defs/gpuChoice/anyOf/1", &words::GPU_CHOICE),
            ("/$defs/cpu/anyOf/1", &words::CPU),
            ("/$defs/placement", &words::PLACEMENT),
            ("/$defs/mount/anyOf/1", &words::MOUNT),
            ("/$defs/lifecycle", &words::LIFECYCLE),
            ("/properties/moved/items", &words::MOVED),
        ];
        for (pointer, section) in sections {
            let keys = section.keys.iter().filter(|key| !WITHOUT_EFFECT.contains(key));
            let keys: BTreeSet<String> = keys.map(|key| (*key).to_owned()).collect();
            assert_eq!(keys_at(&schema, pointer), keys, "{}", section.name);
        }
    }
}
