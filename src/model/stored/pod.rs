//! The parts that the spec, the state and the plan have in common.

use serde::{Deserializer, Serializer};

use super::form::{amounts, ids, stored_enums, stored_structs, texts};
use super::{Stored, parsed};
use crate::model::address::{Address, Key};
use crate::model::clock::Timestamp;
use crate::model::desired::{GpuOrder, Ignored, Lifecycle, OnRemove, OnReplace, OnStuckResume};
use crate::model::id::{
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuName, GpuTypeId, Lineage, PodId,
    ProjectName, RegistryId, RemoteId, RunId, RunNonce, SecretId, Serial, TemplateId, VolumeId,
};
use crate::model::marker::Token;
use crate::model::money::{Hourly, Monthly};
use crate::model::pod::{
    Access, Cloud, Compute, EnvValue, Placement, Port, Protocol, Rent, RunState, Storage,
};
use crate::model::prior::{Api, ProviderKind};
use crate::model::ready::{Boot, OnNoBoot, Probe, Ready};
use crate::model::registry::{Credentials, Registry};
use crate::model::seconds::Seconds;
use crate::model::secret::SecretName;
use crate::model::settings::Field;
use crate::model::size::Gigabytes;
use crate::model::value::Value;
use crate::model::volume::{VolumeConfig, VolumeTier};

ids! {
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuName, GpuTypeId, Lineage, PodId, ProjectName,
    RegistryId, RunId, RunNonce, TemplateId, SecretId, VolumeId,
}

texts! { Address = "address", Field = "field", Ignored = "field", Key = "key", Timestamp = "time", Token = "token" }

amounts! { Gigabytes, Hourly, Monthly, Seconds, Serial }

type Mount = Storage<Address>;

stored_enums! {
    RemoteId { "pod" = Pod(id), "volume" = Volume(id), "secret" = Secret(id), "registry" = Registry(id) }
    ProviderKind { "runpod" = Runpod, "simulator" = Simulator }
    Api { "v2" = V2, "v1" = V1, "graphql" = Graphql }
    RunState { "running" = Running, "stopped" = Stopped }
    Cloud { "secure" = Secure, "community" = Community }
    Protocol { "http" = Http, "tcp" = Tcp }
    VolumeTier { "standard" = Standard, "high_performance" = HighPerformance }
    GpuOrder { "listed" = Listed, "price" = Price, "availability" = Availability }
    OnRemove { "terminate" = Terminate, "stop" = Stop, "forget" = Forget }
    OnReplace { "destroy_first" = DestroyFirst, "create_first" = CreateFirst }
    OnStuckResume { "fail" = Fail, "replace" = Replace, "wait" = Wait }
    OnNoBoot { "next_candidate" = NextCandidate, "fail" = Fail }
    Probe { "http" = Http { port, path, statuses }, "tcp" = Tcp { port }, "log" = Log { text } }
    EnvValue { "plain" = Plain(text), "secret" = Secret(name) }
    SecretName { "declared" = Declared(name), "literal" = Literal { address, key } }
    Mount { "none" = None, "local" = Local { size = "size_gb", path }, "network" = Network { volume, path } }
    Value {
        "absent" = Absent, "text" = Text(text), "word" = Word(word), "command" = Command(words), "list" = List(items),
        "number" = Number(number), "size_gb" = Size(size), "switch" = Switch(on), "mount" = Mount(storage),
        "mounted" = Mounted { volume, path }, "lifecycle" = Lifecycle(lifecycle), "secret" = Secret,
        "other_value" = OtherValue, "known_after_apply" = KnownAfterApply,
        "referring" = Referring(text),
    }
    Registry { "given" = Given(id), "made" = Made(address) }
    Rent { "on_demand" = OnDemand, "spot" = Spot { bid } }
    Compute { "gpu" = Gpu { id, count }, "cpu" = Cpu { flavor, vcpus } }
}

stored_structs! {
    Placement { compute, cloud, data_centers, host, rent }
    Port { number, protocol }
    Ready { probe, within = "within_seconds" }
    Boot { within = "within_seconds", or_else = "else" }
    Access { ssh, jupyter }
    Credentials { username, password }
    VolumeConfig { size = "size_gb", data_center, tier }
    Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes }
}
