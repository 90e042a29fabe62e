//! Secrets of the account on REST v2, which never shows their values.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::model::id::SecretId;
use crate::model::live::{LiveSecret, Origin};
use crate::provider::runpod::wire::{Entry, Field, Unfit, Wire, object_id, objects};

objects!(SecretWire);

/// One entry of the listing of secrets.
pub(super) struct SecretEntry(pub(super) Entry<LiveSecret, SecretId>);

impl Field for SecretEntry {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Ok(SecretWire::of_object(object)?.map(|wire| Self(secret_entry(wire))))
    }
}

fn secret_entry(mut wire: SecretWire) -> Entry<LiveSecret, SecretId> {
    let id = SecretId::new(object_id(std::mem::take(&mut wire.id), "secrets[].id")?);
    Ok((id.clone(), Origin::NotTold, live_secret(id, wire).map(Box::new)))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct SecretWire {
    id: Wire<String>,
    name: Wire<String>,
    description: Wire<String>,
    value_last_updated_at: Wire<String>,
}

fn live_secret(id: SecretId, wire: SecretWire) -> Result<LiveSecret, Unfit> {
    let SecretWire { id: _, name, description, value_last_updated_at } = wire;
    let value_set_at = value_last_updated_at.optional("valueLastUpdatedAt")?;
    Ok(LiveSecret {
        id,
        name: name.required("name")?,
        description: description.optional("description")?,
        value_set_at: value_set_at.and_then(|text| text.parse().ok()),
    })
}
