//! Rate limits: three fixed windows, counted in the caller's time and not in the world's, so that `Retry-After` is true for who waits.

/// How many requests are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaSetting {
    /// Any number; no headers are sent, as RunPod does for exempt callers.
    Unlimited,
    /// So many a minute, fifty times that an hour and eight hundred times that a day.
    PerMinute(u32),
}

/// One window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    name: &'static str,
    seconds: u64,
    allowed: u64,
    began: u64,
    used: u64,
}

/// The state of the windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    windows: Vec<Window>,
}

/// What a request meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It may go on.
    Allowed,
    /// It is over the limit of a window.
    Exceeded {
        /// The window's name.
        window: &'static str,
        /// Whole seconds until it begins anew.
        retry_after: u64,
    },
}

impl Quota {
    /// Makes fresh windows.
    pub fn new(setting: QuotaSetting) -> Quota {
        let window = |name, seconds, allowed| Window { name, seconds, allowed, began: 0, used: 0 };
        let windows = match setting {
            QuotaSetting::Unlimited => Vec::new(),
            QuotaSetting::PerMinute(minute) => {
                let minute = u64::from(minute);
                vec![
                    window("minute", 60, minute),
                    window("hour", 3_600, minute * 50),
                    window("day", 86_400, minute * 800),
                ]
            }
        };
        Quota { windows }
    }

    /// Counts a request at `now`, in milliseconds of the caller's time; a refused request counts too.
    pub fn count(&mut self, now: u64) -> Ruling {
        let mut ruling = Ruling::Allowed;
        for window in &mut self.windows {
            let length = window.seconds * 1000;
            if now >= window.began + length {
                window.began = now - (now - window.began) % length;
                window.used = 0;
            }
            window.used += 1;
            if window.used > window.allowed && ruling == Ruling::Allowed {
                ruling = Ruling::Exceeded { window: window.name, retry_after: window.left(now) };
            }
        }
        ruling
    }

    /// Returns the `RateLimit` and `RateLimit-Policy` headers, or nothing without a limit.
    pub fn headers(&self, now: u64) -> Vec<(&'static str, String)> {
        if self.windows.is_empty() {
            return Vec::new();
        }
        let left = self.windows.iter().map(|window| {
            let remaining = window.allowed.saturating_sub(window.used);
            format!("\"{}\";r={remaining};t={}", window.name, window.left(now))
        });
        let policy = self
            .windows
            .iter()
            .map(|window| format!("\"{}\";q={};w={}", window.name, window.allowed, window.seconds));
        vec![
            ("ratelimit", left.collect::<Vec<_>>().join(", ")),
            ("ratelimit-policy", policy.collect::<Vec<_>>().join(", ")),
        ]
    }
}

impl Window {
    /// Whole seconds until the window begins anew, at least 1.
    fn left(&self, now: u64) -> u64 {
        (self.began + self.seconds * 1000).saturating_sub(now).div_ceil(1000).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_empties_and_begins_anew() {
        let mut quota = Quota::new(QuotaSetting::PerMinute(2));
        assert_eq!([quota.count(0), quota.count(10_000)], [Ruling::Allowed, Ruling::Allowed]);
        assert_eq!(quota.count(47_500), Ruling::Exceeded { window: "minute", retry_after: 13 });
        assert_eq!(
            quota.headers(47_500),
            [
                ("ratelimit", r#""minute";r=0;t=13, "hour";r=97;t=3553, "day";r=1597;t=86353"#.to_owned()),
                (
                    "ratelimit-policy",
                    r#""minute";q=2;w=60, "hour";q=100;w=3600, "day";q=1600;w=86400"#.to_owned()
                ),
            ]
        );
        assert_eq!(quota.count(60_500), Ruling::Allowed);
    }

    #[test]
    fn without_a_limit_there_are_no_headers() {
        let mut quota = Quota::new(QuotaSetting::Unlimited);
        assert_eq!((quota.count(0), quota.headers(0)), (Ruling::Allowed, Vec::new()));
    }
}
