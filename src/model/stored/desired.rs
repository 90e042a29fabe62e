//! What a spec wants.

use super::form::{stored_enums, stored_structs};
use super::{Stored, parsed};
use crate::model::desired::{
    AtOnce, Budget, CloudWish, ComputeWish, CpuWish, CudaWish, Deselected, Desired, GpuChoice, GpuCount,
    GpuWish, Hardware, HostLimits, MemoryRange, Move, OnExceed, Wanted, WantedPod, WantedSecret,
    WantedVolume,
};
use crate::model::job::{Job, Then, Until};
use crate::model::location::Location;
use crate::model::secret::SecretSource;
use crate::model::template::{FromTemplate, TemplateVolume};
use serde::{Deserializer, Serializer};

stored_enums! {
    OnExceed { "fail" = Fail, "warn" = Warn }
    Wanted { "pod" = Pod(pod), "volume" = Volume(volume), "secret" = Secret(secret), "registry" = Registry(credentials) }
    WantedVolume { "managed" = Managed { config, protect, adopt }, "referenced" = Referenced { id } }
    SecretSource { "env" = Env(variable), "file" = File(path) }
    CloudWish { "only" = Only(cloud), "any" = Any }
    ComputeWish { "gpu" = Gpu(wish), "cpu" = Cpu(wish) }
    AtOnce { "number" = Number(count), "percent" = Percent(percent) }
    Then { "stop" = Stop, "terminate" = Terminate, "keep" = Keep }
    Until { "done" = Done, "ended" = Ended }
    CudaWish { "any" = Any, "at_least" = AtLeast(version), "one_of" = OneOf(versions) }
}

stored_structs! {
    Desired { project, wanted, out_of_scope, replicated, dropped, protected, moved, removed, ready, boot, retries, secrets, budget }
    Deselected { profiles, run, is_job }
    Budget { max_hourly, max_monthly, on_exceed }
    Move { from, to }
    WantedPod {
        container, hardware, unwanted_env, access, run, job, lifecycle, at_once, depends_on, until, numbered, adopt,
        template, labels,
    }
    Job { then, rerun_on }
    FromTemplate { id, fields, missing, volume, cuda }
    TemplateVolume { size, path }
    WantedSecret { name }
    Hardware { compute, cloud, data_centers, countries, max_price }
    GpuWish { any_of, order, count, memory, host, rent }
    HostLimits { cuda, min_vcpu, min_memory = "min_memory_gb" }
    GpuChoice { name, count, max_price }
    GpuCount { least, most }
    MemoryRange { min, max }
    CpuWish { flavors, vcpus }
}

/// A place is stored as a spec has it.
impl Stored for Location {
    const TEXT: bool = true;

    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.written())
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from, "place of a state", |text| text.parse().ok())
    }
}
