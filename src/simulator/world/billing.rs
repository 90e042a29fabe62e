//! What pods and network volumes have cost, by time bucket.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::World;
use super::moment::Moment;
use super::money;
use super::pod::{Compute, Mount, Pod};
use super::volume::{Volume, VolumeId};

/// The length of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Hour,
    /// One day, UTC.
    Day,
    /// Seven days from Monday.
    Week,
    /// One calendar month.
    Month,
    /// One calendar year.
    Year,
}

/// What records are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// One record for each pod and bucket.
    Pod,
    /// One record for each GPU type and bucket; CPU pods share one.
    GpuType,
}

/// What a group cost in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bill {
    /// Micro-dollars for compute.
    pub micros: u64,
    /// Micro-dollars for the container disk and the pod's own volume.
    pub disk_micros: u64,
    /// Milliseconds of paid compute.
    pub millis: u64,
    /// GB of disk that was paid for.
    pub disk: u32,
}

impl World {
    /// Returns what pods cost between two moments, by the begin of the bucket and by group. An unknown price counts nothing.
    pub fn bills(
        &self,
        (from, to): (Moment, Moment),
        bucket: Bucket,
        grouping: Grouping,
        wanted: impl Fn(&Pod) -> bool,
    ) -> BTreeMap<(Moment, String), Bill> {
        let mut bills: BTreeMap<(Moment, String), Bill> = BTreeMap::new();
        for pod in self.all_pods().filter(|pod| wanted(pod)) {
            for (began, ended) in pod.paid_periods(self.now()) {
                for (begin, millis) in bucket.parts(began.max(from), ended.min(to)) {
                    let bill = bills.entry((begin, group(pod, grouping))).or_default();
                    bill.micros += pod.price.unwrap_or_default().micros() * millis / 3_600_000;
                    bill.millis += millis;
                    bill.disk = bill.disk.max(pod.settings.disk);
                }
            }
            for (began, ended, hourly) in disk_periods(pod, self.now()) {
                for (begin, millis) in bucket.parts(began.max(from), ended.min(to)) {
                    let bill = bills.entry((begin, group(pod, grouping))).or_default();
                    bill.disk_micros += hourly * millis / 3_600_000;
                }
            }
        }
        bills
    }

    /// Returns what network volumes cost between two moments, in micro-dollars, by the begin of the bucket and by volume.
    /// A deleted volume leaves no bill, as nothing is left of it here.
    pub fn volume_bills(
        &self,
        (from, to): (Moment, Moment),
        bucket: Bucket,
        wanted: impl Fn(&Volume) -> bool,
    ) -> BTreeMap<(Moment, VolumeId), u64> {
        let mut bills = BTreeMap::new();
        for volume in self.all_volumes().filter(|volume| wanted(volume)) {
            let hourly = money::network_volume(volume.size).micros();
            for (begin, millis) in bucket.parts(volume.created_at.max(from), self.now().min(to)) {
                *bills.entry((begin, volume.id.clone())).or_insert(0) += hourly * millis / 3_600_000;
            }
        }
        bills
    }
}

/// Returns when a pod's disks were paid for, and with how many micro-dollars an hour: its own volume costs twice as much while it is stopped.
fn disk_periods(pod: &Pod, now: Moment) -> Vec<(Moment, Moment, u64)> {
    let own = match pod.mount {
        Mount::Persistent { size, .. } => size,
        Mount::Nothing | Mount::Network { .. } => 0,
    };
    let up = money::container_disk(pod.settings.disk).micros() + money::pod_volume(own, true).micros();
    let stopped = money::pod_volume(own, false).micros();
    let mut periods = Vec::new();
    let mut last = None;
    for (began, ended) in pod.paid_periods(now) {
        periods.extend(last.map(|last| (last, began, stopped)));
        periods.push((began, ended, up));
        last = Some(ended);
    }
    periods.extend(last.map(|last| (last, pod.gone_at().unwrap_or(now), stopped)));
    periods.retain(|(began, ended, hourly)| began < ended && *hourly > 0);
    periods
}

fn group(pod: &Pod, grouping: Grouping) -> String {
    match (grouping, &pod.compute) {
        (Grouping::Pod, _) => pod.id.0.clone(),
        (Grouping::GpuType, Compute::Gpu { id, .. }) => id.clone(),
        (Grouping::GpuType, Compute::Cpu { .. }) => String::new(),
    }
}

impl Bucket {
    /// All lengths, the shortest first.
    pub const ALL: [Bucket; 5] = [Bucket::Hour, Bucket::Day, Bucket::Week, Bucket::Month, Bucket::Year];

    /// Returns the word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Bucket::Hour => "hour",
            Bucket::Day => "day",
            Bucket::Week => "week",
            Bucket::Month => "month",
            Bucket::Year => "year",
        }
    }

    /// Returns the length that a word means.
    pub fn named(name: &str) -> Option<Bucket> {
        Bucket::ALL.into_iter().find(|bucket| bucket.name() == name)
    }

    /// Returns how many milliseconds of a period lie in each bucket that it touches.
    fn parts(self, from: Moment, to: Moment) -> Vec<(Moment, u64)> {
        let (mut at, mut parts) = (from, Vec::new());
        while at < to {
            let begin = self.begin(at);
            let next = self.next(begin).max(at.after(1)).min(to);
            parts.push((begin, next.since(at)));
            at = next;
        }
        parts
    }

    /// Returns when the bucket of a moment begins.
    pub fn begin(self, at: Moment) -> Moment {
        match self {
            Bucket::Hour => Moment::from_millis(at.millis() - at.millis() % 3_600_000),
            Bucket::Day | Bucket::Week | Bucket::Month | Bucket::Year => midnight(self.first_day(date(at))),
        }
    }

    /// Returns when the bucket after the one that begins then begins.
    pub fn next(self, begin: Moment) -> Moment {
        let next = match self {
            Bucket::Hour => return begin.after(3_600_000),
            Bucket::Day => date(begin).tomorrow(),
            Bucket::Week => date(begin).checked_add(jiff::Span::new().days(7)),
            Bucket::Month => date(begin).last_of_month().tomorrow(),
            Bucket::Year => date(begin).last_of_year().tomorrow(),
        };
        midnight(next.unwrap_or(Date::MAX))
    }

    fn first_day(self, day: Date) -> Date {
        match self {
            Bucket::Hour | Bucket::Day => day,
            Bucket::Week => {
                let since_monday = i64::from(day.weekday().since(Weekday::Monday));
                day.checked_sub(jiff::Span::new().days(since_monday)).unwrap_or(day)
            }
            Bucket::Month => day.first_of_month(),
            Bucket::Year => day.first_of_year(),
        }
    }
}

fn date(at: Moment) -> Date {
    let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
    let timestamp = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    timestamp.to_zoned(TimeZone::UTC).date()
}

fn midnight(day: Date) -> Moment {
    let zoned = day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp().as_millisecond());
    Moment::from_millis(zoned.ok().and_then(|millis| u64::try_from(millis).ok()).unwrap_or(u64::MAX))
}
