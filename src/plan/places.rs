//! Whether the places that a spec names exist and have what is wanted there, before anything is created.
//!
//! RunPod refuses a create in a place that it does not have, but by then the rest of the plan may run and be billed.

use std::collections::BTreeSet;

use crate::model::catalog::{Catalog, CatalogPart, DataCenter, LeftOut};
use crate::model::desired::Hardware;
use crate::model::id::{CountryCode, DataCenterId};
use crate::model::settings::Field;
use crate::model::volume::{VolumeConfig, VolumeTier};

/// A place that is no good.
pub(super) struct Misplaced {
    /// The key that names it.
    pub(super) field: Field,
    /// What is wrong with it, and which there are.
    pub(super) why: String,
}

/// What became of a look at places.
pub(super) enum Looked {
    Good,
    /// The catalog does not say.
    NotChecked,
    /// They are no good.
    Bad(Misplaced),
}

/// Looks at the place of a network volume that is to be created.
pub(super) fn of_volume(config: &VolumeConfig, catalog: &Catalog) -> Looked {
    let VolumeConfig { size: _, data_center, tier } = config;
    if is_hidden(data_center, catalog) {
        return Looked::NotChecked;
    }
    let has_tier = |place: &&DataCenter| place.volume_tiers.contains(tier);
    let why = match catalog.data_centers.get(data_center) {
        None => unknown_data_center(data_center, catalog, |place| place.volume_tiers.contains(tier)),
        Some(place) if has_tier(&place) => return Looked::Good,
        Some(place) => {
            let what = match (place.volume_tiers.is_empty(), tier) {
                (true, VolumeTier::Standard | VolumeTier::HighPerformance) => "network volumes".to_owned(),
                (false, tier) => format!("network volumes of the tier `{}`", tier.word()),
            };
            let others = catalog.data_centers.values().filter(has_tier).map(|place| place.id.as_str());
            format!("`{data_center}` has no {what}; these have: {}", listed(others))
        }
    };
    Looked::Bad(Misplaced { field: Field::DataCenter, why })
}

/// Looks at the places that a pod may be created in.
pub(super) fn of_pod(hardware: &Hardware, catalog: &Catalog) -> Looked {
    let Hardware { compute: _, cloud: _, data_centers, countries, max_price: _ } = hardware;
    if data_centers.is_empty() && countries.is_empty() {
        return Looked::Good;
    }
    if catalog.unread.contains_key(&CatalogPart::DataCenters)
        || data_centers.iter().any(|id| is_hidden(id, catalog))
    {
        return Looked::NotChecked;
    }
    if let Some(unknown) = data_centers.iter().find(|id| !catalog.data_centers.contains_key(id)) {
        let why = unknown_data_center(unknown, catalog, |_| true);
        return Looked::Bad(Misplaced { field: Field::DataCenter, why });
    }
    let known: BTreeSet<&CountryCode> =
        catalog.data_centers.values().filter_map(|place| place.country.as_ref()).collect();
    if let Some(unknown) = countries.iter().find(|country| !known.contains(country)) {
        let there = listed(known.iter().map(|country| country.as_str()));
        let why = format!("RunPod has no data center in `{unknown}`; it has some in: {there}");
        return Looked::Bad(Misplaced { field: Field::Country, why });
    }
    Looked::Good
}

/// Tells whether the catalog can say nothing about a data center.
fn is_hidden(id: &DataCenterId, catalog: &Catalog) -> bool {
    let is_it = |entry: &LeftOut| {
        let LeftOut { part, id: left_out, why: _ } = entry;
        // One without an id can be any of them.
        *part == CatalogPart::DataCenters && left_out.as_ref().is_none_or(|left_out| left_out == id.as_str())
    };
    catalog.unread.contains_key(&CatalogPart::DataCenters)
        || !catalog.data_centers.contains_key(id) && catalog.left_out.iter().any(is_it)
}

/// Names the nearest of the data centers that would do, or all of them.
fn unknown_data_center(
    id: &DataCenterId,
    catalog: &Catalog,
    would_do: impl Fn(&DataCenter) -> bool,
) -> String {
    let fitting: Vec<&str> = catalog
        .data_centers
        .values()
        .filter(|place| would_do(place))
        .map(|place| place.id.as_str())
        .collect();
    let typed = id.as_str().to_ascii_uppercase();
    let distance = |known: &&&str| strsim::damerau_levenshtein(&typed, known);
    let near = fitting.iter().min_by_key(distance).filter(|known| distance(known) <= FARTHEST);
    match near {
        Some(near) => format!("RunPod has no data center `{id}`; did you mean `{near}`?"),
        None => format!("RunPod has no data center `{id}`; there are: {}", listed(fitting.into_iter())),
    }
}

/// The most letters in which a misspelt name differs from the one that is meant.
const FARTHEST: usize = 2;

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
