//! Whether to dial again, and after how long.

use std::fmt;
use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::cause::Verdict;
use crate::settings::nanos;
use crate::{Cause, Settings};

/// Delay in the fast lane, as the vendor's SDKs wait after close 1012.
const RESTART_NS: i64 = 100_000_000;

/// Shortest delay in the backoff lane. Our choice: full jitter may draw next to nothing several times in a row, and
/// each dial costs the server a TLS handshake.
const FLOOR_NS: i64 = 50_000_000;

/// Slow tries after a refusal when a connection has been stable before. Our choice: at one to three minutes each they
/// outlast a short outage at the vendor, and a key that has been revoked is reported within ten minutes.
const REFUSALS: u32 = 3;

/// How the delay before a dial is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// 100 ms: the server has announced that it restarts. Used once until a connection is stable again, so that a
    /// server that restarts in a loop is not hammered.
    Fast,
    /// Exponential backoff with full jitter: uniform between 50 ms and
    /// `min(backoff_cap, backoff_base * 2^n)`, where `n` counts the tries in this lane.
    Backoff,
    /// Uniform over `slow_lane`.
    Slow,
}

impl Lane {
    /// The name as printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Backoff => "backoff",
            Self::Slow => "slow",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The next dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) after: Duration,
    pub(crate) lane: Lane,
    pub(crate) attempt: u32,
}

/// The memory from one connection to the next, and the jitter.
#[derive(Debug, Clone)]
pub(crate) struct Retries {
    settings: Settings,
    rng: Pcg64,
    /// A connection has been stable at some time, so the key and the plan were good then.
    proven: bool,
    streak: Streak,
}

/// What happened since a connection was last stable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Streak {
    /// Tries in any lane.
    pub(crate) attempts: u32,
    /// Tries in the backoff lane.
    pub(crate) backoffs: u32,
    /// Refusals met with a slow try.
    pub(crate) refusals: u32,
    /// The fast lane is used up.
    pub(crate) restarted: bool,
}

