//! The catalog beside the GPU types that the names of a spec stand for. Thousands of pods name the same few types,
//! and to match a name is to compare it with every type that RunPod has.

use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::catalog::{Catalog, GpuType};
use crate::model::desired::{ComputeWish, Desired, Wanted};
use crate::model::id::GpuName;
use crate::model::retry::Wider;

/// What RunPod sells, by the names that a spec has for it.
pub(super) struct CatalogIndex<'a> {
    pub(super) catalog: &'a Catalog,
    desired: &'a Desired,
    named: BTreeMap<&'a GpuName, Vec<&'a GpuType>>,
}

impl<'a> CatalogIndex<'a> {
    pub(super) fn new(desired: &'a Desired, catalog: &'a Catalog) -> Self {
        let mut named = BTreeMap::new();
        for wanted in desired.wanted.values() {
            let Wanted::Pod(pod) = wanted else { continue };
            let ComputeWish::Gpu(wish) = &pod.hardware.compute else { continue };
            for choice in &wish.any_of {
                named.entry(&choice.name).or_insert_with(|| catalog.gpus_named(&choice.name));
            }
        }
        for choice in
            desired.retries.values().flat_map(|retry| &retry.widen).flat_map(|wider| &wider.gpu.any_of)
        {
            named.entry(&choice.name).or_insert_with(|| catalog.gpus_named(&choice.name));
        }
        Self { catalog, desired, named }
    }

    /// Returns what a pod accepts as well after a while.
    pub(super) fn wider(&self, address: &Address) -> &'a [Wider] {
        self.desired.retry(address).map_or(&[], |retry| &retry.widen)
    }

    /// Returns the types that a name of the spec stands for.
    pub(super) fn gpus_named(&self, name: &GpuName) -> &[&'a GpuType] {
        self.named.get(name).map_or(&[], Vec::as_slice)
    }
}
