//! The sections of the file outside of pods: tree to [`Spec`].

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Budget, OnExceed, OnRemove};
use crate::model::id::{DataCenterId, ProjectName, VolumeId};
use crate::model::location::{Location, LocationError};
use crate::model::prior::{Api, ProviderKind};
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;

use super::decode::{Decoder, Fields, no_address};
use super::diagnostic::{Diagnostic, Problem};
use super::forms;
use super::interpolate::{REPLICA, is_variable_name};
use super::registry_section;
use super::secret_section;
use super::sensitive::shown;
use super::source::{Span, Spanned};
use super::syntax::{Move, Provider, Removal, Spec, Volume};
use super::words::{self, Section};
use super::yaml::{Meaning, Node, Value};

/// The format that this program reads.
const VERSION: i64 = 1;

/// RunPod's smallest and largest network volume, in GB.
const VOLUME_SIZES: std::ops::RangeInclusive<u32> = 10..=4096;

/// The longest project name.
const MAX_PROJECT: usize = 40;

/// Reads `vars`. Their values are literal: a variable cannot use another one.
pub(super) fn vars(root: &Node<'_>, decoder: &mut Decoder<'_>) -> BTreeMap<String, String> {
    let Some(entry) = root.get("vars").filter(|entry| decoder.present(entry)) else {
        return BTreeMap::new();
    };
    let mut values = BTreeMap::new();
    let wanted = "a map of variables, such as `TAG: v1.2`";
    for entry in decoder.map(&entry.value, wanted).unwrap_or_default() {
        if !is_variable_name(&entry.key) || entry.key == REPLICA {
            let detail = match &*entry.key {
                REPLICA => "`REPLICA` is the number of a replica and cannot be defined".to_owned(),
                other => format!("{} is no name of a variable: letters, digits and `_`", shown(other)),
            };
            decoder.report(Diagnostic::at(Problem::InvalidName, entry.key_span, detail));
            continue;
        }
        let Some(value) = decoder.verbatim(&entry.value, "a text, a number or a boolean") else {
            continue;
        };
        if value.value.raw().contains("${") {
            let detail = "a variable cannot use another variable";
            decoder.report(Diagnostic::at(Problem::InvalidInterpolation, value.span, detail));
        }
        values.insert(entry.key.clone().into_owned(), value.value.raw().to_owned());
    }
    values
}

/// Reads everything but `vars`, `defaults` and `pods` from the interpolated tree.
pub(super) fn read(root: &Node<'_>, decoder: &mut Decoder<'_>) -> Option<Spec> {
    let fields = decoder.fields(root, &words::SPEC, "a map with `version`, `project` and `pods`")?;
    let start = Span { end: fields.span.start, ..fields.span };
    match fields.get("version") {
        Some(entry) => version(&entry.value, decoder),
        None if fields.meant("version") => {}
        None => decoder.report(
            Diagnostic::at(Problem::MissingKey, start, "a spec needs `version`")
                .help("begin the file with `version: 1`"),
        ),
    }
    let project = fields.read("project", decoder, project);
    if !fields.meant("project") {
        let mistake = Diagnostic::at(Problem::MissingKey, start, "a spec needs `project`")
            .help("add `project: NAME`; it tells the pods of this file from all others of the account");
        decoder.report(mistake);
    }
    Some(Spec {
        project,
        provider: fields.read("provider", decoder, provider).unwrap_or_default(),
        state: state(&fields, decoder),
        secrets: fields.read("secrets", decoder, secret_section::read).unwrap_or_default(),
        registries: fields.read("registries", decoder, registry_section::read).unwrap_or_default(),
        volumes: fields.read("volumes", decoder, volumes).unwrap_or_default(),
        pods: BTreeMap::new(),
        moved: fields.read("moved", decoder, moved).unwrap_or_default(),
        removed: fields.read("removed", decoder, removed).unwrap_or_default(),
        budget: fields.read("budget", decoder, budget).unwrap_or_default(),
        secret_names: names(&fields, "secrets"),
        registry_names: names(&fields, "registries"),
        volume_names: names(&fields, "volumes"),
        pod_names: names(&fields, "pods"),
    })
}

/// Reads those sections of another tool's file that a spec has too, for the mistakes in them.
pub(super) fn read_part(root: &Node<'_>, decoder: &mut Decoder<'_>) {
    if let Some(fields) = decoder.fields(root, &words::SPEC, "a map") {
        fields.read("secrets", decoder, secret_section::read);
        fields.read("volumes", decoder, volumes);
    }
}

fn names(fields: &Fields<'_>, section: &str) -> BTreeSet<String> {
    let entries = fields.get(section).map(|entry| entry.value.entries()).unwrap_or_default();
    entries.iter().map(|entry| entry.key.clone().into_owned()).collect()
}

