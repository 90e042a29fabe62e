//! Bills: what pods and network volumes cost in each bucket of a window, and in all of it.
//!
//! The window is widened to whole buckets. Records without any cost are left out, as nothing shows that the service sends them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Problem;
use crate::simulator::exchange::Request;
use crate::simulator::world::World;
use crate::simulator::world::billing::{Bill, Bucket, Grouping};
use crate::simulator::world::moment::Moment;
use crate::simulator::world::pod::{Compute, PodId};
use crate::simulator::world::volume::Tier;

/// Thirty days, in milliseconds: how far a window reaches back that does not say.
const USUAL_WINDOW: u64 = 30 * 86_400_000;
/// The most buckets that one request may ask for by their number; the document gives no limit.
const MOST_BUCKETS: u64 = 10_000;

/// The amounts of a record in micro-dollars, by field.
type Amounts = BTreeMap<&'static str, u64>;

/// What a request asks about.
struct Window {
    from: Moment,
    to: Moment,
    bucket: Bucket,
}

impl Window {
    fn of(world: &World, request: &Request) -> Result<Window, Problem> {
        let now = world.now();
        let bucket = match request.parameter("bucketSize") {
            None => Bucket::Day,
            Some(name) => Bucket::named(name).ok_or_else(|| {
                let known = Bucket::ALL.map(|bucket| format!("'{}'", bucket.name())).join(", ");
                Problem::invalid(vec![format!("bucketSize: value must be one of {known}")])
            })?,
        };
        let (start, end) = (time(request, "startTime")?, time(request, "endTime")?);
        let Some(last) = request.parameter("lastN") else {
            let from = start.unwrap_or(Moment::from_millis(now.millis().saturating_sub(USUAL_WINDOW)));
            return Ok(Window::widened(from, end.unwrap_or(now), bucket));
        };
        if start.is_some() || end.is_some() {
            return Err(Problem::new(400, "lastN and startTime/endTime are mutually exclusive"));
        }
        let last = last.parse().ok().filter(|last| (1..=MOST_BUCKETS).contains(last));
        let last = last.ok_or_else(|| Problem::invalid(vec!["lastN: minimum: want 1".to_owned()]))?;
        let before = |at: Moment| bucket.begin(Moment::from_millis(at.millis().saturating_sub(1)));
        let from = (1..last).fold(bucket.begin(now), |at, _| before(at));
        Ok(Window::widened(from, now, bucket))
    }

    fn widened(from: Moment, to: Moment, bucket: Bucket) -> Window {
        let begin = bucket.begin(to);
        let to = if begin == to { to } else { bucket.next(begin) };
        Window { from: bucket.begin(from), to, bucket }
    }

    fn span(&self) -> (Moment, Moment) {
        (self.from, self.to)
    }

    /// Writes the record of a bucket, with what owns it.
    fn record(&self, begin: Moment, amounts: &Amounts, owner: Option<(&str, &str)>) -> Value {
        let mut record = dollars(amounts);
        record.insert("startTime".to_owned(), json!(begin.rfc3339()));
        record.insert("endTime".to_owned(), json!(self.bucket.next(begin).rfc3339()));
        record.extend(owner.map(|(field, id)| (field.to_owned(), json!(id))));
        Value::Object(record)
    }

    fn answer(&self, records: Vec<Value>, totals: &Amounts, filter: Option<(&str, Option<&str>)>) -> Value {
        let mut query = json!({
            "startTime": self.from.rfc3339(), "endTime": self.to.rfc3339(), "bucketSize": self.bucket.name(),
        });
        if let Some((field, Some(id))) = filter {
            query[field] = json!(id);
        }
        json!({
            "metadata": { "query": query, "recordCount": records.len(), "totals": dollars(totals) },
            "records": records,
        })
    }
}

fn time(request: &Request, name: &str) -> Result<Option<Moment>, Problem> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    let wrong = || Problem::invalid(vec![format!("{name}: '{text}' is not valid date-time")]);
    Moment::parse(text).map(Some).ok_or_else(wrong)
}

fn dollars(amounts: &Amounts) -> Map<String, Value> {
    amounts.iter().map(|(field, micros)| ((*field).to_owned(), json!(*micros as f64 / 1e6))).collect()
}

fn add(totals: &mut Amounts, amounts: &Amounts) {
    for (field, micros) in amounts {
        *totals.entry(field).or_insert(0) += micros;
    }
}

fn pod_amounts(world: &World, id: &str, bill: Bill) -> Amounts {
    let Bill { micros, disk_micros, millis: _, disk: _ } = bill;
    let compute = world.any_pod(&PodId(id.to_owned())).map(|pod| &pod.compute);
    let (gpu, cpu) = if matches!(compute, Some(Compute::Cpu { .. })) { (0, micros) } else { (micros, 0) };
    Amounts::from([
        ("totalAmount", micros + disk_micros),
        ("gpuAmount", gpu),
        ("cpuAmount", cpu),
        ("diskAmount", disk_micros),
    ])
}

