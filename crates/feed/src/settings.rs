//! The numbers of the policy.

use std::time::Duration;

/// The numbers of the policy; the `[feed]` table of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long each [step of a dial](crate::DialStep) may take; there are five at most. Default 10 s.
    pub connect_timeout: Duration,
    /// From one ping to the next. Default 20 s, as in the vendor's Python SDK.
    pub ping_interval: Duration,
    /// From a ping to its pong. Default 10 s.
    pub pong_timeout: Duration,
    /// Upper end of the first backoff delay, which then doubles. Default 1 s.
    pub backoff_base: Duration,
    /// Upper end of every backoff delay. Default 30 s.
    pub backoff_cap: Duration,
    /// How long a connection must be open for delays to start over. Default 30 s.
    pub stable_after: Duration,
    /// Shortest and longest delay in the slow lane. Default 60 s and 180 s, because users see a slot freed 1 to 3
    /// minutes after its socket died.
    pub slow_lane: [Duration; 2],
    /// From our close frame to the peer's when stopping. Default 5 s.
    pub close_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(10),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            stable_after: Duration::from_secs(30),
            slow_lane: [Duration::from_mins(1), Duration::from_mins(3)],
            close_timeout: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// Whether a policy can run on these numbers; if not, the first fault that is found.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let [shortest, longest] = self.slow_lane;
        let durations = [
            ("connect_timeout", self.connect_timeout),
            ("ping_interval", self.ping_interval),
            ("pong_timeout", self.pong_timeout),
            ("backoff_base", self.backoff_base),
            ("backoff_cap", self.backoff_cap),
            ("stable_after", self.stable_after),
            ("slow_lane", shortest),
            ("slow_lane", longest),
            ("close_timeout", self.close_timeout),
        ];
        for (name, duration) in durations {
            if duration.is_zero() {
                return Err(SettingsError::Zero { name });
            }
            if duration > MAX {
                return Err(SettingsError::TooLong { name });
            }
        }
        if self.backoff_base > self.backoff_cap {
            return Err(SettingsError::BackoffReversed { base: self.backoff_base, cap: self.backoff_cap });
        }
        if shortest > longest {
            return Err(SettingsError::SlowLaneReversed { shortest, longest });
        }
        Ok(())
    }
}

/// Longest duration that makes sense in any setting. Our choice: a longer one is a mistake of units.
const MAX: Duration = Duration::from_hours(24);

/// Why a policy cannot run on some [`Settings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A duration is zero.
    #[error("feed.{name} is zero")]
    Zero {
        /// The setting.
        name: &'static str,
    },
    /// A duration is longer than a day.
    #[error("feed.{name} is longer than a day")]
    TooLong {
        /// The setting.
        name: &'static str,
    },
    /// The base of the backoff lies above its cap.
    #[error("feed.backoff_base ({base:?}) is longer than feed.backoff_cap ({cap:?})")]
    BackoffReversed {
        /// `backoff_base`.
        base: Duration,
        /// `backoff_cap`.
        cap: Duration,
    },
    /// The shortest delay of the slow lane lies above its longest.
    #[error("feed.slow_lane runs backwards, from {shortest:?} to {longest:?}")]
    SlowLaneReversed {
        /// First value of `slow_lane`.
        shortest: Duration,
        /// Second value of `slow_lane`.
        longest: Duration,
    },
}

/// A duration in nanoseconds; one that passed [`Settings::validate`] always fits.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Settings), expected: Result<(), SettingsError>) {
        let mut settings = Settings::default();
        change(&mut settings);
        assert_eq!(settings.validate(), expected);
    }

    #[test]
    fn defaults_and_equal_ends_are_fine() {
        check(|_| (), Ok(()));
        check(|s| s.backoff_cap = s.backoff_base, Ok(()));
        check(|s| s.slow_lane = [Duration::from_secs(90); 2], Ok(()));
    }

    #[test]
    fn zero_is_refused_everywhere() {
        let zero = |name| Err(SettingsError::Zero { name });
        check(|s| s.connect_timeout = Duration::ZERO, zero("connect_timeout"));
        check(|s| s.ping_interval = Duration::ZERO, zero("ping_interval"));
        check(|s| s.pong_timeout = Duration::ZERO, zero("pong_timeout"));
        check(|s| s.backoff_base = Duration::ZERO, zero("backoff_base"));
        check(|s| s.backoff_cap = Duration::ZERO, zero("backoff_cap"));
        check(|s| s.stable_after = Duration::ZERO, zero("stable_after"));
        check(|s| s.slow_lane[0] = Duration::ZERO, zero("slow_lane"));
        check(|s| s.slow_lane[1] = Duration::ZERO, zero("slow_lane"));
        check(|s| s.close_timeout = Duration::ZERO, zero("close_timeout"));
    }

    #[test]
    fn ranges_that_run_backwards_and_slips_of_units_are_refused() {
        let (short, long) = (Duration::from_secs(2), Duration::from_secs(31));
        check(
            |s| s.backoff_base = long,
            Err(SettingsError::BackoffReversed { base: long, cap: Duration::from_secs(30) }),
        );
        check(
            |s| s.slow_lane = [long, short],
            Err(SettingsError::SlowLaneReversed { shortest: long, longest: short }),
        );
        check(|s| s.ping_interval = Duration::MAX, Err(SettingsError::TooLong { name: "ping_interval" }));
    }

    #[test]
    fn an_error_names_the_setting_as_the_user_wrote_it() {
        let error =
            SettingsError::BackoffReversed { base: Duration::from_secs(31), cap: Duration::from_secs(30) };
        assert_eq!(error.to_string(), "feed.backoff_base (31s) is longer than feed.backoff_cap (30s)");
    }
}
