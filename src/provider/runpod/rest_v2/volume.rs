//! Network volumes on REST v2.

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::{Value, json};

use crate::model::id::{DataCenterId, VolumeId};
use crate::model::live::LiveVolume;
use crate::model::request::VolumeRequest;
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};
use crate::provider::runpod::convert;
use crate::provider::runpod::wire::{Count, Entry, Field, Unfit, Wire, object_id, objects};

objects!(VolumeWire);

pub(super) fn create_body(request: &VolumeRequest) -> Value {
    let VolumeRequest { name, config: VolumeConfig { size, data_center, tier } } = request;
    let tier = match tier {
        VolumeTier::Standard => "STANDARD",
        VolumeTier::HighPerformance => "HIGH_PERFORMANCE",
    };
    json!({ "name": name, "size": size.0, "dataCenter": data_center.as_str(), "type": tier })
}

/// One entry of the listing of network volumes.
pub(super) struct VolumeEntry(pub(super) Entry<LiveVolume, VolumeId>);

impl Field for VolumeEntry {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Ok(VolumeWire::of_object(object)?.map(|wire| Self(volume_entry(wire))))
    }
}

fn volume_entry(mut wire: VolumeWire) -> Entry<LiveVolume, VolumeId> {
    let id = VolumeId::new(object_id(std::mem::take(&mut wire.id), "networkVolumes[].id")?);
    let origin = convert::origin_of_volume(&wire.name);
    Ok((id.clone(), origin, live_volume(id, wire).map(Box::new)))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VolumeWire {
    id: Wire<String>,
    name: Wire<String>,
    size: Wire<Count>,
    data_center: Wire<String>,
    #[serde(rename = "type")]
    tier: Wire<String>,
}

pub(super) fn live_volume(id: VolumeId, wire: VolumeWire) -> Result<LiveVolume, Unfit> {
    let VolumeWire { id: _, name, size, data_center, tier } = wire;
    Ok(LiveVolume {
        id,
        name: name.required("name")?,
        size: size.required("size").map(|Count(size)| Gigabytes(size))?,
        data_center: DataCenterId::new(data_center.required("dataCenter")?),
        tier: tier.optional("type")?.and_then(|word| volume_tier(&word)),
    })
}

pub(super) fn volume_tier(word: &str) -> Option<VolumeTier> {
    match word {
        "STANDARD" => Some(VolumeTier::Standard),
        "HIGH_PERFORMANCE" => Some(VolumeTier::HighPerformance),
        _ => None,
    }
}