fn volume_amounts(tier: Option<Tier>, micros: u64) -> Amounts {
    let (standard, fast) = match tier {
        Some(Tier::HighPerformance) => (0, micros),
        Some(Tier::Standard) | None => (micros, 0),
    };
    Amounts::from([("totalAmount", micros), ("standardAmount", standard), ("highPerformanceAmount", fast)])
}

/// Answers what pods cost.
pub(super) fn pods(world: &World, request: &Request) -> Result<Value, Problem> {
    let window = Window::of(world, request)?;
    let filter = request.parameter("podId");
    let bills = world.bills(window.span(), window.bucket, Grouping::Pod, |pod| {
        filter.is_none_or(|wanted| wanted == pod.id.0)
    });
    let mut totals = pod_amounts(world, "", Bill::default());
    let mut records = Vec::new();
    for ((begin, id), bill) in &bills {
        let amounts = pod_amounts(world, id, *bill);
        add(&mut totals, &amounts);
        records.push(window.record(*begin, &amounts, Some(("podId", id))));
    }
    let owners: BTreeSet<&String> = bills.keys().map(|(_, id)| id).collect();
    let mut answer = window.answer(records, &totals, Some(("podId", filter)));
    answer["metadata"]["uniquePodCount"] = json!(owners.len());
    Ok(answer)
}

/// Answers what network volumes cost.
pub(super) fn volumes(world: &World, request: &Request) -> Result<Value, Problem> {
    let window = Window::of(world, request)?;
    let filter = request.parameter("networkVolumeId");
    let wanted = |id: &str| filter.is_none_or(|wanted| wanted == id);
    let bills = world.volume_bills(window.span(), window.bucket, |volume| wanted(&volume.id.0));
    let mut totals = volume_amounts(None, 0);
    let mut records = Vec::new();
    for ((begin, id), micros) in &bills {
        let amounts = volume_amounts(world.volume(&id.0).ok().map(|volume| volume.tier), *micros);
        add(&mut totals, &amounts);
        records.push(window.record(*begin, &amounts, Some(("networkVolumeId", &id.0))));
    }
    let owners: BTreeSet<&str> = bills.keys().map(|(_, id)| id.0.as_str()).collect();
    let mut answer = window.answer(records, &totals, Some(("networkVolumeId", filter)));
    answer["metadata"]["uniqueNetworkVolumeCount"] = json!(owners.len());
    Ok(answer)
}

/// Answers what the whole account cost. There are no clusters and no serverless endpoints here, so those cost nothing.
pub(super) fn all(world: &World, request: &Request) -> Result<Value, Problem> {
    let window = Window::of(world, request)?;
    let mut buckets: BTreeMap<Moment, Amounts> = BTreeMap::new();
    let none = Amounts::from(ACCOUNT_FIELDS.map(|field| (field, 0)));
    let mut put = |begin: Moment, amounts: [(&'static str, u64); 4]| {
        add(buckets.entry(begin).or_insert_with(|| none.clone()), &Amounts::from(amounts));
    };
    for ((begin, id), bill) in world.bills(window.span(), window.bucket, Grouping::Pod, |_| true) {
        let amounts = pod_amounts(world, &id, bill);
        put(
            begin,
            [
                ("totalAmount", amounts["totalAmount"]),
                ("podGpuAmount", amounts["gpuAmount"]),
                ("podCpuAmount", amounts["cpuAmount"]),
                ("podDiskAmount", amounts["diskAmount"]),
            ],
        );
    }
    for ((begin, id), micros) in world.volume_bills(window.span(), window.bucket, |_| true) {
        let amounts = volume_amounts(world.volume(&id.0).ok().map(|volume| volume.tier), micros);
        put(
            begin,
            [
                ("totalAmount", amounts["totalAmount"]),
                ("storageStandardAmount", amounts["standardAmount"]),
                ("storageHighPerformanceAmount", amounts["highPerformanceAmount"]),
                ("podDiskAmount", 0),
            ],
        );
    }
    let mut totals = none;
    buckets.values().for_each(|amounts| add(&mut totals, amounts));
    let records = buckets.iter().map(|(begin, amounts)| window.record(*begin, amounts, None)).collect();
    Ok(window.answer(records, &totals, None))
}

/// The amounts of a record of the whole account.
const ACCOUNT_FIELDS: [&str; 14] = [
    "totalAmount",
    "podGpuAmount",
    "podCpuAmount",
    "podDiskAmount",
    "serverlessGpuAmount",
    "serverlessCpuAmount",
    "serverlessDiskAmount",
    "serverlessFeeAmount",
    "storageStandardAmount",
    "storageHighPerformanceAmount",
    "endpointAmount",
    "clusterGpuAmount",
    "clusterDiskAmount",
    "clusterNetworkingAmount",
];
