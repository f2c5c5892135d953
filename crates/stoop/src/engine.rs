//! Starting an engine from a configuration.

use std::time::Duration;

use stoop_live::{Settings, StartError};
use stoop_model::Decision;

use crate::{Config, ConfigError, Key, RuleSetError, Stopper, Summary};

const CLOSE_LEAST: Duration = Duration::from_millis(50);
const CLOSE_MOST: Duration = Duration::from_secs(1);

/// A running engine on a thread of its own. Dropping it stops it and waits for its end.
#[derive(Debug)]
pub struct Engine {
    live: stoop_live::Engine,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no rule to run.
    #[error("there is no rule: without one nothing is ever decided")]
    NoRules,
    /// No key was given.
    #[error("there is no API key")]
    NoKey,
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
#[derive(Debug, Default)]
pub struct EngineBuilder {
    config: Config,
    key: Option<Key>,
    max_frames: Option<u64>,
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

    /// Starts the engine: it dials at once and goes on until it is stopped or refused for good.
    pub fn start(self) -> Result<Engine, EngineError> {
        let rules = self.config.rules()?;
        if rules.rules().is_empty() {
            return Err(EngineError::NoRules);
        }
        let config = self.config;
        let settings = Settings {
            endpoint: config.endpoint,
            auth: config.auth,
            key: self.key.ok_or(EngineError::NoKey)?,
            feed: stoop_feed::Settings {
                // A server that does not answer a close must not hold up a stop.
                close_timeout: config.drain_timeout.clamp(CLOSE_LEAST, CLOSE_MOST),
                ..config.feed
            },
            seed: seed(),
            bounds: config.bounds,
            placement: config.placement.unwrap_or_default(),
            queue_capacity: config.queue_capacity,
            when_full: config.when_full,
            drain_timeout: config.drain_timeout,
            max_frames: self.max_frames,
        };
        Ok(Engine { live: stoop_live::Engine::start(settings, rules)? })
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

    /// The receiving end of the decision queue. It ends when the engine has, after everything queued was taken.
    ///
    /// Every receiver takes from the same queue: a decision goes to one of them.
    pub fn decisions(&self) -> crossbeam_channel::Receiver<Decision> {
        self.live.decisions()
    }

    /// Records that `decision` has just been taken, for the stage `queued→taken`.
    pub fn taken(&self, decision: &Decision) {
        self.live.taken(decision);
    }

    /// What stops this engine from another thread.
    pub fn stopper(&self) -> Stopper {
        self.live.stopper()
    }

    /// Waits for the engine's end; returns counters, latencies and digest.
    pub fn join(self) -> Summary {
        self.live.join()
    }
}
