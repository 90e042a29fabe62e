//! The world's own time, in milliseconds since 1970. It moves only when the world is told to.

use serde::{Deserialize, Serialize};

/// A point of world time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment(u64);

impl Moment {
    /// 2 November 2026, 09:00 UTC: when a world begins unless it is told otherwise.
    pub const EPOCH: Moment = Moment(1_793_610_000_000);

    /// Returns the moment so many milliseconds after 1970.
    pub const fn from_millis(millis: u64) -> Moment {
        Moment(millis)
    }

    /// Reads RFC 3339; times before 1970 are none.
    pub fn parse(text: &str) -> Option<Moment> {
        let time: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(time.as_millisecond()).ok().map(Moment)
    }

    /// Returns the milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// Returns the moment `millis` later.
    #[must_use]
    pub fn after(self, millis: u64) -> Moment {
        Moment(self.0.saturating_add(millis))
    }

    /// Returns the moment so many seconds later, or earlier if they are negative.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Moment {
        Moment(self.0.saturating_add_signed(seconds.saturating_mul(1000)))
    }

    /// Returns the milliseconds from `earlier` to this, or 0 if it is not earlier.
    pub fn since(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns RFC 3339 in whole seconds, as REST v2 writes times.
    pub fn rfc3339(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%SZ")
    }

    /// Returns RFC 3339 with milliseconds, as REST v1 and GraphQL write times.
    pub fn rfc3339_millis(self) -> String {
        format!("{}.{:03}Z", self.format("%Y-%m-%dT%H:%M:%S"), self.0 % 1000)
    }

    /// Returns the form of the HTTP `Date` header.
    pub fn http_date(self) -> String {
        self.format("%a, %d %b %Y %H:%M:%S GMT")
    }

    /// Returns the form in which a JavaScript `Date` prints itself, used in `lastStatusChange`.
    pub fn javascript(self) -> String {
        self.format("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")
    }

    fn format(self, form: &str) -> String {
        let second = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        // A clock beyond the year 9999 reads as its end rather than as a failure.
        jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX).strftime(form).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_api_writes_time_in_its_own_form() {
        let moment = Moment::EPOCH.after(1_144);
        assert_eq!(moment.rfc3339(), "2026-11-02T09:00:01Z");
        assert_eq!(moment.rfc3339_millis(), "2026-11-02T09:00:01.144Z");
        assert_eq!(moment.http_date(), "Mon, 02 Nov 2026 09:00:01 GMT");
        assert_eq!(moment.javascript(), "Mon Nov 02 2026 09:00:01 GMT+0000 (Coordinated Universal Time)");
    }
}
