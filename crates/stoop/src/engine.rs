//! Starting an engine from a configuration.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use stoop_engine::Strategy;
use stoop_live::{Settings, StartError};
#[cfg(feature = "tape")]
use stoop_live::{TapeCheck, TapeSettings};

use crate::{Config, ConfigError, Key, RuleSetError, Summary};

const CLOSE_LEAST: Duration = Duration::from_millis(50);
const CLOSE_MOST: Duration = Duration::from_secs(1);

/// A running engine on a thread of its own: everything that [`stoop_live::Engine`] does. Dropping it stops it and waits
/// for its end.
#[derive(Debug)]
pub struct Engine {
    live: stoop_live::Engine,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is neither a rule nor a strategy to run.
    #[error("there is no rule: without one nothing is ever decided")]
    NoRules,
    /// No key was given.
    #[error("there is no API key")]
    NoKey,
    /// The configuration asks for what this build of the crate cannot do.
    #[error("the configuration has `{setting}`, and this build of stoop lacks the cargo feature `{feature}`")]
    Feature {
        /// What it asks for.
        setting: &'static str,
        /// The feature that does it.
        feature: &'static str,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] RuleSetError),
    /// The engine did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What an engine is started from.
#[derive(Default)]
pub struct EngineBuilder {
    config: Config,
    key: Option<Key>,
    max_frames: Option<u64>,
    status_every: Option<Duration>,
    strategies: Vec<Box<dyn Strategy>>,
    may_decide_nothing: bool,
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("config", &self.config)
            .field("key", &self.key)
            .field("max_frames", &self.max_frames)
            .field("status_every", &self.status_every)
            .field("strategies", &self.strategies.len())
            .field("may_decide_nothing", &self.may_decide_nothing)
            .finish()
    }
}

impl EngineBuilder {
    /// The configuration; without it everything is at its default and there is no rule.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The API key.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Stop after this many frames.
    #[must_use]
    pub fn max_frames(mut self, frames: u64) -> Self {
        self.max_frames = Some(frames);
        self
    }

    /// Tell the counters that often, as a notice; at most every millisecond.
    #[must_use]
    pub fn status_every(mut self, every: Duration) -> Self {
        self.status_every = Some(every.max(Duration::from_millis(1)));
        self
    }

    /// User code beside the rules. Strategies are asked in the order they are given, after all rules.
    #[must_use]
    pub fn strategy(mut self, strategy: impl Strategy + 'static) -> Self {
        self.strategies.push(Box::new(strategy));
        self
    }

    /// Starts without rules too: what comes is recorded, and nothing decided.
    #[must_use]
    pub fn without_rules(mut self) -> Self {
        self.may_decide_nothing = true;
        self
    }

    /// Starts the engine: it dials at once and goes on until it is stopped or refused for good.
    pub fn start(self) -> Result<Engine, EngineError> {
        if let Some(error) = self.config.missing() {
            return Err(error);
        }
        #[cfg(feature = "tape")]
        let has_strategies = !self.strategies.is_empty();
        let rules = self.config.rules_with(self.strategies)?;
        if rules.rules().is_empty() && !self.may_decide_nothing {
            return Err(EngineError::NoRules);
        }
        let config = self.config;
        #[cfg(feature = "tape")]
        let tape = config.tape.as_ref().map(|tape| TapeSettings {
            dir: tape.dir.clone(),
            config: config.to_tape(),
            max_bytes: tape.max_bytes,
            max_ns: i64::try_from(tape.max_time.as_nanos()).unwrap_or(i64::MAX),
            // Strategies are not on a tape: what they have decided cannot be decided again from it.
            check: (tape.parity && !has_strategies).then(|| TapeCheck::new(crate::tape::check)),
        });
        let settings = Settings {
            endpoints: config.endpoints,
            api: Some(config.api),
            auth: config.auth,
            key: self.key.ok_or(EngineError::NoKey)?,
            feed: stoop_feed::Settings {
                // A server that does not answer a close must not hold up a stop.
                close_timeout: config.drain_timeout.clamp(CLOSE_LEAST, CLOSE_MOST),
                ..config.feed
            },
            backfill: config.backfill,
            seed: seed(),
            bounds: config.bounds,
            placement: config.placement.unwrap_or_default(),
            queue_capacity: config.queue_capacity,
            when_full: config.when_full,
            drain_timeout: config.drain_timeout,
            max_frames: self.max_frames,
            status_every: self.status_every,
            #[cfg(feature = "store")]
            store: config.store,
            #[cfg(feature = "tape")]
            tape,
        };
        Ok(Engine { live: stoop_live::Engine::start(settings, rules)? })
    }
}

impl Config {
    /// What has been set in code that this build cannot do.
    fn missing(&self) -> Option<EngineError> {
        let asked = [
            ("store", self.store.is_some(), cfg!(feature = "store")),
            ("tape", self.tape.is_some(), cfg!(feature = "tape")),
            ("backfill", self.backfill.is_some(), cfg!(feature = "rest")),
        ];
        let missing = asked.iter().find(|(_, is_set, is_built)| *is_set && !is_built);
        missing.map(|(setting, ..)| {
            let feature = if *setting == "backfill" { "rest" } else { setting };
            EngineError::Feature { setting, feature }
        })
    }
}

/// A seed for the jitter of reconnects, so that many clients do not come back at once. Reaches no decision.
fn seed() -> u64 {
    stoop_live::Clock::anchored().now_ns().unsigned_abs()
}

impl Engine {
    /// Begins to build one.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Waits for the engine's end; returns counters, latencies and digest. Does not ask for the end.
    pub fn join(self) -> Summary {
        self.live.join()
    }
}

impl Deref for Engine {
    type Target = stoop_live::Engine;

    fn deref(&self) -> &stoop_live::Engine {
        &self.live
    }
}
