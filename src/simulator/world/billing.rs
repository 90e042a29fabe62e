//! What pods have cost, by time bucket.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::World;
use super::moment::Moment;
use super::pod::{Compute, Pod};

/// The length of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// One hour.
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
    /// Micro-dollars.
    pub micros: u64,
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
                let (mut at, end) = (began.max(from), ended.min(to));
                while at < end {
                    let begin = bucket.begin(at);
                    let next = bucket.next(begin).max(at.after(1)).min(end);
                    let bill = bills.entry((begin, group(pod, grouping))).or_default();
                    let millis = next.since(at);
                    bill.micros += pod.price.unwrap_or_default().micros() * millis / 3_600_000;
                    bill.millis += millis;
                    bill.disk = bill.disk.max(pod.disk);
                    at = next;
                }
            }
        }
        bills
    }
}

fn group(pod: &Pod, grouping: Grouping) -> String {
    match (grouping, &pod.compute) {
        (Grouping::Pod, _) => pod.id.0.clone(),
        (Grouping::GpuType, Compute::Gpu { id, .. }) => id.clone(),
        (Grouping::GpuType, Compute::Cpu { .. }) => String::new(),
    }
}

impl Bucket {
    fn begin(self, at: Moment) -> Moment {
        match self {
            Bucket::Hour => Moment::from_millis(at.millis() - at.millis() % 3_600_000),
            Bucket::Day | Bucket::Week | Bucket::Month | Bucket::Year => midnight(self.first_day(date(at))),
        }
    }

    fn next(self, begin: Moment) -> Moment {
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