impl Retries {
    /// `settings` are valid.
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self { settings, rng: Pcg64::seed_from_u64(seed), proven: false, streak: Streak::default() }
    }

    pub(crate) fn proven(&self) -> bool {
        self.proven
    }

    pub(crate) fn streak(&self) -> Streak {
        self.streak
    }

    /// A connection has been open for `stable_after`: every delay starts over.
    pub(crate) fn stable(&mut self) {
        self.proven = true;
        self.streak = Streak::default();
    }

    /// The next dial after an end for this cause; `None`: never again.
    pub(crate) fn next(&mut self, cause: Cause) -> Option<Retry> {
        let lane = self.lane(cause.verdict())?;
        let after = Duration::from_nanos(self.delay_ns(lane).unsigned_abs());
        self.streak.attempts = self.streak.attempts.saturating_add(1);
        Some(Retry { after, lane, attempt: self.streak.attempts })
    }

    fn lane(&mut self, verdict: Verdict) -> Option<Lane> {
        match verdict {
            Verdict::Fatal => None,
            Verdict::Refused => {
                if !self.proven || self.streak.refusals == REFUSALS {
                    return None;
                }
                self.streak.refusals += 1;
                Some(Lane::Slow)
            }
            Verdict::Limit => Some(Lane::Slow),
            Verdict::Restart if !self.streak.restarted => {
                self.streak.restarted = true;
                Some(Lane::Fast)
            }
            // A second restart in a row takes the same way as any other end.
            Verdict::Restart | Verdict::Again => Some(Lane::Backoff),
        }
    }

    fn delay_ns(&mut self, lane: Lane) -> i64 {
        match lane {
            Lane::Fast => RESTART_NS,
            Lane::Backoff => {
                let (base, cap) = (nanos(self.settings.backoff_base), nanos(self.settings.backoff_cap));
                let doubled = 1_i64.checked_shl(self.streak.backoffs).map_or(cap, |n| base.saturating_mul(n));
                // 1 << 63 would be negative. The cap is reached long before.
                self.streak.backoffs = (self.streak.backoffs + 1).min(62);
                self.between(FLOOR_NS.min(base), doubled.min(cap))
            }
            // Jittered too, so that several programs with one key do not come back at the same moment.
            Lane::Slow => {
                let [shortest, longest] = self.settings.slow_lane;
                self.between(nanos(shortest), nanos(longest))
            }
        }
    }

    /// Uniform over `low..=high`, both not negative and `low <= high`.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u128::from((high - low).unsigned_abs()) + 1;
        // Multiply and shift: no loop, and for spans under a day a bias below one in 2^17.
        low + ((u128::from(self.rng.next_u64()) * span) >> 64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransportError;

    const RESET: Cause = Cause::Transport(TransportError::Reset);

    fn retries(seed: u64) -> Retries {
        Retries::new(Settings::default(), seed)
    }

    #[test]
    fn backoff_is_uniform_up_to_a_doubling_ceiling_with_a_cap() {
        let ceilings_ms = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
        let runs = 2_000;
        let mut delays_ms = vec![Vec::new(); ceilings_ms.len()];
        for seed in 0..runs {
            let mut retries = retries(seed);
            for delays in &mut delays_ms {
                delays.push(retries.next(RESET).unwrap().after.as_secs_f64() * 1e3);
            }
        }
        for (delays, ceiling) in delays_ms.iter().zip(ceilings_ms.map(f64::from)) {
            let span = ceiling - 50.0;
            assert!(delays.iter().all(|&delay| (50.0..=ceiling).contains(&delay)), "up to {ceiling} ms");
            for tenth in 0..10 {
                let from = 50.0 + span * f64::from(tenth) / 10.0;
                let hits =
                    delays.iter().filter(|&&delay| (from..from + span / 10.0).contains(&delay)).count();
                // 200 expected, standard deviation 13.4: six of them.
                assert!((120..280).contains(&hits), "{hits} of {runs} in tenth {tenth} up to {ceiling} ms");
            }
        }
    }

    #[test]
    fn the_ceiling_never_overflows() {
        let settings = Settings { backoff_cap: Duration::from_hours(24), ..Settings::default() };
        let mut retries = Retries::new(settings, 1);
        for _ in 0..1_000 {
            assert!(retries.next(RESET).unwrap().after <= settings.backoff_cap);
        }
    }

    #[test]
    fn a_base_below_the_floor_is_the_floor() {
        let tiny = Duration::from_millis(2);
        let settings = Settings { backoff_base: tiny, backoff_cap: tiny, ..Settings::default() };
        assert_eq!(Retries::new(settings, 3).next(RESET).unwrap().after, tiny);
    }

    #[test]
    fn the_slow_lane_stays_in_its_range_and_does_not_escalate_the_backoff() {
        let mut retries = retries(5);
        for _ in 0..500 {
            let after = retries.next(Cause::HttpTooMany).unwrap().after.as_secs();
            assert!((60..=180).contains(&after), "{after}");
        }
        assert!(retries.next(RESET).unwrap().after <= Duration::from_secs(1));
    }

    #[test]
    fn the_fast_lane_is_open_once_until_stable() {
        let mut retries = retries(1);
        let mut lanes =
            |n| (0..n).map(|_| retries.next(Cause::CloseRestart).unwrap().lane).collect::<Vec<_>>();
        assert_eq!(lanes(3), [Lane::Fast, Lane::Backoff, Lane::Backoff]);
        retries.stable();
        assert_eq!(retries.next(Cause::CloseRestart).unwrap().lane, Lane::Fast);
    }

    #[test]
    fn a_refusal_is_fatal_at_first_and_after_three_slow_tries_later() {
        for cause in [Cause::HttpBadRequest, Cause::HttpUnauthorized, Cause::HttpForbidden, Cause::ClosePlan]
        {
            let mut retries = retries(1);
            assert_eq!(retries.next(cause), None, "{cause}");
            retries.stable();
            for attempt in 1..=3 {
                let retry = retries.next(cause).unwrap();
                assert_eq!((retry.lane, retry.attempt), (Lane::Slow, attempt), "{cause}");
            }
            assert_eq!(retries.next(cause), None, "{cause}");
        }
    }

    #[test]
    fn an_invalid_key_is_fatal_even_after_stable() {
        let mut retries = retries(1);
        retries.stable();
        assert_eq!(retries.next(Cause::CloseInvalidKey), None);
    }
}