fn version(node: &Node<'_>, decoder: &mut Decoder<'_>) {
    if node.is_unfilled() {
        return;
    }
    let Value::Scalar(scalar) = &node.value else {
        return decoder.wrong_type(node, "`1`");
    };
    match scalar.meaning() {
        Meaning::Integer(VERSION) => {}
        Meaning::Integer(newer) if newer > VERSION => {
            let detail = format!(
                "version {newer} of the format is newer than this podform, which reads version {VERSION}"
            );
            decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
        }
        Meaning::Null | Meaning::Boolean(_) | Meaning::Integer(_) | Meaning::Float | Meaning::Text => {
            let detail = format!("expected `1`, found {}", shown(&scalar.text));
            let mistake =
                Diagnostic::at(Problem::InvalidValue, node.span, detail).fix(node.span, "1", "write");
            decoder.report(mistake);
        }
    }
}

fn project(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<ProjectName>> {
    let name = decoder.word(node, "a name")?;
    let legal = name.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !legal || name.value.len() > MAX_PROJECT {
        let detail = format!(
            "{} is no project name: lower-case letters, digits and `-`, 1 to {MAX_PROJECT} characters",
            shown(&name.value)
        );
        decoder.report(Diagnostic::at(Problem::InvalidName, name.span, detail));
        return None;
    }
    Some(name.map(ProjectName::new))
}

fn provider(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Provider> {
    let fields = decoder.fields(node, &words::PROVIDER, "a map such as `{ kind: runpod, api: v2 }`")?;
    let kinds = [ProviderKind::Runpod, ProviderKind::Simulator].map(|kind| (kind.word(), kind));
    let apis = [Api::V2, Api::V1, Api::Graphql].map(|api| (api.word(), api));
    Some(Provider {
        kind: fields.read("kind", decoder, |decoder, node| decoder.choice(node, &kinds)),
        api: fields.read("api", decoder, |decoder, node| decoder.choice(node, &apis)),
    })
}

fn budget(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Budget> {
    let fields = decoder.fields(node, &words::BUDGET, "a map such as `{ max_monthly: 5500 }`")?;
    let hourly = |decoder: &mut Decoder<'_>, node: &Node<'_>| {
        decoder.form(node, "USD an hour, such as `14.00`", Problem::InvalidValue, forms::price)
    };
    let monthly = |decoder: &mut Decoder<'_>, node: &Node<'_>| {
        decoder.form(node, "USD a month, such as `5500`", Problem::InvalidValue, forms::monthly)
    };
    let answers = [OnExceed::Fail, OnExceed::Warn].map(|answer| (answer.word(), answer));
    if let Some(entry) = fields.get("on_exceed")
        && ["max_hourly", "max_monthly"].iter().all(|limit| fields.lacks(limit))
    {
        let mistake =
            Diagnostic::at(Problem::NoEffect, entry.key_span, "there is no limit that could be exceeded");
        decoder.report(mistake.help("add `max_hourly` or `max_monthly`"));
    }
    Some(Budget {
        max_hourly: fields.read("max_hourly", decoder, hourly).map(|limit| limit.value),
        max_monthly: fields.read("max_monthly", decoder, monthly).map(|limit| limit.value),
        on_exceed: fields
            .read("on_exceed", decoder, |decoder, node| decoder.choice(node, &answers))
            .map_or_else(OnExceed::default, |answer| answer.value),
    })
}

/// Reads where the state lies, of the two keys that say it.
fn state(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> Option<Spanned<Location>> {
    let file = fields.read("state_file", decoder, state_file);
    let url = fields.read("state_url", decoder, state_url);
    if let (Some(_), Some(second)) = (fields.get("state_file"), fields.get("state_url")) {
        let detail = "a spec has one state, and `state_file` names another one";
        let mistake =
            Diagnostic::at(Problem::ConflictingKeys, second.key_span, detail).help("keep one of the two");
        decoder.report(mistake);
    }
    file.or(url)
}

fn state_file(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Location>> {
    let path = decoder.word(node, "the path of an SQLite file")?;
    if path.value.contains("://") {
        decoder.hidden.push(path.span);
        let mistake = Diagnostic::at(Problem::InvalidValue, path.span, "the path of a file is wanted here")
            .help("a database or a bucket is named by `state_url:`");
        decoder.report(mistake);
        return None;
    }
    Some(path.map(Location::File))
}

fn state_url(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Location>> {
    let url = decoder.word(node, "the URL of a state, such as `s3://BUCKET/PREFIX`")?;
    match url.value.parse() {
        Ok(Location::File(_)) => {
            let mistake = Diagnostic::at(Problem::InvalidValue, url.span, "a URL is wanted here")
                .help("a file is named by `state_file:`");
            decoder.report(mistake);
            None
        }
        Ok(place) => Some(Spanned { value: place, span: url.span }),
        Err(error) => {
            if let LocationError::Secret { .. } = error {
                decoder.hidden.push(url.span);
            }
            decoder.report(Diagnostic::at(Problem::InvalidValue, url.span, error.to_string()));
            None
        }
    }
}

fn volumes(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<BTreeMap<Key, Spanned<Volume>>> {
    let mut volumes = BTreeMap::new();
    let wanted = "a map of network volumes, such as `models: { size: 500GB, data_center: EU-RO-1 }`";
    for entry in decoder.map(node, wanted)? {
        let key = decoder.key(&entry.key, entry.key_span);
        if entry.value.is_null() {
            let detail = format!("the volume {} needs `size` and `data_center`, or `id`", shown(&entry.key));
            decoder.report(Diagnostic::at(Problem::MissingKey, entry.key_span, detail));
            continue;
        }
        let volume = volume(decoder, &entry.value, entry.key_span);
        if let Some((key, volume)) = key.zip(volume) {
            volumes.insert(key, Spanned { value: volume, span: entry.key_span });
        }
    }
    Some(volumes)
}

fn volume(decoder: &mut Decoder<'_>, node: &Node<'_>, key: Span) -> Option<Volume> {
    let wanted = "a map such as `{ size: 500GB, data_center: EU-RO-1 }`";
    let fields = decoder.fields(node, &words::VOLUME, wanted)?;
    if let Some(entry) = fields.get("id") {
        for other in ["size", "data_center", "tier", "protect", "adopt"] {
            if let Some(other) = fields.get(other) {
                let detail =
                    format!("a volume given by `id` is only mounted, so `{}` has no effect", other.key);
                let mistake = Diagnostic::at(Problem::ConflictingKeys, other.key_span, detail)
                    .label(entry.key_span, "given by `id` here")
                    .help("write `adopt` in place of `id` for a volume that podform is to manage");
                decoder.report(mistake);
            }
        }
        let id =
            fields.read("id", decoder, |decoder, node| decoder.word(node, "the id of a network volume"))?;
        return Some(Volume::Referenced(id.map(VolumeId::new)));
    }
    for (required, example) in [("size", "500GB"), ("data_center", "EU-RO-1")] {
        if !fields.meant(required) {
            let detail = format!("a network volume needs `{required}`");
            let help =
                format!("add `{required}: {example}`, or `id:` alone for a volume that podform only mounts");
            decoder.report(Diagnostic::at(Problem::MissingKey, key, detail).help(help));
        }
    }
    let tiers = [VolumeTier::Standard, VolumeTier::HighPerformance].map(|tier| (tier.word(), tier));
    Some(Volume::Managed {
        size: fields.read("size", decoder, volume_size),
        data_center: fields
            .read("data_center", decoder, |decoder, node| {
                decoder.word(node, "a data center such as `EU-RO-1`")
            })
            .map(|id| id.map(DataCenterId::new)),
        tier: fields.read("tier", decoder, |decoder, node| decoder.choice(node, &tiers)),
        protect: fields.read("protect", decoder, |d, node| d.boolean(node)),
        adopt: fields
            .read("adopt", decoder, |decoder, node| decoder.word(node, "the id of a network volume"))
            .map(|id| id.map(VolumeId::new)),
    })
}

fn volume_size(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Gigabytes>> {
    let size = decoder.form(node, "a size such as `500GB`", Problem::InvalidSize, forms::size)?;
    if !VOLUME_SIZES.contains(&size.value.0) {
        let (least, most) = (VOLUME_SIZES.start(), VOLUME_SIZES.end());
        let detail = format!("a network volume has {least}GB to {most}GB");
        decoder.report(Diagnostic::at(Problem::InvalidSize, size.span, detail));
        return None;
    }
    Some(size)
}

fn removed(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Vec<Removal>> {
    let choices =
        [OnRemove::Terminate, OnRemove::Stop, OnRemove::Forget].map(|choice| (choice.word(), choice));
    entries(decoder, node, &words::REMOVED, "{ from: old, then: terminate }", |decoder, fields| {
        let from = fields.read("from", decoder, address);
        let then = fields.read("then", decoder, |d, node| d.choice(node, &choices));
        Some(Removal { from: from?, then: then? })
    })
}

fn moved(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Vec<Move>> {
    entries(decoder, node, &words::MOVED, "{ from: old, to: new }", |decoder, fields| {
        let from = fields.read("from", decoder, address);
        let to = fields.read("to", decoder, address);
        Some(Move { from: from?, to: to? })
    })
}

/// Reads a list of maps that need all of their keys.
fn entries<T>(
    decoder: &mut Decoder<'_>,
    node: &Node<'_>,
    section: &Section,
    example: &str,
    read: impl Fn(&mut Decoder<'_>, &Fields<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let entries = decoder.items(node, &format!("a list such as `[{example}]`"), |decoder, item| {
        let fields = decoder.fields(item, section, &format!("a map such as `{example}`"))?;
        decoder.need_all(&fields, section, None);
        read(decoder, &fields)
    });
    entries.map(|list| list.value)
}

fn address(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Address>> {
    let text = decoder.word(node, "an address such as `llm`, `llm[0]` or `volume.models`")?;
    match text.value.parse::<Address>() {
        Ok(address) => Some(Spanned { value: address, span: text.span }),
        Err(error) => {
            decoder.report(Diagnostic::at(Problem::InvalidMove, text.span, no_address(&error)));
            None
        }
    }
}
