//! Members of an input object, by their types.

use serde_json::{Map, Value};

use crate::simulator::world::order::CudaRule;

pub(super) type Input = Map<String, Value>;

pub(super) fn text(input: &Input, name: &str) -> Option<String> {
    input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn texts(input: &Input, name: &str) -> Vec<String> {
    let items = input.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn number(input: &Input, name: &str) -> Option<u32> {
    input.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
}

pub(super) fn flag(input: &Input, name: &str) -> bool {
    input.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Returns which hosts will do: a list of versions goes before the least one.
pub(super) fn cuda(input: &Input) -> CudaRule {
    let allowed = texts(input, "allowedCudaVersions");
    match text(input, "minCudaVersion").or_else(|| text(input, "cudaVersion")) {
        _ if !allowed.is_empty() => CudaRule::OneOf(allowed),
        Some(least) => CudaRule::AtLeast(least),
        None => CudaRule::Any,
    }
}
